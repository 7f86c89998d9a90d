"""The load stage over real MongoDB: first writer wins, running again changes nothing, and the counts add up."""

from __future__ import annotations

import gzip
import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from expectations_plugins.core.errors import LeaseLostError, TerminalError, TransientError
from expectations_plugins.mongodb.connection import Database, connect
from pipeline.core.batches import BatchSource
from pipeline.core.records import DeadLetter, DeadReason
from pipeline.local import Endpoints
from pipeline.ports.steps import BatchContext
from pipeline.sources.discovery import discover
from pipeline.stages.load import LoadStage
from pipeline.stores.mongodb.ledger import MongoLedger
from pipeline.stores.mongodb.raw_store import MongoRawStore
from tests.faults.fail_points import EXCEEDED_TIME_LIMIT, fail_points

CHUNK = 7
NO_USER: dict[str, Any] = {"$ne": [{"$type": "$user_id"}, "string"]}


@dataclass(slots=True)
class Steps:
    """What a run was told of its progress."""

    advanced: list[tuple[str, int, int | None]] = field(default_factory=list)

    def event(self, name: str, **fields: object) -> None:
        pass

    def advance(self, step: str, done: int, total: int | None) -> None:
        self.advanced.append((step, done, total))


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads files as the runner does: under a lease, into a ledger."""

    database: Database
    raw: MongoRawStore
    ledger: MongoLedger
    progress: Steps

    def context(self, source: BatchSource) -> BatchContext:
        lease = self.ledger.acquire(source.batch_id, "run_1", 60)
        batch = self.ledger.open_batch(source.batch_id, source=str(source.path), size=1)
        return BatchContext(source, lease, batch.seen, self.progress)

    def run(self, context: BatchContext) -> Mapping[str, Any]:
        """What became of the records, without what is noted besides."""
        found = LoadStage(self.raw, self.ledger, zone=ZoneInfo("Europe/London"), chunk=CHUNK).run(context)
        return {name: found[name] for name in counts()}

    def load(self, path: Path) -> tuple[str, Mapping[str, Any]]:
        (source,) = discover([path], max_records=100_000, min_age=0)
        return source.batch_id, self.run(self.context(source))

    def letters(self, batch_id: str) -> list[DeadLetter]:
        return list(self.ledger.dead_letters(batch_id))


@pytest.fixture
def loader(endpoints: Endpoints) -> Iterator[Loader]:
    assert endpoints.mongodb_uri is not None
    database = connect(endpoints.mongodb_uri, f"test_{uuid.uuid4().hex}")
    found = Loader(database, MongoRawStore(database), MongoLedger(database), Steps())
    found.raw.prepare()
    found.ledger.prepare()
    try:
        yield found
    finally:
        database.client.drop_database(database.name)
        database.client.close()


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., Path]:
    """A file of these lines; what is not bytes is written as JSON."""

    def written(name: str, *lines: object) -> Path:
        path = tmp_path / name
        path.write_bytes(
            b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines) + b"\n"
        )
        return path

    return written


def record(number: int, **fields: object) -> dict[str, object]:
    return {"interaction_id": f"i_{number:03d}", "user_id": "u_100", **fields}


def counts(**given: int) -> dict[str, int]:
    return {"read": 0, "accepted": 0, "quarantined": 0, "duplicate": 0, "dead": 0, **given}


def test_every_good_record_is_accepted(loader: Loader, log: Callable[..., Path]) -> None:
    _, counted = loader.load(log("a.jsonl", *(record(n) for n in range(30))))
    assert counted == counts(read=30, accepted=30)


def test_progress_is_shown_after_every_chunk(loader: Loader, log: Callable[..., Path]) -> None:
    loader.load(log("a.jsonl", *(record(n) for n in range(15))))
    assert loader.progress.advanced == [("load", 7, None), ("load", 14, None), ("load", 15, None)]


def test_counts_are_in_the_ledger(loader: Loader, log: Callable[..., Path]) -> None:
    batch_id, counted = loader.load(log("a.jsonl", record(1), b"{"))
    assert asdict(loader.ledger.find(batch_id).counts) == counted == counts(read=2, accepted=1, dead=1)


def test_records_that_cannot_be_read_are_dead_letters(loader: Loader, log: Callable[..., Path]) -> None:
    batch_id, counted = loader.load(log("a.jsonl", b"{", record(1), {"user_id": "u_1"}, b"[]"))
    assert counted == counts(read=4, accepted=1, dead=3)
    assert [(letter.at.number, letter.reason) for letter in loader.letters(batch_id)] == [
        (1, DeadReason.UNPARSABLE),
        (3, DeadReason.MISSING_ID),
        (4, DeadReason.NOT_AN_OBJECT),
    ]


def test_equal_content_again_in_the_same_batch_is_a_duplicate(loader: Loader, log: Callable[..., Path]) -> None:
    far_apart = [record(n) for n in range(20)]
    _, counted = loader.load(log("a.jsonl", record(0), *far_apart, record(0)))
    assert counted == counts(read=22, accepted=20, duplicate=2)


def test_other_content_under_the_same_id_is_a_conflict_that_names_the_first(
    loader: Loader, log: Callable[..., Path]
) -> None:
    batch_id, counted = loader.load(log("a.jsonl", record(1), record(1, value=2)))
    assert counted == counts(read=2, accepted=1, dead=1)
    (letter,) = loader.letters(batch_id)
    assert (letter.at.number, letter.reason) == (2, DeadReason.CONFLICT)
    assert letter.detail == "interaction_id 'i_001' was first brought, with other content, by line 1 of this batch"
    assert json.loads(letter.raw) == record(1, value=2)


def test_an_id_belongs_to_the_batch_that_brought_it_first(loader: Loader, log: Callable[..., Path]) -> None:
    first, _ = loader.load(log("a.jsonl", record(1), record(2)))
    second, counted = loader.load(log("b.jsonl", record(1), record(2, value=9), record(3)))
    assert counted == counts(read=3, accepted=1, duplicate=1, dead=1)
    assert f"by batch {first[:12]}, line 2" in loader.letters(second)[0].detail
    assert loader.raw.counts(first) == (2, 0)


def test_running_again_gives_the_same_numbers_and_adds_nothing(loader: Loader, log: Callable[..., Path]) -> None:
    loader.load(log("a.jsonl", record(1)))
    path = log("b.jsonl", record(1), record(1, value=2), record(2), record(2), b"{", *(record(n) for n in range(9, 40)))
    runs = [loader.load(path) for _ in range(3)]
    assert runs[0] == runs[1] == runs[2]
    assert runs[0][1] == counts(read=36, accepted=32, duplicate=2, dead=2)
    assert len(loader.letters(runs[0][0])) == 2


def test_a_renamed_or_zipped_file_adds_nothing(loader: Loader, log: Callable[..., Path], tmp_path: Path) -> None:
    path = log("a.jsonl", record(1), record(1), b"{")
    first = loader.load(path)
    zipped = tmp_path / "b.json.gz"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    assert [loader.load(path.rename(tmp_path / "c.ndjson")), loader.load(zipped)] == [first, first]


def test_records_in_quarantine_are_counted_as_such_when_the_batch_is_loaded_again(
    loader: Loader, log: Callable[..., Path]
) -> None:
    path = log("a.jsonl", record(1), record(2, user_id=None), record(2, user_id=None))
    batch_id, before = loader.load(path)
    fence = loader.ledger.find(batch_id).fence
    loader.raw.quarantine(batch_id, NO_USER, gate="raw", reason="malformed user_id", run_id="run_1", fence=fence)
    _, after = loader.load(path)
    assert before == counts(read=3, accepted=2, duplicate=1)
    assert after == counts(read=3, accepted=1, quarantined=1, duplicate=1)


@pytest.mark.parametrize("command", ["insert", "find", "update", "aggregate"])
def test_a_load_that_was_cut_off_by_an_outage_is_completed_by_the_next(
    loader: Loader, log: Callable[..., Path], command: str
) -> None:
    path = log("a.jsonl", *(record(n) for n in range(20)), b"{", record(3), record(4, value=1))
    (source,) = discover([path], max_records=1000, min_age=0)
    context = loader.context(source)
    with fail_points(loader.database) as points:
        points.fail(command, EXCEEDED_TIME_LIMIT, 9)
        with pytest.raises(TransientError):
            loader.run(context)
    assert loader.run(context) == counts(read=23, accepted=20, duplicate=1, dead=2)


def test_records_that_vanished_from_the_store_make_the_counts_not_add_up(
    loader: Loader, log: Callable[..., Path]
) -> None:
    path = log("a.jsonl", record(1), record(2))
    batch_id, _ = loader.load(path)
    stranger = {"_id": "stranger", "interaction_id": "stranger", "batch_id": batch_id, "line": 9, "content_hash": ""}
    loader.database["interactions"].insert_one(stranger)
    with pytest.raises(
        TerminalError, match=rf"Batch {batch_id[:12]} does not add up: 2 records were read, but 3 accepted"
    ):
        loader.load(path)


def test_a_run_whose_lease_was_taken_over_records_no_counts(loader: Loader, log: Callable[..., Path]) -> None:
    (source,) = discover([log("a.jsonl", record(1))], max_records=10, min_age=0)
    old = loader.context(source)
    loader.ledger.acquire(source.batch_id, "run_1", 60)
    with pytest.raises(LeaseLostError):
        loader.run(old)


def test_the_parts_of_a_split_file_are_batches_of_their_own(loader: Loader, log: Callable[..., Path]) -> None:
    path = log("a.jsonl", *(record(n) for n in range(10)), record(0))
    sources = list(discover([path], max_records=4, min_age=0))
    counted = [loader.run(loader.context(source)) for source in sources]
    assert counted == [counts(read=4, accepted=4), counts(read=4, accepted=4), counts(read=3, accepted=2, duplicate=1)]


def test_an_empty_file_is_loaded_as_nothing(loader: Loader, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    assert loader.load(tmp_path / "a.jsonl")[1] == counts()


def test_a_real_day_is_loaded_whole_and_only_once(loader: Loader, real_logs: Path, tmp_path: Path) -> None:
    day = real_logs / "logs" / "2010-12-22.jsonl.gz"
    copy = tmp_path / "copy.json.gz"
    shutil.copy(day, copy)
    assert [loader.load(path)[1] for path in (day, copy)] == [counts(read=291, accepted=291)] * 2
    assert loader.database["interactions"].count_documents({}) == 291
