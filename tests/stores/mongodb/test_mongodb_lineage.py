"""What MongoDB is asked of one record, on a real server: by key, by an index, and an id is never an operator."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from expectations_plugins.mongodb.connection import Database
from pipeline.core.batch import Batch
from pipeline.core.batches import Lease
from pipeline.core.locator import Locator
from pipeline.core.records import DeadLetter, DeadReason, Interaction
from pipeline.stores.mongodb.ledger import MongoLedger
from pipeline.stores.mongodb.raw_store import MongoRawStore
from pipeline.stores.mongodb.tracing import MongoLineage, dead_filter, record_filter
from tests.fakes.hostile_texts import HOSTILE

Make = Callable[..., Interaction]
NOW = datetime(2026, 11, 20, 9, 10, tzinfo=UTC)
IS_BAD: dict[str, Any] = {"$ne": [{"$type": "$user_id"}, "string"]}


@pytest.fixture
def lineage(database: Database) -> MongoLineage:
    return MongoLineage(database)


def test_an_accepted_record_is_what_its_log_said(lineage: MongoLineage, raw_store: MongoRawStore, make: Make) -> None:
    raw_store.insert("b_1", [make("i_1", at=Locator(7), message="hello", extra={"$where": 1})], NOW, fence=1)
    found = lineage.record("i_1")
    assert found is not None
    assert (found.batch_id, found.at.number, found.received_at, found.quarantine) == ("b_1", 7, NOW, None)
    assert (found.has_message, found.fields["extra"], "content_hash" in found.fields) == (True, {"$where": 1}, False)


def test_a_mark_and_the_marks_before_it_are_told(
    lineage: MongoLineage, raw_store: MongoRawStore, database: Database, make: Make
) -> None:
    raw_store.insert("b_1", [make("i_1", user_id=None)], NOW, fence=1)
    raw_store.quarantine("b_1", IS_BAD, gate="raw", reason="malformed user_id", run_id="run-1", fence=1)
    lease = Lease("b_1", "me", 1, NOW)
    raw_store.release(lease, "i_1", {"user_id": 7}, note="typed in", run_id="release-1")
    raw_store.quarantine("b_1", IS_BAD, gate="raw", reason="malformed user_id", run_id="run-2", fence=1)
    found = lineage.record("i_1")
    assert found is not None
    assert found.quarantine is not None
    assert (found.quarantine.run_id, found.quarantine.reason) == ("run-2", "malformed user_id")
    [release] = found.releases
    assert (release.mark.run_id, release.note, release.before) == ("run-1", "typed in", {"user_id": None})
    assert database["interactions"].count_documents({}) == 1


def test_dead_letters_are_found_by_the_id_they_had(lineage: MongoLineage, ledger: MongoLedger) -> None:
    letters = [
        DeadLetter("b_1", Locator(3), DeadReason.CONFLICT, "was first brought by batch b_0", "{}", "i_1"),
        DeadLetter("b_2", Locator(9), DeadReason.UNSTORABLE, "an integer has more than 64 bits", "{}", "i_1"),
        DeadLetter("b_2", Locator(10), DeadReason.MISSING_ID, "interaction_id is missing", "{}"),
    ]
    ledger.bury(letters)
    assert {(one.batch_id, one.at.number, one.state) for one in lineage.dead("i_1", 20)} == {
        ("b_1", 3, "waiting"),
        ("b_2", 9, "waiting"),
    }
    assert len(lineage.dead("i_1", 1)) == 1
    assert lineage.dead("", 20) == []


def test_a_batch_and_messages_are_read_by_key(
    lineage: MongoLineage, raw_store: MongoRawStore, database: Database, make: Make
) -> None:
    raw_store.insert("b_1", [make("i_1", message="hello"), make("i_2", at=Locator(2))], NOW, fence=1)
    assert lineage.messages(["i_1", "i_2", "i_3"]) == {"i_1": "hello"}
    assert (lineage.batch("b_1") or Batch("b_1")).fence == 1
    assert lineage.batch("b_3") is None
    assert database["batches"].count_documents({}) == 2


@pytest.mark.parametrize("text", HOSTILE)
def test_an_id_is_only_ever_an_id(lineage: MongoLineage, raw_store: MongoRawStore, make: Make, text: str) -> None:
    raw_store.insert("b_1", [make("i_1")], NOW, fence=1)
    assert (lineage.record(text), lineage.dead(text, 5), lineage.batch(text)) == (None, [], None)


def test_nothing_is_written(lineage: MongoLineage, database: Database) -> None:
    lineage.record("i_1")
    lineage.dead("i_1", 5)
    lineage.batch("b_1")
    assert database.list_collection_names() == []


def test_the_filters_are_golden(golden: Callable[[str, str], None]) -> None:
    built = {"record": record_filter("$i"), "dead": dead_filter("$i")}
    golden("mongodb_lineage.json", json.dumps(built, indent=2) + "\n")
