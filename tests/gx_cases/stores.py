"""The places a dataset is put: GX's own pandas engine, MongoDB and Neo4j."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any, Protocol

import great_expectations
import pandas as pd

import expectations_plugins
from pipeline.local import Endpoints
from pipeline.stores import mongodb, neo4j
from tests.gx_cases.plain import KEY, Dataset, is_null

assert expectations_plugins

PLAIN = (str, int, float, bool)
MOST = 2**63


class Place(Protocol):
    """Where datasets are put."""

    name: str

    def cannot_hold(self, values: list[Any]) -> str:
        """Why a column of these values cannot be there; "" when it can."""
        ...

    def batch(self, dataset: Dataset) -> Any:
        """Put the dataset there; its batch, as GX sees it."""
        ...

    def close(self) -> None:
        """Remove everything that was put there."""
        ...


class InPandas:
    """A frame of object columns, so that pandas changes no value."""

    name = "pandas"

    def __init__(self, context: Any, _: Endpoints) -> None:
        self._source = context.data_sources.add_pandas(f"frames-{uuid.uuid4().hex[:8]}")

    def cannot_hold(self, _: list[Any]) -> str:
        return ""

    def batch(self, dataset: Dataset) -> Any:
        frame = pd.DataFrame(dataset.rows(), columns=[KEY, *dataset.columns], dtype=object)
        asset = self._source.add_dataframe_asset(dataset.name)
        definition = asset.add_batch_definition_whole_dataframe("all")
        return definition.get_batch({"dataframe": frame.where(frame.notna(), None)})

    def close(self) -> None:
        pass


class InMongoDB:
    """A collection for each dataset; a missing value is stored as null."""

    name = "mongodb"

    def __init__(self, context: Any, endpoints: Endpoints) -> None:
        self._database = mongodb.connect(str(endpoints.mongodb_uri), f"t{uuid.uuid4().hex[:10]}")
        self._source = context.data_sources.add_mongodb(
            f"mongodb-{uuid.uuid4().hex[:8]}", connection_string="${GX_CASES_MONGODB}", database=self._database.name
        )

    def cannot_hold(self, values: list[Any]) -> str:
        if any(isinstance(value, int) and abs(value) >= MOST for value in values):
            return "MongoDB has no whole numbers beyond 64 bits"
        if any(type(value) is date for value in values):
            return "MongoDB has no dates without a time"
        return ""

    def batch(self, dataset: Dataset) -> Any:
        rows = [_without(self, dataset, row) for row in dataset.rows()]
        if rows:
            self._database[dataset.name].insert_many(rows)
        asset = self._source.add_collection(dataset.name, sort_by=KEY, allow_missing=True)
        return asset.add_batch_definition("all").get_batch()

    def close(self) -> None:
        self._database.client.drop_database(self._database.name)
        self._database.client.close()


class InNeo4j:
    """Nodes with a label for each dataset; a missing value is a property that is not there."""

    name = "neo4j"

    def __init__(self, context: Any, endpoints: Endpoints) -> None:
        self._graph = neo4j.connect(
            str(endpoints.neo4j_uri), str(endpoints.neo4j_user), str(endpoints.neo4j_password), database="graph"
        )
        self._prefix = f"T{uuid.uuid4().hex[:10]}"
        self._labels: list[str] = []
        self._source = context.data_sources.add_neo4j(
            f"neo4j-{uuid.uuid4().hex[:8]}",
            uri=endpoints.neo4j_uri,
            user=endpoints.neo4j_user,
            password="${GX_CASES_NEO4J}",
            database="graph",
        )

    def cannot_hold(self, values: list[Any]) -> str:
        if any(isinstance(value, int) and abs(value) >= MOST for value in values):
            return "Neo4j has no whole numbers beyond 64 bits"
        if any(isinstance(value, Mapping) for value in values):
            return "a property of Neo4j holds no map"
        if any(not _one_type(value) for value in values if isinstance(value, list)):
            return "a list in Neo4j holds values of one type"
        return ""

    def batch(self, dataset: Dataset) -> Any:
        label = f"{self._prefix}x{len(self._labels)}"
        self._labels.append(label)
        rows = [_without(self, dataset, row) for row in dataset.rows()]
        fill = f"UNWIND $rows AS row CREATE (n:{label}) SET n += row"
        self._graph.write([fill], {"rows": rows}, doing="filling", timeout=30)
        asset = self._source.add_node(dataset.name, label=label, key=KEY, sort_by=KEY, allow_missing=True)
        return asset.add_batch_definition("all").get_batch()

    def close(self) -> None:
        for label in self._labels:
            self._graph.write([f"MATCH (n:{label}) DETACH DELETE n"], {}, doing="emptying", timeout=30)
        self._graph.close()


PLACES: tuple[type[InPandas | InMongoDB | InNeo4j], ...] = (InPandas, InMongoDB, InNeo4j)


def _without(place: Place, dataset: Dataset, row: dict[str, Any]) -> dict[str, Any]:
    """The row, less the columns the place cannot hold; whatever is null is None."""
    held = {name: value for name, value in row.items() if not place.cannot_hold(dataset.columns.get(name, []))}
    return {name: None if is_null(value) else value for name, value in held.items()}


def _one_type(values: list[Any]) -> bool:
    return len({type(value) for value in values}) <= 1 and all(isinstance(value, PLAIN) for value in values)


def quiet_context() -> Any:
    """A GX context in memory, without progress bars."""
    found: Any = great_expectations.get_context(mode="ephemeral")
    found.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return found
