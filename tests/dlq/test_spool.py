"""The spool behind the queue: whole or not at all, in the ledger once MongoDB is back, whatever is killed."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from expectations_plugins.core.errors import ConfigurationError, ExitCode, TransientError
from expectations_plugins.mongodb.connection import connect
from pipeline.core.batches import BatchSource, BatchStatus
from pipeline.core.topology import MAX_ATTEMPTS
from pipeline.dead_letters import DeadFolders, Death, Outages, take_in
from pipeline.dead_letters.entry import Entry
from pipeline.local import Endpoints
from tests.dlq.conftest import Site
from tests.dlq.test_replay import broken, record
from tests.fakes.scripted import ScriptedStage

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DOWN = "MongoDB: no server answered"


class Killed(BaseException):
    """A kill, where one cannot kill the test."""


class Wrapped:
    """A ledger that dies before its n-th call, or just after it."""

    def __init__(self, ledger: Any, dies_at: int, *, after: bool) -> None:
        self._ledger, self._dies_at, self._after, self.calls = ledger, dies_at, after, 0

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            if self.calls == self._dies_at and not self._after:
                raise Killed
            answer = getattr(self._ledger, name)(*arguments, **named)
            if self.calls == self._dies_at:
                raise Killed
            return answer

        return call


class Down:
    """A ledger that is down: every call is an outage."""

    def __getattr__(self, name: str) -> Any:
        def call(*_: Any, **__: Any) -> Any:
            raise TransientError(DOWN, next_step="Start it.")

        return call


@contextmanager
def full_disk(size: int = 64) -> Iterator[None]:
    """No file may grow beyond some bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def entry_of(site: Site, source: BatchSource) -> Entry:
    entry = DeadFolders(site.spool).entry(source.batch_id)
    assert entry is not None
    return entry


def outage(site: Site, source: BatchSource) -> ExitCode:
    """A run while the ledger is down."""
    ledger = site.ledger
    site.ledger = Down()  # type: ignore[assignment]
    try:
        return site.process(source).exit_code
    finally:
        site.ledger = ledger


def take(site: Site, ledger: Any = None) -> list[str]:
    found = ledger or site.ledger
    count = site.raw_store.counts
    return take_in(site.spool, found, count, holder="a run", lease_seconds=30, progress=site.progress)


# keeping


def test_a_dead_batch_is_a_folder_with_its_file_and_all_that_is_known(site: Site) -> None:
    site.max_records = 2
    source = site.land(record(1), record(2), record(3))[1]
    site.dies("publish", broken())
    site.process(source)
    folder = site.spool / "dlq" / source.batch_id
    assert (folder / "0900.jsonl").read_bytes() == source.path.read_bytes()
    found = json.loads((folder / "batch.json").read_text())
    known = {"batch_id": source.batch_id, "file_name": "0900.jsonl", "original_path": str(source.path), "records": 1}
    assert known.items() <= found.items()
    assert (found["first_record"], found["max_records"], found["schema_version"]) == (2, 2, 1)
    death = found["death"]
    assert (death["stage"], death["attempts"], "the sums differ" in death["error"]) == ("publish", 1, True)
    assert [step["step"] for step in death["history"]] == ["stage:load", "stage:aggregate", "gate:raw", "stage:publish"]
    assert death["start_time"] < death["end_time"]


@pytest.mark.parametrize("name", ["batch.json", "taken-in-x.jsonl"])
def test_a_log_file_may_be_called_as_the_spool_calls_its_own(site: Site, name: str) -> None:
    (source,) = site.land(record(1), name=name)
    site.dies("graph", broken())
    site.process(source)
    entry = entry_of(site, source)
    kept = entry.source(site.spool / "dlq" / source.batch_id)
    assert kept is not None
    assert kept.path.read_bytes() == source.path.read_bytes()
    assert entry.file_name == name


def test_a_full_disk_leaves_the_batch_as_it_was_and_no_half_folder(site: Site) -> None:
    (source,) = site.land(*[record(number) for number in range(50)])
    with full_disk(), pytest.raises(TransientError, match=r"cannot be kept in .*: File too large"):
        DeadFolders(site.spool).keep(source, Death("graph", "it failed"))
    assert list((site.spool / "dlq").iterdir()) == []


def test_a_full_disk_is_an_outage_and_the_next_run_finishes(site: Site) -> None:
    (source,) = site.land(*[record(number) for number in range(50)])
    site.dies("graph", broken(), broken())
    with full_disk(2048):
        outcome = site.process(source)
    assert (outcome.exit_code, site.document(source.batch_id)["status"]) == (ExitCode.OUTAGE, "running")
    assert "SLUICEGATE_SPOOL" in outcome.next_step
    assert site.process(source).exit_code == ExitCode.DEAD_LETTERED
    assert entry_of(site, source).records == 50


def test_only_batch_ids_become_folders(site: Site) -> None:
    for name in ("../x", "..", "", "ab", "AB" * 32, "ab" * 31 + "/x"):
        with pytest.raises(ConfigurationError, match="is not a batch id"):
            DeadFolders(site.spool).path(name)


def test_what_a_killed_process_left_is_swept_once_it_is_old(site: Site) -> None:
    left = site.spool / "dlq" / f".{'ab' * 32}.{'0' * 32}.part"
    left.mkdir(parents=True)
    take(site)
    assert left.exists()
    os.utime(left, (1, 1))
    take(site)
    assert not left.exists()


# taking in


def moved_while_down(site: Site) -> BatchSource:
    (source,) = site.land(record(1), record(2))
    assert [outage(site, source) for _ in range(MAX_ATTEMPTS)] == [3, 3, 3, 5]
    return source


def test_outages_are_counted_and_the_fourth_run_moves_the_batch(site: Site) -> None:
    source = moved_while_down(site)
    entry = entry_of(site, source)
    assert (entry.death.stage, entry.death.attempts, len(entry.death.history)) == ("ledger", 4, 4)
    assert DOWN in entry.death.error
    assert outage(site, source) == ExitCode.DEAD_LETTERED
    assert site.document(source.batch_id) == {}


def test_a_run_that_reaches_the_ledger_clears_the_count(site: Site) -> None:
    (source,) = site.land(record(1))
    site.dies("graph", SystemExit(143))
    for _ in range(3):
        assert outage(site, source) == ExitCode.OUTAGE
    with pytest.raises(SystemExit):
        site.process(source)
    assert [outage(site, source) for _ in range(MAX_ATTEMPTS)] == [3, 3, 3, 5]


def test_what_needs_no_run_is_not_counted(site: Site) -> None:
    (source,) = site.land(record(1))
    site.process(source)
    assert {outage(site, source) for _ in range(6)} == {ExitCode.OUTAGE}
    assert DeadFolders(site.spool).entry(source.batch_id) is None


def test_of_many_batches_only_the_first_waits_for_the_ledger(site: Site) -> None:
    sources = [site.land(record(number), name=f"{number}.jsonl")[0] for number in range(3)]
    asked = []

    class Counts(Down):
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return super().__getattr__(name)

    site.ledger = Counts()  # type: ignore[assignment]
    runner = site.runner()
    assert [runner.process(source).exit_code for source in sources] == [ExitCode.OUTAGE] * 3
    assert len(asked) == MAX_ATTEMPTS


def test_a_spool_that_cannot_be_written_in_an_outage_is_said_too(site: Site) -> None:
    (source,) = site.land(record(1))
    site.spool.write_text("a file where a folder should be")
    site.ledger = Down()  # type: ignore[assignment]
    outcome = site.process(source)
    assert (outcome.exit_code, DOWN in outcome.message, "cannot be" in outcome.message) == (ExitCode.OUTAGE, True, True)


def test_a_damaged_count_starts_anew(site: Site) -> None:
    outages = Outages(site.spool)
    outages.count("ab" * 32, "down")
    (site.spool / "outages" / f"{'ab' * 32}.json").write_text("nonsense")
    assert len(outages.count("ab" * 32, "down")) == 1


def test_the_next_run_takes_it_into_the_ledger_and_leaves_it_dead(site: Site) -> None:
    source = moved_while_down(site)
    outcome = site.process(source)
    assert (outcome.exit_code, outcome.status, outcome.fresh) == (ExitCode.DEAD_LETTERED, BatchStatus.DEAD, False)
    document = site.document(source.batch_id)
    assert (document["status"], document["counts"]["read"], document["counts"]["dead"]) == ("dead", 2, 2)
    assert document["source"] == str(source.path)
    assert DOWN in document["reason"]
    assert take(site) == []
    assert site.counted() == []


def test_taking_in_survives_a_kill_before_and_after_every_call(site: Site) -> None:
    dead = [site.land(record(number), name=f"{number}.jsonl")[0] for number in range(2)]
    for source in dead:
        assert [outage(site, source) for _ in range(MAX_ATTEMPTS)][-1] == 5
    points = 0
    for after in (False, True):
        for dies_at in range(1, 100):
            ledger = Wrapped(site.ledger, dies_at, after=after)
            try:
                take(site, ledger)
            except Killed:
                points += 1
                for source in dead:  # as if nothing had been marked yet
                    for mark in (site.spool / "dlq" / source.batch_id).glob("taken-in-*"):
                        mark.unlink()
            else:
                break
    take(site)
    assert points >= 12
    assert [site.document(source.batch_id)["status"] for source in dead] == ["dead", "dead"]
    assert [site.document(source.batch_id)["counts"]["dead"] for source in dead] == [1, 1]
    assert list(DeadFolders(site.spool).pending()) == []
    assert site.counted() == []


def test_a_kill_between_the_rename_and_the_ledger_is_finished_by_the_next_run(site: Site) -> None:
    (source,) = site.land(record(1))
    site.dies("graph", broken())
    real = site.ledger.set_status

    class DiesAtDead:
        def __getattr__(self, name: str) -> Any:
            return getattr(site_ledger, name)

        def set_status(self, lease: Any, status: BatchStatus, *, reason: str = "") -> None:
            if status is BatchStatus.DEAD:
                raise Killed
            real(lease, status, reason=reason)

    site_ledger = site.ledger
    site.ledger = DiesAtDead()  # type: ignore[assignment]
    with pytest.raises(Killed):
        site.process(source)
    site.ledger = site_ledger
    assert (site.document(source.batch_id)["status"], site.stages["graph"].runs) == ("running", 1)
    outcome = site.process(source)
    assert (outcome.exit_code, outcome.fresh, site.stages["graph"].runs) == (ExitCode.DEAD_LETTERED, False, 1)
    assert site.counted() == []


def test_a_batch_the_ledger_knows_to_be_closed_did_not_die(site: Site) -> None:
    (source,) = site.land(record(1))
    site.process(source)
    DeadFolders(site.spool).keep(source, Death("ledger", DOWN))
    assert take(site) == []
    assert (site.document(source.batch_id)["status"], DeadFolders(site.spool).entry(source.batch_id)) == (
        "closed",
        None,
    )


def test_a_batch_another_run_is_at_is_left_for_later(site: Site) -> None:
    source = moved_while_down(site)
    site.ledger.acquire(source.batch_id, "another run", 60)
    assert take(site) == []
    assert [name for name, _ in DeadFolders(site.spool).pending()] == [source.batch_id]


def test_what_was_closed_since_then_leaves_the_spool(site: Site) -> None:
    (source,) = site.land(record(1))
    site.dies("graph", broken())
    site.process(source)
    # as when the spool of another machine, where it died, is given to this one
    site.database["batches"].update_one({"_id": source.batch_id}, {"$set": {"status": "closed"}})
    take(site)
    assert DeadFolders(site.spool).entry(source.batch_id) is None


def test_a_batch_that_had_records_in_mongodb_counts_them_when_it_is_taken_in(site: Site) -> None:
    (source,) = site.land(record(1), record(2), record(3))
    load = site.stages["load"]

    def half(context: Any) -> None:
        short_path = site.folder / "half.jsonl"
        short_path.write_text("".join(source.path.read_text().splitlines(keepends=True)[:1]))
        from dataclasses import replace  # noqa: PLC0415

        load.run(replace(context, source=BatchSource(source.batch_id, short_path)))
        raise SystemExit(143)

    site.stages["load"] = ScriptedStage("load", half)
    with pytest.raises(SystemExit):
        site.process(source)
    assert [outage(site, source) for _ in range(MAX_ATTEMPTS)][-1] == 5
    take(site)
    counts = site.document(source.batch_id)["counts"]
    assert (counts["read"], counts["accepted"], counts["dead"]) == (3, 1, 2)
    assert site.counted() == []


# four kills in one stage


def test_four_kills_in_one_stage_are_said_to_be_kills(site: Site, endpoints: Endpoints) -> None:
    (source,) = site.land(record(1))

    def die(_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    name = site.database.name
    for _ in range(MAX_ATTEMPTS):
        child = os.fork()
        if child == 0:  # a process of its own, with a client of its own
            own = Site(connect(str(endpoints.mongodb_uri), name), site.folder)
            own.stages["graph"] = ScriptedStage("graph", die)
            own.process(source)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        site.database["leases"].update_one(
            {"_id": source.batch_id}, {"$set": {"holder": "nobody", "expires_at": EPOCH}}
        )
    outcome = site.process(source)
    assert outcome.status is BatchStatus.DEAD
    assert "4 attempts ended without a result: each time the process that ran the graph stage was killed" in (
        outcome.message
    )
    step = site.document(source.batch_id)["steps"]["stage:graph"]
    assert (step["status"], "killed" in step["error"]) == ("failed", True)
    assert site.counted() == []


def test_the_error_of_the_last_attempt_is_not_lost_when_the_spool_was_full(site: Site) -> None:
    (source,) = site.land(*[record(number) for number in range(50)])
    site.dies("graph", *[TransientError("Neo4j: connection refused.") for _ in range(10)])
    with full_disk(2048):
        site.process(source)
    outcome = site.process(source)
    assert outcome.status is BatchStatus.DEAD
    assert outcome.message.count("Neo4j: connection refused. It was tried 4 times.") == 1


def test_a_spool_that_is_full_does_not_look_like_an_outage_of_the_ledger(site: Site) -> None:
    source = moved_while_down(site)
    other = site.land(record(5), name="other.jsonl")[0]
    folder = site.spool / "dlq" / source.batch_id
    entry = entry_of(site, source)
    (folder / f"taken-in-{entry.entry}").symlink_to(site.folder / "nowhere" / "at all")  # cannot be touched
    assert site.process(other).exit_code == ExitCode.OK
    assert site.progress.named("spool_not_taken_in")
