"""What a runner is asked to do with one batch, as a value, and what is known of the batch until it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from expectations_plugins.core.errors import ExitCode
from pipeline.core.batches import BatchSource, BatchStatus, Lease
from pipeline.core.outcome import BatchOutcome, Ending, counts_in, docs_in, passed_over_in, verdicts_in
from pipeline.ports.ledger import Ledger
from pipeline.runner.batch_run import BatchRun

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done with a batch.

    Args:
        source: The batch.
        open: Its document, made when it is new.
        settled: The ending of a batch that needs no work; None when it does.
        prepare: Written down under the lease before the walk; the document after it.
        after: As `settled`, of the document after `prepare`; None asks `settled` again.
        work: What is done then.
        shows: Whether people are shown what became of the batch also when all went well.
    """

    source: BatchSource
    open: Callable[[], Document]
    settled: Callable[[str, Document], Ending | None]
    prepare: Callable[[Ledger, Lease, Document], Document]
    after: Callable[[str, Document], Ending | None] | None = None
    work: Callable[[BatchRun], Ending] = BatchRun.walk
    shows: bool = True


class SoFar:
    """What is known of a batch so far, whatever ends the work on it.

    Args:
        source: The batch.
    """

    def __init__(self, source: BatchSource) -> None:
        self._source = source
        self.document: Document = {}
        self.before: Document = {}
        self.run: BatchRun | None = None

    def outcome(self, ending: Ending, duration_s: float) -> BatchOutcome:
        """The outcome, however it ended."""
        run = self.run
        return BatchOutcome(
            batch_id=self._source.batch_id,
            source=self._source.path,
            status=ending.status or (BatchStatus.RUNNING if run else _status(self.document)),
            exit_code=ending.exit_code,
            message=ending.message,
            next_step=ending.next_step,
            verdicts=run.verdicts if run else verdicts_in(self.document),
            passed_over=passed_over_in(self.document),
            counts=run.counts if run else counts_in(self.document),
            steps=tuple(run.steps) if run else (),
            docs=run.docs if run else docs_in(self.document),
            fresh=ending.fresh,
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
        before = asdict(counts_in(self.before)) if was_said else {}
        grown = {name: count - int(before.get(name) or 0) for name, count in asdict(outcome.counts).items()}
        return {name: count for name, count in grown.items() if count > 0}


def _status(document: Document) -> BatchStatus:
    return BatchStatus(document.get("status") or BatchStatus.RUNNING)


def not_yet(batch_id: str, document: Document) -> Ending | None:
    """There is always work."""
    del batch_id, document
    return None


def as_it_is(ledger: Ledger, lease: Lease, document: Document) -> Document:
    """Nothing is to be written down first."""
    del ledger, lease
    return document


def bug(source: BatchSource, error: Exception) -> Ending:
    """The ending of a batch whose work ended in an exception of ours."""
    return Ending(
        None,
        ExitCode.BUG,
        f"This is a bug in Sluicegate, not in your data: {type(error).__name__}: {error}",
        f"The batch can be run again. For the details: run.py --traceback run {source.path}",
    )
