"""A ledger in memory, for the runner's own tests; its documents are shaped and read as the real one's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from expectations_plugins.core.errors import ConfigurationError, LeaseHeldError, LeaseLostError, TransientError
from pipeline.core.batch import Batch
from pipeline.core.batches import BatchStatus, Lease, LoadCounts
from pipeline.core.decision import Decision, Opening
from pipeline.core.embeddings import EmbedManifest
from pipeline.core.records import DeadLetter
from pipeline.core.verdicts import ActionOutcome, GateReport
from pipeline.stores.mongodb.batches import batch_in


class MemoryLedger:
    """Implements pipeline.ports.Ledger.

    `outages` calls from now on raise TransientError, as a store that is down does.
    """

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.leases: dict[str, Lease] = {}
        self.letters: list[DeadLetter] = []
        self.outages = 0
        self.renewals = 0

    def prepare(self) -> None:
        self._up()

    def open_batch(self, batch_id: str, *, source: str, size: int) -> Batch:
        self._up()
        new = {"_id": batch_id, "source": source, "size": size, "status": "running", "first_seen": datetime.now(UTC)}
        return batch_in(self.documents.setdefault(batch_id, new))

    def batch(self, batch_id: str) -> Batch | None:
        self._up()
        document = self.documents.get(batch_id)
        return batch_in(document) if document else None

    def find(self, prefix: str) -> Batch:
        found = [document for key, document in self.documents.items() if key.startswith(prefix)]
        if len(found) != 1:
            raise ConfigurationError(f"{len(found)} batches start with {prefix}.")
        return batch_in(found[0])

    def recent(self, limit: int) -> Sequence[Batch]:
        return [batch_in(one) for one in reversed(self.documents.values())][:limit]

    def acquire(self, batch_id: str, holder: str, seconds: float) -> Lease:
        self._up()
        held = self.leases.get(batch_id)
        if held and held.holder != holder and held.expires_at > datetime.now(UTC):
            raise LeaseHeldError(f"Batch {batch_id[:12]} is held by {held.holder}.")
        lease = Lease(batch_id, holder, (held.fence if held else 0) + 1, datetime.now(UTC) + timedelta(seconds=seconds))
        self.leases[batch_id] = lease
        return lease

    def renew(self, lease: Lease, seconds: float) -> None:
        self._mine(lease)
        self.renewals += 1
        self.leases[lease.batch_id] = Lease(
            lease.batch_id, lease.holder, lease.fence, datetime.now(UTC) + timedelta(seconds=seconds)
        )

    def release(self, lease: Lease) -> None:
        if self.leases.get(lease.batch_id, lease).fence == lease.fence:
            self.leases[lease.batch_id] = replace(lease, expires_at=datetime.now(UTC))

    def is_held(self, batch_id: str) -> bool:
        """Whether somebody's lease on the batch has not expired."""
        return batch_id in self.leases and self.leases[batch_id].expires_at > datetime.now(UTC)

    def start_step(self, lease: Lease, step: str) -> int:
        entry = self._step(lease, step)
        entry.update(status="running", attempts=entry.get("attempts", 0) + 1, start_time=datetime.now(UTC))
        return int(entry["attempts"])

    def end_step(self, lease: Lease, step: str, *, ok: bool, counts: Mapping[str, Any], error: str = "") -> None:
        self._step(lease, step).update(
            status="done" if ok else "failed", counts=dict(counts), error=error, end_time=datetime.now(UTC)
        )

    def record_gate(self, lease: Lease, report: GateReport) -> None:
        self._document(lease).setdefault("gates", {})[report.gate] = asdict(report)

    def record_action(self, lease: Lease, gate: str, run_id: str, outcome: ActionOutcome) -> None:
        record = self._document(lease).get("gates", {}).get(gate) or {}
        if record.get("run_id") == run_id:
            record["intents"] = [
                {**one, **asdict(outcome)} if one["action"] == outcome.action else one for one in record["intents"]
            ]

    def halted(self, limit: int) -> Sequence[Batch]:
        return [batch_in(one) for one in self.documents.values() if one.get("status") == "halted"][:limit]

    def unfinished_decisions(self) -> Sequence[Batch]:
        self._up()
        return [batch_in(one) for one in self.documents.values() if one.get("decision")]

    def decide(self, lease: Lease, decision: Decision, opening: Opening) -> None:
        document = self._document(lease)
        made = {**asdict(decision), "kind": str(decision.kind), "at": datetime.now(UTC)}
        document.setdefault("decisions", []).append(made)
        document["decision"] = None if opening.finished else made
        self.clear_steps(lease, opening.cleared)
        self.reopen_steps(lease, opening.reopened)
        if opening.status is not None:
            document.update(status=str(opening.status), reason=opening.reason)
        if opening.passed:
            document["steps"][opening.passed] |= {"status": "done", "counts": {"resumed": True}, "error": ""}
        if opening.failed:
            document["steps"][opening.failed] |= {"status": "failed", "error": opening.reason}

    def finish_decision(self, lease: Lease) -> None:
        self._document(lease)["decision"] = None

    def clear_steps(self, lease: Lease, steps: Sequence[str]) -> None:
        for step in steps:
            self._document(lease).get("steps", {}).pop(step, None)

    def reopen_steps(self, lease: Lease, steps: Sequence[str]) -> None:
        for step in steps:
            self._step(lease, step).update(status="reopened", attempts=0)

    def set_status(self, lease: Lease, status: BatchStatus, *, reason: str = "") -> None:
        document = self._document(lease)
        document.update(status=str(status), reason=reason)
        if status is not BatchStatus.RUNNING:
            document["decision"] = None

    def set_counts(self, lease: Lease, counts: LoadCounts) -> None:
        self._document(lease)["counts"] = asdict(counts)

    def set_span(self, lease: Lease, oldest: datetime | None, newest: datetime | None) -> None:
        self._document(lease)["span"] = {"oldest": oldest, "newest": newest}

    def set_embedding(self, lease: Lease, manifest: EmbedManifest) -> None:
        self._document(lease)["embedding"] = asdict(manifest)

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        self.letters.extend(letters)

    def dead_letters(self, batch_id: str) -> Iterator[DeadLetter]:
        return iter(letter for letter in self.letters if letter.batch_id == batch_id)

    def _step(self, lease: Lease, step: str) -> dict[str, Any]:
        entry: dict[str, Any] = self._document(lease).setdefault("steps", {}).setdefault(step, {})
        return entry

    def _document(self, lease: Lease) -> dict[str, Any]:
        self._mine(lease)
        return self.documents[lease.batch_id]

    def _mine(self, lease: Lease) -> None:
        self._up()
        held = self.leases.get(lease.batch_id)
        if held is None or held.fence != lease.fence or held.holder != lease.holder:
            raise LeaseLostError(f"The lease on batch {lease.batch_id[:12]} is another run's.")

    def _up(self) -> None:
        if self.outages:
            self.outages -= 1
            raise TransientError("MongoDB: reading the ledger failed: connection refused")
