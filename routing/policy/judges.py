"""Automatic judges against people: agreement, failures caught, consistency with themselves.

Codes are integers 0 … categories − 1. For pass/fail, 1 means *fail*: sensitivity is the share of failures caught.
People judge mostly where the judge was unsure, so the figures that decide weight every output by 1/π.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labeling.stats.intervals import Interval, clopper_pearson_upper, normal_quantile, wilson

Floats = NDArray[np.float64]

GATE_CANDIDATE = "gate_candidate"
TRIAGE_ONLY = "triage_only"
RUBRIC_BROKEN = "rubric_broken"
GATE_KAPPA = 0.75
TRIAGE_KAPPA = 0.60
