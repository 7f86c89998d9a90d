"""How timestamps are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipeline.core.batches import BatchSource
from pipeline.core.records import Interaction
from pipeline.sources.canonical import kind_of
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
        ("2010-12-01T08:26:00 +01:00", "UTC", "2010-12-01T07:26:00+00:00"),
        ("2010-12-01 08:26:00 UTC", "Europe/Berlin", "2010-12-01T08:26:00+00:00"),
        ("2010-12-01T08:26:00+01:00[Europe/Berlin]", "UTC", "2010-12-01T07:26:00+00:00"),
        ("2010-12-31T24:00:00Z", "UTC", "2011-01-01T00:00:00+00:00"),
    ],
)
def test_a_timestamp_becomes_utc(tmp_path: Path, given: str, zone: str, expected: str) -> None:
    found = read_one(tmp_path, given, zone)
    assert found.timestamp is not None
    assert found.timestamp.isoformat() == expected
    assert "timestamp" not in found.extra


@pytest.mark.parametrize(
    ("given", "notation", "milliseconds"),
    [
        (1291191960, "epoch seconds", 0),
        (1291191960.5, "epoch seconds", 500),
        ("1291191960", "epoch seconds", 0),
        (1291191960123, "epoch milliseconds", 123),
        ("1291191960123", "epoch milliseconds", 123),
        (1291191960123456, "epoch microseconds", 123),
        (1291191960123456789, "epoch nanoseconds", 123),
        ("Wed, 01 Dec 2010 09:26:00 +0100", "RFC 2822", 0),
        ("1 Dec 2010 08:26:00 GMT", "RFC 2822", 0),
        ("01/Dec/2010:09:26:00 +0100", "common log format", 0),
        ({"$date": "2010-12-01T08:26:00Z"}, "extended JSON", 0),
        ({"$date": "2010-12-01T09:26:00.123+01:00"}, "extended JSON", 123),
        ({"$date": {"$numberLong": "1291191960123"}}, "extended JSON", 123),
        ({"$date": 1291191960123}, "extended JSON", 123),
    ],
)
def test_a_notation_that_means_one_moment_is_read_noted_and_kept(
    tmp_path: Path, given: object, notation: str, milliseconds: int
) -> None:
    found = read_one(tmp_path, given, "America/New_York")
    assert found.timestamp == datetime(2010, 12, 1, 8, 26, 0, milliseconds * 1000, tzinfo=UTC)
    assert (found.converted, found.unreadable, found.extra) == ({"timestamp": notation}, {}, {"timestamp": given})


@pytest.mark.parametrize(
    "given",
    [
        20101201,
        2010120108,
        20101201082600,
        "20101201082600",
        5000000000,
        -1291191960,
        "11/12/2010 08:26:00",
        "Wed, 01 Dec 2010 08:26:00 EST",
        "2010-12-01T24:30:00Z",
        "2010-12-01T08:26:00Z[UTC",
        "31/Foo/2010:08:26:00 +0000",
        "yesterday",
        "",
        "2010-13-01",
        "2010-12-01T25:00:00",
        "0001-01-01T00:00:00+14:00",
        "01/12/2010 08:26",
        "2010-W48-3",
        True,
    ],
)
def test_a_timestamp_that_cannot_be_read_is_not_guessed_at_but_kept(tmp_path: Path, given: object) -> None:
    found = read_one(tmp_path, given)
    assert (found.timestamp, found.extra) == (None, {"timestamp": given})
    assert (found.converted, found.unreadable) == ({}, {"timestamp": kind_of(given)})


def test_a_null_timestamp_is_none(tmp_path: Path) -> None:
    found = read_one(tmp_path, None)
    assert (found.timestamp, found.extra) == (None, {})


@pytest.mark.parametrize(
    ("given", "zone", "expected", "notation"),
    [
        ("2010-03-28T01:30:00", "Europe/London", "2010-03-28T01:30:00", "local time that never comes"),
        ("2010-10-31T01:30:00", "Europe/London", "2010-10-31T00:30:00", "local time that comes twice"),
        ("2026-11-01 01:59:59", "America/New_York", "2026-11-01T05:59:59", "local time that comes twice"),
        ("2026-10-04 02:15", "Australia/Lord_Howe", "2026-10-03T15:45:00", "local time that never comes"),
        ("2016-12-31T23:59:60Z", "UTC", "2017-01-01T00:00:00", "leap second"),
    ],
)
def test_a_time_that_is_odd_on_the_clocks_is_read_noted_and_kept(
    tmp_path: Path, given: str, zone: str, expected: str, notation: str
) -> None:
    found = read_one(tmp_path, given, zone)
    assert found.timestamp == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert (found.converted, found.extra) == ({"timestamp": notation}, {"timestamp": given})


@pytest.mark.parametrize("given", ["2010-10-31T00:59:59", "2010-10-31T02:00:00", "2010-03-28T02:00:00+01:00"])
def test_times_beside_those_hours_are_nothing_special(tmp_path: Path, given: str) -> None:
    assert read_one(tmp_path, given, "Europe/London").converted == {}


@pytest.mark.parametrize(
    "given",
    [
        {"$date": "yesterday"},
        {"$date": None},
        {"$date": 20101201},
        {"$date": "2010-12-01T08:26:00Z", "more": 1},
        {"$numberLong": "1291191960123"},
        {},
        {"$date": {"$numberLong": {}}},
        "2016-12-31T23:60:00Z",
        "2016-12-31T23:59:61Z",
    ],
)
def test_what_only_looks_like_it_is_not_read(tmp_path: Path, given: object) -> None:
    found = read_one(tmp_path, given)
    assert (found.timestamp, list(found.unreadable)) == (None, ["timestamp"])
