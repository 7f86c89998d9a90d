"""Decisions about several batches at once."""

from __future__ import annotations

from collections.abc import Sequence

import click
import pytest

from pipeline.cli.decisions import reject, resume
from pipeline.cli.run import run
from pipeline.core.verdicts import Verdict
from tests.cli.conftest import Invoke
from tests.cli.test_run import Land
from tests.fakes.command_app import CommandApp
from tests.fakes.scripted import ScriptedGate


@pytest.fixture
def halted(invoke: Invoke, app: CommandApp, land: Land) -> Sequence[str]:
    """Ids of four batches: two that the raw gate halted, one that the graph gate did, one that is closed."""
    for minute in range(4):
        land(f"09{minute}0.jsonl", f"i_{minute}")
    app.quarantined = 3
    app.gates["raw"] = ScriptedGate("raw", Verdict.FAIL, Verdict.FAIL)
    app.gates["graph"] = ScriptedGate("graph", Verdict.FAIL)
    assert invoke(run).return_value == 10
    return list(app.ledger.documents)


def statuses(app: CommandApp) -> list[str]:
    return [str(one["status"]) for one in app.ledger.documents.values()]


def test_several_batches_are_resumed_by_their_names(invoke: Invoke, app: CommandApp, halted: Sequence[str]) -> None:
    first, second, *_ = halted
    result = invoke(resume, first[:12], second, first)
    assert (result.return_value, statuses(app)) == (0, ["closed", "closed", "halted", "closed"])
    assert result.output.count("closed") == 2


def test_all_that_a_gate_halted_are_resumed(invoke: Invoke, app: CommandApp, halted: Sequence[str]) -> None:
    assert len(halted) == 4
    assert invoke(resume, "--all", "--gate", "raw").return_value == 0
    assert statuses(app) == ["closed", "closed", "halted", "closed"]


def test_one_that_cannot_be_resumed_keeps_none_of_the_others_waiting(
    invoke: Invoke, app: CommandApp, halted: Sequence[str]
) -> None:
    result = invoke(resume, "--all")
    assert (result.return_value, statuses(app)) == (2, ["closed", "closed", "halted", "closed"])
    assert f"Batch {halted[2][:12]} is left as it is: " in result.stderr


def test_all_that_are_halted_are_rejected(invoke: Invoke, app: CommandApp, halted: Sequence[str]) -> None:
    assert len(halted) == 4
    assert invoke(reject, "--all", "--yes").return_value == 0
    assert statuses(app) == ["dead", "dead", "dead", "closed"]


def test_where_nothing_is_halted_nothing_is_done(invoke: Invoke) -> None:
    result = invoke(resume, "--all")
    assert (result.output, result.return_value) == ("No batch is halted.\n", 0)
    assert invoke(reject, "--all").return_value == 0


@pytest.mark.parametrize("arguments", [(), ("3f2a", "--all"), ("3f2a", "--gate", "raw")])
def test_batches_are_named_or_all_is_said(invoke: Invoke, arguments: Sequence[str]) -> None:
    for command in (resume, reject):
        with pytest.raises(click.UsageError):
            invoke(command, *arguments)
