"""How timestamps are read."""

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipeline.core.batches import BatchSource
from pipeline.core.records import Interaction
from pipeline.sources.reading import read


def read_one(tmp_path: Path, value: object, zone: str = "UTC") -> Interaction:
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({"interaction_id": "i", "timestamp": value}))
    (item,) = read(BatchSource("0" * 64, path), zone=ZoneInfo(zone))
    assert isinstance(item, Interaction)
    return item


@pytest.mark.parametrize(
    ("given", "zone", "expected"),
    [
        ("2010-12-01T08:26:00", "UTC", "2010-12-01T08:26:00+00:00"),
        ("2010-12-01T08:26:00", "Europe/London", "2010-12-01T08:26:00+00:00"),
        ("2010-07-01T08:26:00", "Europe/London", "2010-07-01T07:26:00+00:00"),
        ("2010-12-01T08:26:00Z", "Europe/Berlin", "2010-12-01T08:26:00+00:00"),
        ("2010-12-01T08:26:00z", "UTC", "2010-12-01T08:26:00+00:00"),
        ("2010-12-01T08:26:00+05:30", "UTC", "2010-12-01T02:56:00+00:00"),
        ("2010-12-01T08:26:00-0800", "UTC", "2010-12-01T16:26:00+00:00"),
        ("2010-12-01 08:26", "UTC", "2010-12-01T08:26:00+00:00"),
        ("2010-12-01", "UTC", "2010-12-01T00:00:00+00:00"),
        ("20101201T082600Z", "UTC", "2010-12-01T08:26:00+00:00"),
        ("2010-12-01T08:26:00.123456Z", "UTC", "2010-12-01T08:26:00.123000+00:00"),
        ("2010-12-01T08:26:00.123456789Z", "UTC", "2010-12-01T08:26:00.123000+00:00"),
        # in the hour that summer time skips, and the earlier one of the hour that comes twice
        ("2010-03-28T01:30:00", "Europe/London", "2010-03-28T01:30:00+00:00"),
        ("2010-10-31T01:30:00", "Europe/London", "2010-10-31T00:30:00+00:00"),
    ],
)
def test_a_timestamp_becomes_utc(tmp_path: Path, given: str, zone: str, expected: str) -> None:
    found = read_one(tmp_path, given, zone)
    assert found.timestamp is not None
    assert found.timestamp.isoformat() == expected
    assert "timestamp" not in found.extra


@pytest.mark.parametrize(
    "given",
    [
        1291191960,
        1291191960.5,
        "1291191960",
        "1291121960000",
        "yesterday",
        "",
        "2010-13-01",
        "2010-12-01T25:00:00",
        "0001-01-01T00:00:00+14:00",
        "01/12/2010 08:26",
        "2010-W48-3",
        True,
        {"$date": "2010-12-01T08:26:00Z"},
    ],
)
def test_a_timestamp_that_cannot_be_read_is_not_guessed_at_but_kept(tmp_path: Path, given: object) -> None:
    found = read_one(tmp_path, given)
    assert (found.timestamp, found.extra) == (None, {"timestamp": given})


def test_a_null_timestamp_is_none(tmp_path: Path) -> None:
    found = read_one(tmp_path, None)
    assert (found.timestamp, found.extra) == (None, {})
