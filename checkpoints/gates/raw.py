"""The raw gate: what was loaded into MongoDB."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe
from great_expectations.expectations.metadata_types import FailureSeverity

from checkpoints.core.assets import interactions
from checkpoints.gates import Stores, parameter
from expectations_plugins.expectations.user_ids import ExpectUserIdsToBeWellFormed
from pipeline.config import Settings
from pipeline.core.batch import Batch

EXPECTED = "loaded"
MEANINGS = {
    "user_id_pattern": "the regular expression in SLUICEGATE_USER_ID_PATTERN",
    "user_id_tolerance": "the share in SLUICEGATE_USER_ID_TOLERANCE",
    "loaded": "the records the load stage says it wrote: read, without duplicates and dead letters",
    "at_least": "1, or 0 when the file held nothing but duplicates",
}

batches = interactions


def suite() -> list[Any]:
    """What was loaded into MongoDB."""
    pattern = parameter("user_id_pattern")
    return [
        ExpectUserIdsToBeWellFormed(
            pattern=pattern,
            tolerance=parameter("user_id_tolerance"),
            severity=FailureSeverity.CRITICAL,
            notes="Corrupt user_ids stop the batch before it reaches analysts, the graph or the vectors.",
        ),
        ExpectUserIdsToBeWellFormed(
            pattern=pattern,
            tolerance=0.0,
            severity=FailureSeverity.WARNING,
            notes="Even a tolerated bad user_id is quarantined.",
        ),
        gxe.ExpectTableRowCountToEqual(
            value=parameter("loaded"),
            severity=FailureSeverity.CRITICAL,
            notes="MongoDB holds exactly the records the load stage says it accepted.",
        ),
        gxe.ExpectTableRowCountToBeBetween(
            min_value=parameter("at_least"),
            severity=FailureSeverity.CRITICAL,
            notes="A file of nothing but dead letters is no empty batch: its format may have changed.",
        ),
        gxe.ExpectColumnValuesToNotBeNull(
            column="timestamp",
            severity=FailureSeverity.WARNING,
            notes="Records without a readable timestamp count in no 10-minute window.",
        ),
        gxe.ExpectColumnValuesToNotBeNull(
            column="type", severity=FailureSeverity.WARNING, notes="Records without a type count under no type."
        ),
    ]


def parameters(settings: Settings, batch: Batch, _: Stores) -> dict[str, Any]:
    """From the settings, and what the load stage counted."""
    counts = batch.counts
    return {
        "user_id_pattern": settings.user_id_pattern,
        "user_id_tolerance": settings.user_id_tolerance,
        "loaded": counts.read - counts.duplicate - counts.dead,
        "at_least": 1 if counts.read > counts.duplicate else 0,
    }
