"""The places a dataset is put: GX's own pandas engine, MongoDB, Neo4j and Milvus."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Protocol

import great_expectations
import pandas as pd
from pymilvus import DataType

import expectations_plugins
from expectations_plugins.milvus import connection as milvus
from expectations_plugins.milvus.conditions import NAME
from expectations_plugins.mongodb import connection as mongodb
from expectations_plugins.neo4j import connection as neo4j
from pipeline.local import Endpoints
from tests.gx_cases.plain import KEY, Dataset, is_null

expectations_plugins.register()

PLAIN = (str, int, float, bool)
MOST = 2**63
VECTOR = "vector"
MILVUS_TYPES = {str: DataType.VARCHAR, int: DataType.INT64, float: DataType.DOUBLE, bool: DataType.BOOL}


class Place(Protocol):
    """Where datasets are put."""

    name: str

    def cannot_hold(self, column: str, values: list[Any]) -> str:
        """Why a column of this name and these values cannot be there; "" when it can."""
        ...

    def put(self, dataset: Dataset) -> Callable[[], Any]:
        """Put the dataset there; what gives its batch, as GX sees it."""
        ...

    def close(self) -> None:
        """Remove everything that was put there."""
        ...


class InPandas:
    """A frame of object columns, so that pandas changes no value."""

    name = "pandas"

    def __init__(self, context: Any, _: Endpoints) -> None:
        self._source = context.data_sources.add_pandas(f"frames-{uuid.uuid4().hex[:8]}")

    def cannot_hold(self, _: str, __: list[Any]) -> str:
        return ""

    def put(self, dataset: Dataset) -> Callable[[], Any]:
        frame = pd.DataFrame(dataset.rows(), columns=[KEY, *dataset.columns], dtype=object)
        return self.put_frame(dataset.name, frame.where(frame.notna(), None))

    def put_frame(self, name: str, frame: pd.DataFrame) -> Callable[[], Any]:
        """A frame as it is."""
        definition = self._source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
        return lambda: definition.get_batch({"dataframe": frame})

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

    def cannot_hold(self, _: str, values: list[Any]) -> str:
        if any(isinstance(value, int) and abs(value) >= MOST for value in values):
            return "MongoDB has no whole numbers beyond 64 bits"
        if any(type(value) is date for value in values):
            return "MongoDB has no dates without a time"
        return ""

    def put(self, dataset: Dataset) -> Callable[[], Any]:
        rows = [_without(self, dataset, row) for row in dataset.rows()]
        self._database.create_collection(dataset.name)
        if rows:
            self._database[dataset.name].insert_many(rows)
        if dataset.bare:
            bare = f"{dataset.name}-bare"
            self._database.create_collection(bare, viewOn=dataset.name, pipeline=[{"$project": {KEY: 0}}])
            return _whole(self._source.add_collection(bare))
        return _whole(self._source.add_collection(dataset.name, sort_by=KEY))

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

    def cannot_hold(self, _: str, values: list[Any]) -> str:
        if any(isinstance(value, int) and abs(value) >= MOST for value in values):
            return "Neo4j has no whole numbers beyond 64 bits"
        if any(isinstance(value, Mapping) for value in values):
            return "a property of Neo4j holds no map"
        if any(not _one_type(value) for value in values if isinstance(value, list)):
            return "a list in Neo4j holds values of one type"
        return ""

    def put(self, dataset: Dataset) -> Callable[[], Any]:
        label = f"{self._prefix}x{len(self._labels)}"
        self._labels.append(label)
        rows = [_without(self, dataset, row) for row in dataset.rows()]
        fill = f"UNWIND $rows AS row CREATE (n:{label}) SET n += row"
        self._graph.write([fill], {"rows": rows}, doing="filling", timeout=30)
        if dataset.bare or not rows:  # a query has its columns whatever there is, and no others
            key = "" if dataset.bare else KEY
            columns = ", ".join(f"n.`{name}` AS `{name}`" for name in filter(None, (key, *dataset.columns)))
            return _whole(self._source.add_query(dataset.name, f"MATCH (n:{label}) RETURN {columns}", sort_by=key))
        return _whole(self._source.add_node(dataset.name, label=label, key=KEY, sort_by=KEY))

    def close(self) -> None:
        for label in self._labels:
            self._graph.write([f"MATCH (n:{label}) DETACH DELETE n"], {}, doing="emptying", timeout=30)
        self._graph.close()


class InMilvus:
    """A collection for each dataset: a field of a schema has one type, and there is a vector beside the columns."""

    name = "milvus"

    def __init__(self, context: Any, endpoints: Endpoints) -> None:
        self._client = milvus.connect(str(endpoints.milvus_uri), "")
        self._prefix = f"t{uuid.uuid4().hex[:10]}"
        self._made: list[str] = []
        self._source = context.data_sources.add_milvus(f"milvus-{uuid.uuid4().hex[:8]}", uri=endpoints.milvus_uri)

    def cannot_hold(self, column: str, values: list[Any]) -> str:
        types = {type(value) for value in values if value is not None}
        if not NAME.fullmatch(column):
            return "a field of a Milvus schema has a name of letters, digits and _"
        if types != {int, float} and len(types) > 1:  # a double holds both numbers
            return "a field of a Milvus schema has one type"
        return "" if types <= MILVUS_TYPES.keys() else "Milvus keeps a date as a number or a text"

    def put(self, dataset: Dataset) -> Callable[[], Any]:
        name = f"{self._prefix}_{len(self._made)}"
        held = {name: values for name, values in dataset.columns.items() if not self.cannot_hold(name, values)}
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field(KEY, DataType.VARCHAR, max_length=64, is_primary=True)
        schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=2)
        for column, values in held.items():
            schema.add_field(column, _milvus_type(values), nullable=True, **_length(values))
        index = self._client.prepare_index_params()
        index.add_index(field_name=VECTOR, index_type="AUTOINDEX", metric_type="L2")
        self._client.create_collection(name, schema=schema, index_params=index, consistency_level="Strong")
        self._made.append(name)
        rows = [_without(self, dataset, row) for row in dataset.rows()]
        if rows:
            self._client.insert(name, [{**row, VECTOR: [1.0, 0.5]} for row in rows])
        self._client.load_collection(name)
        return _whole(self._source.add_collection(name))

    def close(self) -> None:
        for name in self._made:
            self._client.drop_collection(name)
        self._client.close()


PLACES: tuple[type[InPandas | InMongoDB | InNeo4j], ...] = (InPandas, InMongoDB, InNeo4j)


def _whole(asset: Any) -> Callable[[], Any]:
    get_batch: Callable[[], Any] = asset.add_batch_definition("all").get_batch
    return get_batch


def _milvus_type(values: list[Any]) -> DataType:
    types = {type(value) for value in values if value is not None}
    return DataType.DOUBLE if float in types else MILVUS_TYPES[next(iter(types), str)]


def _length(values: list[Any]) -> dict[str, int]:
    return {"max_length": 1_000} if _milvus_type(values) is DataType.VARCHAR else {}


def _without(place: Place, dataset: Dataset, row: dict[str, Any]) -> dict[str, Any]:
    """The row, less the columns the place cannot hold; whatever is null is None."""
    held = {name: value for name, value in row.items() if not place.cannot_hold(name, dataset.columns.get(name, []))}
    return {name: None if is_null(value) else value for name, value in held.items()}


def _one_type(values: list[Any]) -> bool:
    return len({type(value) for value in values}) <= 1 and all(isinstance(value, PLAIN) for value in values)


def quiet_context() -> Any:
    """A GX context in memory, without progress bars."""
    found: Any = great_expectations.get_context(mode="ephemeral")
    found.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return found
