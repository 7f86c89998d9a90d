"""`run.py` as a process: help, exit codes, streams."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sluicegate.commands import COMMANDS
from tests.cli.conftest import ROOT

Process = Callable[..., subprocess.CompletedProcess[str]]

HEAVY = ("great_expectations", "pymongo", "neo4j", "google.cloud", "pandas", "pydantic", "rich", "structlog")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['run.py', '--help']\n"
        "import contextlib, run\n"
        "with contextlib.suppress(SystemExit): run.main()\n"
        f"print('heavy:', [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_help_lists_every_command(process: Process) -> None:
    done = process("--help")
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("command", ["run", "status", "resume", "campaigns load", "docs open", "docs path", "doctor"])
def test_every_command_has_help_with_an_example(process: Process, command: str) -> None:
    done = process(*command.split(), "--help")
    assert done.returncode == 0
    assert "Example" in done.stdout


@pytest.mark.parametrize("arguments", ["nonsense", "run --nonsense", "resume", "--log-level LOUD status"])
def test_a_usage_error_is_exit_code_2(process: Process, arguments: str) -> None:
    assert process(*arguments.split()).returncode == 2


def test_an_error_is_a_paragraph_on_stderr_and_nothing_on_stdout(process: Process) -> None:
    done = process("run", "nowhere.jsonl")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nowhere.jsonl" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_that_cannot_be_used_is_named_without_its_value(process: Process) -> None:
    done = process("status", SLUICEGATE_LEASE_SECONDS="hunter2")
    assert done.returncode == 2
    assert "SLUICEGATE_LEASE_SECONDS" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_half_configured_set_of_stores_is_refused(process: Process) -> None:
    done = process("doctor", MONGODB_URI="mongodb://127.0.0.1:1")
    assert done.returncode == 2
    assert "NEO4J_URI" in done.stderr


def test_production_refuses_local_servers(process: Process) -> None:
    done = process("status", SLUICEGATE_ENV="production")
    assert done.returncode == 2
    assert "MONGODB_URI" in done.stderr


def test_an_unreachable_ledger_is_exit_code_3(process: Process) -> None:
    done = process(
        "status",
        MONGODB_URI="mongodb://user:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=100",
        NEO4J_URI="bolt://127.0.0.1:1",
        MILVUS_URI="http://127.0.0.1:1",
        BIGQUERY_PROJECT="project",
        GEMINI_API_KEY="key",
    )
    assert done.returncode == 3
    assert "run.py doctor" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_run_whose_gx_project_cannot_be_made_says_what_to_do(process: Process, tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "0900.jsonl").write_text('{"interaction_id": "i_1"}\n')
    (tmp_path / "a file").touch()
    done = process("run", SLUICEGATE_GX=str(tmp_path / "a file" / "gx"))
    assert done.returncode == 2
    assert "run.py gx sync --root FOLDER" in done.stderr


def test_logs_in_a_pipe_are_json_lines_and_results_go_to_stdout(process: Process) -> None:
    done = process("doctor", "--json")
    assert isinstance(json.loads(done.stdout), list)
    assert all(json.loads(line) for line in done.stderr.splitlines())
