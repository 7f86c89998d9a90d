"""Points at which a process may die: before and after every write through a port, and around every gate.

The composition root hands every port out through a seam; nothing of this is in the product.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

Visit = Callable[[str], None]

POINTS: Mapping[str, frozenset[str]] = {
    "ledger": frozenset(
        {
            "open_batch",
            "acquire",
            "release",
            "start_step",
            "end_step",
            "record_gate",
            "record_action",
            "clear_steps",
            "reopen_steps",
            "set_status",
            "decide",
            "finish_decision",
            "set_counts",
            "set_span",
            "set_embedding",
            "begin_rollback",
            "set_rolled_back",
            "bury",
            "exhume",
        }
    ),
    "dead_queue": frozenset({"adopt", "replayed", "drop_letters", "drop_batch"}),
    "raw_store": frozenset({"insert", "quarantine", "release", "take_over"}),
    "metrics": frozenset({"replace", "publish"}),
    "graph_store": frozenset({"write", "prune", "load_campaigns"}),
    "review_queue": frozenset({"flag", "resolve", "reopen"}),
    "vectors": frozenset({"upsert", "delete"}),
    "journal": frozenset({"keep", "rolled_back"}),
    "embedder": frozenset({"embed"}),
    "gate": frozenset({"check"}),
    "alerts": frozenset({"raise_", "passed", "decided", "recovered", "batch_ended"}),
}
"""By port: what writes, and what asks for a gate's verdict. Renewals of a lease are left out: a clock makes them."""


class Watched:
    """A port whose writes are points.

    Args:
        name: The port's, as in `POINTS`.
        port: The real one.
        visit: Told of each point as it is reached.
    """

    def __init__(self, name: str, port: Any, visit: Visit) -> None:
        self._name, self._port, self._visit = name, port, visit

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._port, method)
        if method not in POINTS.get(self._name, ()):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._visit(f"before {self._name}.{method}")
            answer = found(*args, **kwargs)
            self._visit(f"after {self._name}.{method}")
            return answer

        return call


class Deadline:
    """Sends this process a signal when it reaches its n-th point, and writes every point down.

    Args:
        journal: File the points are written to, one a line.
        at: Which point, from 0; None for none.
        number: The signal.
    """

    def __init__(self, journal: str, at: int | None, number: int) -> None:
        self._file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._at, self._number, self._reached = at, number, 0

    def visit(self, point: str) -> None:
        """Note the point, and die if it is the one."""
        os.write(self._file, f"{point}\n".encode())
        here, self._reached = self._reached, self._reached + 1
        if here == self._at:
            os.kill(os.getpid(), self._number)
