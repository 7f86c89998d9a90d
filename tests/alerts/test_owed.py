"""What a channel is owed: sent by whatever comes next, once, whoever is slow, down or killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from itertools import permutations
from pathlib import Path

import pytest

from pipeline.alerts import transitions
from pipeline.alerts.delivery import update
from pipeline.alerts.router import AlertRouter
from pipeline.core.alert import Alert
from pipeline.core.incident import Incident
from pipeline.ports.incidents import IncidentStore
from tests.alerts.conftest import KEY, ONE, TWO, Clock, Failed, Router, actions, outcomes
from tests.fakes.alert_receiver import PAGERDUTY, SLACK, WEBHOOK, AlertReceiver, Answer
from tests.fakes.scripted import RecordedProgress

ROOT = Path(__file__).parent.parent.parent


def test_what_a_channel_is_owed_is_sent_by_whatever_comes_next(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    receiver.script[SLACK] = [Answer(503)] * 3
    assert outcomes(router().raise_(failed())) == {"pagerduty": "delivered", "slack": "failed"}
    (incident,) = router().incidents()
    assert list(router().owed(incident)) == [SLACK]
    assert outcomes(router().deliver()) == {"slack": "delivered"}
    assert router().owed(router().incidents()[0]) == {}
    assert (len(receiver.events), receiver.messages[-1].split(".")[0]) == (
        1,
        ":rotating_light: The raw gate failed for batch 3f2a91c07d11",
    )


def test_a_run_waits_before_it_tries_a_channel_again_and_a_person_does_not(
    router: Router, receiver: AlertReceiver, failed: Failed, clock: Clock
) -> None:
    receiver.script[SLACK] = [Answer(500)] * 6
    router().raise_(failed())
    assert router().batch_ended(ONE, closed=False) == []
    assert outcomes(router().deliver()) == {"slack": "failed"}
    clock.advance(seconds=11)
    assert outcomes(router().batch_ended(ONE, closed=False)) == {"slack": "delivered"}


def test_a_message_that_is_refused_keeps_none_of_the_others_and_the_worst_goes_first(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    receiver.script[SLACK] = [Answer(503)] * 6
    alarms = router()
    alarms.raise_(failed(batch_id=ONE, gate="graph", severity="warning", waits=False))
    alarms.raise_(failed(batch_id=TWO))
    receiver.script[SLACK] = [Answer(400, body="invalid_blocks")]
    assert [str(one.status) for one in router().deliver()] == ["failed", "delivered"]
    assert TWO[:12] in receiver.messages[-2]
    (left,) = [one for one in router().incidents() if SLACK in router().owed(one)]
    assert left.gate == "raw"


def test_an_end_that_fails_is_owed(router: Router, receiver: AlertReceiver, failed: Failed) -> None:
    alarms = router()
    alarms.raise_(failed())
    receiver.script[PAGERDUTY] = [Answer(503)] * 3
    assert outcomes(alarms.decided(failed().batch_id)) == {"pagerduty": "failed", "slack": "delivered"}
    (incident,) = router().incidents()
    assert (incident.is_over, {name: str(one.kind) for name, one in alarms.owed(incident).items()}) == (
        True,
        {PAGERDUTY: "end"},
    )
    assert outcomes(router().deliver()) == {"pagerduty": "delivered"}
    assert router().incidents() == []


def test_a_late_end_does_not_end_what_is_open_again(router: Router, receiver: AlertReceiver, failed: Failed) -> None:
    alarms = router()
    alarms.raise_(failed(batch_id=ONE))
    receiver.script[PAGERDUTY] = [Answer(503)] * 3
    alarms.decided(ONE)
    alarms.raise_(failed(batch_id=TWO))
    alarms.deliver()
    assert actions(receiver) == ["trigger", *["resolve"] * 3]  # none of these was taken
    (incident,) = alarms.incidents()
    assert [one.batch_id for one in incident.waiting] == [TWO]
    assert len(receiver.messages) == 3


def test_an_incident_that_ended_before_it_was_sent_is_sent_to_people_once_and_to_the_pager_never(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    receiver.script = {SLACK: [Answer(503)] * 3, PAGERDUTY: [Answer(503)] * 3}
    alarms = router()
    alarms.raise_(failed())
    alarms.decided(failed().batch_id)
    before = len(receiver.messages), len(receiver.events)
    alarms.deliver()
    assert (len(receiver.messages), len(receiver.events)) == (before[0] + 1, before[1])
    assert "this channel could not be notified before" in receiver.messages[-1]
    assert alarms.incidents() == []


@pytest.mark.parametrize(("down", "up"), list(permutations((SLACK, PAGERDUTY))))
def test_a_channel_that_cannot_be_reached_stops_neither_the_other_nor_the_caller(
    router: Router, receiver: AlertReceiver, progress: RecordedProgress, down: str, up: str
) -> None:
    nowhere = {
        SLACK: {"SLACK_WEBHOOK_URL": f"https://localhost:1{WEBHOOK}"},
        PAGERDUTY: {"PAGERDUTY_EVENTS_URL": "https://localhost:1"},
    }
    sent = router(**nowhere[down]).raise_(Alert("raw", "critical", "A title", "A summary", "b_1", "any"))
    assert outcomes(sent) == {down: "failed", up: "delivered"}
    assert "cannot be reached" in next(one.detail for one in sent if one.channel == down)
    assert [fields["channel"] for name, fields in progress.events if name == "alert_failed"] == [down]
    assert len(receiver.received[up]) == 1


@pytest.mark.parametrize("answer", [Answer(hang=True), Answer(drips=True)], ids=["hangs", "drips"])
def test_a_channel_that_does_not_come_to_an_end_is_left_alone_and_owed(
    router: Router, receiver: AlertReceiver, failed: Failed, answer: Answer
) -> None:
    receiver.script[SLACK] = [answer]
    start, alarms = time.monotonic(), router(deadline=1.0)
    sent = alarms.raise_(failed(batch_id=ONE))
    alarms.raise_(failed(batch_id=TWO, failure="another"))  # it is not waited for again
    assert time.monotonic() - start < 8
    assert outcomes(sent) == {"pagerduty": "delivered", "slack": "failed"}
    assert "no answer within 1 s" in next(one.detail for one in sent if one.channel == SLACK)
    assert len(receiver.messages) == 1
    assert [list(alarms.owed(incident)) for incident in alarms.incidents()] == [[SLACK], [SLACK]]
    assert outcomes(router().deliver()) == {"slack": "delivered"}


PROCESS = """
from pipeline.alerts.assembly import alert_router
from pipeline.config import load_settings
from pipeline.core.alert import Alert
from pipeline.ports.incidents import IncidentStore
from expectations_plugins.core.errors import TransientError
from tests.fakes.scripted import RecordedProgress

def down() -> IncidentStore:
    raise TransientError("MongoDB: nobody there.")

router = alert_router(load_settings(), down, RecordedProgress())
router.deadline = 1.0
print(*(str(one.status) for one in router.raise_(Alert("raw", "critical", "A title", "A summary", "b", "f"))))
"""


def test_a_server_that_answers_drop_by_drop_keeps_no_process_from_ending(
    receiver: AlertReceiver, tmp_path: Path
) -> None:
    receiver.script = {SLACK: [Answer(drips=True)], PAGERDUTY: [Answer(drips=True)]}
    ours = {name: str(value) for name, value in receiver.variables(SLUICEGATE_SPOOL=tmp_path / "spool").items()}
    kept = {name: value for name, value in os.environ.items() if "_PROXY" not in name.upper()}
    done = subprocess.run(
        [sys.executable, "-c", PROCESS],
        env=kept | ours,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "failed failed\n", "")
    assert not receiver.closing.is_set()


def test_several_processes_at_once_send_it_once(router: Router, receiver: AlertReceiver, failed: Failed) -> None:
    sent: list[dict[str, str]] = []
    at_once = threading.Barrier(4)

    def send(alarms: AlertRouter) -> None:
        at_once.wait()
        sent.append(outcomes(alarms.raise_(failed())))

    threads = [threading.Thread(target=send, args=(router(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert receiver.events == [("trigger", KEY)]
    assert len(receiver.messages) == 1
    for channel in (SLACK, PAGERDUTY):
        assert sorted(one[channel] for one in sent) == ["delivered", *["suppressed"] * 3]


def test_a_process_that_is_killed_while_it_sends_leaves_it_owed(
    router: Router, receiver: AlertReceiver, failed: Failed, clock: Clock, store: IncidentStore
) -> None:
    receiver.script[SLACK] = [Answer(503)] * 3
    router().raise_(failed())

    def claim(found: Incident | None) -> Incident | None:
        return transitions.claimed(found, SLACK, "of a process that is dead", clock()) if found else None

    update(store, KEY, claim)
    assert router().deliver() == []
    clock.advance(seconds=61)
    assert outcomes(router().deliver()) == {"slack": "delivered"}
