"""Has a case with a known answer become known? Then people answer it suddenly fast, and not worse than before."""

from collections.abc import Sequence
from dataclasses import dataclass

from labeling.stats.reviewers import time_collapse

# Fewer answers say nothing; of an odd number the middle one belongs to the later half.
LEAST_ANSWERS = 12
LARGEST_P = 0.001
# The later half takes less than this much of the first half's median time.
LARGEST_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class Haste:
    """The later half of a case's answers against the first: `ratio` of the median seconds, one-sided p-value that the
    later ones are not faster, and how many of each half were right. All None, and not `suspicious`, with fewer than
    `LEAST_ANSWERS`."""

    answers: int
    ratio: float | None
    p_one_sided: float | None
    right_first: int | None
    right_later: int | None
    suspicious: bool


def haste(seconds: Sequence[float], correct: Sequence[bool]) -> Haste:
    """Answers to one case in the order they were given, by one person each; `seconds` above 0.

    Suspicious when the later half is faster by Mann and Whitney's test (1947; on seconds or their logarithms alike) at
    `LARGEST_P`, takes less than `LARGEST_RATIO` of the median time, and is right at least as often: whoever hurries
    without knowing the answer errs more. Raises ValueError for unequal lengths.
    """
    if len(seconds) != len(correct):
        raise ValueError(f"{len(seconds)} times but {len(correct)} answers")
    if len(seconds) < LEAST_ANSWERS:
        return Haste(len(seconds), None, None, None, None, False)
    middle = len(seconds) // 2
    times = time_collapse(seconds[middle:], seconds[:middle])
    before, later = sum(correct[:middle]), sum(correct[middle:])
    fast = times.ratio is not None and times.ratio < LARGEST_RATIO
    certain = times.p_one_sided is not None and times.p_one_sided < LARGEST_P
    no_worse = later * middle >= before * (len(correct) - middle)
    return Haste(len(seconds), times.ratio, times.p_one_sided, before, later, fast and certain and no_worse)
