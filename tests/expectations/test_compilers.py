"""Conditions as each store's language: golden, so that a reviewer reads what is sent."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from expectations_plugins.conditions.expressions import (
    Aggregate,
    Always,
    And,
    AnyElement,
    Compare,
    CompareFields,
    CompareLength,
    CompareSum,
    Condition,
    Count,
    Distinct,
    DistinctValues,
    Field,
    HasType,
    InSet,
    IsNull,
    IsText,
    Kind,
    LeadsThroughList,
    Matches,
    Modes,
    Not,
    Op,
    Or,
    OutOfOrder,
    OutOfOrderSample,
    Ranked,
    Records,
    Related,
    Repeated,
    RepeatedSample,
    Sample,
    TopValues,
    Type,
    Values,
)
from expectations_plugins.conditions.value_types import IN_WORDS
from expectations_plugins.engine.backend import Slice, UnsupportedError
from expectations_plugins.engine.custom_metrics import malformed_user_id, orphaned
from expectations_plugins.milvus import conditions as milvus
from expectations_plugins.mongodb import conditions as mongodb
from expectations_plugins.mongodb import queries as mongodb_queries
from expectations_plugins.neo4j import conditions as neo4j
from expectations_plugins.neo4j import queries as neo4j_queries
from expectations_plugins.neo4j import sources

Golden = Callable[[str, str], None]

NASTY = "\"); DROP $where {'$gt': ''} \\ ` \n"
BATCH = Slice("interactions", Compare(Op.EQ, Field.of("batch_id"), NASTY), key="interaction_id", sort_by="timestamp")
REFERENCE = {"relationship": "REFERS_TO", "target_label": "Campaign", "marker": "in_catalogue"}
CONDITIONS: dict[str, Condition] = {
    "always": Always(True),
    "is_null": IsNull(Field.of("user_id")),
    "is_text": IsText(Field.of("user_id")),
    "compare": Compare(Op.GE, Field.of("extra.value"), 3),
    "compare_length": CompareLength(Op.LE, Field.of("message"), 3),
    "compare_fields": CompareFields(Op.GT, Field.of("a"), Field.of("b")),
    "compare_sum": CompareSum(Op.EQ, (Field.of("a"), Field.of("b")), 3),
    "has_type": HasType(Field.of("a"), (Type.INTEGER, Type.DATETIME)),
    "in_set": InSet(Field.of("type"), ("click", NASTY, 1, True)),
    "matches": Matches(Field.of("user_id"), r"^u_\d{3,}$"),
    "not": Not(IsNull(Field.of("user_id"))),
    "and": And((IsNull(Field.of("a")), Compare(Op.NE, Field.of("b"), NASTY))),
    "or": Or((IsNull(Field.of("a")), IsNull(Field.of("b")))),
    "related": Related("REFERS_TO", "Campaign", "in_catalogue"),
    "malformed_user_id": malformed_user_id("user_id", r"^u_\d{3,}$"),
    "orphaned": orphaned(REFERENCE),
    "any_element": AnyElement(
        Field.of("items.sku"), And((Not(IsNull(Field.of("items.sku"))), InSet(Field.of("items.sku"), ("a", NASTY))))
    ),
    "any_element_deep": AnyElement(Field(("a", "b.c", "d")), IsNull(Field(("a", "b.c", "d")))),
    "leads_through_list": LeadsThroughList(Field.of("a.b.c")),
    "reads_as_date": InSet(Field.of("at"), ("2026-11-20", "2026-11-20T10:00:00")),
    "odd_name": IsNull(Field(("a.b", "$c", "d e"))),
}


def test_mongodb_conditions_are_golden(golden: Golden) -> None:
    compiled = {name: _or_refusal(lambda node=node: mongodb.condition(node)) for name, node in CONDITIONS.items()}
    golden("mongodb_conditions.json", json.dumps(compiled, indent=1, default=str) + "\n")


def test_neo4j_conditions_are_golden(golden: Golden) -> None:
    lines = []
    for name, node in CONDITIONS.items():
        query = neo4j.Cypher()
        text = _or_refusal(lambda node=node, query=query: neo4j.condition(node, query))
        lines.append(f"// {name}\n{text}\n// {json.dumps(query.parameters, default=str)}\n")
    golden("neo4j_conditions.cypher", "\n".join(lines))


def test_milvus_conditions_are_golden(golden: Golden) -> None:
    lines = [
        f"# {name}\n{_or_refusal(lambda node=node: milvus.condition(node))}\n" for name, node in CONDITIONS.items()
    ]
    golden("milvus_conditions.txt", "\n".join(lines))


A, B, KEY = Field.of("a"), Field.of("b"), Field.of("interaction_id")
COUNTS = [
    Count(),
    Count(CONDITIONS["malformed_user_id"]),
    Aggregate(Kind.STDEV, A),
    Aggregate(Kind.MAX, A, IsNull(B)),
]
ALONE: dict[str, Distinct | Repeated | OutOfOrder] = {
    "distinct": Distinct(A, IsNull(B)),
    "repeated": Repeated((A,), Not(IsNull(A))),
    "repeated_pair": Repeated((A, B)),
    "out_of_order": OutOfOrder(A, Op.GE),
}
SKU = Field.of("items.sku")
NESTED: dict[str, mongodb_queries.Alone] = {
    "nested_mean": Aggregate(Kind.MEAN, SKU, Compare(Op.GT, SKU, 1)),
    "nested_count": Aggregate(Kind.COUNT, SKU),
    "nested_distinct": Distinct(SKU),
    "nested_repeated": Repeated((SKU,), Not(IsNull(SKU))),
}
RECORDS: dict[str, Records] = {
    "sample": Sample(IsNull(Field.of("user_id")), (KEY, Field.of("user_id")), 20),
    "whole": Sample(Always(), (), 5),
    "repeated": RepeatedSample(Repeated((A, B)), (KEY, A), 20),
    "out_of_order": OutOfOrderSample(OutOfOrder(A, Op.LT), (KEY, A), 20),
}
VALUES: dict[str, Values] = {
    "modes": Modes(A, Always(), 10),
    "distinct": DistinctValues(A, Not(InSet(A, (1, NASTY))), 20),
    "ranked": Ranked(A, IsNull(B), (0, 7)),
}
TOP = TopValues(Always(True), Field.of("type"), 5)


def test_mongodb_queries_are_golden(golden: Golden) -> None:
    pipelines = {
        "measure": mongodb_queries.measure_pipeline(BATCH, COUNTS),
        **{f"alone_{name}": mongodb_queries.alone_pipeline(BATCH, one) for name, one in (ALONE | NESTED).items()},
        **{f"records_{name}": mongodb_queries.records_pipeline(BATCH, one) for name, one in RECORDS.items()},
        **{f"values_{name}": mongodb_queries.values_pipeline(BATCH, one) for name, one in VALUES.items()},
        "top": mongodb_queries.top_values_pipeline(BATCH, TOP),
        "columns": mongodb_queries.columns_pipeline(BATCH),
        "stream": mongodb_queries.stream_pipeline(BATCH, Sample(Always(), (A,), 10)),
    }
    golden("mongodb_queries.json", json.dumps(pipelines, indent=1, default=str) + "\n")


NODES = sources.nodes("Interaction")


def test_neo4j_queries_are_golden(golden: Golden) -> None:
    asked = {
        "measure": neo4j_queries.measure_query(NODES, BATCH, [*COUNTS, Distinct(A)]),
        **{
            f"alone_{name}": neo4j_queries.alone_query(NODES, BATCH, one)
            for name, one in ALONE.items()
            if not isinstance(one, Distinct)
        },
        **{f"records_{name}": neo4j_queries.records_query(NODES, BATCH, one) for name, one in RECORDS.items()},
        **{f"values_{name}": neo4j_queries.values_query(NODES, BATCH, one) for name, one in VALUES.items()},
        "top": neo4j_queries.top_values_query(NODES, BATCH, TOP),
        "columns": neo4j_queries.columns_query(NODES, BATCH),
        "stream": neo4j_queries.stream_query(NODES, BATCH, Sample(Always(), (A, Field.of("type")), 10)),
        "pages": neo4j_queries.pages_query(NODES, BATCH, Sample(Always(), (A,), 10)),
        "relationships": neo4j_queries.records_query(
            sources.relationships("REFERS_TO", "Interaction", "Campaign"),
            Slice("", Compare(Op.EQ, Field.of("start.batch_id"), "b")),
            Sample(IsNull(Field.of("weight")), (Field.of("start.interaction_id"),), 5),
        ),
        "query": neo4j_queries.records_query(
            sources.returned("MATCH (n) RETURN n.a AS a, n.b AS `odd name`", ["a", "odd name"]),
            Slice(""),
            Sample(IsNull(Field.of("odd name")), (A,), 5),
        ),
    }
    texts = [
        f"// {name}\n{query.text}\n// {json.dumps(query.parameters, default=str)}" for name, query in asked.items()
    ]
    golden("neo4j_queries.cypher", "\n\n".join(texts) + "\n")


def test_milvus_filters_are_golden(golden: Golden) -> None:
    golden("milvus_queries.txt", milvus.filter_of(BATCH, InSet(Field.of("type"), (NASTY,))) + "\n")


def test_no_value_reaches_cypher_as_text() -> None:
    query = neo4j_queries.measure_query(NODES, BATCH, [Count(InSet(Field.of("type"), (NASTY,)))])
    assert NASTY not in query.text
    assert "DROP" not in query.text


def test_a_label_with_a_backtick_stays_a_label() -> None:
    assert neo4j.quoted("A` DETACH DELETE n //") == "`A`` DETACH DELETE n //`"


def test_milvus_refuses_a_field_name_that_is_no_name() -> None:
    with pytest.raises(UnsupportedError, match="Field names"):
        milvus.condition(IsNull(Field.of("a or 1 == 1")))


@pytest.mark.parametrize("compiler", [mongodb, milvus, neo4j], ids=["mongodb", "milvus", "neo4j"])
def test_every_condition_is_supported_or_refused_by_name(compiler: object) -> None:
    supported = set(compiler.SUPPORTED)  # type: ignore[attr-defined]
    refused = set(compiler.UNSUPPORTED)  # type: ignore[attr-defined]
    assert supported | refused == {type(node) for node in CONDITIONS.values()} == set(IN_WORDS)
    assert not supported & refused


def _or_refusal(compile_node: Callable[[], object]) -> object:
    try:
        return compile_node()
    except UnsupportedError as error:
        return f"refused: {error}"
