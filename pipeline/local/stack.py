"""`LocalStack`: the stack as its users see it. It talks to the supervisor through files and locks."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pipeline.core.program import module, program
from pipeline.local.children import own_environment
from pipeline.local.credentials import load_or_create
from pipeline.local.endpoints import Endpoints, endpoints_for
from pipeline.local.errors import StackError
from pipeline.local.layout import Layout, last_lines, open_log
from pipeline.local.pings import answers
from pipeline.local.process_ties import GRACE_SECONDS, START_SECONDS
from pipeline.local.specs import ALL, SERVERS, checked_names, known_names
from pipeline.local.state import (
    ServerRecord,
    ServerState,
    ServerStatus,
    StackState,
    Wanted,
    read_state,
    read_wanted,
    write_wanted,
)
from pipeline.storage.locks import POLL_SECONDS, FileLock, is_held

MAX_SPAWNS = 2
STOP_SECONDS = 2 * GRACE_SECONDS


class LocalStack:
    """The real servers on loopback that belong to one home folder.

    Args:
        home: The folder that holds the data, the logs and the state; made when the first server starts.
        start_seconds: How long a server whose process lives is waited for.
    """

    def __init__(self, home: Path, start_seconds: float = START_SECONDS) -> None:
        self._layout = Layout(home.expanduser().resolve())
        self._start_seconds = start_seconds
        self._up_seconds = start_seconds + STOP_SECONDS

    @property
    def home(self) -> Path:
        """The home folder, absolute."""
        return self._layout.home

    def up(self, names: Iterable[str] = ALL, persistent: bool = True) -> Endpoints:
        """Start what is missing of these servers, and return where they are once all of them answer.

        Args:
            names: Keys of `SERVERS`.
            persistent: Leave them up until `down`, even those that so far are up only for somebody's `use`. When False,
                hold a `use` around the call: servers nobody uses are stopped.

        Raises:
            ConfigurationError: An unknown name, a missing package, or a home that cannot be written.
            StackError: A server did not come up.
        """
        chosen = checked_names(names)
        self._layout.create()
        with FileLock(self._layout.start_lock) as start, FileLock(self._layout.use_lock) as in_use:
            self._take(start.await_exclusive(self._up_seconds), "another start")
            self._take(in_use.await_shared(STOP_SECONDS), "a stop")
            generation = self._order(chosen, persistent)
            state = self._await_up(chosen, generation)
        return self._endpoints(chosen, state)

    @contextlib.contextmanager
    def use(self, names: Iterable[str] = ALL) -> Iterator[Endpoints]:
        """Use these servers for a while: those that are up, or started for it and stopped after the last user.

        Args:
            names: Keys of `SERVERS`.

        Raises:
            ConfigurationError: An unknown name, a missing package, or a home that cannot be written.
            StackError: A server did not come up.
        """
        chosen = checked_names(names)
        self._layout.create()
        with FileLock(self._layout.use_lock) as in_use:
            self._take(in_use.await_shared(STOP_SECONDS), "a stop")
            try:
                yield self.up(chosen, persistent=False)
            finally:
                self._leave(in_use)

    def down(self) -> None:
        """Stop every server, also under those who use them. Nothing happens when none is up.

        Raises:
            StackError: The supervisor did not end in time.
        """
        if not is_held(self._layout.supervisor_lock):
            return
        with FileLock(self._layout.start_lock) as start:
            self._take(start.await_exclusive(self._up_seconds), "a start")
            self._order_stop()
            if not self._await_end():
                raise self._supervisor_error(f"did not stop within {STOP_SECONDS:.0f} s")

    def status(self) -> tuple[ServerStatus, ...]:
        """Return every server's state, in the order of `SERVERS`; one that is up was asked just now."""
        state = read_state(self._layout) if is_held(self._layout.supervisor_lock) else None
        records = state.servers if state else {}
        return tuple(self._status(name, records.get(name, ServerRecord(ServerState.DOWN))) for name in ALL)

    def log_path(self, name: str) -> Path:
        """Return the log file of a server, or of the "supervisor"; it may not exist yet.

        Raises:
            ConfigurationError: There is no such server.
        """
        return self._layout.log(name if name == "supervisor" else known_names([name])[0])

    def _order(self, names: Sequence[str], persistent: bool) -> int:
        """Add to the standing order of a living supervisor, or replace that of one that is gone."""
        before = read_wanted(self._layout)
        alive = is_held(self._layout.supervisor_lock)
        wanted = Wanted(
            generation=before.generation + 1,
            names=tuple(name for name in ALL if name in names or (alive and name in before.names)),
            persistent=persistent or (alive and before.persistent),
            start_seconds=self._start_seconds,
        )
        write_wanted(self._layout, wanted)
        return wanted.generation

    def _spawn_supervisor(self, spawns: int) -> None:
        if spawns == MAX_SPAWNS:
            raise self._supervisor_error("died")
        self._layout.state.unlink(missing_ok=True)
        log = self._layout.log("supervisor")
        with os.fdopen(open_log(log), "wb") as output:
            code = subprocess.run(  # noqa: S603 - our own module under our own interpreter
                module("pipeline.local.supervisor", str(self._layout.home)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=own_environment(),
                check=False,
            ).returncode
        if code:
            raise self._supervisor_error("could not be started")

    def _await_up(self, names: Sequence[str], generation: int) -> StackState:
        """Wait for the answer to our order. A supervisor is started when there is none, or when it ended meanwhile."""
        deadline = time.monotonic() + self._up_seconds
        spawns = 0
        while time.monotonic() < deadline:
            if not is_held(self._layout.supervisor_lock):
                self._spawn_supervisor(spawns)
                spawns += 1
            state = read_state(self._layout)
            if state is not None and state.generation >= generation and self._all_up(names, state):
                return state
            time.sleep(POLL_SECONDS)
        raise self._supervisor_error(f"had not brought up {', '.join(names)} after {self._up_seconds:.0f} s")

    def _all_up(self, names: Sequence[str], state: StackState) -> bool:
        for name in names:
            if state.servers[name].state is ServerState.DIED:
                raise self._server_error(name, state.servers[name].detail)
        return all(state.servers[name].state is ServerState.UP for name in names)

    def _leave(self, in_use: FileLock) -> None:
        """Give up our use. As the last user of a stack that was started for users only, stop it before we go on.

        It raises nothing, so as not to hide what the user's own code raised: the supervisor stops by itself too.
        """
        if read_wanted(self._layout).persistent:
            return
        if not in_use.try_exclusive():
            in_use.await_shared(STOP_SECONDS)  # at once beside other users; after the end when it is being stopped
        elif not read_wanted(self._layout).persistent:
            with contextlib.suppress(OSError):  # the home may be gone already
                self._order_stop()
            self._await_end()

    def _order_stop(self) -> None:
        write_wanted(self._layout, Wanted(read_wanted(self._layout).generation + 1, stop=True))

    def _await_end(self) -> bool:
        deadline = time.monotonic() + STOP_SECONDS
        while is_held(self._layout.supervisor_lock):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _endpoints(self, names: Sequence[str], state: StackState) -> Endpoints:
        ports = {name: state.servers[name].ports["main"] for name in names}
        return endpoints_for(names, ports, load_or_create(self._layout))

    def _status(self, name: str, record: ServerRecord) -> ServerStatus:
        port = record.ports.get("main")
        silent = port is not None and not answers(name, port, load_or_create(self._layout).gemini_api_key)
        return ServerStatus(
            name=name,
            state=record.state,
            port=port,
            pid=record.pid,
            log_path=self._layout.log(name),
            data_dir=self._layout.data(name),
            detail="it does not answer" if silent else record.detail,
        )

    def _take(self, taken: bool, what: str) -> None:
        if not taken:
            raise StackError(
                f"The local stack in {self.home} is held by {what} that has not finished.",
                next_step=f"Try again, or look at `{program()} stack status`.",
            )

    def _server_error(self, name: str, detail: str) -> StackError:
        return self._error(f"The local server {name}, {SERVERS[name].title}, did not come up: {detail}.", name)

    def _supervisor_error(self, what: str) -> StackError:
        return self._error(f"The supervisor of the local stack in {self.home} {what}.", "supervisor")

    def _error(self, message: str, log_name: str) -> StackError:
        log = self._layout.log(log_name)
        last = last_lines(log, 1)
        said = f" Its last line: {last[0]}" if last else ""
        return StackError(f"{message}{said}", next_step=f"Read its log, {log}, then try again.")
