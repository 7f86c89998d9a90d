"""Type checkers know the data sources, assets and batches; the same script runs."""

from __future__ import annotations

import inspect
import re
import shutil
import uuid
from pathlib import Path

import pytest
from great_expectations.datasource.fluent import Datasource
from mypy import api

import expectations_plugins
from expectations_plugins import typed
from expectations_plugins.mongodb.connection import connect
from pipeline.local import Endpoints
from tests.registration.processes import ROOT, run

SCRIPT = """
import json
import os

import great_expectations

import expectations_plugins
from expectations_plugins import ExpectUserIdsToBeWellFormed

context = great_expectations.get_context(mode="ephemeral")
sources = expectations_plugins.data_sources(context)
source = sources.add_mongodb("logs", connection_string="${MONGODB_URI}", database=os.environ["A_DATABASE"], timeout=5)
again = sources.add_or_update_mongodb("logs", connection_string="${MONGODB_URI}", database=os.environ["A_DATABASE"])
asset = source.add_collection("rows")
batches = asset.add_batch_definition_by("batch", "batch_id")
batch = batches.get_batch({"batch_id": "b1"})
result = batch.validate(ExpectUserIdsToBeWellFormed(pattern="^u_[0-9]+$"))
print(json.dumps(bool(result.success)))
"""
REVEALED = {
    "sources": "expectations_plugins.typed.DataSources",
    "source": "expectations_plugins.mongodb.datasource.MongoDBDatasource",
    "again": "expectations_plugins.mongodb.datasource.MongoDBDatasource",
    "asset": "expectations_plugins.mongodb.datasource.CollectionAsset",
    "batches": "great_expectations.core.batch_definition.BatchDefinition[great_expectations.core.partitioners.",
    "batch": "great_expectations.datasource.fluent.interfaces.Batch",
    "sources.add_neo4j('g')": "expectations_plugins.neo4j.datasource.Neo4jDatasource",
    "sources.update_neo4j('g').add_node('n')": "expectations_plugins.neo4j.datasource.NodeAsset",
    "sources.add_milvus('v').add_collection('c')": "expectations_plugins.milvus.datasource.VectorCollectionAsset",
    "sources.delete_milvus('v')": "None",
    "ExpectUserIdsToBeWellFormed": "expectations_plugins.expectations.user_ids.ExpectUserIdsToBeWellFormed",
}
WRONG = [
    "sources.add_mongodb('x', conection_string='y')",
    "source.add_node('n')",
    "sources.add_neo4j('g', auth='ldap')",
]


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[str]]:
    """What mypy says of the script with its types shown, of a package that is installed: answers, and errors."""
    shutil.copytree(ROOT / "expectations_plugins", tmp_path / "installed" / "expectations_plugins")
    monkeypatch.setenv("MYPYPATH", str(tmp_path / "installed"))
    shown = [f"    reveal_type({one})" for one in REVEALED]
    lines = [SCRIPT, "if bool(json):", *shown, *(f"    {one}" for one in WRONG)]
    script = tmp_path / "script.py"
    script.write_text("\n".join(lines), encoding="utf-8")
    options = ["--strict", "--no-error-summary", "--follow-imports=silent", f"--cache-dir={tmp_path / 'cache'}"]
    said, _, _ = api.run([*options, "--config-file=", str(script)])
    return re.findall(r'Revealed type is "(.*)"', said), [line for line in said.splitlines() if "error:" in line]


def test_mypy_knows_what_is_made_and_what_cannot_be(checked: tuple[list[str], list[str]]) -> None:
    revealed, errors = checked
    assert len(revealed) == len(REVEALED)
    wrong = {
        name: found for (name, wanted), found in zip(REVEALED.items(), revealed, strict=True) if wanted not in found
    }
    assert wrong == {}
    assert len(errors) == len(WRONG), errors


def test_the_script_runs(endpoints: Endpoints, tmp_path: Path) -> None:
    name = f"t{uuid.uuid4().hex[:10]}"
    database = connect(str(endpoints.mongodb_uri), name)
    database["rows"].insert_one({"_id": "i_1", "batch_id": "b1", "user_id": "u_1"})
    places = {"MONGODB_URI": str(endpoints.mongodb_uri), "A_DATABASE": name}
    assert run(SCRIPT, folder=tmp_path, **places) is True
    database.client.drop_database(name)
    database.client.close()


@pytest.mark.parametrize("name", ["MongoDB", "Neo4j", "Milvus"])
def test_what_type_checkers_are_told_is_what_the_data_source_takes(name: str) -> None:
    protocol = getattr(typed, f"Makes{name}")
    source = getattr(expectations_plugins, f"{name}Datasource")
    shown = set(inspect.signature(protocol.__call__).parameters) - {"self", "name_or_datasource", "name"}
    assert shown == set(source.__fields__) - set(Datasource.__fields__)
