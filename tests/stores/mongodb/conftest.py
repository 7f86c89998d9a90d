"""A fresh database for every test, and records to fill it with. No test lives here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from expectations_plugins.mongodb.capabilities import MONGODB, Capabilities
from expectations_plugins.mongodb.connection import Database, connect
from pipeline.core.locator import Locator
from pipeline.core.records import MISSING, Interaction
from pipeline.local import Endpoints
from pipeline.stores.mongodb.ledger import MongoLedger
from pipeline.stores.mongodb.raw_store import MongoRawStore
from tests.faults.fail_points import FailPoints, fail_points

Make = Callable[..., Interaction]


@pytest.fixture
def database(endpoints: Endpoints) -> Iterator[Database]:
    assert endpoints.mongodb_uri is not None
    found = connect(endpoints.mongodb_uri, f"test_{uuid.uuid4().hex}")
    try:
        yield found
    finally:
        found.client.drop_database(found.name)
        found.client.close()


@pytest.fixture(params=["its own", "MongoDB's"])
def either(request: pytest.FixtureRequest, database: Database) -> Database:
    """The database, asked by the queries that are best for its server; and by those that are best for MongoDB."""
    return database if request.param == "its own" else asked_as(database, MONGODB)


def asked_as(database: Database, capabilities: Capabilities) -> Database:
    """The same database, taken for one whose server has these capabilities."""
    found = Database(database.client, database.name)
    found.capabilities = capabilities
    return found


@pytest.fixture
def raw_store(database: Database) -> MongoRawStore:
    """With batches that somebody holds under fence 1."""
    database["batches"].insert_many([{"_id": batch_id, "fence": 1} for batch_id in ("b_1", "b_2")])
    store = MongoRawStore(database)
    store.prepare()
    return store


@pytest.fixture
def ledger(database: Database) -> MongoLedger:
    found = MongoLedger(database)
    found.prepare()
    return found


@pytest.fixture
def failing(database: Database) -> Iterator[FailPoints]:
    with fail_points(database) as found:
        yield found


@pytest.fixture(scope="session")
def make() -> Make:
    """An interaction; every field may be given."""

    def made(interaction_id: str, **fields: Any) -> Interaction:
        defaults: dict[str, Any] = {
            "at": Locator(1),
            "user_id": "u_100",
            "campaign_id": MISSING,
            "type": MISSING,
            "timestamp": datetime(2010, 12, 1, 8, 26, tzinfo=UTC),
            "message": None,
            "extra": {},
            "content_hash": "h",
        }
        return Interaction(interaction_id=interaction_id, **{**defaults, **fields})

    return made
