"""The ledger's updates: pure functions, golden in the tests. Times are the server's (`$$NOW`), so that clocks agree.

Values stand under `$literal`, so that none is read as an operator or a field. Times are compared and reckoned with as
milliseconds (`$toLong`): see `Capabilities.subtracts_now`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from pipeline.core.batch import StepStatus
from pipeline.core.batches import BatchStatus
from pipeline.core.decision import Decision, Opening
from pipeline.core.embeddings import ONLY_IF_ANY
from pipeline.core.rollback_plan import RollbackNumbers
from pipeline.core.schema_versions import SCHEMAS

Document = dict[str, Any]
Update = list[Document]

LEDGER_VERSION = SCHEMAS["mongodb"].current
"""Schema version of the ledger's documents."""

BATCHES = "batches"
LEASES = "leases"
META = "ledger_meta"

OLDEST_FIRST = [("first_seen", 1), ("_id", 1)]
NEWEST_FIRST = [("first_seen", -1), ("_id", -1)]
"""Orders of batches: one index, read from either end."""
FIRST_SEEN_INDEX = "first_seen_id"
DECISION_INDEX = "decision_at"

DECISIONS_KEPT = 20
"""The latest decisions about a batch that its document keeps."""

RUNNING = BatchStatus.RUNNING.value
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a lease that was given back expired."""
_NOW_MS = {"$toLong": "$$NOW"}
_INT64 = range(-(2**63), 2**63)
"""Ask for int(value): a range looks through all its numbers for a subclass such as BSON's Int64."""


def held_filter(batch_id: str, fence: int) -> Document:
    """The batch, as long as no later lease was taken on it."""
    return {"_id": {"$eq": batch_id}, "fence": {"$eq": fence}}


def created() -> Document:
    """What a new batch starts with; an existing one keeps what it has."""
    defaults = {
        "schema_version": LEDGER_VERSION,
        "status": RUNNING,
        "attempts": 0,
        "counts": {},
        "fence": 0,
        "steps": {},
        "gates": {},
        "embedding": {},
        "reason": "",
    }
    fields = {name: {"$ifNull": [f"${name}", literal(value)]} for name, value in defaults.items()}
    return {**fields, "first_seen": {"$ifNull": ["$first_seen", "$$NOW"]}}


def batch_opened(source: str, size: int) -> Update:
    """The batch was found in a file; the newest place wins, so that a moved file is found again."""
    return [{"$set": {**created(), "source": literal(source), "size": literal(size), "updated": "$$NOW"}}]


def batch_fenced(fence: int) -> Update:
    """A lease was taken: writes under an older fence no longer match."""
    attempts = {"$add": [{"$ifNull": ["$attempts", 0]}, 1]}
    top = {"$max": ["$fence", literal(fence)]}
    return [{"$set": {**created(), "updated": "$$NOW", "attempts": attempts, "fence": top}}]


def free_or_ours_filter(batch_id: str, holder: str) -> Document:
    """The lease, when it has expired or is the holder's own."""
    expired = {"$lte": [{"$toLong": "$expires_at"}, _NOW_MS]}
    return {"_id": {"$eq": batch_id}, "$expr": {"$or": [expired, {"$eq": ["$holder", literal(holder)]}]}}


def lease_taken(holder: str, seconds: float) -> Update:
    """The lease under a new holder and a higher fence: the time, so that it also grows when the ledger was lost.

    The other stores remember the highest fence that has written to them.
    """
    fence = {"$max": [{"$add": ["$fence", 1]}, _NOW_MS]}
    return [{"$set": {"holder": literal(holder), "fence": fence, "expires_at": server_time_in(seconds)}}]


def our_lease_filter(batch_id: str, holder: str, fence: int) -> Document:
    """The lease, as long as it is this holder's."""
    return {**held_filter(batch_id, fence), "holder": {"$eq": holder}}


def lease_renewed(seconds: float) -> Update:
    """The lease, for longer."""
    return [{"$set": {"expires_at": server_time_in(seconds)}}]


def step_started(step: str, version: str) -> Update:
    """A new attempt at a step by a version of the code; of the attempt before, only the number is kept."""
    attempts = {"$add": [{"$ifNull": [f"$steps.{step}.attempts", 0]}, 1]}
    entry = {"status": literal(StepStatus.RUNNING.value), "attempts": attempts, "start_time": "$$NOW"}
    entry["code_version"] = literal(version)
    return _updated({"start_time": {"$ifNull": ["$start_time", "$$NOW"]}, f"steps.{step}": {"$mergeObjects": [entry]}})


def step_ended(step: str, *, ok: bool, counts: Mapping[str, Any], error: str) -> Update:
    """The end of an attempt."""
    elapsed = {"$subtract": [_NOW_MS, {"$toLong": f"$steps.{step}.start_time"}]}
    entry = {
        "status": literal((StepStatus.DONE if ok else StepStatus.FAILED).value),
        "end_time": "$$NOW",
        "duration_s": {"$divide": [elapsed, 1000]},
        "counts": literal(plain(counts)),
        "error": literal(plain(error)),
    }
    return _updated({f"steps.{step}": {"$mergeObjects": [f"$steps.{step}", entry]}})


def steps_cleared(steps: tuple[str, ...]) -> Update:
    """Forget steps, their attempts too; what a gate said stays to be read, and stands no more."""
    return _updated(_cleared(steps))


def steps_reopened(steps: tuple[str, ...]) -> Update:
    """Steps to be done again, their attempts counted anew; their counts say what a person decided."""
    return _updated(_reopened(steps))


def _cleared(steps: tuple[str, ...]) -> Document:
    return {**{f"steps.{step}": "$$REMOVE" for step in steps}, **_superseded(steps)}


def _reopened(steps: tuple[str, ...]) -> Document:
    fields = {f"steps.{step}.status": literal(StepStatus.REOPENED.value) for step in steps}
    return {**fields, **{f"steps.{step}.attempts": literal(0) for step in steps}, **_superseded(steps)}


def _superseded(steps: tuple[str, ...]) -> Document:
    gates = [name for kind, _, name in (step.partition(":") for step in steps) if kind == "gate"]
    return {
        f"gates.{name}.superseded": {"$cond": [{"$ifNull": [f"$gates.{name}.run_id", False]}, True, "$$REMOVE"]}
        for name in gates
    }


def gate_recorded(gate: str, report: Mapping[str, Any]) -> Update:
    """A gate's report in place of the one before."""
    return _updated({f"gates.{gate}": {"$mergeObjects": [literal(plain(report)), {"at": "$$NOW"}]}})


def action_recorded(gate: str, run_id: str, outcome: object) -> Update:
    """What became of an action, in its intent; of this check only."""
    done = plain(outcome)
    intents = {"$ifNull": [f"$gates.{gate}.intents", []]}
    named = {"$eq": ["$$this.action", literal(done["action"])]}
    ended = {"$mergeObjects": ["$$this", {"status": literal(done["status"]), "detail": literal(done["detail"])}]}
    ended["$mergeObjects"].append({"at": "$$NOW"})
    updated = {"$map": {"input": intents, "in": {"$cond": [named, ended, "$$this"]}}}
    same_check = {"$eq": [f"$gates.{gate}.run_id", literal(run_id)]}
    return _updated({f"gates.{gate}.intents": {"$cond": [same_check, updated, intents]}})


def embedding_set(manifest: object) -> Update:
    """The batch's latest embedding batch, and the same among all it had."""
    found = {name: value for name, value in plain(manifest).items() if value or name not in ONLY_IF_ANY}
    return _updated({"embedding": literal(found), f"embeddings.{found['embedding_batch_id']}": literal(found)})


def rollback_begun(name: str, numbers: RollbackNumbers) -> Update:
    """An embedding batch is going to be taken back from the collection that is named with the numbers."""
    begun = {"rollback": literal(plain(numbers)), "collection": literal(plain(numbers.collection))}
    return _manifest_merged(name, begun)


def embedding_rolled_back(name: str, numbers: RollbackNumbers) -> Update:
    """An embedding batch was taken back."""
    return _manifest_merged(name, {"rolled_back": literal(plain(numbers)), "rolled_back_at": "$$NOW"})


def _manifest_merged(name: str, fields: Document) -> Update:
    """Fields of an embedding batch's manifest; also of the latest one, if it is that."""
    is_latest = {"$eq": ["$embedding.embedding_batch_id", literal(name)]}
    latest = {"$cond": [is_latest, {"$mergeObjects": ["$embedding", fields]}, "$embedding"]}
    return _updated({f"embeddings.{name}": {"$mergeObjects": [f"$embeddings.{name}", fields]}, "embedding": latest})


def status_set(status: str, reason: str) -> Update:
    """A status; every one but running ends the batch's clock, and with it what a person decided."""
    ended = {} if status == RUNNING else {"decision": "$$REMOVE"}
    return _updated({**_status(status, reason), **ended})


def _status(status: str, reason: str) -> Document:
    end_time = "$$REMOVE" if status == RUNNING else "$$NOW"
    return {"status": literal(status), "reason": literal(plain(reason)), "end_time": end_time}


def decided(decision: Decision, opening: Opening) -> Update:
    """What a person decided, and what changes at once with it."""
    entry = {"kind": decision.kind.value, "by": decision.by, "data": decision.data}
    recorded = {"$mergeObjects": [literal(plain(entry)), {"at": "$$NOW"}]}
    fields = {
        "decision": "$$REMOVE" if opening.finished else recorded,
        "decisions": {"$slice": [{"$concatArrays": [{"$ifNull": ["$decisions", []]}, [recorded]]}, -DECISIONS_KEPT]},
        **_cleared(opening.cleared),
        **_reopened(opening.reopened),
    }
    if opening.status is not None:
        fields |= _status(opening.status.value, opening.reason)
    if opening.passed:
        fields |= _ended(opening.passed, StepStatus.DONE, {"counts": literal({"resumed": True}), "error": literal("")})
    if opening.failed:
        fields |= _ended(opening.failed, StepStatus.FAILED, {"error": literal(plain(opening.reason))})
    return _updated(fields)


def _ended(step: str, status: StepStatus, others: Document) -> Document:
    entry = {"status": literal(status.value), "end_time": "$$NOW", **others}
    return {f"steps.{step}": {"$mergeObjects": [f"$steps.{step}", entry]}}


def decision_finished() -> Update:
    """A decision was carried out; it stays among the latest ones."""
    return _updated({"decision": "$$REMOVE"})


UNFINISHED: Document = {"decision.at": {"$gt": NEVER}}
"""Batches with a decision that is not carried out. A range, because servers use an index for it."""


def field_set(name: str, value: object) -> Update:
    """A value object in place of the one before."""
    return _updated({name: literal(plain(value))})


def server_time_in(seconds: float) -> Document:
    """A moment so many seconds from now, by the server's clock."""
    return {"$toDate": {"$add": [_NOW_MS, int(seconds * 1000)]}}


def literal(value: object) -> Document:
    """A value that is never read as an expression."""
    return {"$literal": value}


def plain(value: object) -> Any:
    """A value as MongoDB stores it: objects, arrays and scalars; what it has no type for becomes text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_encodable(str(key)).replace("\0", "\\0"): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: object) -> Any:
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, int) and int(value) not in _INT64:
        return str(value)
    if value is None or isinstance(value, bool | int | float | datetime):
        return value
    return _encodable(str(value))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _updated(fields: Document) -> Update:
    return [{"$set": {**fields, "updated": "$$NOW"}}]
