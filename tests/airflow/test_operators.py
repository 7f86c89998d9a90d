"""The DAG file's tasks over a stand-in for the command line, without Airflow: how they end, and who reports it."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.topology import STEPS
from tests.airflow.fake_airflow import AirflowSkipException, load

DAG_FILE = load()
BATCH = "a" * 64
STAND_IN = [sys.executable, str(Path(__file__).parent / "stand_in.py")]
PLAN = {"batches": [{"batch_id": BATCH, "source": "a.jsonl"}], "left_out": [], "steps": [step.key for step in STEPS]}


class Handed:
    """A task instance that keeps what is handed on."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def xcom_push(self, *, key: str, value: Any) -> None:
        self.values[key] = value


def script(folder: Path, codes: dict[str, list[Any]], plan: object = PLAN) -> None:
    """Write what the stand-in answers."""
    (folder / "script.json").write_text(json.dumps({"plan": plan, "codes": codes}), encoding="utf-8")


def step(tmp_path: Path, **more: Any) -> Any:
    """The task of the graph stage."""
    given = {"command": STAND_IN, "folder": str(tmp_path), "env": {}, "batch_id": BATCH, "source": "a.jsonl"}
    return DAG_FILE.StepOperator(task_id="one", kind="stage", step="graph", **{**given, **more})


def plan(folder: Path) -> Any:
    return DAG_FILE.PlanOperator(task_id="plan", paths=[], most=5, command=STAND_IN, folder=str(folder), env={})


@pytest.mark.parametrize(
    ("code", "again", "reported"),
    [
        (3, True, True),
        (4, True, True),
        (5, False, True),
        (10, False, True),
        (2, False, False),
        (70, False, False),
        (1, False, False),
        (-9, True, False),
        (143, True, False),
        ("unreadable", True, False),
    ],
)
def test_a_step_that_fails(tmp_path: Path, code: object, again: bool, reported: bool) -> None:
    """What a signal ended, or ended before it came to the batch, is not reported by Sluicegate."""
    script(tmp_path, {"stage graph": [code]})
    with pytest.raises(DAG_FILE.TryAgainError if again else DAG_FILE.NoUseError, match="Exit code ") as failure:
        step(tmp_path).execute({})
    assert failure.value.reported is reported


def test_a_step_that_is_done_says_nothing(tmp_path: Path) -> None:
    script(tmp_path, {})
    step(tmp_path).execute({})
    [call] = (tmp_path / "calls.jsonl").read_text("utf-8").splitlines()
    assert json.loads(call)["arguments"] == ["stage", "graph", BATCH, "--json"]


@pytest.mark.parametrize(
    "change", [{"command": ["/nowhere/sluicegate"]}, {"folder": "/nowhere"}, {"command": ["a\0b"]}]
)
def test_what_cannot_be_started_is_not_tried_again(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(DAG_FILE.NoUseError, match="cannot be started in ") as failure:
        step(tmp_path, **change).execute({})
    assert failure.value.reported is False


def test_a_task_that_is_ended_passes_sigterm_on(tmp_path: Path) -> None:
    script(tmp_path, {"stage graph": ["wait"]})
    task, raised = step(tmp_path), []

    def execute() -> None:
        try:
            task.execute({})
        except DAG_FILE.TryAgainError as error:
            raised.append(str(error))

    running = threading.Thread(target=execute)
    running.start()
    end = time.monotonic() + 60
    while not (tmp_path / "waiting").exists() and time.monotonic() < end:
        time.sleep(0.02)
    task.on_kill()
    running.join(60)
    assert (tmp_path / "terminated").exists()
    assert ["SIGTERM" in one for one in raised] == [True]
    task.on_kill()  # once it has ended there is nothing to do


def test_the_plan_hands_on_batches_and_what_was_left_out(tmp_path: Path) -> None:
    left_out = [{"file": f"{number}.gz", "message": "It is no gzip."} for number in range(25)]
    script(tmp_path, {}, PLAN | {"left_out": left_out})
    handed = Handed()
    assert plan(tmp_path).execute({"ti": handed}) == PLAN["batches"]
    assert len(handed.values["left_out"]) == DAG_FILE.LEFT_OUT_SHOWN


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ({"steps": [*PLAN["steps"], "gate:tone"]}, "only the program has gate:tone"),
        ({"steps": PLAN["steps"][:-1]}, "only this DAG file has gate:closing"),
        ({}, "older than this DAG file"),
    ],
)
def test_the_plan_of_a_program_with_other_steps_is_not_taken_nor_tried_again(
    tmp_path: Path, steps: dict[str, list[str]], words: str
) -> None:
    script(tmp_path, {}, {"batches": PLAN["batches"], "left_out": []} | steps)
    handed = Handed()
    with pytest.raises(DAG_FILE.NoUseError, match=words) as failure:
        plan(tmp_path).execute({"ti": handed})
    assert (failure.value.reported, handed.values) == (False, {})


def test_an_outage_while_planning_is_tried_again_and_not_reported(tmp_path: Path) -> None:
    script(tmp_path, {"plan": [3]})
    with pytest.raises(DAG_FILE.TryAgainError) as failure:
        plan(tmp_path).execute({"ti": Handed()})
    assert failure.value.reported is False


def test_files_that_were_left_out_are_a_failure_and_none_is_a_skipped_task() -> None:
    files = [{"file": "b.gz", "why": "It is no gzip."}]
    with pytest.raises(DAG_FILE.NoUseError, match=r"b\.gz: It is no gzip\."):
        DAG_FILE.LeftOutOperator(task_id="left_out", files=files).execute({})
    with pytest.raises(AirflowSkipException):
        DAG_FILE.LeftOutOperator(task_id="left_out", files=[]).execute({})
