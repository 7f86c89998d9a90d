"""A whole batch, its gate and what the gate does, with a channel that is down and with a kill after the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from expectations_plugins.core.errors import ExitCode, TerminalError
from pipeline.core.batches import BatchStatus, short
from sluicegate.app import sluicegate
from tests.fakes.alert_receiver import SLACK, AlertReceiver, Answer, alert_receiver
from tests.fakes.effects import Killed
from tests.gates.conftest import Site

MakeSite = Callable[..., Site]
RAW_KEY = "sluicegate:raw:expect_user_ids_to_be_well_formed"


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[AlertReceiver]:
    with alert_receiver(tmp_path) as found:
        yield found


def test_slack_that_is_down_keeps_nothing_else_from_being_done(make_site: MakeSite, receiver: AlertReceiver) -> None:
    receiver.script[SLACK] = [Answer(503)] * 20
    site = make_site(**receiver.variables())
    outcome = site.process("bad_user_ids.jsonl")
    assert outcome.status is BatchStatus.HALTED
    assert site.app.raw_store.counts(outcome.batch_id)[1] == outcome.counts.quarantined > 0
    assert receiver.events == [("trigger", RAW_KEY)]
    [alert] = [intent for intent in site.report(outcome, "raw").intents if intent.action == "alert"]
    assert "slack: failed" in alert.detail
    assert "pagerduty: delivered" in alert.detail


@pytest.mark.parametrize("decision", ["resume", "reject"])
def test_what_a_person_has_decided_is_not_open_any_more(
    make_site: MakeSite, receiver: AlertReceiver, decision: str
) -> None:
    site = make_site(**receiver.variables())
    outcome = site.process("bad_user_ids.jsonl")
    [incident] = site.app.alerts.incidents()
    assert incident.alert.next_step == f"run.py resume {short(outcome.batch_id)}"
    runner = site.app.runner()
    decided = runner.resume(outcome.batch_id) if decision == "resume" else runner.reject(outcome.batch_id, "a test")
    assert decided.exit_code == ExitCode.OK
    assert site.app.alerts.incidents() == []
    assert receiver.events == [("trigger", RAW_KEY), ("resolve", RAW_KEY)]


@pytest.mark.parametrize(
    ("fault", "advice"), [("503", "run.py reembed --batch {batch}"), ("zero", "run.py recheck {batch} --redo")]
)
def test_a_resume_ends_what_it_decided_and_not_what_a_later_gate_said_since(
    make_site: MakeSite, receiver: AlertReceiver, fault: str, advice: str
) -> None:
    site = make_site(**receiver.variables())
    outcome = site.process("one_bad_user_id.jsonl")
    site.order(fault)
    site.app.runner().resume(outcome.batch_id)
    site.order(None)
    left = {(incident.gate, incident.alert.next_step) for incident in site.app.alerts.incidents()}
    assert left == {("vectors", advice.format(batch=short(outcome.batch_id)))}
    assert ("resolve", RAW_KEY) in receiver.events
    CliRunner().invoke(sluicegate, advice.format(batch=short(outcome.batch_id)).split()[1:], obj=site.app)
    assert site.app.alerts.incidents() == []


def test_a_later_batch_that_passes_ends_nothing_while_another_waits(
    make_site: MakeSite, receiver: AlertReceiver
) -> None:
    site = make_site(**receiver.variables())
    halted = [site.process(name) for name in ("bad_user_ids.jsonl", "one_bad_user_id.jsonl")]
    assert site.process("clean.jsonl").status is BatchStatus.CLOSED
    [incident] = site.app.alerts.incidents()
    assert {one.batch_id for one in incident.waiting} == {outcome.batch_id for outcome in halted}
    assert receiver.events == [("trigger", RAW_KEY)]
    for outcome in halted:
        site.app.runner().reject(outcome.batch_id, "a test")
    assert receiver.events == [("trigger", RAW_KEY), ("resolve", RAW_KEY)]


class Refuses:
    """A raw store that takes no record."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def insert(self, *_: Any, **__: Any) -> None:
        raise TerminalError("MongoDB refuses the records.")


def test_a_dead_batch_that_was_dropped_is_not_open_any_more(make_site: MakeSite) -> None:
    site = make_site(lambda name, port, /: Refuses(port) if name == "raw_store" else port)
    batch = short(site.process("clean.jsonl").batch_id)
    [incident] = site.app.alerts.incidents()
    assert (incident.gate, incident.alert.next_step) == ("pipeline", f"run.py dlq show {batch}")
    CliRunner().invoke(sluicegate, ["dlq", "drop", batch, "--yes"], obj=site.app)
    assert site.app.alerts.incidents() == []


class DiesAfterTheVerdict:
    """A ledger whose process ends where the result of the vectors gate is to be written down."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def end_step(self, lease: Any, step: str, **others: Any) -> None:
        if step == "gate:vectors":
            raise Killed
        self._port.end_step(lease, step, **others)


def dying(name: str, port: Any, /) -> Any:
    return DiesAfterTheVerdict(port) if name == "ledger" else port


def test_a_verdict_stands_when_the_process_dies_right_after_its_actions(make_site: MakeSite) -> None:
    site = make_site(dying)
    site.order("zero")
    with pytest.raises(Killed):
        site.process("clean.jsonl")
    site.order(None)
    [found] = site.app.ledger.recent(10)
    before = found.gates["vectors"]
    again = make_site().process("clean.jsonl")
    after = site.report(again, "vectors")
    assert (again.status, again.verdicts["vectors"]) == (BatchStatus.HALTED, "FAIL")
    assert (after.run_id, after.findings) == (before.run_id, before.findings)
    page = CliRunner().invoke(sluicegate, ["status", short(again.batch_id)], obj=site.app).output
    assert "rolled back" in page
    assert f"run.py recheck {short(again.batch_id)} --redo" in page
