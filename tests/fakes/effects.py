"""What checkpoint actions act on, as fakes at its ports: they write down what was asked, and fail when told to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from checkpoints.actions.scope import Effects
from pipeline.core.rollback_plan import RollbackPlan


class Killed(BaseException):
    """The process ends here; nobody catches it."""


@dataclass(slots=True)
class Told:
    """A delivery."""

    channel: str
    status: str
    detail: str = ""


@dataclass(slots=True)
class Hands:
    """Alarms, review queue and rollback in one; `failing` raises for the calls named, once each."""

    calls: list[str] = field(default_factory=list)
    alerts: list[Any] = field(default_factory=list)
    failing: dict[str, BaseException] = field(default_factory=dict)

    def raise_(self, alert: Any) -> Sequence[Told]:
        self._called("alert")
        self.alerts.append(alert)
        return [Told("slack", "delivered")]

    def passed(self, gate: str, batch_id: str, keep: Sequence[str] = ()) -> Sequence[Told]:
        del batch_id, keep
        self._called(f"passed {gate}")
        return []

    def flag(self, batch_id: str, *, gate: str, run_id: str, fence: int) -> int:
        del batch_id, gate, run_id, fence
        self._called("flag")
        return 2

    def perform(self, lease: Any, batch_id: str, embedding_batch_id: str) -> RollbackPlan:
        del lease
        self._called(f"rollback {embedding_batch_id}")
        return RollbackPlan(batch_id, embedding_batch_id, "vectors", removed=40, restored=3, expected=43)

    def over(self, real: Effects, **others: Any) -> Effects:
        """These hands in place of a site's own; the ledger and the raw store stay real unless they are given."""
        return replace(real, review=lambda: self, rollback=lambda: self, alarms=lambda: self, **others)

    def _called(self, what: str) -> None:
        self.calls.append(what)
        error = self.failing.pop(what.split(" ", maxsplit=1)[0], None)
        if error is not None:
            raise error


@dataclass(slots=True)
class WatchedRawStore:
    """A raw store that runs something before it quarantines; the rest is the real one's."""

    real: Any
    before: Any
    quarantined: int = 0

    def quarantine(self, *args: Any, **kwargs: Any) -> int:
        self.quarantined += 1
        self.before()
        return int(self.real.quarantine(*args, **kwargs))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)
