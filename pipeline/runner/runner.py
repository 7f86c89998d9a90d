"""The runner: takes a batch through every stage and gate, under a lease, resumable at any point.

It knows stages, gates and the ledger by their protocols only; `sluicegate/app.py` chooses the stores behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from expectations_plugins.core.retry import RetryPolicy
from pipeline.core.batch import Batch
from pipeline.core.batches import BatchSource, BatchStatus, Lease
from pipeline.core.decision import WITHOUT_VECTORS, Decision, DecisionKind
from pipeline.core.next_steps import advice
from pipeline.core.outcome import BatchOutcome, Ending
from pipeline.core.topology import STEPS, Step, StepKind
from pipeline.dead_letters.replay_source import kept_source
from pipeline.ports.ledger import Ledger
from pipeline.ports.steps import Alarms, Gate, Progress, Stage
from pipeline.runner import decisions
from pipeline.runner.alarms import RunnerAlarms
from pipeline.runner.batch_run import BatchRun
from pipeline.runner.carrying_out import CarryingOut
from pipeline.runner.decisions import recorded_decision
from pipeline.runner.effects import DecisionEffects
from pipeline.runner.lease import LeaseKeeper
from pipeline.runner.patience import CountsRecords, LedgerDownError, Patience, PatientLedger, PatientRecords
from pipeline.runner.reporting import reported
from pipeline.runner.run_context import ReplacesFallbacks, RunContext
from pipeline.runner.spool import RunnerSpool
from pipeline.runner.task import SoFar, Task, as_it_is, not_yet
from pipeline.storage.fetching import size
from pipeline.storage.location import Place, recorded, written


class Runner:
    """Processes batches, one at a time.

    Args:
        stages, gates: By name, as the topology names them.
        ledger: Gives batches and leases; asked for each call, so that a ledger that is down is connected later.
        policy: Attempts and waits; the ledger counts attempts on over several processes.
        progress: Where to report.
        holder: Who holds the leases, unique to this process.
        lease_seconds: How long a lease lasts unless it is renewed.
        raw_store: Gives the store that is asked for record counts after a gate.
        spool: Where the files of dead batches are kept.
        halts_pipeline: Whether a halted batch stops those after it too.
        alarms: Who tells people of outages and dead batches; None tells nobody.
        publish: Shows people what became of a batch, last of all, and says when there is no room; never fails.
        effects: What a person's decisions act on.
    """

    def __init__(
        self,
        *,
        stages: Mapping[str, Stage],
        gates: Mapping[str, Gate],
        ledger: Callable[[], Ledger],
        policy: RetryPolicy,
        progress: Progress,
        holder: str,
        lease_seconds: float,
        raw_store: Callable[[], CountsRecords],
        spool: Place,
        halts_pipeline: bool = False,
        alarms: Alarms | None = None,
        publish: Callable[[str], str] = lambda _: "",
        effects: DecisionEffects,
    ) -> None:
        self._halts_pipeline = halts_pipeline
        people, self._patiently = RunnerAlarms(alarms), Patience(policy)
        self._ledger = PatientLedger(ledger, self._patiently)
        records = PatientRecords(raw_store, self._patiently)
        self._parts = RunContext(
            stages,
            gates,
            self._ledger,
            records,
            policy,
            self._patiently,
            progress,
            spool,
            people,
            publish,
            effects,
            self._leased,
            self._go_on,
        )
        self._spool = RunnerSpool(spool, people)
        self._takes_in = True
        self._down: LedgerDownError | None = None
        self.finished: list[BatchOutcome] = []
        """What became of batches that an earlier command had been interrupted in deciding about."""
        self._holder = holder
        self._lease_seconds = lease_seconds

    def process(self, source: BatchSource) -> BatchOutcome:
        """Take a batch as far as it goes. What was done before is not done again.

        Args:
            source: The batch.

        Raises:
            ConfigurationError: Something must be set right first; the batch stays resumable.
        """
        return self._report(Task(source, lambda: self._open(source), settled=self._settled, prepare=as_it_is))

    def attempt(self, source: BatchSource, step: Step) -> BatchOutcome:
        """Make one attempt at one step of a batch, for a scheduler that waits and tries again by itself.

        Attempts are counted in the ledger: the last one that fails moves the batch to the dead-letter queue.

        Args:
            source: The batch; only the load stage reads its file, and opens a batch that is new.
            step: The step; those before it must be done.

        Raises:
            ConfigurationError: A step before it is not done, or the ledger does not know the batch.
        """
        settled = partial(decisions.settled_step, step=step, otherwise=self._settled)

        def found() -> Batch:
            return self._ledger.opened().batch(source.batch_id) or Batch(source.batch_id)

        return self._report(
            Task(
                source,
                partial(self._open, source) if step is STEPS[0] else found,
                settled=settled,
                prepare=as_it_is,
                work=lambda run: run.attempt(step),
                shows=step.kind is StepKind.GATE,
            )
        )

    def replay(self, source: BatchSource, *, by: str = "") -> BatchOutcome:
        """Take a batch of the dead-letter queue through what it missed; a batch that is through is left as it is.

        Args:
            source: The batch, to be read from the file that was kept of it.
            by: Who decided so.

        Raises:
            ConfigurationError: The batch is unknown, or was dropped.
        """
        batch_id, decision = source.batch_id, Decision(DecisionKind.REPLAY, by=by)

        def prepare(ledger: Ledger, lease: Lease, now: Batch) -> Batch:
            return now if now.status is not BatchStatus.DEAD else recorded_decision(ledger, lease, now, decision)

        def found() -> Batch:
            return self._ledger.opened().batch(batch_id) or Batch(batch_id)

        outcome = self._report(Task(source, found, settled=decisions.replay_settled, prepare=prepare))
        if outcome.status is BatchStatus.CLOSED:
            self._spool.forget(batch_id)
        return outcome

    def resume(
        self,
        batch_id: str,
        *,
        without_file: bool = False,
        incomplete: bool = False,
        without_vectors: bool = False,
        by: str = "",
    ) -> BatchOutcome:
        """Let a halted batch continue after its failed gate, without its quarantined records.

        Args:
            batch_id: The whole id.
            without_file: Let a batch whose load was cut off go on with what was loaded: its file is gone.
            incomplete: Let it go on although records of its file did not arrive.
            without_vectors: Embed it again, and let it go on without vectors of texts that the API refuses.
            by: Who decided so.

        Raises:
            ConfigurationError: The batch is not halted, or there is nothing that could be left out.
        """
        data = {decisions.WITHOUT_FILE: without_file, decisions.INCOMPLETE: incomplete}
        data |= {WITHOUT_VECTORS: True} if without_vectors else {}
        outcome = self.decide(batch_id, Decision(DecisionKind.RESUME, data, by))
        if outcome.passed_over:  # not what a later gate has said of it since
            self._parts.alarms.decided(batch_id, outcome.passed_over)
        return outcome

    def recheck(self, batch_id: str, *, redo: bool = False, by: str = "") -> BatchOutcome:
        """Check the gate that stopped a batch again, and go on if it passes.

        Args:
            batch_id: The whole id.
            redo: Do the stages before the gate again first; loading again is left to the next run with the file.
            by: Who decided so.

        Raises:
            ConfigurationError: The batch is closed, or unknown.
        """
        return self.decide(batch_id, Decision(DecisionKind.RECHECK, {decisions.REDO: redo}, by))

    def again(self, batch_id: str, steps: Sequence[str]) -> BatchOutcome:
        """Do these steps of a batch again, and what follows of it."""
        return self.decide(batch_id, Decision(DecisionKind.REDO, {decisions.STEPS_AGAIN: list(steps)}))

    def reject(self, batch_id: str, note: str, *, by: str = "") -> BatchOutcome:
        """Give a batch up: none of its records flows on, and it goes to the dead-letter queue.

        Args:
            batch_id: The whole id.
            note: Why, for whoever looks later.
            by: Who decided so.

        Raises:
            ConfigurationError: The batch is closed, or unknown.
        """
        return self.decide(batch_id, Decision(DecisionKind.REJECT, {"note": note}, by))

    def supersede(self, source: BatchSource, older: Sequence[str], *, by: str = "") -> BatchOutcome:
        """Give a batch the records that it brings again of older ones, and take it and these as far as they go.

        Args:
            source: The newer batch, and its file.
            older: Ids of the older batches; none of them is closed.
            by: Who decided so.

        Raises:
            ConfigurationError: There is nothing to take over.
        """
        batch = self._ledger.batch(source.batch_id) or Batch(source.batch_id)
        decision = Decision(DecisionKind.SUPERSEDE, {decisions.OLDER: list(older)}, by)
        decisions.RULES[decision.kind].refuse(decision, batch)
        prepare = partial(recorded_decision, decision=decision)
        return self._report(Task(source, lambda: batch, settled=not_yet, prepare=prepare, after=not_yet))

    def decide(self, batch_id: str, decision: Decision) -> BatchOutcome:
        """Record what a person decided, carry it out, and go on with the batch if it can.

        Whatever ends this once the decision is recorded, the next command finishes it.

        Args:
            batch_id: The whole id.
            decision: What was decided, with what its effects need.

        Raises:
            ConfigurationError: It cannot be decided of the batch as it is.
        """
        batch = self._ledger.batch(batch_id) or Batch(batch_id)
        if batch.decision is None:
            decisions.RULES[decision.kind].refuse(decision, batch)
        source = BatchSource(batch_id=batch_id, path=recorded(batch.source))
        prepare = partial(recorded_decision, decision=decision)
        return self._report(Task(source, lambda: batch, settled=not_yet, prepare=prepare, after=decisions.stopped))

    def reembed(self, batch_id: str, replaces: ReplacesFallbacks) -> BatchOutcome:
        """Replace fallback vectors of a closed batch by real ones; the vector gate judges it.

        Raises:
            ConfigurationError: The batch is neither closed nor was it interrupted.
        """
        batch = self._ledger.batch(batch_id) or Batch(batch_id)
        decisions.refuse_reembedding(batch)

        def prepare(ledger: Ledger, lease: Lease, now: Batch) -> Batch:
            del ledger, lease
            decisions.refuse_reembedding(now)
            return now

        source = BatchSource(batch_id=batch_id, path=recorded(batch.source))
        work = partial(BatchRun.replace_fallbacks, replaces=replaces)
        after = decisions.loaded_or_again
        return self._report(Task(source, lambda: batch, settled=not_yet, prepare=prepare, after=after, work=work))

    def _settled(self, batch: Batch) -> Ending | None:
        ending = decisions.settled(batch)
        if ending is not None or not self._halts_pipeline:
            return ending
        halted = next((one for one in self._ledger.halted(2) if one.batch_id != batch.batch_id), None)
        if halted is None:
            return None
        return Ending(
            None,
            ExitCode.GATE_FAILED,
            f"It waits, for batch {halted.name} is {halted.status} and SLUICEGATE_HALT_SCOPE is pipeline.",
            advice(halted),
            fresh=False,
        )

    def _open(self, source: BatchSource) -> Batch:
        bytes_ = source.stamp.size if source.stamp else size(source.path)
        return self._ledger.opened().open_batch(source.batch_id, source=written(source.path), size=bytes_)

    def _report(self, task: Task) -> BatchOutcome:
        return reported(self._parts, self._spool, task, partial(self._work, task))

    def _work(self, task: Task, so_far: SoFar) -> Ending:
        batch_id, ledger = task.source.batch_id, self._ledger.opened
        so_far.batch = so_far.before = self._reached(task)
        unfinished = so_far.batch.decision is not None
        if not unfinished and (ending := task.settled(so_far.batch)) is not None:
            self._spool.ended(batch_id, ending.status)
            return ending
        self._spool.at_work(batch_id)
        lease = self._ledger.acquire(batch_id, self._holder, self._lease_seconds)
        with LeaseKeeper(ledger(), lease, self._lease_seconds) as keeper:
            # another run may have gone on with the batch before we had the lease
            so_far.batch = self._ledger.batch(batch_id) or so_far.batch
            if (ending := self._carried_out(task, keeper, so_far)) is not None:
                return ending
            so_far.batch = self._patiently(lambda: task.prepare(ledger(), keeper.lease, so_far.batch))
            ending = self._carried_out(task, keeper, so_far) or (task.after or task.settled)(so_far.batch)
            if ending is not None:
                return ending
            so_far.run = so_far.run or BatchRun(self._parts, task.source, keeper, so_far.batch)
            return task.work(so_far.run)

    def _carried_out(self, task: Task, keeper: LeaseKeeper, so_far: SoFar) -> Ending | None:
        """Carry out the decision about the batch that is not finished; None when there is none, or it may go on."""
        so_far.run = None
        if (decision := so_far.batch.decision) is None:
            return None
        so_far.run = run = BatchRun(self._parts, task.source, keeper, so_far.batch)
        ending = CarryingOut(self._parts, keeper, run, decision).finish()
        so_far.batch = run.batch if ending is None else so_far.batch
        return ending

    def _reached(self, task: Task) -> Batch:
        """The batch, once what the spool holds is in the ledger too."""
        if self._down is not None:  # asking again for each of many batches would take hours
            raise self._down
        try:
            if self._takes_in:
                self.catch_up()
            batch = self._patiently(task.open)
        except LedgerDownError as error:
            self._down = error
            raise
        self._spool.reached(task.source.batch_id)
        return batch

    def catch_up(self) -> None:
        """Enter in the ledger what died while it could not be reached, and finish what persons decided; `process` does
        it too.

        Raises:
            LedgerDownError: It still cannot be reached.
        """
        self._take_in()
        self._takes_in = False
        self._finish_decisions()

    def _take_in(self) -> None:
        """Enter in the ledger what died while it could not be reached.

        Raises:
            LedgerDownError: It still cannot.
        """
        seconds, progress = self._lease_seconds, self._parts.progress

        def enter() -> None:
            ledger, counts = self._ledger.opened(), self._parts.records.opened().counts
            self._spool.take_in(ledger, counts, holder=self._holder, seconds=seconds, progress=progress)

        self._patiently(enter)

    def _finish_decisions(self) -> None:
        """Finish what persons decided and a command was interrupted in."""
        for batch in self._ledger.unfinished_decisions():
            kept = kept_source(self._parts.spool, batch.batch_id, recorded(batch.source))
            source = kept or BatchSource(batch.batch_id, recorded(batch.source))
            found, after = partial(_same, batch), decisions.waiting if kept else decisions.stopped
            try:
                outcome = self._report(Task(source, found, settled=decisions.finished, prepare=as_it_is, after=after))
            except ConfigurationError as error:  # about that batch; it must not keep the others from their work
                self._parts.progress.event("decision_unfinished", batch_id=batch.batch_id, error=str(error))
            else:
                if outcome.exit_code is not ExitCode.LEASE_HELD:
                    self.finished.append(outcome)

    def _leased(self, batch_id: str) -> LeaseKeeper:
        lease = self._ledger.acquire(batch_id, self._holder, self._lease_seconds)
        return LeaseKeeper(self._ledger.opened(), lease, self._lease_seconds)

    def _go_on(self, batch_id: str) -> None:
        """Take another batch as far as it goes, because what was decided about this one changed it."""
        batch = self._ledger.batch(batch_id) or Batch(batch_id)
        outcome = self.process(BatchSource(batch_id, recorded(batch.source)))
        if outcome.fresh:
            self.finished.append(outcome)


def _same(batch: Batch) -> Batch:
    return batch
