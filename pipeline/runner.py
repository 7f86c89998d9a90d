"""The runner: takes a batch through every stage and gate, under a lease, resumable at any point.

It knows stages, gates and the ledger by their protocols only; which stores stand behind them is run.py's business.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, ExitCode, SluicegateError
from pipeline.model import BatchSource, BatchStatus, Lease, short
from pipeline.ports import Gate, Ledger, Progress, Stage
from pipeline.resilience import RetryPolicy
from pipeline.runner_batch import BatchRun, CountsRecords, Parts
from pipeline.runner_lease import LeaseKeeper
from pipeline.runner_outcome import BatchOutcome, Ending, counts_in, docs_in, is_done, passed_over_in, verdicts_in
from pipeline.topology import STEPS, Step, StepKind

Document = Mapping[str, Any]


class Runner:
    """Processes batches, one at a time.

    Args:
        stages, gates: By name, as the topology names them.
        ledger: Batches and leases.
        policy: Attempts and waits; the ledger counts attempts on over several processes.
        progress: Where to report.
        holder: Who holds the leases, unique to this process.
        lease_seconds: How long a lease lasts unless it is renewed.
        raw_store: Asked for record counts after a gate.
        spool: Where the files of dead batches are kept.
    """

    def __init__(
        self,
        *,
        stages: Mapping[str, Stage],
        gates: Mapping[str, Gate],
        ledger: Ledger,
        policy: RetryPolicy,
        progress: Progress,
        holder: str,
        lease_seconds: float,
        raw_store: CountsRecords,
        spool: Path,
    ) -> None:
        self._parts = Parts(stages, gates, ledger, raw_store, policy, progress, spool)
        self._ledger = ledger
        self._holder = holder
        self._lease_seconds = lease_seconds

    def process(self, source: BatchSource) -> BatchOutcome:
        """Take a batch as far as it goes. What was done before is not done again.

        Args:
            source: The batch.

        Raises:
            ConfigurationError: Something must be set right first; the batch stays resumable.
        """
        return self._report(_Task(source, lambda: self._open(source), settled=_settled, prepare=_as_it_is))

    def resume(self, batch_id: str, *, recheck: bool = False) -> BatchOutcome:
        """Let a halted batch continue after its failed gate, without its quarantined records.

        Args:
            batch_id: The whole id.
            recheck: Check the failed gate again instead of passing it over; failed vectors are embedded again first.

        Raises:
            ConfigurationError: The batch is not halted, or there is nothing that could be left out.
        """
        document = self._parts.sure(lambda: self._ledger.batch(batch_id)) or {}
        _refuse_resuming(batch_id, document, recheck)
        task = _Task(
            _source_of(batch_id, document),
            lambda: document,
            settled=_not_yet,
            prepare=_resumption(recheck),
            after=_loaded_or_again,
        )
        return self._report(task)

    def _open(self, source: BatchSource) -> Document:
        size = source.path.stat().st_size if source.path.exists() else 0
        return self._ledger.open_batch(source.batch_id, source=str(source.path), size=size)

    def _report(self, task: _Task) -> BatchOutcome:
        source, event = task.source, self._parts.progress.event
        start, clock = datetime.now(UTC), time.perf_counter()
        event("batch_started", batch_id=source.batch_id, source=str(source.path), start_time=start.isoformat())
        so_far = _SoFar(source)
        try:
            ending = self._work(task, so_far)
        except ConfigurationError:
            self._tell_stopped(source, start)
            raise
        except SluicegateError as error:
            ending = Ending(None, error.exit_code, error.message, error.next_step)
        except Exception as error:  # noqa: BLE001 - a bug must not take the other batches with it
            event("bug", batch_id=source.batch_id, error=repr(error), exc_info=error)
            ending = _bug(source, error)
        except BaseException:  # a signal
            self._tell_stopped(source, start)
            raise
        outcome = so_far.outcome(ending, round(time.perf_counter() - clock, 3))
        event(
            "batch_ended",
            batch_id=source.batch_id,
            status=str(outcome.status),
            exit_code=int(outcome.exit_code),
            start_time=start.isoformat(),
            end_time=datetime.now(UTC).isoformat(),
            duration_s=outcome.duration_s,
            reason=outcome.message,
            fresh=outcome.fresh,
        )
        return outcome

    def _tell_stopped(self, source: BatchSource, start: datetime) -> None:
        times = {"start_time": start.isoformat(), "end_time": datetime.now(UTC).isoformat()}
        self._parts.progress.event("batch_stopped", batch_id=source.batch_id, **times)

    def _work(self, task: _Task, so_far: _SoFar) -> Ending:
        sure, batch_id = self._parts.sure, task.source.batch_id
        so_far.document = sure(task.open)
        if (ending := task.settled(batch_id, so_far.document)) is not None:
            return ending
        lease = self._acquire(batch_id)
        with LeaseKeeper(self._ledger, lease, self._lease_seconds) as keeper:
            # another run may have gone on with the batch before we had the lease
            document = sure(lambda: self._ledger.batch(batch_id)) or so_far.document
            so_far.document = sure(lambda: task.prepare(self._ledger, keeper.lease, document))
            if (ending := (task.after or task.settled)(batch_id, so_far.document)) is not None:
                return ending
            so_far.run = BatchRun(self._parts, task.source, keeper, so_far.document)
            return so_far.run.walk()

    def _acquire(self, batch_id: str) -> Lease:
        return self._parts.sure(lambda: self._ledger.acquire(batch_id, self._holder, self._lease_seconds))


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be done with a batch.

    Args:
        source: The batch.
        open: Its document, made when it is new.
        settled: The ending of a batch that needs no work; None when it does.
        prepare: Written down under the lease before the walk; the document after it.
        after: As `settled`, of the document after `prepare`; None asks `settled` again.
    """

    source: BatchSource
    open: Callable[[], Document]
    settled: Callable[[str, Document], Ending | None]
    prepare: Callable[[Ledger, Lease, Document], Document]
    after: Callable[[str, Document], Ending | None] | None = None


class _SoFar:
    """What is known of a batch so far, whatever ends the work on it."""

    def __init__(self, source: BatchSource) -> None:
        self._source = source
        self.document: Document = {}
        self.run: BatchRun | None = None

    def outcome(self, ending: Ending, duration_s: float) -> BatchOutcome:
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


def _status(document: Document) -> BatchStatus:
    return BatchStatus(document.get("status") or BatchStatus.RUNNING)


def _settled(batch_id: str, document: Document) -> Ending | None:
    """The ending of a batch a run has nothing to do for; None when there is work."""
    batch, reason = short(batch_id), str(document.get("reason") or "")
    match document.get("status"):
        case BatchStatus.CLOSED:
            return Ending(BatchStatus.CLOSED, ExitCode.OK, "Already processed.", fresh=False)
        case BatchStatus.HALTED:
            return Ending(
                BatchStatus.HALTED,
                ExitCode.GATE_FAILED,
                f"It waits for a person. {reason}".strip(),
                f"Look: run.py status {batch}. Then decide: run.py resume {batch}",
                fresh=False,
            )
        case BatchStatus.DEAD:
            step = f"Look: run.py status {batch}. When it is mended: run.py resume {batch} --recheck"
            return Ending(BatchStatus.DEAD, ExitCode.DEAD_LETTERED, reason, step, fresh=False)
        case _:
            return None


def _not_yet(batch_id: str, document: Document) -> Ending | None:
    del batch_id, document
    return None


def _as_it_is(ledger: Ledger, lease: Lease, document: Document) -> Document:
    del ledger, lease
    return document


def _source_of(batch_id: str, document: Document) -> BatchSource:
    return BatchSource(batch_id=batch_id, path=Path(str(document.get("source") or "")))


def _failed_gate(document: Document) -> Step | None:
    """The gate that did not let the batch pass."""
    steps = document.get("steps") or {}
    gates = (step for step in STEPS if step.kind is StepKind.GATE)
    return next((step for step in gates if (steps.get(step.key) or {}).get("status") == "failed"), None)


def _refuse_resuming(batch_id: str, document: Document, recheck: bool) -> None:
    batch, status = short(batch_id), document.get("status")
    if not document:
        raise ConfigurationError(f"There is no batch {batch}.", next_step="See the batches: run.py status")
    if status == BatchStatus.CLOSED:
        raise ConfigurationError(f"Batch {batch} is closed, not halted: there is nothing to resume.")
    if status == BatchStatus.HALTED:
        _refuse_passing_over(batch, document, recheck)
        return
    if status == BatchStatus.DEAD and not recheck:
        raise ConfigurationError(
            f"Batch {batch} is in the dead-letter queue: {document.get('reason')}",
            next_step=f"When that is mended, try it again: run.py resume {batch} --recheck",
        )
    if status != BatchStatus.DEAD and not is_done(document, "stage:load"):
        raise ConfigurationError(
            f"Batch {batch} was not loaded to its end, so its file is needed.",
            next_step=f"Run it again: run.py run {document.get('source')}",
        )


def _refuse_passing_over(batch: str, document: Document, recheck: bool) -> None:
    gate, counts = _failed_gate(document), counts_in(document)
    if recheck or gate is None:
        return
    if gate.name != "raw":
        raise ConfigurationError(
            f"Batch {batch} failed the {gate.name} gate; no record can be left out to mend that.",
            next_step=f"Do the stage before it again, and check: run.py resume {batch} --recheck",
        )
    nothing_flows = counts.read > 0 and counts.accepted == 0
    if counts.quarantined == 0 and not nothing_flows:
        raise ConfigurationError(
            f"Batch {batch} has no quarantined records, so leaving them out would not mend the {gate.name} gate.",
            next_step=f"Mend what it found (run.py status {batch}), then: run.py resume {batch} --recheck",
        )


REDONE = {"graph": "stage:graph", "vectors": "stage:embed"}
"""The stage that is done again before a gate is checked again: what it wrote is what the gate refused."""


def _resumption(recheck: bool) -> Callable[[Ledger, Lease, Document], Document]:
    """What a resume writes down under the lease, before the walk goes on."""

    def begin(ledger: Ledger, lease: Lease, document: Document) -> Document:
        _refuse_resuming(lease.batch_id, document, recheck)
        gate, status = _failed_gate(document), document.get("status")
        # running first: a crash after this line leaves a batch that any run takes up, and checks the gate again
        ledger.set_status(lease, BatchStatus.RUNNING)
        if status == BatchStatus.DEAD:
            ledger.clear_steps(lease, [step.key for step in STEPS if not is_done(document, step.key)])
        elif status == BatchStatus.HALTED and gate is not None and recheck:
            ledger.clear_steps(lease, [key for key in (REDONE.get(gate.name), gate.key) if key])
        elif status == BatchStatus.HALTED and gate is not None:
            ledger.start_step(lease, gate.key)
            ledger.end_step(lease, gate.key, ok=True, counts={"resumed": True})
        return ledger.batch(lease.batch_id) or document

    return begin


def _loaded_or_again(batch_id: str, document: Document) -> Ending | None:
    """A batch without its records needs its file, which only a run is given."""
    if is_done(document, "stage:load"):
        return None
    return Ending(
        BatchStatus.RUNNING,
        ExitCode.OK,
        f"Batch {short(batch_id)} can be loaded again.",
        f"Run it again: run.py run {document.get('source')}",
        fresh=False,
    )


def _bug(source: BatchSource, error: Exception) -> Ending:
    return Ending(
        None,
        ExitCode.BUG,
        f"This is a bug in Sluicegate, not in your data: {type(error).__name__}: {error}",
        f"The batch can be run again. For the details: run.py --traceback run {source.path}",
    )
