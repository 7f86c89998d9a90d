"""Ports that fail by chance: before a write, after it was done, or in the middle of it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from expectations_plugins.core.errors import TerminalError, TransientError
from tests.faults.crashes.seam import POINTS

HALVED: Mapping[str, int] = {"raw_store.insert": 1, "graph_store.write": 1, "vectors.upsert": 0, "vectors.delete": 0}
"""Bulk writes, and which of their arguments is the list that may be written in part."""

TOLERANT = frozenset({"alerts", "embedder", "gate"})
"""Ports that never raise, by their contract; they are left alone."""


@dataclass(frozen=True, slots=True)
class Odds:
    """How likely a write is to fail, 0..1 each.

    Args:
        transient: Before anything is done, and may heal.
        terminal: Before anything is done, for good.
        committed: After it was done: the answer was lost.
        partial: After half of a bulk write.
        seed: Of the chance.
    """

    transient: float = 0.0
    terminal: float = 0.0
    committed: float = 0.0
    partial: float = 0.0
    seed: int = 0


class Chance:
    """Decides, for every write, what befalls it."""

    def __init__(self, odds: Odds) -> None:
        self._odds, self._random = odds, random.Random(odds.seed)

    def draw(self) -> str:
        """The name of a fault, or "" for none."""
        drawn = self._random.random()
        for name in ("transient", "terminal", "committed", "partial"):
            drawn -= getattr(self._odds, name)
            if drawn < 0:
                return name
        return ""


class Faulty:
    """A port whose writes fail by chance.

    Args:
        name: The port's.
        port: The real one.
        chance: What befalls each write.
    """

    def __init__(self, name: str, port: Any, chance: Chance) -> None:
        self._name, self._port, self._chance = name, port, chance

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._port, method)
        if self._name in TOLERANT or method not in POINTS.get(self._name, ()):
            return found
        what = f"{self._name}.{method}"

        def call(*args: Any, **kwargs: Any) -> Any:
            fault = self._chance.draw()
            if fault == "transient":
                raise TransientError(f"{what}: the store went away.")
            if fault == "terminal":
                raise TerminalError(f"{what}: the store refused.")
            if fault == "partial" and what in HALVED:
                found(*_halved(args, HALVED[what]), **kwargs)
                raise TransientError(f"{what}: half of it was written.")
            answer = found(*args, **kwargs)
            if fault:
                raise TransientError(f"{what}: it was done, and the answer was lost.")
            return answer

        return call


def _halved(args: tuple[Any, ...], index: int) -> tuple[Any, ...]:
    whole = args[index]
    return (*args[:index], whole[: len(whole) // 2], *args[index + 1 :])
