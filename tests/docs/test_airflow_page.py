"""What the page on Airflow, cron and systemd shows is what there is, and every command that can be run here is run."""

from __future__ import annotations

import configparser
import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.airflow.writing import CALL, shipped
from pipeline.core.topology import STEPS
from tests.airflow.fake_airflow import load
from tests.end_to_end.conftest import ROOT, Workspace, make_workspace, workspace

__all__ = ["make_workspace", "workspace"]

DOCS = ROOT / "docs"
PAGE = (DOCS / "airflow.md").read_text("utf-8")
COMMANDS = runpy.run_path(str(DOCS / "readme_commands.py"))["commands"](PAGE)
SHOWN = [line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
SERVICE, TIMER = DOCS / "deploy" / "sluicegate.service", DOCS / "deploy" / "sluicegate.timer"
ELSEWHERE = ("python3 -m venv ", "cp docs/", "systemctl ", "journalctl ")
"""Of the machine's own programs; what they install is tested by tests/airflow/install.py."""


@pytest.fixture(scope="module")
def here(workspace: Workspace) -> Callable[[str], str]:
    """Puts this machine's places for those of the page: a program, and a landing folder with a file of the sample."""
    folder, landing = workspace.folder / "opt", workspace.folder / "landing"
    (folder / "bin").mkdir(parents=True)
    (workspace.folder / "airflow" / "dags").mkdir(parents=True)
    landing.mkdir()
    program = folder / "bin" / "sluicegate"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT / "run.py"}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    shutil.copy(DOCS / "sample" / "landing" / "2026-11-20T0900.jsonl", landing)
    return lambda text: text.replace("/opt/sluicegate", str(folder)).replace("/var/log/interactions", str(landing))


def shell(workspace: Workspace, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script as a scheduler does, the stores being local."""
    variables = {name: value for name, value in workspace.environment.items() if name != "SLUICEGATE_GX"}
    variables["AIRFLOW_HOME"] = str(workspace.folder / "airflow")
    return subprocess.run(
        ["/bin/sh", "-euc", script], capture_output=True, text=True, env=variables, timeout=300, check=False
    )


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(path)
    return parser


def cron_command() -> str:
    [line] = [line for line in (DOCS / "deploy" / "sluicegate.cron").read_text("utf-8").splitlines() if line[0] != "#"]
    assert line in PAGE
    *rhythm, user, command = line.split(" ", 6)
    assert (rhythm, user) == (["*/10", "*", "*", "*", "*"], "sluicegate")
    return command


def test_the_commands_that_prepare_a_machine_work_and_so_do_those_of_cron_and_systemd(
    workspace: Workspace, here: Callable[[str], str]
) -> None:
    """One after the other, as on a new machine."""
    prepared = shell(workspace, here(COMMANDS["prepare"]))
    assert prepared.returncode == 0, prepared.stderr
    assert '"status": "new"' in prepared.stdout
    wrote = shell(workspace, here(COMMANDS["write"]))
    assert (wrote.returncode, wrote.stdout, wrote.stderr) == (0, "", "")
    dag_file = load((workspace.folder / "airflow" / "dags" / "sluicegate_dag.py").read_text("utf-8"))
    task = dag_file.dag.tasks["plan"]
    assert (task.folder, task.paths) == (here("/opt/sluicegate"), [here("/var/log/interactions")])
    assert dag_file.plan_in(prepared.stdout.splitlines()[-1])[0]
    by_cron = shell(workspace, here(cron_command()))
    assert (by_cron.returncode, by_cron.stdout, by_cron.stderr) == (0, "", "")
    assert "closed" in Path(here("/opt/sluicegate/run.log")).read_text("utf-8")
    service = unit(SERVICE)["Service"]
    by_systemd = shell(workspace, here(f"cd {service['WorkingDirectory']} && {service['ExecStart']}"))
    assert (by_systemd.returncode, by_systemd.stdout) == (0, "1 batch was already processed.\n"), by_systemd.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_takes_the_units(here: Callable[[str], str], tmp_path: Path) -> None:
    for path in (SERVICE, TIMER):
        (tmp_path / path.name).write_text(here(path.read_text("utf-8")), encoding="utf-8")
    units = [str(tmp_path / path.name) for path in (SERVICE, TIMER)]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "sluicegate" in line]
    assert (done.returncode, complaints) == (0, [])


def test_the_timer_and_the_example_run_every_ten_minutes() -> None:
    assert unit(TIMER)["Timer"]["OnCalendar"] == "*:0/10"
    assert "| `schedule` | `*/10 * * * *` |" in PAGE


def test_the_page_shows_the_call_of_the_shipped_file_as_it_is() -> None:
    assert f"```python\n{shipped().partition(CALL)[2]}```" in PAGE


def test_nothing_is_installed_into_the_environment_of_airflow() -> None:
    installs = [line for line in SHOWN if "pip install" in line]
    assert [line for line in installs if "/opt/sluicegate/bin/pip install ." not in line] == []


def test_the_message_about_other_steps_is_shown_as_it_is() -> None:
    dag_file = load()
    plan = {"batches": [], "left_out": [], "steps": [*(step.key for step in STEPS), "gate:tone"]}
    with pytest.raises(dag_file.NoUseError) as refusal:
        dag_file.plan_in(json.dumps(plan))
    assert str(refusal.value) in PAGE.replace("\n> ", " ")


def test_the_page_shows_every_step_and_every_exit_code() -> None:
    assert " → ".join(f"{step.kind}_{step.name}" for step in STEPS) in PAGE
    rows = re.findall(r"^\| ([\d, ]+)[^|]*\|[^|]*\|([^|]*)\|([^|]*)\|$", PAGE, re.MULTILINE)
    said = {int(code): (again, who) for codes, again, who in rows for code in codes.split(",") if code.strip()}
    for code, meaning in load().MEANINGS.items():
        assert ("tries again" in said[code][0]) is meaning.again
        assert ("Sluicegate" in said[code][1] or "other run" in said[code][1]) is meaning.reported


def test_every_argument_of_the_factory_is_on_the_page() -> None:
    arguments = re.findall(
        r"^    (\w+): .*,$", shipped().partition("def sluicegate_dag(")[2].partition(") -> DAG")[0], re.MULTILINE
    )
    table = PAGE.partition("| argument |")[2].partition("\n\n")[0]
    assert len(arguments) > 9
    assert [name for name in arguments if f"`{name}`" not in table] == ["dag_id"]


@pytest.mark.parametrize("line", [line for line in SHOWN if "python tests/" in line or "python -m " in line])
def test_a_command_that_takes_minutes_is_there(line: str) -> None:
    words = [word for word in shlex.split(line) if "=" not in word]
    if words[1] == "-m" and words[2] == "pytest":
        assert all((ROOT / path).is_dir() for path in words[3:])
        return
    asked = [sys.executable, *words[1 : 3 if words[1] == "-m" else 2], "--help"]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert "Usage" in done.stdout + done.stderr


def test_every_shown_command_is_run_or_is_not_ours() -> None:
    ours = [line for line in SHOWN if not line.startswith(ELSEWHERE)]
    known = [line for name in ("prepare", "write") for line in COMMANDS[name].splitlines()]
    assert [
        line for line in ours if line not in known and "python tests/" not in line and "python -m " not in line
    ] == []


def test_every_file_it_names_is_there() -> None:
    named = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert [name for name in named if not (DOCS / name).is_file()] == []
