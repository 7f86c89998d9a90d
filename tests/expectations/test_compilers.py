"""Conditions as each store's language: golden, so that a reviewer reads what is sent."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from expectations_plugins.backend import Slice, UnsupportedError
from expectations_plugins.custom_metrics import malformed_user_id, orphaned
from expectations_plugins.expressions import (
    Always,
    And,
    Compare,
    CompareFields,
    CompareLength,
    Condition,
    Count,
    Field,
    InSet,
    IsNull,
    IsText,
    Matches,
    Not,
    Op,
    Or,
    Related,
    Sample,
    TopValues,
)
from expectations_plugins.milvus import compiler as milvus
from expectations_plugins.mongodb import compiler as mongodb
from expectations_plugins.neo4j import compiler as neo4j

Golden = Callable[[str, str], None]

NASTY = "\"); DROP $where {'$gt': ''} \\ ` \n"
BATCH = Slice("interactions", Compare(Op.EQ, Field.of("batch_id"), NASTY), key="interaction_id")
REFERENCE = {"relationship": "REFERS_TO", "target_label": "Campaign", "marker": "in_catalogue"}
CONDITIONS: dict[str, Condition] = {
    "always": Always(True),
    "is_null": IsNull(Field.of("user_id")),
    "is_text": IsText(Field.of("user_id")),
    "compare": Compare(Op.GE, Field.of("extra.value"), 3),
    "compare_length": CompareLength(Op.LE, Field.of("message"), 3),
    "compare_fields": CompareFields(Op.GT, Field.of("a"), Field.of("b")),
    "in_set": InSet(Field.of("type"), ("click", NASTY, 1, True)),
    "matches": Matches(Field.of("user_id"), r"^u_\d{3,}$"),
    "not": Not(IsNull(Field.of("user_id"))),
    "and": And((IsNull(Field.of("a")), Compare(Op.NE, Field.of("b"), NASTY))),
    "or": Or((IsNull(Field.of("a")), IsNull(Field.of("b")))),
    "related": Related("REFERS_TO", "Campaign", "in_catalogue"),
    "malformed_user_id": malformed_user_id("user_id", r"^u_\d{3,}$"),
    "orphaned": orphaned(REFERENCE),
    "odd_name": IsNull(Field(("a.b", "$c", "d e"))),
}


def test_mongodb_conditions_are_golden(golden: Golden) -> None:
    compiled = {name: _or_refusal(lambda node=node: mongodb.condition(node)) for name, node in CONDITIONS.items()}
    golden("mongodb_conditions.json", json.dumps(compiled, indent=1) + "\n")


def test_neo4j_conditions_are_golden(golden: Golden) -> None:
    lines = []
    for name, node in CONDITIONS.items():
        query = neo4j.Cypher()
        text = _or_refusal(lambda node=node, query=query: neo4j.condition(node, query))
        lines.append(f"// {name}\n{text}\n// {json.dumps(query.parameters)}\n")
    golden("neo4j_conditions.cypher", "\n".join(lines))


def test_milvus_conditions_are_golden(golden: Golden) -> None:
    lines = [
        f"# {name}\n{_or_refusal(lambda node=node: milvus.condition(node))}\n" for name, node in CONDITIONS.items()
    ]
    golden("milvus_conditions.txt", "\n".join(lines))


def test_queries_of_a_suite_are_golden(golden: Golden) -> None:
    counts = [Count(), Count(CONDITIONS["malformed_user_id"])]
    sample = Sample(IsNull(Field.of("user_id")), (Field.of("interaction_id"), Field.of("user_id")), 20)
    top = TopValues(Always(True), Field.of("type"), 5)
    golden(
        "mongodb_queries.json",
        json.dumps(
            {
                "measure": mongodb.measure_pipeline(BATCH, counts),
                "sample": mongodb.sample_pipeline(BATCH, sample),
                "top": mongodb.top_values_pipeline(BATCH, top),
            },
            indent=1,
        )
        + "\n",
    )
    queries = [
        neo4j.measure_query(BATCH, counts),
        neo4j.sample_query(BATCH, sample),
        neo4j.top_values_query(BATCH, top),
    ]
    golden("neo4j_queries.cypher", "\n\n".join(f"{q.text}\n// {json.dumps(q.parameters)}" for q in queries) + "\n")
    golden("milvus_queries.txt", milvus.filter_of(BATCH, InSet(Field.of("type"), (NASTY,))) + "\n")


def test_no_value_reaches_cypher_as_text() -> None:
    query = neo4j.measure_query(BATCH, [Count(InSet(Field.of("type"), (NASTY,)))])
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
    assert supported | refused == {type(node) for node in CONDITIONS.values()}
    assert not supported & refused


def _or_refusal(compile_node: Callable[[], object]) -> object:
    try:
        return compile_node()
    except UnsupportedError as error:
        return f"refused: {error}"
