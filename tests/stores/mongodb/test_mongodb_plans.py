"""What a batch and its pages ask does not grow with everything there is: it starts at a key or an index.

The local server's `explain` knows fewer ways than MongoDB, so MongoDB's rules stand here: a filter names an index's
first field, with a value or a range, or an order is an index's and ends at a limit; a partial index serves only a
filter that asks for what is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import bson
import pymongo
import pytest
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from expectations_plugins.mongodb.capabilities import LOCAL, MONGODB, Capabilities
from expectations_plugins.mongodb.connection import Database
from pipeline.alerts import transitions
from pipeline.core.alert import Alert
from pipeline.core.batches import BatchStatus
from pipeline.core.embeddings import BeforeImage
from pipeline.core.locator import Locator
from pipeline.core.records import DeadLetter, DeadReason, Interaction
from pipeline.local import Endpoints
from pipeline.stores.mongodb.dead_queue import MongoDeadQueue
from pipeline.stores.mongodb.health import MongoStanding
from pipeline.stores.mongodb.history import MongoHistory
from pipeline.stores.mongodb.incidents import MongoIncidents
from pipeline.stores.mongodb.ledger import MongoLedger
from pipeline.stores.mongodb.raw_store import MongoRawStore
from pipeline.stores.mongodb.undo_journal import MongoUndoJournal
from tests.stores.mongodb.conftest import asked_as

ASKING = frozenset({"find", "aggregate", "count", "distinct", "update", "delete", "findAndModify"})
OF_ITS_OWN = {
    "ledger_meta": "one document",
    "alerts": "what programs before incidents kept: a few documents",
}
"""Collections that stay small, and why."""

RANGES = frozenset({"$eq", "$in", "$lt", "$lte", "$gt", "$gte"})

BATCH = "ab" * 32
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


class Commands(CommandListener):
    """Keeps what is asked."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in ASKING:
            self.seen.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to do."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to do."""


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture
def watched(endpoints: Endpoints, database: Database, commands: Commands) -> Iterator[Database]:
    with pymongo.MongoClient[dict[str, Any]](
        endpoints.mongodb_uri, tz_aware=True, event_listeners=[commands]
    ) as client:
        yield Database(client, database.name)


def conditions(command: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The filters of a command."""
    if "pipeline" in command:
        yield command["pipeline"][0]["$match"]
    elif "updates" in command or "deletes" in command:
        yield from (one["q"] for one in command.get("updates") or command["deletes"])
    else:
        yield command.get("filter") or command.get("query") or {}


def starts_at_an_index(
    condition: Mapping[str, Any], order: Sequence[tuple[str, int]], limit: int, indexes: Mapping[str, Any]
) -> bool:
    condition = bson.decode(bson.encode(condition))  # times as an index's filter has them, without a zone
    if narrows(condition, "_id", {"$eq", "$in"}) or {"$gte", "$lt"} <= set(condition.get("_id") or ()):
        return True
    for index in indexes.values():
        partial = index.get("partialFilterExpression", {})
        if any(condition.get(name) != asked for name, asked in partial.items()):
            continue
        reverse = [(name, -direction) for name, direction in index["key"]]
        ordered = bool(order) and limit > 0 and order in (index["key"], reverse)
        if ordered or narrows(condition, index["key"][0][0], RANGES):
            return True
    return False


def narrows(condition: Mapping[str, Any], field: str, operators: Collection[str]) -> bool:
    """Whether a filter asks for a value of a field, or compares it with one."""
    if field not in condition:
        return False
    asked = condition[field]
    return not isinstance(asked, Mapping) or not set(asked).isdisjoint(operators)


FROM_METADATA = "count batches {} []"
"""A count without a condition reads no document."""


@pytest.mark.parametrize("capabilities", [LOCAL, MONGODB], ids=["local", "mongodb"])
def test_every_question_of_the_stores_starts_at_a_key_or_an_index(
    watched: Database, commands: Commands, make: Callable[..., Interaction], capabilities: Capabilities
) -> None:
    ask_everything(asked_as(watched, capabilities), make)
    assert len(commands.seen) > 75
    found = [told for command in commands.seen for told in scans(watched, command)]
    assert [told for told in found if told != FROM_METADATA] == []


def scans(database: Database, command: Mapping[str, Any]) -> Iterator[str]:
    """The filters of a command that go through a whole collection."""
    name = next(iter(command))
    if (collection := command[name]) in OF_ITS_OWN:
        return
    indexes = database[collection].index_information()
    order, limit = list((command.get("sort") or {}).items()), int(command.get("limit") or 0)
    for condition in conditions(command):
        if not starts_at_an_index(condition, order, limit, indexes):
            yield f"{name} {collection} {condition} {order}"


def test_the_ledger_alone_has_the_index_its_newest_batches_are_found_by(database: Database) -> None:
    MongoLedger(database).prepare()
    assert "first_seen_id" in database["batches"].index_information()


def test_new_dead_letters_are_written_without_a_question_for_each(watched: Database, commands: Commands) -> None:
    ledger = MongoLedger(watched)
    ledger.prepare()
    commands.seen.clear()
    letters = [DeadLetter(BATCH, Locator(line), DeadReason.UNPARSABLE, "not JSON", "{") for line in range(1, 1_202)]
    ledger.bury(letters)
    assert commands.seen == []
    ledger.bury(letters[-2:])  # a retry replaces what is there, by the key
    assert [one["q"] for command in commands.seen for one in command["updates"]] == [
        {"batch_id": BATCH, "line": 1_200},
        {"batch_id": BATCH, "line": 1_201},
    ]
    assert [told for command in commands.seen for told in scans(watched, command)] == []
    assert sum(1 for _ in ledger.dead_letters(BATCH)) == 1_201


def ask_everything(database: Database, make: Callable[..., Interaction]) -> None:
    """What a batch, its pages and the lists for people ask, once; to group all dead records is to look at them all."""
    ledger, raw, history = MongoLedger(database), MongoRawStore(database), MongoHistory(database)
    standing, journal = MongoStanding(database), MongoUndoJournal(database)
    for store in (ledger, raw, history, standing, journal):
        store.prepare()
    ask_ledger(ledger)
    ask_history(history, ledger)
    standing.standing()
    standing.last_loaded()
    ask_raw_store(raw, ledger, make)
    journal.images("e", ["i"])
    lease = ledger.acquire(BATCH, "me", 60)
    journal.keep(lease, "e", [BeforeImage("i", None)])
    journal.rolled_back("e")
    list(journal.restorable("e"))
    journal.counts("e")
    journal.later("e")
    ask_dead(MongoDeadQueue(database))
    incidents = MongoIncidents(database)
    incidents.write(transitions.raised(None, Alert("raw", "critical", "", "", BATCH, "f"), ["slack"], NOW))
    for incident in incidents.unsettled():
        incidents.write(incident)
    incidents.read("sluicegate:raw:f")


def ask_ledger(ledger: MongoLedger) -> None:
    ledger.open_batch(BATCH, source="a.jsonl", size=1)
    lease = ledger.acquire(BATCH, "me", 60)
    ledger.renew(lease, 60)
    ledger.start_step(lease, "stage:load")
    ledger.end_step(lease, "stage:load", ok=True, counts={})
    ledger.clear_steps(lease, ["stage:load"])
    ledger.set_status(lease, BatchStatus.CLOSED)
    ledger.release(lease)
    ledger.find("ab")
    ledger.recent(5)
    ledger.halted(2)
    ledger.unfinished_decisions()
    list(ledger.dead_letters(BATCH))


def ask_history(history: MongoHistory, ledger: MongoLedger) -> None:
    batch = ledger.find(BATCH)
    history.batch(BATCH)
    history.states([BATCH])
    history.latest(5)
    history.changed(5)
    history.neighbours(batch)
    history.place(batch)
    history.of_day("2026-01-02", 0, 5)
    history.batches_on("2026-01-02")
    list(history.since("2026-01-02"))
    list(history.closed(NOW, NOW))
    history.waiting()


def ask_raw_store(raw: MongoRawStore, ledger: MongoLedger, make: Callable[..., Interaction]) -> None:
    lease = ledger.acquire(BATCH, "me", 60)
    raw.owners(["i"])
    raw.counts(BATCH)
    raw.quarantine(BATCH, {"$literal": True}, gate="raw", reason="", run_id="r", fence=lease.fence)
    raw.quarantined(BATCH, 5)
    raw.quarantined(None, 5)
    raw.in_quarantine("i")
    raw.release(lease, "i", {}, note="", run_id="r")
    raw.insert(BATCH, [make("i")], NOW, fence=lease.fence)
    list(raw.metrics(BATCH, include_quarantined=False))
    list(raw.graph_records(BATCH))
    list(raw.messages(BATCH))


def ask_dead(queue: MongoDeadQueue) -> None:
    queue.batches(5)
    queue.batches(5, BATCH)
    queue.batches(5, waiting=True)
    queue.groups(5, waiting=True)
    list(queue.letters(limit=5))
    list(queue.letters(BATCH, limit=5))
    list(queue.letters(waiting=True, limit=5))
    queue.letter(BATCH, 1)
    queue.replayed(BATCH, [1], "into")
