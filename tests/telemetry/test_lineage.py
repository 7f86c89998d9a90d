"""OpenLineage: every event is valid, starts and ends match, names follow the rules, and no record is in any of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openlineage.client.naming import dataset as naming

from expectations_plugins.core.errors import TransientError
from pipeline.config import load_settings
from pipeline.config.connections import resolve
from pipeline.core.fields import DEAD_LETTERS, INTERACTIONS
from pipeline.core.topology import STEPS, StepKind
from pipeline.core.verdicts import Verdict
from pipeline.local import Endpoints
from pipeline.stores.bigquery.queries import METRICS, VIEW
from pipeline.telemetry.datasets import DatasetName, file_name, names
from pipeline.telemetry.openlineage import run_id
from tests.fakes.scripted import ScriptedGate, ScriptedStage
from tests.fakes.telemetry_receiver import TelemetryReceiver
from tests.telemetry.client_schemas import check
from tests.telemetry.conftest import STORES, Run, connections

Make = Callable[..., Run]
Land = Callable[..., Path]
Event = dict[str, Any]


@pytest.fixture
def run(make_run: Make, land: Land, receiver: TelemetryReceiver) -> Run:
    """One batch has landed, and a lineage receiver listens."""
    land()
    return make_run(OPENLINEAGE_URL=receiver.url, OPENLINEAGE_API_KEY="lineageKey77")


def told(receiver: TelemetryReceiver) -> list[tuple[str, str]]:
    return [(event["eventType"], event["job"]["name"]) for event in receiver.lineage]


def of_job(receiver: TelemetryReceiver, name: str, state: str) -> Event:
    (event,) = [one for one in receiver.lineage if (one["job"]["name"], one["eventType"]) == (name, state)]
    return event


def test_the_batch_and_each_stage_and_gate_start_and_complete(run: Run, receiver: TelemetryReceiver) -> None:
    assert run() == 0
    steps = [f"batch.{step.key.replace(':', '.')}" for step in STEPS]
    assert told(receiver) == [
        ("START", "batch"),
        *[(state, name) for name in steps for state in ("START", "COMPLETE")],
        ("COMPLETE", "batch"),
    ]
    assert run.failures == []


def test_every_event_is_valid(run: Run, receiver: TelemetryReceiver) -> None:
    run.app.stages["graph"] = ScriptedStage("graph", TransientError("Neo4j: nobody there."))
    run.app.gates["vectors"] = ScriptedGate("vectors", Verdict.FAIL)
    assert run() == 10
    assert len(receiver.lineage) > 10
    for event in receiver.lineage:
        check(event)


@pytest.mark.parametrize("fault", [{"eventType": "BEGUN"}, {"run": {"runId": "1"}}, {"job": {}}, {"user_id": "u_1"}])
def test_an_event_with_a_fault_is_not_valid(run: Run, receiver: TelemetryReceiver, fault: Event) -> None:
    run()
    with pytest.raises(jsonschema.ValidationError):
        check({**receiver.lineage[0], **fault})


def test_a_failed_gate_fails_its_run_and_its_assertions_say_what_it_found(
    run: Run, receiver: TelemetryReceiver
) -> None:
    run.app.gates["raw"] = ScriptedGate("raw", Verdict.FAIL)
    assert run() == 10
    event = of_job(receiver, "batch.gate.raw", "FAIL")
    (interactions,) = event["inputs"]
    facets = interactions["inputFacets"]
    assert [(one["assertion"], one["success"]) for one in facets["dataQualityAssertions"]["assertions"]] == [
        ("gate raw", False),
        ("expect_user_ids", False),
    ]
    assert facets["dataQualityAssertions"]["assertions"][1]["params"] == {"unexpected": 3, "checked": 60}
    assert facets["dataQualityMetrics"]["rowCount"] == 60
    assert told(receiver)[-1] == ("FAIL", "batch")


def test_rows_are_counted(run: Run, receiver: TelemetryReceiver) -> None:
    run()
    load = of_job(receiver, "batch.stage.load", "COMPLETE")
    assert load["inputs"][0]["inputFacets"]["inputStatistics"]["rowCount"] == 60
    assert load["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 60


def test_run_ids_follow_from_batch_step_and_attempt_and_steps_name_their_batch(
    run: Run, receiver: TelemetryReceiver
) -> None:
    run.app.stages["load"] = ScriptedStage("load", TransientError("MongoDB: nobody there."))
    run()
    (batch_id,) = run.app.ledger.documents
    loads = [event for event in receiver.lineage if event["job"]["name"] == "batch.stage.load"]
    assert [event["eventType"] for event in loads] == ["START", "FAIL", "START", "COMPLETE"]
    ids = [run_id(batch_id, "stage:load", attempt) for attempt in (1, 1, 2, 2)]
    assert [event["run"]["runId"] for event in loads] == ids
    assert {event["run"]["facets"]["parent"]["run"]["runId"] for event in loads} == {run_id(batch_id)}
    assert uuid.UUID(run_id(batch_id))


def test_an_attempt_that_was_killed_is_aborted_by_the_run_that_goes_on(run: Run, receiver: TelemetryReceiver) -> None:
    run.app.stages["aggregate"] = ScriptedStage("aggregate", SystemExit(143))
    assert run() == 143
    (document,) = run.app.ledger.documents.values()
    document["steps"]["stage:aggregate"] = {"status": "running", "attempts": 1}  # as a kill leaves it
    assert run() == 0
    aggregates = [event for event in receiver.lineage if event["job"]["name"] == "batch.stage.aggregate"]
    assert [event["eventType"] for event in aggregates][-3:] == ["ABORT", "START", "COMPLETE"]
    ids = [run_id(document["_id"], "stage:aggregate", attempt) for attempt in (1, 2, 2)]
    assert [event["run"]["runId"] for event in aggregates][-3:] == ids


def test_nothing_is_told_of_a_batch_that_was_done_before(run: Run, receiver: TelemetryReceiver) -> None:
    run()
    before = len(receiver.lineage)
    run()
    assert len(receiver.lineage) == before


def test_no_secret_and_no_value_of_a_record_is_told(run: Run, receiver: TelemetryReceiver) -> None:
    run.app.stages["graph"] = ScriptedStage("graph", *[TransientError("Neo4j: u_hidden, i_hidden.")] * 4)
    run.app.gates["raw"] = ScriptedGate("raw", Verdict.WARN)
    assert run() == 5
    text = b"".join(receiver.bodies)
    hidden = [value for name, value in STORES.items() if "PASSWORD" in name or "KEY" in name or "TOKEN" in name]
    for secret in (*hidden, "mongoSecret1", "authSource", "lineageKey77", "u_hidden", "i_hidden", "i_1"):
        assert secret.encode() not in text


def test_the_api_key_is_sent(run: Run, receiver: TelemetryReceiver) -> None:
    run()
    assert {sent["authorization"] for sent in receiver.headers} == {"Bearer lineageKey77"}


def test_events_are_appended_to_a_file_one_a_line(make_run: Make, land: Land, tmp_path: Path) -> None:
    land()
    path = tmp_path / "lineage" / "events.jsonl"
    run = make_run(SLUICEGATE_LINEAGE_FILE=path, OPENLINEAGE_NAMESPACE="shop")
    run()
    land("2026-11-20T0910.jsonl", "i_2")
    run()
    events = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [event["job"]["name"] for event in events].count("batch") == 4
    assert {event["job"]["namespace"] for event in events} == {"shop"}
    for event in events:
        check(event)


def test_datasets_are_named_by_the_specification_where_it_has_a_rule() -> None:
    found = names(connections())
    bigquery = naming.BigQuery("acme-prod", "sluicegate", METRICS)
    assert found["metrics"] == DatasetName(bigquery.get_namespace(), bigquery.get_name())
    assert found["published"].name == f"acme-prod.sluicegate.{VIEW}"
    local = naming.LocalFileSystem("/logs/0900.jsonl")
    assert file_name("/logs/0900.jsonl") == DatasetName(local.get_namespace(), local.get_name())
    bucket = naming.S3("logs", "2026/0900.jsonl")
    assert file_name("s3://logs/2026/0900.jsonl") == DatasetName(bucket.get_namespace(), bucket.get_name())


def test_the_other_stores_are_named_by_its_pattern_without_credentials() -> None:
    found = names(connections())
    assert found["interactions"] == DatasetName("mongodb://db.example:27017", f"sluicegate.{INTERACTIONS}")
    assert found["dead_letters"].name == f"sluicegate.{DEAD_LETTERS}"
    assert found["graph"] == DatasetName("neo4j://graph.example:7687", "neo4j.Interaction")
    assert found["vectors"] == DatasetName("milvus://milvus.example:19530", "shop.interactions_gemini_embedding_001")


def test_an_ipv6_address_keeps_its_brackets() -> None:
    variables = {**STORES, "MONGODB_URI": "mongodb://[::1]/", "NEO4J_URI": "bolt://[::1]:7000"}
    found = names(resolve(load_settings(**variables), Endpoints()))
    assert found["interactions"].namespace == "mongodb://[::1]:27017"
    assert found["graph"].namespace == "neo4j://[::1]:7000"


def test_every_step_reads_something_and_every_stage_writes_something() -> None:
    assert [step.key for step in STEPS if not step.reads] == []
    assert [step.key for step in STEPS if bool(step.writes) is (step.kind is StepKind.GATE)] == []
    known = {"file", *names(connections())}
    assert {touched.dataset for step in STEPS for touched in (*step.reads, *step.writes)} <= known
