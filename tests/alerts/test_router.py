"""Incidents on real clients against a receiver: who is notified of what, when, and what the outcome says."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path

import pytest

from pipeline.alerts import transitions
from pipeline.alerts.delivery import update
from pipeline.alerts.router import AlertRouter
from pipeline.core.alert import Alert, Delivery
from pipeline.core.batch import Batch, Tombstone
from pipeline.core.batches import BatchStatus
from pipeline.core.incident import MAX_WAITING, Incident
from pipeline.ports.incidents import IncidentStore
from tests.alerts.conftest import Clock
from tests.fakes.alert_receiver import PAGERDUTY, SLACK, WEBHOOK, AlertReceiver, Answer
from tests.fakes.scripted import RecordedProgress

ROOT = Path(__file__).parent.parent.parent
Router = Callable[..., AlertRouter]
Failed = Callable[..., Alert]
KEY = "sluicegate:raw:expect_user_ids_to_be_well_formed"
ONE, TWO, THREE, FOUR = ("1" * 64, "2" * 64, "3" * 64, "4" * 64)


def outcomes(deliveries: Sequence[Delivery]) -> dict[str, str]:
    return {delivery.channel: str(delivery.status) for delivery in deliveries}


def actions(receiver: AlertReceiver) -> list[str]:
    return [action for action, _ in receiver.events]


def test_a_failure_is_one_trigger_and_its_end_one_resolve_on_each_channel(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    batch = failed().batch_id
    sent = [router().raise_(failed()), router().raise_(failed()), router().decided(batch), router().decided(batch)]
    assert [outcomes(deliveries) for deliveries in sent] == [
        {"pagerduty": "delivered", "slack": "delivered"},
        {"pagerduty": "suppressed", "slack": "suppressed"},
        {"pagerduty": "delivered", "slack": "delivered"},
        {},
    ]
    assert receiver.events == [("trigger", KEY), ("resolve", KEY)]
    assert [text.split(".")[0] for text in receiver.messages] == [
        ":rotating_light: The raw gate failed for batch 3f2a91c07d11",
        ":white_check_mark: Over: The raw gate failed for batch 3f2a91c07d11",
    ]


def test_a_batch_that_passes_ends_nothing_of_those_that_wait(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    alarms = router()
    for batch in (ONE, TWO, THREE):
        alarms.raise_(failed(batch_id=batch))
    alarms.passed("raw", FOUR)
    alarms.batch_ended(FOUR, closed=True)
    (incident,) = alarms.incidents()
    assert [one.batch_id for one in incident.waiting] == [ONE, TWO, THREE]
    for batch in (ONE, TWO):
        alarms.decided(batch)
    assert actions(receiver) == ["trigger"]
    alarms.passed("raw", THREE)  # it was checked again
    assert actions(receiver) == ["trigger", "resolve"]
    assert "It was the last of 3 batches." in receiver.messages[-1]


def test_a_batch_without_a_checked_record_ends_nothing(router: Router, receiver: AlertReceiver, failed: Failed) -> None:
    alarms = router()
    alarms.raise_(failed(severity="warning", waits=False))
    alarms.batch_ended(FOUR, closed=True)  # EMPTY: its gate passes nothing
    assert len(alarms.incidents()) == 1
    alarms.passed("raw", FOUR)
    assert alarms.incidents() == []
    assert len(receiver.messages) == 2


def test_new_batches_are_sent_together_after_the_interval(
    router: Router, receiver: AlertReceiver, failed: Failed, clock: Clock
) -> None:
    alarms = router()
    for batch in (ONE, TWO, THREE):
        alarms.raise_(failed(batch_id=batch))
    assert len(receiver.messages) == 1
    clock.advance(minutes=59)
    assert alarms.deliver() == []
    clock.advance(minutes=2)
    assert outcomes(alarms.deliver()) == {"pagerduty": "delivered", "slack": "delivered"}
    assert "The raw gate failed for 2 batches. Batches 222222222222, 333333333333." in receiver.messages[1]
    assert "3 batches wait in all." in receiver.messages[1]
    assert receiver.events == [("trigger", KEY)] * 2
    assert alarms.deliver() == []


def test_a_message_names_ten_batches_and_counts_the_rest(
    router: Router, receiver: AlertReceiver, failed: Failed, clock: Clock
) -> None:
    alarms = router()
    for number in range(13):
        alarms.raise_(failed(batch_id=f"{number:064x}"[::-1]))
    clock.advance(hours=1)
    alarms.deliver()
    assert "The raw gate failed for 12 batches. Batches 1000" in receiver.messages[1]
    assert " and 2 more." in receiver.messages[1]
    (incident,) = alarms.incidents()
    assert len(incident.waiting) == 13


def test_two_batches_dead_of_one_outage_are_both_named_and_a_third_ends_nothing(
    router: Router, receiver: AlertReceiver, failed: Failed, clock: Clock, ledger: dict[str, Batch]
) -> None:
    alarms, ledger[ONE], ledger[TWO] = router(), Batch(ONE, BatchStatus.DEAD), Batch(TWO, BatchStatus.DEAD)
    for batch in (ONE, TWO):
        title = f"Batch {batch[:12]} is in the dead-letter queue"
        dead = failed(gate="pipeline", severity="error", failure="dead at embed", batch_id=batch, title=title)
        alarms.raise_(dead)
    alarms.decided(THREE)
    alarms.batch_ended(THREE, closed=True)
    clock.advance(hours=1)
    alarms.deliver()
    assert [ONE[:12] in text for text in receiver.messages] == [True, False]
    assert TWO[:12] in receiver.messages[1]
    ledger[ONE] = Batch(ONE, BatchStatus.CLOSED)
    alarms.deliver()
    assert "resolve" not in actions(receiver)
    ledger[TWO] = Batch(TWO, BatchStatus.DEAD, dropped=Tombstone("ann", "a test", clock()))
    alarms.deliver()
    assert actions(receiver)[-1] == "resolve"


def test_a_batch_waits_in_one_incident_only(router: Router, receiver: AlertReceiver, failed: Failed) -> None:
    alarms = router()
    alarms.raise_(failed(failure="outage", severity="error"))
    alarms.raise_(failed())
    assert [incident.key for incident in alarms.incidents()] == [KEY]
    assert actions(receiver) == ["trigger", "trigger", "resolve"]


def test_what_becomes_worse_is_sent_at_once_and_what_becomes_milder_is_over_for_the_pager(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    alarms = router()
    alarms.raise_(failed(severity="warning", waits=False, batch_id=ONE))
    assert receiver.events == []
    alarms.raise_(failed(severity="critical", batch_id=TWO))
    assert len(receiver.messages) == 2
    assert "It is critical now, and was warning." in receiver.messages[1]
    alarms.decided(TWO)
    assert receiver.events == [("trigger", KEY), ("resolve", KEY)]
    alarms.raise_(failed(severity="critical", batch_id=THREE))
    assert (len(receiver.messages), actions(receiver)[-1]) == (3, "trigger")


def test_a_doubled_share_is_sent_at_once(router: Router, receiver: AlertReceiver, failed: Failed) -> None:
    alarms = router()
    for share, batch in ((0.1, ONE), (0.19, TWO), (0.2, THREE)):
        alarms.raise_(failed(share=share, batch_id=batch))
    assert len(receiver.messages) == 2
    assert "rose from 10.0% to 20.0%" in receiver.messages[1]


def test_a_reminder_is_sent_while_a_batch_waits_and_not_of_a_warning(
    router: Router, receiver: AlertReceiver, failed: Failed, clock: Clock
) -> None:
    alarms = router()
    alarms.raise_(failed(batch_id=ONE))
    alarms.raise_(failed(gate="graph", severity="warning", waits=False, batch_id=TWO))
    clock.advance(hours=4)
    alarms.deliver()
    alarms.deliver()
    assert [text for text in receiver.messages if "Reminder: " in text] == [receiver.messages[2]]
    assert "It is open since 2026-11-30 14:05 UTC." in receiver.messages[2]


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


def test_a_new_incident_of_a_key_begins_after_the_old_one_is_settled(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    alarms = router()
    alarms.raise_(failed())
    alarms.decided(failed().batch_id)
    alarms.raise_(failed())
    assert [one.occurrence for one in alarms.incidents()] == [2]
    assert actions(receiver) == ["trigger", "resolve", "trigger"]


def test_another_failure_of_the_gate_is_another_incident(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    alarms, other = router(), failed(failure="another", severity="warning", waits=False, batch_id=TWO)
    alarms.raise_(failed(batch_id=ONE, severity="warning", waits=False))
    alarms.raise_(other)
    alarms.passed("raw", TWO, keep=(other.dedup_key,))
    assert [incident.key for incident in alarms.incidents()] == [other.dedup_key]
    assert len(receiver.messages) == 3


def test_more_batches_than_one_incident_holds_open_another_and_none_is_lost(
    router: Router, receiver: AlertReceiver, failed: Failed, store: IncidentStore, clock: Clock
) -> None:
    alarms = router(SLACK_WEBHOOK_URL=None)
    alarms.raise_(failed(batch_id=ONE))

    def filled(found: Incident | None) -> Incident | None:
        for number in range(MAX_WAITING - 1):
            found = transitions.raised(found, failed(batch_id=f"{number:064x}"), (), clock())
        return found

    update(store, KEY, filled)
    alarms.raise_(failed(batch_id=TWO))
    assert [(one.key, len(one.waiting)) for one in alarms.incidents()] == [(KEY, MAX_WAITING), (f"{KEY} (2)", 1)]
    assert receiver.events[-1] == ("trigger", f"{KEY} (2)")
    alarms.raise_(failed(batch_id=ONE))  # it has its place
    assert len(alarms.incidents()) == 2


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


def test_routes_decide_by_gate_and_severity(router: Router, receiver: AlertReceiver, failed: Failed) -> None:
    alarms = router(SLUICEGATE_ALERT_ROUTES="raw:critical=pagerduty, graph:*=, *:warning=slack")
    assert outcomes(alarms.raise_(failed(batch_id=ONE))) == {"pagerduty": "delivered"}
    assert outcomes(alarms.raise_(failed(batch_id=TWO, gate="graph"))) == {}
    assert outcomes(alarms.raise_(failed(batch_id=THREE, gate="vectors", severity="warning"))) == {"slack": "delivered"}
    assert (len(receiver.events), len(receiver.messages)) == (1, 1)


def test_a_channel_that_a_route_names_but_nobody_configured_is_said(router: Router, failed: Failed) -> None:
    alarms = router(SLUICEGATE_ALERT_ROUTES="*:*=slack+pagerduty", SLACK_WEBHOOK_URL=None)
    assert outcomes(alarms.raise_(failed())) == {"slack": "not configured", "pagerduty": "delivered"}


def test_without_a_channel_there_is_a_line_in_the_log_once(
    router: Router, failed: Failed, progress: RecordedProgress
) -> None:
    alarms = router(SLACK_WEBHOOK_URL=None, PAGERDUTY_ROUTING_KEY=None)
    assert alarms.raise_(failed()) == [Delivery("log", "delivered", "no channel is configured")]  # type: ignore[arg-type]
    assert outcomes(alarms.raise_(failed())) == {"log": "suppressed"}
    alarms.decided(failed().batch_id)
    assert [name for name, _ in progress.events if name != "alert_delivery"] == ["alert", "alert_resolved"]
    said = progress.events[0][1]
    assert (said["next_step"], said["severity"]) == ("run.py resume 3f2a91c07d11", "critical")
    assert said["examples"] == ["i_6: aaaa_9999", "i_7: null", "i_8: u-<!channel>"]


def test_what_is_open_on_a_channel_that_is_no_longer_configured_is_said_once(router: Router, failed: Failed) -> None:
    router().raise_(failed())
    alarms = router(PAGERDUTY_ROUTING_KEY=None)
    assert outcomes(alarms.decided(failed().batch_id)) == {"slack": "delivered", "pagerduty": "not configured"}
    assert alarms.deliver() == []
