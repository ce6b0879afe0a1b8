"""Which family a model comes from, told by its name: a judge does not see the faults of its own kin."""

import re
from collections.abc import Iterable

# A word of a name (a run of letters and digits) that begins with the left side, and goes on with a digit if it goes
# on at all, tells the family on the right: "gpt4o" and "gpt-4o" do, "gptx" does not. Vendors' names tell as well.
FAMILIES: tuple[tuple[str, str], ...] = (
    ("openai", "openai"),
    ("gpt", "openai"),
    ("chatgpt", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("davinci", "openai"),
    ("anthropic", "anthropic"),
    ("claude", "anthropic"),
    ("google", "google"),
    ("gemini", "google"),
    ("gemma", "google"),
    ("palm", "google"),
    ("bard", "google"),
    ("bison", "google"),
    ("meta", "meta"),
    ("llama", "meta"),
    ("codellama", "meta"),
    ("mistral", "mistral"),
    ("mistralai", "mistral"),
    ("mixtral", "mistral"),
    ("ministral", "mistral"),
    ("codestral", "mistral"),
    ("magistral", "mistral"),
    ("alibaba", "alibaba"),
    ("qwen", "alibaba"),
    ("qwq", "alibaba"),
    ("deepseek", "deepseek"),
    ("cohere", "cohere"),
    ("command", "cohere"),
    ("xai", "xai"),
    ("grok", "xai"),
    ("microsoft", "microsoft"),
    ("phi", "microsoft"),
    ("moonshot", "moonshot"),
    ("kimi", "moonshot"),
    ("zhipu", "zhipu"),
    ("glm", "zhipu"),
    ("chatglm", "zhipu"),
    ("nemotron", "nvidia"),
)
_BY_PREFIX = dict(FAMILIES)
_WORDS = re.compile(r"[^\W_]+")
# What a word starts with before its first digit, or, for names such as "o1", with its first digit.
_STEM = re.compile(r"[^\W\d_]+")
_NUMBERED = re.compile(r"[^\W\d_]+\d")


def family_of(model_name: str) -> str | None:
    """The family of a model by the first telling word of its name, in any case; None where no word tells.

    >>> family_of("openai/gpt-4o-mini"), family_of("Claude 3.5"), family_of("hearth-large")
    ('openai', 'anthropic', None)
    """
    for word in _WORDS.findall(model_name.lower()):
        for pattern in (_STEM, _NUMBERED):
            found = pattern.match(word)
            if found and found.group() in _BY_PREFIX:
                return _BY_PREFIX[found.group()]
    return None


def shared_family(judge_name: str, judge_family: str | None, source_models: Iterable[str]) -> str | None:
    """The family that a judge shares with any of the source models; None where none is known to be shared.

    The family may be given as a family's word, or as the beginning of the model's name or of one part of it
    ("hearth" for "lab/hearth-large"). The judge's own name counts whatever family was given: naming another
    must not make its praise count in full.
    """
    given = (judge_family or "").strip().lower()
    own = {family for family in (family_of(given), family_of(judge_name)) if family}
    name = judge_name.strip().lower()
    for model in source_models:
        lowered = model.strip().lower()
        family = family_of(lowered)
        if family is not None and (family in own or family == given):
            return family
        if given and any(part.startswith(given) for part in (lowered, *lowered.split("/"))):
            return given
        if name and name == lowered:
            return name
    return None
