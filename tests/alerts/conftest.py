"""A receiver, a book in a real MongoDB, and a router between them. No test lives here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from expectations_plugins.core.errors import TransientError
from expectations_plugins.mongodb.connection import Database, connect
from pipeline.alerts.assembly import alert_router
from pipeline.alerts.router import AlertRouter
from pipeline.config import load_settings
from pipeline.core.alert import Alert
from pipeline.local import Endpoints
from pipeline.ports.alert_state import AlertBook
from pipeline.stores.mongodb.alert_state import MongoAlertBook
from tests.fakes.alert_receiver import AlertReceiver, alert_receiver
from tests.fakes.scripted import RecordedProgress

Router = Callable[..., AlertRouter]


@pytest.fixture
def database(endpoints: Endpoints) -> Iterator[Database]:
    found = connect(str(endpoints.mongodb_uri), f"test_{uuid.uuid4().hex}")
    try:
        yield found
    finally:
        found.client.drop_database(found.name)
        found.client.close()


@pytest.fixture
def book(database: Database) -> AlertBook:
    return MongoAlertBook(database)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[AlertReceiver]:
    with alert_receiver(tmp_path) as found:
        yield found


@pytest.fixture
def progress() -> RecordedProgress:
    return RecordedProgress()


@pytest.fixture
def router(receiver: AlertReceiver, book: AlertBook, progress: RecordedProgress, tmp_path: Path) -> Router:
    """A router as the command line makes it; each has clients of its own, as another process would."""

    def make(*, book_down: bool = False, deadline: float = 20.0, **variables: Any) -> AlertRouter:
        settings = load_settings(**receiver.variables(SLUICEGATE_SPOOL=tmp_path / "spool", **variables))
        made = alert_router(settings, _down if book_down else lambda: book, progress)
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
        }
        return Alert(**{**defaults, **fields})

    return make


def _down() -> AlertBook:
    raise TransientError("MongoDB: nobody there.")
