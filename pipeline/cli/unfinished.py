"""What a person decided and a command was interrupted in: every command that changes batches finishes it first."""

from __future__ import annotations

from expectations_plugins.core.errors import TransientError
from pipeline.cli.app import App


def finish_unfinished(app: App) -> None:
    """Finish it; nothing is started when there is nothing.

    Raises:
        TransientError: The ledger cannot be reached.
    """
    if app.ledger.unfinished_decisions():
        app.runner().catch_up()


def is_unfinished(app: App) -> bool:
    """Whether there is something to finish; no local server is started for that, and a ledger that is down is noted."""
    if "mongodb" in app.settings.local_stores():
        return False
    try:
        return bool(app.ledger.unfinished_decisions())
    except TransientError as error:
        app.progress.event("ledger_not_asked", error=str(error))
        return False
