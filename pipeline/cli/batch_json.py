"""A batch as the ledger's document of it, for JSON: fields by the ledger's names, in the ledger's order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from pipeline.core.batch import Batch, EmbeddingState, GateState, IntentState, StepState
from pipeline.core.decision import Decision
from pipeline.core.embeddings import ONLY_IF_ANY, EmbedManifest
from pipeline.core.rollback_plan import RollbackNumbers


def as_document(batch: Batch) -> dict[str, Any]:
    """All that the ledger keeps of a batch, as JSON types and times; what there is not of it is left out.

    Args:
        batch: The batch, whole.
    """
    return {
        "_id": batch.batch_id,
        "schema_version": batch.schema_version,
        "status": batch.status,
        "attempts": batch.attempts,
        "counts": asdict(batch.counted) if batch.counted else {},
        "fence": batch.fence,
        "steps": {key: _step(step) for key, step in batch.steps.items()},
        "gates": {name: _gate(name, gate) for name, gate in batch.gates.items()},
        "embedding": _embedding(batch.embedding) if batch.embedding else {},
        "reason": batch.reason,
        "first_seen": batch.first_seen,
        "source": batch.source,
        "size": batch.size,
        "updated": batch.updated,
        **_known({"parent": batch.parent or None, "start_time": batch.start_time}),
        **_known({"span": asdict(batch.span) if batch.span else None}),
        **_known({"embeddings": {name: _embedding(one) for name, one in batch.embeddings.items()} or None}),
        **_known({"end_time": batch.end_time, "dropped": asdict(batch.dropped) if batch.dropped else None}),
        **_known({"decision": _decision(batch.decision) if batch.decision else None}),
        **_known({"decisions": list(map(_decision, batch.decisions)) or None}),
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {"kind": decision.kind, "by": decision.by, "data": dict(decision.data), "at": decision.at}


def _known(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None}


def _step(step: StepState) -> dict[str, Any]:
    begun = {"status": step.status, "attempts": step.attempts}
    begun |= _known({"start_time": step.start_time, "code_version": step.code_version or None})
    if step.end_time is None:
        return begun
    ended = _known({"end_time": step.end_time, "duration_s": step.duration_s})
    return {**begun, **ended, "counts": step.counts, "error": step.error}


def _gate(name: str, gate: GateState) -> dict[str, Any]:
    superseded = {"superseded": True} if gate.superseded else {}
    if gate.verdict is None:
        return superseded
    said = {field.name: getattr(gate, field.name) for field in fields(gate)}
    del said["at"], said["superseded"]
    return {
        "gate": name,
        **said,
        "findings": [asdict(one) for one in gate.findings],
        "actions": [asdict(one) for one in gate.actions],
        "intents": [_intent(one) for one in gate.intents],
        **_known({"at": gate.at}),
        **superseded,
    }


def _intent(intent: IntentState) -> dict[str, Any]:
    return _known(asdict(intent))


def _embedding(embedding: EmbeddingState) -> dict[str, Any]:
    manifest = {field.name: getattr(embedding, field.name) for field in fields(EmbedManifest)}
    manifest = {name: value for name, value in manifest.items() if value or name not in ONLY_IF_ANY}
    if not embedding.model:  # an earlier version wrote it, without these
        del manifest["model"]
        manifest |= {"collection": embedding.collection or None}
    return _known(
        {
            **manifest,
            "rollback": _numbers(embedding.rollback),
            "rolled_back": _numbers(embedding.rolled_back),
            "rolled_back_at": embedding.rolled_back_at,
        }
    )


def _numbers(found: RollbackNumbers | None) -> dict[str, Any] | None:
    if found is None or found.expected is not None:
        return asdict(found) if found else None
    return {"removed": found.removed, "restored": found.restored}  # as earlier versions did
