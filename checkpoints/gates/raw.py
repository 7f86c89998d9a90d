"""The raw gate: what was loaded into MongoDB."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.row_conditions import Column

from checkpoints.core.assets import MONGODB, loaded
from checkpoints.gates import Stores, parameter
from expectations_plugins.expectations.arrival import ExpectDeadLetterRateToBeBelow, ExpectDuplicateRateToBeBelow
from expectations_plugins.expectations.given_values import ExpectGivenValuesToBeReadable
from expectations_plugins.expectations.repeats import ExpectRecordsNotToWaitElsewhere
from expectations_plugins.expectations.user_ids import ExpectUserIdsToBeWellFormed
from pipeline.config import Settings
from pipeline.core.batch import COMPLETED, TAKEN_OVER, Batch
from pipeline.core.batches import SUPERSEDED, short
from pipeline.core.fields import DEAD_LETTERS, IMPLAUSIBLE, READ_FIELDS, UNREADABLE
from pipeline.core.records import DeadReason

EXPECTED = "loaded"
MEANINGS = {
    "waiting": "the batches that did not go through and had brought some of its records before",
    "user_id_pattern": "the regular expression in SLUICEGATE_USER_ID_PATTERN",
    "user_id_tolerance": "the share in SLUICEGATE_USER_ID_TOLERANCE",
    "dead_tolerance": "the share in SLUICEGATE_DEAD_TOLERANCE",
    "unreadable_tolerance": "the share in SLUICEGATE_UNREADABLE_TOLERANCE",
    "duplicate_tolerance": "the share in SLUICEGATE_DUPLICATE_TOLERANCE",
    "loaded": "the records the load stage says it wrote: read, without duplicates and dead letters",
    "at_least": "1, or 0 when the file held nothing but duplicates, or half a record that came whole later",
}

batches = loaded


def suite() -> list[Any]:
    """What was loaded into MongoDB, and what was not."""
    return [
        *_user_ids(),
        *_arrival(),
        *_counted(),
        *(one for name in READ_FIELDS for one in _readable(name)),
        *_given(),
    ]


def _user_ids() -> list[Any]:
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
    ]


def _arrival() -> list[Any]:
    conflict, incomplete = DeadReason.CONFLICT.value, DeadReason.INCOMPLETE.value
    explained = [conflict, DeadReason.SUPERSEDED.value]
    return [
        _dead_letters(
            reasons=[incomplete],
            severity=FailureSeverity.CRITICAL,
            notes="The file ended before its end: what followed did not arrive, and nobody knows how much that is.",
        ),
        _dead_letters(
            max_rate=parameter("dead_tolerance"),
            other_reasons=explained,
            severity=FailureSeverity.CRITICAL,
            notes="When much of a file cannot be read, its format has changed.",
        ),
        _dead_letters(
            other_reasons=explained,
            severity=FailureSeverity.WARNING,
            notes="A record that cannot be loaded waits in the dead-letter queue.",
        ),
        _dead_letters(
            reasons=[conflict],
            severity=FailureSeverity.WARNING,
            notes="An id that came before with other content: the sender corrects records, or gives an id twice.",
        ),
        ExpectDuplicateRateToBeBelow(
            duplicates=parameter("duplicates"),
            records=parameter("read"),
            max_rate=parameter("duplicate_tolerance"),
            severity=FailureSeverity.WARNING,
            notes="Some records come twice; when many do, a file was sent again as a part of another one.",
        ),
        ExpectRecordsNotToWaitElsewhere(
            waiting=parameter("waiting"),
            records=parameter("read"),
            severity=FailureSeverity.CRITICAL,
            notes="What this file says of records of a batch that waits would be lost. `supersede` takes them over.",
        ),
    ]


def _dead_letters(**settings: Any) -> ExpectDeadLetterRateToBeBelow:
    return ExpectDeadLetterRateToBeBelow(records=parameter("read"), data_source=MONGODB, asset=DEAD_LETTERS, **settings)


def _counted() -> list[Any]:
    return [
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
    ]


def _readable(name: str) -> list[Any]:
    """The values of a field that could not be read."""
    return [
        ExpectGivenValuesToBeReadable(
            column=name,
            tolerance=parameter("unreadable_tolerance"),
            severity=FailureSeverity.CRITICAL,
            notes="When many values cannot be read, their format has changed.",
        ),
        ExpectGivenValuesToBeReadable(
            column=name,
            severity=FailureSeverity.WARNING,
            notes="A record with a value that cannot be read is quarantined: nothing counts it as 0 or null.",
        ),
    ]


def _given() -> list[Any]:
    return [
        gxe.ExpectColumnValuesToNotBeNull(
            column="timestamp",
            row_condition=Column(f"{UNREADABLE}.timestamp").is_null(),
            severity=FailureSeverity.WARNING,
            notes="Records without a timestamp count in no 10-minute window.",
        ),
        gxe.ExpectColumnValuesToBeNull(
            column=f"{IMPLAUSIBLE}.timestamp",
            severity=FailureSeverity.WARNING,
            notes="A time that cannot be right counts in no window: SLUICEGATE_EARLIEST, SLUICEGATE_AHEAD_HOURS.",
        ),
        gxe.ExpectColumnValuesToNotBeNull(
            column="type", severity=FailureSeverity.WARNING, notes="Records without a type count under no type."
        ),
    ]


def parameters(settings: Settings, batch: Batch, stores: Stores) -> dict[str, Any]:
    """From the settings, and what the load stage counted."""
    counts, noted = batch.counts, batch.step("stage:load").counts
    taken_over, completed = noted.get(TAKEN_OVER), int(noted.get(COMPLETED) or 0)
    earlier = {one: stores.ledger.batch(one) for one in batch.earlier}
    stopped = [name for name, one in earlier.items() if one and one.status in SUPERSEDED]
    return {
        "waiting": {short(name): batch.earlier[name] for name in stopped},
        "user_id_pattern": settings.user_id_pattern,
        "user_id_tolerance": settings.user_id_tolerance,
        "dead_tolerance": settings.dead_tolerance,
        "unreadable_tolerance": settings.unreadable_tolerance,
        "duplicate_tolerance": settings.duplicate_tolerance,
        "read": counts.read,
        "duplicates": counts.duplicate if taken_over is None else 0,
        "loaded": counts.read - counts.duplicate - counts.dead,
        "at_least": 1 if counts.read > counts.duplicate + int(taken_over or 0) + completed else 0,
    }
