"""Milvus on its server: nulls, fields of no declared type, schemas that change, and more rows than one query gives."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import great_expectations
import great_expectations.expectations as gxe
import pytest
from great_expectations.expectations.row_conditions import Column
from pymilvus import DataType, MilvusClient, MilvusException

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.engine.backend import UnsupportedError
from expectations_plugins.milvus import connection as milvus
from expectations_plugins.milvus.backend import MOST_ROWS
from pipeline.local import Endpoints


class Collections:
    """Makes collections of two columns and a vector, by the type of the first."""

    def __init__(self, client: MilvusClient, source: Any) -> None:
        self.client, self.source, self.made = client, source, list[str]()

    def make(self, type_: Any, rows: list[Any], *, dynamic: bool = False, nullable: bool = True, name: str = "") -> str:
        name = name or f"t{uuid.uuid4().hex[:10]}"
        schema = self.client.create_schema(auto_id=False, enable_dynamic_field=dynamic)
        schema.add_field("key", DataType.INT64, is_primary=True)
        schema.add_field("v", DataType.FLOAT_VECTOR, dim=2)
        if type_ is not None:
            more = {"max_length": 64} if type_ is DataType.VARCHAR else {}
            schema.add_field("x", type_, nullable=nullable, **more)
        index = self.client.prepare_index_params()
        index.add_index(field_name="v", index_type="AUTOINDEX", metric_type="L2")
        self.client.create_collection(name, schema=schema, index_params=index, consistency_level="Strong")
        self.made.append(name)
        given = [{"key": key, "v": [1.0, 0.5], **({} if x is ... else {"x": x})} for key, x in enumerate(rows)]
        for start in range(0, len(given), 5_000):
            self._insert(name, given[start : start + 5_000])
        self.client.load_collection(name)
        return name

    def _insert(self, name: str, rows: list[Any]) -> None:
        try:
            self.client.insert(name, rows)
        except MilvusException as error:
            pytest.skip(f"this Milvus holds no nulls: {error.message}")

    def batch(self, name: str, **settings: Any) -> Any:
        asset = self.source.add_collection(f"a {uuid.uuid4().hex}", name, **settings)
        return asset.add_batch_definition("all").get_batch()


@pytest.fixture(scope="module")
def collections(endpoints: Endpoints) -> Iterator[Collections]:
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    client = milvus.connect(str(endpoints.milvus_uri))
    found = Collections(client, context.data_sources.add_milvus("v", uri=endpoints.milvus_uri))
    yield found
    for name in set(found.made):
        client.drop_collection(name)
    client.close()


def unexpected(batch: Any, expectation: Any) -> int:
    found = batch.validate(expectation)
    assert "unexpected_count" in found.result, found.exception_info
    return int(found.result["unexpected_count"])


def refused(batch: Any, expectation: Any) -> str:
    assert not batch.validate(expectation).success
    failures = batch.data.execution_engine.failures.values()
    ours = [str(one) for one in failures if isinstance(one, UnsupportedError | ConfigurationError)]
    assert ours, list(failures)
    return " ".join(ours)


def test_a_pair_with_one_null_is_in_no_set(collections: Collections) -> None:
    """Milvus neither meets nor misses a comparison with a null; the negation of one has to be true."""
    batch = collections.batch(collections.make(DataType.INT64, [1, None, 2]))
    pairs = [(1, 0), (None, 1)]
    asked = gxe.ExpectColumnPairValuesToBeInSet(column_A="x", column_B="key", value_pairs_set=pairs)
    assert unexpected(batch, asked) == 1
    some = gxe.ExpectColumnPairValuesToBeInSet(column_A="x", column_B="key", value_pairs_set=[(1, 0)])
    assert unexpected(batch, some) == 2


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [(Column("x") != 1, 1), (Column("x").is_not_in([1]), 1), ((Column("x") > 5) | Column("x").is_null(), 1)],
)
def test_a_null_meets_no_comparison(collections: Collections, condition: Any, wanted: int) -> None:
    batch = collections.batch(collections.make(DataType.INT64, [1, None, 2]))
    asked = gxe.ExpectTableRowCountToEqual(value=wanted, row_condition=condition)
    assert batch.validate(asked).success


def test_an_order_of_values_of_any_type_is_refused(collections: Collections) -> None:
    batch = collections.batch(collections.make(None, ["text", 5, ...], dynamic=True))
    asked = gxe.ExpectColumnValuesToBeBetween(column="x", min_value=0, max_value=10)
    assert "values may be of any type" in refused(batch, asked)
    assert "does not give" in refused(batch, gxe.ExpectColumnValuesToBeOfType(column="x", type_="int"))


def test_a_null_in_a_set_is_passed_over(collections: Collections) -> None:
    batch = collections.batch(collections.make(DataType.INT64, [1, 2, 3]))
    assert unexpected(batch, gxe.ExpectColumnValuesToBeInSet(column="x", value_set=[1, None, 2])) == 1


def test_a_field_the_schema_does_not_have_is_named_wherever_it_is_asked_for(collections: Collections) -> None:
    name = collections.make(DataType.INT64, [1])
    batch = collections.batch(name)
    for asked in (
        gxe.ExpectColumnValuesToNotBeNull(column="y"),
        gxe.ExpectColumnValuesToBeInSet(column="y", value_set=[1]),
        gxe.ExpectTableRowCountToEqual(value=0, row_condition=Column("y") == 1),
    ):
        assert f"collection {name} has no field 'y'; it has key, v, x" in refused(batch, asked)
    filtered = collections.batch(name, where=Column("y") == 1)
    assert "no field 'y'" in refused(filtered, gxe.ExpectTableRowCountToEqual(value=0))


def test_a_collection_that_is_made_again_is_read_by_its_new_schema(collections: Collections) -> None:
    name = collections.make(DataType.INT64, [1, 2], nullable=False)
    batch = collections.batch(name)
    assert unexpected(batch, gxe.ExpectColumnValuesToNotBeNull(column="x")) == 0
    assert unexpected(batch, gxe.ExpectColumnValuesToBeOfType(column="x", type_="int")) == 0
    collections.client.drop_collection(name)
    collections.make(DataType.VARCHAR, ["a", None], name=name)
    assert unexpected(batch, gxe.ExpectColumnValuesToNotBeNull(column="x")) == 1
    assert unexpected(batch, gxe.ExpectColumnValuesToBeOfType(column="x", type_="int")) == 1


def test_more_rows_than_one_query_gives_are_all_judged(collections: Collections) -> None:
    texts = ["2026-11-20" if number % 1_000 else "no date" for number in range(MOST_ROWS + 2_000)]
    batch = collections.batch(collections.make(DataType.VARCHAR, texts))
    wanted = texts.count("no date")
    assert unexpected(batch, gxe.ExpectColumnValuesToBeDateutilParseable(column="x")) == wanted
    assert unexpected(batch, gxe.ExpectColumnValuesToMatchStrftimeFormat(column="x", strftime_format="%Y-%m-%d")) == (
        wanted
    )
