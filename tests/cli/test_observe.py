"""What a run shows while it works: JSON lines in a pipe, short lines on a terminal."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator, Mapping

import pytest
import structlog
from rich.console import Console

from pipeline.cli.console import ConsoleProgress
from pipeline.cli.logs import JsonProgress, set_up_logging

BATCH = "3f2a91c07d11" + "0" * 52


@pytest.fixture
def quiet() -> Iterator[None]:
    """Logging is as it was before, after the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.usefixtures("quiet")
def test_an_event_is_one_json_line_that_starts_with_time_level_and_event(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("INFO")
    JsonProgress().event("step_ended", batch_id=BATCH, step="stage:load", read=60)
    (line,) = lines(capsys)
    assert list(line) == ["timestamp", "level", "event", "batch_id", "step", "read"]


@pytest.mark.usefixtures("quiet")
def test_the_password_of_an_address_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("INFO")
    JsonProgress().event("retry", error="mongodb://user:hunter2@only-here.example refused")
    (line,) = lines(capsys)
    assert line["error"] == "mongodb://***@only-here.example refused"


@pytest.mark.usefixtures("quiet")
def test_what_libraries_log_is_json_without_secrets_too(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("INFO")
    logging.getLogger("some.driver").warning("lost %s", "bolt://user:hunter2@graph.example")
    (line,) = lines(capsys)
    assert (line["event"], line["logger"]) == ("lost bolt://***@graph.example", "some.driver")


@pytest.mark.usefixtures("quiet")
def test_the_traceback_of_a_bug_is_not_logged_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("INFO")
    JsonProgress().event("bug", error="boom", exc_info=ValueError("boom"))
    (line,) = lines(capsys)
    assert "exception" not in line


@pytest.mark.usefixtures("quiet")
def test_the_traceback_of_a_bug_is_logged_at_debug(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("DEBUG")
    JsonProgress().event("bug", error="boom", exc_info=ValueError("boom"))
    (line,) = lines(capsys)
    assert "ValueError: boom" in str(line["exception"])


def shown(*events: tuple[str, Mapping[str, object]]) -> str:
    """What a terminal 80 columns wide shows of these events, without colours."""
    out = io.StringIO()
    progress = ConsoleProgress(Console(file=out, width=80, force_terminal=False))
    for name, fields in events:
        progress.event(name, **fields)
    progress.close()
    return out.getvalue()


STARTED = ("batch_started", {"batch_id": BATCH, "source": "/logs/0900.jsonl"})
STEP = ("step_started", {"step": "gate:raw"})
FAILED = ("step_ended", {"step": "gate:raw", "ok": False, "duration_s": 0.5, "verdict": "FAIL"})
ENDED = ("batch_ended", {"status": "halted", "duration_s": 2.0, "fresh": True})


def test_a_person_sees_the_file_and_the_short_batch_id() -> None:
    assert "0900.jsonl  3f2a91c07d11" in shown(STARTED, STEP)


def test_a_finding_stands_under_its_gate() -> None:
    verdict = ("verdict", {"findings": ["critical: 3 user_ids are null"]})
    output = shown(STARTED, STEP, verdict, FAILED).splitlines()
    assert "FAIL" in output[1]
    assert "3 user_ids are null" in output[2]


def test_a_batch_that_was_done_before_takes_no_line() -> None:
    assert shown(STARTED, ("batch_ended", {"status": "closed", "duration_s": 0.0, "fresh": False})) == ""


def test_markup_in_data_is_shown_as_it_is() -> None:
    verdict = ("verdict", {"findings": ["[bold red]not ours[/]"]})
    assert "[bold red]not ours[/]" in shown(STARTED, STEP, verdict, FAILED)


def test_the_end_of_a_batch_is_one_line() -> None:
    assert shown(STARTED, STEP, FAILED, ENDED).splitlines()[-1].strip() == "halted after 2.0 s"


@pytest.mark.usefixtures("quiet")
def test_an_alert_without_a_channel_is_a_warning_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("WARNING")
    JsonProgress().event("alert", gate="raw", title="The raw gate failed", next_step="run.py resume 3f2a91c07d11")
    (line,) = lines(capsys)
    assert (line["level"], line["event"], line["next_step"]) == ("warning", "alert", "run.py resume 3f2a91c07d11")


def test_a_terminal_shows_an_alert_that_has_no_channel_and_one_that_could_not_be_delivered() -> None:
    text = shown(
        (
            "alert",
            {"severity": "critical", "title": "The raw gate failed", "summary": "3 are bad.", "next_step": "run.py x"},
        ),
        ("alert_failed", {"channel": "slack", "status": "failed", "detail": "Slack answered 500"}),
        ("alert_resolved", {"gate": "raw", "dedup_key": "sluicegate:raw:x"}),
    )
    assert [line.strip() for line in text.splitlines()] == [
        "alert, critical: The raw gate failed. 3 are bad.",
        "run next: run.py x",
        "could not be alerted: slack: failed: Slack answered 500",
        "alert over: sluicegate:raw:x",
    ]


def test_a_terminal_says_that_pages_were_not_published_and_what_to_do() -> None:
    failed = {"batch_id": "ab" * 32, "error": "OSError: no space left", "next_step": "run.py docs build"}
    assert [line.strip() for line in shown(("docs_failed", failed)).splitlines()] == [
        "its pages were not published: OSError: no space left",
        "the next batch makes up for it, or: run.py docs build",
    ]
