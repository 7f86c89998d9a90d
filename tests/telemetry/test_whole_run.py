"""The sample on real servers, observed by every receiver at once; then the watchdog, and metrics as they are served."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.conftest import ROOT, Workspace, make_workspace, workspace
from tests.fakes.alert_receiver import AlertReceiver, alert_receiver
from tests.fakes.telemetry_receiver import TelemetryReceiver, telemetry_receiver
from tests.telemetry.client_schemas import check

__all__ = ["make_workspace", "workspace"]

SAMPLE = ROOT / "docs" / "sample"
READ = 181
"""Records in the sample's three files."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A run of the sample, and who watched it."""

    workspace: Workspace
    telemetry: TelemetryReceiver
    alerts: AlertReceiver
    variables: dict[str, str]
    document: dict[str, Any]
    metrics_file: Path
    lineage_file: Path

    def watch(self, *arguments: str, **variables: str) -> Any:
        return self.workspace.cli("watch", *arguments, **(self.variables | variables))


@pytest.fixture(scope="module")
def observed(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    folder = tmp_path_factory.mktemp("observed")
    with telemetry_receiver() as telemetry, alert_receiver(folder) as alerts:
        variables = {
            **{name: str(value) for name, value in alerts.variables().items()},
            "OTEL_EXPORTER_OTLP_ENDPOINT": telemetry.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=otlpKeyOfTheTest",
            "OPENLINEAGE_URL": telemetry.url,
            "OPENLINEAGE_API_KEY": "lineageKeyOfTheTest",
            "SLUICEGATE_METRICS_FILE": str(folder / "sluicegate.prom"),
            "SLUICEGATE_LINEAGE_FILE": str(folder / "lineage.jsonl"),
            "SLUICEGATE_TELEMETRY_TIMEOUT": "30",
        }
        document = workspace.run(SAMPLE / "landing", "--campaigns", SAMPLE / "campaigns.jsonl", **variables)
        files = folder / "sluicegate.prom", folder / "lineage.jsonl"
        yield Observed(workspace, telemetry, alerts, variables, document, *files)


def counters(text: str) -> dict[str, float]:
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {f"{one.name} {' '.join(one.labels.values())}".strip(): one.value for one in samples}


def test_the_run_is_what_it_is_without_observers(observed: Observed) -> None:
    assert (observed.document["returncode"], len(observed.document["batches"])) == (10, 3)


def test_every_record_is_in_the_text_file_and_at_the_collector(observed: Observed) -> None:
    found = counters(observed.metrics_file.read_text("utf-8"))
    for name, number in {"read": READ, "accepted": 176, "quarantined": 3, "duplicate": 1, "dead": 1}.items():
        assert found[f"sluicegate_records_{name}_total"] == number
        assert observed.telemetry.total(f"sluicegate.records.{name}") == number
    assert found["sluicegate_gate_invalid_ratio graph"] == pytest.approx(4 / 59)
    assert found["sluicegate_ledger_up"] == 1
    assert found["sluicegate_halted_oldest_age_seconds"] > 0


def test_each_batch_is_a_trace_of_its_own(observed: Observed) -> None:
    ids = {batch["batch_id"][:32] for batch in observed.document["batches"]}
    assert {span.trace_id.hex() for span in observed.telemetry.spans} == ids
    roots = [span for span in observed.telemetry.spans if not span.parent_span_id]
    assert [span.name for span in roots] == ["batch"] * 3


def test_the_lineage_events_are_valid_and_the_same_in_the_file_and_at_the_receiver(observed: Observed) -> None:
    events = [json.loads(line) for line in observed.lineage_file.read_text("utf-8").splitlines()]
    assert events == observed.telemetry.lineage
    assert len(events) > 40
    for event in events:
        check(event)
    written = {dataset["namespace"].partition(":")[0] for event in events for dataset in event["outputs"]}
    assert written == {"mongodb", "bigquery", "neo4j", "milvus"}


def test_nothing_that_was_sent_holds_a_record_or_a_secret(observed: Observed) -> None:
    sent = b"".join(observed.telemetry.bodies).decode("utf-8", "replace")
    files = "".join(path.read_text("utf-8") for path in (observed.metrics_file, observed.lineage_file))
    assert not re.search(r"i_\d{5}", sent + files)
    assert not re.search(r"u_\d{3}", sent + files)
    places = observed.workspace.places
    secrets = [*observed.variables.values(), *(str(places[name]) for name in ("neo4j_password", "gemini_api_key"))]
    for secret in (one for one in secrets if "Key" in one or "Token" in one or one in map(str, places.values())):
        assert secret not in sent + files


def test_the_watchdog_pages_when_stale_and_resolves_when_fresh(observed: Observed) -> None:
    key = "sluicegate:freshness:no batch closes"
    stale = observed.watch("--minutes", "0.0001", "--json")
    assert (stale.returncode, json.loads(stale.stdout)["fresh"]) == (10, False)
    assert observed.watch("--minutes", "0.0001").returncode == 10  # told once, all the same
    fresh = observed.watch("--minutes", "600")
    assert (fresh.returncode, fresh.stdout) == (0, "")
    assert [event for event in observed.alerts.events if event[1] == key] == [("trigger", key), ("resolve", key)]


def test_the_watchdog_pages_when_the_ledger_is_down(observed: Observed) -> None:
    down = "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100&replicaSet=rs0"
    local = dict.fromkeys(("NEO4J_URI", "MILVUS_URI", "BIGQUERY_PROJECT", "GEMINI_API_KEY"), "local")
    done = observed.watch(MONGODB_URI=down, SLUICEGATE_RETRY_WAIT="0", **local)
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert observed.alerts.events[-1] == ("trigger", "sluicegate:pipeline:ledger down")


def test_metrics_are_served_as_they_are(observed: Observed) -> None:
    server = observed.workspace.start("metrics", "--serve", "127.0.0.1:0", **observed.variables)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        with urllib.request.urlopen(address, timeout=30) as answer:
            found = counters(answer.read().decode())
        assert (found["sluicegate_records_read_total"], found["sluicegate_ledger_up"]) == (READ, 1)
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 130


def test_receivers_that_hang_change_neither_exit_code_nor_verdicts(observed: Observed, tmp_path: Path) -> None:
    file = tmp_path / "again.jsonl"
    file.write_text((SAMPLE / "landing" / "2026-11-20T0900.jsonl").read_text("utf-8").replace('"i_', '"k_'), "utf-8")
    observed.telemetry.hangs = True
    try:
        quick = observed.variables | {"SLUICEGATE_TELEMETRY_TIMEOUT": "1"}
        document = observed.workspace.run(file, **quick)
    finally:
        observed.telemetry.hangs = False
    (batch,) = document["batches"]
    assert (document["returncode"], batch["status"]) == (0, "closed")
    assert set(batch["verdicts"].values()) == {"PASS"}
    found = counters(observed.metrics_file.read_text("utf-8"))
    assert found["sluicegate_records_read_total"] == READ + 60
