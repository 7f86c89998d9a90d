"""The load stage: a batch's records into the raw store, what cannot be loaded to the dead letters."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from expectations_plugins.core.checksums import Checksum
from expectations_plugins.core.errors import TerminalError, TransientError
from pipeline.core.batch import CHECKSUM, COMPLETES, DROPPED, EARLIER
from pipeline.core.batches import LoadCounts, short
from pipeline.core.fields import CONVERTED, IMPLAUSIBLE
from pipeline.core.locator import Locator
from pipeline.core.records import DeadLetter, DeadReason, Interaction
from pipeline.ports.ledger import Ledger
from pipeline.ports.steps import BatchContext
from pipeline.ports.stores import RawStore
from pipeline.sources.reading import CUT_OFF, read
from pipeline.stages.plausible import Plausible
from pipeline.storage.location import written

CHUNK_CHARACTERS = 8_000_000
"""A chunk ends here even when it has fewer records than it may: memory stays bounded whatever their size."""


MOST_EARLIER = 100
"""Other batches that are named as having brought some of the records before."""


_CUT_CHARACTER = re.compile(r"(\\x[0-9a-f]{2}){1,3}$")
"""The bytes of a character in the middle of which a file ends, as a dead letter keeps them."""


class LoadStage:
    """Reads a batch and inserts it. Running it again changes nothing and counts the same.

    Args:
        raw: Where records go.
        ledger: Where dead letters and counts go.
        zone: Where timestamps without an offset were written down.
        plausible: Which times a record may have.
        chunk: Records inserted at once at most.
    """

    name = "load"

    def __init__(
        self,
        raw: RawStore,
        ledger: Ledger,
        *,
        zone: ZoneInfo,
        plausible: Plausible | None = None,
        chunk: int = 1_000,
    ) -> None:
        self._raw = raw
        self._ledger = ledger
        self._zone = zone
        self._plausible = plausible or Plausible()
        self._chunk = chunk

    def run(self, context: BatchContext) -> Mapping[str, Any]:
        """Load one batch.

        Returns:
            What became of its records, by name of the fields of `LoadCounts`; what was converted, and what was passed
            over between them; their checksum.

        Raises:
            TransientError: Worth another attempt.
            TerminalError: The counts do not add up, or a store refused.
            LeaseLostError: Another run took the batch over.
        """
        tally = _Tally(halves=self._halves(context))
        for chunk in _chunks(read(context.source, zone=self._zone, dropped=tally.dropped), self._chunk):
            self._load(context, chunk, tally)
            context.progress.advance(self.name, tally.read, None)
        counts = self._counts(context.batch_id, tally)
        self._ledger.set_span(context.lease, tally.oldest, tally.newest)
        self._ledger.set_counts(context.lease, counts)
        earlier = [f"{batch_id} {number}" for batch_id, number in tally.earlier.most_common(MOST_EARLIER)]
        for batch_id, keys in tally.completed.items():
            self._ledger.complete(batch_id, keys, context.batch_id)
        lists = {EARLIER: earlier, COMPLETES: list(tally.completed)}
        noted = {CHECKSUM: tally.own.as_list(), **{name: found for name, found in lists.items() if found}}
        odd = tally.odd + Counter({f"{DROPPED}_{name}": number for name, number in tally.dropped.items()})
        return dataclasses.asdict(counts) | dict(sorted(odd.items())) | noted

    def _halves(self, context: BatchContext) -> Mapping[int, Sequence[DeadLetter]]:
        """By key, records in which this file ended when it was shorter, and that wait since then."""
        halves: dict[int, list[DeadLetter]] = {}
        for older in self._ledger.halted(MOST_EARLIER, written(context.source.path)):
            letters = () if older.batch_id == context.batch_id else self._ledger.dead_letters(older.batch_id)
            for letter in letters:
                if letter.reason is DeadReason.INCOMPLETE and letter.detail.startswith(CUT_OFF):
                    halves.setdefault(letter.at.key, []).append(letter)
        return halves

    def _load(self, context: BatchContext, chunk: Sequence[Interaction | DeadLetter], tally: _Tally) -> None:
        records = [self._plausible.noted(item, context.received_at) for item in chunk if isinstance(item, Interaction)]
        letters = [item for item in chunk if isinstance(item, DeadLetter)]
        if records:
            self._raw.insert(context.batch_id, records, context.received_at, fence=context.lease.fence)
            owners = self._raw.owners([record.interaction_id for record in records])
            for record in records:
                tally.seen(record)
                letter = _judged(context.batch_id, record, owners, tally)
                letters.extend([letter] if letter else [])
        for item in chunk if tally.halves else ():
            tally.complete(item)
        if letters:
            self._ledger.bury(letters)
        tally.read += len(chunk)
        tally.dead += len(letters)

    def _counts(self, batch_id: str, tally: _Tally) -> LoadCounts:
        """What the store has of the batch, held against what was read of it."""
        accepted, quarantined = self._raw.counts(batch_id)
        counts = LoadCounts(
            read=tally.read, accepted=accepted, quarantined=quarantined, duplicate=tally.duplicate, dead=tally.dead
        )
        if tally.read != accepted + quarantined + tally.duplicate + tally.dead:
            raise TerminalError(
                f"Batch {short(batch_id)} does not add up: {tally.read:,} records were read, but {accepted:,} accepted"
                f" + {quarantined:,} quarantined + {tally.duplicate:,} duplicate + {tally.dead:,} dead make"
                f" {accepted + quarantined + tally.duplicate + tally.dead:,}.",
                next_step="Look whether its records were changed in MongoDB, or its file since it was first loaded.",
            )
        return counts


@dataclass(slots=True)
class _Tally:
    read: int = 0
    duplicate: int = 0
    dead: int = 0
    own: Checksum = field(default_factory=Checksum)
    """Of the ids that belong to this batch."""
    earlier: Counter[str] = field(default_factory=Counter)
    """Records that other batches had brought before, by batch."""
    oldest: datetime | None = None
    newest: datetime | None = None
    odd: Counter[str] = field(default_factory=Counter)
    """By name, records of which a field was converted, or cannot be right."""

    dropped: Counter[str] = field(default_factory=Counter)
    """What was passed over between records."""

    halves: Mapping[int, Sequence[DeadLetter]] = field(default_factory=dict)
    completed: dict[str, list[int]] = field(default_factory=dict)
    """Keys of records of other batches that this one brings whole, by batch."""

    def complete(self, item: Interaction | DeadLetter) -> None:
        """A record, which may begin with what another batch has of it."""
        for half in self.halves.get(item.at.key, ()):
            begins = _CUT_CHARACTER.sub("", half.raw)
            if item.raw.startswith(begins) and len(item.raw) > len(begins):
                self.completed.setdefault(half.batch_id, []).append(half.at.key)

    def seen(self, record: Interaction) -> None:
        """A record's time, and what is odd about its fields."""
        self.odd.update(f"{CONVERTED}_{name}" for name in record.converted)
        self.odd.update(f"{IMPLAUSIBLE}_{name}" for name in record.implausible)
        moment = record.timestamp
        if moment is not None and not record.implausible:
            self.oldest, self.newest = min(self.oldest or moment, moment), max(self.newest or moment, moment)


def _judged(
    batch_id: str, record: Interaction, owners: Mapping[str, tuple[str, Locator, str]], tally: _Tally
) -> DeadLetter | None:
    """First writer wins: a dead letter when the id belongs to another record with other content."""
    owner = owners.get(record.interaction_id)
    if owner is None:
        raise TransientError(
            f"Interaction {record.interaction_id!r} of batch {short(batch_id)} was inserted and is not there.",
            next_step="Run again; if it stays so, look at MongoDB's write concern.",
        )
    owning_batch, at, content_hash = owner
    if (owning_batch, at.key) == (batch_id, record.at.key):
        tally.own += Checksum.of([record.interaction_id])
        return None
    if owning_batch != batch_id:
        tally.earlier[owning_batch] += 1
    if content_hash == record.content_hash:
        tally.duplicate += 1
        return None
    place = f"{at} of this batch" if owning_batch == batch_id else f"batch {short(owning_batch)}, {at}"
    detail = f"interaction_id {record.interaction_id!r} was first brought, with other content, by {place}"
    return DeadLetter(batch_id, record.at, DeadReason.CONFLICT, detail, record.raw, record.interaction_id)


def _chunks(items: Iterable[Interaction | DeadLetter], most: int) -> Iterator[Sequence[Interaction | DeadLetter]]:
    chunk: list[Interaction | DeadLetter] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += len(item.raw)
        if len(chunk) >= most or size >= CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
