"""What an OpenTelemetry collector gets, decoded with OpenTelemetry's own protobuf messages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from expectations_plugins.core.errors import ConfigurationError, TransientError
from pipeline.config import load_settings
from pipeline.core.topology import STEPS
from pipeline.core.verdicts import Verdict
from pipeline.telemetry.metrics import METRICS, Kind
from tests.fakes.scripted import ScriptedGate, ScriptedStage
from tests.fakes.telemetry_receiver import TelemetryReceiver, plain
from tests.telemetry.conftest import Run

Make = Callable[..., Run]
Land = Callable[..., Path]

KEYS = [step.key for step in STEPS]


@pytest.fixture
def run(make_run: Make, land: Land, receiver: TelemetryReceiver) -> Run:
    """One batch has landed, and a collector listens."""
    land()
    return make_run(
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTEL_EXPORTER_OTLP_HEADERS="api-key=s3cretKey99,tenant=a%20shop"
    )


def test_a_batch_is_a_trace_with_a_span_for_each_stage_and_gate(run: Run, receiver: TelemetryReceiver) -> None:
    assert run() == 0
    (batch_id,) = run.app.ledger.documents
    *steps, root = receiver.spans
    assert [span.name for span in steps] == KEYS
    assert root.name == "batch"
    assert {span.parent_span_id for span in steps} == {root.span_id}
    assert {span.trace_id.hex() for span in receiver.spans} == {batch_id[:32]}
    assert plain(root.attributes)["sluicegate.batch_id"] == batch_id
    assert plain(steps[0].attributes)["sluicegate.accepted"] == 60
    assert plain(steps[2].attributes)["sluicegate.verdict"] == "PASS"
    assert run.failures == []


def test_spans_begin_and_end_within_their_batch(run: Run, receiver: TelemetryReceiver) -> None:
    run()
    *steps, root = receiver.spans
    assert all(root.start_time_unix_nano <= span.start_time_unix_nano for span in steps)
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano <= root.end_time_unix_nano for span in steps)


def test_a_failed_gate_and_its_batch_are_errors_without_a_value_of_a_record(
    run: Run, receiver: TelemetryReceiver
) -> None:
    run.app.gates["raw"] = ScriptedGate("raw", Verdict.FAIL)
    assert run() == 10
    gate, root = receiver.spans[-2:]
    assert (gate.status.code, root.status.code) == (2, 2)
    (event,) = [event for event in gate.events if event.name == "expectation failed"]
    assert plain(event.attributes) == {
        "expectation": "expect_user_ids",
        "severity": "critical",
        "column": "",
        "unexpected": 3,
        "checked": 60,
    }
    assert not any(b"3 of 60 user_ids" in body for body in receiver.bodies)


def test_a_retry_is_an_event_of_its_span(run: Run, receiver: TelemetryReceiver) -> None:
    run.app.stages["graph"] = ScriptedStage("graph", TransientError("Neo4j: record u_hidden is locked."))
    assert run() == 0
    (span,) = [span for span in receiver.spans if span.name == "stage:graph"]
    assert [event.name for event in span.events] == ["attempt", "retry", "attempt"]
    assert not any(b"u_hidden" in body for body in receiver.bodies)


def test_a_batch_that_was_done_before_has_no_span(run: Run, receiver: TelemetryReceiver) -> None:
    run()
    before = len(receiver.spans)
    run()
    assert len(receiver.spans) == before


def test_two_processes_at_one_batch_add_to_the_same_trace(run: Run, receiver: TelemetryReceiver) -> None:
    run.app.gates["raw"] = ScriptedGate("raw", Verdict.ERROR)
    assert run() == 10
    assert run() == 0
    assert len({span.trace_id for span in receiver.spans}) == 1
    assert [span.name for span in receiver.spans].count("batch") == 2


def test_metrics_have_the_names_units_and_values_of_the_table(run: Run, receiver: TelemetryReceiver) -> None:
    run()
    assert receiver.total("sluicegate.batches", status="closed", exit_code="0") == 1
    assert receiver.total("sluicegate.records.accepted") == 60
    assert receiver.total("sluicegate.gate.verdicts", gate="graph", verdict="PASS") == 1
    assert receiver.points["sluicegate.step.duration"][0][1].count == 1
    table = {metric.name: metric for metric in METRICS}
    for metric in receiver.sent_metrics():
        known = table[metric.name]
        kinds = {Kind.COUNTER: "sum", Kind.HISTOGRAM: "histogram", Kind.GAUGE: "gauge"}
        assert (metric.unit, metric.WhichOneof("data")) == (known.unit, kinds[known.kind])


@pytest.mark.parametrize(("preference", "temporality"), [("delta", 1), ("cumulative", 2)])
def test_counters_are_sent_as_the_standard_variable_says(
    run: Run, receiver: TelemetryReceiver, preference: str, temporality: int
) -> None:
    run.variables["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"] = preference
    run()
    sums = [metric.sum for metric in receiver.sent_metrics() if metric.WhichOneof("data") == "sum"]
    assert {one.aggregation_temporality for one in sums} == {temporality}


def test_headers_are_sent(run: Run, receiver: TelemetryReceiver) -> None:
    run()
    assert {(sent["api-key"], sent["tenant"]) for sent in receiver.headers} == {("s3cretKey99", "a shop")}


def test_an_address_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_HEADERS") as caught:
        load_settings(OTEL_EXPORTER_OTLP_ENDPOINT="http://me:hunter2pw@collector:4318")
    assert "hunter2pw" not in str(caught.value)
