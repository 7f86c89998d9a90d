"""Listeners exist only where they are configured, and their libraries are needed only then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.config import load_settings
from pipeline.telemetry.assembly import telemetry
from tests.fakes.scripted import RecordedProgress
from tests.telemetry.conftest import connections

ROOT = Path(__file__).parent.parent.parent

WITHOUT = """
import sys
for name in ("opentelemetry", "prometheus_client", "openlineage"):
    sys.modules[name] = None  # as if it were not installed
from expectations_plugins.core.errors import ConfigurationError
from pipeline.config import load_settings
from pipeline.telemetry.assembly import telemetry
try:
    print(telemetry(load_settings(**{argument: "http://127.0.0.1:9" for argument in sys.argv[1:]}), None, None))
except ConfigurationError as error:
    print(error)
"""


def without_libraries(*variables: str) -> str:
    command = [sys.executable, "-c", WITHOUT, *variables]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=True).stdout


def test_nothing_is_listened_to_unless_it_is_configured() -> None:
    assert telemetry(load_settings(), RecordedProgress(), connections) is None


def test_without_the_extra_everything_else_works() -> None:
    assert without_libraries() == "None\n"


@pytest.mark.parametrize(
    "variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "SLUICEGATE_METRICS_FILE", "OPENLINEAGE_URL", "SLUICEGATE_LINEAGE_FILE"]
)
def test_a_setting_whose_library_is_missing_names_the_extra(variable: str) -> None:
    said = without_libraries(variable)
    assert f"{variable} is set, but " in said
    assert "pip install 'sluicegate[telemetry]'" in said
