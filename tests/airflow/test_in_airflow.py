"""The DAG in a real Airflow, mostly over a stand-in for the command line; skipped where there is no Airflow."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.topology import MAX_ATTEMPTS, STEPS
from tests.airflow.airflow_home import ENVIRONMENT, AirflowHome
from tests.airflow.whole import GROUPS, Place, placed

A, B, C, D = (letter * 64 for letter in "abcd")
STAND_IN = [sys.executable, str(Path(__file__).parent / "stand_in.py")]
GRAPH = next(at for at, step in enumerate(STEPS) if step.key == "stage:graph")
DONE = ["success"] * len(STEPS)

pytestmark = pytest.mark.skipif(
    ENVIRONMENT not in os.environ,
    reason=f"{ENVIRONMENT} names no environment with Airflow; make one: python tests/airflow/install.py FOLDER",
)

Home = Callable[..., AirflowHome]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An Airflow whose DAG calls a stand-in that follows a script."""

    def make(
        codes: Mapping[str, list[Any]], *batches: str, more: str = "", program: list[str] = STAND_IN
    ) -> AirflowHome:
        plan = [{"batch_id": batch, "source": f"/landing/{batch[0]} {{{{ 7*7 }}}}.sql"} for batch in batches]
        script = {"plan": {"batches": plan, "left_out": [], "steps": [step.key for step in STEPS]}, "codes": codes}
        (tmp_path / "script.json").write_text(json.dumps(script), encoding="utf-8")
        found = AirflowHome(Path(os.environ[ENVIRONMENT]), tmp_path / "airflow", {})
        found.prepare(program=program, folder=tmp_path, landing=tmp_path, more=more)
        return found

    return make


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    """The calls the stand-in was given."""
    return lambda: [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: ", ".join(one.__name__ for one in group))
def test_the_sample_goes_through_airflow_as_the_page_says(group: tuple[Callable[[Place], None], ...]) -> None:
    with placed(Path(os.environ[ENVIRONMENT])) as place:
        for scenario in group:
            scenario(place)
        assert place.problems == []


def test_each_exit_code_ends_its_batch_as_it_ought_to_and_no_other(
    home: Home, calls: Callable[[], list[dict[str, Any]]]
) -> None:
    codes = {f"gate raw {A}": [10], f"stage graph {B}": [3, 4, 5], f"stage embed {C}": [70], f"stage load {D}": [4, -9]}
    airflow = home(codes, A, B, C, D)
    run = airflow.test()
    assert run.state == "failed"
    assert run.states(A) == ["success", "success", "failed", *["upstream_failed"] * 5]
    assert [(end.state, end.tries) for end in run.steps(B)[GRAPH : GRAPH + 1]] == [("failed", 3)]
    assert run.states(C)[-2:] == ["failed", "upstream_failed"]
    assert (run.states(D), run.steps(D)[0].tries) == (DONE, 3)
    assert [line.partition(":")[0] for line in airflow.told()] == ["batch.stage_embed"]
    assert [call["arguments"][3] for call in calls() if call["arguments"][1:3] == ["load", A]] == [
        "--file=/landing/a {{ 7*7 }}.sql"
    ]
    assert {name for call in calls() for name in call["variables"]} & {"AIRFLOW_HOME", "PYTHONPATH"} == set()


def test_an_outage_that_outlasts_the_retries_leaves_the_batch_to_the_next_run(home: Home) -> None:
    """That is when nothing could be counted, for the ledger could not be reached: of that the program tells people."""
    airflow = home({"stage load": [3] * MAX_ATTEMPTS}, A)
    first = airflow.test()
    assert (first.steps(A)[0].state, first.steps(A)[0].tries) == ("failed", MAX_ATTEMPTS)
    assert airflow.told() == []
    assert airflow.test().states(A) == DONE


def test_an_outage_before_it_came_to_the_batch_is_told(home: Home) -> None:
    airflow = home({"stage load": ["unreadable"] * MAX_ATTEMPTS}, A)
    assert airflow.test().steps(A)[0].tries == MAX_ATTEMPTS
    assert "The file cannot be read for now." in airflow.told()[0]


def test_a_plan_that_fails_to_the_end_is_told(home: Home) -> None:
    airflow = home({"plan": [3] * MAX_ATTEMPTS})
    assert airflow.test().tasks["plan", -1].tries == MAX_ATTEMPTS
    assert len(airflow.told()) == 1


@pytest.mark.parametrize("steps", [[*(step.key for step in STEPS), "gate:tone"], None])
def test_a_program_with_other_steps_takes_no_batch_and_is_told_once(
    home: Home, tmp_path: Path, calls: Callable[[], list[dict[str, Any]]], steps: list[str] | None
) -> None:
    airflow = home({}, A)
    script = json.loads((tmp_path / "script.json").read_text("utf-8"))
    script["plan"].pop("steps")
    script["plan"] |= {"steps": steps} if steps else {}
    (tmp_path / "script.json").write_text(json.dumps(script), encoding="utf-8")
    run = airflow.test()
    assert (run.state, run.tasks["plan", -1].tries, run.batches()) == ("failed", 1, [])
    assert [call["arguments"][0] for call in calls()] == ["plan"]
    [told] = airflow.told()
    assert ("only the program has gate:tone" if steps else "older than this DAG file") in told


def test_a_program_that_cannot_be_started_is_told_and_not_tried_again(home: Home) -> None:
    airflow = home({}, program=["/nowhere/sluicegate"])
    run = airflow.test()
    assert (run.state, run.tasks["plan", -1].tries) == ("failed", 1)
    assert "cannot be started" in airflow.told()[0]


def test_files_that_were_left_out_make_the_run_red_and_stop_no_batch(home: Home, tmp_path: Path) -> None:
    airflow = home({}, A)
    script = json.loads((tmp_path / "script.json").read_text("utf-8"))
    script["plan"]["left_out"] = [{"file": "b.jsonl.gz", "message": "It is no gzip.", "next_step": "", "exit_code": 2}]
    (tmp_path / "script.json").write_text(json.dumps(script), encoding="utf-8")
    run = airflow.test()
    assert (run.state, run.tasks["left_out", -1].state, run.states(A)) == ("failed", "failed", DONE)
    assert "b.jsonl.gz: It is no gzip." in airflow.told()[0]


def test_a_task_that_takes_too_long_ends_its_program_and_is_tried_again(home: Home, tmp_path: Path) -> None:
    limit = "task_arguments={'execution_timeout': timedelta(seconds=5)},"
    run = home({"stage graph": ["wait"]}, A, more=limit).test()
    assert (tmp_path / "terminated").exists()
    assert (run.states(A), run.steps(A)[GRAPH].tries) == (DONE, 2)


def test_under_a_scheduler_a_task_that_is_ended_ends_its_program_and_the_next_run_goes_on(
    home: Home, tmp_path: Path
) -> None:
    """`airflow standalone`: scheduler, LocalExecutor, two batches side by side; a person marks a task as failed."""
    airflow = home({f"stage graph {A}": ["wait"], f"stage graph {B}": [3]}, A, B, more="schedule=None,")
    with standalone(airflow) as ask:
        dag = "/api/v2/dags/sluicegate"
        until(lambda: ask("GET", dag))
        ask("PATCH", dag, {"is_paused": False})
        run = ask("POST", f"{dag}/dagRuns", {"logical_date": None})["dag_run_id"]
        until((tmp_path / "waiting").exists)
        ask("PATCH", f"{dag}/dagRuns/{run}/taskInstances/batch.stage_graph/0", {"new_state": "failed"})
        until((tmp_path / "terminated").exists)
        until(lambda: airflow.latest().state == "failed")
        first = airflow.latest()
        assert first.states(A)[GRAPH:] == ["failed", *["upstream_failed"] * 3]
        assert (first.states(B), first.steps(B)[GRAPH].tries) == (DONE, 2)
        ask("POST", f"{dag}/dagRuns", {"logical_date": None})
        until(lambda: airflow.latest().state == "success")
        assert airflow.latest().states(A) == airflow.latest().states(B) == DONE


@contextlib.contextmanager
def standalone(airflow: AirflowHome) -> Iterator[Callable[..., Any]]:
    """Airflow with its scheduler; gives a function that asks its API: method, path, document."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    airflow.variables |= {"AIRFLOW__API__PORT": str(port), "AIRFLOW__API__HOST": "127.0.0.1"}
    airflow.variables["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = f"http://127.0.0.1:{port}/execution/"

    def ask(method: str, path: str, document: object = None, token: str = "") -> Any:
        token = token or (ask("GET", "/auth/token", token="none")["access_token"])
        body = None if document is None else json.dumps(document).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    server = airflow.start("standalone")
    try:
        yield ask
    finally:
        server.send_signal(signal.SIGINT)  # it stops what it started; what it leaves is in its process group
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(60)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


def until(holds: Callable[[], object], seconds: float = 240) -> None:
    """Wait until something holds; an error of a server that is not there yet is not an answer."""
    end = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except (OSError, StopIteration, ValueError):
            pass
        assert time.monotonic() < end
        time.sleep(0.5)
