"""What a person may decide about a batch, and what the write that records it changes at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.core.batch import Batch, GateState, Tombstone
from pipeline.core.batches import WAITING, BatchStatus, Lease
from pipeline.core.decision import WITHOUT_VECTORS, Decision, DecisionKind, Opening
from pipeline.core.next_steps import Halt, advice
from pipeline.core.outcome import Ending
from pipeline.core.program import program
from pipeline.core.topology import EMBED, GATE_STEPS, REDONE, STEPS, Step, gate_of, gates_after
from pipeline.ports.ledger import Ledger

REJECTED = "Rejected: "
"""How the reason of a batch starts that a person gave up."""

WITHOUT_FILE, INCOMPLETE, REDO, STEPS_AGAIN, OLDER = "without_file", "incomplete", "redo", "steps", "older"
"""What decisions have among their data."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one kind of decision.

    Args:
        refuse: Raises ConfigurationError when it cannot be made of a batch as it is.
        opening: What changes with the write that records it, given the batch as it is then.
    """

    refuse: Callable[[Decision, Batch], None]
    opening: Callable[[Decision, Batch], Opening]


def _resume_refused(decision: Decision, batch: Batch) -> None:
    _refuse_waiting(batch)
    if decision.data.get(WITHOUT_VECTORS):
        _refuse_without_vectors(batch)
    elif batch.status in WAITING:
        _refuse_passing_over(batch, incomplete=bool(decision.data.get(INCOMPLETE)))
    elif not decision.data.get(WITHOUT_FILE) and not batch.is_done("stage:load"):
        raise ConfigurationError(
            f"Batch {batch.name} was not loaded to its end, so its file is needed.",
            next_step=f"Run it again: {program()} run {batch.source}. If that file is gone, or another by now:"
            f" {program()} resume {batch.name} --without-file",
        )


def _resume_opened(decision: Decision, batch: Batch) -> Opening:
    if decision.data.get(WITHOUT_VECTORS):  # what it had was rolled back
        return _recheck_opened(replace(decision, data={REDO: True}), batch)
    gate = batch.failed_gate()
    passed = gate.key if batch.status in WAITING and gate is not None else ""
    cut_off = bool(decision.data.get(WITHOUT_FILE)) and not batch.is_done("stage:load")
    again = _passed_on(batch, gate) if passed and gate is not None and gate.leaves_records_out else ()
    return Opening(BatchStatus.RUNNING, passed=passed, cleared=again, finished=not cut_off)


def _passed_on(batch: Batch, gate: Step) -> tuple[str, ...]:
    """The stages before a gate that had passed on what it put into quarantine."""
    before = STEPS[: STEPS.index(gate)]
    return tuple(step.key for step in before if step.withdrawn and batch.is_done(step.key))


def _recheck_opened(decision: Decision, batch: Batch) -> Opening:
    gate = batch.failed_gate()
    if gate is None:
        return Opening(BatchStatus.RUNNING, finished=True)
    again = (*(_redone(batch, gate) if decision.data.get(REDO) else ()), *gates_after(gate))
    passed = {step.key for step in GATE_STEPS.values() if batch.is_done(step.key)}  # what was decided of them is kept
    return Opening(
        BatchStatus.RUNNING,
        cleared=(*(key for key in again if key not in passed), gate.key),
        reopened=tuple(key for key in again if key in passed),
        finished=True,
    )


def _redone(batch: Batch, gate: Step) -> tuple[str, ...]:
    """What is done again before a gate: what it judges, and what its findings ask for besides."""
    failed = {finding.expectation for finding in batch.gates.get(gate.name, GateState()).findings}
    return (*gate.redo, *(key for name, keys in gate.redo_for.items() if name in failed for key in keys))


def _redo_opened(decision: Decision, batch: Batch) -> Opening:
    del batch
    return Opening(BatchStatus.RUNNING, cleared=tuple(map(str, decision.data[STEPS_AGAIN])), finished=True)


def _release_opened(decision: Decision, batch: Batch) -> Opening:
    del decision
    # that they are done again is written with the decision: whatever ends this, no record flows on that was not judged
    status = BatchStatus.RUNNING if batch.status is BatchStatus.CLOSED else None
    return Opening(status, reopened=REDONE)


def _replay_opened(decision: Decision, batch: Batch) -> Opening:
    del decision
    again = STEPS[1:] if batch.reason.startswith(REJECTED) else ()
    cleared = [step.key for step in STEPS if step in again or not batch.is_done(step.key)]
    return Opening(BatchStatus.RUNNING, cleared=tuple(cleared))


def _refuse_superseding(decision: Decision, batch: Batch) -> None:
    _refuse_unknown(batch)
    if batch.status is BatchStatus.DEAD:
        _refuse_waiting(batch)
    if not decision.data.get(OLDER):
        raise ConfigurationError(
            f"Batch {batch.name} brings no record of a batch that waits: there is nothing to take over.",
            next_step=f"Look: {program()} status {batch.name}",
        )


def _rollback_opened(decision: Decision, batch: Batch) -> Opening:
    del decision, batch
    reason = "Its vectors were rolled back by a person."
    return Opening(BatchStatus.HALTED, reason, failed=gate_of(EMBED).key)


def _drop_refused(decision: Decision, batch: Batch) -> None:
    del decision
    _refuse_unknown(batch)
    if batch.status is not BatchStatus.DEAD:
        raise ConfigurationError(
            f"Batch {batch.name} is {batch.status}, not in the dead-letter queue; it was not dropped.",
            next_step=f"Look: {program()} status {batch.name}",
        )


RULES: Mapping[DecisionKind, Rules] = {
    DecisionKind.RESUME: Rules(_resume_refused, _resume_opened),
    DecisionKind.RECHECK: Rules(lambda _, batch: _refuse_waiting(batch), _recheck_opened),
    DecisionKind.REDO: Rules(lambda _, batch: _refuse_unknown(batch), _redo_opened),
    DecisionKind.RELEASE: Rules(lambda _, batch: refuse_changing(batch), _release_opened),
    DecisionKind.ROLLBACK: Rules(lambda _, batch: _refuse_unknown(batch), _rollback_opened),
    DecisionKind.REJECT: Rules(lambda _, batch: _refuse_ended(batch), lambda *_: Opening(BatchStatus.RUNNING)),
    DecisionKind.REPLAY: Rules(lambda _, batch: _refuse_replaying(batch), _replay_opened),
    DecisionKind.SUPERSEDE: Rules(
        _refuse_superseding, lambda *_: Opening(BatchStatus.RUNNING, cleared=tuple(step.key for step in STEPS))
    ),
    DecisionKind.DROP: Rules(_drop_refused, lambda *_: Opening()),
}
"""By kind."""


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


def recorded_decision(ledger: Ledger, lease: Lease, now: Batch, decision: Decision) -> Batch:
    """Record a decision about a batch, unless it cannot be made of it; the batch after that.

    Raises:
        ConfigurationError: It cannot be made of the batch as it is now.
    """
    rules = RULES[decision.kind]
    rules.refuse(decision, now)
    ledger.decide(lease, decision, rules.opening(decision, now))
    return ledger.batch(now.batch_id) or now


def finished(batch: Batch) -> Ending | None:
    """The ending of a batch whose decision another command has finished; None when it has not."""
    return None if batch.decision else Ending(batch.status, ExitCode.OK, fresh=False)


def stopped(batch: Batch) -> Ending | None:
    """The ending of a batch that cannot go on after a decision by itself; None when it can."""
    return waiting(batch) or loaded_or_again(batch)


def waiting(batch: Batch) -> Ending | None:
    """The ending of a halted batch that a decision changed: the next decision judges it; None of one that goes on."""
    if batch.status not in WAITING:
        return None
    redo = " --redo" if batch.embedding and batch.embedding.rolled_back_at else ""
    step = f"Check it again: {program()} recheck {batch.name}{redo}"
    return Ending(batch.status, ExitCode.OK, f"Its batch is {batch.status}.", step, fresh=False)


def unknown(batch: Batch) -> ConfigurationError:
    """A batch has a status, or a decision, that this program does not know."""
    return ConfigurationError(
        f"Batch {batch.name} has a status or a decision in the ledger that this program does not know. Nothing was"
        " changed.",
        next_step="A newer program, or a person, wrote it: upgrade this one, or look at the batch in MongoDB.",
    )


def tombstone(decision: Decision) -> Tombstone:
    """Who dropped a batch, and why."""
    return Tombstone(decision.by, decision.note, decision.at or datetime.now(UTC))


def settled(batch: Batch) -> Ending | None:
    """The ending of a batch a run has nothing to do for; None when there is work.

    Raises:
        ConfigurationError: The batch has a status that this program does not know.
    """
    match batch.status:
        case None if batch.is_known:
            raise unknown(batch)
        case BatchStatus.CLOSED:
            return Ending(BatchStatus.CLOSED, ExitCode.OK, "Already processed.", fresh=False)
        case BatchStatus.HALTED | BatchStatus.INCONSISTENT:
            told = f"It waits for a person. {batch.reason}".strip()
            return Ending(batch.status, ExitCode.GATE_FAILED, told, advice(batch), fresh=False, waits=True)
        case BatchStatus.DEAD if batch.dropped:
            return Ending(BatchStatus.DEAD, ExitCode.OK, was_dropped(batch.dropped), fresh=False)
        case BatchStatus.DEAD:
            reason, way_on = batch.reason, advice(batch)
            return Ending(BatchStatus.DEAD, ExitCode.DEAD_LETTERED, reason, way_on, fresh=False, waits=True)
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


def replay_settled(batch: Batch) -> Ending | None:
    """The ending of a batch there is nothing to replay of; None when there is.

    Raises:
        ConfigurationError: It is unknown, or was dropped.
    """
    _refuse_replaying(batch)
    ending = settled(batch)
    return None if ending is None or ending.status is BatchStatus.DEAD else ending


def was_dropped(stone: Tombstone) -> str:
    """Who dropped a batch of the dead-letter queue, and why."""
    return f"It was dropped by {stone.by}: {stone.why}. Its file is gone."


def _refuse_replaying(batch: Batch) -> None:
    _refuse_unknown(batch)
    if batch.dropped:
        raise ConfigurationError(
            f"Batch {batch.name} cannot be replayed. {was_dropped(batch.dropped)}",
            next_step="If you have its file elsewhere, load it under a changed content: this one's id is dropped.",
        )


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


def _refuse_without_vectors(batch: Batch) -> None:
    gate = batch.failed_gate()
    if batch.status in WAITING and gate is not None and not Halt.of(batch.halting_findings, batch.counts).embedded:
        return
    raise ConfigurationError(
        f"Batch {batch.name} does not wait because of texts that the model's API refused: there is nothing to go on"
        " without.",
        next_step=f"Look: {program()} status {batch.name}",
    )


def _refuse_passing_over(batch: Batch, *, incomplete: bool) -> None:
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
    halt = Halt.of(batch.halting_findings, counts)
    if halt.repeats:
        raise ConfigurationError(
            f"Batch {batch.name} brings records again of batches that wait; what it says of them would be lost.",
            next_step=f"Take them over: {program()} supersede {batch.name}. Or decide about those batches first, and"
            f" check again: {program()} recheck {batch.name}",
        )
    if not halt.arrived and not incomplete:
        raise ConfigurationError(
            f"Records of the file of batch {batch.name} did not arrive; going on means going on without them.",
            next_step=f"Look at them: {program()} dlq show {batch.name}. To go on without them:"
            f" {program()} resume {batch.name} --incomplete",
        )
    nothing_flows = counts.read > 0 and counts.accepted == 0
    if counts.quarantined == 0 and not nothing_flows and halt.arrived:
        raise ConfigurationError(
            f"Batch {batch.name} has no quarantined records, so leaving them out would not mend the {gate.name} gate.",
            next_step=f"Mend what it found ({program()} status {batch.name}), then: {program()} recheck {batch.name}",
        )
