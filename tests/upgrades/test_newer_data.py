"""Data of a newer program is refused, for each of the four stores, before a record is written anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.core.schema_versions import SCHEMAS
from tests.upgrades import old_logs, stored
from tests.upgrades.conftest import Place

TITLES = {"mongodb": "MongoDB", "bigquery": "BigQuery", "neo4j": "Neo4j", "milvus": "Milvus"}
NEWER = 99


def mark(place: Place, store: str) -> None:
    """Say that a store's data is of a newer version, as a newer program would."""
    stores = place.stores
    if store == "mongodb":
        stores.mongodb["ledger_meta"].update_one({"_id": "schema"}, {"$set": {"version": NEWER}})
    elif store == "bigquery":
        table = stores.bigquery.get_table(f"{stores.name}.interaction_metrics")
        table.labels = {"sluicegate_schema": str(NEWER)}
        stores.bigquery.update_table(table, ["labels"])
    elif store == "neo4j":
        stored.asked(stores, "CREATE (n:SluicegateSchema {version: $version})", version=NEWER)
    else:
        stores.milvus.alter_collection_properties(stores.name, properties={"sluicegate.schema_version": str(NEWER)})


def records(place: Place) -> dict[str, Any]:
    """All that is held but the ledger's entry of a batch that was found, and who works on it."""
    held = place.held()
    held["mongodb"] = {name: rows for name, rows in held["mongodb"].items() if name not in ("batches", "leases")}
    return held


@pytest.mark.parametrize("store", TITLES)
def test_newer_data_is_refused_and_nothing_is_written(store: str, make_place: Callable[[], Place]) -> None:
    place = make_place()
    mark(place, store)
    new = place.work.land("new.jsonl", (json.dumps(old_logs.record("closed", 0) | {"interaction_id": "n"})).encode())
    before, ledger = records(place), place.held()["mongodb"]
    done = place.command("run", new, code=2)
    assert f"{TITLES[store]}: " in done.stderr
    known = SCHEMAS[store].current
    assert f"has schema version {NEWER}; this program reads versions 1 to {known}. Nothing was changed." in done.stderr
    assert "upgrade this one" in done.stderr
    refused = place.command("migrate", code=2)
    assert f"has schema version {NEWER}" in refused.stderr
    assert records(place) == before
    if store == "mongodb":
        assert place.held()["mongodb"] == ledger
    assert place.versions() == place.versions() | {"mongodb": NEWER if store == "mongodb" else 1}


COMMANDS = {
    "mongodb": (("status",), ("watch",), ("docs", "build"), ("dlq", "list"), ("quarantine", "list")),
    "neo4j": (("review", "list"), ("campaigns", "load", "campaigns.jsonl")),
    "milvus": (("reembed",),),
}


@pytest.mark.parametrize(("store", "arguments"), [(s, a) for s, found in COMMANDS.items() for a in found])
def test_a_command_that_opens_that_store_alone_is_refused_too(
    store: str, arguments: tuple[str, ...], make_place: Callable[[], Place]
) -> None:
    place = make_place()
    mark(place, store)
    before = place.held()
    done = place.command(*arguments, code=2)
    assert f"has schema version {NEWER}" in done.stderr + done.stdout
    assert place.held() == before
