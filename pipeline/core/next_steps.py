"""What a person can do about a batch next: decided here, and shown by commands, pages, alerts and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from pipeline.core.batch import Batch
from pipeline.core.batches import NO_RECORDS, BatchStatus, LoadCounts, short
from pipeline.core.decision import Decision
from pipeline.core.policy import INCOMPLETE, RECHECK, REDO, RESUME, SUPERSEDE, WITHOUT_VECTORS, typed_command
from pipeline.core.topology import GATE_STEPS, GATES
from pipeline.core.verdicts import NOT_ARRIVED, NOT_EMBEDDED, REPEATED, TRUNCATED, Finding, Verdict

LOOK = {
    BatchStatus.HALTED: "status {batch}",
    BatchStatus.INCONSISTENT: "status {batch}",
    BatchStatus.HELD: "doctor",
    BatchStatus.DEAD: "dlq show {batch}",
}
"""The arguments of the command that shows why a batch does not go on."""

REPLAY, REJECT, DROP = "dlq replay {batch}", "reject {batch}", "dlq drop {batch}"
SHOW = LOOK[BatchStatus.DEAD]
REPAIR = f"{REPLAY} --records"

WORDS = {
    RESUME: "goes on without the quarantined records",
    RECHECK: "checks again after it is mended",
    REDO: "does the stage before it again, and checks",
    INCOMPLETE: "goes on without the records that did not arrive",
    WITHOUT_VECTORS: "embeds the others again, and goes on without the texts that the API refuses",
    SUPERSEDE: "takes the records over that it brings again of batches which wait",
}
"""What the commands do of which one may let a batch go on that waits for a person."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """A command and what it does, or words alone."""

    words: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.command} {self.words}".strip()


def next_steps(batch: Batch) -> tuple[NextStep, ...]:
    """What a person can do, the most likely first; nothing for a batch that is well.

    Args:
        batch: The batch, whole.
    """
    if batch.decision is not None:
        return (NextStep(unfinished(batch.decision)),)
    match batch.status:
        case BatchStatus.HALTED | BatchStatus.INCONSISTENT:
            way = _way_on(batch)
            on = NextStep(WORDS.get(way, ""), _of(way, batch))
            return *_repairs(batch), on, NextStep("gives it up", _of(REJECT, batch))
        case BatchStatus.HELD:
            shown = NextStep("shows which store is down", look(BatchStatus.HELD, batch.batch_id))
            return NextStep("the next run checks it again"), shown
        case BatchStatus.DEAD:
            shown = NextStep("says what is kept of it", look(BatchStatus.DEAD, batch.batch_id))
            again, drop = NextStep("tries it again", _of(REPLAY, batch)), NextStep("lets go of it", _of(DROP, batch))
            return (shown,) if batch.dropped else (shown, drop if is_foreign(batch) else again)
        case BatchStatus.RUNNING:
            return tuple(_unfinished(batch))
        case _:
            return ()


def unfinished(decision: Decision) -> str:
    """What becomes of a decision that a command was interrupted in."""
    by = f" by {decision.by}" if decision.by else ""
    return f"the next run finishes what was decided{by} and interrupted: {decision.kind}"


def look(status: BatchStatus, batch_id: str) -> str:
    """The command that shows why a batch does not go on."""
    return typed_command(LOOK[status], short(batch_id))


def advice(batch: Batch) -> str:
    """What a run says at its end that a person does next, as sentences; "" for nothing.

    Args:
        batch: The batch, whole.
    """
    match batch.status:
        case BatchStatus.HALTED | BatchStatus.INCONSISTENT:
            return after_halt(batch.batch_id, _way_on(batch), batch.counts)
        case BatchStatus.DEAD if not batch.dropped and is_foreign(batch):
            return f"Trying it again cannot help. To let go of it: {_of(DROP, batch)}"
        case BatchStatus.DEAD if not batch.dropped:
            return f"Look: {look(BatchStatus.DEAD, batch.batch_id)}. When it is mended: {_of(REPLAY, batch)}"
        case BatchStatus.HELD:
            doctor = look(BatchStatus.HELD, batch.batch_id)
            return f"Mend what is named above ({doctor}); the next run checks it again."
        case _:
            return ""


def after_halt(batch_id: str, way: str, counts: LoadCounts) -> str:
    """What a run says after it halted a batch.

    Args:
        batch_id: The batch.
        way: As `way_on` gives it.
        counts: What became of its records.
    """
    why = f"Go on without {_records(counts.quarantined)}" if way == RESUME else "When it is mended"
    if way == WITHOUT_VECTORS:
        why = "Its vectors were rolled back. To embed the others again, and go on without the texts that are refused"
    if way == SUPERSEDE:
        why = "It brings records again of batches that wait. To take them over"
    if way == INCOMPLETE:
        show, replay, check = (typed_command(command, short(batch_id)) for command in (SHOW, REPAIR, RECHECK))
        why = (
            f"What did not arrive: {show}. Have it sent again, or repair it ({replay} --record FILE) and check again"
            f" ({check}). To go on without it"
        )
    return f"Look: {look(BatchStatus.HALTED, batch_id)}. {why}: {typed_command(way, short(batch_id))}"


@dataclass(frozen=True, slots=True)
class Halt:
    """What a failed gate found, as far as the way on depends on it.

    Args:
        records_left_out: Whether there are records that could be left out; there is nothing to resume without.
        complete: Whether the store holds what was loaded; leaving records out does not help when it does not.
        arrived: Whether all records of the file could be loaded, or as many as the gate tolerates.
        repeats: Whether it brings records again of batches that did not go through.
        embedded: Whether the model's API took all texts.
        only_texts: Whether nothing else was found than texts that were cut or refused.
    """

    records_left_out: bool = True
    complete: bool = True
    arrived: bool = True
    repeats: bool = False
    embedded: bool = True
    only_texts: bool = False

    @classmethod
    def of(cls, findings: Iterable[Finding], counts: LoadCounts) -> Halt:
        """From what a gate found, and what became of the batch's records."""
        found = [(one.expectation, one.severity) for one in findings]
        critical = {name for name, severity in found if severity == "critical"}
        return cls(
            counts.quarantined > 0,
            counts.adds_up,
            NOT_ARRIVED not in critical,
            REPEATED in critical,
            *cls.texts({name for name, _ in found}),
        )

    @staticmethod
    def texts(names: Set[str]) -> tuple[bool, bool]:
        """Whether the model's API took all texts, and whether texts are all that was found, by the findings' names."""
        return NOT_EMBEDDED not in names, bool(names) and names <= {NOT_EMBEDDED, TRUNCATED}


def way_on(gate: str, halt: Halt) -> str:
    """The command that may let a batch go on which a gate halted, with `{batch}` in it: what the gate's row says, or
    what helps where nothing can be left out.

    Args:
        gate: The gate's name.
        halt: What it found.
    """
    command = GATE_STEPS[gate].policy[Verdict.FAIL].command
    if not halt.embedded:
        return WITHOUT_VECTORS
    if command != RESUME:
        return command
    if not halt.complete:
        return REDO  # what the stage before it wrote is what the gate refused
    if halt.repeats:
        return SUPERSEDE
    if not halt.arrived:
        return INCOMPLETE
    return RESUME if halt.records_left_out else RECHECK


def after_verdict(gate: str, verdict: Verdict, batch_id: str, halt: Halt) -> str:
    """The command that an alert names; "" for none.

    Args:
        gate, verdict: What was said, by whom.
        batch_id: The batch.
        halt: What it found.
    """
    command = ""
    if verdict is Verdict.FAIL:
        command = way_on(gate, halt)
    elif verdict is Verdict.WARN and not halt.arrived:
        command = SHOW
    elif verdict is Verdict.WARN and halt.only_texts:  # the same texts would be cut, or refused, once more
        command = LOOK[BatchStatus.HALTED]
    return typed_command(command or GATE_STEPS[gate].policy[verdict].command, short(batch_id))


def is_foreign(batch: Batch) -> bool:
    """Whether it died because its file holds no records."""
    return NO_RECORDS in batch.reason


def _way_on(batch: Batch) -> str:
    gate = batch.failed_gate()
    return way_on(gate.name if gate else GATES[0], Halt.of(batch.halting_findings, batch.counts))


def _repairs(batch: Batch) -> Iterator[NextStep]:
    """How what did not arrive may still come, before a batch goes on without it."""
    if _way_on(batch) == INCOMPLETE:
        yield NextStep("shows the records that could not be loaded, and why", _of(SHOW, batch))
        yield NextStep("loads the repaired ones; then check again, or have the file sent again", _of(REPAIR, batch))


def _of(command: str, batch: Batch) -> str:
    return typed_command(command, batch.name)


def _records(count: int) -> str:
    return f"the {count:,} quarantined records" if count > 1 else "the quarantined record"


def _unfinished(batch: Batch) -> Iterator[NextStep]:
    yield NextStep("unless a run is at it now, the next run goes on with it")
    if not batch.is_done("stage:load"):
        words = "goes on with what was loaded, when its file is gone or another by now"
        yield NextStep(words, f"{_of(RESUME, batch)} --without-file")
