"""A dead batch as the spool knows it: the facts in its `batch.json`, read with distrust. Files are moved elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.batches import BatchSource, short
from pipeline.core.program import program
from pipeline.storage.location import Place

SCHEMA_VERSION = 1
MANIFEST = "batch.json"
BATCH_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Death:
    """How a batch came to its end.

    Args:
        stage: The stage that failed, `ledger` when MongoDB could not be reached, `person` when it was rejected.
        error: What happened, in words.
        attempts: How often it was tried.
        history: Its steps, or its runs, oldest first, as plain data.
        start_time: When work on it began (UTC, aware); None when that is not known.
        end_time: When it ended (UTC, aware).
    """

    stage: str
    error: str
    attempts: int = 0
    history: tuple[Mapping[str, Any], ...] = ()
    start_time: datetime | None = None
    end_time: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Entry:
    """What the spool holds of a dead batch.

    Args:
        entry: Id of this death, 32 hex digits: the same batch may die again.
        batch_id: The batch.
        file: Name of the raw file beside the manifest; None when there was none left to keep.
        file_name, original_path: What it was called, and where it came from.
        size: Its bytes.
        records: How many records the batch has; None when they could not be counted.
        first_record, max_records: Which of the file's records are the batch's, as in `BatchSource`.
        death: How it came to its end.
        earlier: Earlier deaths, oldest first: stage, error and end_time of each.
    """

    entry: str
    batch_id: str
    file: str | None
    file_name: str
    original_path: str
    size: int
    records: int | None
    first_record: int
    max_records: int | None
    death: Death
    earlier: tuple[Mapping[str, Any], ...] = ()

    def source(self, folder: Place) -> BatchSource | None:
        """The batch, to be read from the kept file; None when none was kept.

        Args:
            folder: Where the spool keeps this batch.
        """
        if self.file is None:
            return None
        return BatchSource(self.batch_id, folder / self.file, self.first_record, self.max_records)


def encoded(entry: Entry) -> bytes:
    """The manifest's bytes."""
    document = {"schema_version": SCHEMA_VERSION, **asdict(entry)}
    return (json.dumps(document, indent=2, default=_plain) + "\n").encode("ascii")


def decoded(batch_id: str, data: bytes) -> Entry:
    """A manifest.

    Args:
        batch_id: The batch whose folder it was found in.
        data: The manifest's bytes.

    Raises:
        ConfigurationError: It is damaged, of another batch, or of another version.
    """
    try:
        found = json.loads(data)
        version = found.pop("schema_version")
        if version != SCHEMA_VERSION:
            raise _damaged(batch_id, f"its schema version is {version!r}, this program's is {SCHEMA_VERSION}")
        death = found.pop("death")
        entry = Entry(death=_death(death), earlier=tuple(found.pop("earlier")), **found)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(batch_id, f"it cannot be read ({type(error).__name__})") from None
    problem = _problem(entry, batch_id)
    if problem:
        raise _damaged(batch_id, problem)
    return entry


def _death(found: Mapping[str, Any]) -> Death:
    start, end = found["start_time"], found["end_time"]
    times = {"start_time": datetime.fromisoformat(start) if start else None, "end_time": datetime.fromisoformat(end)}
    return Death(**{**found, "history": tuple(found["history"]), **times})


def _problem(entry: Entry, batch_id: str) -> str:
    if entry.batch_id != batch_id:
        return "it names another batch"
    texts = (entry.entry, entry.file_name, entry.original_path, entry.death.stage, entry.death.error)
    if not all(isinstance(text, str) for text in texts):
        return "one of its texts is something else"
    numbers = (entry.size, entry.first_record, entry.records or 0, entry.max_records or 1, entry.death.attempts)
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        return "one of its numbers is something else"
    if entry.file is not None and (not isinstance(entry.file, str) or not is_plain_name(entry.file)):
        return "its file is not a plain name"
    return ""


def is_plain_name(name: str) -> bool:
    """Whether a name stays in its folder, and is not the manifest's."""
    return name not in ("", ".", "..", MANIFEST) and Path(name).name == name and "\0" not in name


def _damaged(batch_id: str, why: str) -> ConfigurationError:
    batch = short(batch_id)
    return ConfigurationError(
        f"The {MANIFEST} of batch {batch} in the spool is damaged: {why}.",
        next_step=f"The raw file beside it can be run again: {program()} run FILE. Then: {program()} dlq drop {batch}",
    )


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
