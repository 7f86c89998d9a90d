"""How the work on a batch ends when it does not go through, in words for a person; nothing here touches a store."""

from __future__ import annotations

from expectations_plugins.core.errors import ExitCode, SluicegateError
from pipeline.core.batch import Batch
from pipeline.core.batches import BatchStatus, LoadCounts
from pipeline.core.next_steps import Halt, advice, after_halt, way_on
from pipeline.core.outcome import Ending
from pipeline.core.topology import GATE_STEPS, Step
from pipeline.core.verdicts import GateReport
from pipeline.runner.gate_messages import summary


def halted(batch_id: str, report: GateReport, counts: LoadCounts) -> Ending:
    """A gate said FAIL.

    Args:
        batch_id: The batch.
        report: What the gate found.
        counts: What became of the batch's records, those in quarantine by now too.
    """
    way = way_on(report.gate, Halt.of(report.findings, counts))
    message = f"The {report.gate} gate failed: {summary(report)}"
    status = GATE_STEPS[report.gate].policy[report.verdict].status
    return Ending(status, ExitCode.GATE_FAILED, message, after_halt(batch_id, way, counts))


def held(batch_id: str, report: GateReport) -> Ending:
    """A gate could not be checked, and trying again at once is of no use."""
    message = f"The {report.gate} gate could not be checked: {summary(report)}"
    return Ending(BatchStatus.HELD, ExitCode.GATE_FAILED, message, advice(Batch(batch_id, BatchStatus.HELD)))


def dead_lettered(batch_id: str, what: str, where: str) -> Ending:
    """A stage failed for good.

    Args:
        batch_id: The batch.
        what: What failed, as a sentence.
        where: Where its file is kept, as a sentence that starts with a space; "" when there was none.
    """
    message = f"{what} The batch is in the dead-letter queue.{where}"
    return Ending(
        BatchStatus.DEAD, ExitCode.DEAD_LETTERED, message, advice(Batch(batch_id, BatchStatus.DEAD, reason=message))
    )


def worth_another(what: str) -> Ending:
    """One attempt failed, and others are left to whoever asked for it.

    Args:
        what: What failed, as a sentence.
    """
    return Ending(None, ExitCode.OUTAGE, what, "Try it again: the attempts are counted.")


def not_taken_back(step: Step, error: SluicegateError) -> Ending:
    """A batch is given up, and what it had published could not be taken back yet.

    Args:
        step: The stage that takes it back.
        error: Why not.
    """
    message = f"It is given up, but what the {step.name} stage wrote of it could not be taken back: {error.message}"
    return Ending(None, ExitCode.OUTAGE, message, "The decision is recorded: the next run finishes it.")
