"""The DAG file, as it is shipped and as it is written: it needs nothing of ours, and has the steps there are."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from expectations_plugins.core.errors import ExitCode
from pipeline.airflow.writing import BEGIN, CALL, END, dag_file, shipped
from pipeline.core.topology import GATE_STEPS, MAX_ATTEMPTS, STEPS
from tests.airflow.fake_airflow import SHIPPED, load

HOSTILE = [
    "it's",
    'a "b"',
    'it\'s "both"',
    "back\\slash\\",
    "new\nline",
    "{{ 7 * 7 }} $(id) %s {x}",
    "ü 中",
    "\udcff",
    '"""',
]
PLACES: dict[str, Any] = {"command": ["/opt/sluicegate/bin/sluicegate"], "folder": "/opt/sluicegate"}
ALONE = """
import os, runpy, sys
sys.path.insert(0, sys.argv[1])
import fake_airflow
del sys.path[0]
dag = fake_airflow.load(open(sys.argv[2], encoding="utf-8").read()).dag
print(len(dag.tasks), *sorted(name.partition(".")[0] for name in sys.modules))
import pipeline
"""


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_it_imports_airflow_and_the_standard_library_only() -> None:
    tree = ast.parse(shipped(), feature_version=(3, 10))  # the oldest Python of the Airflow that is tested
    modules = {module.split(".")[0] for module in imported(tree)}
    assert modules - set(sys.stdlib_module_names) == {"airflow"}
    assert modules & {"importlib", "runpy", "pkgutil"} == set()


def test_nothing_of_ours_imports_it_or_airflow() -> None:
    assert {path.name for path in SHIPPED.parent.glob("*.py")} == {"__init__.py", "sluicegate_dag.py", "writing.py"}
    ours = [path for path in (SHIPPED.parent.parent).rglob("*.py") if path != SHIPPED]
    found = {module for path in ours for module in imported(ast.parse(path.read_text("utf-8")))}
    assert {name for name in found if name.split(".")[0] == "airflow" or "sluicegate_dag" in name} == set()


def test_it_makes_its_dag_where_nothing_of_ours_can_be_imported(tmp_path: Path) -> None:
    """Python alone, without site-packages, over a small Airflow."""
    file = tmp_path / "sluicegate_dag.py"
    file.write_text(dag_file(**PLACES, paths=HOSTILE), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALONE, str(Path(__file__).parent), str(file)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    number, *loaded = done.stdout.split()
    assert int(number) == len(STEPS) + 2
    assert set(loaded) - set(sys.stdlib_module_names) <= {"__main__", "fake_airflow", "airflow"}
    assert "No module named 'pipeline'" in done.stderr


def test_the_shipped_file_has_the_steps_and_exit_codes_there_are() -> None:
    found = load()
    assert tuple((str(step.kind), step.name, step.purpose) for step in STEPS) == found.STEPS
    assert {code.name: int(code) for code in ExitCode} == found.EXIT_CODES
    assert MAX_ATTEMPTS == found.MAX_ATTEMPTS


def test_writing_it_for_the_shipped_places_gives_the_shipped_file() -> None:
    assert all(shipped().count(mark) == 1 for mark in (BEGIN, END, CALL))
    assert dag_file(**PLACES, paths=["/var/log/interactions"]) == shipped()


def test_any_command_folder_and_path_comes_through_writing() -> None:
    text = dag_file(command=["/a b/it's", *HOSTILE], folder=HOSTILE[2], paths=HOSTILE)
    text.encode("utf-8")
    tasks = load(text).dag.tasks
    assert tasks["plan"].paths == HOSTILE
    assert all((one.command, one.folder) == (["/a b/it's", *HOSTILE], HOSTILE[2]) for one in steps_of(tasks))


def test_without_paths_it_looks_in_the_landing_folder_of_the_settings() -> None:
    assert load(dag_file(**PLACES, paths=[])).dag.tasks["plan"].paths == []


def steps_of(tasks: dict[str, Any]) -> list[Any]:
    """The tasks of a batch, each after the one before."""
    [name] = [name for name in tasks if name == f"batch.{STEPS[0].kind}_{STEPS[0].name}"]
    found = [tasks[name]]
    while found[-1].downstream:
        [name] = found[-1].downstream
        found.append(tasks[name])
    return found


def test_a_task_a_step_in_the_order_of_the_topology() -> None:
    tasks = load().dag.tasks
    assert [one.task_id for one in steps_of(tasks)] == [f"batch.{step.kind}_{step.name}" for step in STEPS]
    assert [one.arguments["doc"] for one in steps_of(tasks)] == [step.purpose for step in STEPS]
    assert set(tasks) == {"plan", "left_out", *(one.task_id for one in steps_of(tasks))}


def test_one_more_gate_is_one_more_task_and_one_more_step_of_the_plan() -> None:
    more = replace(GATE_STEPS["raw"], name="tone", purpose='what isn\'t "polite"')
    found = load(dag_file((*STEPS, more), **PLACES, paths=[]))
    last = steps_of(found.dag.tasks)[-1]
    assert len(found.dag.tasks) == len(load().dag.tasks) + 1
    assert (last.task_id, last.kind, last.step) == ("batch.gate_tone", "gate", "tone")
    assert last.arguments["doc"] == more.purpose
    with pytest.raises(found.NoUseError, match="only this DAG file has gate:tone"):
        found.plan_in(f'{{"batches": [], "left_out": [], "steps": {[step.key for step in STEPS]}}}'.replace("'", '"'))


def test_what_the_factory_is_given_reaches_the_dag_and_its_tasks() -> None:
    dag = load().sluicegate_dag(
        "nightly",
        **PLACES,
        schedule=None,
        max_batches=3,
        retry_delay=timedelta(seconds=1),
        max_retry_delay=timedelta(seconds=9),
        env={"A": "b"},
        task_arguments={"pool": "small", "retries": 99},
        tags=["mine"],
    )
    assert (dag.dag_id, dag.arguments["tags"], dag.arguments["schedule"]) == ("nightly", ["mine"], None)
    assert (dag.arguments["catchup"], dag.arguments["max_active_runs"]) == (False, 1)
    for task in dag.tasks.values():
        given = {name: task.arguments[name] for name in ("pool", "retries", "retry_delay", "max_retry_delay")}
        assert given == {
            "pool": "small",
            "retries": MAX_ATTEMPTS - 1,
            "retry_delay": timedelta(seconds=1),
            "max_retry_delay": timedelta(seconds=9),
        }
    assert (dag.tasks["plan"].most, dag.tasks["plan"].env) == (3, {"A": "b"})


@pytest.mark.parametrize(("reported", "calls"), [(True, 0), (False, 1), (None, 1)])
def test_the_callback_is_called_of_what_is_not_reported(reported: bool | None, calls: int) -> None:
    seen: list[Any] = []
    found = load()
    error = ValueError() if reported is None else found.NoUseError("no")
    if reported is not None:
        error.reported = reported
    notify: Callable[[Any], None] = found.unless_reported(seen.append)
    notify({"exception": error})
    assert len(seen) == calls
