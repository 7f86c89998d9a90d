"""A load that is killed, and whose file is replaced before anybody runs it again: every record still gets through."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from expectations_plugins.core.errors import ExitCode
from pipeline.core.batches import short
from pipeline.local import LocalStack
from tests.faults.crashes.matrix import Matrix
from tests.faults.crashes.scenarios import FILE, RUN, record
from tests.faults.crashes.spare import Ended, Order, Spare
from tests.faults.crashes.stack import Ground, Plot
from tests.faults.crashes.state import Reader, reader

LOADED = "after raw_store.insert"


class Place:
    """One run's folder, the stores, and a process that runs command lines there."""

    def __init__(self, plot: Plot, stores: Reader, spare: Spare) -> None:
        self._plot, self._stores, self._spare = plot, stores, spare
        self.file = plot.folder / FILE
        self.file.parent.mkdir()

    def land(self, numbers: Sequence[int]) -> None:
        """These records, and one line that is none."""
        rows = [json.dumps(record(self._plot.prefix, number)) for number in numbers]
        self.file.write_text("\n".join([*rows, "no record"]) + "\n", encoding="utf-8")

    def run(self, *arguments: str, at: int | None = None) -> Ended:
        """A command, to its end or to a point."""
        self._stores.expire_leases()
        given = [argument.replace("{folder}", str(self._plot.folder)) for argument in arguments]
        order = Order(given, self._plot.variables(), str(self._plot.folder), at=at, number=int(signal.SIGKILL))
        return self._spare.run(order)

    def said(self) -> str:
        """What the last command printed."""
        return "".join((self._plot.folder / name).read_text("utf-8") for name in ("stdout", "stderr"))

    def batches(self) -> list[dict[str, Any]]:
        """Of the ledger, the oldest first."""
        found = self._stores.mongodb["batches"].find({"source": {"$regex": self._plot.prefix}})
        return list(found.sort("first_seen", 1))

    def in_graph(self) -> list[int]:
        """Numbers of the records in the graph."""
        query = "MATCH (i:Interaction) WHERE i.interaction_id STARTS WITH $p RETURN i.interaction_id AS id ORDER BY id"
        rows, _, _ = self._stores.neo4j.execute_query(
            query, {"p": self._plot.prefix}, database_=self._stores.neo4j_database
        )
        return [int(row["id"].rpartition("-")[2]) for row in rows]


Make = Callable[[], Place]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    folder: Path = tmp_path_factory.mktemp("lost")
    with LocalStack(folder / "stack").use() as endpoints, reader(endpoints) as stores, Spare() as spare:
        ground = Ground.prepared(endpoints, folder)
        Matrix(ground, spare, stores).load_campaigns()
        yield lambda: Place(ground.plot(), stores, spare)


@pytest.fixture(scope="module")
def loaded(make: Make) -> int:
    """The point at which MongoDB has the records, and the ledger does not know it yet."""
    place = make()
    place.land(range(2))
    return place.run(*RUN).points.index(LOADED)


@pytest.fixture
def place(make: Make, loaded: int) -> Place:
    """With a load of records 0 to 5 that was killed in the middle."""
    made = make()
    made.land(range(6))
    assert made.run(*RUN, at=loaded).code == -signal.SIGKILL
    return made


def test_what_the_file_holds_now_and_what_was_loaded_of_it_before_both_get_through(place: Place) -> None:
    place.land(range(4, 9))
    assert place.run(*RUN).code == ExitCode.OK, place.said()
    cut_off, new = place.batches()
    assert (cut_off["status"], new["status"]) == ("running", "closed")
    assert new["counts"] | {"read": 0} == {"read": 0, "accepted": 3, "quarantined": 0, "duplicate": 2, "dead": 1}
    assert place.in_graph() == [6, 7, 8]
    assert place.run("resume", cut_off["_id"], "--without-file").code == ExitCode.OK, place.said()
    assert place.in_graph() == list(range(9))
    cut_off, _ = place.batches()
    assert cut_off["status"] == "closed"
    assert cut_off["counts"] == {"read": 6, "accepted": 6, "quarantined": 0, "duplicate": 0, "dead": 0}


def test_status_says_how_to_go_on_without_the_file_and_afterwards_that_it_was_done(place: Place) -> None:
    [batch] = place.batches()
    place.file.unlink()
    place.run("status", batch["_id"])
    assert f"run.py resume {short(batch['_id'])} --without-file" in place.said()
    assert place.run("resume", batch["_id"]).code == ExitCode.USAGE
    assert f"another by now: run.py resume {short(batch['_id'])} --without-file" in place.said()
    assert place.run("resume", short(batch["_id"]), "--without-file").code == ExitCode.OK, place.said()
    place.run("status", batch["_id"])
    assert "cut off; goes on without its file" in place.said()


def test_a_file_that_is_still_there_is_loaded_to_its_end_instead(place: Place) -> None:
    [batch] = place.batches()
    assert place.run("resume", batch["_id"], "--without-file").code == ExitCode.USAGE
    assert f"Load the rest of it: run.py run {place.file}" in place.said()
    assert place.run(*RUN).code == ExitCode.OK
    [batch] = place.batches()
    assert (batch["status"], batch["counts"]["accepted"], batch["counts"]["dead"]) == ("closed", 6, 1)


def test_a_file_that_cannot_be_read_is_not_gone(place: Place) -> None:
    [batch] = place.batches()
    place.file.unlink()
    place.file.parent.rmdir()
    place.file.parent.touch()
    assert place.run("resume", batch["_id"], "--without-file").code == ExitCode.USAGE
    [batch] = place.batches()
    assert batch["status"] == "running"
