"""Runs that ended because the ledger could not be reached, counted a batch in the spool: the ledger cannot."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.dlq import durable
from pipeline.dlq.durable import spooling
from pipeline.model import short

REMEMBERED_SECONDS = 30 * 86_400.0
"""How long it is remembered that a batch needs no more runs; a run that sees it again remembers it anew."""

Run = Mapping[str, Any]


class Outages:
    """One small file a batch that is waiting for the ledger, and an empty one a batch that is not.

    Args:
        spool: The spool folder.
    """

    def __init__(self, spool: Path) -> None:
        self._counted = spool / "outages"
        self._settled = spool / "settled"

    def count(self, batch_id: str, error: str) -> tuple[Run, ...]:
        """Count a run.

        Args:
            batch_id: The batch.
            error: Why the ledger could not be reached.

        Returns:
            All runs since the ledger was last reached, this one too: `at` and `error` of each.

        Raises:
            SpoolError: The spool cannot be written.
        """
        path = self._counted / f"{batch_id}.json"
        with spooling(f"The outage of batch {short(batch_id)} cannot be counted", self._counted):
            path.parent.mkdir(parents=True, exist_ok=True)
            runs = [*_read(path), {"step": "ledger", "status": "failed", "at": _now(), "error": error}]
            durable.write(path, json.dumps({"runs": runs}).encode("ascii"))
        return tuple(runs)

    def reached(self, batch_id: str) -> None:
        """The ledger was reached: the count is over. A spool that cannot be written loses nothing by it."""
        with suppress(OSError):
            (self._counted / f"{batch_id}.json").unlink(missing_ok=True)

    def settled(self, batch_id: str) -> None:
        """No run has anything to do for the batch: an outage does not count against it."""
        with suppress(OSError):
            if not (self._settled / batch_id).exists():
                self._settled.mkdir(parents=True, exist_ok=True)
                (self._settled / batch_id).touch()

    def at_work(self, batch_id: str) -> None:
        """There is work to do for the batch."""
        with suppress(OSError):
            (self._settled / batch_id).unlink(missing_ok=True)

    def is_settled(self, batch_id: str) -> bool:
        """Whether no run has anything to do for the batch, as far as is known here."""
        return (self._settled / batch_id).exists()

    def sweep(self) -> None:
        """Forget what no run has seen for a long time."""
        before = time.time() - REMEMBERED_SECONDS
        with suppress(OSError):
            for path in self._settled.iterdir():
                if path.stat().st_mtime < before:
                    path.unlink(missing_ok=True)


def _read(path: Path) -> list[Run]:
    try:
        runs = json.loads(path.read_bytes())["runs"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # one that is damaged starts anew
        return []
    return [run for run in runs if isinstance(run, Mapping)] if isinstance(runs, list) else []


def _now() -> str:
    return datetime.now(UTC).isoformat()
