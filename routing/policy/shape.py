"""Signs in the shape of a whole text: no words, a heap of punctuation, cut off in the middle."""

from collections.abc import Iterator

import re2

from routing.policy.sign import Sign

# Where a cut-off shows is the very end; balance is looked at in this much of it.
END = 200

_WORD = re2.compile(r"[\p{L}][\p{L}\p{M}'’]")
# Words that programs read as something else: nothing, not a number, a device.
_RESERVED = re2.compile(
    r"(?i)^[\s(+-]*(?:undef(?:ined)?|null|nil|none|nan|inf(?:inity)?|true|false|void|con|prn|aux|nul|clock\$|[a-z]{1,2}:"
    r"|(?:com|lpt)\d|hasownproperty|constructor|__proto__|tostring|valueof|eof|n/a|\d*#\w{3,4})[\s)]*$"
)
_HEAP = re2.compile(r"[\p{P}\p{S}]{5,}")
_KINDS_IN_A_HEAP = 4
_FENCE = re2.compile(r"(?m)^\s*```")
_MARKED_CUT = re2.compile(
    r"(?i)[\[(<]\s*(?:truncated|cut off|continued|snip(?:ped)?|message too long|output limit)\s*[\])>]\W*$"
)
_DANGLING = re2.compile(
    r"(?i)(?:[,;([{]|\b(?:the|a|an|and|or|but|because|if|my|your|its|their|our|which|whose|than|is the|of the))\s*$"
)


def signs_of_shape(text: str, part: str) -> Iterator[Sign]:
    """A passage may be a table, a formula or a piece of something longer, so much less is odd in one."""
    visible = "".join(text.split())
    if part != "context":
        if not visible:
            yield Sign("odd_punctuation", "empty", 0.62)
        elif part == "prompt" and _RESERVED.search(text):
            yield Sign("odd_punctuation", "a word that programs take for something else", 0.62)
        elif part == "prompt" and not _WORD.search(text):
            # Programs send numbers and JSON: flagged only once the project's own traffic shows that it has words.
            yield Sign("odd_punctuation", "no words", 0.45)
        if _WORD.search(text) and _DANGLING.search(text[-END:]):
            yield Sign("truncation", "stops in the middle of a sentence", 0.4 if part == "response" else 0.25)
    if len(visible) > 3 and _has_heap(visible):
        yield Sign("odd_punctuation", "a heap of punctuation", 0.62)
    if _MARKED_CUT.search(text[-END:]):
        yield Sign("truncation", "says that it was cut off", 0.5)
    if len(_FENCE.findall(text)) % 2:
        yield Sign("truncation", "code without its end", 0.4)


def _has_heap(visible: str) -> bool:
    """A run of at least five signs of at least four kinds: rules, ellipses and emoticons are not meant."""
    return any(len(set(heap.group())) >= _KINDS_IN_A_HEAP for heap in _HEAP.finditer(visible))
