"""The walk of one batch through the topology under one lease; what it decides is in the ledger before it goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from expectations_plugins.core.errors import (
    ConfigurationError,
    ExitCode,
    LeaseHeldError,
    LeaseLostError,
    SluicegateError,
    TerminalError,
    TransientError,
)
from expectations_plugins.core.retry import retry
from pipeline.core.batch import RESUMED, Batch, StepStatus
from pipeline.core.batches import BatchSource, BatchStatus, LoadCounts
from pipeline.core.outcome import Ending, StepOutcome
from pipeline.core.topology import GATES, MAX_ATTEMPTS, STEPS, Step, StepKind, gate_of, gates_after
from pipeline.core.verdicts import GateReport, Verdict
from pipeline.dead_letters import Death
from pipeline.dead_letters.folders import count_records
from pipeline.dead_letters.spool_import import counts_of_dead
from pipeline.ports.steps import BatchContext
from pipeline.runner.completed import completed_by, go_on_with
from pipeline.runner.gate_messages import checks, summary, told
from pipeline.runner.lease import LeasedProgress, LeaseKeeper
from pipeline.runner.patience import LedgerDownError, Patience, PatientLedger
from pipeline.runner.results import dead_lettered, halted, held, worth_another
from pipeline.runner.run_context import ReplacesFallbacks, RunContext
from pipeline.runner.spool import RunnerSpool, cut_off, history_of
from pipeline.runner.steps import StepLog

T = TypeVar("T")

GOES_ON = frozenset({Verdict.PASS, Verdict.WARN, Verdict.EMPTY})


class _GateDownError(TransientError):
    """A gate could not be checked, and the same check may work later."""

    def __init__(self, report: GateReport) -> None:
        super().__init__(summary(report))
        self.report = report


class BatchRun:
    """One batch, one lease.

    Args:
        context: What the runner works with.
        source: The batch.
        keeper: Keeps the lease.
        batch: It, as the ledger knew it when the lease was taken.
    """

    def __init__(self, context: RunContext, source: BatchSource, keeper: LeaseKeeper, batch: Batch) -> None:
        self._parts = context
        self._source = source
        self._keeper = keeper
        self.batch = batch
        self.counts = batch.counts
        self.verdicts = batch.verdicts
        self.steps: list[StepOutcome] = []
        self.docs = batch.docs
        self._completes = completed_by(batch.step("stage:load").counts)
        self._patient = True

    def walk(self) -> Ending:
        """Do every step that is not done, until one says stop."""
        self._begin()
        for step in STEPS:
            if self.batch.is_done(step.key):
                continue
            self._patiently(self._keeper.keep)
            ending = self._do(step)
            if ending is not None:
                return self.end(ending)
        return self._close()

    def reread(self) -> None:
        """Look what the ledger says of the batch now."""
        self.batch = self._ledger.batch(self._source.batch_id) or self.batch

    def attempt(self, step: Step) -> Ending:
        """Make one attempt at one step: whoever asked for it waits and tries again. The last step closes the batch."""
        self._patient = False
        self._begin()
        ending = self._do(step)
        if ending is not None:
            return self.end(ending)
        return self._close() if step is STEPS[-1] else Ending(None, ExitCode.OK)

    def _begin(self) -> None:
        if self.batch.status is not BatchStatus.RUNNING:
            self._ledger.set_status(self._keeper.lease, BatchStatus.RUNNING)

    def _close(self) -> Ending:
        return self.end(Ending(BatchStatus.CLOSED, ExitCode.OK))

    def replace_fallbacks(self, replaces: ReplacesFallbacks) -> Ending:
        """Replace fallback vectors by real ones, and let the vector gate judge that.

        An interrupted one is a batch whose embed stage is not done: any run goes on with it.
        """
        if self.batch.status is not BatchStatus.CLOSED:
            return self.walk()
        lease, embed = self._keeper.lease, "stage:embed"
        judge = gate_of(embed)

        def begin() -> None:  # running last: until then the batch is closed, and a re-embedding begins anew
            self._ledger.clear_steps(lease, [embed, judge.key, *gates_after(judge)])
            number = self._ledger.start_step(lease, embed)
            self._ledger.set_status(lease, BatchStatus.RUNNING)
            said.append(StepLog(self._event, embed))
            self._event("attempt_started", step=embed, attempt=number, after_cut_off=False)

        said: list[StepLog] = []
        try:
            manifest = replaces.run(self.context(), begin)
        except BaseException:
            for log in said:
                log.stopped(attempts=1)
            raise
        if manifest is None:
            return Ending(BatchStatus.CLOSED, ExitCode.OK, "Nothing was replaced.", fresh=False)
        counts = {"expected": manifest.expected, "written": manifest.written, "fallback": manifest.fallback}
        self._ledger.end_step(lease, embed, ok=True, counts=counts)
        self.steps.extend(log.ended(ok=True, attempts=1, counts=counts) for log in said)
        self.reread()
        return self.walk()

    def take_back(self, step: Step) -> SluicegateError | None:
        """Do a stage again, which takes back what is not accepted any more; why that failed, if it did.

        Its attempts are counted from 0: they say nothing of the batch.
        """
        said, work = StepLog(self._event, step.key), _Work()
        try:
            self._ledger.reopen_steps(self._keeper.lease, [step.key])
            work.counts = self._retried(step, work, lambda: self._stage_attempt(step, work))
        except (TransientError, TerminalError) as error:
            self.steps.append(said.ended(ok=False, attempts=work.attempts, counts={}, reason=error.message))
            return error
        except BaseException:
            said.stopped(work.attempts)
            raise
        self.steps.append(said.ended(ok=True, attempts=work.attempts, counts=work.counts))
        return None

    def end(self, ending: Ending) -> Ending:
        """Record how the work on the batch ended."""
        status = ending.status
        if status is not None:
            self._ledger.set_status(self._keeper.lease, status, reason=ending.message)
            self._spool.ended(self._source.batch_id, status)
        return ending

    def _do(self, step: Step) -> Ending | None:
        said, work = StepLog(self._event, step.key), _Work()
        try:
            ending = self._gate(step, work) if step.kind is StepKind.GATE else self._stage(step, work)
        except BaseException:
            said.stopped(work.attempts)
            raise
        reason = ending.message if ending else ""
        self.steps.append(said.ended(ok=ending is None, attempts=work.attempts, counts=work.counts, reason=reason))
        return ending

    def _stage(self, step: Step, work: _Work) -> Ending | None:
        try:
            work.counts = self._retried(step, work, lambda: self._stage_attempt(step, work))
        except (ConfigurationError, LeaseHeldError, LeaseLostError, LedgerDownError):
            raise
        except TransientError as error:  # an attempt is left, for whoever asked for this one
            return worth_another(f"The {step.name} stage failed: {error.message}")
        except SluicegateError as error:
            return self._dead(step, error)
        if step.name == "load":
            self.counts = LoadCounts.of(work.counts)
            self._completes = completed_by(work.counts)
        return None

    def _stage_attempt(self, step: Step, work: _Work) -> Mapping[str, Any]:
        """One attempt, counted in the ledger, so that the next process goes on counting."""
        number = self._started(step, work)
        if number > MAX_ATTEMPTS:
            error = cut_off(step.name, self.batch.step(step.key))
            self._ledger.end_step(self._keeper.lease, step.key, ok=False, counts={}, error=error)
            raise TerminalError(error)
        try:
            counts = self._parts.stages[step.name].run(self.context())
        except LeaseLostError:
            raise
        except (KeyboardInterrupt, SystemExit, ConfigurationError):
            # a person stopped it or a setting is wrong: that says nothing of the batch, so it is not held against it
            with contextlib.suppress(SluicegateError):
                self._ledger.opened().clear_steps(self._keeper.lease, [step.key])
            raise
        except Exception as error:
            self._ledger.end_step(self._keeper.lease, step.key, ok=False, counts={}, error=str(error))
            if number == MAX_ATTEMPTS and isinstance(error, TransientError):
                raise TerminalError(f"{error.message} It was tried {number} times.") from error
            raise
        self._ledger.end_step(self._keeper.lease, step.key, ok=True, counts=counts)
        return counts

    def _dead(self, step: Step, error: SluicegateError) -> Ending:
        what = f"The {step.name} stage failed: {error.message}"
        where = self.kept(step.name, what)
        self._parts.alarms.dead(self._source.batch_id, step.name, what)
        return dead_lettered(self._source.batch_id, what, where)

    def kept(self, stage: str, error: str) -> str:
        """Keep the dead batch in the spool and make its counts add up; where its file is, as a sentence."""
        batch = self._ledger.batch(self._source.batch_id) or self.batch
        death = Death(
            stage=stage,
            error=error,
            attempts=batch.step(f"stage:{stage}").attempts,
            history=history_of(batch),
            start_time=batch.start_time,
        )
        kept = self._spool.keep(self._source, death)
        if not batch.is_done("stage:load"):
            self._count_dead(replace(self._source, path=kept) if kept else self._source)
        return f" Its file is kept as {kept}." if kept else ""

    def _count_dead(self, source: BatchSource) -> None:
        """What was not loaded is dead with the batch."""
        accepted, quarantined = self._parts.records.counts(source.batch_id)
        counts = counts_of_dead(count_records(source), accepted, quarantined)
        self._ledger.set_counts(self._keeper.lease, counts)
        self.counts = counts

    def _gate(self, step: Step, work: _Work) -> Ending | None:
        if step.name == GATES[0]:
            go_on_with(self._parts, self._completes, self._source.batch_id)
        try:
            report = self._retried(step, work, lambda: self._gate_attempt(step, work))
        except _GateDownError as error:
            report = error.report
            if not self._patient and work.number < MAX_ATTEMPTS:
                self._ledger.end_step(self._keeper.lease, step.key, ok=False, counts={}, error=error.message)
                return worth_another(f"The {step.name} gate could not be checked: {error.message}")
        work.counts = {"verdict": str(report.verdict), "run_id": report.run_id}
        self.verdicts[step.name] = str(report.verdict)
        self.docs = report.docs or self.docs
        self._ledger.record_gate(self._keeper.lease, report)
        if step.leaves_records_out:
            self.recount()
        again = report.verdict is Verdict.FAIL and step.name in self.batch.passed_over and self.counts.adds_up
        if again:  # a person decided so of the records in quarantine; a released one that is still bad is back there
            work.counts = {**work.counts, RESUMED: True}
            self._parts.alarms.decided(self._source.batch_id, [step.name])
        going_on = report.verdict in GOES_ON or again
        self._ledger.end_step(
            self._keeper.lease, step.key, ok=going_on, counts=work.counts, error="" if going_on else summary(report)
        )
        self._event(
            "verdict",
            gate=step.name,
            verdict=str(report.verdict),
            findings=told(report),
            checks=checks(report),
            rate=report.rate,
            docs=report.docs,
        )
        return None if going_on else self._stopped(report)

    def _gate_attempt(self, step: Step, work: _Work) -> GateReport:
        self._started(step, work)
        self._patiently(self._keeper.keep)
        report = self._parts.gates[step.name].check(self._source.batch_id, self._keeper.lease)
        if report.verdict is Verdict.ERROR and report.transient:
            raise _GateDownError(report)
        return report

    def _stopped(self, report: GateReport) -> Ending:
        if report.verdict is Verdict.ERROR:
            self._parts.alarms.held(self._source.batch_id, report.gate, summary(report))
            return held(self._source.batch_id, report)
        return halted(self._source.batch_id, report, self.counts)

    def recount(self) -> None:
        """A gate's actions may have quarantined records: the ledger's counts follow the store."""
        accepted, quarantined = self._parts.records.counts(self._source.batch_id)
        counts = replace(self.counts, accepted=accepted, quarantined=quarantined)
        if counts != self.counts:
            self._ledger.set_counts(self._keeper.lease, counts)
            self.counts = counts

    def _retried(self, step: Step, work: _Work, attempt: Callable[[], T]) -> T:
        def note(number: int, error: TransientError, wait: float) -> None:
            del number  # the ledger's count goes on where an earlier process stopped
            self._event("retry", step=step.key, attempt=work.number, wait_s=round(wait, 1), error=error.message)
            self._keeper.check()

        policy = self._parts.policy if self._patient else replace(self._parts.policy, attempts=1)
        return retry(attempt, policy, on_retry=note)

    def _started(self, step: Step, work: _Work) -> int:
        work.attempts += 1
        work.number = self._ledger.start_step(self._keeper.lease, step.key)
        was_cut_off = work.attempts == 1 and self.batch.step(step.key).status is StepStatus.RUNNING
        embedding = self.batch.embedding
        stays = embedding is not None and embedding.collection and not embedding.rolled_back_at
        place = {"collection": embedding.collection} if embedding and stays else {}
        self._event("attempt_started", step=step.key, attempt=work.number, after_cut_off=was_cut_off, **place)
        return work.number

    def context(self) -> BatchContext:
        """What a stage gets besides its stores."""
        return BatchContext(
            source=self._source,
            lease=self._keeper.lease,
            received_at=self.batch.first_seen or datetime.now(UTC),
            progress=LeasedProgress(self._parts.progress, self._keeper),
        )

    def _event(self, name: str, **fields: object) -> None:
        self._parts.progress.event(name, batch_id=self._source.batch_id, **fields)

    @property
    def _spool(self) -> RunnerSpool:
        return RunnerSpool(self._parts.spool, self._parts.alarms)

    @property
    def _ledger(self) -> PatientLedger:
        return self._parts.ledger

    @property
    def _patiently(self) -> Patience:
        return self._parts.patiently


@dataclass(slots=True)
class _Work:
    """A step while it is done: attempts of this run, the number of the last one in the ledger, what it counted."""

    attempts: int = 0
    number: int = 0
    counts: Mapping[str, Any] = field(default_factory=dict)
