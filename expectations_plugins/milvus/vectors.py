"""Are the vectors of an embedding batch valid? A seeded sample first, the whole batch where the sample cannot decide.

Reads are by primary key at consistency Strong, in bounded pages; nothing here knows of Great Expectations.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from expectations_plugins.milvus.sampling import Interval, wilson

EXAMPLES = 20

MISSING = "missing"
WRONG_DIMENSION = "wrong_dimension"
ZERO = "zero"
NON_FINITE = "non_finite"

Rows = Callable[[Sequence[str]], Mapping[str, Sequence[float]]]
"""Vectors of this embedding batch by id, of the ids asked for."""

Pages = Callable[[], Iterator[Mapping[str, Sequence[float]]]]
"""All vectors of this embedding batch, in pages."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When an embedding batch is invalid.

    Args:
        dimension: Components a vector must have.
        threshold: Share of invalid vectors that is tolerated, 0..1; more is a failure.
        min_invalid: Invalid vectors there must be at least, so that one in a tiny batch need not fail it.
        exact_scan: Whether the whole batch decides when the sample's interval straddles the threshold.
    """

    dimension: int
    threshold: float
    min_invalid: int = 1
    exact_scan: bool = True


@dataclass(frozen=True, slots=True)
class Validity:
    """What was found.

    `share` decided, of `checked` vectors; `interval` is the sample's, None where every vector was read.
    """

    valid: bool
    expected: int
    sampled: int
    sample_invalid: int
    checked: int
    invalid: int
    share: float
    scanned: bool
    reasons: dict[str, int] = field(default_factory=dict)
    examples: list[tuple[str, str]] = field(default_factory=list)
    interval: Interval | None = None

    def as_dict(self) -> dict[str, Any]:
        """For a GX result, which holds plain data only."""
        return asdict(self)


def judge(sample_ids: Sequence[str], expected: int, rule: Rule, rows: Rows, pages: Pages) -> Validity:
    """Judge an embedding batch.

    Args:
        sample_ids: The ids sampled from those that ought to have a vector.
        expected: How many ought to have one.
        rule: When it is invalid.
        rows: Reads sampled vectors.
        pages: Reads all vectors, asked only when the sample cannot decide.
    """
    found = rows(sample_ids)
    faults = {key: fault(found.get(key), rule.dimension) for key in sample_ids}
    bad = [(key, reason) for key, reason in faults.items() if reason is not None]
    size, whole = len(sample_ids), len(sample_ids) >= expected
    share = len(bad) / size if size else 0.0
    interval = None if whole else wilson(len(bad), size)
    reasons = Counter(reason for _, reason in bad)
    invalid, checked, scanned = len(bad), size, False
    if interval is not None and rule.exact_scan and interval.straddles(rule.threshold):
        reasons, checked, scanned = _scan(pages, expected, rule.dimension), expected, True
        invalid = sum(reasons.values())
        share = invalid / expected
    return Validity(
        valid=not (share > rule.threshold and invalid >= rule.min_invalid),
        expected=expected,
        sampled=size,
        sample_invalid=len(bad),
        checked=checked,
        invalid=invalid,
        share=share,
        scanned=scanned,
        reasons=dict(reasons),
        examples=bad[:EXAMPLES],
        interval=interval,
    )


def fault(vector: Sequence[float] | None, dimension: int) -> str | None:
    """Why a vector is invalid; None when it is valid."""
    if vector is None:
        return MISSING
    if len(vector) != dimension:
        return WRONG_DIMENSION
    if not all(math.isfinite(component) for component in vector):
        return NON_FINITE
    if not any(vector):
        return ZERO
    return None


def _scan(pages: Pages, expected: int, dimension: int) -> Counter[str]:
    reasons: Counter[str] = Counter()
    present = 0
    for page in pages():
        present += len(page)
        reasons.update(reason for vector in page.values() if (reason := fault(vector, dimension)) is not None)
    if expected > present:
        reasons[MISSING] += expected - present
    return reasons
