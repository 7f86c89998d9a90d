"""Sluicegate as an Airflow DAG: copy this file into Airflow's DAGs folder, and edit the call at its end.

It needs Airflow 3 and nothing else: its tasks run Sluicegate's command line, in Sluicegate's own environment. After an
update of Sluicegate write this file again: sluicegate airflow dag > dags/sluicegate_dag.py
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any, NamedTuple

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import DAG, BaseOperator, XComArg, chain, task_group
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

# Sluicegate's steps and exit codes. The program writes them; do not edit them.
STEPS: tuple[tuple[str, str, str], ...] = (
    ("stage", "load", "raw records into MongoDB, unreadable ones to the dead letters"),
    ("stage", "aggregate", "metrics of the batch into BigQuery, not yet published"),
    ("gate", "raw", "user_ids, volume and schema of what was loaded"),
    ("stage", "publish", "metrics without quarantined records become visible to analysts"),
    ("stage", "graph", "users and interactions, linked to their campaigns"),
    ("gate", "graph", "orphaned interactions; the graph holds what MongoDB accepted"),
    ("stage", "embed", "messages embedded by Gemini, vectors into Milvus"),
    ("gate", "vectors", "100 sampled vectors: dimension, zeros, non-finite, missing"),
    ("gate", "closing", "closing check: all four stores hold the accepted records, and no others"),
)
EXIT_CODES: Mapping[str, int] = {
    "OK": 0,
    "USAGE": 2,
    "OUTAGE": 3,
    "LEASE_HELD": 4,
    "DEAD_LETTERED": 5,
    "GATE_FAILED": 10,
    "BUG": 70,
    "INTERRUPTED": 130,
    "TERMINATED": 143,
}
MAX_ATTEMPTS = 4
# End of Sluicegate's steps and exit codes.

Callback = Callable[[Any], object]

PAGE = """Takes every log file that has landed through Sluicegate's stages and gates, one mapped task group a batch.
A red gate or stage says in its log what happened and what to do. Sluicegate notifies people of it by itself."""
WRITE_AGAIN = "Write this DAG file again: sluicegate airflow dag > dags/sluicegate_dag.py"

BATCH_ID = re.compile(r"[0-9a-f]{64}")
# variables of Airflow's own environment: its secrets, and module paths that would mix the two environments
NOT_OURS = re.compile(r"_*AIRFLOW_|PYTHON(PATH|HOME)$")
LEFT_OUT = "left_out"  # the key under which the plan's task hands on what was left out
LEFT_OUT_SHOWN = 20  # files that are named in Airflow's database; all of them are in the task's log
RETRIES = MAX_ATTEMPTS - 1  # with the first try as many as the ledger counts, so both come to their end together
SIGNAL_BASE = 128  # a shell's exit code of a process that a signal ended is this and the signal's number


class TryAgainError(AirflowException):
    """An attempt failed and another may not."""

    reported = False  # whether Sluicegate notifies people of it itself


class NoUseError(AirflowFailException):
    """An attempt failed, and so would every other: Airflow does not try again."""

    reported = False  # as of TryAgainError


class Meaning(NamedTuple):
    """What an attempt's end means: whether another try may help, who notifies people of it, and words for the log."""

    again: bool
    reported: bool  # by Sluicegate itself, so that Airflow must not
    words: str


# of every exit code a step can end with but 0 and signals
MEANINGS: Mapping[int, Meaning] = {
    # the ledger counts the attempts and reports after the last; when it is the ledger that is down, so do alerts
    EXIT_CODES["OUTAGE"]: Meaning(True, True, "an outage; what was done is kept"),
    EXIT_CODES["LEASE_HELD"]: Meaning(True, True, "another run is at the batch, and reports how it ends"),
    EXIT_CODES["DEAD_LETTERED"]: Meaning(False, True, "the batch is in the dead-letter queue"),
    EXIT_CODES["GATE_FAILED"]: Meaning(False, True, "the batch waits for a person"),
    EXIT_CODES["USAGE"]: Meaning(False, False, "something is set up wrongly"),
    EXIT_CODES["BUG"]: Meaning(False, False, "a bug in Sluicegate"),
}


def meaning_of(code: int) -> Meaning:
    """What the end of an attempt at a step means; `code` is not 0, and negative when a signal ended the process."""
    number = -code if code < 0 else code - SIGNAL_BASE
    if number <= 0:
        unknown = Meaning(False, False, "an exit code Sluicegate does not use; is the command right?")
        return MEANINGS.get(code, unknown)
    name = next((one.name for one in signal.Signals if one == number), f"signal {number}")
    # a worker that shuts down, or memory that ran out: the batch is resumable
    return Meaning(True, False, f"it was ended by {name}; what was done is kept")


def meaning_for_plan(code: int) -> Meaning:
    """As `meaning_of`, for an attempt to plan: `plan` notifies nobody, so Airflow must."""
    return meaning_of(code)._replace(reported=False)


def plan_arguments(paths: Sequence[str], most: int) -> list[str]:
    """The arguments that ask for at most so many pending batches in some places."""
    return ["plan", f"--limit={most}", "--", *paths]


def step_arguments(kind: str, name: str, batch_id: str, source: str) -> list[str]:
    """The arguments of one attempt at a stage or gate; only the load reads the batch's file, its `source`.

    Raises:
        NoUseError: The batch id is not a whole one.
    """
    if not BATCH_ID.fullmatch(batch_id):
        raise NoUseError(f"{batch_id!r} is not a batch id: 64 of the characters 0-9 and a-f.")
    file = [f"--file={source}"] if (kind, name) == STEPS[0][:2] else []
    return [kind, name, batch_id, *file, "--json"]


def environment(parent: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command: the worker's without what is Airflow's own, and what the DAG adds, which wins."""
    return {name: value for name, value in parent.items() if not NOT_OURS.match(name)} | dict(extra)


def plan_in(printed: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """`batch_id` and `source` of each pending batch, `file` and `why` of each left out, in all that `plan` printed.

    Raises:
        NoUseError: It is no plan, or the program has other steps than this file.
    """
    try:
        found = json.loads(printed)
        batches = [{"batch_id": str(one["batch_id"]), "source": str(one["source"])} for one in found["batches"]]
        left_out = [{"file": str(one["file"]), "why": _why(one)} for one in found["left_out"]]
        steps = [str(key) for key in found["steps"]] if "steps" in found else None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NoUseError(f"`plan` did not print a plan ({error!r}): {printed[:200]!r}") from error
    _compare(steps)
    return batches, left_out


def _compare(theirs: Sequence[str] | None) -> None:
    """Refuse a program with other steps: a gate that this file does not know would not be run."""
    if theirs is None:
        raise NoUseError(
            "`plan` does not say which steps the program has: it is older than this DAG file. No batch was started."
            f" Update Sluicegate in its own environment. {WRITE_AGAIN}"
        )
    ours = [f"{kind}:{name}" for kind, name, _ in STEPS]
    if list(theirs) == ours:
        return
    sides = {
        "only the program has": [key for key in theirs if key not in ours],
        "only this DAG file has": [key for key in ours if key not in theirs],
    }
    differ = "; ".join(f"{side} {', '.join(keys)}" for side, keys in sides.items() if keys)
    raise NoUseError(
        "The program and this DAG file do not have the same steps: "
        f"{differ or 'the program has them in this order: ' + ', '.join(theirs)}. No batch was started. {WRITE_AGAIN}"
    )


def outcome_in(printed: str) -> str | None:
    """Why a step ended as it did, in Sluicegate's words; None when it ended before it came to the batch."""
    try:
        [batch] = json.loads(printed)["batches"]
        return _why(batch)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _why(outcome: Mapping[str, Any]) -> str:
    return " ".join(str(outcome[name]) for name in ("message", "next_step") if outcome.get(name))


class Finished(NamedTuple):
    """A command that ran to its end: its exit code, its standard output, and the last line of its log."""

    exit_code: int
    printed: str
    last_line: str


class CommandHook(SubprocessHook):
    """The standard provider's hook, with the answer (stdout) kept apart from the log (stderr)."""

    def finish(self, command: Sequence[str], *, env: Mapping[str, str], cwd: str) -> Finished:
        """Run a command, a list that no shell reads, to its end; its log goes to the task's log line by line.

        Raises OSError when it cannot be started.
        """
        self.log.info("Running %s", list(command))
        with tempfile.TemporaryFile() as answer:
            self.sub_process = subprocess.Popen(  # noqa: S603 - no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=env,
                start_new_session=True,  # `send_sigterm` ends the whole group
            )
            line = ""
            for raw in self.sub_process.stderr or ():
                line = raw.decode("utf-8", errors="backslashreplace").rstrip()
                self.log.info("%s", line)
            code = self.sub_process.wait()
            answer.seek(0)
            return Finished(code, answer.read().decode("utf-8", errors="backslashreplace"), line)

    def send_sigterm(self) -> None:
        """Ask the command, and what it started, to end; nothing when it has ended."""
        if self.sub_process is not None and self.sub_process.poll() is None:
            super().send_sigterm()


class CommandOperator(BaseOperator):
    """One command of Sluicegate as a task; its arguments are as of `sluicegate_dag`."""

    def __init__(self, *, command: Sequence[str], folder: str, env: Mapping[str, str], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.command = list(command)
        self.folder = folder
        self.env = dict(env)

    @cached_property
    def hook(self) -> CommandHook:
        """Runs the command."""
        return CommandHook()

    def on_kill(self) -> None:
        """Pass the end of the task on: the program gives its lease back, and the batch stays resumable."""
        self.hook.send_sigterm()

    def finish(self, arguments: Sequence[str], meaning: Callable[[int], Meaning]) -> Finished:
        """Run the command with these arguments to its end; `meaning` is what its exit code means when it is not 0.

        Raises:
            TryAgainError: It failed, and may not fail next time.
            NoUseError: It failed and always will, or cannot be started.
        """
        command, env = [*self.command, *arguments], environment(os.environ, self.env)
        try:
            ended = self.hook.finish(command, env=env, cwd=self.folder)
        except (OSError, ValueError) as error:  # a ValueError is a NUL byte in an argument
            raise NoUseError(f"{self.command} cannot be started in {self.folder}: {error}") from error
        if ended.printed:
            self.log.info("%s", ended.printed.rstrip())
        if ended.exit_code == 0:
            return ended
        means, outcome = meaning(ended.exit_code), outcome_in(ended.printed)
        message = f"Exit code {ended.exit_code}, {means.words}. {outcome or ended.last_line}".strip()
        failed: Any = TryAgainError(message) if means.again else NoUseError(message)
        failed.reported = means.reported and outcome is not None  # what ended before it came to a batch is not reported
        raise failed


class PlanOperator(CommandOperator):
    """Asks which batches are pending; returns `batch_id` and `source` of each, for the tasks to be mapped over."""

    def __init__(self, *, paths: Sequence[str], most: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.paths = list(paths)
        self.most = most

    def execute(self, context: Any) -> list[dict[str, str]]:
        """Ask; raises what `finish` does, and NoUseError of an answer that is refused."""
        ended = self.finish(plan_arguments(self.paths, self.most), meaning_for_plan)
        batches, left_out = plan_in(ended.printed)
        context["ti"].xcom_push(key=LEFT_OUT, value=left_out[:LEFT_OUT_SHOWN])
        return batches


class StepOperator(CommandOperator):
    """One attempt at one stage or gate (`kind`, `step`) of one batch, whose file is at `source`."""

    template_fields = ("batch_id", "source")

    def __init__(self, *, kind: str, step: str, batch_id: str, source: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.kind = kind
        self.step = step
        self.batch_id = batch_id
        self.source = source

    def execute(self, context: Any) -> None:
        """Attempt it; raises what `finish` does, and NoUseError of what is no batch id."""
        del context
        self.finish(step_arguments(self.kind, self.step, self.batch_id, self.source), meaning_of)


class LeftOutOperator(BaseOperator):
    """Fails when files (`file` and `why` of each) cannot be taken, so that somebody looks; else it is skipped."""

    template_fields = ("files",)

    def __init__(self, *, files: Sequence[Mapping[str, str]], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.files = files

    def execute(self, context: Any) -> None:
        """Look; raises AirflowSkipException when no file was left out, and NoUseError when some were."""
        del context
        if not self.files:
            raise AirflowSkipException("No file was left out.")
        named = "; ".join(f"{one['file']}: {one['why']}" for one in self.files)
        raise NoUseError(f"Files that cannot be taken: {named}")


def unless_reported(notify: Callback) -> Callback:
    """A callback that calls `notify` with a failed task's context, but not when Sluicegate notifies people itself."""

    def callback(context: Any) -> None:
        if not getattr(context.get("exception"), "reported", False):
            notify(context)

    return callback


def sluicegate_dag(
    dag_id: str = "sluicegate",
    *,
    command: Sequence[str],
    folder: str,
    paths: Sequence[str] = (),
    schedule: Any = "*/10 * * * *",
    max_batches: int = 64,
    retry_delay: timedelta = timedelta(seconds=30),
    max_retry_delay: timedelta = timedelta(minutes=10),
    env: Mapping[str, str] | None = None,
    task_arguments: Mapping[str, Any] | None = None,
    on_unreported_failure: Callback | None = None,
    **dag_arguments: Any,
) -> DAG:
    """Make the DAG: plan what is pending, then take every batch through the stages and gates, side by side.

    Args:
        dag_id: Its name.
        command: Sluicegate's program in its own environment, as an absolute path, and its first arguments.
        folder: The folder it runs in: where `gx/` and, if you use one, `.env` are. The same on every worker.
        paths: Files or folders where batches land; the landing folder of Sluicegate's settings when there is none.
        schedule: When, as Airflow takes it.
        max_batches: How many batches a run takes at most; at most Airflow's `max_map_length`.
        retry_delay: The wait before the first retry of a task; it doubles with each.
        max_retry_delay: The longest wait.
        env: Variables for Sluicegate, beside the worker's. They can be read in the DAG's source: no secrets here.
        task_arguments: For every task, e.g. `pool`, `queue`, `executor_config`, `execution_timeout`.
        on_unreported_failure: An Airflow callback or notifier, called when a task has failed for good and Sluicegate
            could not notify anybody: it is set up wrongly, has a bug, was killed, cannot be started, cannot plan, or
            cannot take a file. Of batches in the dead-letter queue or stopped by a gate it notifies people itself.
        dag_arguments: What Airflow's `DAG` takes beside.
    """
    every_task = {
        **(task_arguments or {}),
        "retries": RETRIES,
        "retry_delay": retry_delay,
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": max_retry_delay,
        "on_failure_callback": None if on_unreported_failure is None else unless_reported(on_unreported_failure),
    }
    program: dict[str, Any] = {"command": list(command), "folder": folder, "env": dict(env or {})}
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - Airflow's Python may be 3.10. It wants a date
    words = {"start_date": start, "doc_md": PAGE, "tags": ["sluicegate"], **dag_arguments}
    with DAG(dag_id, default_args=every_task, schedule=schedule, catchup=False, max_active_runs=1, **words) as dag:
        plan = PlanOperator(task_id="plan", doc="Which batches are pending", paths=paths, most=max_batches, **program)
        _batch(program).expand_kwargs(plan.output)
        LeftOutOperator(task_id="left_out", doc="Fails when a file cannot be taken", files=XComArg(plan, key=LEFT_OUT))
    return dag


def _batch(program: Mapping[str, Any]) -> Any:
    """The task group of a batch, to be mapped over the pending ones."""

    @task_group(group_id="batch")
    def batch(batch_id: Any, source: Any) -> None:
        shared = {**program, "batch_id": batch_id, "source": source, "map_index_template": "{{ task.batch_id[:12] }}"}
        chain(*(StepOperator(task_id=f"{k}_{n}", doc=doc, kind=k, step=n, **shared) for k, n, doc in STEPS))

    return batch


# The call: edit it for your machines. The arguments are explained above, and in docs/airflow.md.
dag = sluicegate_dag(
    command=["/opt/sluicegate/bin/sluicegate"],
    folder="/opt/sluicegate",
    paths=["/var/log/interactions"],
)
