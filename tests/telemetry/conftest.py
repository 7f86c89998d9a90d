"""A run over scripted stages and gates, with listeners to real receivers. No test lives here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli.run import run
from pipeline.config import load_settings
from pipeline.config.connections import Connections, resolve
from pipeline.local import Endpoints
from pipeline.ports.health import Standing
from pipeline.telemetry.assembly import telemetry
from tests.fakes.command_app import CommandApp
from tests.fakes.scripted import RecordedProgress
from tests.fakes.telemetry_receiver import TelemetryReceiver, telemetry_receiver

STORES = {
    "MONGODB_URI": "mongodb://reader:mongoSecret1@db.example:27017,other.example:27017/?authSource=admin",
    "NEO4J_URI": "neo4j+s://graph.example",
    "NEO4J_PASSWORD": "neo4jSecret1",
    "MILVUS_URI": "https://milvus.example:19530/shop",
    "MILVUS_TOKEN": "root:milvusSecret1",
    "BIGQUERY_PROJECT": "acme-prod",
    "GEMINI_API_KEY": "geminiSecret1",
}
NINE, TEN = (datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (9, 10))
STANDING = Standing(halted_since=NINE, finished_at=TEN, finished="ab")


def connections() -> Connections:
    """Where production's stores would be."""
    return resolve(load_settings(**STORES), Endpoints())


@dataclass(slots=True)
class Run:
    """One process: an app whose progress tells the configured listeners, over a ledger that outlives it."""

    app: CommandApp
    shown: RecordedProgress
    variables: dict[str, Any] = field(default_factory=dict)

    def __call__(self, *, standing: Callable[[], Standing | None] = lambda: STANDING) -> int:
        """Run `run.py run`; its exit code."""
        progress = telemetry(load_settings(**self.variables), self.shown, connections)
        self.app.progress = progress or self.shown  # type: ignore[assignment]  # any progress will do
        done = CliRunner().invoke(run, [], obj=self.app, standalone_mode=False, catch_exceptions=False)
        if progress is not None:
            progress.finish(standing)
        return int(done.return_value or done.exit_code)

    @property
    def failures(self) -> list[dict[str, object]]:
        """What was told of telemetry that failed."""
        return self.shown.named("telemetry_failed")


@pytest.fixture
def receiver() -> Iterator[TelemetryReceiver]:
    with telemetry_receiver() as found:
        yield found


@pytest.fixture
def land(tmp_path: Path) -> Callable[..., Path]:
    """Put a log file of one record into the landing folder."""
    folder = tmp_path / "landing"
    folder.mkdir()

    def make(name: str = "2026-11-20T0900.jsonl", interaction: str = "i_1") -> Path:
        path = folder / name
        path.write_text(json.dumps({"interaction_id": interaction, "user_id": "u_100"}) + "\n", "utf-8")
        return path

    return make


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    """Makes a run with these settings."""

    def make(**variables: Any) -> Run:
        return Run(CommandApp(tmp_path), RecordedProgress(), {"SLUICEGATE_TELEMETRY_TIMEOUT": 10, **variables})

    return make
