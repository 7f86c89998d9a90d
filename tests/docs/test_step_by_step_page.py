"""The page on single steps: its commands are run as they are written, and its tables say what the code does."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import shutil
import subprocess

import pytest

from expectations_plugins.core.errors import ExitCode
from pipeline.core.topology import GATES, STAGES, STEPS
from tests.end_to_end.conftest import ROOT, Workspace, make_workspace, workspace
from tests.end_to_end.oracle import Stores

__all__ = ["make_workspace", "workspace"]

PAGE = (ROOT / "docs" / "step-by-step.md").read_text("utf-8")
COMMANDS = runpy.run_path(str(ROOT / "docs" / "readme_commands.py"))["commands"](PAGE)
PLANNED = re.search(r"```\n(\{.*\})\n```", PAGE)
PROGRAM = "python run.py "

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def done(workspace: Workspace) -> dict[str, list[Done]]:
    """What came of each block's lines, in the order of the page."""
    shutil.copytree(ROOT / "docs" / "sample", workspace.folder / "docs" / "sample")
    return {
        name: [workspace.cli(*shlex.split(line.removeprefix(PROGRAM))) for line in text.splitlines()]
        for name, text in COMMANDS.items()
    }


def test_the_plan_is_what_the_page_shows(done: dict[str, list[Done]]) -> None:
    assert PLANNED is not None
    assert json.loads(done["plan"][0].stdout) == json.loads(PLANNED.group(1))


def test_the_halted_batch_stops_at_its_gate(done: dict[str, list[Done]]) -> None:
    assert [one.returncode for one in done["halted"]] == [0, 0, 10]
    assert "run.py resume 71c01dd45b70" in done["halted"][-1].stdout


def test_a_person_lets_it_go_on_and_the_last_gate_was_done(done: dict[str, list[Done]]) -> None:
    assert [one.returncode for one in done["through"]] == [0, 0]
    assert done["through"][1].stdout == "The closing gate was done before.\n"


def test_steps_one_by_one_end_as_one_run_does(done: dict[str, list[Done]], workspace: Workspace) -> None:
    """The first batch step by step, each in a process of its own; then what a run finds to do for it."""
    assert done
    file = "docs/sample/landing/2026-11-20T0900.jsonl"
    assert workspace.cli("stage", "load", "8b7f947c", "--file", file).returncode == 0
    for step in STEPS[1:-1]:
        assert workspace.cli(str(step.kind), step.name, "8b7f947c").returncode == 0
    last = json.loads(workspace.cli("gate", STEPS[-1].name, "8b7f947c", "--json").stdout)
    assert (last["exit_code"], last["batches"][0]["status"]) == (0, "closed")
    assert workspace.run(file)["batches"][0]["fresh"] is False
    stores = Stores(workspace.places)
    try:
        assert len(stores.vector_ids()) > 57
    finally:
        stores.close()


def test_the_plan_leaves_out_what_is_closed(done: dict[str, list[Done]], workspace: Workspace) -> None:
    assert done
    plan = json.loads(workspace.cli("plan", "docs/sample/landing").stdout)
    assert "71c01dd45b70" not in [one["batch_id"][:12] for one in plan["batches"]]


def test_every_step_and_exit_code_is_on_the_page() -> None:
    assert all(f"`{name}`" in PAGE for name in (*STAGES, *GATES))
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert codes == {int(code) for code in ExitCode} - {ExitCode.INTERRUPTED, ExitCode.TERMINATED}
