"""What a backfill has to do: batches that never came through, and such as an older version of the code did."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from packaging.version import InvalidVersion, Version

from pipeline.core.batch import Batch, StepState
from pipeline.core.batches import WAITING, BatchSource, BatchStatus
from pipeline.core.records import Interaction
from pipeline.core.topology import REDONE
from pipeline.sources.reading import read

LOOKED_AT = 1_000
"""Records of a file that are looked at for a timestamp."""

ENDED = frozenset({BatchStatus.CLOSED, BatchStatus.DEAD, *WAITING})


class Kind(StrEnum):
    """Why a batch is in a backfill."""

    MISSING = "missing"
    OUTDATED = "outdated"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Days:
    """Days, both included; UTC.

    Args:
        first, last: None for no bound.
    """

    first: date | None = None
    last: date | None = None

    @property
    def are_bounded(self) -> bool:
        """Whether there is a first or a last one."""
        return self.first is not None or self.last is not None

    def hold(self, moment: datetime | None) -> bool:
        """Whether a moment is on one of them; one that is not known is, unless there is a bound."""
        if moment is None:
            return not self.are_bounded
        day = moment.astimezone(UTC).date()
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)

    def bounds(self) -> tuple[datetime, datetime]:
        """The first moment, and the first one after them."""
        first, last = self.first or date.min, self.last or date.max - timedelta(days=1)
        start = datetime.combine(first, time(), UTC)
        return start, datetime.combine(last + timedelta(days=1), time(), UTC)


@dataclass(frozen=True, slots=True)
class Item:
    """One batch to do.

    Args:
        kind: Why.
        batch_id: Which.
        source: The file it came from, or a part of it.
    """

    kind: Kind
    batch_id: str
    source: str

    def as_data(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self) | {"kind": str(self.kind)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Item:
        """What `as_data` gave."""
        return cls(**{**data, "kind": Kind(data["kind"])})


def missing(
    sources: Iterable[BatchSource], standing: Mapping[str, Batch], days: Days, zone: ZoneInfo
) -> Iterator[Item]:
    """Batches of these files that are not through and wait for nobody.

    Args:
        sources: What has landed.
        standing: How those that the ledger knows stand, by id.
        days: The days of their first records; a file in which no time can be read is of the day it was changed last.
        zone: Where timestamps without an offset were written down.
    """
    for source in sources:
        known = standing.get(source.batch_id)
        if known and known.status in ENDED:
            continue
        if days.hold(_time_of(source, zone)):
            yield Item(Kind.MISSING, source.batch_id, str(source.path))


def outdated(closed: Iterable[Batch], older_than: str) -> Iterator[Item]:
    """Closed batches a step of which was done by an older version.

    Args:
        closed: Closed batches.
        older_than: The version, as PEP 440 spells it.

    Raises:
        InvalidVersion: It is none.
    """
    wanted = Version(older_than)
    for batch in closed:
        if any(_version(batch.step(key)) < wanted for key in REDONE):
            yield Item(Kind.OUTDATED, batch.batch_id, batch.source)


def redone(closed: Iterable[Batch]) -> Iterator[Item]:
    """Closed batches, whoever did them."""
    for batch in closed:
        yield Item(Kind.AGAIN, batch.batch_id, batch.source)


def _version(step: StepState) -> Version:
    """Of a step; one whose version was not kept is older than every other."""
    try:
        return Version(step.code_version or "0")
    except InvalidVersion:
        return Version("0")


def _time_of(source: BatchSource, zone: ZoneInfo) -> datetime | None:
    records = itertools.islice(() if source.looks_like else read(source, zone=zone), LOOKED_AT)
    times = (record.timestamp for record in records if isinstance(record, Interaction))
    found = next((one for one in times if one is not None), None)
    if found is not None or source.stamp is None:
        return found
    return datetime.fromtimestamp(source.stamp.changed / 1e9, UTC)


Do = Callable[[Item], Mapping[str, Any]]
"""Does a batch; what became of it, as JSON types."""
