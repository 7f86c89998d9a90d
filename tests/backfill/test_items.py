"""What a backfill finds to do."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from packaging.version import InvalidVersion

from pipeline.backfill import Days, Item, Kind, missing, outdated
from pipeline.core.batch import Batch, StepState
from pipeline.core.batches import BatchSource
from pipeline.core.topology import REDONE
from pipeline.sources.discovery import discover
from pipeline.stores.mongodb.batches import batch_in

TWENTIETH = Days(date(2026, 11, 20), date(2026, 11, 20))


def land(folder: Path, name: str, *timestamps: object, count: int = 1) -> list[BatchSource]:
    lines = [
        json.dumps({"interaction_id": f"{name}-{number}-{again}", "timestamp": timestamp})
        for again in range(count)
        for number, timestamp in enumerate(timestamps)
    ]
    path = folder / f"{name}.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return list(discover([path], max_records=1_000, min_age=0))


def found(sources: list[BatchSource], days: Days, zone: str = "UTC", **standing: str) -> list[str]:
    known = {one.batch_id: batch_in({"_id": one.batch_id, "status": standing.get(one.path.stem)}) for one in sources}
    return [Path(item.source).stem for item in missing(sources, known, days, ZoneInfo(zone))]


def test_batches_of_the_days_are_found_by_their_first_time(tmp_path: Path) -> None:
    sources = [
        *land(tmp_path, "before", "2026-11-19T23:59:59Z", "2026-11-20T00:00:00Z"),
        *land(tmp_path, "first", "2026-11-20T00:00:00Z"),
        *land(tmp_path, "last", None, "nonsense", "2026-11-20T23:59:59Z", "2026-11-21T00:00:00Z"),
        *land(tmp_path, "after", "2026-11-21T00:00:00Z"),
    ]
    assert found(sources, TWENTIETH) == ["first", "last"]


def test_a_naive_time_is_read_in_the_zone_of_the_logs(tmp_path: Path) -> None:
    sources = land(tmp_path, "late", "2026-11-19T23:30:00")
    assert found(sources, TWENTIETH) == []
    assert found(sources, TWENTIETH, "America/New_York") == ["late"]


def test_a_file_without_a_time_is_of_the_day_it_was_changed(tmp_path: Path) -> None:
    sources = land(tmp_path, "timeless", None)
    today = datetime.now(UTC).date()
    assert found(sources, Days(today, today)) == ["timeless"]
    assert found(sources, TWENTIETH) == []


@pytest.mark.parametrize(
    ("status", "is_missing"),
    [("running", True), ("held", True), ("closed", False), ("halted", False), ("dead", False)],
)
def test_what_is_through_or_waits_for_a_person_is_not_missing(tmp_path: Path, status: str, is_missing: bool) -> None:
    sources = land(tmp_path, "one", "2026-11-20T09:00:00Z")
    assert bool(found(sources, Days(), one=status)) is is_missing


def test_parts_of_a_split_file_are_told_apart_by_their_own_times(tmp_path: Path) -> None:
    path = tmp_path / "two_days.jsonl"
    times = ["2026-11-19T10:00:00Z", "2026-11-20T10:00:00Z"]
    path.write_text("".join(json.dumps({"interaction_id": t, "timestamp": t}) + "\n" for t in times))
    sources = list(discover([path], max_records=1, min_age=0))
    (item,) = missing(sources, {}, TWENTIETH, ZoneInfo("UTC"))
    assert item == Item(Kind.MISSING, sources[1].batch_id, str(path))


def test_an_item_survives_the_way_to_a_worker() -> None:
    item = Item(Kind.MISSING, "ab" * 32, '/landing/it\'s "a".jsonl')
    assert Item.from_data(json.loads(json.dumps(item.as_data()))) == item


def closed(**versions: str | None) -> Batch:
    steps = {key: StepState(code_version=versions.get("rest") or "1.0.0") for key in REDONE}
    steps |= {
        key.replace("_", ":"): StepState(code_version=version or "")
        for key, version in versions.items()
        if key != "rest"
    }
    return Batch("ab" * 32, source="/landing/a.jsonl", steps=steps)


@pytest.mark.parametrize(
    ("batch", "is_outdated"),
    [
        (closed(), False),
        (closed(rest="0.9.0"), True),
        (closed(rest="0.10.0", gate_raw="0.9.0"), True),
        (closed(rest="1.0.0rc1"), True),
        (closed(gate_vectors=None), True),
        (closed(gate_vectors="no version"), True),
        (closed(stage_load="0.1.0", stage_aggregate="0.1.0"), False),
        (Batch("ab" * 32), True),
    ],
)
def test_a_batch_is_outdated_when_any_step_that_can_be_done_again_is(batch: Batch, is_outdated: bool) -> None:
    assert bool(list(outdated([batch], "1.0.0"))) is is_outdated


def test_versions_are_compared_as_versions() -> None:
    assert list(outdated([closed(rest="0.10.0")], "0.9.0")) == []


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(InvalidVersion):
        list(outdated([], "soon"))
