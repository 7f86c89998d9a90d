"""`MongoLedger`: the batches of the ledger. Leases and dead letters have files of their own, updates are built in
`ledger_queries`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from expectations_plugins.core.errors import ConfigurationError, TransientError
from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS
from pipeline.core.batch import Batch
from pipeline.core.batches import WAITING, BatchStatus, Lease, LoadCounts, short
from pipeline.core.decision import Decision, Opening
from pipeline.core.embeddings import EmbedManifest
from pipeline.core.program import program
from pipeline.core.rollback_plan import RollbackPlan
from pipeline.core.verdicts import ActionOutcome, GateReport
from pipeline.core.version import code_version
from pipeline.ports.ledger import Ledger
from pipeline.stores.mongodb.batches import batch_in
from pipeline.stores.mongodb.dead_letters import DeadLetters
from pipeline.stores.mongodb.indexes import ensure
from pipeline.stores.mongodb.leases import Leases, lost
from pipeline.stores.mongodb.ledger_queries import (
    BATCHES,
    DECISION_INDEX,
    FIRST_SEEN_INDEX,
    LEDGER_VERSION,
    NEWEST_FIRST,
    OLDEST_FIRST,
    UNFINISHED,
    Update,
    action_recorded,
    batch_opened,
    decided,
    decision_finished,
    embedding_rolled_back,
    embedding_set,
    field_set,
    gate_recorded,
    held_filter,
    plain,
    rollback_begun,
    status_set,
    step_ended,
    step_started,
    steps_cleared,
    steps_reopened,
)
from pipeline.stores.mongodb.server_version import refuse_old
from pipeline.stores.mongodb.version_mark import MongoVersionMark

LOG = logging.getLogger(__name__)

_PREFIX = re.compile("[0-9a-f]{1,64}")
_SHOWN_MATCHES = 5
OLDER = (
    "The ledger has schema version %s, this program's is %s. All commands work; when no older program uses the ledger"
    f" any more: {program()} migrate"
)

INDEXES = (
    {"name": FIRST_SEEN_INDEX, "keys": OLDEST_FIRST},
    {"name": DECISION_INDEX, "keys": [("decision.at", 1)], "sparse": True},
)
STOPPED = sorted(status.value for status in WAITING)


class MongoLedger(Leases, DeadLetters, Ledger):
    """Batches, leases and dead letters in MongoDB.

    What a lease holder writes matches the batch only while its fence is the lease's: a run whose lease was taken over
    gets LeaseLostError instead of overwriting the other's work.

    Args:
        database: A handle from `connect`; the caller closes its client.
    """

    def __init__(self, database: Database) -> None:
        Leases.__init__(self, database)
        DeadLetters.__init__(self, database)
        self._database = database
        self._batches = database.get_collection(BATCHES)
        self._attempts: dict[Lease, dict[str, int]] = {}

    def prepare(self) -> None:
        """Create indexes and check the schema version; idempotent.

        Raises:
            ConfigurationError: The server is too old.
            SchemaVersionError: The ledger is newer than this program, or too old to be used as it is.
        """
        with ERRORS.guard("asking for its version"):
            refuse_old(self._database.build_info)
        found = MongoVersionMark(self._database).begin()
        if found < LEDGER_VERSION:
            LOG.warning(OLDER, found, LEDGER_VERSION)
        ensure(self._database, BATCHES, INDEXES)
        DeadLetters.prepare(self)

    def open_batch(self, batch_id: str, *, source: str, size: int) -> Batch:
        """The batch, created when it is new.

        Args:
            batch_id: The batch.
            source: Path of the file it was found in.
            size: Bytes of that file.

        Raises:
            TransientError: Something took it away again.
        """
        for _ in range(2):  # of two runs that find the same new file, the slower one's first upsert can come to nothing
            with ERRORS.guard(f"opening batch {short(batch_id)}"), suppress(DuplicateKeyError):
                document = self._batches.find_one_and_update(
                    {"_id": batch_id}, batch_opened(source, size), upsert=True, return_document=ReturnDocument.AFTER
                )
                if document is not None:
                    return batch_in(document)
        raise TransientError(
            f"Batch {short(batch_id)} was taken out of the ledger while it was opened.", next_step="Run it again."
        )

    def batch(self, batch_id: str) -> Batch | None:
        """The batch; None when the ledger has never seen it."""
        with ERRORS.guard(f"reading batch {short(batch_id)}"):
            found = self._batches.find_one({"_id": {"$eq": batch_id}})
        return batch_in(found) if found else None

    def find(self, prefix: str) -> Batch:
        """The one batch whose id starts with `prefix`.

        Raises:
            ConfigurationError: It is not hexadecimal, or no batch or several start with it.
        """
        wanted = prefix.strip().lower()
        if not _PREFIX.fullmatch(wanted):
            raise ConfigurationError(
                f"{prefix!r} is not the start of a batch id.",
                next_step=f"Give its first hex digits: see {program()} status.",
            )
        with ERRORS.guard(f"looking for batch {short(wanted)}"):
            # "g" comes after every hex digit
            condition = {"_id": {"$gte": wanted, "$lt": f"{wanted}g"}}
            found = list(self._batches.find(condition).sort("_id", 1).limit(_SHOWN_MATCHES))
        if len(found) == 1:
            return batch_in(found[0])
        if not found:
            raise ConfigurationError(f"There is no batch {wanted}.", next_step=f"List them with: {program()} status")
        matches = ", ".join(short(row["_id"]) for row in found)
        raise ConfigurationError(f"Several batches start with {wanted}: {matches}.", next_step="Give more digits.")

    def recent(self, limit: int) -> Sequence[Batch]:
        """The newest batches, newest first."""
        with ERRORS.guard("listing batches"):
            return [batch_in(one) for one in self._batches.find().sort(NEWEST_FIRST).limit(limit)]

    def halted(self, limit: int, source: str | None = None) -> Sequence[Batch]:
        """Batches that are halted or inconsistent, of one file or all, the oldest first."""
        of_source = {} if source is None else {"source": {"$eq": source}}
        with ERRORS.guard("looking for halted batches"):
            found = self._batches.find({"status": {"$in": STOPPED}, **of_source}).sort(OLDEST_FIRST).limit(limit)
            return [batch_in(one) for one in found]

    def start_step(self, lease: Lease, step: str) -> int:
        """Record the start of an attempt; its number, 1-based."""
        doing = f"starting {step}"
        with self._guard(lease, doing):
            before = self._begin_step(lease, step, step_started(step, code_version()))
        if before is None:
            raise lost(lease, doing)
        return before + 1

    def end_step(self, lease: Lease, step: str, *, ok: bool, counts: Mapping[str, Any], error: str = "") -> None:
        """Record the end of the attempt."""
        self._update(lease, step_ended(step, ok=ok, counts=counts, error=error), f"ending {step}")

    def record_gate(self, lease: Lease, report: GateReport) -> None:
        """Record a gate's verdict, findings and action outcomes in place of its last ones."""
        self._update(lease, gate_recorded(report.gate, plain(report)), f"recording gate {report.gate}")

    def record_action(self, lease: Lease, gate: str, run_id: str, outcome: ActionOutcome) -> None:
        """Record what became of an intent of this check; nothing happens when another check is recorded now."""
        self._update(lease, action_recorded(gate, run_id, outcome), f"recording {outcome.action} of gate {gate}")

    def clear_steps(self, lease: Lease, steps: Sequence[str]) -> None:
        """Forget that these steps were done, and their attempts, so that the next run does them again."""
        self._attempts.pop(lease, None)
        self._update(lease, steps_cleared(tuple(steps)), "clearing steps")

    def reopen_steps(self, lease: Lease, steps: Sequence[str]) -> None:
        """Have these steps done again, without forgetting what a person decided of them."""
        self._attempts.pop(lease, None)
        self._update(lease, steps_reopened(tuple(steps)), "reopening steps")

    def unfinished_decisions(self) -> Sequence[Batch]:
        """Batches about which a person decided something that no command has finished, the oldest decision first."""
        with ERRORS.guard("looking for unfinished decisions"):
            return [batch_in(one) for one in self._batches.find(UNFINISHED).sort("decision.at", 1)]

    def decide(self, lease: Lease, decision: Decision, opening: Opening) -> None:
        """Record what a person decided, and what changes at once with it, in one write."""
        self._attempts.pop(lease, None)
        self._update(lease, decided(decision, opening), f"recording the decision {decision.kind}")

    def finish_decision(self, lease: Lease) -> None:
        """Record that the decision is carried out."""
        self._update(lease, decision_finished(), "recording that a decision is carried out")

    def set_status(self, lease: Lease, status: BatchStatus, *, reason: str = "") -> None:
        """Set the batch's status; where it ends the batch's work, it finishes a decision too."""
        self._update(lease, status_set(status.value, reason), f"setting the status {status}")

    def set_counts(self, lease: Lease, counts: LoadCounts) -> None:
        """Record what became of the records."""
        self._update(lease, field_set("counts", counts), "recording counts")

    def set_span(self, lease: Lease, oldest: datetime | None, newest: datetime | None) -> None:
        """Record the times of the first and the last of the batch's records; None when none could be read."""
        self._update(lease, field_set("span", {"oldest": oldest, "newest": newest}), "recording the records' times")

    def set_embedding(self, lease: Lease, manifest: EmbedManifest) -> None:
        """Record the batch's latest embedding batch."""
        self._update(lease, embedding_set(manifest), "recording an embedding batch")

    def begin_rollback(self, lease: Lease, plan: RollbackPlan) -> None:
        """Record what taking an embedding batch back is going to do, before it does."""
        self._update(lease, rollback_begun(plan.embedding_batch_id, plan.numbers()), "recording an intended rollback")

    def set_rolled_back(self, lease: Lease, plan: RollbackPlan) -> None:
        """Record that an embedding batch was taken back."""
        self._update(lease, embedding_rolled_back(plan.embedding_batch_id, plan.numbers()), "recording a rollback")

    def _begin_step(self, lease: Lease, step: str, update: Update) -> int | None:
        """Attempts at a step before the update; None when its lease was taken over."""
        held = held_filter(lease.batch_id, lease.fence)
        if self._database.capabilities.modifies_by_key:
            before = self._batches.find_one_and_update(held, update, {f"steps.{step}.attempts": 1})
            return batch_in(before).step(step).attempts if before else None
        # read first, so that one that fails counts no attempt; nobody else writes under this fence in between
        known = self._attempts.pop(lease, None)
        if known is None and (found := self._batches.find_one(held, {"steps": 1})):
            known = {name: state.attempts for name, state in batch_in(found).steps.items()}
        if known is None or not self._batches.update_one(held, update).matched_count:
            return None
        attempts = known.get(step, 0)
        self._attempts = {lease: known | {step: attempts + 1}}
        return attempts

    def _update(self, lease: Lease, update: Update, doing: str) -> None:
        with self._guard(lease, doing):
            written = self._batches.update_one(held_filter(lease.batch_id, lease.fence), update)
        if not written.matched_count:
            raise lost(lease, doing)

    @staticmethod
    def _guard(lease: Lease, doing: str) -> AbstractContextManager[None]:
        return ERRORS.guard(f"{doing} of batch {short(lease.batch_id)}")
