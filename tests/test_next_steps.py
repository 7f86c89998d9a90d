"""What a person can do about a batch next, by where the batch is and what the gate that stopped it found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipeline.core.batch import Batch, GateState, StepState, StepStatus, Tombstone
from pipeline.core.batches import BatchStatus, LoadCounts
from pipeline.core.next_steps import Halt, advice, after_verdict, next_steps
from pipeline.core.verdicts import Finding, Verdict
from pipeline.runner.decisions import settled

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ID = "3f2a91c07d11" + "0" * 52
NAME = "3f2a91c07d11"
BAD, WHOLE, PART = LoadCounts(3, 1, 2), LoadCounts(3, 3), LoadCounts(3, 2)


def halted(gate: str, counts: LoadCounts) -> Batch:
    steps = {f"gate:{gate}": StepState(StepStatus.FAILED)}
    return Batch(ID, BatchStatus.HALTED, reason="It failed.", counted=counts, steps=steps)


@pytest.mark.parametrize(
    ("gate", "counts", "command"),
    [
        ("raw", BAD, f"run.py resume {NAME}"),
        ("raw", WHOLE, f"run.py recheck {NAME}"),
        ("raw", PART, f"run.py recheck {NAME} --redo"),
        ("graph", BAD, f"run.py recheck {NAME} --redo"),
        ("vectors", WHOLE, f"run.py recheck {NAME} --redo"),
    ],
)
def test_a_page_a_run_and_an_alert_name_the_same_command(gate: str, counts: LoadCounts, command: str) -> None:
    batch = halted(gate, counts)
    ending = settled(batch)
    assert [step.command for step in next_steps(batch)] == [command, f"run.py reject {NAME}"]
    assert advice(batch).startswith(f"Look: run.py status {NAME}. ")
    assert advice(batch).endswith(f": {command}")
    assert ending
    assert ending.next_step == advice(batch)
    assert after_verdict(gate, Verdict.FAIL, ID, Halt.of((), counts)) == command


def test_what_did_not_arrive_can_be_looked_at_repaired_or_done_without() -> None:
    missing = Finding("expect_dead_letter_rate_to_be_below", "critical", "9 of 10 records could not be loaded")
    batch = replace(halted("raw", WHOLE), gates={"raw": GateState(Verdict.FAIL, findings=(missing,))})
    assert [step.command for step in next_steps(batch)] == [
        f"run.py dlq show {NAME}",
        f"run.py dlq replay {NAME} --records",
        f"run.py resume {NAME} --incomplete",
        f"run.py reject {NAME}",
    ]
    assert advice(batch).endswith(f"To go on without it: run.py resume {NAME} --incomplete")
    assert after_verdict("raw", Verdict.FAIL, ID, Halt(arrived=False)) == f"run.py resume {NAME} --incomplete"
    assert after_verdict("raw", Verdict.WARN, ID, Halt(arrived=False)) == f"run.py dlq show {NAME}"


def test_what_is_brought_again_of_a_batch_that_waits_can_be_taken_over() -> None:
    repeated = Finding("expect_records_not_to_wait_elsewhere", "critical", "10 of 20 records had arrived")
    batch = replace(halted("raw", WHOLE), gates={"raw": GateState(Verdict.FAIL, findings=(repeated,))})
    commands = [step.command for step in next_steps(batch)]
    assert commands == [f"run.py supersede {NAME}", f"run.py reject {NAME}"]
    assert advice(batch).endswith(f"To take them over: run.py supersede {NAME}")
    assert after_verdict("raw", Verdict.FAIL, ID, Halt(repeats=True)) == commands[0]


@pytest.mark.parametrize(
    ("batch", "commands"),
    [
        (Batch(ID, BatchStatus.CLOSED), []),
        (Batch(ID), []),
        (Batch(ID, BatchStatus.HELD), ["", "run.py doctor"]),
        (Batch(ID, BatchStatus.DEAD), [f"run.py dlq show {NAME}", f"run.py dlq replay {NAME}"]),
        (Batch(ID, BatchStatus.DEAD, dropped=Tombstone("me", "a test", NOW)), [f"run.py dlq show {NAME}"]),
        (Batch(ID, BatchStatus.RUNNING), ["", f"run.py resume {NAME} --without-file"]),
        (Batch(ID, BatchStatus.RUNNING, steps={"stage:load": StepState(StepStatus.DONE)}), [""]),
    ],
)
def test_what_can_be_done_is_said_in_order(batch: Batch, commands: list[str]) -> None:
    assert [step.command for step in next_steps(batch)] == commands
