"""The types of actions that our GX project's checkpoints name, for processes that cannot act.

Quarantine, alerts and the like need the pipeline, which is a layer above. A process that has this package only opens
the project and runs its checkpoints all the same: each action then says that it did nothing. In a process that has the
full classes (`checkpoints.actions`), these take the place of the ones here, whichever comes first: GX keeps one class a
type, and looks it up whenever it reads a checkpoint.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, ClassVar, Literal

from expectations_plugins.engine.gx_internals import MetaValidationAction, ValidationAction, registered_actions

_lock = threading.RLock()
_logger = logging.getLogger(__name__)

KINDS = {
    "sluicegate_quarantine": "quarantine",
    "sluicegate_flag": "flag",
    "sluicegate_rollback": "rollback",
    "sluicegate_sweep": "sweep",
    "sluicegate_alert": "alert",
    "sluicegate_data_docs": "docs",
}
"""What our checkpoints name as an action's type, and what we call its kind."""

NOT_IN_A_RUN = "not in a run"


class TakesItsPlace(MetaValidationAction):
    """The metaclass of full actions: GX, which refuses a second class of a type, is to forget the stand-in first."""

    def __new__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> Any:
        """The class, registered with GX."""
        with _lock:
            if _is_stand_in(registered_actions.get(attributes.get("type", ""))):
                del registered_actions[attributes["type"]]
            return super().__new__(cls, name, bases, attributes)  # type: ignore[no-untyped-call]


class StandIn(ValidationAction):
    """An action that does nothing and says so."""

    kind: ClassVar[str] = ""

    class Config:
        """What the full class would be given is kept."""

        extra = "allow"

    def run(self, checkpoint_result: Any, action_context: Any = None) -> dict[str, Any]:
        """Say that nothing was done, in the result and in the log.

        Args:
            checkpoint_result: What the checkpoint found.
            action_context: What the actions before it did.

        Returns:
            The kind of action, that it was not in a run, and what to do instead.
        """
        del action_context
        gate = str(getattr(checkpoint_result.checkpoint_config, "name", "") or "NAME")
        detail = f"nothing was done: not in a run of Sluicegate; `sluicegate gate {gate} BATCH` says what would be done"
        _logger.warning("%s: %s", self.kind, detail)
        return {"action": self.kind, "status": NOT_IN_A_RUN, "detail": detail}


def declare() -> None:
    """Have GX know each of our types of actions that it has no class for; again, it changes nothing."""
    with _lock:
        for type_, kind in KINDS.items():
            if type_ not in registered_actions:
                _made(type_, kind)


def _made(type_: str, kind: str) -> None:
    """A class as the `class` statement makes it, which cannot take a type's name from a variable."""
    fields = {"type": Literal[type_], "kind": ClassVar[str]}
    body = {"type": type_, "kind": kind, "__annotations__": fields, "__module__": __name__}
    make: Any = MetaValidationAction
    make(f"{kind.capitalize()}StandIn", (StandIn,), body)


def _is_stand_in(found: type[ValidationAction] | None) -> bool:
    return found is not None and issubclass(found, StandIn)
