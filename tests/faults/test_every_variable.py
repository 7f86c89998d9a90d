"""Every documented variable is set: commands, and the processes they start, take it from the environment or `.env`."""

from __future__ import annotations

from collections.abc import Iterator

import certifi
import pytest

from pipeline.config.reference import variables
from pipeline.local.endpoints import Endpoints
from tests.airflow.fake_airflow import load
from tests.faults.workplace import Workplace

BESIDE = {
    "MILVUS_TOKEN": "root:Milvus",
    "BIGQUERY_LOCATION": "EU",
    "GEMINI_MODEL": "gemini-embedding-001",
    "GEMINI_MAX_TOKENS": "2000",
    "GEMINI_CONCURRENCY": "3",
    "SLUICEGATE_CA_FILE": certifi.where(),
    "SLUICEGATE_ENV": "development",
    "SLACK_WEBHOOK_URL": "https://127.0.0.1:9/services/T/B/x",
    "PAGERDUTY_ROUTING_KEY": "0" * 32,
    "PAGERDUTY_EVENTS_URL": "https://127.0.0.1:9",
    "SLUICEGATE_ALERT_ROUTES": "raw:critical=slack",
    "SLUICEGATE_ALERT_INTERVAL": "60",
    "SLUICEGATE_ALERT_REMINDER": "60",
    "SLUICEGATE_ALERT_CA_BUNDLE": certifi.where(),
    "SLUICEGATE_START_SECONDS": "200",
    "SLUICEGATE_SPOOL": "spool",
    "SLUICEGATE_FILES": "*.jsonl",
    "SLUICEGATE_RESULTS_URL": "results",
    "SLUICEGATE_DOCS_URL": "pages",
    "SLUICEGATE_DOCS_PUBLIC_URL": "https://docs.example.com",
    "SLUICEGATE_SOURCE_TIMEZONE": "Europe/London",
    "SLUICEGATE_EARLIEST": "2008-06-01",
    "SLUICEGATE_AHEAD_HOURS": "48",
    "SLUICEGATE_MAX_BATCH_RECORDS": "1000",
    "SLUICEGATE_MIN_FILE_AGE": "0",
    "SLUICEGATE_LEASE_SECONDS": "60",
    "SLUICEGATE_HALT_SCOPE": "pipeline",
    "SLUICEGATE_LOG_LEVEL": "WARNING",
    "SLUICEGATE_USER_ID_PATTERN": r"^u_\d{2,}$",
    "SLUICEGATE_USER_ID_TOLERANCE": "0.01",
    "SLUICEGATE_DEAD_TOLERANCE": "0.01",
    "SLUICEGATE_UNREADABLE_TOLERANCE": "0.01",
    "SLUICEGATE_DUPLICATE_TOLERANCE": "0.1",
    "SLUICEGATE_VECTOR_TOLERANCE": "0.1",
    "SLUICEGATE_VECTOR_SAMPLE": "50",
    "SLUICEGATE_VECTOR_MIN_INVALID": "2",
    "SLUICEGATE_VECTOR_EXACT_SCAN": "false",
    "SLUICEGATE_FALLBACK_TOLERANCE": "0.1",
    "SLUICEGATE_TRUNCATED_TOLERANCE": "0.1",
    "SLUICEGATE_MASKED_FIELDS": "user_id,text",
    "SLUICEGATE_DOCS_KEEP_DAYS": "10",
    "SLUICEGATE_DOCS_KEEP_BATCHES": "100",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
    "OTEL_EXPORTER_OTLP_HEADERS": "a=b",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "cumulative",
    "SLUICEGATE_METRICS_FILE": "metrics.prom",
    "OPENLINEAGE_URL": "http://127.0.0.1:9",
    "OPENLINEAGE_API_KEY": "key",
    "SLUICEGATE_LINEAGE_FILE": "lineage.jsonl",
    "OPENLINEAGE_NAMESPACE": "tests",
    "SLUICEGATE_TELEMETRY_TIMEOUT": "0.5",
    "SLUICEGATE_FRESHNESS_MINUTES": "60",
}
"""Beside those that name the test's own servers and folders: a usable value for each."""

NEEDS_A_REAL_KEY = {"GOOGLE_APPLICATION_CREDENTIALS"}
"""Google's library asks Google whether such a file is right."""

RECORD = b'{"interaction_id": "%s", "user_id": "u_12", "type": "click", "timestamp": "2026-11-20T09:00:00Z"}\n'


@pytest.fixture(scope="module")
def place(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace.prepared(endpoints, tmp_path_factory.mktemp("variables"), "every_variable")


@pytest.fixture(params=["environment", ".env"])
def by(request: pytest.FixtureRequest, place: Workplace) -> Iterator[dict[str, str]]:
    """What is given to each command; for `.env` nothing, for it is all in there."""
    if request.param == "environment":
        yield BESIDE
        return
    given = {**place.variables(), **BESIDE}
    file = place.folder / ".env"
    file.write_text("".join(f"{name}='{value}'\n" for name, value in given.items()))
    file.chmod(0o600)
    yield dict.fromkeys(given, "")
    file.unlink()


def test_every_documented_variable_is_tried(place: Workplace) -> None:
    assert {one.name for one in variables()} == {*place.variables(), *BESIDE} | NEEDS_A_REAL_KEY


def test_every_command_that_starts_processes_works_under_all_of_them(place: Workplace, by: dict[str, str]) -> None:
    how = by["SLUICEGATE_ENV"] or "file"
    place.land(f"{how}.jsonl", RECORD % how.encode())
    assert place.command("run", **by).code == 0
    again = place.command("backfill", "--again", "--from", "2026-11-20", "--to", "2026-11-20", "--workers", "2", **by)
    assert (again.code, "failed" in again.stdout) == (0, False), again
    watched = place.command("watch", **by)
    assert watched.code == 0, watched
    assert '"batches"' in place.command("plan", **by).stdout
    try:
        up = place.command("stack", "up", "gemini", **by)
        assert up.code == 0, up
        assert (place.folder / "home" / "logs" / "gemini.log").exists()
    finally:
        place.command("stack", "down", **by)


def test_the_dag_hands_every_variable_on(place: Workplace) -> None:
    given = {**place.variables(), **BESIDE}
    assert load().environment({**given, "AIRFLOW__CORE__FERNET_KEY": "x"}, {}) == given
