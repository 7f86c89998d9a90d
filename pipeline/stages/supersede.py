"""A newer batch takes over the records that it brings again of batches which did not go through: a corrected resend.

A record belongs to the older batch until one write makes it the newer one's, with the newer one's values. What had
other content is kept as a dead letter of the older batch. So whatever ends this, each record is somewhere, and once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from expectations_plugins.core.checksums import Checksum
from pipeline.core.batch import CHECKSUM, TAKEN_OVER, Batch
from pipeline.core.batches import BatchSource, BatchStatus, Lease, LoadCounts, short
from pipeline.core.decision import Decision, DecisionKind, Opening
from pipeline.core.locator import Locator
from pipeline.core.records import DeadLetter, DeadReason, Interaction
from pipeline.core.topology import STEPS
from pipeline.ports.ledger import Ledger
from pipeline.ports.steps import BatchContext
from pipeline.ports.stores import RawStore
from pipeline.sources.reading import read
from pipeline.stages.plausible import Plausible

LOAD = STEPS[0].key
CHUNK = 500

Leased = Callable[[str], AbstractContextManager[Any]]
"""The lease of a batch, kept while the block runs; its value has it as `lease`."""


class Read(Protocol):
    """Reads the records of a batch."""

    def __call__(self, source: BatchSource, *, zone: ZoneInfo) -> Iterator[Interaction | DeadLetter]:
        """In file order, one at a time."""


class Supersede:
    """Takes records over.

    Args:
        raw: Where records are.
        ledger: Where counts and dead letters are.
        zone: Where timestamps without an offset were written down.
        plausible: Which times a record may have.
    """

    def __init__(
        self,
        raw: RawStore,
        ledger: Ledger,
        *,
        zone: ZoneInfo,
        plausible: Plausible | None = None,
        reads: Read = read,
    ) -> None:
        self._raw = raw
        self._ledger = ledger
        self._zone = zone
        self._plausible = plausible or Plausible()
        self._reads = reads

    def perform(self, context: BatchContext, older: Sequence[str], leased: Leased, *, by: str) -> None:
        """Give the batch the records that it brings again of older ones. Doing it again goes on.

        Args:
            context: The newer batch, and its file.
            older: Ids of the older batches.
            leased: Takes the lease of each.
            by: Who decided so.

        Raises:
            LeaseHeldError: A run is at work on an older batch.
        """
        for batch_id in older:
            with leased(batch_id) as keeper:
                self._from_one(context, batch_id, keeper.lease, by)

    def _from_one(self, context: BatchContext, batch_id: str, lease: Lease, by: str) -> None:
        batch = self._ledger.batch(batch_id) or Batch(batch_id)
        if batch.status is BatchStatus.CLOSED:  # meanwhile: what it brought first stays its own
            return
        for records in self._chunks(context.source):
            self._take_over(context, records, batch_id, lease)
            context.progress.advance("supersede", len(records), None)
        self._settle(batch, lease, context.batch_id, by)

    def _take_over(self, context: BatchContext, records: Mapping[str, Interaction], older: str, lease: Lease) -> None:
        found = self._raw.stored(list(records))
        stored = {key: row for key, row in found.items() if row["batch_id"] == older}
        letters = [
            _letter(older, row, context.batch_id, records[key])
            for key, row in stored.items()
            if row["content_hash"] != records[key].content_hash
        ]
        self._ledger.bury(letters)
        taken = [self._plausible.noted(records[key], context.received_at) for key in stored]
        self._raw.take_over(lease, context.batch_id, taken, context.received_at)
        # of those an interrupted one took over, too
        owned = [records[key].at.key for key, row in found.items() if row["batch_id"] in (older, context.batch_id)]
        self._ledger.exhume(context.batch_id, owned, DeadReason.CONFLICT)

    def _settle(self, batch: Batch, lease: Lease, newer: str, by: str) -> None:
        """The older batch's counts follow the store, and what it wrote elsewhere is done again without what is gone."""
        accepted, quarantined = self._raw.counts(batch.batch_id)
        reasons = Counter(letter.reason for letter in self._ledger.dead_letters(batch.batch_id))
        dead, read_ = reasons.total(), batch.counts.read
        duplicate = max(0, read_ - accepted - quarantined - dead)
        counts = LoadCounts(read_, accepted, quarantined, duplicate, dead)
        kept = Checksum.of(self._raw.ids(batch.batch_id))
        noted = {CHECKSUM: kept.as_list(), TAKEN_OVER: reasons[DeadReason.SUPERSEDED]}
        self._ledger.set_counts(lease, counts)
        self._ledger.end_step(lease, LOAD, ok=True, counts=asdict(counts) | noted)
        again = batch.status is not BatchStatus.DEAD
        cleared = tuple(step.key for step in STEPS[1:]) if again else ()
        data = {"note": f"its records went over to batch {short(newer)}", "by_batch": newer}
        opening = Opening(BatchStatus.RUNNING if again else None, cleared=cleared, finished=True)
        self._ledger.decide(lease, Decision(DecisionKind.SUPERSEDE, data, by), opening)

    def _chunks(self, source: BatchSource) -> Iterator[Mapping[str, Interaction]]:
        """The batch's records by id, so many at a time; of those that share an id the first."""
        chunk: dict[str, Interaction] = {}
        for item in self._reads(source, zone=self._zone):
            if isinstance(item, Interaction):
                chunk.setdefault(item.interaction_id, item)
            if len(chunk) >= CHUNK:
                yield chunk
                chunk = {}
        if chunk:
            yield chunk


def _letter(older: str, row: Mapping[str, Any], newer: str, record: Interaction) -> DeadLetter:
    """What the older batch had brought, where the newer one says something else."""
    detail = f"batch {short(newer)}, {record.at}, brought it again with other content, and took it over"
    raw = json.dumps(row, default=str, ensure_ascii=False)
    return DeadLetter(
        older, Locator.of(int(row["line"]), row.get("place")), DeadReason.SUPERSEDED, detail, raw, record.interaction_id
    )
