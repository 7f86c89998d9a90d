"""One attempt at one step: what a scheduler that waits and retries by itself asks the runner for."""

from __future__ import annotations

from pathlib import Path

import pytest

from expectations_plugins.core.errors import ConfigurationError, ExitCode, TerminalError, TransientError
from pipeline.core.batches import BatchStatus
from pipeline.core.outcome import BatchOutcome
from pipeline.core.topology import MAX_ATTEMPTS, STEPS, Step
from pipeline.core.verdicts import Verdict
from tests.fakes.bench import OUTAGE, Bench
from tests.fakes.scripted import ScriptedGate


def step(key: str) -> Step:
    return next(one for one in STEPS if one.key == key)


class OneByOne(Bench):
    """A bench whose steps are asked for one at a time, each by a runner of its own, as processes do."""

    def attempt(self, key: str) -> BatchOutcome:
        return self.runner(holder=f"process {len(self.progress.events)}").attempt(self.source, step(key))

    def until(self, key: str) -> None:
        """Do every step before this one."""
        for one in STEPS[: STEPS.index(step(key))]:
            assert self.attempt(one.key).exit_code == 0


@pytest.fixture
def bench(tmp_path: Path) -> OneByOne:
    return OneByOne(tmp_path)


def test_all_steps_one_by_one_close_the_batch(bench: OneByOne) -> None:
    outcomes = [bench.attempt(one.key) for one in STEPS]
    assert [outcome.exit_code for outcome in outcomes] == [0] * len(STEPS)
    assert [str(outcome.status) for outcome in outcomes] == ["running"] * (len(STEPS) - 1) + ["closed"]
    assert [str(bench.document["status"])] == ["closed"]


def test_only_the_step_that_was_asked_for_is_done(bench: OneByOne) -> None:
    bench.attempt("stage:load")
    assert [stage.runs for stage in bench.stages.values()] == [1, 0, 0, 0, 0]


def test_a_step_that_was_done_is_not_done_again(bench: OneByOne) -> None:
    bench.attempt("stage:load")
    again = bench.attempt("stage:load")
    assert (bench.stages["load"].runs, again.fresh, again.exit_code) == (1, False, 0)


@pytest.mark.parametrize("key", [one.key for one in STEPS[1:]])
def test_a_step_waits_for_those_before_it(bench: OneByOne, key: str) -> None:
    bench.attempt("stage:load")
    if key == STEPS[1].key:
        assert bench.attempt(key).exit_code == 0
        return
    with pytest.raises(ConfigurationError, match=r"stage aggregate"):
        bench.attempt(key)


def test_a_batch_the_ledger_does_not_know_is_refused(bench: OneByOne) -> None:
    with pytest.raises(ConfigurationError, match="no batch"):
        bench.attempt("stage:aggregate")


def test_an_outage_is_tried_once_and_leaves_the_rest_to_the_scheduler(bench: OneByOne) -> None:
    bench.until("stage:graph")
    bench.fail("graph", TransientError(OUTAGE))
    outcome = bench.attempt("stage:graph")
    assert (outcome.exit_code, bench.stages["graph"].runs) == (ExitCode.OUTAGE, 1)
    assert (outcome.status, OUTAGE in outcome.message) == (BatchStatus.RUNNING, True)


def test_the_fourth_failed_attempt_moves_the_batch_to_the_dead_letters(bench: OneByOne) -> None:
    bench.until("stage:graph")
    bench.fail("graph", *[TransientError(OUTAGE)] * MAX_ATTEMPTS)
    codes = [bench.attempt("stage:graph").exit_code for _ in range(MAX_ATTEMPTS)]
    assert codes == [3, 3, 3, 5]
    assert (bench.document["status"], bench.attempts("stage:graph")) == ("dead", MAX_ATTEMPTS)
    assert bench.attempt("stage:graph").exit_code == 5


def test_attempts_of_a_whole_run_that_was_killed_count_too(bench: OneByOne) -> None:
    bench.until("stage:graph")
    bench.fail("graph", *[TransientError(OUTAGE)] * MAX_ATTEMPTS)
    for _ in range(2):
        bench.attempt("stage:graph")
    outcome = bench.runner().process(bench.source)
    assert (outcome.exit_code, bench.attempts("stage:graph")) == (ExitCode.DEAD_LETTERED, MAX_ATTEMPTS)


def test_a_whole_run_goes_on_where_single_steps_stopped(bench: OneByOne) -> None:
    bench.until("stage:embed")
    outcome = bench.runner().process(bench.source)
    assert [one.key for one in outcome.steps] == ["stage:embed", "gate:vectors", "gate:closing"]
    assert outcome.status is BatchStatus.CLOSED


def test_what_trying_again_cannot_mend_is_dead_at_once(bench: OneByOne) -> None:
    bench.fail("load", TerminalError("no"))
    assert bench.attempt("stage:load").exit_code == ExitCode.DEAD_LETTERED


def test_a_failed_gate_halts_the_batch_and_stops_what_follows(bench: OneByOne) -> None:
    bench.gates["raw"] = ScriptedGate("raw", Verdict.FAIL)
    bench.until("gate:raw")
    assert bench.attempt("gate:raw").exit_code == ExitCode.GATE_FAILED
    assert bench.document["status"] == "halted"
    assert bench.attempt("stage:publish").exit_code == ExitCode.GATE_FAILED
    assert bench.stages["publish"].runs == 0
    assert len(bench.gates["raw"].leases) == 1


def test_a_gate_that_meets_an_outage_is_worth_another_attempt_until_the_fourth_holds_the_batch(
    bench: OneByOne,
) -> None:
    bench.gates["raw"] = ScriptedGate("raw", *[Verdict.ERROR] * MAX_ATTEMPTS, transient=True)
    bench.until("gate:raw")
    outcomes = [bench.attempt("gate:raw") for _ in range(MAX_ATTEMPTS)]
    assert [outcome.exit_code for outcome in outcomes] == [3, 3, 3, 10]
    assert bench.document["status"] == "held"
    assert bench.attempt("gate:raw").exit_code == 0


def test_a_gate_that_cannot_be_checked_for_good_holds_the_batch_at_once(bench: OneByOne) -> None:
    bench.gates["raw"] = ScriptedGate("raw", Verdict.ERROR)
    bench.until("gate:raw")
    assert (bench.attempt("gate:raw").exit_code, bench.document["status"]) == (10, "held")


def test_each_attempt_takes_the_lease_and_gives_it_back(bench: OneByOne) -> None:
    bench.until("stage:publish")
    assert not bench.ledger.is_held(bench.source.batch_id)
    assert bench.ledger.leases[bench.source.batch_id].fence == 3


def test_a_batch_another_run_holds_is_left_alone(bench: OneByOne) -> None:
    bench.attempt("stage:load")
    bench.ledger.acquire(bench.source.batch_id, "another", 60)
    assert bench.attempt("stage:aggregate").exit_code == ExitCode.LEASE_HELD


def test_pages_are_written_after_gates_and_when_something_went_wrong(bench: OneByOne) -> None:
    """Not after each stage: the pages need Great Expectations, which takes longer to import than most stages."""
    bench.attempt("stage:load")
    bench.attempt("stage:aggregate")
    assert bench.published == []
    bench.attempt("gate:raw")
    bench.fail("publish", TransientError(OUTAGE))
    bench.attempt("stage:publish")
    assert bench.published == [bench.source.batch_id] * 2
