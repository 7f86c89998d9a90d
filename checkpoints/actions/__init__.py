"""What a checkpoint does with its result, one file an action; importing this registers them with GX.

No action raises: GX stops at the first that does. Actions act only inside a run that holds the batch's lease
(`checkpoints.actions.scope`); elsewhere they say what they would have done.
"""

from __future__ import annotations

from checkpoints.actions.data_docs import DataDocsAction
from checkpoints.actions.quarantine import QuarantineAction

__all__ = ["DataDocsAction", "QuarantineAction"]
