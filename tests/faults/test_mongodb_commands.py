"""How often a batch asks MongoDB: over a slow network, each command is a wait. Counted in a real `run.py run`."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pymongo.monitoring
import pytest
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from pipeline.local import Endpoints
from tests.faults.workplace import Workplace

RECORDS = 100
MOST = 115
CAMPAIGN = "c_spring"
SENT = "SLUICEGATE_HOME"


class Sent(CommandListener):
    """Writes down every command that is sent."""

    def started(self, event: CommandStartedEvent) -> None:
        body = event.command.get(event.command_name)
        with (Path(os.environ[SENT]) / "commands").open("a") as log:
            log.write(json.dumps([event.command_name, str(body), str(event.command)[:400]]) + "\n")

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing more is known."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing more is known."""


def listening() -> None:
    pymongo.monitoring.register(Sent())


def records(prefix: str) -> bytes:
    lines = (
        {
            "interaction_id": f"{prefix}-{number}",
            "user_id": f"u_{1000 + number}",
            "campaign_id": CAMPAIGN,
            "type": "click",
            "timestamp": f"2026-11-20T09:{number % 60:02}:00Z",
            "message": f"hello {number}",
        }
        for number in range(RECORDS)
    )
    return "\n".join(map(json.dumps, lines)).encode()


@pytest.fixture
def work(endpoints: Endpoints, tmp_path: Path) -> Workplace:
    return Workplace.prepared(endpoints, tmp_path, "commands")


def test_a_batch_of_100_records_takes_at_most_115_commands(work: Workplace) -> None:
    campaigns = work.land("campaigns.jsonl", json.dumps({"campaign_id": CAMPAIGN}).encode(), under="catalogue")
    assert work.command("campaigns", "load", campaigns).code == 0
    first = work.command("run", work.land("first.jsonl", records("first")))
    assert first.code == 0, str(first)
    second = work.command("run", work.land("second.jsonl", records("second")), first=listening)
    assert second.code == 0, str(second)
    sent = [json.loads(line) for line in (work.folder / "home" / "commands").read_text().splitlines()]
    counts = Counter(f"{name} {where}" for name, where, _ in sent)
    assert len(sent) <= MOST, "\n".join(f"{number:4} {what}" for what, number in counts.most_common())
