"""A receiver, incidents in a real MongoDB, and a router between them. No test lives here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from expectations_plugins.core.errors import TransientError
from expectations_plugins.mongodb.connection import Database, connect
from pipeline.alerts.assembly import alert_router
from pipeline.alerts.router import AlertRouter
from pipeline.config import load_settings
from pipeline.core.alert import Alert, Delivery
from pipeline.core.batch import Batch
from pipeline.local import Endpoints
from pipeline.ports.incidents import IncidentStore
from pipeline.stores.mongodb.incidents import MongoIncidents
from tests.fakes.alert_receiver import AlertReceiver, alert_receiver
from tests.fakes.scripted import RecordedProgress

Router = Callable[..., AlertRouter]
Failed = Callable[..., Alert]
KEY = "sluicegate:raw:expect_user_ids_to_be_well_formed"
ONE, TWO, THREE, FOUR = ("1" * 64, "2" * 64, "3" * 64, "4" * 64)


def outcomes(deliveries: Sequence[Delivery]) -> dict[str, str]:
    """How it went, by channel."""
    return {delivery.channel: str(delivery.status) for delivery in deliveries}


def actions(receiver: AlertReceiver) -> list[str]:
    """What PagerDuty was asked for."""
    return [action for action, _ in receiver.events]


@pytest.fixture
def database(endpoints: Endpoints) -> Iterator[Database]:
    found = connect(str(endpoints.mongodb_uri), f"test_{uuid.uuid4().hex}")
    try:
        yield found
    finally:
        found.client.drop_database(found.name)
        found.client.close()


class Clock:
    """A clock that goes on when a test says so."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 30, 14, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **span: float) -> None:
        self.time += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database) -> IncidentStore:
    return MongoIncidents(database)


@pytest.fixture
def ledger() -> dict[str, Batch]:
    """The batches the ledger knows, for what compares incidents with it."""
    return {}


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[AlertReceiver]:
    with alert_receiver(tmp_path) as found:
        yield found


@pytest.fixture
def progress() -> RecordedProgress:
    return RecordedProgress()


@pytest.fixture
def router(
    receiver: AlertReceiver, store: IncidentStore, progress: RecordedProgress, clock: Clock, ledger: dict[str, Batch]
) -> Router:
    """A router as the command line makes it; each has clients of its own, as another process would."""

    def states(ids: Sequence[str]) -> dict[str, Batch]:
        return {one: ledger[one] for one in ids if one in ledger}

    def make(*, store_down: bool = False, deadline: float = 20.0, **variables: Any) -> AlertRouter:
        settings = load_settings(
            **receiver.variables(SLUICEGATE_SPOOL=receiver.ca_bundle.parent / "spool", **variables)
        )
        made = alert_router(settings, _down if store_down else lambda: store, progress, states=states, clock=clock)
        made.deadline = deadline
        return made

    return make


@pytest.fixture
def failed() -> Callable[..., Alert]:
    """An alert of the raw gate; every field may be given."""

    def make(**fields: Any) -> Alert:
        defaults: dict[str, Any] = {
            "gate": "raw",
            "severity": "critical",
            "title": "The raw gate failed for batch 3f2a91c07d11",
            "summary": "3 of 60 user_ids are bad: 2 wrong format, 1 null. Quarantine: 3 records are in quarantine.",
            "batch_id": "3f2a91c07d11" + "0" * 52,
            "failure": "expect_user_ids_to_be_well_formed",
            "examples": (("i_6", "aaaa_9999"), ("i_7", "null"), ("i_8", "u-<!channel>"), ("i_9", "fourth")),
            "docs": "https://docs.example/raw.html?run=1&page=2",
            "next_step": "run.py resume 3f2a91c07d11",
            "waits": True,
            "title_of_many": "The raw gate failed for {count} batches",
        }
        named = {"title": f"The raw gate failed for batch {fields['batch_id'][:12]}"} if "batch_id" in fields else {}
        return Alert(**{**defaults, **named, **fields})

    return make


def _down() -> IncidentStore:
    raise TransientError("MongoDB: nobody there.")
