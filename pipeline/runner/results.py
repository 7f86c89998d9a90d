"""How the work on a batch ends when it does not go through, in words for a person; nothing here touches a store."""

from __future__ import annotations

from expectations_plugins.core.errors import ExitCode
from pipeline.core.batches import BatchStatus, LoadCounts, short
from pipeline.core.next_steps import way_on
from pipeline.core.outcome import Ending
from pipeline.core.program import program
from pipeline.core.verdicts import GateReport
from pipeline.runner.gate_messages import records, summary


def halted(batch_id: str, report: GateReport, counts: LoadCounts) -> Ending:
    """A gate said FAIL.

    Args:
        batch_id: The batch.
        report: What the gate found.
        counts: What became of the batch's records, those in quarantine by now too.
    """
    batch, gate = short(batch_id), report.gate
    command, _, option = way_on(gate, counts).partition(" ")
    why = f"Go on without {records(counts.quarantined)}" if command == "resume" else "When it is mended"
    return Ending(
        BatchStatus.HALTED,
        ExitCode.GATE_FAILED,
        f"The {gate} gate failed: {summary(report)}",
        f"Look: {program()} status {batch}. {why}: {f'{program()} {command} {batch} {option}'.rstrip()}",
    )


def held(report: GateReport) -> Ending:
    """A gate could not be checked, and trying again at once is of no use."""
    return Ending(
        BatchStatus.HELD,
        ExitCode.GATE_FAILED,
        f"The {report.gate} gate could not be checked: {summary(report)}",
        f"Mend what is named above ({program()} doctor); the next run checks it again.",
    )


def dead_lettered(batch_id: str, what: str, where: str) -> Ending:
    """A stage failed for good.

    Args:
        batch_id: The batch.
        what: What failed, as a sentence.
        where: Where its file is kept, as a sentence that starts with a space; "" when there was none.
    """
    batch = short(batch_id)
    return Ending(
        BatchStatus.DEAD,
        ExitCode.DEAD_LETTERED,
        f"{what} The batch is in the dead-letter queue.{where}",
        f"Look: {program()} dlq show {batch}. When it is mended: {program()} dlq replay {batch}",
    )


def worth_another(what: str) -> Ending:
    """One attempt failed, and others are left to whoever asked for it.

    Args:
        what: What failed, as a sentence.
    """
    return Ending(None, ExitCode.OUTAGE, what, "Try it again: the attempts are counted.")
