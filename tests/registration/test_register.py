"""Importing loads nothing and registers nothing; `register()` does all, once, from any thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.registration.processes import ROOT, WITHOUT, run

LOADED = """
import importlib, json, sys
for name in {names!r}:
    importlib.import_module(name)
drivers = ("great_expectations", "pymongo", "neo4j", "pymilvus", "pandas")
print(json.dumps([one for one in drivers if one in sys.modules]))
"""
GROUND = [
    str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__")
    for folder in ("core", "conditions")
    for path in sorted((ROOT / "expectations_plugins" / folder).glob("*.py"))
]
LEAVES = {
    "ground": (["expectations_plugins", *GROUND], []),
    "mongodb": (["expectations_plugins.mongodb.connection"], ["pymongo"]),
    "neo4j": (["expectations_plugins.neo4j.connection"], ["neo4j", "pandas"]),
    "milvus": (["expectations_plugins.milvus.connection"], ["pymilvus", "pandas"]),
}


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_leaf_loads_neither_gx_nor_another_stores_driver(leaf: str, tmp_path: Path) -> None:
    names, loaded = LEAVES[leaf]
    assert run(LOADED.format(names=names), folder=tmp_path) == loaded


THREADS = """
import json, sys, threading
import expectations_plugins
from great_expectations.expectations.registry import _registered_metrics, list_registered_expectation_implementations
from great_expectations.datasource.fluent.sources import DataSourceManager

def state():
    providers = {name: sorted(one["providers"]) for name, one in sorted(_registered_metrics.items())}
    sources = sorted(DataSourceManager.type_lookup.type_names())
    return [providers, sorted(list_registered_expectation_implementations()), sources]

import great_expectations
before = state()
threads = [threading.Thread(target=expectations_plugins.register) for _ in range(4)]
for one in threads: one.start()
for one in threads: one.join()
once = state()
expectations_plugins.register()
from expectations_plugins.engine.registration import ENGINES
print(json.dumps({
    "before": [name for name in before[2] if name in ("mongodb", "neo4j", "milvus")],
    "same": state() == once,
    "after": [name for name in once[2] if name in ("mongodb", "neo4j", "milvus")],
    "engines": sorted(engine.__name__ for engine in ENGINES),
    "counts": once[0]["column_values.nonnull.unexpected_count"][:4],
    "expectation": "expect_stores_to_reconcile" in once[1] and "expect_stores_to_reconcile" not in before[1],
}))
"""


def test_register_does_all_once_from_any_thread(tmp_path: Path) -> None:
    found = run(THREADS, folder=tmp_path)
    assert found["before"] == []
    assert found["same"]
    assert found["after"] == ["milvus", "mongodb", "neo4j"]
    assert found["engines"] == ["MilvusExecutionEngine", "MongoDBExecutionEngine", "Neo4jExecutionEngine"]
    assert "MongoDBExecutionEngine" in found["counts"]
    assert found["expectation"]


BY_NAME = """
import json, sys
from expectations_plugins import ExpectUserIdsToBeWellFormed, MongoDBDatasource
import expectations_plugins
from expectations_plugins.engine.registration import ENGINES
try:
    expectations_plugins.Nothing
except AttributeError as error:
    said = str(error)
star = {}
exec("from expectations_plugins import *", star)
print(json.dumps([ExpectUserIdsToBeWellFormed.__name__, MongoDBDatasource.__module__, len(ENGINES), said,
    sorted(set(expectations_plugins.__all__) - set(star)), "MilvusDatasource" in dir(expectations_plugins)]))
"""


def test_a_class_taken_by_name_is_registered_first(tmp_path: Path) -> None:
    assert run(BY_NAME, folder=tmp_path) == [
        "ExpectUserIdsToBeWellFormed",
        "expectations_plugins.mongodb.datasource",
        3,
        "module 'expectations_plugins' has no attribute 'Nothing'",
        [],
        True,
    ]


ABSENT = """
import json, pathlib, great_expectations
import expectations_plugins
expectations_plugins.register()
root = pathlib.Path.cwd() / "gx"
before = (root / "great_expectations.yml").read_text()
context = great_expectations.get_context(context_root_dir=root, runtime_environment={"MONGODB_URI": "mongodb://127.0.0.1:1/",
    "MONGODB_DATABASE": "d", "NEO4J_URI": "bolt://127.0.0.1:1"})
said = {}
def note(name, call):
    try:
        said[name] = call().__class__.__name__
    except Exception as error:
        said[name] = f"{type(error).__name__}: {error}"
note("add", lambda: context.data_sources.add_neo4j("n", uri="bolt://127.0.0.1:1"))
note("name", lambda: expectations_plugins.Neo4jDatasource)
asset = context.data_sources.get("neo4j").get_asset("interactions")
note("saved", lambda: asset.get_batch_definition("by batch_id").get_batch())
note("mongodb", lambda: context.data_sources.get("mongodb").get_asset("interactions"))
context.variables.save()
import yaml
after = (root / "great_expectations.yml").read_text()
same = len({str(yaml.safe_load(one)["fluent_datasources"]) for one in (before, after)}) == 1
print(json.dumps([said, same]))
"""


def test_a_store_without_its_driver_is_left_out_and_says_what_to_install(tmp_path: Path) -> None:
    target = tmp_path / "gx"
    for path in (one for one in (ROOT / "gx").rglob("*") if one.is_file() and "uncommitted" not in one.parts):
        copy = target / path.relative_to(ROOT / "gx")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text("utf-8"), encoding="utf-8")
    program = WITHOUT.format(names={"neo4j", "pymilvus"}) + ABSENT
    said, same = run(program, folder=tmp_path)
    missing = "The Neo4j data source cannot be used, because its driver cannot be imported: No module named 'neo4j'."
    advice = f"{missing} Install it: pip install neo4j"
    assert said["add"] == f"TestConnectionError: {advice}"
    assert said["name"] == f"ConfigurationError: {advice}"
    assert said["saved"] == f"ConfigurationError: {advice}"
    assert said["mongodb"] == "CollectionAsset"
    assert same  # a project that is saved keeps what it says of the other stores
