"""Fail, fail, pass on real clients against a receiver: who is told, how often, and what the outcome says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import pytest

from expectations_plugins.mongodb.connection import Database
from pipeline.alerts.router import AlertRouter
from pipeline.core.alert import Alert, Delivery
from tests.fakes.alert_receiver import PAGERDUTY, SLACK, WEBHOOK, AlertReceiver, Answer
from tests.fakes.scripted import RecordedProgress

Router = Callable[..., AlertRouter]
Failed = Callable[..., Alert]
KEY = "sluicegate:raw:expect_user_ids_to_be_well_formed"


def outcomes(deliveries: Sequence[Delivery]) -> dict[str, str]:
    return {delivery.channel: str(delivery.status) for delivery in deliveries}


def test_fail_fail_pass_is_one_trigger_and_one_resolve_on_each_channel(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    told = [router().raise_(failed()), router().raise_(failed()), router().all_green("raw"), router().all_green("raw")]
    assert [outcomes(deliveries) for deliveries in told] == [
        {"pagerduty": "delivered", "slack": "delivered"},
        {"pagerduty": "suppressed", "slack": "suppressed"},
        {"pagerduty": "delivered", "slack": "delivered"},
        {},
    ]
    assert receiver.events == [("trigger", KEY), ("resolve", KEY)]
    assert [text.split(".")[0] for text in receiver.messages] == [
        ":rotating_light: The raw gate failed for batch 3f2a91c07d11",
        ":white_check_mark: The raw gate is green again",
    ]


def test_a_failure_after_green_is_news(router: Router, receiver: AlertReceiver, failed: Failed) -> None:
    alarms = router()
    alarms.raise_(failed())
    alarms.all_green("raw")
    alarms.raise_(failed())
    assert [action for action, _ in receiver.events] == ["trigger", "resolve", "trigger"]


def test_another_failure_of_the_gate_is_news_and_a_kept_one_stays_open(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    alarms, other = router(), failed(failure="another")
    alarms.raise_(failed())
    alarms.raise_(other)
    alarms.all_green("raw", keep=(other.dedup_key,))
    assert receiver.events == [("trigger", KEY), ("trigger", other.dedup_key), ("resolve", KEY)]
    assert {row.dedup_key for row in alarms.open_alerts()} == {other.dedup_key}


def test_what_goes_on_is_told_again_after_the_interval(router: Router, receiver: AlertReceiver, failed: Failed) -> None:
    alarms = router(SLUICEGATE_ALERT_INTERVAL=0)
    alarms.raise_(failed())
    alarms.raise_(failed())
    assert receiver.events == [("trigger", KEY)] * 2


def test_what_grows_worse_is_told_at_once_and_what_grows_milder_is_over_for_the_pager(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    alarms = router()
    alarms.raise_(failed(severity="warning"))
    assert receiver.events == []
    alarms.raise_(failed(severity="critical"))
    assert outcomes(alarms.raise_(failed(severity="warning"))) == {"slack": "suppressed", "pagerduty": "delivered"}
    assert receiver.events == [("trigger", KEY), ("resolve", KEY)]
    alarms.raise_(failed(severity="critical"))
    assert len(receiver.messages) == 3
    assert receiver.events[-1] == ("trigger", KEY)


def test_a_channel_that_was_down_is_told_at_the_next_failure(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    receiver.script[SLACK] = [Answer(500)] * 3
    assert outcomes(router().raise_(failed())) == {"pagerduty": "delivered", "slack": "failed"}
    assert outcomes(router().raise_(failed())) == {"pagerduty": "suppressed", "slack": "delivered"}
    assert receiver.events == [("trigger", KEY)]


@pytest.mark.parametrize(("down", "up"), list(permutations((SLACK, PAGERDUTY))))
def test_a_channel_that_cannot_be_reached_stops_neither_the_other_nor_the_caller(
    router: Router, receiver: AlertReceiver, progress: RecordedProgress, down: str, up: str
) -> None:
    nowhere = {
        SLACK: {"SLACK_WEBHOOK_URL": f"https://localhost:1{WEBHOOK}"},
        PAGERDUTY: {"PAGERDUTY_EVENTS_URL": "https://localhost:1"},
    }
    told = router(**nowhere[down]).raise_(Alert("raw", "critical", "A title", "A summary", "b_1", "any"))
    assert outcomes(told) == {down: "failed", up: "delivered"}
    assert "cannot be reached" in next(one.detail for one in told if one.channel == down)
    assert [fields["channel"] for name, fields in progress.events if name == "alert_failed"] == [down]
    assert len(receiver.received[up]) == 1


def test_a_channel_that_hangs_does_not_hold_up_the_caller(
    router: Router, receiver: AlertReceiver, failed: Failed
) -> None:
    receiver.script[SLACK] = [Answer(hang=True)]
    start = time.monotonic()
    told = router(deadline=1.0).raise_(failed())
    assert time.monotonic() - start < 8
    assert outcomes(told) == {"pagerduty": "delivered", "slack": "failed"}
    assert "no answer within 1 s" in next(one.detail for one in told if one.channel == SLACK)


def test_a_resolve_that_fails_is_tried_again(router: Router, receiver: AlertReceiver, failed: Failed) -> None:
    alarms = router()
    alarms.raise_(failed())
    receiver.script[PAGERDUTY] = [Answer(503)] * 3
    assert outcomes(alarms.all_green("raw")) == {"pagerduty": "failed", "slack": "delivered"}
    assert outcomes(alarms.all_green("raw")) == {"pagerduty": "delivered"}


def test_several_processes_at_once_tell_it_once(router: Router, receiver: AlertReceiver, failed: Failed) -> None:
    told: list[dict[str, str]] = []
    at_once = threading.Barrier(4)

    def tell(alarms: AlertRouter) -> None:
        at_once.wait()
        told.append(outcomes(alarms.raise_(failed())))

    threads = [threading.Thread(target=tell, args=(router(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert receiver.events == [("trigger", KEY)]
    assert len(receiver.messages) == 1
    for channel in (SLACK, PAGERDUTY):
        assert sorted(one[channel] for one in told) == ["delivered", *["suppressed"] * 3]


def test_a_claim_whose_owner_died_expires(router: Router, failed: Failed, book: Any, database: Database) -> None:
    for channel in (SLACK, PAGERDUTY):
        assert book.claim(failed(), channel, interval=3600).answer == "granted"
        assert book.claim(failed(), channel, interval=3600).answer == "busy"
    past = {"$set": {"claim_until": {"$subtract": ["$$NOW", 1]}}}
    database.get_collection("alerts").update_many({}, [past])
    assert outcomes(router().raise_(failed())) == {"pagerduty": "delivered", "slack": "delivered"}


def test_a_late_claim_does_not_write_over_a_newer_one(failed: Failed, book: Any, database: Database) -> None:
    old = book.claim(failed(), SLACK, interval=3600)
    database.get_collection("alerts").update_many({}, [{"$set": {"claim_until": {"$subtract": ["$$NOW", 1]}}}])
    new = book.claim(failed(), SLACK, interval=3600)
    book.failed(old, "late")
    assert book.claim(failed(), SLACK, interval=3600).answer == "busy"
    book.told(new, failed())
    assert [(row.channel, row.told) for row in book.open_alerts("raw")] == [(SLACK, 1)]


def test_routes_decide_by_gate_and_severity(router: Router, receiver: AlertReceiver, failed: Failed) -> None:
    alarms = router(SLUICEGATE_ALERT_ROUTES="raw:critical=pagerduty, graph:*=, *:warning=slack")
    assert outcomes(alarms.raise_(failed())) == {"pagerduty": "delivered"}
    assert outcomes(alarms.raise_(failed(gate="graph"))) == {}
    assert outcomes(alarms.raise_(failed(gate="vectors", severity="warning"))) == {"slack": "delivered"}
    assert outcomes(alarms.raise_(failed(gate="vectors"))) == {"pagerduty": "delivered", "slack": "delivered"}
    assert (len(receiver.events), len(receiver.messages)) == (2, 2)


def test_a_channel_that_a_route_names_but_nobody_configured_is_said(router: Router, failed: Failed) -> None:
    alarms = router(SLUICEGATE_ALERT_ROUTES="*:*=slack+pagerduty", SLACK_WEBHOOK_URL=None)
    assert outcomes(alarms.raise_(failed())) == {"slack": "not configured", "pagerduty": "delivered"}


def test_without_a_channel_there_is_a_line_in_the_log_once(
    router: Router, failed: Failed, progress: RecordedProgress
) -> None:
    alarms = router(SLACK_WEBHOOK_URL=None, PAGERDUTY_ROUTING_KEY=None)
    assert alarms.raise_(failed()) == [Delivery("log", "delivered", "no channel is configured")]  # type: ignore[arg-type]
    assert outcomes(alarms.raise_(failed())) == {"log": "suppressed"}
    alarms.all_green("raw")
    assert [name for name, _ in progress.events if name != "alert_delivery"] == ["alert", "alert_resolved"]
    said = progress.events[0][1]
    assert (said["next_step"], said["severity"]) == ("run.py resume 3f2a91c07d11", "critical")
    assert said["examples"] == ["i_6: aaaa_9999", "i_7: null", "i_8: u-<!channel>"]


def test_what_is_open_on_a_channel_that_is_no_longer_configured_is_said_once(router: Router, failed: Failed) -> None:
    router().raise_(failed())
    alarms = router(PAGERDUTY_ROUTING_KEY=None)
    assert outcomes(alarms.all_green("raw")) == {"slack": "delivered", "pagerduty": "not configured"}
    assert alarms.all_green("raw") == []


def test_what_was_told_and_what_was_not_repeated_is_an_event(
    router: Router, failed: Failed, progress: RecordedProgress
) -> None:
    alarms = router(PAGERDUTY_ROUTING_KEY=None)
    alarms.raise_(failed())
    alarms.raise_(failed())
    told = [(event["channel"], event["status"]) for event in progress.named("alert_delivery")]
    assert told == [("slack", "delivered"), ("slack", "suppressed")]
