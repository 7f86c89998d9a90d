"""An Airflow of its own: a home, a DAG file, runs of it, and what became of their tasks."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.airflow.writing import dag_file
from pipeline.core.topology import STEPS
from tests.airflow.fake_airflow import load

ENVIRONMENT = "AIRFLOW_ENVIRONMENT"
"""The variable that names the environment `tests/airflow/install.py` made."""

TELLS = """
def tell(context):
    with open({file!r}, "a", encoding="utf-8") as told:
        told.write(f"{{context['ti'].task_id}}: {{context.get('exception')}}\\n")

"""


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """How a task of a run ended.

    Args:
        state: As Airflow calls it.
        tries: How often it was tried.
        name: What Airflow shows of it among its kind, the batch's first digits; "" when it did not run.
    """

    state: str
    tries: int
    name: str


@dataclass(frozen=True, slots=True)
class DagRun:
    """A run of the DAG.

    Args:
        state: As Airflow calls it.
        log: All that was printed.
        tasks: By task id and map index (-1 for a task that is not mapped).
    """

    state: str
    log: str
    tasks: Mapping[tuple[str, int], TaskEnd]

    def steps(self, batch: str) -> list[TaskEnd]:
        """The ends of a batch's tasks, in the topology's order.

        Args:
            batch: The first digits of its id.
        """
        indexes = (index for (_, index), end in self.tasks.items() if end.name and batch.startswith(end.name))
        index = next(indexes)
        return [self.tasks[f"batch.{step.kind}_{step.name}", index] for step in STEPS]

    def states(self, batch: str) -> list[str]:
        """As `steps`, the states only."""
        return [end.state for end in self.steps(batch)]

    def batches(self) -> list[str]:
        """The first digits of the batches that were taken, in the order of the plan."""
        found = {index: end.name for (_, index), end in self.tasks.items() if end.name}
        return [found[index] for index in sorted(found)]


class AirflowHome:
    """Airflow with SQLite, in a folder.

    Args:
        airflow: The environment it is installed in.
        folder: Its home; the DAG file is in `dags`, and what its callback was told in `told.txt`.
        variables: What Sluicegate finds in its environment.
    """

    def __init__(self, airflow: Path, folder: Path, variables: Mapping[str, str]) -> None:
        self.told_file = folder / "told.txt"
        self._bin = airflow / "bin"
        self._folder = folder
        inherited = {name: value for name, value in os.environ.items() if not load().NOT_OURS.match(name)}
        self.variables = inherited | {
            **variables,
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(folder),  # for Airflow alone: Sluicegate must not get it, and nothing of ours is there
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }

    def prepare(self, *, program: list[str], folder: Path, landing: Path, more: str = "") -> None:
        """Make the database, and a DAG file with this machine's places, waits of seconds and a callback.

        Args:
            program: Sluicegate's command.
            folder: Where it runs.
            landing: Where log files land.
            more: Arguments of the factory, as code.
        """
        text, call = dag_file(command=program, folder=str(folder), paths=[str(landing)]), "dag = sluicegate_dag(\n"
        assert text.count(call) == 1
        edits = f"    retry_delay=timedelta(seconds=1),\n    on_unreported_failure=tell,\n    {more}\n"
        text = text.replace(call, f"{TELLS.format(file=str(self.told_file))}{call}{edits}")
        dags = self._folder / "dags"
        dags.mkdir(parents=True)
        (dags / "sluicegate_dag.py").write_text(text, encoding="utf-8")
        self.airflow("db", "migrate").check_returncode()

    def airflow(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Airflow's command line."""
        return subprocess.run(
            [self._bin / "airflow", *arguments],
            capture_output=True,
            text=True,
            env=self.variables | variables,
            cwd=self._folder,
            timeout=900,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start Airflow's command line and go on; it and what it starts are a process group, its log is `start.log`."""
        with (self._folder / "start.log").open("wb") as log:
            return subprocess.Popen(
                [self._bin / "airflow", *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.variables,
                cwd=self._folder,
                start_new_session=True,
            )

    def test(self, **variables: str) -> DagRun:
        """`airflow dags test`: one run, its tasks one after the other, retries and their waits included.

        Args:
            variables: What Sluicegate finds in its environment beside the usual.
        """
        done = self.airflow("dags", "test", "sluicegate", **variables)
        return self.latest(done.stdout + done.stderr)

    def latest(self, log: str = "") -> DagRun:
        """The run that was made last.

        Args:
            log: What was printed of it.
        """
        [(run, state)] = self._rows("SELECT run_id, state FROM dag_run ORDER BY id DESC LIMIT 1")
        columns = "task_id, map_index, state, try_number, rendered_map_index"
        rows = self._rows(f"SELECT {columns} FROM task_instance WHERE run_id = ?", run)
        ends = {(task, index): TaskEnd(str(end), tries, name or "") for task, index, end, tries, name in rows}
        return DagRun(str(state), log, ends)

    def told(self) -> list[str]:
        """What the callback was called with since the last time this was asked, one line a failure."""
        if not self.told_file.exists():
            return []
        lines = self.told_file.read_text("utf-8").splitlines()
        self.told_file.unlink()
        return lines

    def _rows(self, query: str, *values: object) -> list[Any]:
        with contextlib.closing(sqlite3.connect(f"file:{self._folder / 'airflow.db'}?mode=ro", uri=True)) as database:
            return list(database.execute(query, values))
