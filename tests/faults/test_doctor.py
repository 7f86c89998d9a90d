"""The doctor finds what no batch could do anything about, before one is touched, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pymongo
import pytest

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.neo4j.connection import connect as connect_neo4j
from pipeline.local import Endpoints, LocalStack
from pipeline.stores.bigquery.connection import connect as connect_bigquery
from pipeline.stores.mongodb import checkup
from pipeline.stores.mongodb.server_version import refuse_old
from tests.faults.workplace import Workplace


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    with LocalStack(tmp_path_factory.mktemp("stack")).use() as endpoints:
        yield Workplace.prepared(endpoints, tmp_path_factory.mktemp("doctor"), "doctor")


def may_only_read(at: Endpoints) -> dict[str, str]:
    with pymongo.MongoClient[dict[str, Any]](at.mongodb_uri) as client:
        client.admin.command("createUser", "reader", pwd="secret", roles=[{"role": "read", "db": "doctor"}])
    host = urlsplit(at.mongodb_uri).netloc.rpartition("@")[2]
    return {"MONGODB_URI": f"mongodb://reader:secret@{host}/?authSource=admin"}


def dataset_elsewhere(at: Endpoints) -> dict[str, str]:
    client = connect_bigquery(str(at.bigquery_project), endpoint=at.bigquery_endpoint, location="US")
    client.create_dataset("in_the_us")
    client.close()
    return {"BIGQUERY_DATASET": "in_the_us", "BIGQUERY_LOCATION": "EU"}


def file_in_the_way(_: Endpoints) -> dict[str, str]:
    return {"SLUICEGATE_SPOOL": "/etc/hostname/spool"}


WRONG: dict[str, tuple[Callable[[Endpoints], dict[str, str]], str, str]] = {
    "MongoDB may only be read": (may_only_read, "mongodb", "may not write database doctor. Give it"),
    "dataset in another location": (
        dataset_elsewhere,
        "bigquery",
        "is in US, and BIGQUERY_LOCATION is EU. Set BIGQUERY_LOCATION=US",
    ),
    "a file where the spool goes": (
        file_in_the_way,
        "disk",
        "spool (SLUICEGATE_SPOOL) cannot be written",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_set_up_wrongly_is_found(place: Workplace, wrong: str) -> None:
    make, where, said = WRONG[wrong]
    done = place.command("doctor", "--json", **make(place.endpoints))
    found = {one["store"]: one for one in json.loads(done.stdout)}
    assert (done.code, found[where]["state"]) == (2, "misconfigured"), str(done)
    assert said in found[where]["problem"]
    assert {one["state"] for name, one in found.items() if name not in {where, "landing"}} == {"ok"}


def test_nothing_is_left_behind(place: Workplace) -> None:
    at = place.endpoints
    assert place.command("doctor").code == 0
    with pymongo.MongoClient[dict[str, Any]](at.mongodb_uri) as client:
        assert [name for name in client["doctor"].list_collection_names() if client["doctor"][name].find_one()] == []
    graph = connect_neo4j(str(at.neo4j_uri), str(at.neo4j_user), str(at.neo4j_password), database=at.neo4j_database)
    assert graph.read("MATCH (n:User) RETURN n.user_id AS id", {}, doing="looking", timeout=30) == []
    graph.close()
    assert not (place.folder / "home").exists() or not list((place.folder / "home").glob("spool*"))


@pytest.mark.parametrize("version", [[4, 4, 29, 0], [3, 6, 0, 0]])
def test_a_server_that_is_too_old_is_refused(version: list[int]) -> None:
    with pytest.raises(ConfigurationError, match=r"is older than 5\.0"):
        refuse_old({"version": ".".join(map(str, version)), "versionArray": version})


@pytest.mark.parametrize("said", [{}, {"versionArray": [5, 0, 0, 0]}, {"versionArray": [8, 2, 1, 0]}, {"version": "?"}])
def test_any_other_server_is_not(said: dict[str, Any]) -> None:
    refuse_old(said)


@pytest.mark.parametrize(("hours", "said"), [(0, ()), (0.5, ("1,800 s ahead of",)), (-0.5, ("1,800 s behind",))])
def test_a_clock_that_is_off_is_named(hours: float, said: tuple[str, ...]) -> None:
    theirs = (datetime.now(UTC) + timedelta(hours=hours)).replace(tzinfo=None)
    notes = list(checkup.clock_notes(theirs))
    assert len(notes) == len(said)
    assert all(part in note for part, note in zip(said, notes, strict=True))


def test_clocks_that_are_hours_apart_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="7,200 s"):
        list(checkup.clock_notes((datetime.now(UTC) - timedelta(hours=2)).replace(tzinfo=None)))


@pytest.mark.parametrize(
    ("stats", "notes"),
    [({}, 0), ({"fsTotalSize": 100e9, "fsUsedSize": 50e9}, 0), ({"fsTotalSize": 100e9, "fsUsedSize": 97e9}, 1)],
)
def test_a_server_whose_disk_is_nearly_full_says_so(stats: dict[str, float], notes: int) -> None:
    assert len(list(checkup.space_notes(stats))) == notes
