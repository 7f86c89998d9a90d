"""The ledger, on a real server: the conformance of MongoLedger to the port Ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from expectations_plugins.core.errors import ConfigurationError, LeaseHeldError, LeaseLostError, TransientError
from expectations_plugins.mongodb.connection import Database
from pipeline.core.batch import Batch, StepState, StepStatus
from pipeline.core.batches import BatchStatus, Lease, LoadCounts
from pipeline.core.decision import Decision, DecisionKind, Opening
from pipeline.core.embeddings import EmbedManifest
from pipeline.core.locator import Locator
from pipeline.core.records import DeadLetter, DeadReason
from pipeline.core.rollback_plan import RollbackPlan
from pipeline.core.schema_versions import SchemaVersionError
from pipeline.core.verdicts import ActionOutcome, Finding, GateReport, Verdict
from pipeline.core.version import code_version
from pipeline.stores.mongodb.ledger import MongoLedger
from pipeline.stores.mongodb.ledger_queries import DECISIONS_KEPT, LEDGER_VERSION
from tests.faults.fail_points import EXCEEDED_TIME_LIMIT, FailPoints

BATCH = "ab" * 32
STEP = "stage:load"

REJECT = Decision(DecisionKind.REJECT, {"note": "a test file"}, "me")
PLAN = RollbackPlan(BATCH, "e_1", "vectors", removed=3, restored=1, expected=4)
WRITES: dict[str, Callable[[MongoLedger, Lease], object]] = {
    "start_step": lambda ledger, lease: ledger.start_step(lease, STEP),
    "end_step": lambda ledger, lease: ledger.end_step(lease, STEP, ok=True, counts={}),
    "record_gate": lambda ledger, lease: ledger.record_gate(lease, GateReport("raw", Verdict.PASS, "run_1")),
    "clear_steps": lambda ledger, lease: ledger.clear_steps(lease, [STEP]),
    "set_status": lambda ledger, lease: ledger.set_status(lease, BatchStatus.CLOSED),
    "decide": lambda ledger, lease: ledger.decide(lease, REJECT, Opening(BatchStatus.RUNNING)),
    "finish_decision": lambda ledger, lease: ledger.finish_decision(lease),
    "set_counts": lambda ledger, lease: ledger.set_counts(lease, LoadCounts(read=1)),
    "set_embedding": lambda ledger, lease: ledger.set_embedding(lease, EmbedManifest("e_1")),
    "begin_rollback": lambda ledger, lease: ledger.begin_rollback(lease, PLAN),
    "set_rolled_back": lambda ledger, lease: ledger.set_rolled_back(lease, PLAN),
    "renew": lambda ledger, lease: ledger.renew(lease, 60),
}


@pytest.fixture
def lease(ledger: MongoLedger) -> Lease:
    return ledger.acquire(BATCH, "run_1", 60)


def test_preparing_twice_is_preparing_once(ledger: MongoLedger, database: Database) -> None:
    before = sorted(database.list_collection_names())
    ledger.prepare()
    assert sorted(database.list_collection_names()) == before


def test_a_ledger_of_another_version_is_refused(ledger: MongoLedger, database: Database) -> None:
    database["ledger_meta"].update_one({"_id": "schema"}, {"$set": {"version": 99}})
    with pytest.raises(
        SchemaVersionError, match=f"has schema version 99; this program reads versions 1 to {LEDGER_VERSION}"
    ):
        ledger.prepare()


def test_a_decision_and_the_gate_that_the_batch_may_pass_are_one_write(ledger: MongoLedger, lease: Lease) -> None:
    ledger.start_step(lease, "gate:raw")
    ledger.end_step(lease, "gate:raw", ok=False, counts={"unexpected": 1}, error="1 bad user_id")
    ledger.set_status(lease, BatchStatus.HALTED, reason="1 bad user_id")
    opening = Opening(BatchStatus.RUNNING, passed="gate:raw", finished=True)
    ledger.decide(lease, Decision(DecisionKind.RESUME, by="me"), opening)
    batch = ledger.find(BATCH)
    step = batch.step("gate:raw")
    assert (batch.status, batch.reason, batch.decision) == ("running", "", None)
    assert (step.status, step.counts, step.error, step.attempts) == ("done", {"resumed": True}, "", 1)
    assert [(one.kind, one.by) for one in batch.decisions] == [(DecisionKind.RESUME, "me")]


def test_a_decision_is_unfinished_until_it_is_said_to_be_finished(ledger: MongoLedger, lease: Lease) -> None:
    ledger.decide(lease, REJECT, Opening(BatchStatus.RUNNING))
    ((batch_id, decision),) = [(one.batch_id, one.decision) for one in ledger.unfinished_decisions()]
    assert (batch_id, decision and (decision.kind, decision.note, decision.by)) == (
        BATCH,
        (DecisionKind.REJECT, "a test file", "me"),
    )
    ledger.finish_decision(lease)
    assert ledger.unfinished_decisions() == []


@pytest.mark.parametrize("status", [one for one in BatchStatus if one is not BatchStatus.RUNNING])
def test_a_batch_that_ended_has_no_unfinished_decision(ledger: MongoLedger, lease: Lease, status: BatchStatus) -> None:
    ledger.decide(lease, REJECT, Opening(BatchStatus.RUNNING))
    ledger.set_status(lease, BatchStatus.RUNNING)
    assert ledger.find(BATCH).decision is not None
    ledger.set_status(lease, status)
    assert ledger.find(BATCH).decision is None


def test_a_decision_of_a_newer_program_is_one_that_is_not_known(
    ledger: MongoLedger, lease: Lease, database: Database
) -> None:
    ledger.decide(lease, REJECT, Opening(BatchStatus.RUNNING))
    database["batches"].update_one({"_id": BATCH}, {"$set": {"decision.kind": "archive"}})
    decision = ledger.find(BATCH).decision
    assert decision is not None
    assert decision.kind is DecisionKind.UNKNOWN


def test_the_latest_decisions_are_kept(ledger: MongoLedger, lease: Lease) -> None:
    for number in range(DECISIONS_KEPT + 2):
        ledger.decide(lease, Decision(DecisionKind.RECHECK, by=f"person {number}"), Opening(finished=True))
    assert [one.by for one in ledger.find(BATCH).decisions] == [f"person {n}" for n in range(2, DECISIONS_KEPT + 2)]


def test_two_runs_open_the_same_new_batches(ledger: MongoLedger) -> None:
    names = [f"{number:064x}" for number in range(100)]
    at_once = threading.Barrier(2)

    def open_all(found: list[object]) -> None:
        for name in names:
            at_once.wait()
            found.append(ledger.open_batch(name, source="landing/log.jsonl", size=7).batch_id)

    found: list[list[object]] = [[], []]
    runs = [threading.Thread(target=open_all, args=(one,)) for one in found]
    for run in runs:
        run.start()
    for run in runs:
        run.join(60)
    assert found == [names, names]


def test_a_new_batch_is_running_and_empty(ledger: MongoLedger) -> None:
    batch = ledger.open_batch(BATCH, source="landing/log.jsonl", size=7)
    assert batch.first_seen
    assert batch.first_seen.utcoffset() is not None
    assert batch == Batch(
        BATCH,
        BatchStatus.RUNNING,
        source="landing/log.jsonl",
        size=7,
        first_seen=batch.first_seen,
        updated=batch.updated,
        schema_version=LEDGER_VERSION,
    )


def test_opening_a_batch_again_keeps_what_was_done_and_notes_where_the_file_is_now(ledger: MongoLedger) -> None:
    first = ledger.open_batch(BATCH, source="old", size=7)
    lease = ledger.acquire(BATCH, "run_1", 60)
    ledger.end_step(lease, STEP, ok=True, counts={"read": 1})
    again = ledger.open_batch(BATCH, source="new", size=7)
    assert (again.source, again.first_seen) == ("new", first.first_seen)
    assert again.is_done(STEP)


def test_a_batch_that_was_never_seen_is_none(ledger: MongoLedger) -> None:
    assert ledger.batch(BATCH) is None


def test_a_batch_is_found_by_the_start_of_its_id(ledger: MongoLedger) -> None:
    for batch_id in ("aa" * 32, "ab" * 32, "ff" * 32):
        ledger.open_batch(batch_id, source="s", size=1)
    assert [ledger.find(prefix).batch_id[:2] for prefix in ("aa", "AB", "f", "ff" * 32)] == ["aa", "ab", "ff", "ff"]


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("a", "Several batches start with a: aaaaaaaaaaaa, abababababab"),
        ("b", "There is no batch b"),
        ("", "not the start of a batch id"),
        (".*", "not the start of a batch id"),
        ("$gt", "not the start of a batch id"),
        ("a" * 65, "not the start of a batch id"),
    ],
)
def test_a_start_that_names_no_one_batch_is_refused(ledger: MongoLedger, prefix: str, message: str) -> None:
    for batch_id in ("aa" * 32, "ab" * 32):
        ledger.open_batch(batch_id, source="s", size=1)
    with pytest.raises(ConfigurationError) as caught:
        ledger.find(prefix)
    assert message in str(caught.value)


def test_recent_batches_are_the_newest_first(ledger: MongoLedger, database: Database) -> None:
    for number in range(3):
        ledger.open_batch(f"{number}" * 64, source="s", size=1)
        seen = datetime(2010, 12, 1 + number, tzinfo=UTC)
        database["batches"].update_one({"_id": f"{number}" * 64}, {"$set": {"first_seen": seen}})
    assert [batch.batch_id[0] for batch in ledger.recent(2)] == ["2", "1"]


def test_a_lease_is_held_against_others(ledger: MongoLedger, lease: Lease) -> None:
    with pytest.raises(
        LeaseHeldError, match=f"is being worked on by run_1; its lease lasts until {lease.expires_at:%Y}"
    ):
        ledger.acquire(BATCH, "run_2", 60)


def test_a_lease_of_our_own_can_be_taken_again_with_a_higher_fence(ledger: MongoLedger, lease: Lease) -> None:
    assert ledger.acquire(BATCH, "run_1", 60).fence > lease.fence


def test_a_lease_that_was_given_back_can_be_taken_with_a_higher_fence(ledger: MongoLedger, lease: Lease) -> None:
    ledger.release(lease)
    assert ledger.acquire(BATCH, "run_2", 60).fence > lease.fence


def test_a_lease_that_expired_can_be_taken(ledger: MongoLedger) -> None:
    ledger.acquire(BATCH, "run_1", 0)
    assert ledger.acquire(BATCH, "run_2", 60).holder == "run_2"


def test_a_renewed_lease_lasts_from_now_by_the_servers_clock(
    ledger: MongoLedger, lease: Lease, database: Database
) -> None:
    ledger.renew(lease, 3600)
    renewed = database["leases"].find_one({"_id": BATCH})
    assert renewed is not None
    assert (renewed["expires_at"] - lease.expires_at).total_seconds() > 3000
    assert renewed["fence"] == lease.fence


def test_a_lease_that_expired_and_nobody_took_can_be_renewed(ledger: MongoLedger) -> None:
    late = ledger.acquire(BATCH, "run_1", 0)
    ledger.renew(late, 60)
    with pytest.raises(LeaseHeldError):
        ledger.acquire(BATCH, "run_2", 60)


def test_of_a_holder_who_starts_a_step_again_and_again_each_attempt_has_its_number(either: Database) -> None:
    ledger = MongoLedger(either)
    lease = ledger.acquire(BATCH, "run_1", 60)
    assert [ledger.start_step(lease, step) for step in (STEP, STEP, "gate:raw", STEP)] == [1, 2, 1, 3]


def test_a_holder_whose_batch_was_taken_over_starts_no_step(either: Database) -> None:
    ledger = MongoLedger(either)
    late = ledger.acquire(BATCH, "run_1", 0)
    ledger.acquire(BATCH, "run_2", 60)
    with pytest.raises(LeaseLostError):
        ledger.start_step(late, STEP)
    assert ledger.find(BATCH).steps == {}


def test_giving_back_a_lease_that_was_taken_over_changes_nothing(ledger: MongoLedger) -> None:
    old = ledger.acquire(BATCH, "run_1", 0)
    ledger.acquire(BATCH, "run_2", 60)
    ledger.release(old)
    with pytest.raises(LeaseHeldError):
        ledger.acquire(BATCH, "run_3", 60)


@pytest.mark.parametrize("holder", ["$fence", "", "a.b", '{"$gt": ""}'])
def test_a_holders_name_is_never_read_as_a_query(ledger: MongoLedger, lease: Lease, holder: str) -> None:
    with pytest.raises(LeaseHeldError):
        ledger.acquire(BATCH, holder, 60)
    ledger.release(lease)
    assert ledger.acquire(BATCH, holder, 60).holder == holder


def test_of_many_who_take_a_lease_at_once_one_gets_it(ledger: MongoLedger) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def take(holder: str) -> None:
        start.wait()
        try:
            outcomes.append(ledger.acquire(BATCH, holder, 60).holder)
        except LeaseHeldError:
            outcomes.append("held")

    threads = [threading.Thread(target=take, args=(f"run_{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[:7] == ["held"] * 7
    assert len(outcomes) == 8


@pytest.mark.parametrize("name", WRITES)
def test_a_holder_whose_lease_was_taken_over_writes_nothing(ledger: MongoLedger, name: str) -> None:
    old = ledger.acquire(BATCH, "run_1", 0)
    ledger.acquire(BATCH, "run_2", 60)
    before = ledger.batch(BATCH)
    with pytest.raises(LeaseLostError, match="The lease of run_1 on batch abababababab was taken over"):
        WRITES[name](ledger, old)
    assert ledger.batch(BATCH) == before


def test_attempts_at_a_step_are_counted_over_runs(ledger: MongoLedger, lease: Lease) -> None:
    assert ledger.start_step(lease, STEP) == 1
    ledger.end_step(lease, STEP, ok=False, counts={}, error="$timeout")
    ledger.release(lease)
    assert ledger.start_step(ledger.acquire(BATCH, "run_2", 60), STEP) == 2


def test_a_start_that_could_not_be_read_counts_no_attempt(
    ledger: MongoLedger, lease: Lease, failing: FailPoints
) -> None:
    failing.fail("find", EXCEEDED_TIME_LIMIT, 9)
    with pytest.raises(TransientError):
        ledger.start_step(lease, STEP)
    failing.heal()
    assert ledger.start_step(lease, STEP) == 1


def test_a_step_says_when_it_ran_and_what_it_did(ledger: MongoLedger, lease: Lease) -> None:
    ledger.start_step(lease, STEP)
    ledger.end_step(lease, STEP, ok=False, counts={"$read": 7}, error="$timeout")
    batch = ledger.find(BATCH)
    step = batch.step(STEP)
    assert (step.status, step.attempts, step.counts, step.error) == ("failed", 1, {"$read": 7}, "$timeout")
    assert step.start_time
    assert step.end_time
    assert step.duration_s == pytest.approx((step.end_time - step.start_time).total_seconds(), abs=0.002)
    assert batch.start_time == step.start_time


def test_a_new_attempt_forgets_how_the_last_one_ended(ledger: MongoLedger, lease: Lease) -> None:
    ledger.start_step(lease, STEP)
    ledger.end_step(lease, STEP, ok=False, counts={}, error="timeout")
    ledger.start_step(lease, STEP)
    step = ledger.find(BATCH).step(STEP)
    assert step == StepState(StepStatus.RUNNING, 2, step.start_time, code_version=code_version())


def test_steps_that_were_cleared_start_over(ledger: MongoLedger, lease: Lease) -> None:
    for step in (STEP, "gate:raw"):
        ledger.start_step(lease, step)
    ledger.clear_steps(lease, [STEP])
    assert list(ledger.find(BATCH).steps) == ["gate:raw"]


def test_a_gates_report_is_kept_whole_and_replaced_by_the_next(ledger: MongoLedger, lease: Lease) -> None:
    finding = Finding("user ids", "critical", "1 of 2 bad", 1, 2, (("i_1", "null"),))
    outcome = ActionOutcome("quarantine", "done", "1 record")
    failed = GateReport("raw", Verdict.FAIL, "run_1", (finding,), (outcome,), "docs/1", {"tolerance": 0.0, "old": 1})
    ledger.record_gate(lease, failed)
    ledger.record_gate(lease, GateReport("raw", Verdict.PASS, "run_2", parameters={"tolerance": 0.5}))
    gate = ledger.find(BATCH).gates["raw"]
    assert (gate.verdict, gate.run_id, gate.findings, gate.parameters) == ("PASS", "run_2", (), {"tolerance": 0.5})
    ledger.record_gate(lease, failed)
    again = ledger.find(BATCH).gates["raw"]
    assert (again.findings, again.actions) == ((finding,), (outcome,))


def test_a_status_other_than_running_ends_the_batchs_clock(ledger: MongoLedger, lease: Lease) -> None:
    ledger.set_status(lease, BatchStatus.HALTED, reason="gate raw said FAIL")
    halted = ledger.find(BATCH)
    ledger.set_status(lease, BatchStatus.RUNNING)
    running = ledger.find(BATCH)
    assert (halted.status, halted.reason, bool(halted.end_time)) == ("halted", "gate raw said FAIL", True)
    assert (running.status, running.reason, running.end_time) == ("running", "", None)


def test_counts_and_the_latest_embedding_batch_are_recorded(ledger: MongoLedger, lease: Lease) -> None:
    ledger.set_counts(lease, LoadCounts(read=3, accepted=2, dead=1))
    ledger.set_embedding(lease, EmbedManifest("e_1", expected=9, rejected={"zero.vector": 1}))
    ledger.set_embedding(lease, EmbedManifest("e_2", expected=2, rejected={}, sample_ids=("i_1", "i_2")))
    batch = ledger.find(BATCH)
    assert batch.counted == LoadCounts(read=3, accepted=2, dead=1)
    assert batch.embedding
    assert (batch.embedding.rejected, batch.embedding.sample_ids) == ({}, ("i_1", "i_2"))
    assert batch.embeddings["e_1"].rejected == {"zero.vector": 1}


def test_dead_letters_come_back_by_line(ledger: MongoLedger) -> None:
    letters = [DeadLetter(BATCH, Locator(line), DeadReason.UNPARSABLE, "not JSON", '{"$x') for line in (12, 2, 700)]
    ledger.bury([*letters, DeadLetter("cd" * 32, Locator(1), DeadReason.BAD_ID, "", "")])
    assert list(ledger.dead_letters(BATCH)) == sorted(letters, key=lambda letter: letter.at)


def test_burying_again_adds_nothing_and_the_latest_reason_stands(ledger: MongoLedger, database: Database) -> None:
    first = DeadLetter(BATCH, Locator(1), DeadReason.CONFLICT, "belongs to another batch", "{}")
    ledger.bury([first])
    buried = database["dead_letters"].find_one({}) or {}
    latest = DeadLetter(BATCH, Locator(1), DeadReason.CONFLICT, "belongs to yet another", "{}")
    ledger.bury([latest])
    assert list(ledger.dead_letters(BATCH)) == [latest]
    assert (database["dead_letters"].find_one({}) or {})["buried_at"] == buried["buried_at"]


def test_burying_nothing_is_allowed(ledger: MongoLedger) -> None:
    ledger.bury([])
    assert list(ledger.dead_letters(BATCH)) == []


def test_a_fence_also_grows_when_the_ledger_was_lost(ledger: MongoLedger, database: Database, lease: Lease) -> None:
    database["leases"].drop()
    database["batches"].drop()
    assert ledger.acquire(BATCH, "run_2", 60).fence > lease.fence  # the other stores remember the old one
