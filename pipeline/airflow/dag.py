"""The DAG: plan what is pending, then take every batch through the topology's stages and gates, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, XComArg, chain, task_group

from pipeline.airflow.meanings import RETRIES
from pipeline.airflow.operators import LEFT_OUT, LeftOutOperator, PlanOperator, StepOperator
from pipeline.core.topology import STEPS, Step

Callback = Callable[[Any], object]

START = datetime(2026, 1, 1, tzinfo=UTC)
"""Airflow wants one; with catchup off nothing before now is run."""

PAGE = """Takes every log file that has landed through Sluicegate's stages and gates, one mapped task group a batch.

A red gate or stage says in its log what happened and what to do. Sluicegate tells people of it by itself."""


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
    """Make the DAG.

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
            could not tell anybody: it is set up wrongly, has a bug, was killed, cannot be started, cannot plan, or
            cannot take a file. What goes to the dead-letter queue, or is stopped by a gate, it tells by itself.
        dag_arguments: What Airflow's `DAG` takes beside.
    """
    every_task = {
        **(task_arguments or {}),
        "retries": RETRIES,
        "retry_delay": retry_delay,
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": max_retry_delay,
        "on_failure_callback": None if on_unreported_failure is None else unless_told(on_unreported_failure),
    }
    rhythm = {"schedule": schedule, "catchup": False, "max_active_runs": 1}
    program: dict[str, Any] = {"command": list(command), "folder": folder, "env": dict(env or {})}
    words = {"start_date": START, "doc_md": PAGE, "tags": ["sluicegate"], **dag_arguments}
    with DAG(dag_id, default_args=every_task, **rhythm, **words) as dag:
        plan = PlanOperator(task_id="plan", doc="Which batches are pending", paths=paths, most=max_batches, **program)
        _batch(program).expand_kwargs(plan.output)
        LeftOutOperator(task_id="left_out", doc="Fails when a file cannot be taken", files=XComArg(plan, key=LEFT_OUT))
    return dag


def unless_told(notify: Callback) -> Callback:
    """A callback that is silent about what Sluicegate tells people of by itself.

    Args:
        notify: Called with the failed task's context about everything else.
    """

    def callback(context: Any) -> None:
        if not getattr(context.get("exception"), "told", False):
            notify(context)

    return callback


def _batch(program: Mapping[str, Any]) -> Any:
    """The task group of a batch, to be mapped over the pending ones."""

    @task_group(group_id="batch")
    def batch(batch_id: Any, source: Any) -> None:
        chain(*(_task(step, batch_id, source, program) for step in STEPS))

    return batch


def _task(step: Step, batch_id: Any, source: Any, program: Mapping[str, Any]) -> StepOperator:
    return StepOperator(
        task_id=f"{step.kind}_{step.name}",
        doc=step.purpose,
        map_index_template="{{ task.batch_id[:12] }}",
        step=step,
        batch_id=batch_id,
        source=source,
        **program,
    )
