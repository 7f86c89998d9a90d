"""What a person decided and a command was interrupted in: every command that changes batches finishes it first."""

from __future__ import annotations

from expectations_plugins.core.errors import TransientError
from pipeline.cli.app import App


def finish_unfinished(app: App) -> frozenset[str]:
    """Finish it; nothing is started when there is nothing.

    Returns:
        Ids of the batches about which something was decided before, and is carried out now.

    Raises:
        TransientError: The ledger cannot be reached.
    """
    if not app.ledger.unfinished_decisions():
        return frozenset()
    runner = app.runner()
    runner.catch_up()
    return frozenset(one.batch_id for one in runner.finished)


def is_unfinished(app: App) -> bool:
    """Whether there is something to finish; no local server is started for that, and a ledger that is down is noted."""
    if "mongodb" in app.settings.local_stores():
        return False
    try:
        return bool(app.ledger.unfinished_decisions())
    except TransientError as error:
        app.progress.event("ledger_not_asked", error=str(error))
        return False
