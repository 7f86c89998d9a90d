"""The run an action acts in: set by the gate, absent when a checkpoint is run by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from pipeline.model import ActionOutcome, Lease
from pipeline.ports import RawStore

DONE = "done"
NOTHING = "nothing to do"
WOULD = "would do"
FAILED = "failed"


@dataclass(slots=True)
class ActionScope:
    """What actions may touch.

    Args:
        gate: The gate that runs.
        batch_id: The batch it judges.
        run_id: Id of this check; actions are idempotent by it.
        lease: The run's lease; None when the run only looks.
        raw_store: Where records are marked.
        outcomes: What became of each action.
        docs: Address of the result's page.
        faults: Why marking records failed; a verdict that relies on marked records does not hold then.
    """

    gate: str
    batch_id: str
    run_id: str
    lease: Lease | None
    raw_store: RawStore
    outcomes: list[ActionOutcome] = field(default_factory=list)
    docs: str = ""
    faults: list[Exception] = field(default_factory=list)


_current: ContextVar[ActionScope | None] = ContextVar("action_scope", default=None)


@contextmanager
def acting(scope: ActionScope) -> Iterator[ActionScope]:
    """Let the actions of a checkpoint act within this run."""
    token = _current.set(scope)
    try:
        yield scope
    finally:
        _current.reset(token)


def perform(
    name: str, act: Callable[[ActionScope | None], tuple[str, str]], *, marks_records: bool = False
) -> dict[str, Any]:
    """Run an action so that it never raises and its outcome is kept.

    Args:
        name: The action's name.
        act: Does it; a status and a sentence.
        marks_records: Whether the batch must not flow on when it failed.
    """
    scope = _current.get()
    try:
        status, detail = act(scope)
    except Exception as error:  # noqa: BLE001 - an action that raises would stop the ones after it
        status, detail = FAILED, f"{type(error).__name__}: {error}"
        if scope is not None and marks_records:
            scope.faults.append(error)
    if scope is not None:
        scope.outcomes.append(ActionOutcome(action=name, status=status, detail=detail))
    return {"action": name, "status": status, "detail": detail}
