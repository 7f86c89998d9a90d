"""What a person decides about a batch: let it go on, check it again, give it up. Written down under the lease first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.core.batches import BatchStatus, Lease, short
from pipeline.core.outcome import Ending, adds_up, counts_in, is_done
from pipeline.core.topology import STEPS, Step, StepKind
from pipeline.ports.ledger import Ledger

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about a batch.

    Args:
        refuse: Raises ConfigurationError when it cannot be made of a batch that stands like this.
        begin: Writes down, under the lease, what is done again, given the batch as it stands then.
        passes: The key of the gate that it lets the batch pass, "" for none.
    """

    refuse: Callable[[str, Document], None]
    begin: Callable[[Ledger, Lease, Document], None]
    passes: Callable[[Document], str] = lambda _: ""


def resume(*, without_file: bool = False) -> Decision:
    """Let a halted batch go on after its failed gate, without its quarantined records.

    Args:
        without_file: Let a batch whose load was cut off go on too: its file is gone.
    """

    def refuse(batch_id: str, document: Document) -> None:
        _refuse_waiting(batch_id, document)
        batch, status = short(batch_id), document.get("status")
        if status == BatchStatus.HALTED:
            _refuse_passing_over(batch, document)
        elif not without_file and not is_done(document, "stage:load"):
            raise ConfigurationError(
                f"Batch {batch} was not loaded to its end, so its file is needed.",
                next_step=f"Run it again: run.py run {document.get('source')}. If that file is gone, or another by now:"
                f" run.py resume {batch} --without-file",
            )

    def passes(document: Document) -> str:
        gate = failed_gate(document)
        return gate.key if document.get("status") == BatchStatus.HALTED and gate is not None else ""

    return Decision(refuse, _nothing, passes)


def _nothing(ledger: Ledger, lease: Lease, document: Document) -> None:
    del ledger, lease, document


def recheck(*, redo: bool) -> Decision:
    """Run the gate that stopped a batch again on what is there now.

    Args:
        redo: Do the stage before the gate again first: what it wrote is what the gate refused.
    """

    def begin(ledger: Ledger, lease: Lease, document: Document) -> None:
        gate = failed_gate(document)
        if gate is not None:
            ledger.clear_steps(lease, [*(gate.redo if redo else ()), gate.key])

    return Decision(_refuse_waiting, begin)


def reject() -> Decision:
    """Give a batch up; what is withdrawn is the run's business."""

    return Decision(_refuse_ended, _nothing)


def again(steps: Sequence[str]) -> Decision:
    """Do these steps again, also of a closed batch."""

    def refuse(batch_id: str, document: Document) -> None:
        if not document:
            _refuse_ended(batch_id, document)

    def begin(ledger: Ledger, lease: Lease, document: Document) -> None:
        del document
        ledger.clear_steps(lease, steps)

    return Decision(refuse, begin)


def refuse_changing(batch_id: str, document: Document) -> None:
    """Refuse to change records of a batch that is neither closed nor halted, nor was interrupted after its load.

    An interrupted change leaves a batch that runs: the same command must then be able to finish it.

    Raises:
        ConfigurationError: It is in another state, or unknown.
    """
    interrupted = document.get("status") == BatchStatus.RUNNING and is_done(document, "stage:load")
    if not interrupted and document.get("status") not in (BatchStatus.CLOSED, BatchStatus.HALTED):
        raise ConfigurationError(
            f"Batch {short(batch_id)} is {document.get('status') or 'unknown'}: its records cannot be changed now.",
            next_step=f"Look: run.py status {short(batch_id)}",
        )


def refuse_reembedding(batch_id: str, document: Document) -> None:
    """Refuse to replace fallback vectors of a batch that is neither closed nor was interrupted.

    Raises:
        ConfigurationError: It is in another state, or unknown.
    """
    if document.get("status") not in (BatchStatus.CLOSED, BatchStatus.RUNNING):
        raise ConfigurationError(
            f"Batch {short(batch_id)} is {document.get('status') or 'unknown'}: its vectors are not replaced now.",
            next_step=f"Look: run.py status {short(batch_id)}",
        )


def waits_changed(batch_id: str, document: Document) -> Ending | None:
    """The ending of a halted batch whose records were changed: what is decided next judges them."""
    if document.get("status") != BatchStatus.HALTED:
        return None
    step = f"Check it again: run.py recheck {short(batch_id)}"
    return Ending(BatchStatus.HALTED, ExitCode.OK, "Its batch is halted.", step, fresh=False)


def failed_gate(document: Document) -> Step | None:
    """The gate that did not let the batch pass."""
    steps = document.get("steps") or {}
    gates = (step for step in STEPS if step.kind is StepKind.GATE)
    return next((step for step in gates if (steps.get(step.key) or {}).get("status") == "failed"), None)


def settled(batch_id: str, document: Document) -> Ending | None:
    """The ending of a batch a run has nothing to do for; None when there is work."""
    batch, reason = short(batch_id), str(document.get("reason") or "")
    match document.get("status"):
        case BatchStatus.CLOSED:
            return Ending(BatchStatus.CLOSED, ExitCode.OK, "Already processed.", fresh=False)
        case BatchStatus.HALTED:
            step = f"Look: run.py status {batch}. Then: run.py resume {batch}, or recheck, or reject"
            told = f"It waits for a person. {reason}".strip()
            return Ending(BatchStatus.HALTED, ExitCode.GATE_FAILED, told, step, fresh=False)
        case BatchStatus.DEAD if document.get("dropped"):
            return Ending(BatchStatus.DEAD, ExitCode.OK, was_dropped(document), fresh=False)
        case BatchStatus.DEAD:
            step = f"Look: run.py dlq show {batch}. When it is mended: run.py dlq replay {batch}"
            return Ending(BatchStatus.DEAD, ExitCode.DEAD_LETTERED, reason, step, fresh=False)
        case _:
            return None


def settled_step(
    batch_id: str, document: Document, *, step: Step, otherwise: Callable[[str, Document], Ending | None]
) -> Ending | None:
    """The ending of one step of a batch there is nothing to do for; None when there is.

    Args:
        batch_id, document: The batch as it stands.
        step: The step.
        otherwise: The ending of a batch no step of which may be done now.

    Raises:
        ConfigurationError: A step before it is not done, or there is no such batch.
    """
    if not document:
        _refuse_ended(batch_id, document)
    if document.get("status") != BatchStatus.DEAD and is_done(document, step.key):
        status = BatchStatus(document.get("status") or BatchStatus.RUNNING)
        return Ending(status, ExitCode.OK, f"The {step.name} {step.kind} was done before.", fresh=False)
    if (ending := otherwise(batch_id, document)) is not None:
        return ending
    before = next((one for one in STEPS[: STEPS.index(step)] if not is_done(document, one.key)), None)
    if before is not None:
        raise ConfigurationError(
            f"The {step.name} {step.kind} of batch {short(batch_id)} has to wait: the {before.name} {before.kind}"
            " before it is not done.",
            next_step=f"Do that first: run.py {before.kind} {before.name} {short(batch_id)}",
        )
    return None


def loaded_or_again(batch_id: str, document: Document) -> Ending | None:
    """A batch without its records needs its file, which only a run is given."""
    if is_done(document, "stage:load"):
        return None
    message = f"Batch {short(batch_id)} can be loaded again."
    step = f"Run it again: run.py run {document.get('source')}"
    return Ending(BatchStatus.RUNNING, ExitCode.OK, message, step, fresh=False)


def was_dropped(document: Document) -> str:
    """Who dropped a batch of the dead-letter queue, and why."""
    dropped = document.get("dropped") or {}
    return f"It was dropped by {dropped.get('by')}: {dropped.get('why')}. Its file is gone."


def replay(batch_id: str, document: Document) -> Ending | None:
    """The ending of a batch there is nothing to replay of; None when there is."""
    if not document:
        _refuse_ended(batch_id, document)
    if document.get("dropped"):
        raise ConfigurationError(
            f"Batch {short(batch_id)} cannot be replayed. {was_dropped(document)}",
            next_step="If you have its file elsewhere, load it under a changed content: this one's id is dropped.",
        )
    ending = settled(batch_id, document)
    return None if ending is None or ending.status is BatchStatus.DEAD else ending


def begin_replay(ledger: Ledger, lease: Lease, document: Document, redone: Sequence[str]) -> None:
    """Write down that a dead batch is tried again; a crash before the last line leaves it dead, after it resumable.

    Args:
        ledger, lease: Where, and for whom.
        document: The batch as it stands.
        redone: Steps that are done and must be done again.
    """
    if document.get("status") != BatchStatus.DEAD:
        return
    ledger.clear_steps(lease, [step.key for step in STEPS if step.key in redone or not is_done(document, step.key)])
    ledger.set_status(lease, BatchStatus.RUNNING)


def _refuse_ended(batch_id: str, document: Document) -> None:
    batch = short(batch_id)
    if not document:
        raise ConfigurationError(f"There is no batch {batch}.", next_step="See the batches: run.py status")
    if document.get("status") == BatchStatus.CLOSED:
        raise ConfigurationError(f"Batch {batch} is closed: there is nothing to resume, recheck or reject.")
    if document.get("dropped"):
        raise ConfigurationError(f"Batch {batch}: {was_dropped(document)}")


def _refuse_waiting(batch_id: str, document: Document) -> None:
    """Refuse what is decided about a batch that waits, when it does not."""
    _refuse_ended(batch_id, document)
    if document.get("status") == BatchStatus.DEAD:
        raise ConfigurationError(
            f"Batch {short(batch_id)} is in the dead-letter queue: {document.get('reason')}",
            next_step=f"When that is mended, try it again: run.py dlq replay {short(batch_id)}",
        )


def _refuse_passing_over(batch: str, document: Document) -> None:
    gate, counts = failed_gate(document), counts_in(document)
    if gate is None:
        return
    if not gate.leaves_records_out:
        raise ConfigurationError(
            f"Batch {batch} failed the {gate.name} gate; no record can be left out to mend that.",
            next_step=f"Do the stage before it again, and check: run.py recheck {batch} --redo",
        )
    if not adds_up(counts):
        held, loaded = counts.accepted + counts.quarantined, counts.read - counts.duplicate - counts.dead
        raise ConfigurationError(
            f"MongoDB holds {held:,} records of batch {batch}, {loaded:,} were loaded; leaving some out mends nothing.",
            next_step=f"Load it again, and check: run.py recheck {batch} --redo",
        )
    nothing_flows = counts.read > 0 and counts.accepted == 0
    if counts.quarantined == 0 and not nothing_flows:
        raise ConfigurationError(
            f"Batch {batch} has no quarantined records, so leaving them out would not mend the {gate.name} gate.",
            next_step=f"Mend what it found (run.py status {batch}), then: run.py recheck {batch}",
        )
