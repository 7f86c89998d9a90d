"""What a checkpoint does with its result, one file an action; importing this registers them with GX,
in the place of those of `expectations_plugins.actions`.

No action raises: GX stops at the first that does. What they intend is in the ledger before the first of them acts
(`checkpoints.actions.scope`), and each outcome after; outside a run that holds the batch's lease they only say what
they would have done.
"""

from __future__ import annotations

from checkpoints.actions.alert import AlertAction
from checkpoints.actions.base import GateAction
from checkpoints.actions.data_docs import DataDocsAction
from checkpoints.actions.flag import FlagAction
from checkpoints.actions.quarantine import QuarantineAction
from checkpoints.actions.rollback import RollbackAction
from checkpoints.actions.sweep import SweepAction

ACTIONS: dict[str, type[GateAction]] = {
    action.kind: action
    for action in (QuarantineAction, FlagAction, RollbackAction, SweepAction, AlertAction, DataDocsAction)
}
"""By the kind of their intents, in the order they act: records first, then people, pages last."""

__all__ = [
    "ACTIONS",
    "AlertAction",
    "DataDocsAction",
    "FlagAction",
    "QuarantineAction",
    "RollbackAction",
    "SweepAction",
]
