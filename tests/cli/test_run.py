"""`run`: what it processes, what it says, what it exits with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from expectations_plugins.core.errors import ConfigurationError, TerminalError
from pipeline.cli.run import run
from pipeline.core.decision import Decision, DecisionKind
from pipeline.core.verdicts import Verdict
from tests.cli.conftest import Invoke
from tests.fakes.command_app import CommandApp
from tests.fakes.scripted import ScriptedGate, ScriptedStage

Land = Callable[..., Path]


def test_the_landing_folder_is_taken_when_no_path_is_given(invoke: Invoke, app: CommandApp, land: Land) -> None:
    land()
    result = invoke(run)
    assert (result.return_value, len(app.ledger.documents)) == (0, 1)


def test_an_empty_landing_folder_is_said_to_be_empty(invoke: Invoke, app: CommandApp) -> None:
    result = invoke(run)
    assert "nothing to do" in result.output
    assert (result.return_value, app.ledger.documents) == (0, {})


def test_a_run_that_only_finishes_a_decision_says_so(invoke: Invoke, app: CommandApp, land: Land) -> None:
    others = dict.fromkeys(("NEO4J_URI", "MILVUS_URI", "BIGQUERY_PROJECT", "GEMINI_API_KEY"), "local")
    app.configure(MONGODB_URI="mongodb://somewhere", **others)
    file = land()
    app.gates["raw"], app.quarantined = ScriptedGate("raw", Verdict.FAIL), 3
    invoke(run)
    file.unlink()
    ((batch_id, document),) = app.ledger.documents.items()
    decided = Decision(DecisionKind.REJECT, {"note": "a test"}, "somebody")
    document["decision"] = {**asdict(decided), "kind": "reject", "at": datetime.now(UTC)}
    output = invoke(run).output
    assert document["decision"] is None
    assert (batch_id[:12] in output, "nothing to do" in output) == (True, False)


def test_a_path_that_does_not_exist_is_named(invoke: Invoke) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        invoke(run, "nowhere.jsonl")


def test_the_summary_has_a_line_per_batch_with_verdicts_and_counts(invoke: Invoke, land: Land) -> None:
    land()
    line = next(line for line in invoke(run).output.splitlines() if "T0900" in line)
    assert line.split()[2:6] == ["closed", "PASS", "PASS", "PASS"]
    assert "60 read, 60 accepted" in line


def test_a_batch_that_was_done_before_is_only_counted(invoke: Invoke, land: Land) -> None:
    land()
    invoke(run)
    assert invoke(run).output == "1 batch was already processed.\n"


def test_a_failed_gate_names_the_command_to_run_next(invoke: Invoke, app: CommandApp, land: Land) -> None:
    land()
    app.gates["raw"], app.quarantined = ScriptedGate("raw", Verdict.FAIL), 3
    result = invoke(run)
    (batch_id,) = app.ledger.documents
    assert f"run.py resume {batch_id[:12]}" in result.output
    assert result.return_value == 10


def test_a_batch_that_waits_is_named_by_every_run_over_its_folder_and_fails_none(
    invoke: Invoke, app: CommandApp, land: Land
) -> None:
    land()
    app.gates["raw"] = ScriptedGate("raw", Verdict.FAIL)
    invoke(run)
    (batch_id,) = app.ledger.documents
    result = invoke(run)
    assert result.output == f"1 batch waits for a person: {batch_id[:12]} (halted). Look: run.py status\n"
    assert result.return_value == 0
    told = json.loads(invoke(run, "--json").stdout)
    assert (told["exit_code"], [batch["waits"] for batch in told["batches"]]) == (0, [True])


def test_a_batch_that_waits_fails_the_run_that_names_its_file(invoke: Invoke, app: CommandApp, land: Land) -> None:
    file = land()
    app.gates["raw"] = ScriptedGate("raw", Verdict.FAIL)
    invoke(run)
    result = invoke(run, file)
    assert "needs a person" in result.output
    assert result.return_value == 10


def test_many_batches_that_wait_are_counted_and_some_named(invoke: Invoke, app: CommandApp, land: Land) -> None:
    for minute in range(7):
        land(f"09{minute:02}.jsonl", f"i_{minute}")
    app.stages["embed"] = ScriptedStage("embed", *[TerminalError("Milvus: no such collection.")] * 7)
    assert invoke(run).return_value == 5
    result = invoke(run)
    assert "7 batches wait for a person: " in result.output
    assert ", and 2 more. Look: run.py status" in result.output
    assert result.return_value == 0


def test_json_is_one_document_with_each_batchs_own_exit_code(invoke: Invoke, app: CommandApp, land: Land) -> None:
    land("0900.jsonl", "i_1")
    land("0910.jsonl", "i_2")
    app.gates["raw"] = ScriptedGate("raw", Verdict.PASS, Verdict.FAIL)
    document = json.loads(invoke(run, "--json").stdout)
    assert [batch["exit_code"] for batch in document["batches"]] == [0, 10]
    assert (document["exit_code"], document["complete"]) == (10, True)


def test_json_of_nothing_is_a_document_too(invoke: Invoke) -> None:
    assert json.loads(invoke(run, "--json").stdout)["batches"] == []


def test_a_dead_batch_wins_over_a_failed_gate(invoke: Invoke, app: CommandApp, land: Land) -> None:
    land("0900.jsonl", "i_1")
    land("0910.jsonl", "i_2")
    app.gates["raw"] = ScriptedGate("raw", Verdict.FAIL)
    app.stages["embed"] = ScriptedStage("embed", TerminalError("Milvus: no such collection."))
    assert invoke(run).return_value == 5


def test_one_bad_batch_does_not_stop_the_others(invoke: Invoke, app: CommandApp, land: Land) -> None:
    land("0900.jsonl", "i_1")
    land("0910.jsonl", "i_2")
    app.stages["graph"] = ScriptedStage("graph", RuntimeError("a bug"))
    result = invoke(run)
    assert {document["status"] for document in app.ledger.documents.values()} == {"running", "closed"}
    assert result.return_value == 70


def test_limit_counts_only_batches_with_work(invoke: Invoke, app: CommandApp, land: Land) -> None:
    for number in range(3):
        land(f"09{number}0.jsonl", f"i_{number}")
    invoke(run, "--limit", 1)
    invoke(run, "--limit", 1)
    assert len(app.ledger.documents) == 2


def test_the_tolerance_wins_over_the_environment(invoke: Invoke, app: CommandApp, land: Land) -> None:
    land()
    invoke(run, "--tolerance", "0.25")
    assert app.settings.user_id_tolerance == 0.25


def test_a_tolerance_above_1_is_a_usage_error(invoke: Invoke) -> None:
    with pytest.raises(click.BadParameter):
        invoke(run, "--tolerance", "1.5")


def test_campaigns_are_loaded_before_the_batches(invoke: Invoke, app: CommandApp, land: Land) -> None:
    land()
    catalogue = app.folder / "campaigns.jsonl"
    catalogue.write_text('{"campaign_id": "c_1"}\n')
    loaded_before: list[bool] = []
    app.stages["load"] = ScriptedStage("load", lambda _: loaded_before.append("c_1" in app.graph_store.campaigns))
    invoke(run, "--campaigns", catalogue)
    assert loaded_before == [True]


def test_an_interrupted_run_shows_what_was_done(
    invoke: Invoke, app: CommandApp, land: Land, capsys: pytest.CaptureFixture[str]
) -> None:
    land("0900.jsonl", "i_1")
    land("0910.jsonl", "i_2")
    app.stages["graph"] = ScriptedStage("graph", lambda _: None, SystemExit(143))
    result = invoke(run)
    assert "0900.jsonl" in result.output + capsys.readouterr().out
    assert result.exit_code == 143


def test_a_file_whose_name_is_not_utf_8_is_left_out_and_named(invoke: Invoke, app: CommandApp, land: Land) -> None:
    land("0900-\udcff.jsonl")
    land("0910.jsonl", "i_2")
    result = invoke(run)
    assert "0900-\\xff.jsonl is not UTF-8. Rename it." in result.output
    assert (result.return_value, len(app.ledger.documents)) == (2, 1)


def test_control_characters_in_a_file_name_do_not_reach_the_terminal(invoke: Invoke, land: Land) -> None:
    land("\x1b[2J0900.jsonl")
    assert "\x1b" not in invoke(run).output
