"""Texts that are about the same thing: groups by the cosine of their character n-grams."""

from collections.abc import Sequence

# Below this, texts share their language and little else.
ALIKE = 0.35
MOST_CHARACTERS = 2000


def similar_groups(texts: Sequence[str], alike: float = ALIKE) -> list[list[int]]:
    """Places of the texts in groups, the largest first; every text is in exactly one.

    Two texts belong together when the cosine of their TF-IDF vectors of character 3–5-grams (Salton and Buckley
    1988) is at least `alike`, and so does whoever is linked to them. Quadratic in the number of texts.
    """
    shown = [text[:MOST_CHARACTERS] for text in texts]
    if len(shown) < 2 or sum(bool(text.strip()) for text in shown) < 2:
        return [[place] for place in range(len(shown))]
    # Two seconds to load, which a web process that shows no disputes need not spend.
    from scipy.sparse.csgraph import connected_components
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True).fit_transform(shown)
    except ValueError:
        # Nothing in them is as long as three characters.
        return [[place] for place in range(len(shown))]
    close = (vectors @ vectors.T) >= alike
    _count, label_of = connected_components(close, directed=False)
    groups: dict[int, list[int]] = {}
    for place, label in enumerate(label_of):
        groups.setdefault(int(label), []).append(place)
    return sorted(groups.values(), key=lambda group: (-len(group), group[0]))
