"""What a person decides about a batch: let it go on, check it again, give it up. Written down under the lease first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.core.batch import Batch, GateState, Tombstone
from pipeline.core.batches import WAITING, BatchStatus, Lease
from pipeline.core.next_steps import advice
from pipeline.core.outcome import Ending
from pipeline.core.program import program
from pipeline.core.topology import GATE_STEPS, STEPS, Step, gates_after
from pipeline.ports.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about a batch.

    Args:
        refuse: Raises ConfigurationError when it cannot be made of a batch that stands like this.
        begin: Writes down, under the lease, what is done again, given the batch as it stands then.
        passes: The key of the gate that it lets the batch pass, "" for none.
    """

    refuse: Callable[[Batch], None]
    begin: Callable[[Ledger, Lease, Batch], None]
    passes: Callable[[Batch], str] = lambda _: ""


def resume(*, without_file: bool = False) -> Decision:
    """Let a halted batch go on after its failed gate, without its quarantined records.

    Args:
        without_file: Let a batch whose load was cut off go on too: its file is gone.
    """

    def refuse(batch: Batch) -> None:
        _refuse_waiting(batch)
        if batch.status in WAITING:
            _refuse_passing_over(batch)
        elif not without_file and not batch.is_done("stage:load"):
            raise ConfigurationError(
                f"Batch {batch.name} was not loaded to its end, so its file is needed.",
                next_step=f"Run it again: {program()} run {batch.source}. If that file is gone, or another by now:"
                f" {program()} resume {batch.name} --without-file",
            )

    def passes(batch: Batch) -> str:
        gate = batch.failed_gate()
        return gate.key if batch.status in WAITING and gate is not None else ""

    return Decision(refuse, _nothing, passes)


def _nothing(ledger: Ledger, lease: Lease, batch: Batch) -> None:
    del ledger, lease, batch


def recheck(*, redo: bool) -> Decision:
    """Run the gate that stopped a batch again on what is there now.

    Args:
        redo: Do the stage before the gate again first: what it wrote is what the gate refused.
    """

    def begin(ledger: Ledger, lease: Lease, batch: Batch) -> None:
        gate = batch.failed_gate()
        if gate is not None:
            again = [*(_redone(batch, gate) if redo else ()), *gates_after(gate)]
            passed = {step.key for step in GATE_STEPS.values() if batch.is_done(step.key)}
            # what a person decided about a gate that let the batch pass is kept
            ledger.reopen_steps(lease, [key for key in again if key in passed])
            ledger.clear_steps(lease, [*(key for key in again if key not in passed), gate.key])

    return Decision(_refuse_waiting, begin)


def _redone(batch: Batch, gate: Step) -> tuple[str, ...]:
    """What is done again before a gate: what it judges, and what its findings ask for besides."""
    failed = {finding.expectation for finding in batch.gates.get(gate.name, GateState()).findings}
    return (*gate.redo, *(key for name, keys in gate.redo_for.items() if name in failed for key in keys))


def reject() -> Decision:
    """Give a batch up; what is withdrawn is the run's business."""

    return Decision(_refuse_ended, _nothing)


def again(steps: Sequence[str]) -> Decision:
    """Do these steps again, also of a closed batch."""

    def begin(ledger: Ledger, lease: Lease, batch: Batch) -> None:
        del batch
        ledger.clear_steps(lease, steps)

    return Decision(_refuse_unknown, begin)


def refuse_changing(batch: Batch) -> None:
    """Refuse to change records of a batch that is neither closed nor halted, nor was interrupted after its load.

    An interrupted change leaves a batch that runs: the same command must then be able to finish it.

    Raises:
        ConfigurationError: It is in another state, or unknown.
    """
    interrupted = batch.status is BatchStatus.RUNNING and batch.is_done("stage:load")
    if not interrupted and batch.status not in (BatchStatus.CLOSED, *WAITING):
        raise ConfigurationError(
            f"Batch {batch.name} is {batch.status or 'unknown'}: its records cannot be changed now.",
            next_step=f"Look: {program()} status {batch.name}",
        )


def refuse_reembedding(batch: Batch) -> None:
    """Refuse to replace fallback vectors of a batch that is neither closed nor was interrupted.

    Raises:
        ConfigurationError: It is in another state, or unknown.
    """
    if batch.status not in (BatchStatus.CLOSED, BatchStatus.RUNNING):
        raise ConfigurationError(
            f"Batch {batch.name} is {batch.status or 'unknown'}: its vectors are not replaced now.",
            next_step=f"Look: {program()} status {batch.name}",
        )


def waits_changed(batch: Batch) -> Ending | None:
    """The ending of a halted batch whose records were changed: what is decided next judges them."""
    if batch.status not in WAITING:
        return None
    step = f"Check it again: {program()} recheck {batch.name}"
    return Ending(batch.status, ExitCode.OK, f"Its batch is {batch.status}.", step, fresh=False)


def settled(batch: Batch) -> Ending | None:
    """The ending of a batch a run has nothing to do for; None when there is work.

    Raises:
        ConfigurationError: The batch has a status that this program does not know.
    """
    match batch.status:
        case None if batch.is_known:
            raise ConfigurationError(
                f"Batch {batch.name} has a status in the ledger that this program does not know. Nothing was changed.",
                next_step="A newer program, or a person, wrote it: upgrade this one, or look at the batch in MongoDB.",
            )
        case BatchStatus.CLOSED:
            return Ending(BatchStatus.CLOSED, ExitCode.OK, "Already processed.", fresh=False)
        case BatchStatus.HALTED | BatchStatus.INCONSISTENT:
            told = f"It waits for a person. {batch.reason}".strip()
            return Ending(batch.status, ExitCode.GATE_FAILED, told, advice(batch), fresh=False)
        case BatchStatus.DEAD if batch.dropped:
            return Ending(BatchStatus.DEAD, ExitCode.OK, was_dropped(batch.dropped), fresh=False)
        case BatchStatus.DEAD:
            return Ending(BatchStatus.DEAD, ExitCode.DEAD_LETTERED, batch.reason, advice(batch), fresh=False)
        case _:
            return None


def settled_step(batch: Batch, *, step: Step, otherwise: Callable[[Batch], Ending | None]) -> Ending | None:
    """The ending of one step of a batch there is nothing to do for; None when there is.

    Args:
        batch: The batch.
        step: The step.
        otherwise: The ending of a batch no step of which may be done now.

    Raises:
        ConfigurationError: A step before it is not done, or there is no such batch.
    """
    _refuse_unknown(batch)
    if batch.status is not BatchStatus.DEAD and batch.is_done(step.key):
        message = f"The {step.name} {step.kind} was done before."
        return Ending(batch.status or BatchStatus.RUNNING, ExitCode.OK, message, fresh=False)
    if (ending := otherwise(batch)) is not None:
        return ending
    before = next((one for one in STEPS[: STEPS.index(step)] if not batch.is_done(one.key)), None)
    if before is not None:
        raise ConfigurationError(
            f"The {step.name} {step.kind} of batch {batch.name} has to wait: the {before.name} {before.kind}"
            " before it is not done.",
            next_step=f"Do that first: {program()} {before.kind} {before.name} {batch.name}",
        )
    return None


def loaded_or_again(batch: Batch) -> Ending | None:
    """A batch without its records needs its file, which only a run is given."""
    if batch.is_done("stage:load"):
        return None
    message = f"Batch {batch.name} can be loaded again."
    step = f"Run it again: {program()} run {batch.source}"
    return Ending(BatchStatus.RUNNING, ExitCode.OK, message, step, fresh=False)


def was_dropped(stone: Tombstone) -> str:
    """Who dropped a batch of the dead-letter queue, and why."""
    return f"It was dropped by {stone.by}: {stone.why}. Its file is gone."


def replay(batch: Batch) -> Ending | None:
    """The ending of a batch there is nothing to replay of; None when there is."""
    _refuse_unknown(batch)
    if batch.dropped:
        raise ConfigurationError(
            f"Batch {batch.name} cannot be replayed. {was_dropped(batch.dropped)}",
            next_step="If you have its file elsewhere, load it under a changed content: this one's id is dropped.",
        )
    ending = settled(batch)
    return None if ending is None or ending.status is BatchStatus.DEAD else ending


def begin_replay(ledger: Ledger, lease: Lease, batch: Batch, redone: Sequence[str]) -> None:
    """Write down that a dead batch is tried again; a crash before the last line leaves it dead, after it resumable.

    Args:
        ledger, lease: Where, and for whom.
        batch: The batch, as it is now.
        redone: Steps that are done and must be done again.
    """
    if batch.status is not BatchStatus.DEAD:
        return
    ledger.clear_steps(lease, [step.key for step in STEPS if step.key in redone or not batch.is_done(step.key)])
    ledger.set_status(lease, BatchStatus.RUNNING)


def _refuse_unknown(batch: Batch) -> None:
    if not batch.is_known:
        raise ConfigurationError(f"There is no batch {batch.name}.", next_step=f"See the batches: {program()} status")


def _refuse_ended(batch: Batch) -> None:
    _refuse_unknown(batch)
    if batch.status is BatchStatus.CLOSED:
        raise ConfigurationError(f"Batch {batch.name} is closed: there is nothing to resume, recheck or reject.")
    if batch.dropped:
        raise ConfigurationError(f"Batch {batch.name}: {was_dropped(batch.dropped)}")


def _refuse_waiting(batch: Batch) -> None:
    """Refuse what is decided about a batch that waits, when it does not."""
    _refuse_ended(batch)
    if batch.status is BatchStatus.DEAD:
        raise ConfigurationError(
            f"Batch {batch.name} is in the dead-letter queue: {batch.reason}",
            next_step=f"When that is mended, try it again: {program()} dlq replay {batch.name}",
        )


def _refuse_passing_over(batch: Batch) -> None:
    gate, counts = batch.failed_gate(), batch.counts
    if gate is None:
        return
    if not gate.leaves_records_out:
        raise ConfigurationError(
            f"Batch {batch.name} failed the {gate.name} gate; no record can be left out to mend that.",
            next_step=f"Do the stage before it again, and check: {program()} recheck {batch.name} --redo",
        )
    if not counts.adds_up:
        held, loaded = counts.accepted + counts.quarantined, counts.read - counts.duplicate - counts.dead
        raise ConfigurationError(
            f"MongoDB holds {held:,} records of batch {batch.name}, {loaded:,} were loaded; leaving some out mends"
            " nothing.",
            next_step=f"Load it again, and check: {program()} recheck {batch.name} --redo",
        )
    nothing_flows = counts.read > 0 and counts.accepted == 0
    if counts.quarantined == 0 and not nothing_flows:
        raise ConfigurationError(
            f"Batch {batch.name} has no quarantined records, so leaving them out would not mend the {gate.name} gate.",
            next_step=f"Mend what it found ({program()} status {batch.name}), then: {program()} recheck {batch.name}",
        )
