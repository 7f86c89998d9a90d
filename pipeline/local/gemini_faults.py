"""Faults that can be ordered from the local embeddings server: what is ordered, and what is still due. No HTTP here."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

STATUS_FAULTS: Mapping[str, int] = {"400": 400, "429": 429, "500": 500, "503": 503}
VECTOR_FAULTS = frozenset({"zero", "wrong_length", "non_finite"})
FAULTS = frozenset({*STATUS_FAULTS, *VECTOR_FAULTS, "slow", "short"})
SLOW_SECONDS = 5.0
NOT_A_NUMBER = "NaN"  # protobuf's JSON reads a number that is none from this string only, and refuses the literal


@dataclass(frozen=True, slots=True)
class Fault:
    """One order.

    Attributes:
        kind: One of `FAULTS`.
        times: How many more requests it hits; None for all.
        match: It hits only texts that hold this; None for all.
        retry_after: Seconds to tell the client to wait, with a status fault.
        seconds: How long "slow" takes.
    """

    kind: str
    times: int | None = None
    match: str | None = None
    retry_after: float | None = None
    seconds: float = SLOW_SECONDS

    def hits(self, text: str) -> bool:
        """Whether this text is one of those it is meant for."""
        return self.match is None or self.match in text


class FaultPlan:
    """The faults still due, shared by the server's threads."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._due = list(faults)
        self._lock = threading.Lock()

    def add(self, faults: Sequence[Fault]) -> None:
        """Order more."""
        with self._lock:
            self._due.extend(faults)

    def clear(self) -> None:
        """Forget all that are due."""
        with self._lock:
            self._due.clear()

    def due_for(self, texts: Sequence[str]) -> tuple[Fault, ...]:
        """Return the faults that hit a request of these texts, and count it on each of them.

        A status fault ends the request, so what was ordered after it stays due.
        """
        hitting: list[Fault] = []
        with self._lock:
            for place, fault in enumerate(self._due):
                if not any(map(fault.hits, texts)):
                    continue
                hitting.append(fault)
                if fault.times is not None:
                    self._due[place] = replace(fault, times=fault.times - 1)
                if fault.kind in STATUS_FAULTS:
                    break
            self._due = [fault for fault in self._due if fault.times is None or fault.times > 0]
        return tuple(hitting)


def parse_faults(raw: Any) -> tuple[Fault, ...]:
    """Read one order or a list of them from JSON values.

    Raises:
        ValueError: Something in it is not what `POST /faults` takes; the message says what.
    """
    return tuple(_parse(entry) for entry in (raw if isinstance(raw, list) else [raw]))


def spoil(vector: list[float], text: str, faults: Sequence[Fault]) -> list[float | str]:
    """Return the vector as the faults want it for this text."""
    spoilt: list[float | str] = list(vector)
    for fault in faults:
        if fault.kind in VECTOR_FAULTS and fault.hits(text):
            spoilt = _spoil(spoilt, fault.kind)
    return spoilt


def _spoil(vector: list[float | str], kind: str) -> list[float | str]:
    if kind == "zero":
        return [0.0] * len(vector)
    if kind == "wrong_length":
        return vector[:-1]
    return [NOT_A_NUMBER, *vector[1:]]


def _parse(raw: Any) -> Fault:
    if not isinstance(raw, dict) or raw.get("fault") not in FAULTS:
        raise ValueError(f'an order is {{"fault": ...}} with one of {", ".join(sorted(FAULTS))}')
    known = {"fault", "times", "match", "retry_after", "seconds"}
    if unknown := sorted(set(raw) - known):
        raise ValueError(f"unknown keys: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return Fault(
        kind=raw["fault"],
        times=_optional(raw, "times", int),
        match=_optional(raw, "match", str),
        retry_after=_optional(raw, "retry_after", int, float),
        seconds=_optional(raw, "seconds", int, float) or SLOW_SECONDS,
    )


def _optional(raw: Mapping[str, Any], key: str, *kinds: type) -> Any:
    value = raw.get(key)
    if value is None or (isinstance(value, kinds) and not isinstance(value, bool)):
        return value
    raise ValueError(f"{key} must be {' or '.join(kind.__name__ for kind in kinds)}, or null")
