"""What a program does with data of each version, as values; no server."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from expectations_plugins.core.errors import ExitCode
from pipeline.core.schema_versions import SCHEMAS, Schema, SchemaVersionError, check, version_in
from pipeline.stores.mongodb.batches import batch_in
from pipeline.upgrades.migration import homeless

SCHEMA = Schema("Store", ("first", "second", "third"), usable=2)


def test_every_store_has_its_versions_with_a_line_each() -> None:
    assert set(SCHEMAS) == {"mongodb", "bigquery", "neo4j", "milvus"}
    assert all(line.endswith(".") for schema in SCHEMAS.values() for line in schema.versions)


@pytest.mark.parametrize("found", [None, 2, 3])
def test_data_of_a_usable_version_or_none_is_no_fault(found: int | None) -> None:
    check("mongodb", found, "database d", SCHEMA)


@pytest.mark.parametrize(
    ("found", "step"), [(1, "run.py migrate"), (0, "run.py migrate"), (4, "upgrade this one"), (99, "upgrade this one")]
)
def test_other_data_is_refused_with_both_versions_and_the_way_on(found: int, step: str) -> None:
    with pytest.raises(SchemaVersionError) as refused:
        check("mongodb", found, "database d", SCHEMA)
    assert f"database d has schema version {found}; this program reads versions 2 to 3" in refused.value.message
    assert step in refused.value.next_step
    assert refused.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ({"written": 3}, ["e1"]),
        ({"written": 0, "finished": False}, ["e1"]),
        ({"written": 0, "finished": True}, []),
        ({"written": 3, "collection": "c"}, []),
        ({"written": 3, "rolled_back_at": datetime(2026, 11, 20, tzinfo=UTC)}, []),
    ],
)
def test_manifests_with_vectors_and_without_a_collection_are_completed(
    manifest: dict[str, object], expected: list[str]
) -> None:
    document = {"_id": "ab" * 32, "embeddings": {"e1": manifest}}
    assert homeless(batch_in(document)) == expected
    latest = {"_id": "ab" * 32, "embedding": {"embedding_batch_id": "e1", **manifest}}
    assert homeless(batch_in(latest)) == expected


def test_a_batch_without_embeddings_lacks_nothing() -> None:
    assert homeless(batch_in({"_id": "ab" * 32, "embedding": {}, "embeddings": {}})) == []
    assert homeless(batch_in({"_id": "ab" * 32})) == []


@pytest.mark.parametrize(("mark", "version"), [(None, 1), ("", 1), (2, 2), ("3", 3)])
def test_a_mark_is_a_number_and_none_is_the_first_version(mark: object, version: int) -> None:
    assert version_in(mark, "milvus", "collection c") == version


@pytest.mark.parametrize("mark", ["two", 1.5, {"version": 2}])
def test_a_mark_that_is_no_number_is_refused_by_name(mark: object) -> None:
    with pytest.raises(SchemaVersionError, match=r"Milvus: collection c has the schema version .* which is no number"):
        version_in(mark, "milvus", "collection c")
