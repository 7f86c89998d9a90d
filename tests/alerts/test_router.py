"""Incidents on real clients against a receiver: who is notified of what, when, and what the outcome says."""

from __future__ import annotations

from pipeline.alerts import transitions
from pipeline.alerts.delivery import update
from pipeline.core.alert import Delivery
from pipeline.core.batch import Batch, Tombstone
from pipeline.core.batches import BatchStatus
from pipeline.core.incident import MAX_WAITING, Incident
from pipeline.ports.incidents import IncidentStore
from tests.alerts.conftest import FOUR, KEY, ONE, THREE, TWO, Clock, Failed, Router, actions, outcomes
from tests.fakes.alert_receiver import AlertReceiver
from tests.fakes.scripted import RecordedProgress


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
