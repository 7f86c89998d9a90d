"""What became of a batch, as a value: the runner makes it, commands show it. Nothing here touches a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from expectations_plugins.core.errors import EXIT_PRECEDENCE, ExitCode
from pipeline.core.batches import BatchStatus, LoadCounts
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
        waits: Whether the batch waited for a person before, and still does.
    """

    status: BatchStatus | None
    exit_code: ExitCode
    message: str = ""
    next_step: str = ""
    fresh: bool = True
    waits: bool = False


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
        waits: Whether it waited for a person before this run, and still does.
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
    waits: bool = False
    duration_s: float = 0.0


def exit_code_of(outcomes: Iterable[BatchOutcome]) -> ExitCode:
    """The exit code of a run over several batches: the first of EXIT_PRECEDENCE that any of them has."""
    codes = {outcome.exit_code for outcome in outcomes}
    return next((code for code in EXIT_PRECEDENCE if code in codes), ExitCode.OK)
