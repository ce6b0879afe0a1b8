"""Label Studio exports: tasks as JSON, as minimal JSON and as CSV.

A task's `data` holds what was asked and answered, under names that every project chooses for itself; the usual ones
are known here. Where `data` has no answer, the text areas of a prediction are the answer, and its model the source.
A prediction's `score` is whatever its model wrote there, mostly a token probability: it stays metadata. Annotations
are the work of people under another rubric, neither blinded nor audited here: they are no verdicts, and are left out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from routing.serializers.ingest.conversation import answer_of, prompt_of
from routing.serializers.ingest.found import Found, Options
from routing.serializers.ingest.nesting import decoded, plain
from routing.serializers.ingest.spans import Unusable, moment

PROMPTS = ("prompt", "question", "instruction", "query", "input", "messages", "dialogue", "text")
RESPONSES = ("response", "answer", "output", "completion", "generation", "prediction", "model_answer")
PAIRS = (("response_a", "response_b"), ("answer1", "answer2"), ("answer_a", "answer_b"), ("response1", "response2"))
CONTEXTS = ("context", "documents", "sources", "reference")
MODELS = ("model", "model_name", "model_version")
KNOWN = {*PROMPTS, *RESPONSES, *CONTEXTS, *MODELS, *(name for pair in PAIRS for name in pair), "intent"}
# What the flat exports add to every row.
FLAT = {"annotation_id", "annotator", "lead_time"}
ANNOTATIONS = "annotations (no verdicts)"
DRAFTS = "drafts (no verdicts)"
SCORES = "scores of predictions (no calibrated signals: kept as metadata)"
MAX_INTENT = 100


def recognised(data: dict[str, Any]) -> bool:
    whole = isinstance(data.get("data"), dict) and bool(data.keys() & {"annotations", "predictions", "completions"})
    return whole or (isinstance(data.get("data"), dict) and "id" in data) or len(FLAT & data.keys()) >= 2


def found(data: dict[str, Any], options: Options) -> Iterator[Found]:
    task = data if isinstance(data.get("data"), dict) else _unflattened(data)
    left_out = _left_out(task)
    try:
        yield Found(_body(task, options), left_out=left_out)
    except Unusable as fault:
        yield Found(fault=str(fault), left_out=left_out)


def _unflattened(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the flat exports as a task.

    There is one row per annotation, with the annotator's words beside the task's: only names that are known to be the
    task's are read, so that all rows of a task say the same.
    """
    task: dict[str, Any] = {key: row[key] for key in ("id", "project", "annotation_id") if key in row}
    return {**task, "data": {key: decoded(row[key]) for key in KNOWN if key in row}}


def _body(task: dict[str, Any], options: Options) -> dict[str, Any]:
    identity = task.get("id")
    if isinstance(identity, bool) or not isinstance(identity, int | str) or identity == "":
        raise Unusable("the task has no id")
    data = task["data"]
    prediction = next(iter(_objects(task, "predictions")), {})
    prompt = prompt_of(_first(data, PROMPTS))
    if prompt is None:
        raise Unusable(f"task {str(identity)[:40]} has no prompt: its data names none of {', '.join(PROMPTS)}")
    model = prediction.get("model_version") or _first(data, MODELS)
    read = moment(task.get("created_at"))
    body: dict[str, Any] = {
        "external_id": f"label-studio-{task.get('project', 'task')}-{identity}",
        "intent": _intent(data, options),
        "prompt": prompt,
        "context": _context(_first(data, CONTEXTS)),
        "occurred_at": read.isoformat() if read else None,
        "source": {"model": model} if isinstance(model, str) and model else None,
        "metadata": {**{key: value for key, value in data.items() if key not in KNOWN}, "label_studio": _facts(task)},
        **_judged(data, prediction, identity),
    }
    return {key: value for key, value in body.items() if value is not None and value != []}


def _judged(data: Mapping[str, Any], prediction: Mapping[str, Any], identity: int | str) -> dict[str, Any]:
    for first, second in PAIRS:
        if data.get(first) is not None and data.get(second) is not None:
            return {"candidates": [{"text": plain(data[first])}, {"text": plain(data[second])}]}
    answer = answer_of(_first(data, RESPONSES)) or answer_of(_predicted(prediction))
    if answer is None:
        raise Unusable(f"task {str(identity)[:40]} has no response: its data names none of {', '.join(RESPONSES)}")
    return {"trajectory": list(answer.steps)} if answer.steps else {"response": answer.text}


def _predicted(prediction: Mapping[str, Any]) -> str | None:
    """The texts that a prediction wrote into text areas."""
    texts: list[str] = []
    for result in _objects(prediction, "result"):
        value = result.get("value")
        written = value.get("text") if result.get("type") == "textarea" and isinstance(value, dict) else None
        texts += [line for line in (written if isinstance(written, list) else [written]) if isinstance(line, str)]
    return "\n".join(texts) or None


def _context(told: Any) -> list[dict[str, str]]:
    told = decoded(told)
    entries = told if isinstance(told, list) else [] if told in (None, "") else [told]
    context = []
    for place, entry in enumerate(entries, start=1):
        document = entry if isinstance(entry, dict) else {"text": entry}
        text = _first(document, ("text", "content", "body", "html"))
        context.append({"id": str(document.get("id", place)), "text": plain(document if text is None else text)})
    return context


def _intent(data: Mapping[str, Any], options: Options) -> Any:
    told = data.get("intent")
    return told if isinstance(told, str) and told else (options.intent or "label-studio")[:MAX_INTENT]


def _facts(task: Mapping[str, Any]) -> dict[str, Any]:
    predictions = [
        {key: entry[key] for key in ("model_version", "score") if entry.get(key) is not None}
        for entry in _objects(task, "predictions")
    ]
    return {"task": task.get("id"), "project": task.get("project"), "predictions": predictions}


def _left_out(task: Mapping[str, Any]) -> list[str]:
    annotations = len(_objects(task, "annotations")) + len(_objects(task, "completions"))
    # The flat exports have one row per annotation.
    annotations += "annotation_id" in task
    scores = sum(isinstance(entry.get("score"), int | float) for entry in _objects(task, "predictions"))
    return [ANNOTATIONS] * annotations + [DRAFTS] * len(_objects(task, "drafts")) + [SCORES] * scores


def _objects(holder: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    entries = decoded(holder.get(name))
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _first(data: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((data[name] for name in names if data.get(name) not in (None, "")), None)
