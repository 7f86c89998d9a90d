"""The runner over fakes of its ports: order, attempts, verdicts, leases, resuming."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from expectations_plugins.core.errors import ConfigurationError, ExitCode, TerminalError, TransientError
from pipeline.core.batches import BatchSource, BatchStatus, Lease
from pipeline.core.topology import GATES, MAX_ATTEMPTS, STEPS
from pipeline.core.verdicts import GateReport, Verdict
from pipeline.ports.steps import BatchContext
from tests.fakes.bench import LOADED, OUTAGE, Bench
from tests.fakes.scripted import ScriptedGate, ScriptedStage


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def outage() -> TransientError:
    return TransientError(OUTAGE)


def test_a_batch_goes_through_every_step_in_the_order_of_the_topology(bench: Bench) -> None:
    outcome = bench.runner().process(bench.source)
    assert [step.key for step in outcome.steps] == [step.key for step in STEPS]


def test_a_batch_that_passed_is_closed_with_exit_code_0(bench: Bench) -> None:
    outcome = bench.runner().process(bench.source)
    assert (outcome.status, outcome.exit_code, bench.document["status"]) == (BatchStatus.CLOSED, 0, "closed")


def test_the_outcome_holds_the_verdict_of_every_gate(bench: Bench) -> None:
    bench.gates["graph"] = ScriptedGate("graph", Verdict.WARN)
    assert bench.runner().process(bench.source).verdicts == {
        "raw": "PASS",
        "graph": "WARN",
        "vectors": "PASS",
        "closing": "PASS",
    }


def test_a_closed_batch_is_not_processed_again(bench: Bench) -> None:
    bench.runner().process(bench.source)
    again = bench.runner().process(bench.source)
    assert (bench.stages["load"].runs, again.fresh, again.exit_code) == (1, False, 0)


def test_a_closed_batch_keeps_its_fence(bench: Bench) -> None:
    bench.runner().process(bench.source)
    bench.runner().process(bench.source)
    assert bench.ledger.leases[bench.source.batch_id].fence == 1


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.WARN, Verdict.EMPTY])
def test_a_verdict_that_lets_pass_goes_on(bench: Bench, verdict: Verdict) -> None:
    bench.gates["raw"] = ScriptedGate("raw", verdict)
    assert bench.runner().process(bench.source).status is BatchStatus.CLOSED


def test_a_failed_raw_gate_stops_the_graph_stage(bench: Bench) -> None:
    bench.gates["raw"] = ScriptedGate("raw", Verdict.FAIL)
    bench.runner().process(bench.source)
    assert bench.stages["graph"].runs == 0


@pytest.mark.parametrize("gate", GATES)
def test_a_failed_gate_halts_the_batch_with_exit_code_10(bench: Bench, gate: str) -> None:
    bench.gates[gate] = ScriptedGate(gate, Verdict.FAIL)
    outcome = bench.runner().process(bench.source)
    status = BatchStatus.INCONSISTENT if gate == "closing" else BatchStatus.HALTED
    assert (outcome.status, outcome.exit_code) == (status, ExitCode.GATE_FAILED)


def test_a_halted_batch_names_the_command_that_resumes_it(bench: Bench) -> None:
    bench.halt_at("raw")
    again = bench.runner().process(bench.source)
    assert f"run.py resume {bench.source.batch_id[:12]}" in again.next_step
    assert again.exit_code == ExitCode.GATE_FAILED


def test_the_counts_follow_what_the_gate_quarantined(bench: Bench) -> None:
    bench.halt_at("raw", quarantined=3)
    assert bench.document["counts"] == {**LOADED, "accepted": 57, "quarantined": 3}


def test_gates_check_under_the_lease(bench: Bench) -> None:
    bench.runner().process(bench.source)
    (lease,) = bench.gates["raw"].leases
    assert lease is not None
    assert (lease.holder, lease.fence) == ("this run", 1)


def test_a_check_that_could_not_run_is_tried_again(bench: Bench) -> None:
    bench.gates["raw"] = ScriptedGate("raw", Verdict.ERROR, Verdict.ERROR, transient=True)
    outcome = bench.runner().process(bench.source)
    assert (outcome.status, len(bench.gates["raw"].leases)) == (BatchStatus.CLOSED, 3)


def test_a_check_that_stays_in_error_holds_the_batch(bench: Bench) -> None:
    bench.gates["raw"] = ScriptedGate("raw", *[Verdict.ERROR] * MAX_ATTEMPTS, transient=True)
    outcome = bench.runner().process(bench.source)
    assert (outcome.status, outcome.exit_code) == (BatchStatus.HELD, ExitCode.GATE_FAILED)


def test_an_error_that_would_not_heal_is_not_tried_again(bench: Bench) -> None:
    bench.gates["raw"] = ScriptedGate("raw", Verdict.ERROR)
    outcome = bench.runner().process(bench.source)
    assert (outcome.status, len(bench.gates["raw"].leases)) == (BatchStatus.HELD, 1)


def test_the_next_run_checks_a_held_batch_again_and_goes_on(bench: Bench) -> None:
    bench.gates["raw"] = ScriptedGate("raw", Verdict.ERROR)
    bench.runner().process(bench.source)
    outcome = bench.runner().process(bench.source)
    assert (outcome.status, bench.stages["load"].runs) == (BatchStatus.CLOSED, 1)


def test_a_held_batch_is_never_dead_lettered_however_often_it_is_checked(bench: Bench) -> None:
    bench.gates["raw"] = ScriptedGate("raw", *[Verdict.ERROR] * 6)
    outcomes = [bench.runner().process(bench.source) for _ in range(6)]
    assert {outcome.status for outcome in outcomes} == {BatchStatus.HELD}


def test_a_transient_failure_is_tried_again(bench: Bench) -> None:
    bench.fail("graph", outage(), outage(), outage())
    outcome = bench.runner().process(bench.source)
    assert (outcome.status, bench.attempts("stage:graph")) == (BatchStatus.CLOSED, 4)


def test_a_batch_whose_attempts_are_used_up_is_dead(bench: Bench) -> None:
    bench.fail("graph", *[outage() for _ in range(10)])
    outcome = bench.runner().process(bench.source)
    assert (outcome.status, outcome.exit_code) == (BatchStatus.DEAD, ExitCode.DEAD_LETTERED)
    assert bench.stages["graph"].runs == MAX_ATTEMPTS


def test_a_dead_batch_says_why(bench: Bench) -> None:
    bench.fail("graph", *[outage() for _ in range(10)])
    bench.runner().process(bench.source)
    again = bench.runner().process(bench.source)
    assert OUTAGE in again.message
    assert again.exit_code == ExitCode.DEAD_LETTERED


def test_a_terminal_failure_is_not_tried_again(bench: Bench) -> None:
    bench.fail("publish", TerminalError("BigQuery: the sums differ."))
    outcome = bench.runner().process(bench.source)
    assert (outcome.status, bench.stages["publish"].runs) == (BatchStatus.DEAD, 1)


def test_the_file_of_a_dead_batch_is_kept_in_the_spool(bench: Bench) -> None:
    bench.fail("load", TerminalError("The numbers do not add up."))
    bench.runner().process(bench.source)
    kept = bench.spool / "dlq" / bench.source.batch_id / bench.source.path.name
    assert kept.read_bytes() == bench.source.path.read_bytes()


def test_a_batch_is_not_dead_before_its_file_is_kept(bench: Bench) -> None:
    bench.fail("load", TerminalError("The numbers do not add up."))
    bench.spool.write_text("a file where a folder should be")
    outcome = bench.runner().process(bench.source)
    assert (outcome.exit_code, bench.document["status"]) == (ExitCode.OUTAGE, "running")


def test_attempts_go_on_counting_after_a_crash(bench: Bench) -> None:
    bench.fail("graph", outage(), RuntimeError("killed"), *[outage() for _ in range(10)])
    bench.runner().process(bench.source)
    bench.runner().process(bench.source)
    assert bench.stages["graph"].runs == MAX_ATTEMPTS
    assert bench.document["status"] == "dead"


def test_a_batch_that_crashed_on_its_last_attempt_is_dead_without_another(bench: Bench) -> None:
    bench.fail("graph", *[RuntimeError("killed") for _ in range(10)])
    outcomes = [bench.runner().process(bench.source) for _ in range(MAX_ATTEMPTS + 1)]
    assert outcomes[-1].status is BatchStatus.DEAD
    assert bench.stages["graph"].runs == MAX_ATTEMPTS


def test_a_run_after_a_crash_skips_what_is_done(bench: Bench) -> None:
    bench.fail("graph", RuntimeError("killed"))
    bench.runner().process(bench.source)
    outcome = bench.runner().process(bench.source)
    assert outcome.steps[0].key == "stage:graph"
    assert bench.stages["load"].runs == 1


def test_a_bug_has_exit_code_70_and_leaves_the_batch_resumable(bench: Bench) -> None:
    bench.fail("graph", RuntimeError("index out of range"))
    outcome = bench.runner().process(bench.source)
    assert (outcome.exit_code, bench.document["status"]) == (ExitCode.BUG, "running")
    assert "bug" in outcome.message


def test_a_lease_held_by_another_run_is_exit_code_4(bench: Bench) -> None:
    bench.ledger.acquire(bench.source.batch_id, "another run", 60)
    outcome = bench.runner().process(bench.source)
    assert (outcome.exit_code, bench.stages["load"].runs) == (ExitCode.LEASE_HELD, 0)


def test_a_lost_lease_stops_the_batch_with_exit_code_4(bench: Bench) -> None:
    def lose(context: BatchContext) -> None:
        bench.ledger.release(context.lease)
        bench.ledger.acquire(context.batch_id, "another run", 60)

    bench.stages["aggregate"] = ScriptedStage("aggregate", lose)
    outcome = bench.runner().process(bench.source)
    assert (outcome.exit_code, bench.gates["raw"].leases) == (ExitCode.LEASE_HELD, [])


def test_a_stage_is_stopped_at_its_next_report_when_the_lease_is_lost(bench: Bench) -> None:
    bench.lease_seconds = 0.03
    reported_after: list[bool] = []

    def work(context: BatchContext) -> None:
        bench.ledger.release(context.lease)
        bench.ledger.acquire(context.batch_id, "another run", 60)
        keeper = f"lease {context.batch_id[:12]}"
        while any(thread.name == keeper for thread in threading.enumerate()):  # it ends when it has noticed
            pass
        context.progress.advance("aggregate", 1, 2)
        reported_after.append(True)

    bench.stages["aggregate"] = ScriptedStage("aggregate", work)
    outcome = bench.runner().process(bench.source)
    assert (outcome.exit_code, reported_after) == (ExitCode.LEASE_HELD, [])


def test_the_lease_is_renewed_while_a_stage_works(bench: Bench) -> None:
    bench.lease_seconds = 0.03

    def work(context: BatchContext) -> None:
        del context
        before = bench.ledger.renewals
        while bench.ledger.renewals < before + 3:
            pass

    bench.stages["aggregate"] = ScriptedStage("aggregate", work)
    assert bench.runner().process(bench.source).status is BatchStatus.CLOSED


def test_the_lease_is_given_back(bench: Bench) -> None:
    bench.runner().process(bench.source)
    assert not bench.ledger.is_held(bench.source.batch_id)


@pytest.mark.parametrize("signal", [KeyboardInterrupt(), SystemExit(143)], ids=["ctrl-c", "sigterm"])
def test_a_signal_gives_the_lease_back_and_leaves_the_batch_resumable(bench: Bench, signal: BaseException) -> None:
    bench.fail("graph", signal)
    with pytest.raises(type(signal)):
        bench.runner().process(bench.source)
    assert (bench.ledger.is_held(bench.source.batch_id), bench.document["status"]) == (False, "running")


def test_a_person_who_interrupts_uses_up_no_attempt(bench: Bench) -> None:
    bench.fail("graph", *[KeyboardInterrupt() for _ in range(MAX_ATTEMPTS + 1)])
    for _ in range(MAX_ATTEMPTS + 1):
        with pytest.raises(KeyboardInterrupt):
            bench.runner().process(bench.source)
    assert bench.runner().process(bench.source).status is BatchStatus.CLOSED


def test_an_unreachable_ledger_is_exit_code_3(bench: Bench) -> None:
    bench.ledger.outages = MAX_ATTEMPTS
    assert bench.runner().process(bench.source).exit_code == ExitCode.OUTAGE


def test_a_ledger_that_comes_back_in_time_is_no_outage(bench: Bench) -> None:
    bench.ledger.outages = MAX_ATTEMPTS - 1
    assert bench.runner().process(bench.source).exit_code == ExitCode.OK


def test_a_ledger_that_is_lost_during_a_stage_does_not_dead_letter_the_batch(bench: Bench) -> None:
    def unplug(context: BatchContext) -> None:
        del context
        bench.ledger.outages = 100

    bench.stages["graph"] = ScriptedStage("graph", unplug)
    outcome = bench.runner().process(bench.source)
    assert (outcome.exit_code, bench.document["status"]) == (ExitCode.OUTAGE, "running")


def test_a_configuration_error_is_for_the_caller_and_gives_the_lease_back(bench: Bench) -> None:
    bench.fail("load", ConfigurationError("The file is gone."))
    with pytest.raises(ConfigurationError):
        bench.runner().process(bench.source)
    assert not bench.ledger.is_held(bench.source.batch_id)


def test_every_step_reports_its_start_and_end(bench: Bench) -> None:
    bench.runner().process(bench.source)
    ended = bench.progress.named("step_ended")
    assert [event["step"] for event in ended] == [step.key for step in STEPS]
    assert all({"batch_id", "start_time", "end_time", "duration_s"} <= event.keys() for event in ended)


def test_a_batch_reports_its_start_and_end(bench: Bench) -> None:
    bench.runner().process(bench.source)
    (ended,) = bench.progress.named("batch_ended")
    assert {"batch_id", "start_time", "end_time", "duration_s", "status"} <= ended.keys()


def test_a_finding_that_is_said_at_two_severities_is_told_once(bench: Bench) -> None:
    class TwiceSaid(ScriptedGate):
        def check(self, batch_id: str, lease: Lease | None) -> GateReport:
            report = super().check(batch_id, lease)
            milder = [replace(finding, severity="warning") for finding in report.findings]
            return replace(report, findings=(*report.findings, *milder))

    bench.gates["raw"] = TwiceSaid("raw", Verdict.FAIL)
    bench.runner().process(bench.source)
    assert bench.progress.named("verdict")[0]["findings"] == ["critical: 3 of 60 user_ids are malformed"]


def test_a_batch_that_a_signal_stopped_reports_its_end_too(bench: Bench) -> None:
    bench.fail("graph", SystemExit(143))
    with pytest.raises(SystemExit):
        bench.runner().process(bench.source)
    (stopped,) = bench.progress.named("batch_stopped")
    assert {"batch_id", "start_time", "end_time"} <= stopped.keys()


def test_a_ledger_that_is_down_is_asked_for_the_first_of_many_batches_only(bench: Bench, tmp_path: Path) -> None:
    """Or a run over many batches would wait through all attempts for each."""
    bench.ledger.outages = 1_000
    runner = bench.runner()
    assert runner.process(bench.source).exit_code == ExitCode.OUTAGE
    left = bench.ledger.outages
    others = [BatchSource(f"{number:064x}", tmp_path / f"{number}.jsonl") for number in range(3)]
    assert [runner.process(other).exit_code for other in others] == [ExitCode.OUTAGE] * 3
    assert 0 < bench.ledger.outages == left < 1_000
