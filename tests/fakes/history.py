"""A ledger with a history: batches every ten minutes, as a run leaves them, written straight into the collection."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from expectations_plugins.mongodb.connection import Database
from pipeline.core.batches import BatchStatus
from pipeline.core.topology import STEPS, StepKind
from pipeline.core.verdicts import Verdict
from pipeline.stores.mongodb.ledger_queries import BATCHES

EVERY = timedelta(minutes=10)
LAST = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
AT_ONCE = 500


def batch_id(number: int) -> str:
    """The id of a batch."""
    return hashlib.sha256(f"batch {number}".encode()).hexdigest()


def document(number: int, at: datetime) -> dict[str, Any]:
    """A closed batch; one in ten has orphans and warns."""
    took, warns = 0.4 + (number % 7) / 10, number % 10 == 0
    steps = {
        step.key: {
            "status": "done",
            "attempts": 1,
            "start_time": at + timedelta(seconds=place),
            "end_time": at + timedelta(seconds=place + took),
            "duration_s": took,
            "counts": {"interactions": 100} if step.kind is StepKind.STAGE else {},
        }
        for place, step in enumerate(STEPS)
    }
    return {
        "_id": batch_id(number),
        "schema_version": 1,
        "status": BatchStatus.CLOSED.value,
        "source": f"/landing/{at:%Y-%m-%dT%H%M}.jsonl",
        "first_seen": at,
        "updated": at + timedelta(seconds=10),
        "counts": {"read": 100, "accepted": 100, "quarantined": 0, "duplicate": 0, "dead": 0},
        "steps": steps,
        "gates": {
            step.name: _gate(at, warns=warns and step.name == "graph") for step in STEPS if step.kind is StepKind.GATE
        },
        "embedding": {"embedding_batch_id": f"e{number}", "expected": 100, "written": 100, "fallback": 0},
    }


def _gate(at: datetime, *, warns: bool) -> dict[str, Any]:
    finding = {
        "expectation": "expect_interactions_to_reference_existing_campaigns",
        "severity": "warning",
        "summary": "4 of 100 (4.00%) interactions are orphans",
        "unexpected": 4,
        "checked": 100,
        "examples": [[f"i-{place}", "summer"] for place in range(4)],
        "column": "campaign_id",
    }
    return {
        "verdict": str(Verdict.WARN if warns else Verdict.PASS),
        "run_id": "run",
        "at": at,
        "rate": 0.04 if warns else 0.0,
        "findings": [finding] if warns else [],
        "intents": [],
        "docs": "",
        "page": "",
    }


def history(batches: int, last: datetime = LAST) -> Iterator[dict[str, Any]]:
    """Batches, oldest first; the last one at `last`."""
    for number in range(batches):
        yield document(number, last - EVERY * (batches - 1 - number))


def fill(database: Database, batches: int, last: datetime = LAST) -> list[str]:
    """Write a history; the ids, oldest first."""
    documents = list(history(batches, last))
    for start in range(0, batches, AT_ONCE):
        database[BATCHES].insert_many(documents[start : start + AT_ONCE])
    return [str(one["_id"]) for one in documents]
