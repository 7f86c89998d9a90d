"""Every command of the README is run, as it is written, on the sample."""

from __future__ import annotations

import re
import runpy

import pytest

from tests.end_to_end.conftest import ROOT, Workspace, make_workspace, workspace

__all__ = ["make_workspace", "workspace"]

README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = runpy.run_path(str(ROOT / "docs" / "readme_commands.py"))["commands"](README)
PROGRAM = ".venv/bin/python run.py "
BATCH_ROW = re.compile(r"[0-9a-f]{12}  ")


@pytest.fixture(scope="module")
def sample(workspace: Workspace) -> Workspace:
    """A workspace in which the README's first command was run, without its installing half."""
    line = COMMANDS["run"].split(" && ")[-1]
    arguments = [ROOT / part if part.startswith("docs/") else part for part in line.removeprefix(PROGRAM).split()]
    done = workspace.process(*arguments)
    assert done.returncode == 10, done.stderr
    assert [row.split()[0] for row in done.stdout.splitlines()[1:4]] == [
        row.split()[0] for row in README.splitlines() if BATCH_ROW.match(row)
    ]
    return workspace


@pytest.mark.parametrize("line", COMMANDS["look"].splitlines())
def test_a_command_of_the_readme_works_as_written(sample: Workspace, line: str) -> None:
    assert line.startswith(PROGRAM)
    done = sample.process(*line.removeprefix(PROGRAM).split())
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert done.stdout


def test_the_test_command_installs_what_the_tests_need_and_runs_them() -> None:
    install, test = COMMANDS["test"].split(" && ")[1:]
    assert "'.[local,test]'" in install
    assert test == ".venv/bin/python -m pytest -n auto --dist loadfile"
