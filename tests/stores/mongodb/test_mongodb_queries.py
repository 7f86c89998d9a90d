"""The golden queries of the raw store and the ledger: what a reviewer reads is what is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Int64

from pipeline.core.batches import BatchStatus
from pipeline.core.decision import Decision, DecisionKind, Opening
from pipeline.core.locator import Locator
from pipeline.core.records import Interaction
from pipeline.core.rollback_plan import RollbackNumbers
from pipeline.stores.mongodb import ledger_queries, queries, upgrade_queries

NUMBERS = RollbackNumbers("$c", removed=3, restored=1, expected=4)
Golden = Callable[[str, str], None]
IS_BAD: dict[str, Any] = {"$ne": [{"$type": "$user_id"}, "string"]}
DECISION = Decision(DecisionKind.REJECT, {"note": "$why"}, "$me")
OPENING = Opening(
    BatchStatus.RUNNING,
    "$why",
    passed="gate:raw",
    failed="gate:vectors",
    cleared=("stage:embed",),
    reopened=("gate:graph",),
)

BUILT: dict[str, Any] = {
    "owners": queries.owners_filter(["i_1", "i_2"]),
    "counts": queries.counts_pipeline("b_1"),
    "quarantine": queries.quarantine_filter("b_1", IS_BAD),
    "quarantined": queries.quarantined_filter("b_1"),
    "accepted": queries.accepted_filter("b_1", "i_1"),
    "messages": queries.accepted_filter("b_1", "", with_message=True),
    "metrics": queries.metrics_pipeline("b_1", include_quarantined=False),
    "metrics_all": queries.metrics_pipeline("b_1", include_quarantined=True),
    "lease_free_or_ours": ledger_queries.free_or_ours_filter("b_1", "$me"),
    "lease_taken": ledger_queries.lease_taken("$me", 1.5),
    "batch_opened": ledger_queries.batch_opened("$path", 7),
    "batch_fenced": ledger_queries.batch_fenced(3),
    "step_started": ledger_queries.step_started("stage:load", "1.2.3"),
    "step_ended": ledger_queries.step_ended("stage:load", ok=False, counts={"$read": 1}, error="$why"),
    "steps_cleared": ledger_queries.steps_cleared(("stage:load", "gate:raw")),
    "gate_recorded": ledger_queries.gate_recorded("raw", {"verdict": "$FAIL"}),
    "action_recorded": ledger_queries.action_recorded(
        "raw", "$run", {"action": "quarantine", "status": "done", "detail": "$3 records"}
    ),
    "embedding_set": ledger_queries.embedding_set({"embedding_batch_id": "e1", "expected": 3}),
    "rollback_begun": ledger_queries.rollback_begun("e1", NUMBERS),
    "embedding_rolled_back": ledger_queries.embedding_rolled_back("e1", NUMBERS),
    "all_quarantined": queries.all_quarantined_filter(),
    "in_quarantine": queries.in_quarantine_filter("$i"),
    "released": queries.released({"user_id": "$u_1"}, "$note", "run-1"),
    "status_running": ledger_queries.status_set("running", ""),
    "upgrade_held_now": upgrade_queries.held_now(),
    "upgrade_incomplete": upgrade_queries.incomplete(),
    "upgrade_homeless": upgrade_queries.homeless("b_1", "e1"),
    "upgrade_placed": upgrade_queries.placed("e1", "$collection", "$model"),
    "status_closed": ledger_queries.status_set("closed", "$why"),
    "decided": ledger_queries.decided(DECISION, OPENING),
    "decision_finished": ledger_queries.decision_finished(),
    "decisions_unfinished": ledger_queries.UNFINISHED,
}


@pytest.mark.parametrize("name", BUILT)
def test_a_query_is_what_was_reviewed(name: str, golden: Golden) -> None:
    golden(f"mongodb_{name}.json", json.dumps(BUILT[name], indent=2, default=str) + "\n")


def test_a_document_is_what_was_reviewed(golden: Golden, make: Callable[..., Interaction]) -> None:
    record = make(
        "i_1", at=Locator(3), user_id=None, type="click", message="hello", extra={"a.b": 1, "$c": 2, "value": "1.5"}
    )
    record = replace(record, value=1.5, converted={"value": "text"}, unreadable={"timestamp": "number"})
    document = queries.interaction_document("b_1", record, datetime(2010, 12, 2, tzinfo=UTC))
    golden("mongodb_document.json", json.dumps(document, indent=2, default=str) + "\n")


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (("a", {"b": 2**70}), ["a", {"b": str(2**70)}]),
        ({"k\0": "\ud800"}, {"k\\0": "\\ud800"}),
        (datetime(2010, 1, 1, tzinfo=UTC), datetime(2010, 1, 1, tzinfo=UTC)),
        (frozenset({1}), [1]),
        (ValueError("why"), "why"),
    ],
)
def test_whatever_a_report_holds_can_be_stored(value: object, stored: object) -> None:
    assert ledger_queries.plain(value) == stored


def test_a_large_number_that_was_read_back_is_plain_at_once() -> None:
    """A range takes hours to find an int of a subclass, which is what BSON's long integers are."""
    assert ledger_queries.plain({"fences": [Int64(1_795_423_628_745)]}) == {"fences": [1_795_423_628_745]}
