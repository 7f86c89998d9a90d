"""A batch: what it is made from, where it is, what became of its records, and the right to work on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice
from math import isfinite
from typing import Any, TypeVar

from pipeline.storage.location import Place

T = TypeVar("T")


def short(batch_id: str) -> str:
    """The batch id as people read and type it: its first 12 hex digits."""
    return batch_id[:12]


class BatchStatus(StrEnum):
    """Where a batch stands in the ledger."""

    RUNNING = "running"
    HALTED = "halted"
    """A gate said FAIL; a person decides (resume, reject, recheck)."""
    INCONSISTENT = "inconsistent"
    """The stores do not hold the records they ought to; a person decides (reject, recheck, recheck --redo)."""
    HELD = "held"
    """A gate could not be checked (ERROR); the next run checks it again."""
    CLOSED = "closed"
    DEAD = "dead"
    """Moved whole to the dead-letter queue."""


WAITING = frozenset({BatchStatus.HALTED, BatchStatus.INCONSISTENT})
"""A gate said FAIL of such a batch, and it waits for a person."""


SUPERSEDED = frozenset({BatchStatus.HELD, BatchStatus.DEAD, *WAITING})
"""What such a batch brought and a newer one brings again, the newer one may take over."""


LOG_FILES = ("*.jsonl", "*.ndjson", "*.json", "*.csv", "*.log")
"""Names of log files, unless the settings say otherwise; each also rotated or compressed."""


NO_RECORDS = "no record in it can be read"
"""What is said of a file of another format, whatever that is."""


@dataclass(frozen=True, slots=True)
class FileStamp:
    """How a file looked when it was listed.

    Args:
        size: Bytes on disk.
        changed: Last change, in nanoseconds since the epoch.
        number: The file itself, whatever its name.
    """

    size: int
    changed: int
    number: int


@dataclass(frozen=True, slots=True)
class BatchSource:
    """One micro-batch to process: a file, or a part of one that was split at `max_batch_records`.

    Args:
        batch_id: sha256 (64 hex digits) of the uncompressed bytes of the whole file, or of the part.
        path: The file or the object the records are read from.
        first_record: Index of the first record taken (0-based).
        max_records: How many records are taken at most; None takes the rest of the file.
        stamp: The file as it was when the batch was named after it; None when that does not matter.
        looks_like: What the file is that holds no records, as it ends a sentence; "" when it does, or nobody looked.
    """

    batch_id: str
    path: Place
    first_record: int = 0
    max_records: int | None = None
    stamp: FileStamp | None = field(default=None, compare=False)
    looks_like: str = field(default="", compare=False)

    def part_of(self, records: Iterator[T], *, before: Callable[[], object] = lambda: None) -> Iterable[T]:
        """Of a file's records those of this batch; `before` is called once those before it are passed."""
        for _ in islice(records, self.first_record):
            pass
        before()
        return records if self.max_records is None else islice(records, self.max_records)


@dataclass(frozen=True, slots=True)
class LoadCounts:
    """What became of a batch's records: read = accepted + quarantined + duplicate + dead."""

    read: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicate: int = 0
    dead: int = 0

    @classmethod
    def of(cls, counted: Mapping[str, Any]) -> LoadCounts:
        """The numbers by name, as the load stage says them and the ledger keeps them; 0 where there is none."""
        found = {name: counted.get(name) for name in cls.__slots__}
        numbers = {name: count for name, count in found.items() if isinstance(count, int | float) and isfinite(count)}
        return cls(**{name: int(count) for name, count in numbers.items()})

    @property
    def adds_up(self) -> bool:
        """Whether every record that was read is somewhere."""
        return self.read == self.accepted + self.quarantined + self.duplicate + self.dead


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a batch; `fence` grows with every new holder, `expires_at`: when it ends if not renewed."""

    batch_id: str
    holder: str
    fence: int
    expires_at: datetime
