"""What a person can do about a batch now: sentences that begin with the command, where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.core.batches import BatchStatus, short
from pipeline.core.outcome import counts_in, is_done, way_on
from pipeline.core.topology import GATES
from pipeline.runner.decisions import failed_gate

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NextStep:
    """A command and what it does, or words alone."""

    words: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.command} {self.words}".strip()


def next_steps(document: Document) -> tuple[NextStep, ...]:
    """What a person can do; nothing for a batch that is well.

    Args:
        document: The batch's ledger document.
    """
    batch = short(str(document["_id"]))
    match document.get("status"):
        case BatchStatus.HALTED:
            return _decisions(batch, document)
        case BatchStatus.HELD:
            return NextStep("the next run checks it again"), NextStep("shows which store is down", "run.py doctor")
        case BatchStatus.DEAD:
            shown = NextStep("says what is kept of it", f"run.py dlq show {batch}")
            again = NextStep("tries it again", f"run.py dlq replay {batch}")
            return (shown,) if document.get("dropped") else (shown, again)
        case BatchStatus.RUNNING:
            return tuple(_unfinished(batch, document))
        case _:
            return ()


def _unfinished(batch: str, document: Document) -> Iterator[NextStep]:
    yield NextStep("unless a run is at it now, the next run goes on with it")
    if not is_done(document, "stage:load"):
        words = "goes on with what was loaded, when its file is gone or another by now"
        yield NextStep(words, f"run.py resume {batch} --without-file")


def _decisions(batch: str, document: Document) -> tuple[NextStep, ...]:
    gate = failed_gate(document)
    again = {
        "resume": NextStep("goes on without the quarantined records", f"run.py resume {batch}"),
        "recheck": NextStep("checks again after it is mended", f"run.py recheck {batch}"),
        "recheck --redo": NextStep("does the stage before it again, and checks", f"run.py recheck {batch} --redo"),
    }[way_on(gate.name if gate else GATES[0], counts_in(document))]
    return again, NextStep("gives it up", f"run.py reject {batch}")
