"""What became of each step of a batch, as one word, one symbol and one sentence: read without colour, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from pipeline.core.batches import BatchStatus, short
from pipeline.core.outcome import counts_in
from pipeline.core.topology import STEPS, Step, StepKind
from pipeline.core.verdicts import Verdict

Document = Mapping[str, Any]

SYMBOLS = {
    "pass": "✓",
    "warn": "!",
    "fail": "✕",
    "error": "?",
    "empty": "○",
    "halted": "■",
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


def cells(document: Document) -> tuple[Cell, ...]:
    """Every step of a batch, in their order."""
    return tuple(_cell(document, step) for step in STEPS)


def _cell(document: Document, step: Step) -> Cell:
    state = _gate_state(document, step) if step.kind is StepKind.GATE else _stage_state(document, step)
    known = (document.get("steps") or {}).get(step.key) or {}
    took = known.get("duration_s")
    return Cell(name_of(step), state, f"{float(took):.1f} s" if took else "")


def _stage_state(document: Document, step: Step) -> str:
    known = (document.get("steps") or {}).get(step.key) or {}
    if step.name == "embed" and (document.get("embedding") or {}).get("rolled_back_at"):
        return "rolled back"
    match known.get("status"):
        case "done":
            return "pass"
        case "failed":
            return "fail" if document.get("status") == BatchStatus.DEAD else "error"
        case "running":
            return "running"
        case _:
            return "none"


def _gate_state(document: Document, step: Step) -> str:
    gate = (document.get("gates") or {}).get(step.name)
    if not gate:
        return "none"
    verdict = VERDICTS[Verdict(gate["verdict"])]
    if verdict == "fail" and document.get("status") == BatchStatus.HALTED:
        return "halted"
    return verdict


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


def row(document: Document, *, has_page: bool = True) -> BatchRow:
    """A batch in a list."""
    counts = counts_in(document)
    return BatchRow(
        batch_id=str(document["_id"]),
        name=short(str(document["_id"])),
        source=PurePath(str(document.get("source") or "")).name,
        first_seen=document["first_seen"].astimezone(UTC),
        status=str(document.get("status") or BatchStatus.RUNNING.value),
        cells=cells(document),
        read=counts.read,
        accepted=counts.accepted,
        has_page=has_page,
    )


def duration(document: Document) -> float:
    """Seconds all steps of a batch took."""
    steps = (document.get("steps") or {}).values()
    return sum(float(step.get("duration_s") or 0) for step in steps)
