"""The committed gx/ project in a fresh process: GX's own code, the plugins imported, nothing else of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import ROOT, Workspace
from tests.end_to_end.oracle import COLLECTION, Stores

STOCK = """
import json, sys
import great_expectations
import expectations_plugins

expectations_plugins.register()

asked = json.load(sys.stdin)
context = great_expectations.get_context(context_root_dir=sys.argv[1])
found = {}
for gate, parameters in asked["gates"].items():
    result = context.checkpoints.get(gate).run(
        batch_parameters={"batch_id": asked["batch_id"]}, expectation_parameters=parameters
    )
    failed = [
        one.expectation_config.severity.value
        for suite in result.run_results.values() for one in suite.results if not one.success
    ]
    found[gate] = "FAIL" if "critical" in failed else "WARN" if failed else "PASS"
print("RESULT " + json.dumps(found))
"""


@pytest.fixture(scope="module")
def batches(workspace: Workspace) -> list[dict[str, Any]]:
    sample = ROOT / "docs" / "sample"
    workspace.run("--campaigns", sample / "campaigns.jsonl", sample / "landing")
    stores = Stores(workspace.places)
    found = stores.ledger()
    stores.close()
    return found


def snapshot(stores: Stores) -> tuple[object, ...]:
    return (
        sorted(stores.raw_ids()),
        sorted(stores.quarantined_ids()),
        sorted(stores.graph_ids()),
        sorted(stores.linked_ids()),
        sorted(stores.vector_ids()),
        stores.published(),
        [{key: value for key, value in batch.items() if key != "updated"} for batch in stores.ledger()],
    )


def test_stock_gx_gives_the_same_verdicts_and_does_nothing_to_the_stores(
    workspace: Workspace, batches: list[dict[str, Any]], stores: Stores, tmp_path: Path
) -> None:
    script = tmp_path / "stock.py"
    script.write_text(STOCK, encoding="utf-8")
    before = snapshot(stores)
    places = {
        "MONGODB_URI": workspace.endpoints.mongodb_uri,
        "MONGODB_DATABASE": "sluicegate",
        "NEO4J_URI": workspace.endpoints.neo4j_uri,
        "NEO4J_USER": workspace.endpoints.neo4j_user,
        "NEO4J_PASSWORD": workspace.endpoints.neo4j_password,
        "NEO4J_DATABASE": workspace.endpoints.neo4j_database,
        "MILVUS_URI": workspace.endpoints.milvus_uri,
        "MILVUS_TOKEN": "",
        "MILVUS_COLLECTION": COLLECTION,
    }
    assert len(batches) == 3
    for batch in batches:
        gates = {gate: found["parameters"] for gate, found in batch["gates"].items()}
        asked = json.dumps({"batch_id": batch["_id"], "gates": gates})
        done = subprocess.run(
            [sys.executable, str(script), str(workspace.folder / "gx")],
            input=asked,
            capture_output=True,
            text=True,
            env=workspace.environment | {name: value or "" for name, value in places.items()},
            cwd=tmp_path,
            timeout=120,
            check=False,
        )
        [line] = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")] or [done.stderr]
        assert json.loads(line.removeprefix("RESULT ")) == {g: v["verdict"] for g, v in batch["gates"].items()}
    assert snapshot(stores) == before
