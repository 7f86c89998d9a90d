"""What the values of a record's fields are read as, and what is noted of those that are not what they ought to be."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.core.batches import BatchSource
from pipeline.core.records import Interaction
from pipeline.sources.reading import read


def read_one(tmp_path: Path, **fields: Any) -> Interaction:
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({"interaction_id": "i", **fields}))
    (item,) = read(BatchSource("0" * 64, path), zone=ZoneInfo("UTC"))
    assert isinstance(item, Interaction)
    return item


@pytest.mark.parametrize("name", ["interaction_id", "user_id", "campaign_id", "type"])
@pytest.mark.parametrize(
    ("given", "text"), [(42, "42"), (42.0, "42"), (-7, "-7"), (1e3, "1000"), (2**63 - 1, "9223372036854775807")]
)
def test_a_whole_number_for_a_key_is_its_text_noted_and_kept(
    tmp_path: Path, name: str, given: object, text: str
) -> None:
    found = read_one(tmp_path, **{name: given})
    assert getattr(found, name) == text
    assert (found.converted, found.unreadable, found.extra) == ({name: "number"}, {}, {name: given})


@pytest.mark.parametrize("name", ["campaign_id", "type"])
@pytest.mark.parametrize(
    ("given", "kind"), [(True, "boolean"), (4.5, "number"), (1e20, "number"), ({"a": 1}, "object"), ([1], "array")]
)
def test_anything_else_for_a_key_is_noted_and_kept_as_it_is(
    tmp_path: Path, name: str, given: object, kind: str
) -> None:
    found = read_one(tmp_path, **{name: given})
    assert (getattr(found, name), found.unreadable, found.converted) == (given, {name: kind}, {})
    assert found.extra == {name: given}


@pytest.mark.parametrize(
    ("given", "number"),
    [("19.90", 19.9), (" 10 ", 10), ("-1.5e2", -150.0), ("+5", 5), ("007", 7), ("9007199254740992", 2**53)],
)
def test_a_number_in_a_text_is_a_number(tmp_path: Path, given: str, number: float) -> None:
    found = read_one(tmp_path, value=given)
    assert (found.value, found.converted, found.unreadable) == (number, {"value": "text"}, {})
    assert found.extra == {"value": given}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("19,90", "text"),
        ("1.234,50", "text"),
        ("1_000", "text"),
        ("$5", "text"),
        ("", "text"),
        ("NaN", "text"),
        ("Infinity", "text"),
        ("1e400", "text"),
        ("9" * 300, "text"),
        ("\u0661", "text"),
        (True, "boolean"),
        ({"amount": 5}, "object"),
        ([5], "array"),
        (2**53 + 1, "number that is too large"),
        (-(2**63), "number that is too large"),
        (1e308, "number that is too large"),
    ],
)
def test_a_value_that_no_sum_can_hold_is_noted(tmp_path: Path, given: object, kind: str) -> None:
    found = read_one(tmp_path, value=given)
    assert (found.value, found.unreadable, found.converted) == (None, {"value": kind}, {})
    assert found.extra == {"value": given}


@pytest.mark.parametrize("given", [0, -0.0, 1.5, 2**53, 1e-9, 123456789.012345678, None])
def test_a_number_is_where_it_was(tmp_path: Path, given: object) -> None:
    found = read_one(tmp_path, value=given)
    assert (found.value, found.unreadable, found.converted, found.extra) == (None, {}, {}, {"value": given})


@pytest.mark.parametrize(
    ("given", "number", "what"),
    [
        (0.1 + 0.2, 0.3, "number with more than 9 decimals"),
        (5e-324, 0.0, "number with more than 9 decimals"),
        (-1 / 3, -0.333333333, "number with more than 9 decimals"),
        ("0.12345678949", 0.123456789, "text"),
    ],
)
def test_a_number_with_more_decimals_than_a_sum_has_is_rounded_and_noted(
    tmp_path: Path, given: object, number: float, what: str
) -> None:
    found = read_one(tmp_path, value=given)
    assert (found.value, found.converted, found.unreadable) == (number, {"value": what}, {})
    assert found.extra == {"value": given}


@pytest.mark.parametrize(("given", "kind"), [({"text": "a"}, "object"), (["a"], "array"), (12, "number")])
def test_a_message_that_is_no_text_is_noted(tmp_path: Path, given: object, kind: str) -> None:
    found = read_one(tmp_path, message=given)
    assert (found.message, found.unreadable, found.extra) == (None, {"message": kind}, {"message": given})


@pytest.mark.parametrize("given", [None, "", "  "])
def test_no_message_is_not_an_unreadable_one(tmp_path: Path, given: object) -> None:
    found = read_one(tmp_path, message=given)
    assert (found.message, found.unreadable) == (None, {})


def test_the_hash_of_a_record_is_that_of_what_was_sent(tmp_path: Path) -> None:
    sent = {"interaction_id": "i", "campaign_id": 42, "timestamp": 1291191960, "value": "19.90"}
    canonical = json.dumps(sent, sort_keys=True, separators=(",", ":")).encode()
    assert read_one(tmp_path, **sent).content_hash == hashlib.sha256(canonical).hexdigest()
