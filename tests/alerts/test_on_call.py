"""A night on call, as docs/alerts.md has it: a halt, a channel that is down, a reminder, two decisions."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from pipeline.alerts.router import AlertRouter
from pipeline.cli.alerts import alerts
from pipeline.core.alert import Alert
from tests.alerts.conftest import KEY, Clock
from tests.alerts.test_commands import Site
from tests.fakes.alert_receiver import SLACK, AlertReceiver, Answer

PAGE = Path(__file__).parent.parent.parent / "docs" / "alerts.md"
FIRST, SECOND, THIRD = "3f2a91c07d11" + "0" * 52, "b71c01dd45b7" + "0" * 52, "c0ffee12ab34" + "0" * 52


class Night:
    """Writes down what happens, and when."""

    def __init__(self, receiver: AlertReceiver, clock: Clock) -> None:
        self._receiver, self._clock = receiver, clock
        self._messages = self._events = 0
        self.lines: list[str] = []

    def note(self, what: str) -> None:
        """What was done, and what reached the channels since; what Slack answered with 503 did not."""
        self.lines.append(f"{self._clock():%H:%M}  {what}")
        for text in self._receiver.messages[self._messages :]:
            head = re.sub(r"^:\w+: ", "", text)
            self.lines.append(f"         Slack      {head.split(' 3 of 60')[0]}")
        for action, _ in self._receiver.events[self._events :]:
            self.lines.append(f"         PagerDuty  {action}")
        self._messages, self._events = len(self._receiver.messages), len(self._receiver.events)

    def skip(self) -> None:
        """What was refused is no message."""
        self._messages = len(self._receiver.messages)


def test_a_night_on_call(
    router: Callable[..., AlertRouter], receiver: AlertReceiver, failed: Callable[..., Alert], clock: Clock
) -> None:
    night = Night(receiver, clock)

    def ask(*arguments: str) -> str:
        return CliRunner().invoke(alerts, arguments, obj=Site(router()), standalone_mode=False).output

    receiver.script[SLACK] = [Answer(503)] * 3
    router().raise_(failed(batch_id=FIRST))
    night.skip()
    night.note("batch 3f2a91c07d11 is halted; Slack answers 503")
    (owed,) = [line for line in ask("list").splitlines() if line.startswith("Owed:")]
    night.lines.append(f"         {owed}")
    clock.advance(minutes=10)
    router().batch_ended(THIRD, closed=True)
    night.note("the next run: its batch passes, and Slack works again")
    clock.advance(minutes=10)
    router().raise_(failed(batch_id=SECOND))
    night.note("batch b71c01dd45b7 is halted by the same failure")
    clock.advance(minutes=50)
    router().deliver()
    night.note("`run.py watch`, an hour after the last message")
    clock.advance(hours=4)
    router().deliver()
    night.note("`run.py watch`, four hours later")
    clock.advance(minutes=5)
    router().decided(FIRST)
    night.note("`run.py resume 3f2a91c07d11`")
    router().decided(SECOND)
    night.note("`run.py reject b71c01dd45b7`")
    night.lines.append(f"         {ask('list').strip()}")
    assert receiver.events == [*[("trigger", KEY)] * 3, ("resolve", KEY)]
    page = PAGE.read_text("utf-8").partition("<!-- on call -->\n```\n")[2].partition("\n```")[0]
    assert "\n".join(night.lines) == page
