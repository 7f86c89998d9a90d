"""The golden queries of the incidents, that what is stored is data, and what older programs left open."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from expectations_plugins.core.errors import TransientError
from expectations_plugins.mongodb.connection import Database, connect
from pipeline.alerts import transitions
from pipeline.core.alert import Alert
from pipeline.stores.mongodb import incident_queries as queries
from pipeline.stores.mongodb.incidents import MongoIncidents

HOSTILE = Alert("$gate", "critical", "$title", "$$NOW", "$b", "$f", (), "", "$next", waits=True)
NOW = datetime(2026, 11, 30, 14, 5, tzinfo=UTC)


def test_the_queries_are_what_was_reviewed(golden: Callable[[str, str], None]) -> None:
    incident = transitions.raised(None, HOSTILE, ["slack"], NOW)
    built = {
        "document": queries.document_of(incident),
        "of_key": queries.of_key_filter("$key"),
        "unchanged": queries.unchanged_filter(replace(incident, version=3)),
        "unsettled": queries.unsettled_filter(),
        "former": queries.former_filter(),
        "former_moved": queries.former_moved(),
        "indexes": queries.INDEXES,
    }
    golden("mongodb_incidents.json", json.dumps(built, indent=2, default=str) + "\n")


def test_what_an_alert_says_is_data(database: Database) -> None:
    store = MongoIncidents(database)
    assert store.write(transitions.raised(None, replace(HOSTILE, title="$a\x00\ud800"), ["$slack.a"], NOW))
    (found,) = store.unsettled()
    assert (found.alert.batch_id, found.alert.next_step, found.key) == ("$b", "$next", "sluicegate:$gate:$f")
    assert list(found.channels) == ["$slack.a"]


def test_a_store_that_cannot_be_reached_says_so_in_bounded_time() -> None:
    store, start = MongoIncidents(connect("mongodb://127.0.0.1:1", "nowhere", timeout=30)), time.monotonic()
    with pytest.raises(TransientError):
        store.unsettled()
    assert time.monotonic() - start < 10


def former(channel: str, **fields: Any) -> dict[str, Any]:
    """An open alert as programs up to commit 4bcde86 wrote it."""
    said = {"gate": "raw", "severity": "critical", "title": "The raw gate failed for batch aa", "summary": "3 are bad."}
    times = dict.fromkeys(("opened_at", "told_at", "seen_at"), NOW)
    counts = {"rank": 3, "told": 2, "repeats": 7, "claim": "", "claim_until": datetime(1970, 1, 1, tzinfo=UTC)}
    key = str(fields.get("dedup_key", "sluicegate:raw:f"))
    row = {"dedup_key": key, "channel": channel, "state": "open", "batch_id": "aa", "next_step": "run.py resume aa"}
    return {"_id": f"{channel}|{key}", **row, **said, **times, **counts, **fields}


def test_what_an_older_program_left_open_is_taken_over_once(database: Database) -> None:
    rows = [former("slack"), former("pagerduty"), former("slack", dedup_key="sluicegate:graph:g", state="resolved")]
    database["alerts"].insert_many(rows)
    (found,) = MongoIncidents(database).unsettled()
    assert (found.key, [one.batch_id for one in found.waiting], set(found.channels)) == (
        "sluicegate:raw:f",
        ["aa"],
        {"slack", "pagerduty"},
    )
    timing = transitions.Timing(transitions.LONGEST_WAIT, transitions.LONGEST_WAIT)
    for name in found.channels:
        owed = transitions.owed(found, name, timing, wanted=True)
        assert owed is not None
        assert owed.kind is transitions.Kind.REMINDER
    assert MongoIncidents(database).unsettled() == [found]
    assert database["alerts"].count_documents({"state": "open"}) == 0


def test_an_older_program_that_runs_in_between_is_taken_over_again(database: Database) -> None:
    database["alerts"].insert_one(former("slack"))
    assert len(MongoIncidents(database).unsettled()) == 1
    database["alerts"].update_one({}, {"$set": {"state": "open"}})
    assert len(MongoIncidents(database).unsettled()) == 1


def test_a_pipelines_and_a_watchdogs_alert_of_an_older_program_wait_for_no_batch(database: Database) -> None:
    keys = ("freshness:no batch closes", "pipeline:dead at load", "pipeline:ledger down")
    for key in keys:
        gate = key.split(":", maxsplit=1)[0]
        batch = "" if gate == "freshness" else "aa"
        database["alerts"].insert_one(former("slack", dedup_key=f"sluicegate:{key}", gate=gate, batch_id=batch))
    waiting = {one.key.removeprefix("sluicegate:"): len(one.waiting) for one in MongoIncidents(database).unsettled()}
    assert waiting == dict(zip(keys, (0, 1, 0), strict=True))
