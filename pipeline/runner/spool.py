"""What a run keeps in the spool: dead batches, and how often the ledger could not be reached for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from expectations_plugins.core.errors import ConfigurationError, ExitCode, SluicegateError
from pipeline.core.batch import Batch, StepState, StepStatus
from pipeline.core.batches import WAITING, BatchSource, BatchStatus, short
from pipeline.core.outcome import Ending
from pipeline.core.program import program
from pipeline.core.topology import MAX_ATTEMPTS
from pipeline.dead_letters import DeadFolders, Death, Outages, SpoolError, take_in
from pipeline.ports.ledger import Ledger
from pipeline.ports.steps import Progress
from pipeline.runner.alarms import RunnerAlarms
from pipeline.storage.location import Place

LEDGER = "ledger"
"""Stands for a stage in what ended because the ledger could not be reached."""

SETTLED = frozenset({BatchStatus.CLOSED, BatchStatus.DEAD, *WAITING})


class RunnerSpool:
    """The spool as a runner uses it.

    Args:
        spool: The spool.
        alarms: Who tells people of dead batches.
    """

    def __init__(self, spool: Place, alarms: RunnerAlarms) -> None:
        self._spool = spool
        self._folders = DeadFolders(spool)
        self._outages = Outages(spool)
        self._alarms = alarms

    def reached(self, batch_id: str) -> None:
        """The ledger was reached for a batch."""
        self._outages.reached(batch_id)

    def at_work(self, batch_id: str) -> None:
        """A run has something to do for a batch."""
        self._outages.at_work(batch_id)

    def ended(self, batch_id: str, status: BatchStatus | None) -> None:
        """A batch stands like this in the ledger now."""
        if status in SETTLED:
            self._outages.settled(batch_id)
        if status is BatchStatus.DEAD:
            with suppress(SluicegateError):  # the next run marks it
                self._folders.taken_in(batch_id)

    def forget(self, batch_id: str) -> None:
        """Remove what is kept of a dead batch; nothing happens when nothing is.

        Raises:
            SpoolError: The spool cannot be written.
        """
        self._folders.remove(batch_id)

    def keep(self, source: BatchSource, death: Death) -> Place | None:
        """Keep a dead batch; where its file is, None when there was none left to keep.

        Raises:
            SpoolError: The spool cannot be written.
        """
        entry = self._folders.keep(source, death)
        return self._folders.path(entry.batch_id) / entry.file if entry.file else None

    def take_in(
        self,
        ledger: Ledger,
        count: Callable[[str], tuple[int, int]],
        *,
        holder: str,
        seconds: float,
        progress: Progress,
    ) -> None:
        """Enter in the ledger what died while it could not be reached; a spool that cannot be used only delays that."""
        try:
            take_in(self._spool, ledger, count, holder=holder, lease_seconds=seconds, progress=progress)
        except SpoolError as error:
            progress.event("spool_not_taken_in", error=str(error))

    def ledger_down(self, source: BatchSource, error: SluicegateError) -> Ending:
        """A run ended because the ledger cannot be reached: an outage, until it has happened too often.

        Args:
            source: The batch.
            error: Why.
        """
        outage = Ending(None, error.exit_code, error.message, error.next_step)
        try:
            return self._counted(source, error) or outage
        except SluicegateError as spool_error:
            message = f"{error.message} {spool_error.message}"
            return Ending(None, ExitCode.OUTAGE, message, spool_error.next_step)

    def _counted(self, source: BatchSource, error: SluicegateError) -> Ending | None:
        batch_id = source.batch_id
        if self._outages.is_settled(batch_id):
            return None
        entry = self._known(batch_id)
        if entry is not None:
            return self._dead(source, f"{entry} The ledger, which cannot be reached, does not know yet.", fresh=False)
        runs = self._outages.count(batch_id, error.message)
        if len(runs) < MAX_ATTEMPTS:
            return None
        why = f"The ledger could not be reached in {len(runs)} runs: {error.message}"
        kept = self.keep(source, Death(LEDGER, why, len(runs), runs, _time(runs[0].get("at"))))
        self._outages.reached(batch_id)
        self._alarms.dead(batch_id, LEDGER, why)
        return self._dead(
            source, f"{why} The batch is in the dead-letter queue.{f' Its file: {kept}.' if kept else ''}"
        )

    def _known(self, batch_id: str) -> str | None:
        """Why a batch is dead that the ledger does not know to be dead."""
        try:
            entry = self._folders.entry(batch_id)
        except ConfigurationError as error:
            return error.message
        return None if entry is None or self._folders.is_taken_in(entry) else entry.death.error

    def _dead(self, source: BatchSource, message: str, *, fresh: bool = True) -> Ending:
        batch = short(source.batch_id)
        next_step = f"When MongoDB is back ({program()} doctor): {program()} dlq replay {batch}"
        return Ending(BatchStatus.DEAD, ExitCode.DEAD_LETTERED, message, next_step, fresh=fresh)


def history_of(batch: Batch) -> tuple[Mapping[str, Any], ...]:
    """The steps of a batch as plain data, by when their last attempt started."""
    told = ("status", "attempts", "start_time", "end_time", "duration_s", "error", "counts")
    history = [{"step": key, **{name: getattr(step, name) for name in told}} for key, step in batch.steps.items()]
    return tuple(sorted(history, key=lambda step: str(step["start_time"])))


def cut_off(stage: str, before: StepState) -> str:
    """Why a stage is given up that was tried often enough and never came to a good end.

    Args:
        stage: Its name.
        before: The step as the last attempt left it in the ledger.
    """
    if before.status is StepStatus.FAILED and before.error:
        tried = f" It was tried {MAX_ATTEMPTS} times."
        return f"{before.error.removesuffix(tried)}{tried}"
    return (
        f"{MAX_ATTEMPTS} attempts ended without a result: each time the process that ran the {stage} stage was killed"
        " or crashed before it could say why (out of memory, a reboot, kill -9)."
    )


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
