"""Receivers that are down, hang or answer errors change neither an exit code nor a verdict, and are told of once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.core.verdicts import Verdict
from tests.fakes.scripted import ScriptedGate
from tests.fakes.telemetry_receiver import TelemetryReceiver
from tests.telemetry.conftest import Run

NOBODY = "http://127.0.0.1:9"
LISTENERS = ["OpenTelemetry metrics", "OpenTelemetry traces", "the lineage receiver"]


@pytest.fixture(params=["is down", "hangs", "answers 500", "answers 429"])
def failing(request: pytest.FixtureRequest, receiver: TelemetryReceiver) -> str:
    """Where a receiver is that fails."""
    receiver.hangs = request.param == "hangs"
    receiver.status = int(request.param.split()[1]) if "answers" in request.param else 200
    return NOBODY if request.param == "is down" else receiver.url


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.PASS, 0), (Verdict.FAIL, 10)])
def test_the_exit_code_and_the_verdicts_are_what_they_are(
    failing: str, make_run: Callable[..., Run], land: Callable[..., Path], verdict: Verdict, code: int
) -> None:
    land()
    run = make_run(OTEL_EXPORTER_OTLP_ENDPOINT=failing, OPENLINEAGE_URL=failing, SLUICEGATE_TELEMETRY_TIMEOUT=1)
    run.app.gates["graph"] = ScriptedGate("graph", verdict)
    assert run() == code
    (document,) = run.app.ledger.documents.values()
    assert document["gates"]["graph"]["verdict"] == verdict
    assert sorted(str(told["listener"]) for told in run.failures) == LISTENERS


def test_the_file_is_written_although_the_receivers_hang(
    receiver: TelemetryReceiver, make_run: Callable[..., Run], land: Callable[..., Path], tmp_path: Path
) -> None:
    land()
    receiver.hangs, path = True, tmp_path / "m.prom"
    run = make_run(
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
        SLUICEGATE_METRICS_FILE=path,
        SLUICEGATE_TELEMETRY_TIMEOUT=1,
    )
    assert run() == 0
    assert "sluicegate_records_read_total 60.0" in path.read_text("utf-8")
