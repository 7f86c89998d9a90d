"""Some stores configured, others `local`: what a developer does who works on one of them."""

from __future__ import annotations

from tests.end_to_end.conftest import ROOT, Workspace


def test_a_configured_mongodb_goes_with_local_servers_for_the_rest(workspace: Workspace) -> None:
    mix = {
        "MONGODB_URI": str(workspace.endpoints.mongodb_uri),
        "NEO4J_URI": "local",
        "MILVUS_URI": "local",
        "BIGQUERY_PROJECT": "local",
        "GEMINI_API_KEY": "local",
    }
    found = workspace.run(ROOT / "tests" / "fixtures" / "clean.jsonl", **mix)
    [batch] = found["batches"]
    assert (found["returncode"], batch["status"]) == (0, "closed")


def test_a_store_that_is_neither_configured_nor_local_is_an_error(workspace: Workspace) -> None:
    done = workspace.cli("status", MONGODB_URI=str(workspace.endpoints.mongodb_uri))
    assert done.returncode == 2
    assert "NEO4J_URI" in done.stderr
    assert "Traceback" not in done.stderr


def test_production_refuses_local_servers(workspace: Workspace) -> None:
    done = workspace.cli("status", SLUICEGATE_ENV="production")
    assert done.returncode == 2
    assert "MONGODB_URI" in done.stderr
