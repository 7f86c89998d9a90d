"""The rules of the vector sample: reasons, the interval, and when the whole batch decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest

from expectations_plugins.milvus.sampling import wilson
from expectations_plugins.milvus.vectors import Rule, Validity, fault, judge

GOOD = [0.6, 0.8]
RULE = Rule(dimension=2, threshold=0.05)


def judged(vectors: Mapping[str, Sequence[float]], sample: Sequence[str], expected: int, rule: Rule = RULE) -> Validity:
    def pages() -> Iterator[Mapping[str, Sequence[float]]]:
        keys = sorted(vectors)
        for start in range(0, len(keys), 7):
            yield {key: vectors[key] for key in keys[start : start + 7]}

    return judge(sample, expected, rule, lambda ids: {key: vectors[key] for key in ids if key in vectors}, pages)


def batch(size: int, bad: int) -> dict[str, list[float]]:
    return {f"i{n:04d}": [0.0, 0.0] if n < bad else GOOD for n in range(size)}


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        (None, "missing"),
        ([1.0], "wrong_dimension"),
        ([0.0, 0.0], "zero"),
        ([float("nan"), 1.0], "non_finite"),
        ([float("inf"), 1.0], "non_finite"),
        (GOOD, None),
    ],
)
def test_a_vector_is_invalid_for_a_named_reason(vector: list[float] | None, reason: str | None) -> None:
    assert fault(vector, 2) == reason


@pytest.mark.parametrize(("bad", "valid"), [(4, True), (5, True), (6, False)])
def test_a_batch_of_100_fails_only_above_five_invalid(bad: int, valid: bool) -> None:
    vectors = batch(100, bad)
    found = judged(vectors, sorted(vectors), 100)
    assert (found.valid, found.invalid, found.interval) == (valid, bad, None)


def test_six_in_the_sample_do_not_fail_a_batch_whose_exact_rate_is_under_five_percent() -> None:
    vectors = batch(1000, 40)
    sample = sorted(vectors)[34:134]  # six of the bad ones
    found = judged(vectors, sample, 1000)
    assert (found.sample_invalid, found.scanned, found.valid, found.invalid) == (6, True, True, 40)


def test_the_same_sample_fails_it_when_the_exact_scan_is_off() -> None:
    vectors = batch(1000, 40)
    sample = sorted(vectors)[34:134]
    found = judged(vectors, sample, 1000, Rule(dimension=2, threshold=0.05, exact_scan=False))
    assert (found.scanned, found.valid) == (False, False)


def test_a_scan_counts_what_was_never_written_as_missing() -> None:
    vectors = batch(900, 0)
    sample = [*sorted(vectors)[:95], *(f"gone{n}" for n in range(5))]
    found = judged(vectors, sample, 1000)
    assert (found.scanned, found.reasons, found.valid) == (True, {"missing": 100}, False)


def test_one_invalid_vector_in_a_tiny_batch_can_be_let_pass() -> None:
    vectors = batch(3, 1)
    rule = Rule(dimension=2, threshold=0.05, min_invalid=2)
    assert not judged(vectors, sorted(vectors), 3).valid
    assert judged(vectors, sorted(vectors), 3, rule).valid


def test_nothing_to_sample_is_valid() -> None:
    assert judged({}, [], 0).valid


@pytest.mark.parametrize(
    ("hits", "size", "low", "high"),
    [(0, 100, 0.0, 0.0370), (5, 100, 0.0215, 0.1118), (6, 100, 0.0278, 0.1248), (50, 100, 0.4038, 0.5962)],
)
def test_the_interval_is_wilsons(hits: int, size: int, low: float, high: float) -> None:
    found = wilson(hits, size)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
