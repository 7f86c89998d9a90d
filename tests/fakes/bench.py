"""A runner over fakes of its ports."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from expectations_plugins.core.retry import RetryPolicy
from pipeline.core.batches import BatchSource, BatchStatus
from pipeline.core.topology import GATES, MAX_ATTEMPTS, STEPS, StepKind
from pipeline.core.verdicts import Verdict
from pipeline.runner.effects import DecisionEffects
from pipeline.runner.runner import Runner
from tests.fakes.runner_ledger import MemoryLedger
from tests.fakes.scripted import RecordedProgress, ScriptedGate, ScriptedStage

STAGES = tuple(step.name for step in STEPS if step.kind is StepKind.STAGE)
LOADED = {"read": 60, "accepted": 60, "quarantined": 0, "duplicate": 0, "dead": 0}
OUTAGE = "Neo4j: writing failed: connection refused"


class CountedRecords:
    """Implements pipeline.runner.batch_run.CountsRecords."""

    def __init__(self) -> None:
        self.numbers = (60, 0)

    def counts(self, batch_id: str) -> tuple[int, int]:
        del batch_id
        return self.numbers


class Bench:
    """A runner with everything it needs; each part can be replaced before `process`."""

    def __init__(self, folder: Path) -> None:
        self.ledger = MemoryLedger()
        self.progress = RecordedProgress()
        self.records = CountedRecords()
        self.stages = {name: ScriptedStage(name) for name in STAGES}
        self.stages["load"] = ScriptedStage("load", counts=LOADED)
        self.gates = {name: ScriptedGate(name) for name in GATES}
        self.lease_seconds = 60.0
        self.spool = folder / "spool"
        self.published: list[str] = []
        self.effects = DecisionEffects(*[self.refused] * 4)
        path = folder / "0900.jsonl"
        path.write_text('{"interaction_id": "i_1"}\n')
        self.source = BatchSource(hashlib.sha256(path.read_bytes()).hexdigest(), path)

    def runner(self, holder: str = "this run") -> Runner:
        return Runner(
            stages=self.stages,
            gates=self.gates,
            ledger=lambda: self.ledger,
            policy=RetryPolicy(MAX_ATTEMPTS, wait=0, wait_max=0),
            progress=self.progress,
            holder=holder,
            lease_seconds=self.lease_seconds,
            raw_store=lambda: self.records,
            spool=self.spool,
            publish=self.publish,
            effects=self.effects,
        )

    def publish(self, batch_id: str) -> str:
        self.published.append(batch_id)
        return ""

    @staticmethod
    def refused() -> Any:
        """In place of what only some decisions need."""
        raise AssertionError("no decision of this test needs it")

    @property
    def document(self) -> Mapping[str, object]:
        return self.ledger.documents[self.source.batch_id]

    def attempts(self, key: str) -> int:
        return int(self.document["steps"][key]["attempts"])  # type: ignore[index]

    def fail(self, stage: str, *errors: BaseException) -> None:
        self.stages[stage] = ScriptedStage(stage, *errors)

    def halt_at(self, gate: str, *, quarantined: int = 3) -> None:
        self.gates[gate] = ScriptedGate(gate, Verdict.FAIL)
        self.records.numbers = (60 - quarantined, quarantined)
        assert self.runner().process(self.source).status is BatchStatus.HALTED
