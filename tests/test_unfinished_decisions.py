"""What a person decided is carried out by whatever command comes next, wherever the one that recorded it was killed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from expectations_plugins.core.errors import ConfigurationError, ExitCode, TransientError
from pipeline.core.batch import Tombstone
from pipeline.core.batches import BatchSource, BatchStatus, Lease
from pipeline.core.decision import Decision, DecisionKind
from pipeline.core.records import Quarantined
from pipeline.core.verdicts import Verdict
from pipeline.runner.decisions import RULES
from pipeline.runner.effects import DecisionEffects
from tests.fakes.bench import Bench
from tests.fakes.scripted import ScriptedGate

AT_ONCE = {DecisionKind.RECHECK, DecisionKind.REDO}
"""All that these change is in the write that records them."""


class Acted:
    """Implements what decisions act on: notes what is done, and is killed at the first of it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.kills = True
        self.marked = 3

    def does(self, what: str) -> None:
        if self.kills:
            self.kills = False
            raise KeyboardInterrupt
        self.done.append(what)

    def counts(self, batch_id: str) -> tuple[int, int]:
        del batch_id
        return 60 - self.marked, self.marked

    def quarantine(
        self, batch_id: str, condition: Mapping[str, Any], *, gate: str, reason: str, run_id: str, fence: int
    ) -> int:
        del batch_id, condition, reason, run_id, fence
        self.does(f"all marked by {gate}")
        self.marked = 60
        return 60

    def quarantined(self, batch_id: str | None, limit: int) -> Sequence[Quarantined]:
        del limit
        mark = Quarantined("i_1", batch_id or "", "person", "rejected: a test", "run", None, {})
        return [mark] if self.marked == 60 else []

    def release(self, lease: Lease, interaction_id: str, changes: Mapping[str, Any], *, note: str, run_id: str) -> bool:
        del lease, note, run_id
        self.does(f"{interaction_id} released with {dict(changes)}")
        self.marked = 0
        return True

    def drop_batch(self, lease: Lease, tombstone: Tombstone) -> None:
        del lease
        self.does(f"dropped: {tombstone.why}")

    def drop_letters(self, batch_id: str, lines: Sequence[int] | None, tombstone: Tombstone) -> int:
        del batch_id, lines, tombstone
        return 0

    def perform(self, lease: Lease, batch_id: str, embedding_batch_id: str, collection: str = "") -> Any:
        del lease, batch_id
        self.does(f"{embedding_batch_id} rolled back in {collection}")


class Stage(Bench):
    """A batch to decide about."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.acted = Acted()
        self.records = self.acted  # type: ignore[assignment]
        self.effects = DecisionEffects(*[lambda: self.acted] * 4)

    def stop_at(self, status: BatchStatus) -> str:
        """Bring the batch to where it waits."""
        if status is BatchStatus.HALTED:
            self.gates["raw"] = ScriptedGate("raw", Verdict.FAIL)
        outcome = self.runner().process(self.source)
        if status is BatchStatus.DEAD:
            self.acted.kills = False
            document = self.ledger.documents[outcome.batch_id]
            document |= {"status": "dead", "reason": "Rejected: a test"}
            self.acted.kills, self.acted.marked = True, 60
        return outcome.batch_id

    def another_file(self) -> BatchSource:
        path = self.spool.parent / "another.jsonl"
        path.write_text('{"interaction_id": "i_2"}\n')
        return BatchSource(hashlib.sha256(path.read_bytes()).hexdigest(), path)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


HALTED, DEAD, CLOSED = BatchStatus.HALTED, BatchStatus.DEAD, BatchStatus.CLOSED

CASES: Mapping[DecisionKind, tuple[BatchStatus, Mapping[str, Any], str, BatchStatus]] = {
    DecisionKind.REJECT: (HALTED, {"note": "a test"}, "all marked by person", DEAD),
    DecisionKind.DROP: (DEAD, {"note": "of no use"}, "dropped: of no use", DEAD),
    DecisionKind.ROLLBACK: (
        CLOSED,
        {"embedding_batch_id": "e_1", "collection": "vectors"},
        "e_1 rolled back in vectors",
        HALTED,
    ),
    DecisionKind.RELEASE: (
        CLOSED,
        {"interaction_id": "i_1", "changes": {"user_id": "u_1"}},
        "i_1 released with {'user_id': 'u_1'}",
        CLOSED,
    ),
    DecisionKind.REPLAY: (DEAD, {}, "i_1 released with {}", CLOSED),
}
"""By kind: where the batch is before it, its data, what it does, and where the batch is after it."""


def test_every_kind_of_decision_is_tried_or_has_no_effect_of_its_own() -> None:
    elsewhere = {DecisionKind.RESUME, DecisionKind.SUPERSEDE}  # below, and in tests/gates/test_supersede.py
    kinds = set(CASES) | AT_ONCE | elsewhere
    assert kinds == set(RULES) == set(DecisionKind) - {DecisionKind.UNKNOWN}


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("then", ["its own file", "another file", "the same again"])
def test_a_decision_that_was_interrupted_is_finished_by_the_next_command(
    stage: Stage, kind: DecisionKind, then: str
) -> None:
    before, data, done, after = CASES[kind]
    batch_id = stage.stop_at(before)
    decision = Decision(kind, data, "me")
    with pytest.raises(KeyboardInterrupt):
        stage.runner().decide(batch_id, decision)
    assert stage.document["decision"]["kind"] == str(kind)  # type: ignore[index]
    nexts: Mapping[str, Callable[[], object]] = {
        "its own file": lambda: stage.runner().process(stage.source),
        "another file": lambda: stage.runner().process(stage.another_file()),
        "the same again": lambda: stage.runner().decide(batch_id, decision),
    }
    nexts[then]()
    assert done in stage.acted.done
    assert (stage.document["status"], stage.document["decision"]) == (str(after), None)


def test_a_load_that_a_person_ended_is_ended_by_the_next_command(stage: Stage) -> None:
    stage.fail("load", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        stage.runner().process(stage.source)
    stage.acted.kills = False
    stage.fail("aggregate", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        stage.runner().resume(stage.source.batch_id, without_file=True)
    stage.source.path.unlink()
    stage.runner().process(stage.another_file())
    outcome = stage.runner().resume(stage.source.batch_id)
    assert (outcome.status, stage.stages["load"].runs) == (CLOSED, 2)


def test_a_store_that_is_down_leaves_the_decision_to_the_next_run(stage: Stage) -> None:
    batch_id = stage.stop_at(CLOSED)
    stage.acted.kills = False
    stage.ledger.documents[batch_id]["status"] = "halted"
    stage.fail("graph", *[TransientError("Neo4j: connection refused")] * 4)
    outcome = stage.runner().reject(batch_id, "a test")
    assert (outcome.exit_code, stage.document["status"]) == (ExitCode.OUTAGE, "running")
    assert "the next run finishes it" in outcome.next_step
    assert stage.runner().process(stage.source).status is DEAD


def test_what_was_decided_first_is_finished_before_another_decision_is_looked_at(stage: Stage) -> None:
    batch_id = stage.stop_at(HALTED)
    with pytest.raises(KeyboardInterrupt):
        stage.runner().decide(batch_id, Decision(DecisionKind.REJECT, {"note": "a test"}, "me"))
    with pytest.raises(ConfigurationError, match="is in the dead-letter queue: Rejected: a test"):
        stage.runner().resume(batch_id)
    assert stage.document["status"] == "dead"


def test_a_decision_that_cannot_be_carried_out_keeps_no_other_batch_waiting(stage: Stage) -> None:
    batch_id = stage.stop_at(HALTED)
    made = {"kind": "archive", "at": None, "data": {}, "by": ""}
    stage.ledger.documents[batch_id]["decision"] = made
    assert stage.runner().process(stage.another_file()).status is CLOSED
    with pytest.raises(ConfigurationError, match="does not know"):
        stage.runner().process(stage.source)
    assert stage.document["decision"] == made


def test_a_batch_that_a_run_holds_is_left_to_that_run(stage: Stage) -> None:
    batch_id = stage.stop_at(HALTED)
    with pytest.raises(KeyboardInterrupt):
        stage.runner().decide(batch_id, Decision(DecisionKind.REJECT, {"note": "a test"}, "me"))
    stage.ledger.acquire(batch_id, "another run", 60)
    runner = stage.runner("a third run")
    assert (runner.process(stage.another_file()).status, runner.finished) == (CLOSED, [])
    assert stage.document["decision"] is not None
