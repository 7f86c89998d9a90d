"""The vector gate on Milvus: 100 sampled vectors by this project and by hand, and every vector into pandas."""

from __future__ import annotations

import math
import random
from typing import Any

import great_expectations.expectations as gxe
import numpy as np
import pandas as pd
from pymilvus import MilvusClient

from benchmarks.workload import (
    FLOOR,
    PANDAS,
    PUSH_DOWN,
    Address,
    Batch,
    Check,
    by_batch,
    chunks,
    context,
    frames,
    require,
    validate,
)
from expectations_plugins.expectations import ExpectSampledVectorsToBeValid
from expectations_plugins.milvus.connection import connect
from pipeline.core.embeddings import VectorRow
from pipeline.stores.milvus.vector_store import MilvusVectorStore

DIMENSION = 768
SAMPLE = 100
CHUNK = 1_000
FIELDS = ["interaction_id", "embedding_batch_id", "vector"]


class Filler:
    """Fills a collection of its own, of the vector store's schema."""

    def __init__(self, address: Address) -> None:
        self._client, self._collection = connect(address.uri, address.password), address.space
        self._store = MilvusVectorStore(self._client, self._collection)
        self._store.prepare()
        self._numbers = np.random.default_rng(1)

    def fill(self, size: int) -> Batch:
        """Write a batch of unit vectors; its embedding batch has the same id."""
        batch_id = f"batch_{size}"
        for numbers in chunks(size, CHUNK):
            vectors = self._numbers.normal(size=(len(numbers), DIMENSION)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            rows = zip(numbers, vectors.tolist(), strict=True)
            self._store.upsert([VectorRow(_key(batch_id, n), batch_id, batch_id, "model", 1, v) for n, v in rows])
        sample = sorted(random.Random(size).sample(range(size), min(size, SAMPLE)))
        return Batch(batch_id, size, tuple(_key(batch_id, number) for number in sample))

    def drop(self) -> None:
        """Drop the collection."""
        self._client.drop_collection(self._collection)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _key(batch_id: str, number: int) -> str:
    return f"i_{batch_id}_{number:07d}"


def push_down(address: Address) -> Check:
    """The expectation on this project's Milvus data source."""
    source = context().data_sources.add_milvus("milvus", uri=address.uri)
    batches = by_batch(source.add_collection("embeddings", collection=address.space))

    def check(batch: Batch) -> None:
        vectors = ExpectSampledVectorsToBeValid(
            sample_ids=list(batch.sample_ids), expected=batch.size, embedding_batch_id=batch.batch_id
        )
        validate(batches.get_batch({"batch_id": batch.batch_id}), [vectors])

    return check


def floor(address: Address) -> Check:
    """One get and the driver."""
    client = connect(address.uri, address.password)

    def check(batch: Batch) -> None:
        rows = client.get(address.space, ids=list(batch.sample_ids), output_fields=FIELDS, consistency_level="Strong")
        valid = [row for row in rows if row["embedding_batch_id"] == batch.batch_id and _is_valid(row["vector"])]
        require(len(valid) == len(batch.sample_ids), f"{len(valid)} of {len(batch.sample_ids)} vectors are valid")

    return check


def _is_valid(vector: list[float]) -> bool:
    return len(vector) == DIMENSION and any(vector) and all(map(math.isfinite, vector))


def pandas(address: Address) -> Check:
    """Every vector of the batch into a data frame, then stock expectations."""
    client, batches = connect(address.uri, address.password), frames(context())

    def check(batch: Batch) -> None:
        frame = pd.DataFrame(_all(client, address.space, batch))
        frame["dimension"] = frame["vector"].map(len)
        frame["valid"] = frame["vector"].map(_is_valid)
        suite = [
            gxe.ExpectTableRowCountToEqual(value=batch.size),
            gxe.ExpectColumnValuesToBeInSet(column="dimension", value_set=[DIMENSION]),
            gxe.ExpectColumnValuesToBeInSet(column="valid", value_set=[True]),
        ]
        validate(batches.get_batch({"dataframe": frame}), suite)

    return check


def _all(client: MilvusClient, collection: str, batch: Batch) -> list[dict[str, Any]]:
    """By key, the fastest: a query gives 16,384 rows at most, and iterators and ranges are slow on Milvus Lite."""
    rows: list[dict[str, Any]] = []
    for numbers in chunks(batch.size, CHUNK):
        keys = [_key(batch.batch_id, number) for number in numbers]
        rows += client.get(collection, ids=keys, output_fields=FIELDS, consistency_level="Strong")
    return rows


WAYS = {PUSH_DOWN: push_down, FLOOR: floor, PANDAS: pandas}
