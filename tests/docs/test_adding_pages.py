"""The examples of the pages on adding something are what the pages show, and they work on the real servers."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import great_expectations
import pytest

import expectations_plugins
from checkpoints.actions import ACTIONS
from checkpoints.project import build, new_context
from expectations_plugins.milvus import connection as milvus
from expectations_plugins.mongodb import connection as mongodb
from expectations_plugins.neo4j import connection as neo4j
from pipeline.core.batches import BatchStatus
from pipeline.core.embeddings import VectorRow
from pipeline.local import Endpoints
from pipeline.stores.milvus.vector_store import MilvusVectorStore
from tests.docs.examples import messages_without_addresses
from tests.docs.examples.messages_without_addresses import ExpectMessagesWithoutAddresses
from tests.docs.examples.ticket import TicketAction
from tests.gates.conftest import ROOT, gate_endpoints, gx_root, make_site

__all__ = ["gate_endpoints", "gx_root", "make_site"]

EXAMPLES = {"adding-an-expectation.md": "messages_without_addresses.py", "adding-an-action.md": "ticket.py"}
MESSAGES = {"i_1": "write to jo@example.org please", "i_2": "no address here", "i_3": None, "i_4": "jo at example"}


@pytest.mark.parametrize("page", EXAMPLES)
def test_a_page_shows_the_example_that_is_run(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    [shown] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert shown == (ROOT / "tests" / "docs" / "examples" / EXAMPLES[page]).read_text("utf-8")


@pytest.mark.parametrize("page", EXAMPLES)
def test_what_a_page_names_is_there(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    files = re.findall(r"`((?:checkpoints|expectations_plugins|tests|docs)/[\w/.-]+)`", text)
    assert len(files) > 1
    assert [name for name in files if not (ROOT / name).exists()] == []
    assert [name for name in re.findall(r"\]\(([^)#:]+)\)", text) if not (ROOT / "docs" / name).is_file()] == []
    assert re.findall(r"^python run\.py .*$", text, re.MULTILINE) == ["python run.py gx sync"]


@pytest.fixture(scope="module")
def context() -> Any:
    expectations_plugins.register()
    messages_without_addresses.register()
    found = great_expectations.get_context(mode="ephemeral")
    found.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return found


@pytest.fixture
def documents(context: Any, endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The messages in MongoDB."""
    name = f"t{uuid.uuid4().hex[:10]}"
    database = mongodb.connect(str(endpoints.mongodb_uri), name)
    database["rows"].insert_many(
        [{"_id": key, "interaction_id": key, "message": text} for key, text in MESSAGES.items()]
    )
    monkeypatch.setenv("A_MONGODB", str(endpoints.mongodb_uri))
    source = context.data_sources.add_mongodb(name, connection_string="${A_MONGODB}", database=name)
    yield source.add_collection("rows").add_batch_definition("all").get_batch()
    database.client.drop_database(name)
    database.client.close()


@pytest.fixture
def nodes(context: Any, endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The messages in Neo4j."""
    name = f"T{uuid.uuid4().hex[:10]}"
    user, password = str(endpoints.neo4j_user), str(endpoints.neo4j_password)
    graph = neo4j.connect(str(endpoints.neo4j_uri), user, password, database=endpoints.neo4j_database)
    rows = [{"interaction_id": key, "message": text} for key, text in MESSAGES.items()]
    graph.write((f"UNWIND $rows AS row CREATE (n:{name}) SET n = row",), {"rows": rows}, doing="test", timeout=30)
    monkeypatch.setenv("A_PASSWORD", password)
    source = context.data_sources.add_neo4j(
        name, uri=endpoints.neo4j_uri, user=user, password="${A_PASSWORD}", database=endpoints.neo4j_database
    )
    yield source.add_node("rows", label=name, key="interaction_id").add_batch_definition("all").get_batch()
    graph.write((f"MATCH (n:{name}) DELETE n",), {}, doing="test", timeout=30)
    graph.close()


@pytest.mark.parametrize("store", ["documents", "nodes"])
def test_the_example_expectation_names_exactly_the_bad_record(store: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(store).validate(ExpectMessagesWithoutAddresses())
    assert (found.success, found.exception_info["raised_exception"]) == (False, False)
    assert found.result["observed_value"] == "1 of 4 (25.00%) messages hold an e-mail address"
    assert found.result["details"]["examples"] == [("i_1", MESSAGES["i_1"])]


def test_the_example_expectation_passes_where_nothing_is_wrong(documents: Any) -> None:
    assert documents.validate(ExpectMessagesWithoutAddresses(column="interaction_id")).success


def test_a_store_that_cannot_compute_it_refuses_by_name(context: Any, endpoints: Endpoints) -> None:
    name = f"t{uuid.uuid4().hex[:10]}"
    client = milvus.connect(str(endpoints.milvus_uri))
    store = MilvusVectorStore(client, name)
    store.prepare()
    store.upsert([VectorRow("i_1", "b", "e", "model", 1, (1.0, *(0.0,) * 767))])
    source = context.data_sources.add_milvus(name, uri=endpoints.milvus_uri)
    batch = source.add_collection("rows", collection=name).add_batch_definition("all").get_batch()
    found = batch.validate(ExpectMessagesWithoutAddresses(column="embedding_source"))
    assert "Milvus cannot compute" in str(found.exception_info)
    client.drop_collection(name)
    client.close()


@pytest.fixture
def with_tickets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A GX project whose raw gate has the example action; tickets go into the working directory."""
    monkeypatch.chdir(tmp_path)
    ACTIONS[TicketAction.kind] = TicketAction
    try:
        build(new_context(str(tmp_path)))
        yield tmp_path
    finally:
        del ACTIONS[TicketAction.kind]


def test_the_example_action_acts_once_a_check_and_is_in_the_ledger(with_tickets: Path, make_site: Any) -> None:
    site = make_site(SLUICEGATE_GX=with_tickets / "gx")
    outcome = site.process("bad_user_ids.jsonl")
    assert outcome.status is BatchStatus.HALTED
    report = site.report(outcome, "raw")
    [intent] = [one for one in report.intents if one.action == "ticket"]
    [ticket] = (with_tickets / "tickets").iterdir()
    assert (intent.status, intent.detail) == ("done", f"{ticket.name} written")
    text = ticket.read_text("utf-8")
    assert text.startswith(f"Batch {outcome.batch_id[:12]} was halted at the raw gate.\n")
    assert "user_ids are bad" in text


def test_a_batch_that_passes_gets_no_ticket(with_tickets: Path, make_site: Any) -> None:
    site = make_site(SLUICEGATE_GX=with_tickets / "gx")
    assert site.process("clean.jsonl").status is BatchStatus.CLOSED
    assert not (with_tickets / "tickets").exists()
