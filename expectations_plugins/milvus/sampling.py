"""Judging a sample: the interval of a share, and whether a threshold lies in it."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959963984540054
"""The 97.5% quantile of the standard normal distribution: a two-sided 95% interval."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval of a share, both ends in 0..1."""

    low: float
    high: float

    def straddles(self, threshold: float) -> bool:
        """Whether the threshold lies inside, so that the sample alone cannot decide."""
        return self.low <= threshold < self.high


def wilson(hits: int, size: int) -> Interval:
    """The Wilson score interval at 95%.

    Args:
        hits: How many of the sample are invalid.
        size: The size of the sample.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if size == 0:
        return Interval(0.0, 1.0)
    share, z2 = hits / size, Z_95**2
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    margin = Z_95 * sqrt(share * (1 - share) / size + z2 / (4 * size**2)) / (1 + z2 / size)
    return Interval(max(0.0, centre - margin), min(1.0, centre + margin))
