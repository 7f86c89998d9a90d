"""One server process as its supervisor sees it: started, asked, stopped."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable

from pipeline.core.program import child_environment, module
from pipeline.local.credentials import Credentials
from pipeline.local.layout import Layout, open_log
from pipeline.local.pings import answers
from pipeline.local.process_ties import GRACE_SECONDS
from pipeline.local.specs import SERVERS
from pipeline.local.state import ServerRecord, ServerState, read_ready

CLIENT_VARIABLES = ("MONGODB_", "NEO4J_", "MILVUS_", "BIGQUERY_", "GEMINI_", "GOOGLE_", "SLACK_", "PAGERDUTY_")
"""Prefixes of variables that name real stores and their credentials; no local server has a use for them."""

SECRET_ENDINGS = ("_PASSWORD", "_TOKEN", "_SECRET", "_KEY")
"""What else in the environment of a person is none of a local server's business."""


class Child:
    """A server process. The supervisor's main thread makes it: the kernel ties it to the thread that did."""

    def __init__(self, name: str, layout: Layout, credentials: Credentials, start_seconds: float) -> None:
        self._name = name
        self._layout = layout
        self._credentials = credentials
        self._start_seconds = start_seconds
        self._deadline = time.monotonic() + start_seconds
        self._process = self._spawn()
        self.record = ServerRecord(ServerState.STARTING, self._process.pid)

    def refresh(self) -> ServerRecord:
        """Look at the process and, while it starts, ask the server whether it answers; return what is known now."""
        code = self._process.poll()
        if code is not None and self.record.state is not ServerState.DIED:
            self.record = ServerRecord(ServerState.DIED, detail=_how_it_ended(code))
        elif self.record.state is ServerState.STARTING:
            self._look_for_an_answer()
        return self.record

    def ask_to_stop(self) -> None:
        """Send SIGTERM; the server closes its data."""
        if self._process.poll() is None:
            self._process.terminate()

    def await_end(self, deadline: float) -> None:
        """Wait for the end, and force it at the deadline (of `time.monotonic`)."""
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _spawn(self) -> subprocess.Popen[bytes]:
        log = open_log(self._layout.log(self._name))
        try:
            return subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
                module("pipeline.local.server_process", self._name, str(self._layout.home), str(os.getpid())),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**own_environment(), **SERVERS[self._name].environment},
            )
        finally:
            os.close(log)

    def _look_for_an_answer(self) -> None:
        ports = read_ready(self._layout, self._name, self._process.pid)
        if ports and answers(self._name, ports["main"], self._credentials.gemini_api_key):
            self.record = ServerRecord(ServerState.UP, self._process.pid, ports)
        elif time.monotonic() > self._deadline:
            self._process.kill()
            self._process.wait()
            self.record = ServerRecord(
                ServerState.DIED,
                detail=f"it did not answer within {self._start_seconds:g} s (SLUICEGATE_START_SECONDS)",
            )


def stop_all(children: Iterable[Child]) -> None:
    """Stop them side by side; what has not ended after the grace is killed."""
    stopping = list(children)
    for child in stopping:
        child.ask_to_stop()
    deadline = time.monotonic() + GRACE_SECONDS + 1
    for child in stopping:
        child.await_end(deadline)


def _how_it_ended(code: int) -> str:
    return f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"


def own_environment() -> dict[str, str]:
    """The environment without what is meant for clients: the drivers inside the servers would read it too."""
    return {
        name: value
        for name, value in child_environment().items()
        if not name.startswith(CLIENT_VARIABLES) and not name.endswith(SECRET_ENDINGS)
    }
