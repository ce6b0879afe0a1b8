"""A sentence that asks for something and has nothing to do with the text around it.

A source passage is there to be read; a request in it is not proof of anything, for mails, interviews and
exercises are full of them. But theirs share their words with the rest. A request that shares none, most of
all at an edge of the passage, is what a planted task looks like, however harmless its wording. The same goes
for a prompt with two requests about different things.

Words are compared by their first letters, without function words; this knows English only. Elsewhere a
question still ends in a question mark, and text without spaces is left alone.
"""

from collections import Counter
from collections.abc import Iterator

import re2

from routing.policy.sign import Sign

# Of a longer text only the edges are read: nobody can tell what is out of place in the middle of a book.
EDGE = 20_000
STEM = 6
# (weight in a passage, weight in a prompt) of a detached request, by how sure it is. A second request is more
# ordinary in a prompt.
WEIGHTS = {5: (0.75, 0.65), 4: (0.66, 0.45), 3: (0.62, 0.38), 2: (0.4, 0.3), 1: (0.25, 0.2)}
# Among many sentences some request is detached by chance; in their middle it counts one level less.
MANY = 20
# What a request needs to be about something.
FEWEST_WORDS = 2

_VERB = (
    "write|compose|draft|create|generate|produce|provide|give|list|name|tell|explain|describe|summari[sz]e|outline"
    "|translate|convert|encode|encrypt|decode|analy[sz]e|evaluate|assess|classify|categori[sz]e|identify|detect|find"
    "|calculate|compute|solve|compare|contrast|define|discuss|suggest|recommend|propose|offer|show|help|teach|guide"
    "|rewrite|rephrase|paraphrase|reword|edit|correct|proofread|design|develop|build|implement|code|program|plan"
    "|recite|narrate|craft|construct|formulate|prepare|present|illustrate|elaborate|clarify|estimate|predict"
    "|determine|extract|highlight|search|look|fetch|retrieve|answer|respond|reply|output|print|return|display"
    "|set|schedule|remind|automate|organi[sz]e|monitor|send|play|book|order|call|open|run|execute|imagine|pretend"
    "|include|add|append|insert|incorporate|integrate|embed|mention|replace|substitute|reverse|use|modify|make"
    "|ensure|remember|consider|feature|introduce|merge|utili[sz]e|leverage|employ|mask|hide|avoid|express|render"
)
_ASKING = "how|what|what's|who|who's|whom|whose|when|where|why|which|can|could|would|will|do|does|did|is|are|should"
_REQUEST = re2.compile(
    rf"^\W*(?:(?:please|now|then|also|next|kindly|just|finally|first),?\s+)*(?:(?:{_VERB})\b(?:\s+\S+){{2}}"
    rf"|(?:{_ASKING})\b.*\?|(?:how|what|why|which)\s+(?:do|does|can|is|are|should|would)\b"
    r"|(?:can|could|would|will)\s+you\b|i\s+(?:need|want|would\s+like|'d\s+like)\s+(?:you\s+to|help|an?)\b)"
    r"|\b(?:help|show|tell)\s+me\b|[?？؟]\W*$"
)
# How a question or an order begins, the question mark forgotten.
_OPENING = re2.compile(rf"^\W*(?:please,?\s+)?(?:{_ASKING}|{_VERB})\b")
_SENTENCE = re2.compile(r"[^.!?。！？؟\n]*[^.!?。！？؟\n\s][^.!?。！？؟\n]*(?:[.!?。！？؟]+[\"'”’)\]]*|\n|$)")
# A request glued to a title or a line without a full stop still starts with a capital.
_GLUED = re2.compile(
    "[ \t]((?:" + "|".join(word[0].upper() + word[1:] for word in (_VERB + "|" + _ASKING).split("|")) + r")\s+[a-z'(])"
)
# Full stops that end no sentence.
_ABBREVIATED = re2.compile(r"\b((?i:mr|mrs|ms|dr|prof|st|vs|etc|e\.g|i\.e|inc|no|[A-Z]))\.")
_SAID = re2.compile(r"^\s*(?:[\"“'«+*-]|[A-Za-z][\w '.-]{0,24}:)")
_WORD = re2.compile(r"[a-zà-öø-ÿ]{3,}")
_FUNCTION_WORDS = frozenset(
    [
        "the",
        "and",
        "for",
        "but",
        "are",
        "was",
        "were",
        "been",
        "you",
        "she",
        "they",
        "your",
        "his",
        "her",
        "its",
        "our",
        "their",
        "this",
        "that",
        "these",
        "those",
        "with",
        "from",
        "about",
        "how",
        "what",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "why",
        "which",
        "can",
        "could",
        "will",
        "would",
        "shall",
        "should",
        "may",
        "might",
        "must",
        "does",
        "did",
        "has",
        "have",
        "had",
        "not",
        "him",
        "them",
        "there",
        "here",
        "then",
        "than",
        "just",
        "any",
        "some",
        "more",
        "most",
        "very",
        "also",
        "into",
        "over",
        "out",
        "all",
        "one",
        "please",
        "let",
        "get",
        "give",
        "provide",
        "make",
        "tell",
        "write",
        "show",
        "explain",
        "describe",
        "list",
    ]
)


def signs_of_asking(text: str, in_context: bool) -> Iterator[Sign]:
    """At most one sign: the request in `text` that is the most out of place."""
    level = detachment(text, in_context)
    if level:
        weight = WEIGHTS[level][0 if in_context else 1]
        yield Sign("detached_request", "asks for something the rest is not about", weight)


def detachment(text: str, in_context: bool = True) -> int:
    """How surely one sentence is a planted request: 0 (none) to 5; needs at least two sentences.

    A prompt has a request by itself, often with a remark around it. A planted one is a second request, and the
    first says enough to tell what it is about.
    """
    sentences = _sentences(text)
    if len(sentences) < 2:
        return 0
    words = [_content(sentence.lower()) for sentence in sentences]
    times = Counter(word for found in words for word in found)
    asking = [number for number, sentence in enumerate(sentences) if _REQUEST.search(sentence.lower())]
    best = 0
    for number in asking:
        if not words[number]:
            continue
        shared = sum(times[word] > 1 for word in words[number]) / len(words[number])
        at_edge = number in (0, len(sentences) - 1)
        is_rare = len(asking) <= 0.2 * len(sentences)
        said = _SAID.search(sentences[number]) is not None
        level = _level(shared, len(words[number]), at_edge, is_rare, said)
        if level > 1 and not at_edge and len(sentences) > MANY:
            level -= 1
        if not in_context and not _has_own_request(sentences, words, number):
            level = min(level, 1)
        best = max(best, level)
    return best


def _has_own_request(sentences: list[str], words: list[set[str]], planted: int) -> bool:
    """Whether something besides the sentence `planted` asks too, and about what."""
    return any(
        number != planted
        and len(words[number]) >= FEWEST_WORDS
        and (_OPENING.search(sentence.lower()) or _REQUEST.search(sentence.lower()))
        for number, sentence in enumerate(sentences)
    )


def _level(shared: float, words: int, at_edge: bool, is_rare: bool, said: bool) -> int:
    """`shared`: of its content `words`, the share that occurs elsewhere; `said`: quoted or a line of dialogue."""
    if not said:
        if shared == 0.0 and words >= 2:
            return 2 + 2 * at_edge + (words >= 3)
        if shared <= 0.25 and words >= 3:
            return 4 if at_edge else 1
    return 1 if at_edge and is_rare and shared <= 0.5 else 0


def _sentences(text: str) -> list[str]:
    if len(text) > 2 * EDGE:
        text = text[:EDGE] + "\n" + text[-EDGE:]
    text = _GLUED.sub(r"\n\1", _ABBREVIATED.sub(r"\1", text))
    return [hit.group().strip() for hit in _SENTENCE.finditer(text)]


def _content(sentence: str) -> set[str]:
    return {word[:STEM] for word in _WORD.findall(sentence) if word not in _FUNCTION_WORDS}
