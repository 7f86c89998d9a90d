"""Five schedulers at once on the same files: each batch is processed once, and nobody waits or fails for it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from expectations_plugins.core.errors import ExitCode
from tests.faults.outages import Batch, Ended, Place, Stores, reading

RUNS, BATCHES = 5, 3


@dataclass(frozen=True, slots=True)
class Crowd:
    """What five runs did, and the ledger and contents of each batch after them."""

    ended: list[Ended]
    ledgers: list[dict[str, Any]]
    contents: list[Any]


@pytest.fixture(scope="module")
def crowd(place: Place) -> Crowd:
    place.heal()
    batches = [Batch(place).land() for _ in range(BATCHES)]
    files = [str(batch.file) for batch in batches]
    with ThreadPoolExecutor(RUNS) as pool:
        calls = [pool.submit(batches[0].command, "run", *files, "--json", seat=f"run-{n}") for n in range(RUNS)]
        ended = [call.result() for call in calls]
    with reading(place) as stores:
        return Crowd(ended, [stores.ledger(batch) for batch in batches], contents(stores, batches))


def contents(stores: Stores, batches: list[Batch]) -> list[Any]:
    """Every batch's; the files' own folders hold no spool but the first's."""
    return [stores.contents(batch) for batch in batches]


def test_a_run_ends_well_or_says_that_another_holds_a_batch(crowd: Crowd) -> None:
    assert {ended.code for ended in crowd.ended} <= {ExitCode.OK, ExitCode.LEASE_HELD}, str(crowd.ended)
    for ended in crowd.ended:
        codes = {batch["exit_code"] for batch in json.loads(ended.stdout)["batches"]}
        assert (ExitCode.LEASE_HELD in codes) == (ended.code == ExitCode.LEASE_HELD)


def test_each_batch_is_closed_by_one_run_alone(crowd: Crowd) -> None:
    said = [batch for ended in crowd.ended for batch in json.loads(ended.stdout)["batches"]]
    closed = [batch["batch_id"] for batch in said if batch["status"] == "closed" and batch["steps"]]
    assert sorted(closed) == sorted(ledger["_id"] for ledger in crowd.ledgers)


def test_no_step_was_done_twice(crowd: Crowd) -> None:
    for ledger in crowd.ledgers:
        attempts = {name: step["attempts"] for name, step in ledger["steps"].items()}
        assert attempts == dict.fromkeys(ledger["steps"], 1), "\n".join(ended.stderr for ended in crowd.ended)


def test_the_stores_hold_what_one_run_alone_leaves(crowd: Crowd, undisturbed: Any) -> None:
    for found in crowd.contents:
        assert found == undisturbed
