"""Commands over a composition root of fakes, and the real `run.py` as a process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from tests.commands import environment
from tests.fakes.command_app import CommandApp

ROOT = Path(__file__).parent.parent.parent

Invoke = Callable[..., Result]


@pytest.fixture
def app(tmp_path: Path) -> CommandApp:
    found = CommandApp(tmp_path)
    (tmp_path / "landing").mkdir()
    return found


@pytest.fixture
def invoke(app: CommandApp) -> Invoke:
    """Call a command with arguments; errors are raised, the exit code is the command's `return_value`."""

    def call(command: click.Command, *arguments: object) -> Result:
        return CliRunner().invoke(
            command, [str(argument) for argument in arguments], obj=app, standalone_mode=False, catch_exceptions=False
        )

    return call


@pytest.fixture
def land(app: CommandApp) -> Callable[..., Path]:
    """Put a log file of one record into the landing folder."""

    def make(name: str = "2026-11-20T0900.jsonl", interaction: str = "i_1") -> Path:
        path = app.folder / "landing" / name
        path.write_text(f'{{"interaction_id": "{interaction}", "user_id": "u_100"}}\n', encoding="utf-8")
        return path

    return make


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `run.py` in an empty folder, with no store configured."""

    def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "run.py"), *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment(**variables),
            timeout=60,
            check=False,
        )

    return call
