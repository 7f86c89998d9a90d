"""Exit codes as Airflow takes them: what is tried again, and who notifies people."""

from __future__ import annotations

import pytest

from expectations_plugins.core.errors import ExitCode
from pipeline.core.topology import MAX_ATTEMPTS
from tests.airflow.fake_airflow import load

DAG_FILE = load()


def test_airflow_tries_as_often_as_the_ledger_counts() -> None:
    assert DAG_FILE.RETRIES + 1 == MAX_ATTEMPTS


@pytest.mark.parametrize("code", [ExitCode.OUTAGE, ExitCode.LEASE_HELD, ExitCode.INTERRUPTED, ExitCode.TERMINATED])
def test_what_may_pass_is_tried_again(code: int) -> None:
    assert DAG_FILE.meaning_of(code).again


@pytest.mark.parametrize(
    "code", [ExitCode.USAGE, ExitCode.DEAD_LETTERED, ExitCode.GATE_FAILED, ExitCode.BUG, 1, 99, 127]
)
def test_what_would_fail_again_is_not_tried_again(code: int) -> None:
    assert not DAG_FILE.meaning_of(code).again


@pytest.mark.parametrize("code", [ExitCode.OUTAGE, ExitCode.LEASE_HELD, ExitCode.DEAD_LETTERED, ExitCode.GATE_FAILED])
def test_what_sluicegate_reports_is_not_reported_twice(code: int) -> None:
    assert DAG_FILE.meaning_of(code).reported


@pytest.mark.parametrize("code", [ExitCode.USAGE, ExitCode.BUG, ExitCode.TERMINATED, -9, 1, 127])
def test_what_sluicegate_cannot_report_is_reported_by_airflow(code: int) -> None:
    assert not DAG_FILE.meaning_of(code).reported


@pytest.mark.parametrize("code", [2, 3, 4, 70, -15])
def test_the_plan_notifies_nobody_so_airflow_does(code: int) -> None:
    assert not DAG_FILE.meaning_for_plan(code).reported
    assert DAG_FILE.meaning_for_plan(code).again is DAG_FILE.meaning_of(code).again


@pytest.mark.parametrize(
    ("code", "name"), [(-9, "SIGKILL"), (137, "SIGKILL"), (143, "SIGTERM"), (130, "SIGINT"), (-99, "signal 99")]
)
def test_a_signal_is_named_and_leaves_the_batch_resumable(code: int, name: str) -> None:
    meaning = DAG_FILE.meaning_of(code)
    assert meaning.again
    assert f"ended by {name}" in meaning.words


def test_no_exit_code_of_sluicegate_is_forgotten() -> None:
    signals = {ExitCode.INTERRUPTED, ExitCode.TERMINATED}
    assert set(DAG_FILE.MEANINGS) == set(ExitCode) - {ExitCode.OK} - signals
