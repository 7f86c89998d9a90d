"""What fdfb3e9 wrote is read, gone on with and migrated; tests/upgrades/write_old_data.py is how it was made."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import gethostname
from typing import Any

import pytest

from pipeline.config import load_settings
from tests.upgrades import old_logs
from tests.upgrades.conftest import DATA, LEDGER, MARKED, Place, said

STATUS = {
    "closed": "closed",
    "halted_raw": "halted",
    "halted_graph": "halted",
    "halted_vectors": "halted",
    "rejected": "dead",
    "fallback": "closed",
    "reembedded": "closed",
    "rolled_back": "halted",
    "released": "closed",
    "dead_records": "closed",
    "orphans": "closed",
}
MOST_BYTES = 300_000
READS: tuple[tuple[str, ...], ...] = (
    ("status", "--json", "--limit", "50"),
    ("dlq", "list"),
    ("quarantine", "list"),
    ("review", "list"),
    ("alerts", "list"),
    *(("trace", old_logs.key(fate, 1)) for fate in ("closed", "reembedded", "fallback", "orphans", "dead_records")),
)
"""Commands that only read, and say the same before a migration and after it."""

ADDED = ("schema_version", "collection", "model")
NEVER_MARKED = {"mongodb": 1, "bigquery": None, "neo4j": [], "milvus": None}


@pytest.fixture(params=["before", "after"])
def place(request: pytest.FixtureRequest, make_place: Callable[[], Place]) -> Place:
    """The old data, as it is and migrated."""
    made = make_place()
    if request.param == "after":
        made.command("migrate")
    return made


def test_the_data_is_small_and_names_no_machine() -> None:
    texts = [path.read_text("utf-8") for path in sorted(DATA.glob("*.json"))]
    assert len(texts) == 4
    assert sum(len(text.encode()) for text in texts) < MOST_BYTES
    assert not any(word in text for text in texts for word in ("/tmp/", str(Path.home()), gethostname()))


def test_a_migration_says_what_it_would_do_does_it_and_is_done(make_place: Callable[[], Place]) -> None:
    place = make_place()
    before = place.held()
    check = place.command("migrate", "--check", code=2)
    assert "write the version into 11 batches" in check.stdout
    assert "Nothing was changed." in check.stdout
    assert (place.held(), place.versions()) == (before, NEVER_MARKED)
    assert "Done." in place.command("migrate").stdout
    assert place.versions() == MARKED
    after = place.held()
    assert "Nothing is to be migrated." in place.command("migrate").stdout
    assert "Nothing is to be migrated." in place.command("migrate", "--check").stdout
    assert place.held() == after
    assert {name: rows for name, rows in after["mongodb"].items() if name not in ("batches", "ledger_meta")} == {
        name: rows for name, rows in before["mongodb"].items() if name not in ("batches", "ledger_meta")
    }
    assert after["milvus"] == before["milvus"]
    assert {name: after["bigquery"][name] for name in before["bigquery"]} == before["bigquery"]
    for row in after["mongodb"]["batches"]:
        assert row["schema_version"] == LEDGER
        assert all(one["collection"] == place.stores.name for one in living(row)), row["source"]


def test_a_ledger_of_the_version_before_is_used_as_it_is_and_migrated(make_place: Callable[[], Place]) -> None:
    place = make_place()
    place.command("migrate")
    ledger = place.stores.mongodb
    ledger["ledger_meta"].update_one({"_id": "schema"}, {"$set": {"version": LEDGER - 1}})
    ledger["batches"].update_many({}, {"$set": {"schema_version": LEDGER - 1}})
    new = place.work.land("new.jsonl", json.dumps(old_logs.record("closed", 0) | {"interaction_id": "n"}).encode())
    assert [one["status"] for one in said(place.command("run", "--json", new))["batches"]] == ["closed"]
    assert place.versions() == MARKED | {"mongodb": LEDGER - 1}
    check = place.command("migrate", "--check", code=2)
    assert "write the version into 11 batches" in check.stdout
    place.command("migrate")
    assert place.versions() == MARKED
    assert {row["schema_version"] for row in place.held()["mongodb"]["batches"]} == {LEDGER}


def living(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Manifests of embedding batches that were not rolled back and wrote vectors."""
    return [one for one in row.get("embeddings", {}).values() if not one.get("rolled_back_at") and one["written"]]


def test_the_models_are_those_that_made_the_vectors(make_place: Callable[[], Place]) -> None:
    place = make_place()
    place.command("migrate")
    document = place.stores.batch(place.ids["closed"])
    [manifest] = document["embeddings"].values()
    assert manifest["model"] == load_settings().gemini_model
    assert document["embedding"] == manifest
    [fallback] = place.stores.batch(place.ids["fallback"])["embeddings"].values()  # no model made any of its vectors
    assert fallback["model"] == load_settings().gemini_model


def test_every_command_that_reads_says_the_same_before_and_after(make_place: Callable[[], Place]) -> None:
    place = make_place()
    said_before = {arguments: place.command(*arguments).stdout for arguments in READS}
    assert {fate: place.status(fate) for fate in STATUS} == STATUS
    before = {fate: place.command("status", place.ids[fate]).stdout for fate in STATUS}
    place.command("migrate")
    for arguments, text in said_before.items():
        assert alike(place, place.command(*arguments).stdout) == alike(place, text)
    for fate, text in before.items():
        assert fate in text
        assert STATUS[fate] in place.command("status", place.ids[fate]).stdout


def alike(place: Place, text: str) -> str:
    """What a command said, without what a migration adds: the version of a document, collection and model."""
    found = json.dumps(without_additions(json.loads(text))) if text.startswith("[") else text
    return found.replace(place.stores.name, "")


def without_additions(value: Any) -> Any:
    if isinstance(value, list):
        return [without_additions(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: without_additions(item) for name, item in value.items() if name not in ADDED}


def test_a_run_over_the_same_logs_finds_nothing_new(place: Place) -> None:
    held = place.held()
    done = place.command("run", "--json", place.work.landing, code=None)
    batches = said(done)["batches"]
    assert {Path(batch["source"]).stem: batch["status"] for batch in batches} == STATUS
    assert not any(batch["fresh"] for batch in batches)
    now = place.held()
    for store in ("bigquery", "milvus"):
        assert now[store] == held[store]
    assert now["mongodb"]["interactions"] == held["mongodb"]["interactions"]


def test_pages_are_built_of_old_batches(place: Place) -> None:
    place.command("docs", "build")
    text = "".join(path.read_text("utf-8") for path in (place.work.folder / "gx").rglob("*.html"))
    assert all(batch_id[:12] in text for batch_id in place.ids.values())


def test_old_batches_are_decided_about(place: Place) -> None:
    ids = place.ids
    place.command("resume", ids["halted_raw"])
    place.command("recheck", ids["halted_graph"], "--redo")
    place.command("recheck", ids["halted_vectors"], "--redo")
    place.command("rollback", ids["closed"], "--yes")
    assert [place.status(fate) for fate in ("halted_raw", "halted_graph", "halted_vectors")] == ["closed"] * 3
    assert place.status("closed") == "halted"  # by the rollback
    assert len(place.stores.vectors(ids["halted_graph"])) == old_logs.RECORDS
    assert len(place.stores.vectors(ids["halted_vectors"])) == old_logs.RECORDS
    assert place.stores.vectors(ids["closed"]) == set()
    place.command("recheck", ids["closed"], "--redo")
    assert (place.status("closed"), len(place.stores.vectors(ids["closed"]))) == ("closed", old_logs.RECORDS)


def test_old_fallback_vectors_are_replaced_and_taken_back(place: Place) -> None:
    ids = place.ids
    assert "4 of 4 replaced" in place.command("reembed", "--batch", ids["fallback"]).stdout
    assert "no fallback vectors" in place.command("reembed", "--batch", ids["reembedded"]).stdout
    for fate in ("fallback", "reembedded"):  # the before-images: one of this program, one of the old one
        assert "4 restored" in place.command("rollback", ids[fate], "--yes").stdout
        assert len(place.stores.vectors(ids[fate])) == old_logs.RECORDS


def test_an_old_dead_batch_and_old_dead_records_are_shown_and_rejected_ones_stay(place: Place) -> None:
    ids = place.ids
    assert ids["rejected"][:12] in place.command("dlq", "list").stdout
    assert "not ours" in place.command("dlq", "show", ids["rejected"]).stdout
    assert "not JSON" in place.command("dlq", "show", f"{ids['dead_records'][:12]}:5").stdout
    place.command("reject", ids["halted_raw"], "--note", "neither", "--yes", code=None)
    assert place.status("halted_raw") == "dead"


def test_a_migration_is_refused_while_a_run_is_at_work(make_place: Callable[[], Place]) -> None:
    place = make_place()
    batch = place.ids["halted_raw"]
    until = datetime.now(UTC) + timedelta(minutes=5)
    lease = {"holder": "machine:7:abc", "fence": 9_999_999_999_999, "expires_at": until}
    place.stores.mongodb["leases"].update_one({"_id": batch}, {"$set": lease}, upsert=True)
    before = place.held()
    refused = place.command("migrate", code=4)
    assert f"machine:7:abc works on batch {batch[:12]}" in refused.stderr
    assert place.held() == before
    assert place.command("migrate", "--check", code=2).stdout


def test_manifests_whose_vectors_are_elsewhere_stay_as_they_are_and_are_named(make_place: Callable[[], Place]) -> None:
    place = make_place()
    done = place.command("migrate", MILVUS_COLLECTION=f"{place.stores.name}_other")
    assert "The settings' collection holds no vectors of" in done.stdout
    assert (
        "Nothing is to be migrated."
        in place.command("migrate", "--check", MILVUS_COLLECTION=f"{place.stores.name}_other").stdout
    )
    refused = place.command(
        "rollback", place.ids["closed"], "--yes", code=2, MILVUS_COLLECTION=f"{place.stores.name}_other"
    )
    assert "Set GEMINI_MODEL, or MILVUS_COLLECTION" in refused.stderr
    place.command("migrate", "--check", code=2)  # with the settings as they were, they are found
    place.command("migrate")
    place.command("rollback", place.ids["closed"], "--yes")
    assert place.stores.vectors(place.ids["closed"]) == set()


def test_an_empty_place_has_nothing_to_migrate_and_begins_with_this_version(make_place: Callable[..., Place]) -> None:
    place = make_place(loaded=False)
    done = place.command("migrate")
    assert "Nothing is to be migrated." in done.stdout
    assert place.stores.mongodb.list_collection_names() == []
    place.command("run", place.work.landing / "closed.jsonl")
    assert place.versions() == MARKED
    place.command("migrate", "--check")
