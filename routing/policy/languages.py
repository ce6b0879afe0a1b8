"""Which language a text is in. Pure, and without downloads: the model of py3langid comes inside its package.

Naive Bayes over byte n-grams (M. Lui and T. Baldwin, "langid.py: An Off-the-shelf Language Identification Tool",
2012) as retrained by py3langid. It judges prose well and names badly: of English and German answers it took for
another language about one in ten of 40 to 80 letters, one in fifty of 80 to 200, and none above.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

# The ISO 639-1 codes among the languages that the model knows.
CODES = """
af am an ar as az ba be bg bn br bs ca cs cy da de dz el en eo es et eu fa fi fo fr fy ga gd gl gu ha he hi hr ht hu hy
id ig is it ja jv ka kk km kn ko ku ky la lb lg ln lo lt lv mg mk ml mn mr ms mt my ne nl nn no oc om or pa pl ps pt qu
ro ru rw sa se si sk sl sn so sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz vi vo wa xh yo zh zu
"""
LANGUAGES = frozenset(CODES.split())
# Labels of the model, without a code of two letters, that are the language of that code to its readers.
VARIETIES: Mapping[str, tuple[str, ...]] = {"ar": ("ary", "arz"), "no": ("nn",), "uz": ("uzs",), "zh": ("wuu", "yue")}
# The model is calibrated for sentences. Longer texts are judged by windows spread evenly over them.
WINDOW = 400
WINDOWS = 9


def letters(text: str, enough: int) -> int:
    """The number of letters in `text`, counted no further than `enough`."""
    return sum(1 for _letter in islice(filter(str.isalpha, text), enough))


def share_in(text: str, languages: Collection[str]) -> tuple[float, str]:
    """How much of `text` is in one of `languages` (ISO 639-1), in [0, 1], and the code it looks most like.

    The probability of the languages, averaged over the windows by their number of letters.
    """
    wanted = {label for code in languages for label in (code, *VARIETIES.get(code, ()))}
    weighted: dict[str, float] = {}
    total = 0
    for window in _windows(text):
        weight = letters(window, WINDOW)
        total += weight
        for label, probability in _identifier().rank(window):
            weighted[label] = weighted.get(label, 0.0) + weight * probability
    if not total:
        return 0.0, "und"
    share = sum(probability for label, probability in weighted.items() if label in wanted) / total
    return min(share, 1.0), max(weighted, key=lambda label: weighted[label])


def _windows(text: str) -> list[str]:
    if len(text) <= WINDOW * WINDOWS:
        return [text[start : start + WINDOW] for start in range(0, len(text), WINDOW)]
    step = (len(text) - WINDOW) / (WINDOWS - 1)
    return [text[round(index * step) :][:WINDOW] for index in range(WINDOWS)]


@lru_cache(maxsize=1)
def _identifier() -> Any:
    # Loading takes about a second, and few policies ask for a language.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
