"""The shares of texts that were cut, and that were refused, as GX judges and shows them."""

from __future__ import annotations

import pytest

from expectations_plugins import ExpectRefusedTextRateToBeBelow, ExpectTruncatedTextRateToBeBelow

NAMED = [["i_1", "too rude"], ["i_2", ""], ["i_3", "x"], ["i_4", "x"]]


@pytest.mark.parametrize(("texts", "holds"), [(0, True), (1, True), (2, False)])
def test_a_share_at_the_rate_passes_and_above_it_does_not(texts: int, holds: bool) -> None:
    asked = ExpectTruncatedTextRateToBeBelow(texts=texts, records=20, max_rate=0.05)
    assert asked._validate({})["success"] is holds


def test_no_texts_at_all_pass() -> None:
    assert ExpectRefusedTextRateToBeBelow(texts=0, records=0)._validate({})["success"]


def test_what_was_refused_is_named_with_what_the_api_said() -> None:
    found = ExpectRefusedTextRateToBeBelow(texts=4, records=8, named=NAMED)._validate({})["result"]
    assert found["observed_value"] == "4 of 8 (50.00%) texts were refused by the API (i_1: too rude; i_2; i_3: x)"
    assert found["details"]["examples"] == NAMED


def test_it_is_a_warning_unless_it_is_given_another_severity() -> None:
    assert ExpectRefusedTextRateToBeBelow(texts=1, records=1).configuration.severity == "warning"
