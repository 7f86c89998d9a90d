"""The runner over the real ledger: what it leaves in MongoDB, and two runs that meet on one batch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from expectations_plugins.core.retry import RetryPolicy
from expectations_plugins.mongodb.connection import Database, connect
from pipeline.core.batches import BatchSource, BatchStatus
from pipeline.core.topology import GATES, MAX_ATTEMPTS, STEPS, StepKind
from pipeline.core.verdicts import Verdict
from pipeline.local import Endpoints
from pipeline.ports.steps import BatchContext
from pipeline.runner.effects import DecisionEffects
from pipeline.runner.runner import Runner
from pipeline.stages import LoadStage
from pipeline.stores.mongodb.ledger import MongoLedger
from pipeline.stores.mongodb.raw_store import MongoRawStore
from tests.fakes.bench import Bench
from tests.fakes.scripted import RecordedProgress, ScriptedGate, ScriptedStage

BATCH = "5f" * 32
TAKEN_BACK = ("publish", "graph", "embed")
RUNS_FOR_EVER = {"$set": {"steps.stage:embed.status": "running"}}


@pytest.fixture
def database(endpoints: Endpoints, request: pytest.FixtureRequest) -> Iterator[Database]:
    database = connect(str(endpoints.mongodb_uri), f"t{abs(hash(request.node.name))}")
    yield database
    database.client.drop_database(database.name)
    database.client.close()


class Scene:
    """Runners over one real ledger and raw store; the other stages and the gates are scripted."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.ledger, self.raw_store = MongoLedger(database), MongoRawStore(database)
        self.ledger.prepare()
        self.raw_store.prepare()
        self.folder = folder
        path = folder / "0900.jsonl"
        path.write_text("".join(f'{{"interaction_id": "i_{n}", "user_id": "u_{n + 100}"}}\n' for n in range(7)) + "{\n")
        self.source = BatchSource(BATCH, path)
        self.stages = {step.name: ScriptedStage(step.name) for step in STEPS if step.kind is StepKind.STAGE}
        self.gates = {name: ScriptedGate(name) for name in GATES}

    def runner(self, holder: str = "one run") -> Runner:
        return Runner(
            stages={**self.stages, "load": LoadStage(self.raw_store, self.ledger, zone=ZoneInfo("UTC"))},
            gates=self.gates,
            ledger=lambda: self.ledger,
            policy=RetryPolicy(MAX_ATTEMPTS, wait=0, wait_max=0),
            progress=RecordedProgress(),
            holder=holder,
            lease_seconds=30,
            raw_store=lambda: self.raw_store,
            spool=self.folder / "spool",
            effects=DecisionEffects(lambda: self.raw_store, *[Bench.refused] * 3),
        )


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Scene:
    return Scene(database, tmp_path)


def test_a_closed_batch_is_in_the_ledger_with_every_step_done(scene: Scene) -> None:
    scene.runner().process(scene.source)
    batch = scene.ledger.find("5f5f")
    assert (batch.status, [batch.is_done(step.key) for step in STEPS]) == ("closed", [True] * len(STEPS))


def test_the_ledger_keeps_counts_and_verdicts(scene: Scene) -> None:
    scene.runner().process(scene.source)
    batch = scene.ledger.find("5f5f")
    assert (batch.counts.read, batch.counts.accepted, batch.counts.dead) == (8, 7, 1)
    assert batch.verdicts == dict.fromkeys(GATES, "PASS")


def test_the_ledger_keeps_start_end_and_duration_of_every_step(scene: Scene) -> None:
    scene.runner().process(scene.source)
    steps = scene.ledger.find("5f5f").steps.values()
    assert all(step.start_time and step.end_time and step.duration_s is not None and step.attempts for step in steps)
    assert len(steps) == len(STEPS)


def test_a_crashed_batch_goes_on_where_it_stopped(scene: Scene) -> None:
    scene.stages["graph"] = ScriptedStage("graph", RuntimeError("killed"))
    scene.runner("one run").process(scene.source)
    outcome = scene.runner("another run").process(scene.source)
    assert (outcome.steps[0].key, outcome.status) == ("stage:graph", BatchStatus.CLOSED)


def test_a_batch_with_a_status_this_program_does_not_know_is_left_as_it_is(scene: Scene) -> None:
    scene.runner().process(scene.source)
    scene.database["batches"].update_one({"_id": BATCH}, {"$set": {"status": "under audit"}})
    before = scene.database["batches"].find_one({"_id": BATCH})
    with pytest.raises(ConfigurationError, match="does not know"):
        scene.runner().process(scene.source)
    after = scene.database["batches"].find_one({"_id": BATCH})
    assert after == {**(before or {}), "updated": (after or {})["updated"]}


def test_a_halted_batch_with_nothing_quarantined_can_be_checked_again(scene: Scene) -> None:
    scene.gates["raw"] = ScriptedGate("raw", Verdict.FAIL)
    scene.runner().process(scene.source)
    outcome = scene.runner().recheck(BATCH)
    assert (outcome.status, outcome.verdicts["raw"]) == (BatchStatus.CLOSED, "PASS")


def test_a_second_run_is_turned_away_while_the_first_is_at_work(scene: Scene) -> None:
    at_work, go_on = threading.Event(), threading.Event()

    def wait(context: BatchContext) -> None:
        del context
        at_work.set()
        go_on.wait(20)

    scene.stages["aggregate"] = ScriptedStage("aggregate", wait)
    first = threading.Thread(target=scene.runner("one run").process, args=(scene.source,))
    first.start()
    at_work.wait(20)
    outcome = scene.runner("another run").process(scene.source)
    go_on.set()
    first.join(20)
    assert (outcome.exit_code, scene.ledger.find(BATCH).status) == (ExitCode.LEASE_HELD, "closed")


@pytest.mark.parametrize("ended", ["by a signal", "by a kill"])
def test_a_rejection_takes_back_what_a_stage_wrote_before_it_was_cut_off(scene: Scene, ended: str) -> None:
    """A signal leaves no entry of the step in the ledger, a kill one that runs for ever."""
    scene.gates["vectors"] = ScriptedGate("vectors", Verdict.FAIL)
    scene.runner().process(scene.source)
    cut_off = {"$unset": {"steps.stage:embed": ""}} if ended == "by a signal" else RUNS_FOR_EVER
    scene.database["batches"].update_one({"_id": BATCH}, cut_off)
    assert scene.runner().reject(BATCH, "a test file").status is BatchStatus.DEAD
    assert {name: stage.runs for name, stage in scene.stages.items() if name in TAKEN_BACK} == dict.fromkeys(
        TAKEN_BACK, 2
    )


def test_a_rejection_leaves_alone_what_never_began(scene: Scene) -> None:
    scene.gates["raw"] = ScriptedGate("raw", Verdict.FAIL)
    scene.runner().process(scene.source)
    scene.runner().reject(BATCH, "a test file")
    assert [scene.stages[name].runs for name in TAKEN_BACK] == [0, 0, 0]
