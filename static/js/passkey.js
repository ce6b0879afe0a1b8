// Ties the page's button to allauth's ceremony, and says so where it fails.
const button = document.getElementById("passkey");
const fault = document.getElementById("passkey-fault");

window.allauth.webauthn.forms[button.dataset.passkey]({
  ids: { add: button.id, authenticate: button.id, credential: button.dataset.credential, data: "js_data" },
});
document.getElementById("passkey-needs").hidden = true;
button.addEventListener("click", () => (fault.hidden = true));
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  fault.hidden = false;
});
