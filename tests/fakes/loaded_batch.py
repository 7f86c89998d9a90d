"""A batch in a real MongoDB, loaded as the runner loads it: what the later stages start from."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from expectations_plugins.mongodb.connection import connect
from pipeline.core.batch import EmbeddingState
from pipeline.ports.steps import BatchContext
from pipeline.sources.discovery import discover
from pipeline.stages import LoadStage
from pipeline.stores.mongodb.ledger import MongoLedger
from pipeline.stores.mongodb.raw_store import MongoRawStore
from pipeline.stores.mongodb.undo_journal import MongoUndoJournal


@dataclass(slots=True)
class Steps:
    """What a run was told of its progress."""

    advanced: list[tuple[str, int, int | None]] = field(default_factory=list)

    def event(self, name: str, **fields: object) -> None:
        """Nothing is kept of events."""

    def advance(self, step: str, done: int, total: int | None) -> None:
        self.advanced.append((step, done, total))


@dataclass(frozen=True, slots=True)
class LoadedBatch:
    """The batch, and the stores it is in; `name` is free for what a test makes in other stores."""

    name: str
    context: BatchContext
    raw: MongoRawStore
    ledger: MongoLedger
    steps: Steps
    journal: MongoUndoJournal

    @property
    def batch_id(self) -> str:
        return self.context.batch_id

    def quarantine(self, *user_ids: str) -> int:
        condition = {"$in": ["$user_id", {"$literal": list(user_ids)}]}
        return self.raw.quarantine(
            self.batch_id, condition, gate="raw", reason="test", run_id="1", fence=self.context.lease.fence
        )

    def manifest(self) -> EmbeddingState:
        kept = self.ledger.find(self.batch_id).embedding
        assert kept
        return kept


@contextmanager
def loaded_batch(uri: str, folder: Path, records: Sequence[Mapping[str, Any]]) -> Iterator[LoadedBatch]:
    """Load these records into a database of their own; it is dropped at the end of the block."""
    name = f"t{uuid.uuid4().hex[:12]}"
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    database = connect(uri, name)
    raw, ledger, steps = MongoRawStore(database), MongoLedger(database), Steps()
    journal = MongoUndoJournal(database)
    try:
        raw.prepare()
        ledger.prepare()
        journal.prepare()
        [source] = discover([path], max_records=100_000, min_age=0)
        first_seen = ledger.open_batch(source.batch_id, source=str(path), size=1).seen
        context = BatchContext(source, ledger.acquire(source.batch_id, "test", 300), first_seen, steps)
        LoadStage(raw, ledger, zone=ZoneInfo("UTC")).run(context)
        steps.advanced.clear()
        yield LoadedBatch(name, context, raw, ledger, steps, journal)
    finally:
        database.client.drop_database(name)
        database.client.close()
