"""A process that has imported everything, and forks to run the command lines it is sent: importing takes seconds.

In comes a JSON line a command; out goes one with its exit code (negative: the signal that ended it). A command that is
to die, or whose stores fail, has a fork of its own; the others share one, which is never the one that died.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.commands import become, environment

ROOT = Path(__file__).parent.parent.parent.parent

MOST = 100
"""Commands a fork runs: each leaves something behind in Great Expectations."""


@dataclass(frozen=True, slots=True)
class Order:
    """A command line to run, and where it is to die.

    Args:
        arguments: After `run.py`.
        variables: Of its environment; no others that are ours.
        folder: Its working directory; output, log and points are kept there.
        at: The point it dies at, from 0; None for none.
        number: The signal it dies of.
        odds: How its stores fail, by the names of `Odds`; none does when it is empty.
    """

    arguments: Sequence[str]
    variables: Mapping[str, str]
    folder: str
    at: int | None = None
    number: int = int(signal.SIGKILL)
    odds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, and the points it reached."""

    code: int
    points: tuple[str, ...] = field(default=())


class Spare:
    """The client's side of a spare process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.crashes.spare"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, order: Order) -> Ended:
        """Run a command line to its end, whatever end that is."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        points = Path(order.folder) / "points"
        points.unlink(missing_ok=True)
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        code = int(json.loads(self._process.stdout.readline()))
        return Ended(code, tuple(points.read_text().splitlines()) if points.exists() else ())

    def __enter__(self) -> Spare:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()


def serve() -> None:
    """Import, then pass orders on to a fork, until it has died or is used up."""
    importlib.import_module("tests.imported")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lasting = Child()
    for line in sys.stdin:
        order = json.loads(line)
        if order["at"] is not None or order["odds"]:
            with contextlib.closing(Child()) as victim:
                code = victim.run(line)
        else:
            if lasting.used_up:
                lasting.close()
                lasting = Child()
            code = lasting.run(line)
        answers.write(json.dumps(code) + "\n")
        answers.flush()


class Child:
    """A fork, from the side of its parent."""

    def __init__(self) -> None:
        theirs, ours = socket.socketpair()
        self._process = os.fork()
        if self._process == 0:
            ours.close()
            _serve_parent(theirs)
        theirs.close()
        self._lines = ours.makefile("rw", encoding="utf-8")
        self._left = MOST

    @property
    def used_up(self) -> bool:
        """Whether it is dead, or has run enough."""
        return self._left <= 0

    def run(self, line: str) -> int:
        """An order's exit code; the negative signal when it ended the fork."""
        self._left -= 1
        self._lines.write(line)
        self._lines.flush()
        if answer := self._lines.readline():
            return int(answer)
        self._left = 0
        _, status = os.waitpid(self._process, 0)
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """End it; one that has died has gone."""
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)


def _serve_parent(parent: socket.socket) -> None:
    """Be the commands that are sent, to the end of the process."""
    try:
        lines = parent.makefile("rw", encoding="utf-8")
        while line := lines.readline():
            order = json.loads(line)
            _set_up(order)
            code = _command(order)
            sys.stdout.flush()
            sys.stderr.flush()
            lines.write(f"{code}\n")
            lines.flush()
    finally:
        os._exit(99)


def _set_up(order: Mapping[str, Any]) -> None:
    become(order["arguments"], environment(**order["variables"]), order["folder"])
    sys.stderr = sys.__stderr__  # the command before left it wrapped


def _command(order: Mapping[str, Any]) -> int:
    from sluicegate.app import App  # noqa: PLC0415
    from sluicegate.commands import start  # noqa: PLC0415
    from tests.faults.crashes.faulty import Chance, Faulty, Odds  # noqa: PLC0415
    from tests.faults.crashes.seam import Deadline, Watched  # noqa: PLC0415

    deadline, chance = Deadline("points", order["at"], order["number"]), Chance(Odds(**order["odds"]))

    def through(name: str, port: Any, /) -> Any:
        return Faulty(name, port, chance) if order["odds"] else Watched(name, port, deadline.visit)

    try:
        start(lambda: App(through))
    except SystemExit as end:
        return int(end.code or 0)


if __name__ == "__main__":
    serve()
