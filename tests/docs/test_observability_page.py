"""The page on observability: its table is the code's, its rules use metrics that exist, its commands run as written."""

from __future__ import annotations

import json
import re
import runpy
import shlex

import pytest
import yaml

from pipeline.config import Settings
from pipeline.telemetry.metrics import METRICS
from tests.end_to_end.conftest import ROOT, Workspace, make_workspace, workspace

__all__ = ["make_workspace", "workspace"]

PAGE = (ROOT / "docs" / "observability.md").read_text("utf-8")
COMMANDS = runpy.run_path(str(ROOT / "docs" / "readme_commands.py"))["commands"](PAGE)
PROGRAM = "python run.py "
SAMPLES = {name + part for name in (metric.prometheus_name for metric in METRICS) for part in ("", "_bucket", "_count")}


@pytest.fixture(scope="module")
def printed(workspace: Workspace) -> dict[str, str]:
    """What each command of the page prints, after the sample was run with a metrics file."""
    folder, file = ROOT / "docs" / "sample", str(workspace.folder / "sluicegate.prom")
    workspace.run(folder / "landing", "--campaigns", folder / "campaigns.jsonl", SLUICEGATE_METRICS_FILE=file)
    found = {}
    for line in COMMANDS["observe"].splitlines():
        done = workspace.cli(*shlex.split(line.removeprefix(PROGRAM)), SLUICEGATE_METRICS_FILE=file)
        assert done.returncode == 0, done.stderr
        found[line.removeprefix(PROGRAM)] = done.stdout
    return found


def test_the_table_is_what_is_exported() -> None:
    assert runpy.run_path(str(ROOT / "docs" / "metrics_table.py"))["page"]() == PAGE


def test_the_rules_use_metrics_that_exist() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (group,) = yaml.safe_load(block)["groups"]
    used = {name for rule in group["rules"] for name in re.findall(r"sluicegate_\w+", rule["expr"])}
    assert used
    assert used <= SAMPLES


def test_the_settings_it_names_exist() -> None:
    known = {field.alias for field in Settings.model_fields.values()}
    named = set(re.findall(r"`(SLUICEGATE_[A-Z_]+|OPENLINEAGE_[A-Z_]+|OTEL_EXPORTER_[A-Z_]+)", PAGE))
    assert len(named) > 8
    assert named <= known


def test_every_command_does_what_the_page_says(printed: dict[str, str]) -> None:
    assert "sluicegate_records_read_total 181.0" in printed["metrics"]
    assert "sluicegate_ledger_up 1.0" in printed["metrics"]
    assert printed["watch --minutes 60"] == ""  # all is well
    assert json.loads(printed["watch --minutes 60 --json"])["fresh"] is True


def test_every_shown_command_is_run() -> None:
    assert re.findall(r"^python run\.py .*$", PAGE, re.MULTILINE) == COMMANDS["observe"].splitlines()
