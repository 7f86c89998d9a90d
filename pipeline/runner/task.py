"""What a runner is asked to do with one batch, as a value, and what is known of the batch until it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from expectations_plugins.core.errors import ExitCode
from pipeline.core.batch import Batch
from pipeline.core.batches import BatchSource, BatchStatus, Lease
from pipeline.core.outcome import BatchOutcome, Ending
from pipeline.core.program import program
from pipeline.ports.ledger import Ledger
from pipeline.runner.batch_run import BatchRun


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done with a batch.

    Args:
        source: The batch.
        open: What the ledger keeps of it, made when it is new.
        settled: The ending of a batch that needs no work; None when it does.
        prepare: Written down under the lease before the walk; the batch after it.
        after: As `settled`, of the batch after `prepare`; None asks `settled` again.
        work: What is done then.
        shows: Whether people are shown what became of the batch also when all went well.
    """

    source: BatchSource
    open: Callable[[], Batch]
    settled: Callable[[Batch], Ending | None]
    prepare: Callable[[Ledger, Lease, Batch], Batch]
    after: Callable[[Batch], Ending | None] | None = None
    work: Callable[[BatchRun], Ending] = BatchRun.walk
    shows: bool = True


class SoFar:
    """What is known of a batch so far, whatever ends the work on it.

    Args:
        source: The batch.
    """

    def __init__(self, source: BatchSource) -> None:
        self._source = source
        self.batch = self.before = Batch(source.batch_id)
        self.run: BatchRun | None = None

    def outcome(self, ending: Ending, duration_s: float) -> BatchOutcome:
        """The outcome, however it ended."""
        run = self.run
        return BatchOutcome(
            batch_id=self._source.batch_id,
            source=self._source.path,
            status=ending.status or (BatchStatus.RUNNING if run else _status(self.batch)),
            exit_code=ending.exit_code,
            message=ending.message,
            next_step=ending.next_step,
            verdicts=run.verdicts if run else self.batch.verdicts,
            passed_over=self.batch.passed_over,
            counts=run.counts if run else self.batch.counts,
            steps=tuple(run.steps) if run else (),
            docs=run.docs if run else self.batch.docs,
            fresh=ending.fresh,
            waits=ending.waits,
            duration_s=duration_s,
        )

    def gained(self, outcome: BatchOutcome) -> Mapping[str, int]:
        """Records that this run added to each count; empty while the batch still runs.

        What a batch counts is said once, when it first closes, halts, is held or dies; whatever goes on with it then
        says what changed. So each record is said once, however many processes its batch takes.
        """
        if outcome.status is BatchStatus.RUNNING:
            return {}
        was_said = _status(self.before) is not BatchStatus.RUNNING
        before = asdict(self.before.counts) if was_said else {}
        grown = {name: count - int(before.get(name) or 0) for name, count in asdict(outcome.counts).items()}
        return {name: count for name, count in grown.items() if count > 0}


def _status(batch: Batch) -> BatchStatus:
    return batch.status or BatchStatus.RUNNING


def not_yet(batch: Batch) -> Ending | None:
    """There is always work."""
    del batch
    return None


def as_it_is(ledger: Ledger, lease: Lease, batch: Batch) -> Batch:
    """Nothing is to be written down first."""
    del ledger, lease
    return batch


def bug(source: BatchSource, error: Exception) -> Ending:
    """The ending of a batch whose work ended in an exception of ours."""
    return Ending(
        None,
        ExitCode.BUG,
        f"This is a bug in Sluicegate, not in your data: {type(error).__name__}: {error}",
        f"The batch can be run again. For the details: {program()} --traceback run {source.path}",
    )
