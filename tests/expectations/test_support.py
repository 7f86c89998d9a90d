"""The support matrix is true: what it says yes to is computed on the server, what it says no to is refused by name.

Every expectation is asked of every store through a proxy that keeps what was sent: one example that passes, one that
fails. What a store computes itself answers in few bytes, however many records there are.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import great_expectations
import pytest
from great_expectations.expectations.row_conditions import Column
from pymilvus import DataType, MilvusException

from docs import support_matrix
from expectations_plugins.milvus import connection as milvus
from expectations_plugins.mongodb import connection as mongodb
from expectations_plugins.neo4j import connection as neo4j
from pipeline.local import Endpoints
from tests.faults.proxy import Proxy, port_of, through
from tests.gx_cases.judging import raised

SIZE = 400
FEW_BYTES = 9_000
"""More than any answer of counts, values or examples here; a tenth of what the records take."""

DATE = "2026-11-20"
TEXTS = ["a", "b", "c", "a"]
ROWS = [
    {
        "key": f"k{n:04d}",
        "s": TEXTS[n % 4],
        "t": TEXTS[n % 4],
        "d": DATE,
        "j": '{"text": "so long that all of them are many bytes"}',
        "n": n,
        "m": n - 1,
        "r": -n,
    }
    for n in range(SIZE)
]
"""`z` is the field that no record has a value of."""

CASES = {type(one).__name__: one for one in support_matrix.expectations()}
Arguments = dict[str, Any]


def both(passes: Arguments, fails: Arguments, **shared: Any) -> tuple[Arguments, Arguments]:
    return {**shared, **passes}, {**shared, **fails}


def bounds(column: str, low: float, high: float) -> tuple[Arguments, Arguments]:
    return both({"min_value": low, "max_value": high}, {"min_value": high + 1}, column=column)


EXAMPLES: dict[str, tuple[Arguments, Arguments]] = {
    "ExpectColumnDistinctValuesToBeInSet": both({"value_set": ["a", "b", "c"]}, {"value_set": ["a"]}, column="s"),
    "ExpectColumnDistinctValuesToContainSet": both({"value_set": ["a"]}, {"value_set": ["x"]}, column="s"),
    "ExpectColumnDistinctValuesToEqualSet": both({"value_set": ["a", "b", "c"]}, {"value_set": ["a"]}, column="s"),
    "ExpectColumnMaxToBeBetween": bounds("n", SIZE - 1, SIZE - 1),
    "ExpectColumnMeanToBeBetween": bounds("n", SIZE / 2 - 1, SIZE / 2),
    "ExpectColumnMedianToBeBetween": bounds("n", SIZE / 2 - 1, SIZE / 2),
    "ExpectColumnMinToBeBetween": bounds("n", 0, 0),
    "ExpectColumnMostCommonValueToBeInSet": both({"value_set": ["a"]}, {"value_set": ["b"]}, column="s"),
    "ExpectColumnPairValuesAToBeGreaterThanB": (
        {"column_A": "n", "column_B": "m"},
        {"column_A": "m", "column_B": "n"},
    ),
    "ExpectColumnPairValuesToBeEqual": both({"column_B": "t"}, {"column_B": "d"}, column_A="s"),
    "ExpectColumnPairValuesToBeInSet": both(
        {"value_pairs_set": [("a", DATE), ("b", DATE), ("c", DATE)]},
        {"value_pairs_set": [("a", DATE)]},
        column_A="s",
        column_B="d",
    ),
    "ExpectColumnProportionOfNonNullValuesToBeBetween": both({"column": "s"}, {"column": "z"}, min_value=1),
    "ExpectColumnProportionOfUniqueValuesToBeBetween": both({"column": "n"}, {"column": "s"}, min_value=1),
    "ExpectColumnQuantileValuesToBeBetween": both(
        {"quantile_ranges": {"quantiles": [0.25, 1.0], "value_ranges": [[99, 101], [SIZE - 1, None]]}},
        {"quantile_ranges": {"quantiles": [0.25], "value_ranges": [[0, 1]]}},
        column="n",
    ),
    "ExpectColumnStdevToBeBetween": bounds("n", 115, 116),
    "ExpectColumnSumToBeBetween": bounds("n", 79_800, 79_800),
    "ExpectColumnToExist": ({"column": "s"}, {"column": "nowhere"}),
    "ExpectColumnTypeToBe": both({"type_": "VARCHAR"}, {"type_": "INT64"}, column="s"),
    "ExpectColumnUniqueValueCountToBeBetween": bounds("s", 3, 3),
    "ExpectColumnValueLengthsToBeBetween": bounds("s", 1, 1),
    "ExpectColumnValueLengthsToEqual": both({"value": 1}, {"value": 2}, column="s"),
    "ExpectColumnValuesToBeBetween": bounds("n", 0, SIZE),
    "ExpectColumnValuesToBeDateutilParseable": ({"column": "d"}, {"column": "s"}),
    "ExpectColumnValuesToBeDecreasing": ({"column": "r"}, {"column": "n"}),
    "ExpectColumnValuesToBeInSet": both({"value_set": ["a", "b", "c"]}, {"value_set": ["a"]}, column="s"),
    "ExpectColumnValuesToBeInTypeList": both({"type_list": ["str"]}, {"type_list": ["int"]}, column="s"),
    "ExpectColumnValuesToBeIncreasing": ({"column": "n"}, {"column": "r"}),
    "ExpectColumnValuesToBeJsonParseable": ({"column": "j"}, {"column": "s"}),
    "ExpectColumnValuesToBeNull": ({"column": "z"}, {"column": "s"}),
    "ExpectColumnValuesToBeOfType": both({"type_": "str"}, {"type_": "int"}, column="s"),
    "ExpectColumnValuesToBeUnique": ({"column": "n"}, {"column": "s"}),
    "ExpectColumnValuesToMatchLikePattern": both({"like_pattern": "_"}, {"like_pattern": "a%"}, column="s"),
    "ExpectColumnValuesToMatchLikePatternList": both(
        {"like_pattern_list": ["a%", "b%", "c%"]}, {"like_pattern_list": ["a%"]}, column="s"
    ),
    "ExpectColumnValuesToMatchRegex": both({"regex": "^[abc]$"}, {"regex": "^a$"}, column="s"),
    "ExpectColumnValuesToMatchRegexList": both({"regex_list": ["a", "b|c"]}, {"regex_list": ["a"]}, column="s"),
    "ExpectColumnValuesToMatchStrftimeFormat": both(
        {"strftime_format": "%Y-%m-%d"}, {"strftime_format": "%d/%m/%Y"}, column="d"
    ),
    "ExpectColumnValuesToNotBeInSet": both({"value_set": ["x"]}, {"value_set": ["a"]}, column="s"),
    "ExpectColumnValuesToNotBeNull": ({"column": "s"}, {"column": "z"}),
    "ExpectColumnValuesToNotMatchLikePattern": both({"like_pattern": "x%"}, {"like_pattern": "a%"}, column="s"),
    "ExpectColumnValuesToNotMatchLikePatternList": both(
        {"like_pattern_list": ["x%"]}, {"like_pattern_list": ["x%", "a%"]}, column="s"
    ),
    "ExpectColumnValuesToNotMatchRegex": both({"regex": "x"}, {"regex": "a"}, column="s"),
    "ExpectColumnValuesToNotMatchRegexList": both({"regex_list": ["x"]}, {"regex_list": ["x", "a"]}, column="s"),
    "ExpectCompoundColumnsToBeUnique": ({"column_list": ["n", "s"]}, {"column_list": ["s", "d"]}),
    "ExpectMulticolumnSumToEqual": both({"sum_total": 0}, {"sum_total": 5}, column_list=["n", "r"]),
    "ExpectMulticolumnValuesToBeEqual": ({"column_list": ["s", "t"]}, {"column_list": ["s", "d"]}),
    "ExpectSelectColumnValuesToBeUniqueWithinRecord": ({"column_list": ["s", "d"]}, {"column_list": ["s", "t"]}),
    "ExpectTableColumnCountToBeBetween": ({"min_value": 8, "max_value": 12}, {"max_value": 2}),
    "ExpectTableColumnCountToEqual": ({"value": "COLUMNS"}, {"value": 1}),
    "ExpectTableColumnsToMatchOrderedList": ({"column_list": "COLUMNS"}, {"column_list": ["s"]}),
    "ExpectTableColumnsToMatchSet": both({"column_set": "COLUMNS"}, {"column_set": ["s"]}, exact_match=True),
    "ExpectTableRowCountToBeBetween": ({"min_value": SIZE}, {"max_value": SIZE - 1}),
    "ExpectTableRowCountToEqual": ({"value": SIZE}, {"value": SIZE - 1}),
}
"""Arguments with which an expectation passes, and with which it fails; COLUMNS is what the store says they are."""


MARK = b"never-7f3a"
SENT = Column("key") != MARK.decode()
"""A filter of the assets, so that a query of records can be told from a question whether the collection exists."""

ABOUT_FIELDS = {name for name in EXAMPLES if name.startswith("ExpectTableColumn")} | {
    "ExpectColumnToExist",
    "ExpectColumnTypeToBe",
}
"""Expectations that a schema can answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A store behind a proxy.

    Args:
        name: The store.
        proxy: What was sent is there.
        batch: All the records.
        name_sent: What questions about the fields hold: the name of the collection or label.
    """

    name: str
    proxy: Proxy
    batch: Any
    name_sent: bytes


def in_mongodb(context: Any, endpoints: Endpoints, patch: pytest.MonkeyPatch, close: list[Callable[[], Any]]) -> Asked:
    name = f"t{uuid.uuid4().hex[:10]}"
    database = mongodb.connect(str(endpoints.mongodb_uri), name)
    database.rows.insert_many([dict(row) for row in ROWS])
    proxy = Proxy(port_of(str(endpoints.mongodb_uri)))
    patch.setenv("A_MONGODB", through(str(endpoints.mongodb_uri), proxy) + "&directConnection=true")
    source = context.data_sources.add_mongodb("m", connection_string="${A_MONGODB}", database=name)
    close += [lambda: database.client.drop_database(name), database.client.close]
    asset = source.add_collection("rows", sort_by="key", where=SENT)
    return Asked("MongoDB", proxy, asset.add_batch_definition("all").get_batch(), b"rows")


def in_neo4j(context: Any, endpoints: Endpoints, patch: pytest.MonkeyPatch, close: list[Callable[[], Any]]) -> Asked:
    label = f"T{uuid.uuid4().hex[:10]}"
    uri, user, password = (str(part) for part in (endpoints.neo4j_uri, endpoints.neo4j_user, endpoints.neo4j_password))
    graph = neo4j.connect(uri, user, password, database="graph")
    graph.write([f"UNWIND $rows AS row CREATE (n:{label}) SET n += row"], {"rows": ROWS}, doing="t", timeout=30)
    proxy = Proxy(port_of(uri))
    patch.setenv("A_NEO4J", password)
    source = context.data_sources.add_neo4j(
        "g", uri=through(uri, proxy), user=user, password="${A_NEO4J}", database="graph"
    )
    close += [lambda: graph.write([f"MATCH (n:{label}) DELETE n"], {}, doing="t", timeout=30), graph.close]
    asset = source.add_node("rows", label, key="key", sort_by="key", where=SENT)
    return Asked("Neo4j", proxy, asset.add_batch_definition("all").get_batch(), label.encode())


def in_milvus(context: Any, endpoints: Endpoints, _: pytest.MonkeyPatch, close: list[Callable[[], Any]]) -> Asked:
    name = f"t{uuid.uuid4().hex[:10]}"
    client = milvus.connect(str(endpoints.milvus_uri))
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("key", DataType.VARCHAR, max_length=64, is_primary=True)
    for text in ("s", "t", "d", "j"):
        schema.add_field(text, DataType.VARCHAR, max_length=256)
    for number in ("n", "m", "r"):
        schema.add_field(number, DataType.INT64)
    schema.add_field("z", DataType.VARCHAR, max_length=64, nullable=True)
    schema.add_field("v", DataType.FLOAT_VECTOR, dim=2)
    index = client.prepare_index_params()
    index.add_index(field_name="v", index_type="AUTOINDEX", metric_type="L2")
    client.create_collection(name, schema=schema, index_params=index, consistency_level="Strong")
    try:
        client.insert(name, [{**row, "z": None, "v": [1.0, 0.5]} for row in ROWS])
    except MilvusException as error:
        client.drop_collection(name)
        pytest.skip(f"this Milvus holds no nulls: {error.message}")
    client.load_collection(name)
    proxy = Proxy(port_of(str(endpoints.milvus_uri)))
    source = context.data_sources.add_milvus("v", uri=through(str(endpoints.milvus_uri), proxy))
    close += [lambda: client.drop_collection(name), client.close]
    return Asked(
        "Milvus", proxy, source.add_collection(name, where=SENT).add_batch_definition("all").get_batch(), name.encode()
    )


@pytest.fixture(scope="module", params=[in_mongodb, in_neo4j, in_milvus], ids=["MongoDB", "Neo4j", "Milvus"])
def asked(request: pytest.FixtureRequest, endpoints: Endpoints) -> Iterator[Asked]:
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    close: list[Callable[[], Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        found = request.param(context, endpoints, patch, close)
        yield found
        found.batch.data.execution_engine.close()
        found.proxy.close()
        for each in close:
            each()


def test_every_yes_has_an_example() -> None:
    yes = {
        name
        for name, one in CASES.items()
        if any(not support_matrix.support(store, one).startswith("no:") for store in support_matrix.STORES)
    }
    assert yes == set(EXAMPLES)


@pytest.mark.parametrize("name", CASES)
def test_a_core_expectation_does_what_the_matrix_says(asked: Asked, name: str) -> None:
    promised = support_matrix.support(asked.name, CASES[name])
    if promised.startswith("no:"):
        [said, *_] = raised(asked.batch.validate(of_fields_that_are(CASES[name])))
        assert promised.removeprefix("no: ") in said
        assert f"{asked.name} cannot compute" in said
        return
    for arguments, wanted in zip(EXAMPLES[name], (True, False), strict=True):
        expectation = type(CASES[name])(**filled_in(arguments, asked.batch))
        asked.proxy.requests.clear()
        asked.proxy.replied = 0
        found = asked.batch.validate(expectation)
        assert not raised(found)
        assert bool(found.success) is wanted, found.result
        assert (asked.name_sent if name in ABOUT_FIELDS else MARK) in asked.proxy.requests
        if promised == support_matrix.MEASURED:
            assert asked.proxy.replied < FEW_BYTES


def of_fields_that_are(example: Any) -> Any:
    names = {"a": "n", "b": "m"}
    given = example.dict(exclude_unset=True)
    for argument in ("column", "column_A", "column_B"):
        if argument in given:
            given[argument] = names[given[argument]]
    if "column_list" in given:
        given["column_list"] = [names[name] for name in given["column_list"]]
    return type(example)(**given)


def filled_in(arguments: Arguments, batch: Any) -> Arguments:
    if "COLUMNS" not in arguments.values():
        return arguments
    columns = batch.columns()
    return {
        name: value if value != "COLUMNS" else len(columns) if name == "value" else columns
        for name, value in arguments.items()
    }
