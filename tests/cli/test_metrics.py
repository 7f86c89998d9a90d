"""`metrics`: the file's counters and the ledger's standing, printed and served in Prometheus's format."""

from __future__ import annotations

import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from expectations_plugins.core.errors import ConfigurationError, TransientError
from pipeline.cli.metrics import Current, address, metrics
from pipeline.ports.health import Standing
from pipeline.telemetry.event_dispatch import Happened
from pipeline.telemetry.metrics_file import MetricsFile
from pipeline.telemetry.prometheus import Page
from tests.cli.conftest import Invoke
from tests.fakes.command_app import CommandApp

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)


class Ledger:
    """Implements pipeline.ports.health.StandingReader: a batch is halted since nine, or the ledger is down."""

    def __init__(self, *, is_down: bool = False) -> None:
        self.is_down = is_down

    def standing(self) -> Standing:
        if self.is_down:
            raise TransientError("MongoDB: nobody there.")
        return Standing(halted_since=NINE)

    def last_finished(self) -> tuple[datetime, str] | None:
        return None


@pytest.fixture
def file(app: CommandApp) -> Path:
    path = app.folder / "sluicegate.prom"
    MetricsFile(path).hear(Happened("batch_ended", {"gained": {"read": 3}}))
    app.configure(SLUICEGATE_METRICS_FILE=path)
    app.standing = Ledger()
    return path


def values(text: str) -> dict[str, float]:
    return {one.name: one.value for family in text_string_to_metric_families(text) for one in family.samples}


def test_the_files_counters_and_the_ledgers_standing_are_printed(invoke: Invoke, file: Path) -> None:
    assert file
    found = values(invoke(metrics).stdout)
    assert found["sluicegate_records_read_total"] == 3
    assert found["sluicegate_halted_oldest_timestamp_seconds"] == NINE.timestamp()
    assert (found["sluicegate_dead_letter_oldest_age_seconds"], found["sluicegate_ledger_up"]) == (0, 1)


def test_a_ledger_that_is_down_is_a_metric(invoke: Invoke, app: CommandApp, file: Path) -> None:
    assert file
    app.standing = Ledger(is_down=True)
    found = values(invoke(metrics).stdout)
    assert found == {"sluicegate_records_read_total": 3, "sluicegate_ledger_up": 0}


def test_without_a_file_it_says_that_no_counters_are_kept(invoke: Invoke, app: CommandApp) -> None:
    app.standing = Ledger()
    result = invoke(metrics)
    assert "SLUICEGATE_METRICS_FILE is not set" in result.stderr
    assert values(result.stdout)["sluicegate_ledger_up"] == 1


def test_a_damaged_file_is_said_on_stderr(invoke: Invoke, file: Path) -> None:
    file.write_text("half a li", "utf-8")
    result = invoke(metrics)
    assert "cannot be used" in result.stderr
    assert values(result.stdout)["sluicegate_ledger_up"] == 1


def test_a_page_is_what_is_true_when_it_is_asked_for(app: CommandApp, file: Path) -> None:
    port = Page(Current(app).samples).serve("127.0.0.1", 0)
    for total in (3, 6):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            assert answer.headers["content-type"].startswith("text/plain; version=")
            assert values(answer.read().decode())["sluicegate_records_read_total"] == total
        MetricsFile(file).hear(Happened("batch_ended", {"gained": {"read": 3}}))


def test_a_port_that_is_taken_is_said() -> None:
    port = Page(dict).serve("127.0.0.1", 0)
    with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}"):
        Page(dict).serve("127.0.0.1", port)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("9464", ("127.0.0.1", 9464)),
        (":9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_without_a_host_it_is_this_machine_only(text: str, found: tuple[str, int]) -> None:
    assert address(text) == found


@pytest.mark.parametrize("text", ["here", "here:", "127.0.0.1:99999", "127.0.0.1:-1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="HOST:PORT"):
        address(text)
