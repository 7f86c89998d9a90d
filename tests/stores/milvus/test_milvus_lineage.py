"""A record's vector and its neighbours on a real Milvus server."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterator

import pytest

from expectations_plugins.core.defaults import VECTOR_DIMENSION
from expectations_plugins.milvus.connection import MilvusClient, connect
from pipeline.core.embeddings import FALLBACK_SOURCE, VectorRow
from pipeline.local import Endpoints
from pipeline.stores.milvus.tracing import MilvusLineage, neighbours_filter
from pipeline.stores.milvus.vector_store import MilvusVectorStore
from tests.fakes.hostile_texts import HOSTILE


@pytest.fixture(scope="module")
def client(endpoints: Endpoints) -> Iterator[MilvusClient]:
    found = connect(str(endpoints.milvus_uri))
    yield found
    found.close()


@pytest.fixture(scope="module")
def filled(client: MilvusClient) -> Iterator[str]:
    """A collection: `a` and those at growing angles from it, a fallback, and hostile ids far away."""
    name = f"t{uuid.uuid4().hex[:10]}"
    store = MilvusVectorStore(client, name)
    store.prepare()
    rows = [row(key, angle) for key, angle in (("a", 0.0), ("near", 0.2), ("far", 1.2), ("farther", 2.0))]
    store.upsert([*rows, row("fallback", 0.1, FALLBACK_SOURCE), *(row(text, 3.1) for text in HOSTILE)])
    yield name
    client.drop_collection(name)


def row(key: str, angle: float, source: str = "model") -> VectorRow:
    vector = (math.cos(angle), math.sin(angle)) + (0.0,) * (VECTOR_DIMENSION - 2)
    return VectorRow(key, "b1", "e1", source, 7, vector)


def test_a_vector_is_told_by_its_numbers(client: MilvusClient, filled: str) -> None:
    found = MilvusLineage(client, filled).vector("a")
    assert found is not None
    assert (found.batch_id, found.embedding_batch_id, found.embedding_source, found.fence) == ("b1", "e1", "model", 7)
    assert (found.dimension, found.norm) == (768, pytest.approx(1.0))


def test_the_nearest_come_first_without_the_record_and_without_fallbacks(client: MilvusClient, filled: str) -> None:
    near = MilvusLineage(client, filled).nearest("a", 3)
    assert [one.interaction_id for one in near] == ["near", "far", "farther"]
    assert [one.similarity for one in near] == [pytest.approx(math.cos(angle), abs=1e-4) for angle in (0.2, 1.2, 2.0)]


def test_what_is_not_there_has_neither_vector_nor_neighbours(client: MilvusClient, filled: str) -> None:
    reads = MilvusLineage(client, filled)
    assert (reads.vector("nobody"), reads.nearest("nobody", 5), reads.nearest("a", 0)) == (None, [], [])


def test_a_collection_that_was_never_made_is_not_made(client: MilvusClient) -> None:
    reads = MilvusLineage(client, "never_made")
    assert (reads.vector("a"), client.has_collection("never_made")) == (None, False)


@pytest.mark.parametrize("text", HOSTILE)
def test_an_id_is_only_ever_an_id(client: MilvusClient, filled: str, text: str) -> None:
    reads = MilvusLineage(client, filled)
    assert reads.vector(text) is not None
    assert text not in [one.interaction_id for one in reads.nearest(text, 100)]
    assert reads.vector(f"{text} or") is None


def test_the_filter_is_golden(golden: Callable[[str, str], None]) -> None:
    golden("milvus_lineage.txt", neighbours_filter(row('"] or interaction_id != "', 0.0)) + "\n")
