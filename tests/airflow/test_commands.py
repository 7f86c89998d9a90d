"""The command lines of tasks: arguments no shell and no option parser can misread, and what is read of the answers."""

from __future__ import annotations

import json

import pytest

from pipeline.airflow.commands import (
    UnreadableAnswerError,
    environment,
    outcome_in,
    plan_arguments,
    plan_in,
    step_arguments,
)
from pipeline.core.topology import STEPS, Step

BATCH = "0a" * 32
HOSTILE = "-x; touch pwned $(id) {{ 7*7 }} 'a\".jsonl"


def test_the_plan_is_asked_for_the_paths_whatever_their_names_are() -> None:
    assert plan_arguments([HOSTILE], 5) == ["plan", "--limit=5", "--", HOSTILE]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.key)
def test_every_step_of_the_topology_is_a_command_and_only_the_load_reads_the_file(step: Step) -> None:
    file = [f"--file={HOSTILE}"] if step.key == "stage:load" else []
    kind = step.key.partition(":")[0]
    assert step_arguments(step, BATCH, HOSTILE) == [kind, step.name, BATCH, *file, "--json"]


@pytest.mark.parametrize("batch_id", ["", "--help", BATCH[:-1], BATCH + "\n", BATCH.upper(), "../" + BATCH])
def test_what_is_no_batch_id_is_no_argument(batch_id: str) -> None:
    with pytest.raises(ValueError, match="is not a batch id"):
        step_arguments(STEPS[0], batch_id, "a.jsonl")


def test_airflows_secrets_and_module_paths_stay_behind() -> None:
    worker = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "secret",
        "AIRFLOW_CONN_WAREHOUSE": "secret",
        "_AIRFLOW__AS_LIBRARY": "1",
        "PYTHONPATH": "/opt/airflow",
        "PYTHONHOME": "/usr",
        "PYTHONUNBUFFERED": "1",
        "PATH": "/bin",
        "MONGODB_URI": "worker",
    }
    found = environment(worker, {"MONGODB_URI": "dag"})
    assert found == {"PYTHONUNBUFFERED": "1", "PATH": "/bin", "MONGODB_URI": "dag"}


def test_a_plan_is_read_to_the_little_that_tasks_need() -> None:
    printed = {
        "batches": [{"batch_id": BATCH, "source": "a.jsonl", "status": "new", "next": "stage:load"}],
        "left_out": [{"file": "b.jsonl", "message": "It is no gzip.", "next_step": "Look.", "exit_code": 2}],
    }
    plan = plan_in(json.dumps(printed, indent=2))
    assert plan.batches == ({"batch_id": BATCH, "source": "a.jsonl"},)
    assert plan.left_out == ({"file": "b.jsonl", "why": "It is no gzip. Look."},)


@pytest.mark.parametrize(
    "printed", ["", "[]", "{}", '{"batches": [{}], "left_out": []}', '{"batches": 1, "left_out": []}', "x"]
)
def test_what_is_no_plan_is_refused(printed: str) -> None:
    with pytest.raises(UnreadableAnswerError, match="did not print a plan"):
        plan_in(printed)


def test_an_outcome_is_what_happened_and_what_to_do() -> None:
    told = {"batches": [{"message": "The raw gate failed.", "next_step": "Look: run.py status"}]}
    assert outcome_in(json.dumps(told)) == "The raw gate failed. Look: run.py status"


@pytest.mark.parametrize(
    "printed", ["", "no json", "[]", '{"batches": []}', '{"batches": [1]}', '{"batches": [{}, {}]}']
)
def test_an_answer_that_speaks_of_no_batch_is_no_outcome(printed: str) -> None:
    assert outcome_in(printed) is None
