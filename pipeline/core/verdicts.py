"""What a gate found, and what its actions are going to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

NOT_ARRIVED = "expect_dead_letter_rate_to_be_below"
"""The expectation that says records of a file did not arrive: they could not be loaded, or the file was cut off."""

NOT_EMBEDDED = "expect_refused_text_rate_to_be_below"
"""The expectation that says texts have no vector because the model's API refuses them."""

TRUNCATED = "expect_truncated_text_rate_to_be_below"
"""The expectation that says texts were cut at the model's limit."""

REPEATED = "expect_records_not_to_wait_elsewhere"
"""The expectation that says a batch brings records again of batches that did not go through."""


class Verdict(StrEnum):
    """What a gate says of a batch."""

    PASS = "PASS"
    WARN = "WARN"
    FAIL = "FAIL"
    ERROR = "ERROR"
    EMPTY = "EMPTY"


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation that did not hold, or could not be checked, in words.

    `examples` are at most 20 pairs of interaction_id and what was wrong with it: the value of the field `column`, or
    words of ours where that is empty.
    """

    expectation: str
    severity: str
    summary: str
    unexpected: int = 0
    checked: int = 0
    examples: tuple[tuple[str, str], ...] = ()
    column: str = ""


@dataclass(frozen=True, slots=True)
class Intent:
    """What a checkpoint action is going to do, written down before any of them acts, so that a crash loses none.

    Args:
        action: The action's kind, e.g. `quarantine`.
        data: All it needs, as plain data: whoever finds it in the ledger can do it.
        status: `pending` until it is done; then its outcome's.
        detail: What became of it, in words.
    """

    action: str
    data: Mapping[str, Any] = field(default_factory=dict)
    status: str = "pending"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """What one checkpoint action did, or would have done outside a run."""

    action: str
    status: str
    detail: str


@dataclass(frozen=True, slots=True)
class GateReport:
    """What a gate found.

    Args:
        gate: The gate's name.
        verdict: The verdict.
        run_id: Id of this check; actions are idempotent by it.
        findings: Expectations that did not hold or could not be checked.
        actions: What the checkpoint's actions did.
        docs: Address of the validation result's page, "" when none was written.
        page: Its path from the first page of the site.
        rate: Share of the records that the gate's first counting expectation names as bad, 0..1; None for none.
        parameters: The suite parameters the check ran with, so that it can be repeated.
        transient: Of an ERROR verdict: whether the same check may work later.
        intents: What the checkpoint's actions are going to do; in the ledger before the first of them acts.
    """

    gate: str
    verdict: Verdict
    run_id: str
    findings: tuple[Finding, ...] = ()
    actions: tuple[ActionOutcome, ...] = ()
    docs: str = ""
    page: str = ""
    rate: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    transient: bool = False
    intents: tuple[Intent, ...] = ()
