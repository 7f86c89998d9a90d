"""A listener cannot stop, slow or fail whoever reports to it, and what goes wrong with it is told once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from expectations_plugins.core.errors import TransientError
from pipeline.ports.health import Standing
from pipeline.telemetry.event_dispatch import Happened, Listening
from pipeline.telemetry.progress import STANDING, TelemetryProgress
from tests.fakes.scripted import RecordedProgress

NONE = Standing()


class Scripted:
    """Implements pipeline.telemetry.event_dispatch.Listener: keeps what it hears, after doing what a test says."""

    def __init__(self, name: str = "scripted", do: Callable[[Happened], None] = lambda _: None) -> None:
        self.name = name
        self.heard: list[Happened] = []
        self.closed = False
        self._do = do

    def hear(self, happened: Happened) -> None:
        self._do(happened)
        self.heard.append(happened)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a listener that hangs waits for; it is let go at the end."""
    found = threading.Event()
    yield found
    found.set()


def hanging(gate: threading.Event) -> Scripted:
    return Scripted("the one that hangs", lambda _: void(gate.wait(60)))


def void(_: object) -> None:
    """Nothing."""


def raising(_: Happened) -> None:
    raise TransientError("nobody is there")


def test_an_event_is_shown_and_heard_with_its_fields() -> None:
    shown, listener = RecordedProgress(), Scripted()
    progress = TelemetryProgress(shown, [listener], timeout=5)
    progress.event("retry", step="stage:load", attempt=1)
    progress.finish(lambda: None)
    assert shown.events == [("retry", {"step": "stage:load", "attempt": 1})]
    assert (listener.heard[0].name, listener.heard[0].fields) == ("retry", {"step": "stage:load", "attempt": 1})
    assert listener.closed


def test_how_far_a_step_is_is_shown_only() -> None:
    shown, listener = RecordedProgress(), Scripted()
    progress = TelemetryProgress(shown, [listener], timeout=5)
    progress.advance("load", 10, None)
    progress.finish(lambda: None)
    assert (shown.advances, [one.name for one in listener.heard]) == ([("load", 10, None)], [STANDING])


def test_a_listener_that_raises_is_told_of_once_and_goes_on() -> None:
    shown = RecordedProgress()
    bad, good = Scripted("bad", raising), Scripted("good")
    progress = TelemetryProgress(shown, [bad, good], timeout=5)
    progress.event("one")
    progress.event("two")
    progress.finish(lambda: None)
    assert shown.named("telemetry_failed") == [{"listener": "bad", "error": "nobody is there."}]
    assert [one.name for one in good.heard] == ["one", "two", STANDING]


def test_a_listener_that_hangs_is_left_behind_and_the_other_delivers(gate: threading.Event) -> None:
    shown, good = RecordedProgress(), Scripted("good")
    progress = TelemetryProgress(shown, [hanging(gate), good], timeout=0.3)
    progress.event("one")
    progress.event("two")
    progress.finish(lambda: None)
    (told,) = shown.named("telemetry_failed")
    assert told["listener"] == "the one that hangs"
    assert "it was not done in time" in str(told["error"])
    assert good.closed


def test_events_a_slow_listener_has_no_room_for_are_lost_and_counted(gate: threading.Event) -> None:
    listening = Listening(hanging(gate), most=2)
    for number in range(10):
        listening.put(Happened(f"event {number}"))
    assert "events were not delivered" in listening.problem()


def test_what_a_listener_says_of_its_failure_holds_no_secret() -> None:
    shown = RecordedProgress()

    def leaking(_: Happened) -> None:
        raise ValueError("http://user:hunter2pw@collector.example refused")

    progress = TelemetryProgress(shown, [Scripted("leaking", leaking)], timeout=5)
    progress.event("one")
    progress.finish(lambda: None)
    assert "hunter2pw" not in str(shown.events)


def test_the_standing_is_heard_last_and_a_ledger_that_is_down_is_said_to_be() -> None:
    def down() -> Standing:
        raise TransientError("MongoDB: nobody there.")

    found = []
    for ask in (lambda: NONE, down, lambda: None):
        listener = Scripted()
        TelemetryProgress(RecordedProgress(), [listener], timeout=5).finish(ask)
        found.append(listener.heard[-1].fields.get("ledger_up"))
    assert found == [True, False, None]
