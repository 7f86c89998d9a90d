"""`run.py alerts`: the channels are tried, open alerts are listed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from expectations_plugins.core.errors import ConfigurationError
from pipeline.alerts.router import AlertRouter
from pipeline.cli.alerts import alerts
from pipeline.core.alert import Alert
from tests.alerts.conftest import Router
from tests.fakes.alert_receiver import PAGERDUTY, SLACK, AlertReceiver, Answer

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Site:
    """As much of the composition root as the command asks for."""

    alerts: AlertRouter


def call(router: AlertRouter, *arguments: str) -> Result:
    return CliRunner().invoke(alerts, [*arguments], obj=Site(router), standalone_mode=False, catch_exceptions=False)


def test_every_channel_is_tried_past_the_incidents(router: Router, receiver: AlertReceiver) -> None:
    tried = [call(router(store_down=True), "test") for _ in range(2)]
    assert [done.return_value for done in tried] == [0, 0]
    assert [action for action, _ in receiver.events] == ["trigger", "resolve"] * 2
    assert len({key for _, key in receiver.events}) == 2
    assert [click.unstyle(line).split()[:2] for line in tried[0].output.splitlines()] == [
        ["channel", "outcome"],
        ["pagerduty", "delivered"],
        ["slack", "delivered"],
    ]


def test_one_channel_is_tried(router: Router, receiver: AlertReceiver) -> None:
    assert call(router(), "test", "--channel", "slack").return_value == 0
    assert (len(receiver.messages), receiver.events) == (2, [])


def test_a_channel_that_cannot_be_told_is_an_outage(router: Router, receiver: AlertReceiver) -> None:
    receiver.script[PAGERDUTY] = [Answer(400, body='{"message": "Invalid routing key"}')]
    done = call(router(), "test")
    assert done.return_value == 3
    assert "Invalid routing key" in done.output


@pytest.mark.parametrize("arguments", [["test"], ["test", "--channel", "slack"]])
def test_no_channel_is_a_matter_of_settings(router: Router, arguments: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="SLACK_WEBHOOK_URL"):
        call(router(SLACK_WEBHOOK_URL=None, PAGERDUTY_ROUTING_KEY=None), *arguments)


def test_a_channel_that_is_not_configured_is_named(router: Router) -> None:
    with pytest.raises(ConfigurationError, match=r"^slack is not configured\."):
        call(router(SLACK_WEBHOOK_URL=None), "test", "--channel", "slack")


def test_the_log_can_be_tried_by_name(router: Router, progress: Any) -> None:
    assert call(router(SLACK_WEBHOOK_URL=None), "test", "--channel", "log").return_value == 0
    assert [name for name, _ in progress.events if name != "alert_delivery"] == ["alert", "alert_resolved"]


def test_open_incidents_are_listed_with_batches_and_what_is_owed(
    router: Router, receiver: AlertReceiver, failed: Callable[..., Alert]
) -> None:
    assert "No incident is open." in call(router(), "list").output
    receiver.script[SLACK] = [Answer(503)] * 3
    router().raise_(failed(failure="odd\x1b[31m"))
    router().raise_(failed(failure="odd\x1b[31m", batch_id="b" * 64))
    done = call(router(), "list")
    lines = [click.unstyle(line) for line in done.output.splitlines()]
    assert lines[1].split()[:3] == ["raw", "critical", "open"]
    assert "2  3f2a91c07d11, bbbbbbbbbbbb  pagerduty 2026-11-30 14:05" in lines[1]
    assert [line for line in lines if line.startswith("Owed: slack, a message about sluicegate:raw:odd")]
    assert "since 2026-11-30 14:05" in done.output
    assert "Failed attempts: 1. Slack answered 503" in done.output
    assert lines[-1] == "Next: run.py resume 3f2a91c07d11"
    assert "\x1b" not in "".join(lines)
    (data,) = json.loads(call(router(), "list", "--json").output)
    assert (data["state"], len(data["waiting"]), data["batches_seen"]) == ("open", 2, 2)
    assert (data["channels"][PAGERDUTY]["owed"], data["channels"][SLACK]["owed"]) == (None, "news")


def test_what_is_owed_is_sent_by_a_person(
    router: Router, receiver: AlertReceiver, failed: Callable[..., Alert]
) -> None:
    assert (call(router(), "send").return_value, call(router(), "send").output) == (0, "Nothing is owed.\n")
    receiver.script[SLACK] = [Answer(503)] * 6
    router().raise_(failed())
    assert call(router(), "send").return_value == 3
    done = call(router(), "send")
    assert (done.return_value, "slack" in done.output) == (0, True)
    assert call(router(), "send").output == "Nothing is owed.\n"


def test_a_ledger_that_is_down_leaves_what_was_noted_since(router: Router, failed: Callable[..., Alert]) -> None:
    router(store_down=True).raise_(failed())
    done = call(router(store_down=True), "list")
    assert (done.return_value, "3f2a91c07d11" in done.output) == (3, True)
    assert "Not all incidents are shown: MongoDB: nobody there." in done.output


def test_the_program_tries_the_channels_without_a_store(receiver: AlertReceiver, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if "_PROXY" not in name.upper()}
    ours = {name: str(value) for name, value in receiver.variables().items()}
    done = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "alerts", "test"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=kept | ours,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (len(receiver.messages), len(receiver.events)) == (2, 2)
    assert not (tmp_path / ".sluicegate").exists()
