"""`run.py stack` as a person types it: what goes to stdout, what to stderr, and the exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click import UsageError
from click.testing import Result

from expectations_plugins.core.errors import ConfigurationError
from pipeline.cli.stack import stack
from pipeline.local import StackError
from tests.cli.conftest import Invoke
from tests.fakes.command_app import CommandApp

Run = Callable[..., Result]


@pytest.fixture
def run(invoke: Invoke) -> Iterator[Run]:
    def call(*arguments: str) -> Result:
        return invoke(stack, *arguments)

    yield call
    call("down")


@pytest.fixture
def home(app: CommandApp) -> Path:
    return app.settings.home


def test_up_prints_the_addresses_and_no_secret(run: Run, home: Path) -> None:
    result = run("up", "mongodb", "gemini")
    secrets = json.loads((home / "stack" / "secrets.json").read_text(encoding="utf-8")).values()
    assert [line.split("://")[0].split() for line in result.stdout.splitlines()] == [
        ["mongodb", "mongodb"],
        ["gemini", "http"],
    ]
    assert not any(secret in result.output for secret in secrets)


def test_status_as_json_lists_every_server(run: Run) -> None:
    run("up", "gemini")
    servers = json.loads(run("status", "--json").stdout)
    assert {server["name"]: server["state"] for server in servers} == {
        "mongodb": "down",
        "neo4j": "down",
        "milvus": "down",
        "bigquery": "down",
        "gemini": "up",
    }


def test_status_without_a_stack_shows_all_down(run: Run) -> None:
    result = run("status")
    assert (result.exit_code, result.stdout.count(" down "), len(result.stdout.splitlines())) == (0, 5, 6)


def test_down_leaves_nothing_up(run: Run) -> None:
    run("up", "gemini")
    run("down")
    assert {server["state"] for server in json.loads(run("status", "--json").stdout)} == {"down"}


def test_logs_shows_the_last_lines(run: Run, home: Path) -> None:
    log = home / "logs" / "milvus.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\ntwo\nthree\n", encoding="utf-8")
    assert run("logs", "milvus", "--lines", "2").stdout == "two\nthree\n"


def test_logs_of_a_server_that_never_ran_is_not_an_error(run: Run) -> None:
    result = run("logs", "neo4j")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no log" in result.stderr


def test_an_unknown_server_is_a_usage_error(run: Run) -> None:
    with pytest.raises(UsageError):
        run("up", "oracle")


def test_a_home_that_cannot_be_made_is_a_usage_error_(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="file/home"):
        invoke(stack, "up", "gemini", "--home", tmp_path / "file" / "home")


def test_a_server_that_does_not_come_up_is_an_outage(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEGATE_LOCAL_GEMINI_FAULTS", "not json")
    with pytest.raises(StackError) as raised:
        run("up", "gemini")
    assert raised.value.exit_code == 3


@pytest.mark.parametrize("command", ["up", "down", "status", "logs"])
def test_every_command_has_help_with_an_example(run: Run, command: str) -> None:
    assert "Example: run.py stack" in run(command, "--help").stdout
