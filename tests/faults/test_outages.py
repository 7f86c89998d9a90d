"""Real outages: a proxy in front of each local server breaks under a run, or the server itself is killed.

Whatever the outage, a run ends by itself with an exit code that says so and a message that names the store; run again
when it is over, the batch closes with the same contents in all stores as a batch that nothing disturbed.

- In CI, the short profile: one fault for each server (one server is killed), at most 90 s in all.
- The long one, `SLUICEGATE_FAULTS=long pytest tests/faults/test_outages.py`: every fault, from the start and from each
  step that uses the server, and every server killed.

Nothing here asserts on time; `HANGS` only ends what would never end by itself.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.faults.outages import (
    LONG_AGO,
    STORES,
    Batch,
    Ended,
    Outage,
    Place,
    Stores,
    reading,
)
from tests.faults.proxy import Fault, Mode

LONG = os.environ.get("SLUICEGATE_FAULTS") == "long"


def test_an_undisturbed_batch_is_closed_with_all_its_records(undisturbed: Any) -> None:
    assert undisturbed["ledger"][0] == "closed"
    assert [len(undisturbed[name]) for name in ("raw", "graph", "vectors")] == [12, 12, 12]
    assert (undisturbed["published"], undisturbed["staging"], undisturbed["spool"]) == ([12], [], [])
    assert set(undisturbed["acted"]) <= {"alert", "docs"}


TITLES = {"mongodb": "MongoDB", "neo4j": "Neo4j", "milvus": "Milvus", "bigquery": "BigQuery", "gemini": "Gemini"}
FIRST_STAGE = {
    "mongodb": "stage:load",
    "neo4j": "stage:graph",
    "milvus": "stage:embed",
    "bigquery": "stage:aggregate",
    "gemini": "stage:embed",
}
LATER = {"mongodb": ("gate:raw", "stage:embed"), "neo4j": ("gate:graph",), "milvus": ("gate:vectors",)}
FAULTS = (Fault(Mode.REFUSE), Fault(Mode.RESET), Fault(Mode.STALL), Fault(Mode.CUT), Fault(Mode.CUT, after=150))
SHORT = (
    Outage("mongodb", Fault(Mode.STALL), "stage:load"),
    Outage("neo4j", Fault(Mode.REFUSE), "stage:graph"),
    Outage("milvus", Fault(Mode.CUT), "gate:vectors"),
    Outage("gemini", Fault(Mode.RESET), "stage:embed"),
)
SHORT_MEANWHILE = (Outage("bigquery", None, "stage:aggregate"),)


def lasting() -> list[Outage]:
    if not LONG:
        return list(SHORT)
    steps = {store: ("start", FIRST_STAGE[store], *LATER.get(store, ())) for store in STORES}
    return [Outage(store, fault, when) for store in STORES for fault in (*FAULTS, None) for when in steps[store]]


def passing() -> list[Outage]:
    """The embedder's own retries have no points at which an outage could end."""
    stores = [store for store in STORES if store != "gemini"]
    found = [Outage(store, fault, FIRST_STAGE[store]) for store in stores for fault in (*FAULTS, None)]
    return found if LONG else list(SHORT_MEANWHILE)


def tried(stores: Stores, batch: Batch, step: str) -> int:
    return int(((stores.ledger(batch).get("steps") or {}).get(step) or {}).get("attempts") or 0)


@pytest.mark.parametrize("outage", lasting(), ids=str)
def test_a_run_ends_by_itself_and_is_made_good_when_the_outage_is_over(
    place: Place, batch: Batch, undisturbed: Any, outage: Outage
) -> None:
    if outage.when == "start":
        outage.strike(place)
    ended = batch.run(outage.plan(place))
    outage.end(place)
    with reading(place) as stores:
        assert (ended.code, stores.ledger(batch).get("status", "")) == outage.ends, str(ended)
        assert "Traceback" not in ended.stdout + ended.stderr
        says_what_to_do(outage, ended)
        nothing_was_done_about_the_data(stores, batch)
        again = made_good(stores, batch, outage)
        assert again.code == 0, str(again)
        assert stores.contents(batch) == undisturbed


@pytest.mark.parametrize("outage", passing(), ids=str)
def test_an_outage_that_is_over_before_the_last_attempt_is_only_an_attempt_more(
    place: Place, batch: Batch, undisturbed: Any, outage: Outage
) -> None:
    ended = batch.run(outage.plan(place, until=2))
    with reading(place) as stores:
        assert ended.code == 0, str(ended)
        assert stores.contents(batch) == undisturbed
        assert tried(stores, batch, outage.when) == 2


def says_what_to_do(outage: Outage, ended: Ended) -> None:
    if outage.store == "gemini":
        assert ended.batch["verdicts"]["vectors"] == "WARN"
        return
    assert TITLES[outage.store] in ended.batch["message"]
    assert "run.py" in ended.batch["next_step"]


def nothing_was_done_about_the_data(stores: Stores, batch: Batch) -> None:
    done = {i["action"] for gate in (stores.ledger(batch).get("gates") or {}).values() for i in gate.get("intents", ())}
    assert done <= {"alert", "docs"}
    assert (
        stores.mongodb["interactions"].count_documents({"batch_id": batch.batch_id, "quarantine": {"$exists": 1}}) == 0
    )


def made_good(stores: Stores, batch: Batch, outage: Outage) -> Ended:
    """Run again, as the message says."""
    # instead of waiting for the lease of a run that could not give it back
    stores.mongodb["leases"].update_many({}, {"$set": {"expires_at": LONG_AGO}})
    if outage.store == "gemini":
        return batch.command("reembed", "--batch", batch.batch_id)
    if outage.ends[1] == "dead":
        assert tried(stores, batch, FIRST_STAGE[outage.store]) == 4
        return batch.command("dlq", "replay", batch.batch_id)
    return batch.run()
