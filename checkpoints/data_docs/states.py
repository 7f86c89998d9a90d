"""What became of each step of a batch, as one word, one symbol and one sentence: read without colour, too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from pipeline.core.batch import Batch, StepStatus
from pipeline.core.batches import WAITING, BatchStatus
from pipeline.core.topology import STEPS, Step, StepKind
from pipeline.core.verdicts import Verdict

SYMBOLS = {
    "pass": "✓",
    "warn": "!",
    "fail": "✕",
    "error": "?",
    "empty": "○",
    "halted": "■",
    "inconsistent": "≠",
    "held": "❚❚",
    "rolled back": "↩",
    "running": "…",
    "dead": "✝",
    "closed": "✓",
    "none": "·",
}
"""A sign for each state, so that none is told by colour alone."""

VERDICTS = {
    Verdict.PASS: "pass",
    Verdict.WARN: "warn",
    Verdict.FAIL: "fail",
    Verdict.ERROR: "error",
    Verdict.EMPTY: "empty",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One step of one batch.

    Args:
        step: Its name, "raw gate" or "load".
        state: A key of `SYMBOLS`.
        took: Seconds, in words; "" when it is not known.
    """

    step: str
    state: str
    took: str

    @property
    def title(self) -> str:
        """What became of it, in words."""
        return f"{self.step}: {self.word}" + (f", {self.took}" if self.took else "")

    @property
    def symbol(self) -> str:
        """Its sign."""
        return SYMBOLS[self.state]

    @property
    def word(self) -> str:
        """Its state in a word; a stage is done, a gate passes."""
        plain = {"none": "not reached", "pass": "pass" if self.step.endswith(" gate") else "done"}
        return plain.get(self.state, self.state)

    @property
    def style(self) -> str:
        """Its class in the stylesheet."""
        return self.state.replace(" ", "-")


def name_of(step: Step) -> str:
    """A step's name for people; a stage and a gate may share one."""
    return f"{step.name} gate" if step.kind is StepKind.GATE else step.name


def cells(batch: Batch) -> tuple[Cell, ...]:
    """Every step of a batch, in their order."""
    return tuple(_cell(batch, step) for step in STEPS)


def _cell(batch: Batch, step: Step) -> Cell:
    state = _gate_state(batch, step) if step.kind is StepKind.GATE else _stage_state(batch, step)
    took = batch.step(step.key).duration_s
    return Cell(name_of(step), state, f"{took:.1f} s" if took else "")


def _stage_state(batch: Batch, step: Step) -> str:
    if step.name == "embed" and batch.embedding and batch.embedding.rolled_back_at:
        return "rolled back"
    match batch.step(step.key).status:
        case StepStatus.DONE:
            return "pass"
        case StepStatus.FAILED:
            return "fail" if batch.status is BatchStatus.DEAD else "error"
        case StepStatus.RUNNING:
            return "running"
        case _:
            return "none"


def _gate_state(batch: Batch, step: Step) -> str:
    gate = batch.gates.get(step.name)
    if gate is None or gate.verdict is None:
        return "none"
    if gate.verdict is Verdict.FAIL and batch.status in WAITING:
        return str(batch.status)
    return VERDICTS[gate.verdict]


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch in a list.

    Args:
        batch_id: Its id.
        name: Its id, shortened.
        source: The name of its file.
        first_seen: When.
        status: Its status, a key of `SYMBOLS`.
        cells: Its steps.
        read, accepted: Records.
        has_page: Whether there is a page of it to link to.
    """

    batch_id: str
    name: str
    source: str
    first_seen: datetime
    status: str
    cells: tuple[Cell, ...]
    read: int
    accepted: int
    has_page: bool

    @property
    def symbol(self) -> str:
        """The sign of its status."""
        return SYMBOLS[self.status]


def row(batch: Batch, *, has_page: bool = True) -> BatchRow:
    """A batch in a list."""
    return BatchRow(
        batch_id=batch.batch_id,
        name=batch.name,
        source=PurePath(batch.source).name,
        first_seen=batch.seen,
        status=str(batch.status or BatchStatus.RUNNING),
        cells=cells(batch),
        read=batch.counts.read,
        accepted=batch.counts.accepted,
        has_page=has_page,
    )


def duration(batch: Batch) -> float:
    """Seconds all steps of a batch took."""
    return sum(step.duration_s or 0.0 for step in batch.steps.values())
