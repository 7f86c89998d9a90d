"""What a runner works with, the same for every batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from expectations_plugins.core.retry import RetryPolicy
from pipeline.core.embeddings import EmbedManifest
from pipeline.ports.steps import BatchContext, Gate, Progress, Stage
from pipeline.runner.alarms import RunnerAlarms
from pipeline.runner.effects import DecisionEffects
from pipeline.runner.lease import LeaseKeeper
from pipeline.runner.patience import Patience, PatientLedger, PatientRecords
from pipeline.storage.location import Place


class ReplacesFallbacks(Protocol):
    """Embeds again what has a fallback vector."""

    def run(self, context: BatchContext, begin: Callable[[], None]) -> EmbedManifest | None:
        """Call `begin` before the first write; None when nothing was written."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a runner works with; the same for every batch.

    Args:
        stages, gates: By name, as the topology names them.
        ledger: Batches and leases.
        records: Asked for record counts after a gate may have quarantined some.
        policy: Attempts and waits of stages and gates.
        patiently: Tries what is more than one call to the ledger.
        progress: Where to report.
        spool: Where what outlives MongoDB is kept.
        publish: Shows people what became of a batch, and says when there is no room for it; never fails.
        effects: What a person's decisions act on.
        leased: Takes another batch's lease, and keeps it while a block runs.
        go_on: Takes another batch as far as it goes.
    """

    stages: Mapping[str, Stage]
    gates: Mapping[str, Gate]
    ledger: PatientLedger
    records: PatientRecords
    policy: RetryPolicy
    patiently: Patience
    progress: Progress
    spool: Place
    alarms: RunnerAlarms
    publish: Callable[[str], str]
    effects: DecisionEffects
    leased: Callable[[str], LeaseKeeper]
    go_on: Callable[[str], object]
