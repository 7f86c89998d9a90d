"""Exit codes as Airflow takes them: what is tried again, and who tells people."""

from __future__ import annotations

import pytest

from expectations_plugins.core.errors import ExitCode
from pipeline.airflow.meanings import MEANINGS, RETRIES, meaning_for_plan, meaning_of
from pipeline.core.topology import MAX_ATTEMPTS


def test_airflow_tries_as_often_as_the_ledger_counts() -> None:
    assert RETRIES + 1 == MAX_ATTEMPTS


@pytest.mark.parametrize("code", [ExitCode.OUTAGE, ExitCode.LEASE_HELD, ExitCode.INTERRUPTED, ExitCode.TERMINATED])
def test_what_may_pass_is_tried_again(code: int) -> None:
    assert meaning_of(code).again


@pytest.mark.parametrize(
    "code", [ExitCode.USAGE, ExitCode.DEAD_LETTERED, ExitCode.GATE_FAILED, ExitCode.BUG, 1, 99, 127]
)
def test_what_would_fail_again_is_not_tried_again(code: int) -> None:
    assert not meaning_of(code).again


@pytest.mark.parametrize("code", [ExitCode.OUTAGE, ExitCode.LEASE_HELD, ExitCode.DEAD_LETTERED, ExitCode.GATE_FAILED])
def test_what_sluicegate_tells_people_is_not_told_twice(code: int) -> None:
    assert meaning_of(code).told


@pytest.mark.parametrize("code", [ExitCode.USAGE, ExitCode.BUG, ExitCode.TERMINATED, -9, 1, 127])
def test_what_sluicegate_cannot_tell_is_told_by_airflow(code: int) -> None:
    assert not meaning_of(code).told


@pytest.mark.parametrize("code", [2, 3, 4, 70, -15])
def test_the_plan_tells_nobody_so_airflow_does(code: int) -> None:
    assert not meaning_for_plan(code).told
    assert meaning_for_plan(code).again is meaning_of(code).again


@pytest.mark.parametrize(
    ("code", "name"), [(-9, "SIGKILL"), (137, "SIGKILL"), (143, "SIGTERM"), (130, "SIGINT"), (-99, "signal 99")]
)
def test_a_signal_is_named_and_leaves_the_batch_resumable(code: int, name: str) -> None:
    meaning = meaning_of(code)
    assert meaning.again
    assert f"ended by {name}" in meaning.words


def test_no_exit_code_of_sluicegate_is_forgotten() -> None:
    signals = {ExitCode.INTERRUPTED, ExitCode.TERMINATED}
    assert set(MEANINGS) == set(ExitCode) - {ExitCode.OK} - signals
