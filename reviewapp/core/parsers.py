"""JSON in, strictly: no NaN, no duplicate keys, no text that a database cannot keep."""

import json
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from reviewapp.core.problems import Problem, pointer_token

MAX_DEPTH = 64


class JsonObject(dict[str, Any]):
    """A body. In a query string a number is a text; in a body, where it need not be, it must not be."""


def query_of(request: Request) -> dict[str, str]:
    """The query string's parameters, each at most once: of two values, one would be ignored. Raises Problem 400."""
    twice = sorted(name for name, values in request.query_params.lists() if len(values) > 1)
    if twice:
        faults = [
            {"pointer": f"/{pointer_token(name)}", "code": "repeated", "detail": "Give it once."} for name in twice
        ]
        raise Problem(400, "A parameter of the query is given more than once; see errors.", errors=faults)
    return request.query_params.dict()


class StrictJSONParser(JSONParser):
    """Raises Problem 400 (or 413) with a pointer to what is wrong."""

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(raw) > settings.MAX_BODY_BYTES:
            raise Problem(413, f"A body may be {settings.MAX_BODY_BYTES} bytes long.", code="too_large")
        try:
            data = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
        except UnicodeDecodeError:
            raise Problem(400, "The body is not UTF-8.", code="malformed") from None
        except RecursionError:
            fault = {"pointer": "", "code": "too_deep", "detail": f"Nested more than {MAX_DEPTH} levels deep."}
            raise Problem(400, "The body is nested too deep.", code="malformed", errors=[fault]) from None
        except ValueError as error:
            raise Problem(400, f"The body is not valid JSON: {error}", code="malformed") from None
        return JsonObject(data) if isinstance(data, dict) else data


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object names the same key twice")
    return result


def unstorable(value: Any, pointer: str = "", depth: int = 0) -> dict[str, str] | None:
    """The first text in `value` that cannot be stored, as {pointer, code, detail}; None if all is well.

    NUL bytes and lone surrogates are legal in JSON but not in a database text; infinities come
    from numbers such as 1e999.
    """
    if depth > MAX_DEPTH:
        return {"pointer": pointer, "code": "too_deep", "detail": f"Values may nest {MAX_DEPTH} deep."}
    if isinstance(value, str):
        return _unstorable_text(value, pointer)
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return {"pointer": pointer, "code": "number_too_large", "detail": "This number is too large."}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        return {"pointer": pointer, "code": "number_too_large", "detail": "This number is too large."}
    if isinstance(value, dict):
        for key, inner in value.items():
            at = f"{pointer}/{pointer_token(key.encode('utf-8', 'backslashreplace').decode())}"
            if fault := _unstorable_text(key, at) or unstorable(inner, at, depth + 1):
                return fault
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if fault := unstorable(inner, f"{pointer}/{index}", depth + 1):
                return fault
    return None


def _unstorable_text(text: str, pointer: str) -> dict[str, str] | None:
    if "\x00" in text:
        return {"pointer": pointer, "code": "nul", "detail": "Text may not hold NUL characters."}
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return {"pointer": pointer, "code": "surrogate", "detail": "Text may not hold lone surrogates."}
    return None
