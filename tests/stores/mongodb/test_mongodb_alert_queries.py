"""The golden queries of the alert book, and that what is stored is data, whatever it says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from expectations_plugins.core.errors import TransientError
from expectations_plugins.mongodb.connection import Database, connect
from pipeline.core.alert import Alert
from pipeline.stores.mongodb import alert_queries as queries
from pipeline.stores.mongodb.alert_state import MongoAlertBook

HOSTILE = Alert("$gate", "critical", "$title", "$$NOW", "$b", "$f", (), "", "$next")


def test_the_books_queries_are_what_was_reviewed(golden: Callable[[str, str], None]) -> None:
    key = queries.key_of(HOSTILE.dedup_key, "slack")
    built = {
        "fresh": queries.fresh(HOSTILE.dedup_key, "slack", HOSTILE.gate),
        "to_tell": queries.to_tell_filter(key, HOSTILE.rank, 3600),
        "to_resolve": queries.to_resolve_filter(key),
        "claimed_filter": queries.claimed_filter(key),
        "claimed": queries.claimed("$token"),
        "held": queries.held_filter(key, "$token"),
        "repeated": queries.repeated(1),
        "told": queries.told(HOSTILE),
        "resolved": queries.resolved(),
        "failed": queries.failed("$why"),
        "open": queries.open_filter(None),
        "open_of_gate": queries.open_filter("$gate"),
    }
    golden("mongodb_alerts.json", json.dumps(built, indent=2, default=str) + "\n")


def test_what_an_alert_says_is_data(database: Database) -> None:
    book = MongoAlertBook(database)
    book.told(book.claim(HOSTILE, "slack", interval=60), HOSTILE)
    (row,) = book.open_alerts("$gate")
    assert (row.title, row.batch_id, row.next_step, row.dedup_key) == ("$title", "$b", "$next", "sluicegate:$gate:$f")


def test_a_book_that_cannot_be_reached_says_so_in_bounded_time() -> None:
    book, start = MongoAlertBook(connect("mongodb://127.0.0.1:1", "nowhere", timeout=30)), time.monotonic()
    with pytest.raises(TransientError):
        book.open_alerts()
    assert time.monotonic() - start < 10
