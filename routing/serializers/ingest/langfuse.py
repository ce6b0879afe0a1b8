"""Langfuse exports: tables of observations or traces, API pages, one trace's download, blob storage files.

Names come in camelCase (interface, API) and in snake_case (blob storage). Generations become outputs; a trace does
where it comes without observations. Scores of `source` ANNOTATION were given by people: they are neither verdicts,
which need a rubric of ours, nor signals, and are left out. Table exports flatten scores into columns of their own
and drop the source; every column that Langfuse does not name itself and that holds a list is taken for a score.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from routing.serializers.ingest.conversation import answer_of, prompt_of
from routing.serializers.ingest.evaluations import Evaluation, read_evaluations
from routing.serializers.ingest.found import Found, Options
from routing.serializers.ingest.nesting import decoded
from routing.serializers.ingest.spans import Unusable, moment

HUMAN = "scores that people gave in Langfuse (no verdicts)"
TRACE_SCORES = "scores of a trace with several generations"
OTHER_KINDS = "observations that are no generations"
SCORE_KEY = re.compile(r"(?P<name>.+)-(?P<source>API|EVAL|ANNOTATION)-(?:NUMERIC|BOOLEAN|CATEGORICAL)")
# Lists that Langfuse's own columns hold.
OWN_LISTS = {
    "tags", "traceTags", "comments", "toolCalls", "toolCallNames", "toolDefinitions", "observations", "input",
    "output", "metadata", "scores", "usageDetails", "costDetails", "modelParameters", "userIds", "usage",
}  # fmt: skip
KEPT = ("traceName", "sessionId", "userId", "environment", "release", "level", "tags", "traceTags", "usageDetails")
MAX_INTENT = 100


def recognised(data: dict[str, Any]) -> bool:
    row = _camel(data)
    if "observations" in row and ("trace" in row or "id" in row):
        return True
    if {"traceId", "type"} <= row.keys():
        return True
    return {"id", "timestamp", "input", "output"} <= row.keys()


def found(data: dict[str, Any], options: Options) -> Iterator[Found]:
    row = _camel(data)
    if isinstance(row.get("data"), list):
        for entry in row["data"]:
            yield from found(entry, options) if isinstance(entry, dict) else [Found(fault="not an object")]
        return
    trace = _camel(row["trace"]) if isinstance(row.get("trace"), dict) else row
    observations = decoded(row.get("observations", trace.get("observations")))
    # A list of traces names its observations by id only.
    if isinstance(observations, list) and any(isinstance(entry, dict) for entry in observations):
        yield from _trace_with(observations, trace, row, options)
    elif "traceId" in row and row.get("type", "GENERATION") != "GENERATION":
        yield Found(left_out=[OTHER_KINDS])
    else:
        yield _output(row, _scores(row), options)


def _trace_with(
    observations: list[Any], trace: dict[str, Any], row: dict[str, Any], options: Options
) -> Iterator[Found]:
    """A trace's generations, each with the scores that name it; the trace's own scores go to its only generation."""
    rows = [_camel(entry) for entry in observations if isinstance(entry, dict)]
    generations = [entry for entry in rows if entry.get("type") == "GENERATION"]
    if not generations:
        yield _output(trace, _scores(row) or _scores(trace), options)
        return
    if others := len(rows) - len(generations):
        yield Found(left_out=[OTHER_KINDS] * others)
    scores = _scores(row) or _scores(trace)
    named = {entry.get("id") for entry in generations}
    loose = [score for score in scores if score.get("observationId") not in named]
    for entry in generations:
        own = [score for score in scores if score.get("observationId") == entry.get("id")]
        shared = loose if len(generations) == 1 else []
        inherited = {"traceId": trace.get("id"), "traceName": trace.get("name")}
        yield _output({**inherited, **entry}, own + shared + _scores(entry), options)
    if loose and len(generations) > 1:
        yield Found(left_out=[TRACE_SCORES] * len(loose))


def _output(row: dict[str, Any], scores: list[dict[str, Any]], options: Options) -> Found:
    human = [score for score in scores if score.get("source") == "ANNOTATION"]
    left_out = [HUMAN] * len(human)
    try:
        body = _body(row, [score for score in scores if score.get("source") != "ANNOTATION"], options, left_out)
    except Unusable as fault:
        return Found(fault=str(fault), left_out=left_out)
    return Found(body, left_out=left_out)


def _body(row: dict[str, Any], scores: list[dict[str, Any]], options: Options, left_out: list[str]) -> dict[str, Any]:
    identity = row.get("id")
    if not isinstance(identity, str) or not identity:
        raise Unusable("the row has no id")
    prompt, answer = prompt_of(row.get("input")), answer_of(row.get("output"))
    if prompt is None or answer is None:
        raise Unusable(f"{identity[:60]} has no {'input' if prompt is None else 'output'}")
    read = read_evaluations(_evaluation(score) for score in scores)
    left_out += read.remarks
    facts = {key: decoded(row[key]) for key in KEPT if row.get(key) not in (None, "", [], {})}
    facts |= {"evaluations": read.metadata} if read.metadata else {}
    told = decoded(row.get("metadata"))
    trace_id = row.get("traceId")
    body = {
        "external_id": f"{trace_id}-{identity}" if trace_id else identity,
        "intent": _intent(row, options),
        "prompt": prompt,
        "response": answer.text,
        "trajectory": list(answer.steps) or None,
        "source": _source(row),
        "signals": read.signals or None,
        "occurred_at": _moment(row),
        "metadata": {**(told if isinstance(told, dict) else {}), "langfuse": facts},
    }
    return {key: value for key, value in body.items() if value is not None}


def _intent(row: Mapping[str, Any], options: Options) -> str:
    choices = (options.intent, row.get("traceName"), row.get("name"))
    return next((choice[:MAX_INTENT] for choice in choices if isinstance(choice, str) and choice), "unnamed")


def _source(row: Mapping[str, Any]) -> dict[str, str] | None:
    prompt = [str(row[key]) for key in ("promptName", "promptVersion") if row.get(key) not in (None, "")]
    model = row.get("providedModelName") or row.get("model")
    source = {"model": model, "version": row.get("version"), "prompt_version": " ".join(prompt) or None}
    return {key: str(value) for key, value in source.items() if value not in (None, "")} or None


def _moment(row: Mapping[str, Any]) -> str | None:
    moments = (row.get(key) for key in ("endTime", "startTime", "timestamp"))
    read = moment(next((value for value in moments if value not in (None, "")), None))
    return read.isoformat() if read else None


def _scores(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Scores as the API lists them, as a mapping of name to values, and as columns of their own."""
    told = decoded(row.get("scores"))
    if isinstance(told, list):
        return [_camel(entry) for entry in told if isinstance(entry, dict)]
    columns = told if isinstance(told, dict) else {key: value for key, value in row.items() if key not in OWN_LISTS}
    scores = []
    for key, values in columns.items():
        values = decoded(values)
        known = SCORE_KEY.fullmatch(key)
        for value in values if isinstance(values, list) else [values] if isinstance(told, dict) else []:
            name, source = (known["name"], known["source"]) if known else (key, None)
            scores.append({"name": name, "source": source, "value": value})
    return scores


def _evaluation(score: Mapping[str, Any]) -> Evaluation:
    value = score.get("value")
    text = score.get("stringValue")
    label = text if isinstance(text, str) else value if isinstance(value, str) else None
    return Evaluation(str(score.get("name") or "unnamed"), value, label, score.get("comment"))


def _camel(row: dict[str, Any]) -> dict[str, Any]:
    """Blob storage's snake_case as the interface writes it; a row already in camelCase is as it was."""
    if (
        "trace_id" not in row
        and "start_time" not in row
        and "provided_model_name" not in row
        and "data_type" not in row
    ):
        return row
    return {_camel_name(key): value for key, value in row.items()}


def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
