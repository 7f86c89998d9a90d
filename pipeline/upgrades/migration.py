"""`Migration`: what older data needs, store by store, and doing it.

Every write can be the last one: each is complete by itself, and looking again finds only what is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from expectations_plugins.core.errors import LeaseHeldError
from pipeline.core.batch import Batch, EmbeddingState
from pipeline.core.batches import short
from pipeline.core.program import program
from pipeline.core.schema_versions import SCHEMAS, check
from pipeline.ports.upgrades import Home, OldLedger, OldMetrics, OldVectors, VersionMark

LEDGER, METRICS = "mongodb", "bigquery"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one store needs.

    Args:
        store, where: Which.
        found: The version of its data; None when it holds none.
        needed: This program's version.
        work: What is to be done, in words with counts; none when nothing is.
        notes: What stays as it is, and why that is right.
    """

    store: str
    where: str
    found: int | None
    needed: int
    work: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OldBatch:
    """A batch of the ledger that is not as this program writes it.

    Args:
        batch_id: Which.
        is_old: Its document says that it is of an older version.
        homes: Where the vectors of its embedding batches were found, by embedding batch.
        lost: Embedding batches whose vectors the settings' collection does not hold.
    """

    batch_id: str
    is_old: bool
    homes: Mapping[str, Home]
    lost: tuple[str, ...]

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to write."""
        return not self.is_old and not self.homes


class Migration:
    """Brings the data of all four stores to this program's versions.

    Args:
        ledger: The batches.
        metrics: The older tables.
        vectors: The settings' collection.
        marks: Every place that has a version, the ledger's first.
    """

    def __init__(
        self, ledger: OldLedger, metrics: OldMetrics, vectors: OldVectors, marks: Sequence[VersionMark]
    ) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._vectors = vectors
        self._marks = marks

    def look(self) -> Sequence[Finding]:
        """What each store needs; nothing is changed.

        Raises:
            SchemaVersionError: The data is newer than this program.
        """
        return [self._looked(mark) for mark in self._marks]

    def perform(self) -> Sequence[Finding]:
        """Migrate; what was found before.

        Raises:
            SchemaVersionError: The data is newer than this program; nothing was changed.
            LeaseHeldError: A run is at work.
        """
        findings = self.look()
        if not any(finding.work for finding in findings):
            return findings
        self._refuse_while_somebody_works()
        needed = {(one.store, one.where) for one in findings if one.found is not None and one.found < one.needed}
        for mark in self._marks:
            if mark.store == METRICS and any(one.work for one in findings if one.store == METRICS):
                self._metrics.copy()
            if (mark.store, mark.where) in needed:
                mark.set(SCHEMAS[mark.store].current)
            if mark.store == LEDGER:  # older programs are refused from here on, so none begins what is not seen below
                self._refuse_while_somebody_works()
                self._complete_batches()
                if self._ledger.vanished_indexes():
                    self._ledger.forget_indexes()
        return findings

    def _looked(self, mark: VersionMark) -> Finding:
        found, needed = mark.found(), SCHEMAS[mark.store].current
        check(mark.store, found, mark.where)
        marked = ("write the version down",) if found is not None and found < needed else ()
        if mark.store == METRICS and (left := self._metrics.left()):
            work = (f"copy the metrics of {left:,} batch{'es' * (left != 1)}", *marked)
            return Finding(mark.store, mark.where, found, needed, work, tuple(self._metrics.changes()))
        if mark.store != LEDGER or found is None:
            return Finding(mark.store, mark.where, found, needed, marked)
        batches, gone = list(self._old_batches()), self._ledger.vanished_indexes()
        lost = (f"have the next run make the indexes that are missing: {', '.join(gone)}",) if gone else ()
        work = (*marked, *lost, *_work(batches))
        return Finding(mark.store, mark.where, found, needed, work, tuple(_notes(batches)))

    def _old_batches(self) -> Iterator[OldBatch]:
        version = SCHEMAS[LEDGER].current
        for batch in self._ledger.old():
            known = {name: Home(one.collection, one.model) for name, one in batch.manifests.items() if one.collection}
            homes: dict[str, Home] = {}
            names = homeless(batch)
            for name in names:
                if (home := self._home(name, {**known, **homes})) is not None:
                    homes[name] = home
            yield OldBatch(
                batch_id=batch.batch_id,
                is_old=batch.schema_version != version,
                homes=homes,
                lost=tuple(name for name in names if name not in homes),
            )

    def _home(self, name: str, others: Mapping[str, Home]) -> Home | None:
        """Where the vectors of an embedding batch are, or were until another one of the batch replaced them there."""
        model = self._vectors.model_of(name)
        if model is not None:
            return Home(self._vectors.collection, model)
        return next((others[later] for later in self._ledger.replaced_by(name) if later in others), None)

    def _complete_batches(self) -> None:
        for batch in self._old_batches():
            for name, home in batch.homes.items():
                self._ledger.place(batch.batch_id, name, home)
            if batch.is_old:
                self._ledger.finish(batch.batch_id, SCHEMAS[LEDGER].current)

    def _refuse_while_somebody_works(self) -> None:
        held = self._ledger.leases()
        if not held:
            return
        first = held[0]
        more = f", and {len(held) - 1:,} others are at work too" if len(held) > 1 else ""
        raise LeaseHeldError(
            f"{first.holder} works on batch {short(first.batch_id)}; its lease lasts until"
            f" {first.expires_at:%Y-%m-%d %H:%M:%S} UTC{more}.",
            next_step=f"Stop the scheduler, wait until nothing runs, then: {program()} migrate",
        )


def homeless(batch: Batch) -> list[str]:
    """Embedding batches of a batch that have vectors, or may have some, and whose manifest names no collection.

    The latest first: where its vectors are says where those that it replaced were.
    """
    found = {name: one for name, one in batch.manifests.items() if _is_homeless(one)}
    return sorted(found, key=lambda name: (-found[name].number, name))


def _is_homeless(manifest: EmbeddingState) -> bool:
    if manifest.collection or manifest.rolled_back_at:
        return False
    return manifest.written > 0 or not manifest.finished


def _work(batches: Sequence[OldBatch]) -> Iterator[str]:
    placed = sum(len(batch.homes) for batch in batches)
    if placed:
        yield f"write collection and model into {placed:,} manifest{'s' * (placed != 1)}"
    if old := sum(batch.is_old for batch in batches):
        yield f"write the version into {old:,} batch{'es' * (old != 1)}"


def _notes(batches: Sequence[OldBatch]) -> Iterator[str]:
    lost = [batch for batch in batches if batch.lost]
    if lost:
        named = ", ".join(short(batch.batch_id) for batch in lost[:5])
        yield (
            f"The settings' collection holds no vectors of {len(lost):,} older batch{'es' * (len(lost) != 1)}"
            f" ({named}): their manifests stay as they are. Set GEMINI_MODEL or MILVUS_COLLECTION as it was when they"
            " were embedded, and migrate again; if the vectors are lost, see docs/operations.md, Another embedding"
            " model."
        )
