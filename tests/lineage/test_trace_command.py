"""`run.py trace` on the sample: records of every fate, hostile ids, a store that is down, stores that disagree."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import neo4j
import pytest

from tests.end_to_end.conftest import ROOT, Workspace, make_workspace, workspace
from tests.end_to_end.oracle import Stores
from tests.fakes.hostile_texts import HOSTILE

__all__ = ["make_workspace", "workspace"]

LOCAL = {"MONGODB_URI": "local", "NEO4J_URI": "local", "MILVUS_URI": "local", "BIGQUERY_PROJECT": "local"}
LOCAL |= {"GEMINI_API_KEY": "local"}
NOWHERE = "127.0.0.1:9"
WELL = {"user_id": "u_100", "campaign_id": "c_loyalty", "type": "click", "timestamp": "2026-11-20T09:31:00"}


@pytest.fixture(scope="module")
def sample(workspace: Workspace) -> Workspace:
    """The sample; a file whose vectors are fallbacks; a file with dead records and ids that look like queries."""
    folder = ROOT / "docs" / "sample"
    workspace.run(folder / "landing", "--campaigns", folder / "campaigns.jsonl")
    order(workspace, {"fault": "503"})
    land(workspace, "fallback.jsonl", {**WELL, "interaction_id": "i_fallback", "message": "is anybody there"})
    order(workspace, None)
    good = [text for text in HOSTILE if text.isprintable()]
    dead = {**WELL, "interaction_id": "i_dead", "n": 2**70}
    conflict = {**WELL, "interaction_id": "i_00005", "message": "another story"}
    land(workspace, "odd.jsonl", dead, conflict, *({**WELL, "interaction_id": text} for text in good))
    return workspace


def land(place: Workspace, name: str, *records: dict[str, Any]) -> None:
    path = place.folder / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    assert place.run(path)["returncode"] in (0, 10)


def order(place: Workspace, fault: dict[str, str] | None) -> None:
    """Order a fault of the Gemini server; None clears all."""
    method, body = ("DELETE", None) if fault is None else ("POST", json.dumps(fault).encode())
    headers = {"x-goog-api-key": place.endpoints.gemini_api_key or "", "content-type": "application/json"}
    request = urllib.request.Request(
        f"{place.endpoints.gemini_endpoint}/faults", method=method, data=body, headers=headers
    )
    with urllib.request.urlopen(request, timeout=10):
        pass


def traced(place: Workspace, *arguments: str, **variables: str) -> dict[str, Any]:
    done = place.cli("trace", "--json", *arguments, **variables)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_quarantined_record_is_in_mongodb_and_nowhere_else(sample: Workspace) -> None:
    found = traced(sample, "i_10007")
    assert found["mongodb"]["state"] == "quarantined"
    assert found["mongodb"]["record"]["quarantine"]["reason"] == "malformed user_id"
    assert [found[store][part] for store, part in (("neo4j", "node"), ("milvus", "vector"))] == [None, None]
    assert {found[store]["why_none"] for store in ("neo4j", "milvus")} == {
        "it is in quarantine, and goes no further until it is released"
    }
    assert (found["bigquery"]["metrics"]["published_at"], found["contradictions"]) == (None, [])
    [raw] = found["batch"]["document"]["gates"]
    assert raw["findings"][0]["value"] == "null"
    assert ["quarantine", "done", "3 records are in quarantine"] in raw["actions"]


def test_an_orphan_names_its_missing_campaign_and_its_review(sample: Workspace) -> None:
    found = traced(sample, "i_20003", "--neighbours", "2")
    node = found["neo4j"]["node"]
    assert (node["in_catalogue"], node["campaign_exists"], node["review"]["state"]) == (False, False, "open")
    assert (node["of_user"], node["of_campaign"]) == (4, 2)
    assert found["milvus"]["vector"]["dimension"] == 768
    assert [one["message"] for one in found["milvus"]["nearest"]["records"]] == [
        "the discount is not what I expected"
    ] * 2
    assert (found["bigquery"]["metrics"]["published"], found["contradictions"]) == (59, [])
    graph = next(gate for gate in found["batch"]["document"]["gates"] if gate["name"] == "graph")
    assert [finding["value"] for finding in graph["findings"]] == ["c_black_friday"]


def test_a_fallback_vector_says_so_and_has_no_neighbours(sample: Workspace) -> None:
    found = traced(sample, "i_fallback")
    assert found["milvus"]["vector"]["embedding_source"] == "fallback"
    assert "says nothing of its text" in found["milvus"]["nearest"]["why_none"]
    assert "replace it: run.py reembed --batch" in sample.cli("trace", "i_fallback").stdout


def test_a_record_that_died_is_found_by_its_dead_letter(sample: Workspace) -> None:
    found = traced(sample, "i_dead")
    [letter] = found["mongodb"]["dead_letters"]
    assert (letter["line"], letter["reason"], letter["state"]) == (1, "unstorable", "waiting")
    assert (found["mongodb"]["record"], "died before it was loaded" in found["mongodb"]["why_none"]) == (None, True)
    assert found["contradictions"] == []


def test_a_record_whose_id_another_one_wanted_shows_both(sample: Workspace) -> None:
    found = traced(sample, "i_00005")
    assert (found["mongodb"]["state"], found["contradictions"]) == ("accepted", [])
    assert [letter["reason"] for letter in found["mongodb"]["dead_letters"]] == ["conflict"]


def test_an_id_nobody_knows_is_exit_code_2_with_a_way_on(sample: Workspace) -> None:
    done = sample.cli("trace", "i_nobody")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No store knows interaction i_nobody." in done.stderr
    assert "run.py dlq list" in done.stderr


@pytest.mark.parametrize("text", ['"] or interaction_id != "', "'}) DETACH DELETE n //", '{"$gt": ""}', "日本語"])
def test_a_hostile_id_finds_its_own_record_only(sample: Workspace, text: str) -> None:
    found = traced(sample, "--", text)
    assert found["mongodb"]["record"]["fields"]["interaction_id"] == text
    assert (found["neo4j"]["node"]["users"], found["milvus"]["vector"]) == (["a_999"], None)
    assert found["contradictions"] == []


@pytest.mark.parametrize("text", ["' or 1 == 1 or 'x", "$where", "\udcff", ""])
def test_a_hostile_id_that_is_nobodys_finds_nothing(sample: Workspace, text: str) -> None:
    done = sample.cli("trace", "--", text)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr


def test_a_masked_value_is_shown_only_when_it_is_asked_for(sample: Workspace) -> None:
    assert "u_149" not in sample.cli("trace", "i_20003").stdout
    assert 'user_id: "u_149"' in sample.cli("trace", "i_20003", "--show-values").stdout
    assert "discount" not in sample.cli("trace", "i_20003", SLUICEGATE_MASKED_FIELDS="message").stdout


def test_a_store_that_is_down_is_said_and_the_others_are_shown(sample: Workspace) -> None:
    done = sample.cli("trace", "i_00001", **LOCAL | {"NEO4J_URI": f"bolt://{NOWHERE}", "NEO4J_PASSWORD": "x"})
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    failed = "could not be asked: Neo4j: reading the graph's schema version failed"
    assert lines[lines.index("Neo4j") + 1].startswith(failed)
    assert "accepted" in lines
    assert lines[-1] == "The stores that answered agree."


def test_nothing_can_be_said_of_an_unknown_id_while_a_store_is_down(sample: Workspace) -> None:
    done = sample.cli(
        "trace", "i_nobody", **LOCAL | {"MONGODB_URI": f"mongodb://{NOWHERE}/?serverSelectionTimeoutMS=500"}
    )
    assert done.returncode == 3, done.stderr
    assert "No store that answers knows interaction i_nobody. MongoDB:" in done.stderr


@pytest.fixture
def graph(sample: Workspace) -> Iterator[neo4j.Driver]:
    """The sample's graph, changed behind the program's back."""
    to = sample.endpoints
    with neo4j.GraphDatabase.driver(str(to.neo4j_uri), auth=(str(to.neo4j_user), str(to.neo4j_password))) as driver:
        yield driver


def test_a_quarantined_record_in_the_graph_is_pointed_out_and_the_command_it_names_helps(
    sample: Workspace, graph: neo4j.Driver
) -> None:
    batch = traced(sample, "i_10007")["mongodb"]["record"]["batch_id"]
    assert sample.cli("resume", batch).returncode == 0
    graph.execute_query(
        "MERGE (i:Interaction {interaction_id: 'i_10007'}) SET i.batch_id = $batch, i.campaign_id = 'c_loyalty'",
        batch=batch,
        database_=sample.endpoints.neo4j_database,
    )
    found = traced(sample, "i_10007")["contradictions"]
    assert "The record is in quarantine, but it is in the graph" in found[0]["words"]
    command = found[0]["next_step"].partition("run.py ")[2]
    assert command == "quarantine release i_10007"
    assert sample.cli(*command.split()).returncode == 0
    stores = Stores(sample.places)
    assert "i_10007" not in stores.graph_ids()
    stores.close()
    again = traced(sample, "i_10007")
    assert (again["mongodb"]["state"], again["contradictions"]) == ("quarantined", [])
    assert [one["mark"]["reason"] for one in again["mongodb"]["record"]["releases"]] == ["malformed user_id"]


def test_it_changes_nothing(sample: Workspace) -> None:
    def counted() -> tuple[Any, ...]:
        stores = Stores(sample.places)
        try:
            batches = [(one["_id"], one["updated"]) for one in stores.ledger()]
            return batches, len(stores.raw_ids()), len(stores.graph_ids()), len(stores.vector_ids()), stores.published()
        finally:
            stores.close()

    before = counted()
    traced(sample, "i_20003")
    assert counted() == before
