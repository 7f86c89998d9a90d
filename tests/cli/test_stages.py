"""`plan`, `stage` and `gate`: what they print, what they refuse, what they exit with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from expectations_plugins.core.errors import ConfigurationError, TerminalError, TransientError
from pipeline.cli.run import run
from pipeline.cli.stages import gate, plan, stage
from pipeline.core.topology import STEPS
from pipeline.core.verdicts import Verdict
from tests.cli.conftest import Invoke
from tests.fakes.command_app import CommandApp
from tests.fakes.scripted import ScriptedGate, ScriptedStage

Land = Callable[..., Path]


def id_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def planned(invoke: Invoke, *arguments: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(invoke(plan, *arguments).output)["batches"]
    return found


def test_a_new_batch_is_planned_from_its_first_step(invoke: Invoke, land: Land) -> None:
    path = land()
    expected = {"batch_id": id_of(path), "source": str(path), "status": "new", "next": "stage:load"}
    assert planned(invoke) == [expected]


def test_a_batch_that_was_interrupted_is_planned_from_where_it_stopped(invoke: Invoke, land: Land) -> None:
    batch = id_of(land())
    invoke(stage, "load", batch)
    assert [(one["status"], one["next"]) for one in planned(invoke)] == [("running", "stage:aggregate")]


def test_a_closed_a_halted_and_a_dead_batch_are_not_planned(invoke: Invoke, app: CommandApp, land: Land) -> None:
    land("1.jsonl", "i_1")
    invoke(run)
    land("2.jsonl", "i_2")
    app.gates["raw"], app.quarantined = ScriptedGate("raw", Verdict.FAIL), 3
    invoke(run)
    land("3.jsonl", "i_3")
    app.gates["raw"], app.stages["graph"] = ScriptedGate("raw"), ScriptedStage("graph", TerminalError("no"))
    invoke(run)
    assert sorted(one["status"] for one in app.ledger.documents.values()) == ["closed", "dead", "halted"]
    assert planned(invoke) == []


def test_a_held_batch_is_planned(invoke: Invoke, app: CommandApp, land: Land) -> None:
    land()
    app.gates["raw"] = ScriptedGate("raw", Verdict.ERROR)
    invoke(run)
    assert [(one["status"], one["next"]) for one in planned(invoke)] == [("held", "gate:raw")]


def test_the_plan_changes_nothing(invoke: Invoke, app: CommandApp, land: Land) -> None:
    land()
    invoke(plan)
    assert app.ledger.documents == {}


def test_the_plan_is_limited(invoke: Invoke, land: Land) -> None:
    for number in range(3):
        land(f"{number}.jsonl", f"i_{number}")
    assert [Path(one["source"]).name for one in planned(invoke, "--limit", 2)] == ["0.jsonl", "1.jsonl"]


def test_a_plan_without_the_ledger_is_an_outage(invoke: Invoke, app: CommandApp, land: Land) -> None:
    land()
    app.ledger.outages = 1
    with pytest.raises(TransientError):
        invoke(plan)


def test_a_file_that_cannot_be_read_is_named_beside_the_plan(invoke: Invoke, app: CommandApp, land: Land) -> None:
    land()
    (app.folder / "landing" / "away.jsonl").symlink_to(app.folder / "landing" / "missing")
    document = json.loads(invoke(plan).output)
    assert (len(document["batches"]), len(document["left_out"])) == (1, 1)


def test_a_plan_names_every_step_in_order_also_when_there_is_nothing_to_do(invoke: Invoke) -> None:
    document = json.loads(invoke(plan).output)
    assert (document["batches"], document["steps"]) == ([], [step.key for step in STEPS])


def test_load_finds_its_file_in_the_landing_folder(invoke: Invoke, app: CommandApp, land: Land) -> None:
    path = land()
    assert invoke(stage, "load", id_of(path)[:8]).return_value == 0
    assert app.ledger.documents[id_of(path)]["source"] == str(path)


def test_load_says_what_the_file_holds_when_it_is_another_batch(invoke: Invoke, land: Land) -> None:
    path = land()
    with pytest.raises(ConfigurationError, match=id_of(path)[:12]):
        invoke(stage, "load", "abcdef", "--file", path)


@pytest.mark.parametrize("name", ["a?b", "$ne", "../../etc", "'; DROP", ""])
def test_what_is_no_batch_id_is_refused(invoke: Invoke, land: Land, name: str) -> None:
    land()
    if name:
        with pytest.raises(ConfigurationError):
            invoke(stage, "load", name)
        return
    with pytest.raises(ConfigurationError):
        invoke(gate, "raw", name)


def test_only_load_reads_a_file(invoke: Invoke, land: Land) -> None:
    with pytest.raises(click.UsageError, match="--file is for load"):
        invoke(stage, "graph", "abc", "--file", land())


def test_a_stage_that_does_not_exist_is_refused_with_those_that_do(invoke: Invoke) -> None:
    with pytest.raises(click.BadParameter, match="'load', 'aggregate'"):
        invoke(stage, "laod", "abc")


def test_all_steps_in_the_order_of_the_topology_close_the_batch(invoke: Invoke, app: CommandApp, land: Land) -> None:
    batch = id_of(land())
    commands = {"stage": stage, "gate": gate}
    codes = [invoke(commands[str(step.kind)], step.name, batch).return_value for step in STEPS]
    assert (codes, app.ledger.documents[batch]["status"]) == ([0] * len(STEPS), "closed")


def test_an_outage_exits_with_3_and_says_what_failed(invoke: Invoke, app: CommandApp, land: Land) -> None:
    app.stages["load"] = ScriptedStage("load", TransientError("MongoDB: writing failed: connection refused"))
    result = invoke(stage, "load", id_of(land()))
    assert result.return_value == 3
    assert "connection refused" in result.output


def test_a_failed_gate_exits_with_10_and_names_the_next_command(invoke: Invoke, app: CommandApp, land: Land) -> None:
    batch = id_of(land())
    app.gates["raw"], app.quarantined = ScriptedGate("raw", Verdict.FAIL), 3
    invoke(stage, "load", batch)
    invoke(stage, "aggregate", batch)
    result = invoke(gate, "raw", batch)
    assert (result.return_value, f"run.py status {batch[:12]}" in result.output) == (10, True)


def test_the_outcome_as_json_is_that_of_a_run(invoke: Invoke, land: Land) -> None:
    document = json.loads(invoke(stage, "load", id_of(land()), "--json").output)
    assert (document["exit_code"], [step["key"] for step in document["batches"][0]["steps"]]) == (0, ["stage:load"])


def test_a_load_the_ledger_is_down_for_is_counted_and_kept_in_the_end(
    invoke: Invoke, app: CommandApp, land: Land
) -> None:
    path = land()
    codes = []
    for _ in range(4):
        app.ledger.outages = 100
        codes.append(invoke(stage, "load", id_of(path), "--file", path).return_value)
    assert codes == [3, 3, 3, 5]
    assert list((app.folder / "spool" / "dlq").iterdir())
