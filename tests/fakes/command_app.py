"""The composition root as commands see it, over a ledger in memory and a scripted runner's parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from expectations_plugins.core.errors import TerminalError
from expectations_plugins.core.retry import RetryPolicy
from pipeline.config import Settings, load_settings
from pipeline.core.batch import Batch
from pipeline.core.records import GraphRecord
from pipeline.core.topology import GATES, MAX_ATTEMPTS, STEPS, StepKind
from pipeline.ports.checkup import Probe
from pipeline.runner.effects import DecisionEffects
from pipeline.runner.runner import Runner
from tests.fakes.bench import Bench
from tests.fakes.runner_ledger import MemoryLedger
from tests.fakes.scripted import RecordedProgress, ScriptedGate, ScriptedStage


class MemoryGraph:
    """Implements pipeline.ports.GraphStore as far as campaigns go."""

    def __init__(self) -> None:
        self.campaigns: dict[str, Mapping[str, Any]] = {}

    def prepare(self) -> None:
        pass

    def write(self, batch_id: str, records: Sequence[GraphRecord]) -> None:
        raise TerminalError(f"{len(records)} records of {batch_id} were not expected.")

    def load_campaigns(self, campaigns: Sequence[Mapping[str, Any]]) -> None:
        self.campaigns.update({campaign["campaign_id"]: campaign for campaign in campaigns})

    def count(self, batch_id: str) -> int:
        del batch_id
        return 0


class MemoryHistory:
    """Implements pipeline.ports.history.History as far as a plan goes."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger

    def states(self, batch_ids: Sequence[str]) -> Mapping[str, Batch]:
        found = {batch_id: self._ledger.batch(batch_id) for batch_id in batch_ids}
        return {batch_id: batch for batch_id, batch in found.items() if batch}


class NobodyIsNotified:
    """The part of pipeline.alerts.router.AlertRouter that a run asks when no channel is configured."""

    configured: tuple[str, ...] = ()


class CommandApp:
    """Implements pipeline.cli.app.App. Every batch has 60 records, of which `quarantined` are bad."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.progress = RecordedProgress()
        self.ledger = MemoryLedger()
        self.graph_store = MemoryGraph()
        self.alerts: Any = NobodyIsNotified()
        self.standing: Any = None
        self.quarantined = 0
        self.stages = {step.name: ScriptedStage(step.name) for step in STEPS if step.kind is StepKind.STAGE}
        loaded = {"read": 60, "accepted": 60, "quarantined": 0, "duplicate": 0, "dead": 0}
        self.stages["load"] = ScriptedStage("load", counts=loaded)
        self.gates = {name: ScriptedGate(name) for name in GATES}
        self.probe_table: dict[str, Probe] = {}
        self._variables: dict[str, object] = {
            "SLUICEGATE_HOME": folder / ".sluicegate",
            "SLUICEGATE_GX": folder / "gx",
            "SLUICEGATE_LANDING": folder / "landing",
            **variables,
        }

    def schema_note(self, store: str) -> str:
        del store
        return ""

    @property
    def settings(self) -> Settings:
        return load_settings(**self._variables)

    @property
    def docs_index(self) -> Path:
        return self.folder / "gx" / "uncommitted" / "data_docs" / "local_site" / "index.html"

    def configure(self, **overrides: object) -> None:
        self._variables.update(overrides)

    def counts(self, batch_id: str) -> tuple[int, int]:
        del batch_id
        return 60 - self.quarantined, self.quarantined

    def quarantine(
        self, batch_id: str, condition: Mapping[str, Any], *, gate: str, reason: str, run_id: str, fence: int
    ) -> int:
        del batch_id, condition, gate, reason, run_id, fence
        self.quarantined = 60
        return 60

    @property
    def history(self) -> MemoryHistory:
        return MemoryHistory(self.ledger)

    def runner(self, *stores: str) -> Runner:
        del stores
        return Runner(
            stages=self.stages,
            gates=self.gates,
            ledger=lambda: self.ledger,
            policy=RetryPolicy(MAX_ATTEMPTS, wait=0, wait_max=0),
            progress=self.progress,
            holder="this run",
            lease_seconds=60,
            raw_store=lambda: self,
            spool=self.folder / "spool",
            effects=DecisionEffects(*[Bench.refused] * 4),
        )

    def probes(self) -> Mapping[str, Probe]:
        return self.probe_table

    def addresses(self) -> Mapping[str, str]:
        return dict.fromkeys(self.probe_table, "mongodb://db.example:27017")
