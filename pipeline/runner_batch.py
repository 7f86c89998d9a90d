"""The walk of one batch through the topology under one lease; what it decides is in the ledger before it goes on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pipeline.dlq import Death
from pipeline.dlq.folders import count_records
from pipeline.dlq.taking_in import counts_of_dead
from pipeline.errors import (
    ConfigurationError,
    ExitCode,
    LeaseHeldError,
    LeaseLostError,
    SluicegateError,
    TerminalError,
    TransientError,
)
from pipeline.model import BatchSource, BatchStatus, Finding, GateReport, Verdict, short
from pipeline.ports import BatchContext, Gate, Ledger, Progress, Stage
from pipeline.resilience import RetryPolicy, retry
from pipeline.runner_alarms import RunnerAlarms
from pipeline.runner_lease import LeasedProgress, LeaseKeeper
from pipeline.runner_outcome import Ending, StepOutcome, counts_in, docs_in, is_done, verdicts_in
from pipeline.runner_spool import RunnerSpool, cut_off, history_of
from pipeline.topology import MAX_ATTEMPTS, STEPS, Step, StepKind

T = TypeVar("T")

GOES_ON = frozenset({Verdict.PASS, Verdict.WARN, Verdict.EMPTY})


WITHDRAWN = frozenset({"publish", "graph"})
"""Stages that take back what is no longer accepted when they are done again."""


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


@dataclass(frozen=True, slots=True)
class Parts:
    """What a runner works with; the same for every batch.

    Args:
        stages, gates: By name, as the topology names them.
        ledger: Batches and leases.
        raw_store: Asked for record counts after a gate may have quarantined some.
        policy: Attempts and waits of stages, gates and calls to the ledger.
        progress: Where to report.
        spool: Folder of what outlives MongoDB.
    """

    stages: Mapping[str, Stage]
    gates: Mapping[str, Gate]
    ledger: Ledger
    raw_store: CountsRecords
    policy: RetryPolicy
    progress: Progress
    spool: Path
    alarms: RunnerAlarms

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


class _GateDownError(TransientError):
    """A gate could not be checked, and the same check may work later."""

    def __init__(self, report: GateReport) -> None:
        super().__init__(_summary(report))
        self.report = report


class BatchRun:
    """One batch, one lease.

    Args:
        parts: What the runner works with.
        source: The batch.
        keeper: Keeps the lease.
        document: The batch as the ledger knew it when the lease was taken.
    """

    def __init__(self, parts: Parts, source: BatchSource, keeper: LeaseKeeper, document: Mapping[str, Any]) -> None:
        self._parts = parts
        self._source = source
        self._keeper = keeper
        self._document = document
        self.counts = counts_in(document)
        self.verdicts = verdicts_in(document)
        self.steps: list[StepOutcome] = []
        self.docs = docs_in(document)

    def walk(self) -> Ending:
        """Do every step that is not done, until one says stop."""
        if self._document.get("status") != BatchStatus.RUNNING:
            self._sure(lambda: self._ledger.set_status(self._keeper.lease, BatchStatus.RUNNING))
        for step in STEPS:
            if is_done(self._document, step.key):
                continue
            self._sure(self._keeper.renew)
            ending = self._do(step)
            if ending is not None:
                return self._end(ending)
        ending = self._end(Ending(BatchStatus.CLOSED, ExitCode.OK))
        self._parts.alarms.closed()
        return ending

    def withdraw(self, note: str) -> Ending:
        """Take back what the batch published; its records stay in MongoDB, marked, and its file in the spool."""
        batch_id, fence = self._source.batch_id, self._keeper.lease.fence
        everything = {"$literal": True}
        self._sure(
            lambda: self._parts.raw_store.quarantine(
                batch_id,
                everything,
                gate="person",
                reason=f"rejected: {note}",
                run_id=f"rejected-{fence}",
                fence=fence,
            )
        )
        self._recount()
        for step in STEPS:
            begun = step.key in (self._document.get("steps") or {})  # done, or cut off in the middle
            if (
                step.kind is StepKind.STAGE
                and step.name in WITHDRAWN
                and begun
                and (ending := self._do(step)) is not None
            ):
                return self._end(ending)
        where = self._kept("person", f"Rejected: {note}.")
        return self._end(Ending(BatchStatus.DEAD, ExitCode.OK, f"Rejected: {note}.{where}"))

    def _end(self, ending: Ending) -> Ending:
        status = ending.status
        if status is not None:
            self._sure(lambda: self._ledger.set_status(self._keeper.lease, status, reason=ending.message))
            self._spool.ended(self._source.batch_id, status)
        return ending

    def _do(self, step: Step) -> Ending | None:
        start, clock = datetime.now(UTC), time.perf_counter()
        self._event("step_started", step=step.key, start_time=start.isoformat())
        work = _Work()
        ending = self._gate(step, work) if step.kind is StepKind.GATE else self._stage(step, work)
        outcome = StepOutcome(
            key=step.key,
            ok=ending is None,
            start_time=start,
            end_time=datetime.now(UTC),
            duration_s=round(time.perf_counter() - clock, 3),
            attempts=work.attempts,
            counts=work.counts,
        )
        self.steps.append(outcome)
        self._event(
            "step_ended",
            step=step.key,
            ok=outcome.ok,
            start_time=start.isoformat(),
            end_time=outcome.end_time.isoformat(),
            duration_s=outcome.duration_s,
            attempts=outcome.attempts,
            **({"reason": ending.message} if ending else {}),
            **outcome.counts,
        )
        return ending

    def _stage(self, step: Step, work: _Work) -> Ending | None:
        try:
            work.counts = self._retried(step, work, lambda: self._stage_attempt(step, work))
        except (ConfigurationError, LeaseHeldError, LeaseLostError, LedgerDownError):
            raise
        except SluicegateError as error:
            return self._dead(step, error)
        if step.name == "load":
            self.counts = counts_in({"counts": work.counts})
        return None

    def _stage_attempt(self, step: Step, work: _Work) -> Mapping[str, Any]:
        """One attempt, counted in the ledger, so that the next process goes on counting."""
        number = self._started(step, work)
        if number > MAX_ATTEMPTS:
            error = cut_off(step.name, (self._document.get("steps") or {}).get(step.key) or {})
            self._ended(step, ok=False, counts={}, error=error)
            raise TerminalError(error)
        try:
            counts = self._parts.stages[step.name].run(self._context())
        except LeaseLostError:
            raise
        except (KeyboardInterrupt, SystemExit, ConfigurationError):
            # a person stopped it or a setting is wrong: that says nothing of the batch, so it is not held against it
            with contextlib.suppress(SluicegateError):
                self._ledger.clear_steps(self._keeper.lease, [step.key])
            raise
        except Exception as error:
            self._ended(step, ok=False, counts={}, error=str(error))
            if number == MAX_ATTEMPTS and isinstance(error, TransientError):
                raise TerminalError(f"{error.message} It was tried {number} times.") from error
            raise
        self._ended(step, ok=True, counts=counts)
        return counts

    def _dead(self, step: Step, error: SluicegateError) -> Ending:
        what = f"The {step.name} stage failed: {error.message}"
        where = self._kept(step.name, what)
        self._parts.alarms.dead(self._source.batch_id, step.name, what)
        batch = short(self._source.batch_id)
        return Ending(
            BatchStatus.DEAD,
            ExitCode.DEAD_LETTERED,
            f"{what} The batch is in the dead-letter queue.{where}",
            f"Look: run.py dlq show {batch}. When it is mended: run.py dlq replay {batch}",
        )

    def _kept(self, stage: str, error: str) -> str:
        """Keep the dead batch in the spool and make its counts add up; where its file is, as a sentence."""
        document = self._sure(lambda: self._ledger.batch(self._source.batch_id)) or self._document
        step = (document.get("steps") or {}).get(f"stage:{stage}") or {}
        death = Death(
            stage=stage,
            error=error,
            attempts=int(step.get("attempts") or 0),
            history=history_of(document),
            start_time=document.get("start_time"),
        )
        kept = self._spool.keep(self._source, death)
        if not is_done(document, "stage:load"):
            self._count_dead(replace(self._source, path=kept) if kept else self._source)
        return f" Its file is kept as {kept}." if kept else ""

    def _count_dead(self, source: BatchSource) -> None:
        """What was not loaded is dead with the batch."""
        accepted, quarantined = self._sure(lambda: self._parts.raw_store.counts(source.batch_id))
        counts = counts_of_dead(count_records(source), accepted, quarantined)
        self._sure(lambda: self._ledger.set_counts(self._keeper.lease, counts))
        self.counts = counts

    def _gate(self, step: Step, work: _Work) -> Ending | None:
        try:
            report = self._retried(step, work, lambda: self._gate_attempt(step, work))
        except _GateDownError as error:
            report = error.report
        going_on = report.verdict in GOES_ON
        work.counts = {"verdict": str(report.verdict), "run_id": report.run_id}
        self.verdicts[step.name] = str(report.verdict)
        self.docs = report.docs or self.docs
        self._sure(lambda: self._ledger.record_gate(self._keeper.lease, report))
        self._recount()
        self._ended(step, ok=going_on, counts=work.counts, error="" if going_on else _summary(report))
        self._event("verdict", gate=step.name, verdict=str(report.verdict), findings=_told(report), docs=report.docs)
        return None if going_on else self._stopped(report)

    def _gate_attempt(self, step: Step, work: _Work) -> GateReport:
        self._started(step, work)
        report = self._parts.gates[step.name].check(self._source.batch_id, self._sure(self._keeper.renew))
        if report.verdict is Verdict.ERROR and report.transient:
            raise _GateDownError(report)
        return report

    def _stopped(self, report: GateReport) -> Ending:
        batch, gate = short(self._source.batch_id), report.gate
        if report.verdict is Verdict.ERROR:
            self._parts.alarms.held(self._source.batch_id, gate, _summary(report))
            return Ending(
                BatchStatus.HELD,
                ExitCode.GATE_FAILED,
                f"The {gate} gate could not be checked: {_summary(report)}",
                "Mend what is named above (run.py doctor); the next run checks it again.",
            )
        held_back, passable = self.counts.quarantined, gate == "raw"
        go_on = f"Go on without {_records(held_back)}: run.py resume {batch}"
        again = f"When it is mended: run.py recheck {batch}{'' if passable else ' --redo'}"
        return Ending(
            BatchStatus.HALTED,
            ExitCode.GATE_FAILED,
            f"The {gate} gate failed: {_summary(report)}",
            f"Look: run.py status {batch}. {go_on if held_back and passable else again}",
        )

    def _recount(self) -> None:
        """A gate's actions may have quarantined records: the ledger's counts follow the store."""
        accepted, quarantined = self._sure(lambda: self._parts.raw_store.counts(self._source.batch_id))
        counts = replace(self.counts, accepted=accepted, quarantined=quarantined)
        if counts != self.counts:
            self._sure(lambda: self._ledger.set_counts(self._keeper.lease, counts))
            self.counts = counts

    def _retried(self, step: Step, work: _Work, attempt: Callable[[], T]) -> T:
        def told(number: int, error: TransientError, wait: float) -> None:
            del number  # the ledger's count goes on where an earlier process stopped
            self._event("retry", step=step.key, attempt=work.number, wait_s=round(wait, 1), error=error.message)
            self._keeper.check()

        return retry(attempt, self._parts.policy, on_retry=told)

    def _started(self, step: Step, work: _Work) -> int:
        work.attempts += 1
        work.number = self._sure(lambda: self._ledger.start_step(self._keeper.lease, step.key))
        return work.number

    def _ended(self, step: Step, *, ok: bool, counts: Mapping[str, Any], error: str = "") -> None:
        lease = self._keeper.lease
        self._sure(lambda: self._ledger.end_step(lease, step.key, ok=ok, counts=counts, error=error))

    def _context(self) -> BatchContext:
        seen = self._document.get("first_seen")
        return BatchContext(
            source=self._source,
            lease=self._keeper.lease,
            received_at=seen if isinstance(seen, datetime) else datetime.now(UTC),
            progress=LeasedProgress(self._parts.progress, self._keeper),
        )

    def _event(self, name: str, **fields: object) -> None:
        self._parts.progress.event(name, batch_id=self._source.batch_id, **fields)

    @property
    def _spool(self) -> RunnerSpool:
        return RunnerSpool(self._parts.spool, self._parts.alarms)

    @property
    def _ledger(self) -> Ledger:
        return self._parts.ledger

    def _sure(self, call: Callable[[], T]) -> T:
        return self._parts.sure(call)


@dataclass(slots=True)
class _Work:
    """A step while it is done: attempts of this run, the number of the last one in the ledger, what it counted."""

    attempts: int = 0
    number: int = 0
    counts: Mapping[str, Any] = field(default_factory=dict)


def _summary(report: GateReport) -> str:
    if not report.findings:
        return "nothing was said about why."
    first, *others = _distinct(report)
    return f"{first.summary.rstrip('.')}{f', and {len(others)} more' if others else ''}."


def _told(report: GateReport) -> list[str]:
    return [f"{finding.severity}: {finding.summary}" for finding in _distinct(report)]


def _distinct(report: GateReport) -> list[Finding]:
    """The findings, worst first, without those that say the same at a lower severity."""
    distinct: dict[str, Finding] = {}
    for finding in report.findings:
        distinct.setdefault(finding.summary, finding)
    return list(distinct.values())


def _records(count: int) -> str:
    return f"the {count:,} quarantined records" if count > 1 else "the quarantined record"
