"""Carrying out what a person decided about a batch, by the command that recorded it or any later one."""

from __future__ import annotations

from dataclasses import asdict

from expectations_plugins.core.errors import ExitCode
from pipeline.core.batch import WITHOUT_FILE
from pipeline.core.batches import BatchStatus, Lease, LoadCounts
from pipeline.core.decision import Decision, DecisionKind
from pipeline.core.outcome import Ending
from pipeline.core.topology import STEPS, Step
from pipeline.runner import decisions
from pipeline.runner.batch_run import BatchRun
from pipeline.runner.effects import PERSON, REJECTED
from pipeline.runner.lease import LeaseKeeper
from pipeline.runner.results import not_taken_back
from pipeline.runner.run_context import RunContext
from pipeline.runner.spool import RunnerSpool


class CarryingOut:
    """One decision, under the batch's lease. Whatever interrupts it, doing it again ends the same.

    Args:
        context: What the runner works with.
        keeper: Keeps the lease.
        run: The work on the batch.
        decision: What was decided.
    """

    def __init__(self, context: RunContext, keeper: LeaseKeeper, run: BatchRun, decision: Decision) -> None:
        self._parts = context
        self._keeper = keeper
        self._run = run
        self._decision = decision

    def finish(self) -> Ending | None:
        """Carry it out; None when the batch may go on.

        Raises:
            ConfigurationError: A newer program recorded it.
            TransientError: A store did not do all of it; calling again goes on.
        """
        self._parts.patiently(self._keeper.renew)
        ending = self._ended()
        if ending is None:
            self._parts.ledger.finish_decision(self._lease)
            self._run.reread()
        if ending is None or ending.exit_code is ExitCode.OK:
            decision, batch_id = self._decision, self._lease.batch_id
            fields = {"decision": str(decision.kind), "by": decision.by}
            self._parts.progress.event("decision_finished", batch_id=batch_id, **fields)
        return ending

    def _ended(self) -> Ending | None:
        patiently, effects, decision = self._parts.patiently, self._parts.effects, self._decision
        match decision.kind:
            case DecisionKind.REJECT:
                return self._reject()
            case DecisionKind.DROP:
                return self._drop()
            case DecisionKind.RESUME:
                self._end_load_without_file()
            case DecisionKind.RELEASE:
                patiently(lambda: effects.release(self._lease, decision))
            case DecisionKind.REPLAY:
                self._lift_rejection()
            case DecisionKind.SUPERSEDE:
                self._supersede()
            case DecisionKind.ROLLBACK:
                effects.roll_back(self._lease, decision)
            case _:
                raise decisions.unknown(self._run.batch)
        return None

    def _reject(self) -> Ending:
        """Take back what the batch published; its records stay in MongoDB, marked, and its file in the spool."""
        note = self._decision.note
        if (unfinished := self._withdraw(note)) is not None:
            return unfinished
        where = self._run.kept("person", f"{decisions.REJECTED}{note}.")
        ending = self._run.end(Ending(BatchStatus.DEAD, ExitCode.OK, f"{decisions.REJECTED}{note}.{where}"))
        self._parts.alarms.decided(self._lease.batch_id)
        return ending

    def _drop(self) -> Ending:
        """Take back what the batch published, and let go of what is kept of it."""
        batch_id, stone = self._lease.batch_id, decisions.tombstone(self._decision)
        accepted, _ = self._parts.records.counts(batch_id)
        if accepted and (unfinished := self._withdraw(f"dropped: {self._decision.note}")) is not None:
            return unfinished
        self._parts.patiently(lambda: self._parts.effects.drop(self._lease, stone))
        RunnerSpool(self._parts.spool, self._parts.alarms).forget(batch_id)
        self._parts.ledger.finish_decision(self._lease)
        self._parts.alarms.decided(batch_id)
        return Ending(BatchStatus.DEAD, ExitCode.OK, decisions.was_dropped(stone))

    def _withdraw(self, note: str) -> Ending | None:
        """Mark all records and do again, without them, what published them; why that is not finished, if it is not."""
        run_id = f"rejected-{self._lease.fence}"
        self._parts.records.quarantine_all(self._lease, gate=PERSON, reason=f"{REJECTED}: {note}", run_id=run_id)
        self._run.recount()
        for step in STEPS:
            if step.withdrawn and self._may_have_begun(step) and (error := self._run.take_back(step)) is not None:
                return not_taken_back(step, error)
        return None

    def _may_have_begun(self, step: Step) -> bool:
        """Whether the step was done, cut off in the middle, or ended by a signal, which leaves no entry."""
        before, batch = STEPS[STEPS.index(step) - 1], self._run.batch
        return step.key in batch.steps or batch.is_done(before.key)

    def _end_load_without_file(self) -> None:
        """The load ends where it was cut off, for the file it came from is gone."""
        if self._run.batch.is_done("stage:load"):
            return
        accepted, quarantined = self._parts.records.counts(self._lease.batch_id)
        dead = self._parts.ledger.dead_records(self._lease.batch_id)
        # duplicates left no trace; they are with the batches that brought them first
        self._run.counts = counts = LoadCounts(accepted + quarantined + dead, accepted, quarantined, dead=dead)
        self._parts.ledger.set_counts(self._lease, counts)
        self._parts.ledger.end_step(self._lease, "stage:load", ok=True, counts=asdict(counts) | {WITHOUT_FILE: True})

    def _supersede(self) -> None:
        """Take the records of older batches over; these go on first, so that no store holds a record for both."""
        older = [str(one) for one in self._decision.data[decisions.OLDER]]
        effect = self._parts.effects.supersede()
        effect.perform(self._run.context(), older, self._parts.leased, by=self._decision.by)
        for batch_id in older:
            self._parts.go_on(batch_id)

    def _lift_rejection(self) -> None:
        """What was withdrawn is done again: that is recorded before the first mark is lifted."""
        effects, lease = self._parts.effects, self._lease
        if self._parts.patiently(lambda: effects.rejected(lease.batch_id)):
            self._parts.ledger.clear_steps(lease, [step.key for step in STEPS[1:]])
            self._parts.patiently(lambda: effects.lift_rejection(lease))

    @property
    def _lease(self) -> Lease:
        return self._keeper.lease
