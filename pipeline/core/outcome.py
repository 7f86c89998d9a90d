"""What became of a batch, as a value: the runner makes it, commands show it. Nothing here touches a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from expectations_plugins.core.errors import EXIT_PRECEDENCE, ExitCode
from pipeline.core.batches import BatchStatus, LoadCounts
from pipeline.core.topology import GATE_STEPS, GATES, STEPS, StepKind
from pipeline.storage.location import Place


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """One step that this run did.

    Args:
        key: `stage:load`, `gate:raw`.
        ok: Whether the batch could go on after it.
        start_time, end_time: UTC, aware; the waits between attempts are within.
        duration_s: Seconds, from a monotonic clock.
        attempts: How often this run tried it.
        counts: What the stage counted; of a gate its verdict.
    """

    key: str
    ok: bool
    start_time: datetime
    end_time: datetime
    duration_s: float
    attempts: int
    counts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the work on a batch ended.

    Args:
        status: Where the batch stands now; None leaves the ledger as it is.
        exit_code: The batch's own exit code.
        message: What happened, one sentence; "" when all went well.
        next_step: What a person does next; "" when nothing.
        fresh: False when there was nothing left to do for the batch.
    """

    status: BatchStatus | None
    exit_code: ExitCode
    message: str = ""
    next_step: str = ""
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What became of a batch in this run.

    Args:
        batch_id: The batch.
        source: The file or object its records came from.
        status: Where it stands in the ledger.
        exit_code: Its own exit code.
        message, next_step: What happened, and what a person does next; "" when nothing.
        verdicts: Verdict by gate, of this run and earlier ones.
        passed_over: Failed gates that a person let it pass (`run.py resume`).
        counts: What became of its records.
        steps: The steps this run did, in order.
        docs: Address of the latest gate's page; "" when there is none.
        fresh: False when the batch was done with before this run.
        duration_s: Seconds this run spent on it.
    """

    batch_id: str
    source: Place
    status: BatchStatus
    exit_code: ExitCode
    message: str = ""
    next_step: str = ""
    verdicts: Mapping[str, str] = field(default_factory=dict)
    passed_over: tuple[str, ...] = ()
    counts: LoadCounts = field(default_factory=LoadCounts)
    steps: tuple[StepOutcome, ...] = ()
    docs: str = ""
    fresh: bool = True
    duration_s: float = 0.0


def exit_code_of(outcomes: Iterable[BatchOutcome]) -> ExitCode:
    """The exit code of a run over several batches: the first of EXIT_PRECEDENCE that any of them has."""
    codes = {outcome.exit_code for outcome in outcomes}
    return next((code for code in EXIT_PRECEDENCE if code in codes), ExitCode.OK)


def counts_in(document: Mapping[str, Any]) -> LoadCounts:
    """The record counts of a ledger document."""
    counts = document.get("counts") or {}
    return LoadCounts(**{name: int(counts.get(name) or 0) for name in LoadCounts.__slots__})


def adds_up(counts: LoadCounts) -> bool:
    """Whether every record that was read is somewhere."""
    return counts.read == counts.accepted + counts.quarantined + counts.duplicate + counts.dead


def way_on(gate: str, counts: LoadCounts) -> str:
    """The command that may let a batch go on which a gate halted: `resume`, `recheck` or `recheck --redo`."""
    if not GATE_STEPS[gate].leaves_records_out or not adds_up(counts):
        return "recheck --redo"  # what the stage before it wrote is what the gate refused
    return "resume" if counts.quarantined else "recheck"


def verdicts_in(document: Mapping[str, Any]) -> dict[str, str]:
    """The verdict of each gate of a ledger document."""
    return {name: str(gate.get("verdict", "")) for name, gate in (document.get("gates") or {}).items()}


def docs_in(document: Mapping[str, Any]) -> str:
    """Address of the page of the last gate that wrote one; "" when none did."""
    gates = document.get("gates") or {}
    pages = [str((gates.get(name) or {}).get("docs") or "") for name in GATES]
    return next((page for page in reversed(pages) if page), "")


RESUMED = "resumed"
"""Among the counts of a gate that a person let a batch pass."""

WITHOUT_FILE = "without_file"
"""Among the counts of a load that a person ended where it was cut off."""


def passed_over_in(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the failed gates of a ledger document that a person let the batch pass."""
    steps = document.get("steps") or {}
    gates = ((step.name, steps.get(step.key) or {}) for step in STEPS if step.kind is StepKind.GATE)
    return tuple(name for name, step in gates if (step.get("counts") or {}).get(RESUMED))


def is_done(document: Mapping[str, Any], key: str) -> bool:
    """Whether a step of a ledger document needs no more work."""
    step = (document.get("steps") or {}).get(key) or {}
    return bool(step.get("status") == "done")
