"""A test of accuracy whose error rate is known without assuming anything about the distribution.

The threshold is the lowest count that R trainings of the reference reached, each with a seed of its own. A further
training of the same kind falls below it with a probability q that nobody knows; but R trainings without one below
say that q is at most 1 - (1 - c)^(1/R) with confidence c (Clopper and Pearson, 1934). A submission fails when
`SEEDS` trainings in turn, each with a new seed, all fall below: q to that power.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

SEEDS = 3
CONFIDENCE = 0.99


def threshold(counts: Sequence[int]) -> int:
    """Return the lowest count of right examples that passes."""
    return min(counts)


def error_rate(runs: int, seeds: int = SEEDS, confidence: float = CONFIDENCE) -> float:
    """Return the rate at which right submissions fail at most, after `runs` trainings of the reference.

    >>> round(error_rate(50), 5)
    0.00068
    """
    once: float = 1.0 - (1.0 - confidence) ** (1.0 / runs)
    return math.pow(once, seeds)


def interval(right: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share (Wilson, 1927).

    >>> low, high = interval(350, 360)
    >>> round(low, 3), round(high, 3)
    (0.95, 0.985)
    """
    share, room = right / of, z * z / of
    middle = (share + room / 2) / (1 + room)
    half = z / (1 + room) * math.sqrt(share * (1 - share) / of + room / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)
