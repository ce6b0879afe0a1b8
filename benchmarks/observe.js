// What a script in the page could know about the task in sight; evaluated by benchmarks.blinding.
() => {
  const form = document.querySelector("form.answer");
  const desk = form.closest("#desk") ?? document.querySelector("main");
  const elements = [...desk.querySelectorAll("*")];
  const attributes = elements.flatMap((element) => [...element.attributes].map((own) => own.name));
  const sum = (texts) => texts.reduce((total, text) => total + text.length, 0);
  const html = document.documentElement.outerHTML;
  return {
    token: form.dataset.token,
    html,
    address: location.href,
    title: document.title,
    stored: JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
    names: performance.getEntriesByType("resource").map((entry) => entry.name).join(" "),
    numbers: {
      elements: elements.length,
      text: desk.textContent.length,
      page_elements: document.querySelectorAll("*").length,
      attributes: attributes.length,
      classes: sum(elements.map((element) => element.getAttribute("class") ?? "")),
      ids: elements.filter((element) => element.id).length,
      markup: desk.innerHTML.length - desk.textContent.length,
      page_markup: html.length - desk.innerHTML.length,
      address_length: location.href.length,
      title_length: document.title.length,
      history: history.length,
      stored_local: Object.keys(localStorage).length,
      stored_session: Object.keys(sessionStorage).length,
      cookie: document.cookie.length,
      token_first: form.dataset.token.charCodeAt(0),
      token_last: form.dataset.token.charCodeAt(form.dataset.token.length - 1),
      lease: Number(form.dataset.leaseSeconds),
    },
  };
}
