"""Indexes are made once a database; what is missing, and what cannot be made, is named."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.mongodb.connection import Database, connect
from pipeline.local import Endpoints
from pipeline.stores.mongodb.ledger import MongoLedger
from pipeline.stores.mongodb.upgrades import MongoOldLedger


@pytest.fixture
def database(endpoints: Endpoints) -> Iterator[Database]:
    found = connect(endpoints.mongodb_uri, f"indexes_{uuid.uuid4().hex}")
    yield found
    found.client.drop_database(found.name)
    found.client.close()


def test_an_index_that_vanished_is_named_and_made_again_once_that_was_forgotten(database: Database) -> None:
    MongoLedger(database).prepare()
    old = MongoOldLedger(database)
    assert old.vanished_indexes() == []
    database["dead_letters"].drop_index("batch_line")
    MongoLedger(database).prepare()
    assert old.vanished_indexes() == ["dead_letters.batch_line"]
    old.forget_indexes()
    MongoLedger(database).prepare()
    assert old.vanished_indexes() == []


def test_a_collection_with_a_repeated_key_is_refused_with_what_to_do(database: Database) -> None:
    database["dead_letters"].insert_many([{"batch_id": "b", "line": 1}, {"batch_id": "b", "line": 1}])
    with pytest.raises(ConfigurationError, match=r"dead_letters .* with the same batch_id, line") as caught:
        MongoLedger(database).prepare()
    assert "db.dead_letters.aggregate([{$group: {_id: {batch_id: '$batch_id', line: '$line'}" in str(caught.value)
