"""A judge's server of our own: a real one on loopback, that answers as it is told, one answer after the other."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FENCE = re.compile(r"=====BEGIN PROMPT ([0-9a-f]{32})")


@dataclass
class Asked:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    raw: bytes

    @property
    def system(self) -> str:
        return self.body["messages"][0]["content"]

    @property
    def user(self) -> str:
        return self.body["messages"][1]["content"]

    @property
    def fence(self) -> str:
        match = FENCE.search(self.user)
        assert match
        return match[1]


# What answers: gets the handler and the request, and writes whatever it likes.
Answering = Callable[["Handler", Asked], None]


@dataclass
class Model:
    """The server's address, everything it was asked, and what it answers next; the last answer stays."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    answers: list[Answering] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def will(self, *answers: Answering) -> None:
        with self.lock:
            self.answers[:] = answers

    def next(self, asked: Asked) -> Answering:
        with self.lock:
            self.asked.append(asked)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Handler(BaseHTTPRequestHandler):
    model: Model

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, json.loads(raw), raw)
        try:
            self.model.next(asked)(self, asked)
        except (BrokenPipeError, ConnectionResetError):
            # Who asked has gone, which is the point of many a test.
            self.close_connection = True

    def do_GET(self) -> None:
        """Where a redirect would lead."""
        self.model.asked.append(Asked(f"GET {self.path}", dict(self.headers.items()), {}, b""))
        self.reply(200, b"{}")

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def completion(text: Any, *, finish: Any = "stop", tokens: tuple[Any, Any] = (120, 30), **message: Any) -> bytes:
    """A chat completion that says `text`."""
    document = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
        ],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]},
    }
    return json.dumps(document).encode()


def verdict(word: str, reason: str = "Because of the rubric.", **options: Any) -> Answering:
    return body(completion(json.dumps({"reason": reason, "verdict": word}), **options))


def says(text: Any, **options: Any) -> Answering:
    return body(completion(text, **options))


def body(raw: bytes, status: int = 200, **headers: str) -> Answering:
    return lambda handler, asked: handler.reply(status, raw, **headers)


def status(code: int, **headers: str) -> Answering:
    return body(b'{"error": "no"}', code, **headers)


def slow(seconds: float, then: Answering) -> Answering:
    def answer(handler: Handler, asked: Asked) -> None:
        time.sleep(seconds)
        then(handler, asked)

    return answer


def hang_up(handler: Handler, asked: Asked) -> None:
    handler.close_connection = True
    handler.connection.close()


def not_http(handler: Handler, asked: Asked) -> None:
    handler.wfile.write(b"\x16\x03\x01 hello\r\n\r\n")
    handler.close_connection = True


def flood(handler: Handler, asked: Asked) -> None:
    """Ten gigabytes, announced and begun."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(10 * 1024**3))
    handler.end_headers()
    block = b" " * 65_536
    for _block in range(10 * 1024**3 // len(block)):
        handler.wfile.write(block)


def echo(handler: Handler, asked: Asked) -> None:
    """Everything it was sent, the key too, as the reason of a valid verdict."""
    text = json.dumps({"reason": f"I was sent {asked.headers.get('authorization')}", "verdict": "pass"})
    handler.reply(200, completion(text))


@contextmanager
def running_model(*answers: Answering) -> Iterator[Model]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    model = Model(f"http://127.0.0.1:{server.server_address[1]}/v1")
    model.will(*(answers or (verdict("pass"),)))
    server.RequestHandlerClass = type("ModelHandler", (Handler,), {"model": model})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
