"""What users ask of the supervisor and what it answers, as values and as the JSON files between them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.local.layout import Layout, write_private
from pipeline.local.process_ties import START_SECONDS


class ServerState(StrEnum):
    """A server's state."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    DIED = "died"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The standing order to the supervisor.

    Attributes:
        generation: Grows with every order, so that an answer can be told from an older one.
        names: The servers that shall run.
        persistent: Stay up when nobody uses the stack.
        stop: Stop everything and end.
        start_seconds: How long a server whose process lives is waited for.
    """

    generation: int = 0
    names: tuple[str, ...] = ()
    persistent: bool = False
    stop: bool = False
    start_seconds: float = START_SECONDS


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """What the supervisor knows of one server; `ports` by name ("main" is the one clients use)."""

    state: ServerState
    pid: int | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StackState:
    """The supervisor's answer: the order it has taken in, and its servers."""

    pid: int
    generation: int
    persistent: bool
    servers: Mapping[str, ServerRecord]


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server, as shown to a person.

    Attributes:
        name: Its key in `SERVERS`.
        state: Up, down, starting or died.
        port: The port clients use, None unless it is up.
        pid: Its process, None unless it runs.
        log_path: Its log file, which may not exist yet.
        data_dir: Its data folder, which may not exist yet.
        detail: Why it died; empty otherwise.
    """

    name: str
    state: ServerState
    port: int | None
    pid: int | None
    log_path: Path
    data_dir: Path
    detail: str = ""


def write_wanted(layout: Layout, wanted: Wanted) -> None:
    """Give the supervisor a new order."""
    write_private(layout.wanted, json.dumps(asdict(wanted)))


def read_wanted(layout: Layout) -> Wanted:
    """Read the standing order; one that is missing or unreadable orders nothing."""
    raw = _read(layout.wanted)
    try:
        return Wanted(
            generation=int(raw["generation"]),
            names=tuple(raw["names"]),
            persistent=bool(raw["persistent"]),
            stop=bool(raw["stop"]),
            start_seconds=float(raw["start_seconds"]),
        )
    except (KeyError, TypeError, ValueError):
        return Wanted()


def write_state(layout: Layout, state: StackState) -> None:
    """Publish the supervisor's answer."""
    write_private(layout.state, json.dumps(asdict(state)))


def read_state(layout: Layout) -> StackState | None:
    """Read the last answer. Whether its writer still lives is told by the supervisor's lock, not by this."""
    raw = _read(layout.state)
    try:
        servers = {name: _record(record) for name, record in raw["servers"].items()}
        return StackState(int(raw["pid"]), int(raw["generation"]), bool(raw["persistent"]), servers)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def write_ready(layout: Layout, name: str, pid: int, ports: Mapping[str, int]) -> None:
    """Tell the supervisor, from a server's own process, where it listens."""
    write_private(layout.ready(name), json.dumps({"pid": pid, "ports": dict(ports)}))


def read_ready(layout: Layout, name: str, pid: int) -> dict[str, int] | None:
    """Read where the server in this process listens; None while it does not, whatever an earlier one wrote."""
    raw = _read(layout.ready(name))
    try:
        return {key: int(port) for key, port in raw["ports"].items()} if raw["pid"] == pid else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _record(raw: Any) -> ServerRecord:
    return ServerRecord(ServerState(raw["state"]), raw["pid"], dict(raw["ports"]), str(raw["detail"]))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
