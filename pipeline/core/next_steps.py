"""What a person can do about a batch now: sentences that begin with the command, where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.core.batch import Batch
from pipeline.core.batches import BatchStatus, LoadCounts
from pipeline.core.program import program
from pipeline.core.topology import GATE_STEPS, GATES


@dataclass(frozen=True, slots=True)
class NextStep:
    """A command and what it does, or words alone."""

    words: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.command} {self.words}".strip()


def next_steps(batch: Batch) -> tuple[NextStep, ...]:
    """What a person can do; nothing for a batch that is well.

    Args:
        batch: The batch, whole.
    """
    match batch.status:
        case BatchStatus.HALTED:
            return _decisions(batch)
        case BatchStatus.HELD:
            return NextStep("the next run checks it again"), NextStep(
                "shows which store is down", f"{program()} doctor"
            )
        case BatchStatus.DEAD:
            shown = NextStep("says what is kept of it", f"{program()} dlq show {batch.name}")
            again = NextStep("tries it again", f"{program()} dlq replay {batch.name}")
            return (shown,) if batch.dropped else (shown, again)
        case BatchStatus.RUNNING:
            return tuple(_unfinished(batch))
        case _:
            return ()


def way_on(gate: str, counts: LoadCounts) -> str:
    """The command that may let a batch go on which a gate halted: `resume`, `recheck` or `recheck --redo`."""
    if not GATE_STEPS[gate].leaves_records_out or not counts.adds_up:
        return "recheck --redo"  # what the stage before it wrote is what the gate refused
    return "resume" if counts.quarantined else "recheck"


def _unfinished(batch: Batch) -> Iterator[NextStep]:
    yield NextStep("unless a run is at it now, the next run goes on with it")
    if not batch.is_done("stage:load"):
        words = "goes on with what was loaded, when its file is gone or another by now"
        yield NextStep(words, f"{program()} resume {batch.name} --without-file")


def _decisions(batch: Batch) -> tuple[NextStep, ...]:
    gate = batch.failed_gate()
    again = {
        "resume": NextStep("goes on without the quarantined records", f"{program()} resume {batch.name}"),
        "recheck": NextStep("checks again after it is mended", f"{program()} recheck {batch.name}"),
        "recheck --redo": NextStep(
            "does the stage before it again, and checks", f"{program()} recheck {batch.name} --redo"
        ),
    }[way_on(gate.name if gate else GATES[0], batch.counts)]
    return again, NextStep("gives it up", f"{program()} reject {batch.name}")
