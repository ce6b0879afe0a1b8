"""Tasks in a real Chromium, with the page's own style sheets, script and Content Security Policy, but without a server.

Everything the browser asks for is answered here or noted as a request that left the page.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from labeling.views.reading import read_task

ORIGIN = "http://stage.example"
STATIC = Path(settings.BASE_DIR) / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".html": "text/html; charset=utf-8"}
POLICY = "; ".join(
    f"{name} {' '.join(sources)}" for name, sources in settings.CONTENT_SECURITY_POLICY["DIRECTIVES"].items()
)
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Stage</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/vendor/pico/pico.min.css"><link rel="stylesheet" href="/static/css/app.css">
<link rel="stylesheet" href="/static/css/reading.css"><link rel="stylesheet" href="/static/css/desk.css"></head>
<body class="working"><main><h1 class="visually-hidden">Stage</h1><div class="desk {kind}">
<div class="task">{body}</div>
<form class="answer"><label>Rationale <textarea id="rationale"></textarea></label></form></div></main></body></html>"""
WATCH = """
window.broken = [];
document.addEventListener("securitypolicyviolation", (it) => broken.push(`${it.violatedDirective} ${it.blockedURI}`));
for (const name of ["alert", "confirm", "prompt"]) window[name] = () => broken.push(name);
"""


def pointwise(response: str = "It is so.", *, prompt: Any = "Is it?", context: Sequence[Any] = ()) -> dict[str, Any]:
    return {"kind": "pointwise", "prompt": prompt, "context": list(context), "response": response}


def page_of(*tasks: dict[str, Any], more: str = "") -> str:
    """The page of a task. Of several, one below the other: enough to look at their texts."""
    body = "".join(render_to_string("labeling/_task.html", {"page": read_task(task)}) for task in tasks)
    return PAGE.replace("{kind}", tasks[0]["kind"] if tasks else "").replace("{body}", body + more)


@dataclass
class Stage:
    """One page. `strays`: requests for anything that is not ours."""

    page: Any
    html: str = ""
    strays: list[str] = field(default_factory=list)

    def show(self, html: str, *, script: bool = True) -> None:
        self.html = html
        self.page.goto(f"{ORIGIN}/")
        if script:
            self.start()

    def start(self, keys: str = "undefined") -> None:
        self.page.evaluate(
            f"import('/static/js/reading.js').then((it) => it.startReading(document.querySelector('.task'), {keys}))"
        )

    def answer(self, route: Any) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        file = STATIC / path.removeprefix("/static/")
        if path == "/":
            kind, body = ".html", self.html.encode()
        elif path.startswith("/static/") and file.is_file():
            kind, body = file.suffix, file.read_bytes()
        else:
            self.strays.append(route.request.url)
            route.abort()
            return
        headers = {"Content-Type": TYPES[kind], "Content-Security-Policy": POLICY}
        route.fulfill(status=200, headers=headers, body=body)

    def broken(self) -> list[str]:
        """Scripts that ran, breaches of the policy, requests that left."""
        return [*self.page.evaluate("window.broken ?? []"), *self.strays]


@contextmanager
def staged(browser: Any, **options: Any) -> Iterator[Stage]:
    context = browser.new_context(
        **({"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | options)
    )
    context.set_default_timeout(10_000)
    stage = Stage(context.new_page())
    stage.page.on("pageerror", lambda error: stage.strays.append(str(error)))
    stage.page.on("dialog", lambda dialog: stage.strays.append(dialog.message))
    stage.page.route("**/*", stage.answer)
    if options.get("java_script_enabled", True):
        stage.page.add_init_script(WATCH)
    yield stage
    context.close()
