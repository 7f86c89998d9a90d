"""What a person decides about a batch, and the runner does: resume, recheck, reject; over fakes of its ports."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from expectations_plugins.core.errors import ConfigurationError, ExitCode
from pipeline.core.batches import BatchStatus, LoadCounts, short
from pipeline.core.locator import Locator
from pipeline.core.records import DeadLetter, DeadReason
from tests.fakes.bench import LOADED, Bench
from tests.fakes.scripted import ScriptedStage


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_resumed_batch_goes_on_after_its_failed_gate(bench: Bench) -> None:
    bench.halt_at("raw")
    outcome = bench.runner().resume(bench.source.batch_id)
    assert outcome.steps[0].key == "stage:publish"
    assert outcome.status is BatchStatus.CLOSED


def test_a_resumed_batch_keeps_the_failed_verdict(bench: Bench) -> None:
    bench.halt_at("raw")
    assert bench.runner().resume(bench.source.batch_id).verdicts["raw"] == "FAIL"


def test_the_ledger_says_that_a_person_passed_the_gate_over(bench: Bench) -> None:
    bench.halt_at("raw")
    bench.runner().resume(bench.source.batch_id)
    assert bench.document["steps"]["gate:raw"]["counts"] == {"resumed": True}  # type: ignore[index]


def test_resuming_needs_no_source_file(bench: Bench) -> None:
    bench.halt_at("raw")
    bench.source.path.unlink()
    assert bench.runner().resume(bench.source.batch_id).status is BatchStatus.CLOSED


def test_a_batch_that_is_not_halted_cannot_be_resumed(bench: Bench) -> None:
    bench.runner().process(bench.source)
    with pytest.raises(ConfigurationError, match="is closed: there is nothing to resume"):
        bench.runner().resume(bench.source.batch_id)


def test_a_batch_without_quarantined_records_cannot_be_resumed(bench: Bench) -> None:
    bench.halt_at("raw", quarantined=0)
    with pytest.raises(ConfigurationError, match="no quarantined records"):
        bench.runner().resume(bench.source.batch_id)


def test_failed_vectors_cannot_be_passed_over(bench: Bench) -> None:
    bench.halt_at("vectors")
    with pytest.raises(ConfigurationError, match="vectors gate"):
        bench.runner().resume(bench.source.batch_id)


def test_a_recheck_checks_the_failed_gate_again(bench: Bench) -> None:
    bench.halt_at("raw", quarantined=0)
    outcome = bench.runner().recheck(bench.source.batch_id)
    assert (outcome.steps[0].key, outcome.status) == ("gate:raw", BatchStatus.CLOSED)


def test_a_recheck_that_loads_again_is_done_by_the_next_run_with_the_file(bench: Bench) -> None:
    bench.halt_at("raw", quarantined=0)
    outcome = bench.runner().recheck(bench.source.batch_id, redo=True)
    assert (outcome.status, f"run.py run {bench.source.path}" in outcome.next_step) == (BatchStatus.RUNNING, True)
    assert bench.runner().process(bench.source).steps[0].key == "stage:load"


def test_a_recheck_of_vectors_embeds_again(bench: Bench) -> None:
    bench.halt_at("vectors")
    bench.runner().recheck(bench.source.batch_id, redo=True)
    assert bench.stages["embed"].runs == 2


def test_a_batch_another_run_holds_cannot_be_resumed(bench: Bench) -> None:
    bench.halt_at("raw")
    bench.ledger.acquire(bench.source.batch_id, "another run", 60)
    assert bench.runner().resume(bench.source.batch_id).exit_code == ExitCode.LEASE_HELD


def cut_off_load(bench: Bench) -> None:
    """A load that was killed when 40 records were in MongoDB and two lines were dead letters."""
    bench.fail("load", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.runner().process(bench.source)
    bench.records.numbers = (38, 2)
    bench.ledger.bury(
        [
            DeadLetter(bench.source.batch_id, Locator(line), DeadReason.UNPARSABLE, "no JSON", "{", None)
            for line in (3, 9)
        ]
    )
    bench.stages["load"] = ScriptedStage("load", counts=LOADED)


def test_a_batch_whose_load_was_cut_off_needs_its_file_or_says_how_to_do_without(bench: Bench) -> None:
    cut_off_load(bench)
    with pytest.raises(ConfigurationError) as caught:
        bench.runner().resume(bench.source.batch_id)
    assert f"run.py run {bench.source.path}" in caught.value.next_step
    assert f"run.py resume {short(bench.source.batch_id)} --without-file" in caught.value.next_step


def test_without_its_file_a_cut_off_batch_goes_on_with_what_was_loaded(bench: Bench) -> None:
    cut_off_load(bench)
    outcome = bench.runner().resume(bench.source.batch_id, without_file=True)
    assert (outcome.status, bench.stages["load"].runs) == (BatchStatus.CLOSED, 0)
    assert outcome.counts == LoadCounts(read=42, accepted=38, quarantined=2, duplicate=0, dead=2)
    assert bench.document["counts"] == asdict(outcome.counts)


def test_the_ledger_says_that_a_load_was_ended_by_a_person(bench: Bench) -> None:
    cut_off_load(bench)
    bench.runner().resume(bench.source.batch_id, without_file=True)
    assert bench.document["steps"]["stage:load"]["counts"]["without_file"] is True  # type: ignore[index]


def test_a_decision_to_go_on_without_the_file_that_was_killed_is_gone_on_with_by_any_resume(bench: Bench) -> None:
    cut_off_load(bench)
    bench.fail("aggregate", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.runner().resume(bench.source.batch_id, without_file=True)
    bench.stages["aggregate"] = ScriptedStage("aggregate")
    assert bench.runner().resume(bench.source.batch_id, without_file=True).status is BatchStatus.CLOSED
    assert bench.stages["load"].runs == 0


def test_a_halted_batch_is_resumed_without_its_file_like_any(bench: Bench) -> None:
    bench.halt_at("raw")
    assert bench.runner().resume(bench.source.batch_id, without_file=True).status is BatchStatus.CLOSED
