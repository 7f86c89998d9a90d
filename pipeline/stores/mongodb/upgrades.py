"""`MongoOldLedger`: the ledger as a migration reads and completes it.

Each write is one document, and holds only while the document still lacks what it brings, so that a run that began
meanwhile is not undone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS
from pipeline.core.batch import Batch
from pipeline.core.batches import short
from pipeline.ports.upgrades import Held, Home
from pipeline.stores.mongodb import indexes
from pipeline.stores.mongodb import upgrade_queries as queries
from pipeline.stores.mongodb.batches import batch_in
from pipeline.stores.mongodb.ledger_queries import BATCHES, LEASES
from pipeline.stores.mongodb.undo_journal import MongoUndoJournal


class MongoOldLedger:
    """Implements `pipeline.ports.upgrades.OldLedger`.

    Args:
        database: A handle from `connect`; the caller closes its client.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batches = database.get_collection(BATCHES)
        self._leases = database.get_collection(LEASES)
        self._journal = MongoUndoJournal(database)

    def leases(self) -> Sequence[Held]:
        """Leases that have not expired, by the server's clock."""
        with ERRORS.guard("reading leases"), self._leases.find(queries.held_now()) as rows:
            return [Held(str(row["_id"]), str(row["holder"]), row["expires_at"]) for row in rows]

    def old(self) -> Iterator[Batch]:
        """Batches that are of an older version, or have a manifest without a collection: only their versions and
        embedding batches.
        """
        doing = "looking for batches of older versions"
        with ERRORS.guard(doing), self._batches.find(queries.incomplete(), queries.READ) as rows:
            yield from [batch_in(row) for row in rows]

    def count(self) -> int:
        """How many batches are of an older version."""
        with ERRORS.guard("counting batches of older versions"):
            return self._batches.count_documents(queries.older())

    def collections(self) -> Sequence[str]:
        """All collections that manifests name."""
        found: set[str] = set()
        with ERRORS.guard("reading which collections batches are in"), self._batches.find({}, queries.NAMED) as rows:
            for row in rows:
                found.update(str(one.get("collection") or "") for one in (row.get("embeddings") or {}).values())
        return sorted(found - {""})

    def replaced_by(self, embedding_batch_id: str) -> Sequence[str]:
        """Embedding batches that wrote over vectors of this one, and were not rolled back."""
        return self._journal.later(embedding_batch_id)

    def place(self, batch_id: str, embedding_batch_id: str, home: Home) -> None:
        """Write into a manifest where its vectors are; nothing happens when it says so already."""
        condition = queries.homeless(batch_id, embedding_batch_id)
        update = queries.placed(embedding_batch_id, home.collection, home.model)
        with ERRORS.guard(f"migrating batch {short(batch_id)}"):
            self._batches.update_one(condition, update)

    def vanished_indexes(self) -> Sequence[str]:
        """Indexes that were made and are not there any more."""
        return indexes.vanished(self._database)

    def forget_indexes(self) -> None:
        """Have every index made again by the next run."""
        indexes.forget(self._database)

    def finish(self, batch_id: str, version: int) -> None:
        """Write down that the batch is of this version."""
        with ERRORS.guard(f"migrating batch {short(batch_id)}"):
            self._batches.update_one({"_id": {"$eq": batch_id}}, queries.finished(version))
