"""What a data source, asset, batch definition, suite or checkpoint of ours can hold is the same in a new process."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import great_expectations
import great_expectations.expectations as gxe
import pytest
import yaml
from great_expectations.checkpoint.checkpoint import Checkpoint
from great_expectations.core.partitioners import ColumnPartitioner, ColumnPartitionerDaily, PartitionerColumnValue
from great_expectations.core.validation_definition import ValidationDefinition
from great_expectations.expectations.row_conditions import Column

from expectations_plugins import (
    ExpectFallbackEmbeddingRateToBeBelow,
    ExpectRecordsToReferenceExistingTargets,
    ExpectStoresToReconcile,
    ExpectUserIdsToBeWellFormed,
)
from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.milvus import connection as milvus
from expectations_plugins.mongodb import connection as mongodb
from expectations_plugins.neo4j import connection as neo4j
from pipeline.core.embeddings import VectorRow
from pipeline.local import Endpoints
from pipeline.stores.milvus.vector_store import MilvusVectorStore
from tests.conftest import ROOT
from tests.expectations.saved_project import answers

BEGIN = datetime(2026, 11, 20, 23, 45, tzinfo=UTC)
DAY = {"year": 2026, "month": 11, "day": 21}
UNSUPPORTED = (
    "PartitionerDividedInteger",
    "PartitionerModInteger",
    "ColumnPartitionerYearly",
    "ColumnPartitionerMonthly",
)


def event(number: int) -> dict[str, Any]:
    kind = "click" if number % 2 else "view"
    return {"id": f"e{number}", "n": number, "kind": kind, "at": BEGIN + number * timedelta(minutes=5)}


@pytest.fixture(scope="module")
def project(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A file context with the three stores, which hold eight events each."""
    name = f"t{uuid.uuid4().hex[:10]}"
    database = mongodb.connect(str(endpoints.mongodb_uri), name)
    database.events.insert_many([event(number) for number in range(8)])
    user, password = str(endpoints.neo4j_user), str(endpoints.neo4j_password)
    graph = neo4j.connect(str(endpoints.neo4j_uri), user, password, database="graph")
    rows = [event(number) for number in range(8)]
    join = f"UNWIND $rows AS row MATCH (a:{name} {{n: row.n}}), (b:{name} {{n: row.n + 1}}) CREATE (a)-[:{name}_N]->(b)"
    graph.write([f"UNWIND $rows AS row CREATE (n:{name}) SET n += row", join], {"rows": rows}, doing="t", timeout=30)
    client = milvus.connect(str(endpoints.milvus_uri))
    store = MilvusVectorStore(client, name)
    store.prepare()
    store.upsert([VectorRow(f"e{n}", f"b{n % 2}", "e", "model", 1, tuple([1.0] * 768)) for n in range(8)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("A_MONGODB", str(endpoints.mongodb_uri))
        patch.setenv("A_NEO4J", password)
        patch.setenv("A_NAME", name)
        context = great_expectations.get_context(mode="file", project_root_dir=tmp_path_factory.mktemp("project"))
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        context.variables.save()
        sources = context.data_sources
        sources.add_mongodb("m", connection_string="${A_MONGODB}", database="${A_NAME}")
        sources.add_neo4j("g", uri=endpoints.neo4j_uri, user=user, password="${A_NEO4J}", database="graph")
        sources.add_milvus("v", uri=endpoints.milvus_uri)
        yield context, name
    database.client.drop_database(name)
    database.client.close()
    graph.write([f"MATCH (n:{name}) DETACH DELETE n"], {}, doing="t", timeout=30)
    graph.close()
    client.drop_collection(name)
    client.close()


def checked(context: Any, name: str, definition: Any, expectations: list[Any]) -> None:
    """Save a suite and a checkpoint of a batch definition, with one more expectation that counts the records."""
    row_count = gxe.ExpectTableRowCountToEqual(value=-1)
    suite = context.suites.add(great_expectations.ExpectationSuite(name=name, expectations=[row_count, *expectations]))
    validation = context.validation_definitions.add(ValidationDefinition(name=name, data=definition, suite=suite))
    context.checkpoints.add(Checkpoint(name=name, validation_definitions=[validation], actions=[]))


AT, NUMBER, KIND = Column("at"), Column("n"), Column("kind")
CONDITIONS: dict[str, Any] = {
    "in": KIND.is_in(["click"]),
    "not in": KIND.is_not_in(["click"]),
    "moment": BEGIN + timedelta(minutes=20) <= AT,
    "same moment": BEGIN == AT,
    "nested": ((KIND == "click") & (NUMBER > 2)) | (NUMBER.is_in([0]) & AT.is_not_null()),
    "null": AT.is_null(),
}
PARAMETERS: dict[str, dict[str, Any]] = {
    "value": {"kind": "click"},
    "values": {"kind": "click", "n": 3},
    "one": {"kind": "view"},
    "day": DAY,
    "GX's day": DAY,
    "hour": {**DAY, "hour": 0},
    "window": {"window": "2026-11-20T23:30:00+00:00"},
    "nodes": DAY,
    "query": {"kind": "click"},
    "vectors": {"embedding_batch_id": "e"},
}
"""Batch parameters, by the checkpoint that needs some."""


def row_conditions() -> list[Any]:
    found = CONDITIONS.values()
    return [gxe.ExpectColumnMaxToBeBetween(column="n", min_value=0, row_condition=one) for one in found]


def save_batch_definitions(context: Any) -> None:
    """A collection, sliced in every way, with suites of stock expectations and of ours."""
    events = context.data_sources.get("m").add_collection("events", sort_by="n")
    suite = [
        *row_conditions(),
        gxe.ExpectColumnValuesToBeIncreasing(column="n"),
        ExpectUserIdsToBeWellFormed(column="id", pattern=r"^e\d$", tolerance=0.5, key="id"),
        ExpectFallbackEmbeddingRateToBeBelow(column="kind", fallback_value="view", max_rate=0.1),
        ExpectStoresToReconcile(key="id", comparison_data_source="g", comparison_asset="nodes"),
    ]
    checked(context, "whole", events.add_batch_definition("whole"), suite)
    checked(context, "value", events.add_batch_definition_by("value", "kind"), [])
    checked(context, "values", events.add_batch_definition_by("values", "kind", "n"), [])
    checked(context, "one", events.add_batch_definition("one", PartitionerColumnValue(column_name="kind")), [])
    checked(context, "day", events.add_batch_definition_daily("day", "at"), row_conditions())
    checked(context, "GX's day", events.add_batch_definition("GX's day", ColumnPartitionerDaily(column_name="at")), [])
    checked(context, "hour", events.add_batch_definition_hourly("hour", "at"), [])
    checked(context, "window", events.add_batch_definition_window("window", "at", minutes=30), [])


def save_assets(context: Any, name: str) -> None:
    """Assets of every kind and with every setting."""
    logs, graph = context.data_sources.get("m"), context.data_sources.get("g")
    for number, (title, condition) in enumerate(CONDITIONS.items()):
        asset = logs.add_collection(f"filtered {number}", "events", where=condition)
        checked(context, f"filter {title}", asset.add_batch_definition("all"), [])
    later = logs.add_collection("later", "not yet", allow_missing=True)
    nodes = graph.add_node("nodes", name, key="id", sort_by="n")
    ends = graph.add_relationship("ends", f"{name}_N", start=name, end=name, where=Column("start.kind") == "click")
    query = graph.add_query("query", f"MATCH (n:{name}) RETURN n.kind AS kind, count(*) AS many", key="kind")
    vectors = context.data_sources.get("v").add_collection("vectors", "${A_NAME}", where=Column("batch_id") == "b1")
    reference = ExpectRecordsToReferenceExistingTargets(
        relationship=f"{name}_N", target_label=name, marker=None, column="id", key="id"
    )
    checked(context, "later", later.add_batch_definition("all"), [])
    checked(context, "nodes", nodes.add_batch_definition_daily("day", "at"), [reference])
    checked(context, "ends", ends.add_batch_definition("all"), [])
    checked(context, "query", query.add_batch_definition_by("kind", "kind"), [])
    checked(context, "vectors", vectors.add_batch_definition_by("batch", "embedding_batch_id"), [])


COUNTS = {
    "whole": 8,
    "value": 4,
    "values": 1,
    "one": 4,
    "day": 5,
    "GX's day": 5,
    "hour": 5,
    "window": 3,
    "filter in": 4,
    "filter not in": 4,
    "filter moment": 4,
    "filter same moment": 1,
    "filter nested": 4,
    "filter null": 0,
    "later": 0,
    "nodes": 5,
    "ends": 3,
    "query": 1,
    "vectors": 4,
}


def test_a_saved_project_says_the_same_in_a_new_process(project: Any) -> None:
    context, name = project
    save_batch_definitions(context)
    save_assets(context, name)
    folder = str(Path(context.root_directory).parent)
    here = answers(folder, PARAMETERS)
    command = [sys.executable, "-m", "tests.expectations.saved_project", folder, json.dumps(PARAMETERS)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert process.returncode == 0, process.stderr[-2_000:]
    there = json.loads(process.stdout.splitlines()[-1])
    assert there == json.loads(json.dumps(here))
    assert not [one for found in there.values() for one in found if one[3]]
    counted = {
        checkpoint: next(one for one in found if "row_count" in one[0])[2] for checkpoint, found in there.items()
    }
    assert {name: f"'observed_value': {count}," in counted[name] for name, count in COUNTS.items()} == dict.fromkeys(
        COUNTS, True
    ), counted
    assert counted.keys() == COUNTS.keys()


@pytest.mark.parametrize("partitioner", get_args(ColumnPartitioner), ids=lambda one: one.__name__)
def test_a_partitioner_is_kept_or_refused_when_it_is_added(project: Any, partitioner: Any) -> None:
    context, _ = project
    asset = context.data_sources.get("m").add_collection(f"p {uuid.uuid4().hex}", "events")
    needed = {"column_name": "at", "column_names": ["at", "n"], "divisor": 2, "mod": 2, "date_format_string": "10min"}
    needed["datetime_parts"] = ["year", "month", "day"]
    given = partitioner(**{name: value for name, value in needed.items() if name in partitioner.__fields__})
    if partitioner.__name__ in UNSUPPORTED:
        with pytest.raises(ConfigurationError, match="cannot slice by"):
            asset.add_batch_definition("one", given)
        return
    asset.add_batch_definition("one", given)
    again = great_expectations.get_context(mode="file", project_root_dir=Path(context.root_directory).parent)
    loaded = again.data_sources.get("m").get_asset(asset.name).get_batch_definition("one").partitioner
    assert type(loaded) is partitioner
    assert loaded == given


def test_what_an_older_version_saved_is_read_back(project: Any) -> None:
    """Without the name of its partitioner, a window was read as a value; a day, which looks like one, is told."""
    context, _ = project
    asset = context.data_sources.get("m").add_collection(f"old {uuid.uuid4().hex}", "events")
    asset.add_batch_definition_window("window", "at", minutes=30)
    asset.add_batch_definition_hourly("hour", "at")
    asset.add_batch_definition_daily("day", "at")
    file = Path(context.root_directory) / "great_expectations.yml"
    saved = yaml.safe_load(file.read_text(encoding="utf-8"))
    for definition in saved["fluent_datasources"]["m"]["assets"][asset.name]["batch_definitions"].values():
        del definition["partitioner"]["method_name"], definition["partitioner"]["sort_ascending"]
    file.write_text(yaml.safe_dump(saved), encoding="utf-8")
    old = great_expectations.get_context(mode="file", project_root_dir=file.parent.parent)
    definitions = old.data_sources.get("m").get_asset(asset.name)
    for name, parameters, count in (
        ("window", {"window": "2026-11-20T23:30:00+00:00"}, 3),
        ("hour", {**DAY, "hour": 0}, 5),
    ):
        batch = definitions.get_batch_definition(name).get_batch(parameters)
        assert batch.validate(gxe.ExpectTableRowCountToEqual(value=count)).success
    with pytest.raises(ConfigurationError, match=r"add it again with asset\.add_batch_definition_daily"):
        definitions.get_batch_definition("day").get_batch(DAY)


def test_a_project_that_is_loaded_without_us_is_told_in_the_docs(project: Any) -> None:
    context, _ = project
    folder = str(Path(context.root_directory).parent)
    code = (
        f"import great_expectations as g; g.get_context(mode='file', project_root_dir={folder!r}).data_sources.get('m')"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=False)
    page = (ROOT / "docs" / "push-down.md").read_text(encoding="utf-8")
    assert process.returncode != 0
    said = re.sub("type (mongodb|neo4j|milvus) was", "type mongodb was", process.stderr.strip().splitlines()[-1])
    assert said.partition(" sql, ")[0] in page
