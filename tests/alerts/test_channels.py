"""What the real clients put on the wire, how often they try, and that no secret gets out."""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from expectations_plugins.core.errors import ConfigurationError, SluicegateError, TerminalError, TransientError
from pipeline.alerts.channels import Channel, configured_channels
from pipeline.alerts.channels.slack import blocks_of, end_blocks
from pipeline.alerts.redaction import Secrecy
from pipeline.alerts.router import AlertRouter
from pipeline.config import load_settings
from pipeline.core.alert import MAX_KEY
from tests.alerts.conftest import Failed
from tests.fakes.alert_receiver import PAGERDUTY, SLACK, WEBHOOK, AlertReceiver, Answer
from tests.fakes.scripted import RecordedProgress

Golden = Callable[[str, str], None]
SECRETS = ("slackSecretToken24Letters", "T0AAAAAAA", "routingKeyOf32CharactersInLength")
BOTH = pytest.mark.parametrize("name", [SLACK, PAGERDUTY])


@pytest.fixture
def channels(receiver: AlertReceiver) -> dict[str, Channel]:
    return dict(configured_channels(load_settings(**receiver.variables())))


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def test_slack_gets_blocks_a_person_can_act_on(
    channels: dict[str, Channel], receiver: AlertReceiver, failed: Failed, golden: Golden
) -> None:
    channels[SLACK].trigger(failed())
    channels[SLACK].resolve(failed(title="Over: The raw gate failed", summary="Batch 3f2a91c07d11 is closed."))
    golden("slack_alert.json", as_json(receiver.received[SLACK]))


def test_pagerduty_gets_an_event_with_key_severity_and_details(
    channels: dict[str, Channel], receiver: AlertReceiver, failed: Failed, golden: Golden
) -> None:
    channels[PAGERDUTY].trigger(failed())
    channels[PAGERDUTY].resolve(failed(title="Over: The raw gate failed", summary="Batch 3f2a91c07d11 is closed."))
    golden("pagerduty_events.json", as_json(receiver.received[PAGERDUTY]))


@pytest.mark.parametrize("severity", ["critical", "error", "warning"])
def test_severities_are_pagerdutys_own(
    channels: dict[str, Channel], receiver: AlertReceiver, failed: Failed, severity: str
) -> None:
    channels[PAGERDUTY].trigger(failed(severity=severity))
    assert receiver.received[PAGERDUTY][0]["payload"]["severity"] == severity


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {
            "title": "t" * 9_000,
            "summary": "s" * 90_000,
            "next_step": "n" * 9_000,
            "examples": (("k" * 999, "w" * 999),),
        },
        {"title": "&" * 9_000, "summary": "<" * 9_000, "gate": ">" * 900, "docs": f"https://x/{'y' * 4_000}"},
        {"gate": "graph", "examples": (("&" * 300, "<" * 300),) * 3},
        {"title": "", "summary": "", "next_step": "", "batch_id": "", "examples": ()},
        {"title": "\ud800", "summary": "a\nb\x00", "examples": (("", ""),), "docs": "file:///site/index.html"},
    ],
    ids=["usual", "long", "long when escaped", "long examples", "empty", "odd"],
)
def test_the_blocks_are_within_what_slack_takes(failed: Failed, fields: dict[str, Any]) -> None:
    for block in [*Block.parse_all(blocks_of(failed(**fields))), *Block.parse_all(end_blocks(failed(**fields)))]:
        assert block is not None
        block.validate_json()
    for text in texts_in(blocks_of(failed(**fields))):
        assert 1 <= len(text) <= 3_000


def texts_in(value: Any) -> list[str]:
    """Every text of Block Kit, however deep."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for part in value.values() for text in texts_in(part)]
    return [text for part in value for text in texts_in(part)] if isinstance(value, list) else []


def test_hostile_texts_mention_nobody_and_link_nowhere(
    channels: dict[str, Channel], receiver: AlertReceiver, failed: Failed
) -> None:
    hostile = "<!channel> <https://evil.example|click> `x` & <@U123>"
    channels[SLACK].trigger(failed(gate="graph", title=hostile, summary=hostile, examples=((hostile, hostile),)))
    (message,) = receiver.received[SLACK]
    formatted = [
        message["text"],
        *(block["text"]["text"] for block in message["blocks"] if block["type"] == "section" and "text" in block),
    ]
    assert not [text for text in formatted if "<" in text]
    assert message["unfurl_links"] is False


def test_a_page_of_this_machine_is_no_link(
    channels: dict[str, Channel], receiver: AlertReceiver, failed: Failed
) -> None:
    local = failed(docs="file:///srv/docs/index.html")
    for channel in channels.values():
        channel.trigger(local)
    assert "links" not in receiver.received[PAGERDUTY][0]
    assert "actions" not in {block["type"] for block in receiver.received[SLACK][0]["blocks"]}
    assert "`file:///srv/docs/index.html`" in json.dumps(receiver.received[SLACK][0])


def test_a_long_key_stays_within_what_pagerduty_takes_and_differs(failed: Failed) -> None:
    one, other = (failed(failure="+".join(["expect_x"] * 60) + end).dedup_key for end in "ab")
    assert len(one) <= MAX_KEY
    assert one != other


@BOTH
def test_retry_after_is_honoured(
    channels: dict[str, Channel], receiver: AlertReceiver, failed: Failed, name: str
) -> None:
    receiver.script[name] = [Answer(429, {"Retry-After": "1"})]
    start = time.monotonic()
    channels[name].trigger(failed())
    assert time.monotonic() - start >= 1
    assert len(receiver.received[name]) == 2


@BOTH
def test_500s_and_then_success(
    channels: dict[str, Channel], receiver: AlertReceiver, failed: Failed, name: str
) -> None:
    receiver.script[name] = [Answer(500), Answer(502)]
    channels[name].trigger(failed())
    assert len(receiver.received[name]) == 3


@BOTH
@pytest.mark.parametrize("answer", [Answer(429), Answer(503), Answer(500)])
def test_tries_are_bounded(
    channels: dict[str, Channel], receiver: AlertReceiver, failed: Failed, name: str, answer: Answer
) -> None:
    receiver.script[name] = [answer] * 50
    with pytest.raises(TransientError, match=f"answered {answer.status}"):
        channels[name].trigger(failed())
    assert len(receiver.received[name]) == 3


@pytest.mark.parametrize("asked", ["3600", "soon", "-1", "1.5"])
def test_slack_asking_for_too_long_is_not_waited_for(
    channels: dict[str, Channel], receiver: AlertReceiver, failed: Failed, asked: str
) -> None:
    receiver.script[SLACK] = [Answer(429, {"Retry-After": asked})]
    with pytest.raises(TransientError):
        channels[SLACK].trigger(failed())
    assert len(receiver.received[SLACK]) == 1


@BOTH
def test_a_refusal_is_not_tried_again(
    channels: dict[str, Channel], receiver: AlertReceiver, failed: Failed, name: str
) -> None:
    refusal = {
        SLACK: "invalid_blocks",
        PAGERDUTY: '{"message": "Event object is invalid", "errors": ["\'payload\' is"]}',
    }
    receiver.script[name] = [Answer(400, body=refusal[name])]
    with pytest.raises(TerminalError, match=r"answered 400: (invalid_blocks|Event.*; 'payload' is), which"):
        channels[name].trigger(failed())
    assert len(receiver.received[name]) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(202, body="not json"),
        Answer(202, body="[]"),
        Answer(202, body='{"status": "error", "dedup_key": "x"}'),
        Answer(200, body='{"status": "success", "dedup_key": "x"}'),
        Answer(302),
    ],
)
def test_an_answer_of_pagerduty_that_makes_no_sense_is_said(
    channels: dict[str, Channel], receiver: AlertReceiver, failed: Failed, answer: Answer
) -> None:
    receiver.script[PAGERDUTY] = [answer]
    with pytest.raises(TerminalError):
        channels[PAGERDUTY].trigger(failed())


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, body="no_text"),
        Answer(200),
        Answer(200, body="<html><title>Sign in</title>ok</html>"),
        Answer(204, body="ok"),
    ],
    ids=["no_text", "empty", "login page", "another status"],
)
def test_only_slacks_ok_is_a_delivery(
    channels: dict[str, Channel], receiver: AlertReceiver, failed: Failed, answer: Answer
) -> None:
    receiver.script[SLACK] = [answer]
    with pytest.raises(TerminalError, match="which is not its `ok`"):
        channels[SLACK].trigger(failed())


LEAKY = json.dumps({"message": SECRETS[-1], "errors": [SECRETS[-1]]})
TROUBLES = {
    "refused": {SLACK: [Answer(403, body=WEBHOOK)], PAGERDUTY: [Answer(403, body=LEAKY)]},
    "no words": {SLACK: [Answer(403)], PAGERDUTY: [Answer(403, body=SECRETS[-1])]},
    "busy": {SLACK: [Answer(500)] * 3, PAGERDUTY: [Answer(429)] * 3},
    "moved": {SLACK: [Answer(302, {"Location": f"https://localhost:1{WEBHOOK}"})] * 3, PAGERDUTY: [Answer(302)]},
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_secret_in_outcome_log_or_exception(
    channels: dict[str, Channel],
    receiver: AlertReceiver,
    failed: Failed,
    caplog: pytest.LogCaptureFixture,
    trouble: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.script = {name: [*answers] for name, answers in TROUBLES[trouble].items()}
    said = [caplog.text]
    for channel in channels.values():
        with pytest.raises(SluicegateError) as refused:
            channel.trigger(failed())
        said += traceback.format_exception(refused.value)
    assert [secret for secret in SECRETS if secret in " ".join([*said, caplog.text])] == []


def test_no_secret_in_what_is_reported(
    router: Callable[..., AlertRouter], receiver: AlertReceiver, failed: Failed, progress: RecordedProgress
) -> None:
    receiver.script = {name: [*answers] for name, answers in TROUBLES["refused"].items()}
    told = router().raise_(failed())
    assert {str(one.status) for one in told} == {"failed"}
    assert [secret for secret in SECRETS if secret in f"{told} {progress.events}"] == []


def test_the_name_of_a_database_is_no_secret() -> None:
    settings = load_settings(
        MONGODB_URI="mongodb://ann:hunter2@db.example/sluicegate", SLACK_WEBHOOK_URL="https://h/T0A/B0Bsecret"
    )
    secrecy = Secrecy(settings)
    assert secrecy.without("sluicegate:raw hunter2 B0Bsecret") == "sluicegate:raw *** ***"


@BOTH
def test_a_certificate_nobody_vouches_for_is_refused(receiver: AlertReceiver, failed: Failed, name: str) -> None:
    channels = configured_channels(load_settings(**receiver.variables(SLUICEGATE_ALERT_CA_BUNDLE=None)))
    with pytest.raises(SluicegateError, match="cannot be reached"):
        channels[name].trigger(failed())
    assert receiver.received[name] == []


@pytest.mark.parametrize(
    "variables",
    [
        {"SLACK_WEBHOOK_URL": "http://hooks.example/slackSecretToken24Letters"},
        {"PAGERDUTY_EVENTS_URL": "http://events.example"},
        {"SLUICEGATE_ALERT_ROUTES": "raw=slack"},
        {"SLUICEGATE_ALERT_ROUTES": "raw:dreadful=slack"},
        {"SLUICEGATE_ALERT_ROUTES": "raw:critical=pigeon"},
        {"SLUICEGATE_ALERT_INTERVAL": "-1"},
    ],
)
def test_a_setting_that_cannot_be_used_is_said_before_anything_starts(variables: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(**variables)
    assert next(iter(variables)) in str(refused.value)
    assert "slackSecretToken" not in str(refused.value)


def test_certificates_that_cannot_be_read_are_said(receiver: AlertReceiver, tmp_path: Any) -> None:
    (tmp_path / "not.pem").write_text("hello")
    for bundle in (tmp_path / "not.pem", tmp_path / "missing.pem"):
        with pytest.raises(ConfigurationError, match="SLUICEGATE_ALERT_CA_BUNDLE"):
            configured_channels(load_settings(**receiver.variables(SLUICEGATE_ALERT_CA_BUNDLE=str(bundle))))
