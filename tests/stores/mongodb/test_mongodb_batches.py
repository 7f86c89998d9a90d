"""What the ledger writes of a batch, and the value that is read of it: the same field by field, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from expectations_plugins.mongodb.connection import Database
from pipeline.cli.batch_json import as_document
from pipeline.cli.summary import plain
from pipeline.core.batch import Batch, EmbeddingState, GateState, Span, StepState, StepStatus, Tombstone
from pipeline.core.batches import BatchStatus, Lease, LoadCounts
from pipeline.core.decision import Decision, DecisionKind, Opening
from pipeline.core.embeddings import EmbedManifest
from pipeline.core.rollback_plan import RollbackNumbers, RollbackPlan
from pipeline.core.verdicts import ActionOutcome, Finding, GateReport, Intent, Verdict
from pipeline.stores.mongodb.batches import batch_in
from pipeline.stores.mongodb.dead_queue import MongoDeadQueue
from pipeline.stores.mongodb.ledger import MongoLedger

BATCH, PARENT = "ab" * 32, "cd" * 32
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
REPORT = GateReport(
    "vectors",
    Verdict.FAIL,
    "ab-vectors-1",
    findings=(Finding("sampled vectors", "critical", "1 of 3 is zero", 1, 3, (("i_1", "zero"),), "vector"),),
    actions=(ActionOutcome("alert", "done", "told"),),
    docs="file:///docs/vectors.html",
    page="vectors.html",
    rate=0.25,
    parameters={"sample_ids": ["i_1"], "rejected": {"zero.vector": 1}},
    transient=True,
    intents=(Intent("rollback", {"embedding_batch_id": "e_2"}), Intent("docs", {})),
)
MANIFEST = EmbedManifest(
    "e_2",
    expected=3,
    written=2,
    fallback=1,
    rejected={"zero.vector": 1},
    truncated=1,
    truncated_ids=("i_1",),
    refused=(("i_3", "it is empty"),),
    accepted=1,
    sample_ids=("i_1", "i_2"),
    number=2,
    kind="reembed",
    finished=False,
    was_finished=True,
    fence=7,
    collection="interactions_m",
    model="m",
)


def lived(ledger: MongoLedger, queue: MongoDeadQueue) -> Iterator[str]:
    """A batch to which everything happens that the ledger can write down; after each of it, what it was."""
    ledger.open_batch(BATCH, source="/landing/a.jsonl", size=7)
    queue.adopt(BATCH, PARENT)
    yield "opened"
    lease = ledger.acquire(BATCH, "me", 60)
    for step in ("stage:load", "gate:raw", "stage:embed", "gate:vectors"):
        ledger.start_step(lease, step)
    yield "begun"
    ledger.set_span(lease, NOW, NOW)
    ledger.set_counts(lease, LoadCounts(read=10, accepted=5, quarantined=2, duplicate=2, dead=1))
    ledger.end_step(lease, "stage:load", ok=True, counts={"read": 10, "accepted": 5})
    yield "loaded"
    ledger.record_gate(lease, GateReport("raw", Verdict.PASS, "ab-raw-1"))
    ledger.end_step(lease, "gate:raw", ok=False, counts={"verdict": "PASS"}, error="bad user_ids")
    ledger.reopen_steps(lease, ["gate:raw"])
    yield "reopened"
    ledger.set_embedding(lease, EmbedManifest("e_1", collection="interactions_m", model="m"))
    ledger.set_embedding(lease, MANIFEST)
    yield from _ended(ledger, queue, lease)


def _ended(ledger: MongoLedger, queue: MongoDeadQueue, lease: Lease) -> Iterator[str]:
    plan = RollbackPlan(BATCH, "e_2", "interactions_m", removed=1, restored=1, expected=2)
    ledger.record_gate(lease, REPORT)
    ledger.record_action(lease, "vectors", REPORT.run_id, ActionOutcome("rollback", "done", "2 vectors removed"))
    ledger.end_step(lease, "gate:vectors", ok=False, counts={"verdict": "FAIL", "run_id": REPORT.run_id}, error="zero")
    ledger.begin_rollback(lease, plan)
    yield "rollback begun"
    ledger.set_rolled_back(lease, plan)
    ledger.set_status(lease, BatchStatus.HALTED, reason="1 of 3 is zero")
    yield "halted"
    ledger.decide(
        lease,
        Decision(DecisionKind.RESUME, {"without_file": True}, "me"),
        Opening(BatchStatus.RUNNING, passed="gate:vectors"),
    )
    yield "decided"
    ledger.clear_steps(lease, ["stage:embed", "gate:raw", "gate:vectors", "gate:graph"])
    yield "cleared"
    ledger.start_step(lease, "gate:vectors")
    ledger.end_step(lease, "gate:vectors", ok=False, counts={"verdict": "FAIL"}, error="zero")
    ledger.set_status(lease, BatchStatus.DEAD, reason="Rejected: not ours")
    ledger.decide(lease, Decision(DecisionKind.DROP, {"note": "not ours"}, "me"), Opening())
    queue.drop_batch(lease, Tombstone("me", "not ours", NOW))
    yield "dropped"


def as_text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True, default=plain)


def test_a_batch_is_the_same_json_as_its_document_whatever_happened_to_it(
    ledger: MongoLedger, database: Database
) -> None:
    for what in lived(ledger, MongoDeadQueue(database)):
        stored = database["batches"].find_one({"_id": BATCH}) or {}
        assert as_text(as_document(batch_in(stored))) == as_text(stored), what


def unset(value: object, at: str) -> Iterator[str]:
    """The fields of a value, and of the values in it, that hold nothing."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from unset(one, f"{at}.{key}")
    elif isinstance(value, tuple):
        for one in value:
            yield from unset(one, at)
    elif is_dataclass(value):
        for field in fields(value):
            found = getattr(value, field.name)
            if found in (None, "", (), {}):
                yield f"{at}.{field.name}"
            yield from unset(found, f"{at}.{field.name}")


def test_every_field_of_a_batch_is_written_by_the_ledger(ledger: MongoLedger, database: Database) -> None:
    """So the test above, which compares what is written with what is read, compares all there is."""
    *_, _ = lived(ledger, MongoDeadQueue(database))
    batch = ledger.find(BATCH)
    empty = set(unset(batch, "batch"))
    expected = {
        "batch.gates.raw." + name for name in ("findings", "actions", "docs", "page", "rate", "parameters", "intents")
    }
    expected |= {f"batch.embeddings.e_1.{name}" for name in ("rejected", "sample_ids", "truncated_ids", "refused")}
    expected |= {f"batch.embeddings.e_1.{name}" for name in ("rollback", "rolled_back", "rolled_back_at")}
    # the intent without an outcome; the load, which went well; nothing was ever written of the graph gate
    expected |= {"batch.gates.vectors.intents.at", "batch.gates.vectors.intents.detail", "batch.steps.stage:load.error"}
    expected |= {"batch.gates.vectors.intents.data"}
    assert {name for name in empty if not name.startswith("batch.gates.graph.")} == expected


def test_what_is_read_has_the_types_of_the_program(ledger: MongoLedger, database: Database) -> None:
    *_, _ = lived(ledger, MongoDeadQueue(database))
    batch = ledger.find(BATCH)
    gate, embedding = batch.gates["vectors"], batch.embedding
    assert (batch.status, batch.step("stage:load").status) == (BatchStatus.DEAD, StepStatus.DONE)
    assert (batch.span, batch.dropped, batch.parent) == (Span(NOW, NOW), Tombstone("me", "not ours", NOW), PARENT)
    assert (gate.verdict, gate.findings, gate.superseded) == (Verdict.FAIL, REPORT.findings, True)
    assert [(one.action, one.status, one.detail, bool(one.at)) for one in gate.intents] == [
        ("rollback", "done", "2 vectors removed", True),
        ("docs", "pending", "", False),
    ]
    assert embedding
    assert {field.name: getattr(embedding, field.name) for field in fields(MANIFEST)} == {
        field.name: getattr(MANIFEST, field.name) for field in fields(MANIFEST)
    }
    assert embedding.rolled_back == embedding.rollback == RollbackNumbers("interactions_m", 1, 1, 2)


OLD_MANIFEST = {
    "embedding_batch_id": "e_1",
    "expected": 3,
    "written": 3,
    "fallback": 0,
    "rejected": {},
    "sample_ids": ["i_1"],
    "number": 1,
    "kind": "embed",
    "finished": True,
    "fence": 7,
    "rolled_back": {"removed": 3, "restored": 0},
    "rolled_back_at": NOW,
}
OLD = {
    "_id": BATCH,
    "schema_version": 1,
    "status": "halted",
    "attempts": 1,
    "counts": {"read": 3, "accepted": 3, "quarantined": 0, "duplicate": 0, "dead": 0},
    "fence": 7,
    "steps": {"stage:load": {"status": "done", "attempts": 1, "start_time": NOW}},
    "gates": {},
    "embedding": OLD_MANIFEST,
    "reason": "zero vectors",
    "first_seen": NOW,
    "source": "/landing/a.jsonl",
    "size": 7,
    "updated": NOW,
    "start_time": NOW,
    "embeddings": {"e_1": OLD_MANIFEST},
    "end_time": NOW,
}
"""As a version wrote it whose manifests named neither a collection nor a model."""


def test_a_batch_of_an_earlier_version_is_read_and_shown_as_it_was_written() -> None:
    batch = batch_in(OLD)
    expected = EmbeddingState(
        "e_1",
        expected=3,
        written=3,
        sample_ids=("i_1",),
        fence=7,
        rolled_back=RollbackNumbers(removed=3),
        rolled_back_at=NOW,
    )
    assert (batch.embedding, batch.embeddings) == (expected, {"e_1": expected})
    shown = as_document(batch)
    for one in (shown["embedding"], *shown["embeddings"].values()):
        assert one.pop("was_finished") is False  # it is said of every embedding batch
    assert as_text(shown) == as_text(OLD)


NONSENSE = (None, 7, -1.5, float("nan"), "text", True, NOW, [], [7], {}, {"a": 7}, {"a": {"b": 7}}, [{"a": []}])


@pytest.mark.parametrize("name", OLD)
@pytest.mark.parametrize("value", NONSENSE, ids=repr)
def test_a_field_of_another_type_keeps_no_batch_from_being_read(name: str, value: object) -> None:
    read = batch_in({**OLD, name: value})
    assert isinstance(read, Batch)
    as_document(read)


@pytest.mark.parametrize("value", NONSENSE, ids=repr)
def test_neither_does_one_within_a_step_a_gate_or_an_embedding_batch(value: object) -> None:
    step = dict.fromkeys((field.name for field in fields(StepState)), value)
    gate = dict.fromkeys((field.name for field in fields(GateState)), value)
    embedding = dict.fromkeys((field.name for field in fields(EmbeddingState)), value)
    counts = dict.fromkeys((field.name for field in fields(LoadCounts)), value)
    within = {"findings": [step, value], "intents": [gate, value], "actions": [step, value]}
    read = batch_in(
        {
            "_id": BATCH,
            "counts": counts,
            "steps": {"stage:load": step},
            "gates": {"raw": gate, "graph": {**gate, **within}},
            "embedding": embedding,
            "dropped": {"at": value},
        }
    )
    as_document(read)


def test_what_a_later_version_adds_is_left_out() -> None:
    assert batch_in({"_id": BATCH, "later": 1, "steps": {"stage:load": {"later": 1}}}) == Batch(
        BATCH, steps={"stage:load": StepState()}
    )
