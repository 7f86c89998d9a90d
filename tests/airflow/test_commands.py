"""The command lines of tasks: arguments no shell and no option parser can misread, and what is read of the answers."""

from __future__ import annotations

import json

import pytest

from pipeline.core.topology import STEPS, Step
from tests.airflow.fake_airflow import load

DAG_FILE = load()
BATCH = "0a" * 32
KEYS = [step.key for step in STEPS]
HOSTILE = "-x; touch pwned $(id) {{ 7*7 }} 'a\".jsonl"


def test_the_plan_is_asked_for_the_paths_whatever_their_names_are() -> None:
    assert DAG_FILE.plan_arguments([HOSTILE], 5) == ["plan", "--limit=5", "--", HOSTILE]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.key)
def test_every_step_of_the_topology_is_a_command_and_only_the_load_reads_the_file(step: Step) -> None:
    file = [f"--file={HOSTILE}"] if step.key == "stage:load" else []
    kind = step.key.partition(":")[0]
    assert DAG_FILE.step_arguments(kind, step.name, BATCH, HOSTILE) == [kind, step.name, BATCH, *file, "--json"]


@pytest.mark.parametrize("batch_id", ["", "--help", BATCH[:-1], BATCH + "\n", BATCH.upper(), "../" + BATCH])
def test_what_is_no_batch_id_is_no_argument(batch_id: str) -> None:
    with pytest.raises(DAG_FILE.NoUseError, match="is not a batch id"):
        DAG_FILE.step_arguments("stage", "load", batch_id, "a.jsonl")


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
    found = DAG_FILE.environment(worker, {"MONGODB_URI": "dag"})
    assert found == {"PYTHONUNBUFFERED": "1", "PATH": "/bin", "MONGODB_URI": "dag"}


def test_a_plan_is_read_to_the_little_that_tasks_need() -> None:
    printed = {
        "batches": [{"batch_id": BATCH, "source": "a.jsonl", "status": "new", "next": "stage:load"}],
        "left_out": [{"file": "b.jsonl", "message": "It is no gzip.", "next_step": "Look.", "exit_code": 2}],
        "steps": KEYS,
    }
    batches, left_out = DAG_FILE.plan_in(json.dumps(printed, indent=2))
    assert batches == [{"batch_id": BATCH, "source": "a.jsonl"}]
    assert left_out == [{"file": "b.jsonl", "why": "It is no gzip. Look."}]


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "[]",
        "{}",
        '{"batches": [{}], "left_out": []}',
        '{"batches": 1, "left_out": []}',
        '{"batches": [], "left_out": [], "steps": 8}',
        '{"batches": [], "left_out": [], "steps": null}',
        "x",
    ],
)
def test_what_is_no_plan_is_refused(printed: str) -> None:
    with pytest.raises(DAG_FILE.NoUseError, match="did not print a plan"):
        DAG_FILE.plan_in(printed)


def refused(**more: object) -> str:
    """Why a plan that holds this is refused."""
    with pytest.raises(DAG_FILE.NoUseError) as refusal:
        DAG_FILE.plan_in(json.dumps({"batches": [], "left_out": []} | more))
    message = str(refusal.value)
    assert "No batch was started." in message
    assert message.endswith("Write this DAG file again: sluicegate airflow dag > dags/sluicegate_dag.py")
    return message


def test_the_plan_of_a_program_with_one_more_gate_is_refused() -> None:
    message = refused(steps=[*KEYS, "gate:tone"])
    assert "only the program has gate:tone. " in message
    assert "only this DAG file" not in message


def test_the_plan_of_a_program_with_a_renamed_step_is_refused() -> None:
    message = refused(steps=["stage:read", *KEYS[1:]])
    assert "only the program has stage:read; only this DAG file has stage:load. " in message


def test_the_plan_of_a_program_with_another_order_is_refused() -> None:
    message = refused(steps=KEYS[::-1])
    assert f"the program has them in this order: {', '.join(KEYS[::-1])}. " in message


def test_the_plan_of_a_program_that_does_not_say_its_steps_is_refused() -> None:
    message = refused()
    assert "older than this DAG file" in message
    assert "Update Sluicegate in its own environment." in message


def test_an_outcome_is_what_happened_and_what_to_do() -> None:
    told = {"batches": [{"message": "The raw gate failed.", "next_step": "Look: run.py status"}]}
    assert DAG_FILE.outcome_in(json.dumps(told)) == "The raw gate failed. Look: run.py status"


@pytest.mark.parametrize(
    "printed", ["", "no json", "[]", '{"batches": []}', '{"batches": [1]}', '{"batches": [{}, {}]}']
)
def test_an_answer_that_speaks_of_no_batch_is_no_outcome(printed: str) -> None:
    assert DAG_FILE.outcome_in(printed) is None
