"""`status`, `resume`, `docs`, `doctor`: what a person reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from expectations_plugins.core.errors import ConfigurationError, TransientError
from pipeline.cli.batch_page import batch_page
from pipeline.cli.decisions import resume
from pipeline.cli.docs import docs
from pipeline.cli.doctor import doctor
from pipeline.cli.run import run
from pipeline.cli.status import status
from pipeline.core.batch import CHECKSUM, EARLIER, Batch, StepState, StepStatus
from pipeline.core.topology import STEPS
from pipeline.core.verdicts import Verdict
from pipeline.ports.checkup import Checkup
from tests.cli.conftest import Invoke
from tests.fakes.command_app import CommandApp
from tests.fakes.scripted import ScriptedGate

Land = Callable[..., Path]


@pytest.fixture
def halted(invoke: Invoke, app: CommandApp, land: Land) -> str:
    """Id of a batch that the raw gate has halted."""
    land()
    app.gates["raw"], app.quarantined = ScriptedGate("raw", Verdict.FAIL), 3
    invoke(run)
    (batch_id,) = app.ledger.documents
    return batch_id


def test_status_without_batches_says_how_to_start(invoke: Invoke) -> None:
    assert "run.py run" in invoke(status).output


def test_status_lists_batches_with_status_and_verdicts(invoke: Invoke, halted: str) -> None:
    line = next(line for line in invoke(status).output.splitlines() if line.startswith(halted[:12]))
    assert {"halted", "FAIL"} <= set(line.split())


def test_status_of_a_batch_shows_every_step(invoke: Invoke, halted: str) -> None:
    output = invoke(status, halted).output
    assert all(step.name in output for step in STEPS)


def test_status_of_a_batch_shows_the_numbers_of_a_step_and_no_checksum() -> None:
    counts = {"read": 60, CHECKSUM: [60, 2193120909823563032, 980069707973926907], EARLIER: ["b" * 64 + " 9"]}
    batch = Batch("a" * 64, steps={"stage:load": StepState(status=StepStatus.DONE, attempts=1, counts=counts)})
    [row] = [line for line in batch_page(batch) if line.startswith("load")]
    assert row.rstrip().endswith("60 read")


def test_status_of_a_batch_takes_a_prefix(invoke: Invoke, halted: str) -> None:
    assert halted in invoke(status, halted[:6]).output


def test_status_of_a_batch_shows_findings_with_examples(invoke: Invoke, halted: str) -> None:
    output = invoke(status, halted).output
    assert "3 of 60 user_ids are malformed" in output
    assert "i_1" in output


def test_status_of_a_halted_batch_says_what_to_do(invoke: Invoke, halted: str) -> None:
    assert f"run.py resume {halted[:12]}" in invoke(status, halted).output


def test_status_json_is_a_list_of_documents(invoke: Invoke, halted: str) -> None:
    assert [document["_id"] for document in json.loads(invoke(status, "--json").stdout)] == [halted]


def test_status_json_of_a_batch_is_its_document(invoke: Invoke, halted: str) -> None:
    assert json.loads(invoke(status, halted, "--json").stdout)["status"] == "halted"


def test_an_unknown_batch_is_refused(invoke: Invoke) -> None:
    with pytest.raises(ConfigurationError):
        invoke(status, "abc")


def test_resume_takes_a_prefix_and_closes_the_batch(invoke: Invoke, app: CommandApp, halted: str) -> None:
    result = invoke(resume, halted[:6])
    assert (result.return_value, app.ledger.documents[halted]["status"]) == (0, "closed")


def test_resume_says_that_the_records_stay_behind(invoke: Invoke, halted: str) -> None:
    assert "57 accepted, 3 quarantined" in invoke(resume, halted).output


def test_a_verdict_that_a_person_passed_over_is_marked(invoke: Invoke, halted: str) -> None:
    assert "FAIL, resumed" in invoke(resume, halted).output
    assert "FAIL, resumed" in invoke(status).output


def test_docs_path_is_given_whether_or_not_it_exists(invoke: Invoke, app: CommandApp) -> None:
    assert invoke(docs, "path").output.strip() == str(app.docs_index)


def test_docs_that_do_not_exist_cannot_be_opened(invoke: Invoke) -> None:
    with pytest.raises(ConfigurationError, match="no Data Docs"):
        invoke(docs, "open")


def test_docs_open_prints_the_address(invoke: Invoke, app: CommandApp) -> None:
    app.docs_index.parent.mkdir(parents=True)
    app.docs_index.touch()
    assert invoke(docs, "open").output.strip() == app.docs_index.as_uri()


@pytest.fixture
def configured(app: CommandApp) -> CommandApp:
    """Every store has an address, and answers."""
    app.configure(
        MONGODB_URI="mongodb://user:hunter2@db.example",
        NEO4J_URI="bolt://graph.example",
        MILVUS_URI="http://vectors.example",
        BIGQUERY_PROJECT="project",
        GEMINI_API_KEY="key",
    )
    app.probe_table = {name: lambda: Checkup("8.0") for name in ("mongodb", "neo4j", "milvus", "bigquery", "gemini")}
    return app


def test_doctor_is_content_when_every_store_answers(invoke: Invoke, configured: CommandApp) -> None:
    assert configured
    assert invoke(doctor).return_value == 0


def test_doctor_names_a_store_that_does_not_answer(invoke: Invoke, configured: CommandApp) -> None:
    def refused() -> Checkup:
        raise TransientError("Neo4j: connection refused.", next_step="Start it.")

    configured.probe_table["neo4j"] = refused
    result = invoke(doctor)
    assert "Neo4j: connection refused. Start it." in result.output
    assert result.return_value == 3


def test_doctor_starts_nothing_and_forgives_local_servers_that_are_down(invoke: Invoke, app: CommandApp) -> None:
    result = invoke(doctor, "--json")
    assert {one["state"] for one in json.loads(result.stdout) if one["kind"] != "folder"} == {"down"}
    assert (result.return_value, (app.folder / ".sluicegate").exists()) == (0, False)


def test_doctor_shows_no_credentials(invoke: Invoke, configured: CommandApp) -> None:
    assert configured
    assert "hunter2" not in invoke(doctor).output
