"""The lines of the log about steps and batches: each that ends or is broken off says of what, from when to when."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click
import pytest

from expectations_plugins.core.errors import TerminalError, TransientError
from pipeline.core.verdicts import Verdict
from tests.fakes.scripted import ScriptedGate, ScriptedStage
from tests.telemetry.conftest import Run

TIMES = {"batch_id", "start_time", "end_time", "duration_s"}
ENDS = ("step_ended", "step_stopped", "batch_ended", "batch_stopped")


@pytest.fixture
def run(make_run: Callable[..., Run], land: Callable[..., Path]) -> Run:
    land()
    return make_run()


def lines(run: Run, name: str) -> list[dict[str, object]]:
    return run.shown.named(name)


@pytest.mark.parametrize(
    "happening",
    [None, TransientError("once"), TerminalError("no"), KeyError("a bug"), KeyboardInterrupt(), SystemExit(143)],
    ids=repr,
)
def test_whatever_ends_a_step_its_line_has_times_and_names(run: Run, happening: BaseException | None) -> None:
    run.app.stages["graph"] = ScriptedStage("graph", *([happening] if happening else []))
    with suppress(click.Abort):
        run()
    started = lines(run, "step_started")
    ended = lines(run, "step_ended") + lines(run, "step_stopped")
    assert sorted(str(line["step"]) for line in started) == sorted(str(line["step"]) for line in ended)
    for name in ENDS:
        for line in lines(run, name):
            assert set(line) >= (TIMES | {"step"} if name.startswith("step") else TIMES)
    assert len(lines(run, "batch_ended")) + len(lines(run, "batch_stopped")) == 1


def test_each_attempt_has_its_number_in_the_ledger(run: Run) -> None:
    run.app.stages["graph"] = ScriptedStage("graph", TransientError("once"))
    run()
    attempts = [line["attempt"] for line in lines(run, "attempt_started") if line["step"] == "stage:graph"]
    assert attempts == [1, 2]


def test_a_verdict_says_in_numbers_what_did_not_hold(run: Run) -> None:
    run.app.gates["raw"] = ScriptedGate("raw", Verdict.WARN)
    run()
    (verdict,) = [line for line in lines(run, "verdict") if line["verdict"] == "WARN"]
    assert verdict["checks"] == [
        {"expectation": "expect_user_ids", "severity": "critical", "column": "", "unexpected": 3, "checked": 60}
    ]


@pytest.mark.parametrize(
    ("status", "counted", "gained"),
    [
        ("running", {"read": 60, "accepted": 60}, {"read": 60, "accepted": 57, "quarantined": 3}),
        ("halted", {"read": 60, "accepted": 57, "quarantined": 3}, {}),
        ("halted", {"read": 60, "accepted": 55, "quarantined": 5}, {"accepted": 2}),
        ("dead", {"read": 60, "dead": 60}, {"accepted": 57, "quarantined": 3}),
    ],
    ids=["one process a step", "resumed", "released", "replayed"],
)
def test_what_a_batch_counts_is_said_once_however_many_processes_it_takes(
    run: Run, status: str, counted: dict[str, int], gained: dict[str, int]
) -> None:
    run()
    (document,) = run.app.ledger.documents.values()
    document |= {"status": status, "counts": counted}
    document["steps"].pop("gate:raw")
    run.app.quarantined = 3
    run.shown.events.clear()
    run.app.runner().again(document["_id"], ["gate:raw"])
    (line,) = lines(run, "batch_ended")
    assert line["gained"] == gained
