"""The dead-letter queue over a real MongoDB: load stage, ledger, raw store and spool are real."""

from __future__ import annotations

import contextlib
import gzip
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner, Result

from expectations_plugins.core.retry import RetryPolicy
from expectations_plugins.mongodb.connection import Database, connect
from pipeline.alerts.assembly import alert_router
from pipeline.alerts.router import AlertRouter
from pipeline.config import Settings, load_settings
from pipeline.core.batches import BatchSource
from pipeline.core.outcome import BatchOutcome
from pipeline.core.topology import GATES, MAX_ATTEMPTS, STEPS, StepKind
from pipeline.local import Endpoints
from pipeline.runner.effects import DecisionEffects
from pipeline.runner.runner import Runner
from pipeline.sources.discovery import discover
from pipeline.stages import LoadStage
from pipeline.stores.mongodb.dead_queue import MongoDeadQueue
from pipeline.stores.mongodb.incidents import MongoIncidents
from pipeline.stores.mongodb.ledger import MongoLedger
from pipeline.stores.mongodb.raw_store import MongoRawStore
from tests.fakes.scripted import RecordedProgress, ScriptedGate, ScriptedStage


def _no_rollback() -> Any:
    raise AssertionError("the dead-letter queue rolls nothing back")


class Site:
    """Implements pipeline.cli.app.App as far as the dead-letter queue needs it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.progress = RecordedProgress()
        self.ledger, self.raw_store, self.dead_queue = (
            MongoLedger(database),
            MongoRawStore(database),
            MongoDeadQueue(database),
        )
        self.ledger.prepare()
        self.raw_store.prepare()
        self.stages = {step.name: ScriptedStage(step.name) for step in STEPS if step.kind is StepKind.STAGE}
        self.stages["load"] = LoadStage(self.raw_store, self.ledger, zone=ZoneInfo("UTC"))  # type: ignore[assignment]
        self.gates = {name: ScriptedGate(name) for name in GATES}
        self.max_records = 50_000

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @property
    def settings(self) -> Settings:
        return load_settings(SLUICEGATE_SPOOL=self.spool, SLUICEGATE_MAX_BATCH_RECORDS=self.max_records)

    @property
    def alerts(self) -> AlertRouter:
        return alert_router(self.settings, lambda: MongoIncidents(self.database), self.progress)

    @property
    def docs_index(self) -> Path:
        return self.folder / "no docs"

    def runner(self) -> Runner:
        return Runner(
            stages=self.stages,
            gates=self.gates,
            ledger=lambda: self.ledger,
            policy=RetryPolicy(MAX_ATTEMPTS, wait=0, wait_max=0),
            progress=self.progress,
            holder=uuid.uuid4().hex,
            lease_seconds=30,
            raw_store=lambda: self.raw_store,
            spool=self.spool,
            effects=DecisionEffects(lambda: self.raw_store, lambda: self.dead_queue, _no_rollback, _no_rollback),
        )

    # what a test does

    def land(self, *records: object, name: str = "0900.jsonl") -> list[BatchSource]:
        """A log file of records, or of lines as they are; its batches."""
        path = self.folder / "landing" / name
        path.parent.mkdir(exist_ok=True)
        text = "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in records)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return list(discover([path], max_records=self.max_records, min_age=0))

    def process(self, source: BatchSource) -> BatchOutcome:
        return self.runner().process(source)

    def dies(self, stage: str, *errors: BaseException) -> None:
        self.stages[stage] = ScriptedStage(stage, *errors)

    def document(self, batch_id: str) -> dict[str, Any]:
        return self.database["batches"].find_one({"_id": batch_id}) or {}

    def letters(self, batch_id: str) -> list[dict[str, Any]]:
        return list(self.database["dead_letters"].find({"batch_id": batch_id}).sort("line"))

    def counted(self) -> list[tuple[str, int, int]]:
        """Of each batch that does not add up: id, what was read, what became of it by the stores' own counts."""
        wrong = []
        for batch in self.database["batches"].find():
            counts = {name: batch["counts"].get(name, 0) for name in ("read", "duplicate", "dead")}
            inside = self.database["interactions"].count_documents({"batch_id": batch["_id"]})
            buried = self.database["dead_letters"].count_documents({"batch_id": batch["_id"]})
            loaded = batch.get("steps", {}).get("stage:load", {}).get("status") == "done"
            dead = buried if loaded else counts["dead"]
            if counts["read"] != inside + counts["duplicate"] + dead:
                wrong.append((batch["_id"], counts["read"], inside + counts["duplicate"] + dead))
        return wrong


@pytest.fixture
def site(endpoints: Endpoints, tmp_path: Path) -> Iterator[Site]:
    database = connect(str(endpoints.mongodb_uri), f"t{uuid.uuid4().hex[:10]}")
    with contextlib.closing(database.client):
        yield Site(database, tmp_path)
        database.client.drop_database(database.name)


@pytest.fixture
def dlq(site: Site) -> Callable[..., Result]:
    """Call `dlq …`; errors are raised, the exit code is the command's `return_value`."""
    from pipeline.cli.dlq import dlq as group  # noqa: PLC0415

    def call(*arguments: object, stdin: str | None = None) -> Result:
        command: click.Command = group
        return CliRunner().invoke(
            command,
            [str(argument) for argument in arguments],
            obj=site,
            input=stdin,
            standalone_mode=False,
            catch_exceptions=False,
        )

    return call
