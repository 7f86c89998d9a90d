"""What a runner works with, the same for every batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from expectations_plugins.core.errors import (
    ConfigurationError,
    ExitCode,
    SluicegateError,
    TerminalError,
    TransientError,
)
from expectations_plugins.core.retry import RetryPolicy, retry
from pipeline.core.embeddings import EmbedManifest
from pipeline.ports.ledger import Ledger
from pipeline.ports.steps import BatchContext, Gate, Progress, Stage
from pipeline.runner.alarms import RunnerAlarms
from pipeline.storage.location import Place

T = TypeVar("T")


class CountsRecords(Protocol):
    """The part of a raw store that a runner needs."""

    def counts(self, batch_id: str) -> tuple[int, int]:
        """(accepted, quarantined) of a batch, counted in the store."""

    def quarantine(
        self, batch_id: str, condition: Mapping[str, Any], *, gate: str, reason: str, run_id: str, fence: int
    ) -> int:
        """Mark every record of the batch that meets a condition."""


class ReplacesFallbacks(Protocol):
    """Embeds again what has a fallback vector."""

    def run(self, context: BatchContext, begin: Callable[[], None]) -> EmbedManifest | None:
        """Call `begin` before the first write; None when nothing was written."""


class LedgerDownError(SluicegateError):
    """The ledger could not be reached, so that nothing can be decided; not a failure of the batch."""

    exit_code = ExitCode.OUTAGE


@dataclass(frozen=True, slots=True)
class Parts:
    """What a runner works with; the same for every batch.

    Args:
        stages, gates: By name, as the topology names them.
        ledger: Batches and leases.
        raw_store: Asked for record counts after a gate may have quarantined some.
        policy: Attempts and waits of stages, gates and calls to the ledger.
        progress: Where to report.
        spool: Where what outlives MongoDB is kept.
        publish: Shows people what became of a batch; never fails.
    """

    stages: Mapping[str, Stage]
    gates: Mapping[str, Gate]
    ledger: Ledger
    raw_store: CountsRecords
    policy: RetryPolicy
    progress: Progress
    spool: Place
    alarms: RunnerAlarms
    publish: Callable[[str], object]

    def sure(self, call: Callable[[], T]) -> T:
        """Call the ledger, patiently.

        Raises:
            LedgerDownError: It could not be reached.
            ConfigurationError: It refused, e.g. the credentials.
        """
        try:
            return retry(call, self.policy)
        except TransientError as error:
            raise LedgerDownError(error.message, next_step=error.next_step) from error
        except TerminalError as error:
            raise ConfigurationError(error.message, next_step=error.next_step) from error
