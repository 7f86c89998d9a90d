"""A run's patience with the ledger: the one place where its calls are tried again, so that each is written once.

A call that a run makes is `runner -> PatientLedger -> the store`. The store is opened within the first attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from expectations_plugins.core.errors import (
    ConfigurationError,
    ExitCode,
    SluicegateError,
    TerminalError,
    TransientError,
)
from expectations_plugins.core.retry import RetryPolicy, retry
from pipeline.core.batch import Batch
from pipeline.core.batches import BatchStatus, Lease, LoadCounts
from pipeline.core.verdicts import GateReport
from pipeline.ports.ledger import Ledger

T = TypeVar("T")


class CountsRecords(Protocol):
    """The part of a raw store that a runner needs."""

    def counts(self, batch_id: str) -> tuple[int, int]:
        """(accepted, quarantined) of a batch, counted in the store."""

    def quarantine(
        self, batch_id: str, condition: Mapping[str, Any], *, gate: str, reason: str, run_id: str, fence: int
    ) -> int:
        """Mark every record of the batch that meets a condition."""


class LedgerDownError(SluicegateError):
    """The ledger could not be reached, so that nothing can be decided; not a failure of the batch."""

    exit_code = ExitCode.OUTAGE


class Patience:
    """Tries calls to the ledger again, and says of one that failed for good that nothing can be decided.

    Args:
        policy: Attempts and waits.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy

    def __call__(self, call: Callable[[], T]) -> T:
        """Call until it succeeds or the attempts are used up.

        Raises:
            LedgerDownError: The ledger could not be reached.
            ConfigurationError: It refused, e.g. the credentials.
        """
        try:
            return retry(call, self._policy)
        except TransientError as error:
            raise LedgerDownError(error.message, next_step=error.next_step) from error
        except TerminalError as error:
            raise ConfigurationError(error.message, next_step=error.next_step) from error


class PatientLedger:
    """What a run reads and writes in the ledger. Every method raises as `Patience` does, and LeaseLostError.

    Args:
        opened: Gives the ledger; connects it at the first call, again when that failed, and is cheap after it.
        patience: Tries again.
    """

    def __init__(self, opened: Callable[[], Ledger], patience: Patience) -> None:
        self.opened = opened
        self._patiently = patience

    def batch(self, batch_id: str) -> Batch | None:
        """The batch; None when the ledger has never seen it."""
        return self._patiently(lambda: self.opened().batch(batch_id))

    def halted(self, limit: int) -> Sequence[Batch]:
        """Batches that are halted or inconsistent, the oldest first."""
        return self._patiently(lambda: self.opened().halted(limit))

    def dead_records(self, batch_id: str) -> int:
        """How many records of the batch are dead letters."""
        return self._patiently(lambda: sum(1 for _ in self.opened().dead_letters(batch_id)))

    def unfinished_decisions(self) -> Sequence[Batch]:
        """Batches about which a person decided something that no command has finished."""
        return self._patiently(lambda: self.opened().unfinished_decisions())

    def finish_decision(self, lease: Lease) -> None:
        """Record that the decision is carried out."""
        self._patiently(lambda: self.opened().finish_decision(lease))

    def acquire(self, batch_id: str, holder: str, seconds: float) -> Lease:
        """Take the batch's lease; raises LeaseHeldError too."""
        return self._patiently(lambda: self.opened().acquire(batch_id, holder, seconds))

    def start_step(self, lease: Lease, step: str) -> int:
        """Record the start of an attempt; its number, 1-based."""
        return self._patiently(lambda: self.opened().start_step(lease, step))

    def end_step(self, lease: Lease, step: str, *, ok: bool, counts: Mapping[str, Any], error: str = "") -> None:
        """Record the end of the attempt."""
        self._patiently(lambda: self.opened().end_step(lease, step, ok=ok, counts=counts, error=error))

    def clear_steps(self, lease: Lease, steps: Sequence[str]) -> None:
        """Forget that these steps were done."""
        self._patiently(lambda: self.opened().clear_steps(lease, steps))

    def reopen_steps(self, lease: Lease, steps: Sequence[str]) -> None:
        """Have these steps done again, their attempts counted from 0."""
        self._patiently(lambda: self.opened().reopen_steps(lease, steps))

    def record_gate(self, lease: Lease, report: GateReport) -> None:
        """Record a gate's verdict, findings and action outcomes."""
        self._patiently(lambda: self.opened().record_gate(lease, report))

    def set_status(self, lease: Lease, status: BatchStatus, *, reason: str = "") -> None:
        """Set the batch's status."""
        self._patiently(lambda: self.opened().set_status(lease, status, reason=reason))

    def set_counts(self, lease: Lease, counts: LoadCounts) -> None:
        """Record what became of the records."""
        self._patiently(lambda: self.opened().set_counts(lease, counts))


class PatientRecords:
    """The raw store, as far as a run asks it; raises as `Patience` does.

    Args:
        opened: Gives the store, as `PatientLedger` is given its.
        patience: Tries again.
    """

    def __init__(self, opened: Callable[[], CountsRecords], patience: Patience) -> None:
        self.opened = opened
        self._patiently = patience

    def counts(self, batch_id: str) -> tuple[int, int]:
        """(accepted, quarantined) of a batch, counted in the store."""
        return self._patiently(lambda: self.opened().counts(batch_id))

    def quarantine_all(self, lease: Lease, *, gate: str, reason: str, run_id: str) -> int:
        """Mark every record of the batch."""
        everything = {"$literal": True}
        return self._patiently(
            lambda: self.opened().quarantine(
                lease.batch_id, everything, gate=gate, reason=reason, run_id=run_id, fence=lease.fence
            )
        )
