"""Runs that ended because the ledger could not be reached, counted a batch in the spool: the ledger cannot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from pipeline.core.batches import short
from pipeline.storage.atomic_files import spooling
from pipeline.storage.location import Place
from pipeline.storage.small_files import older_than, small_files

REMEMBERED_SECONDS = 30 * 86_400.0
"""How long it is remembered that a batch needs no more runs; a run that sees it again remembers it anew."""

Run = Mapping[str, Any]


class Outages:
    """One small file a batch that is waiting for the ledger, and an empty one a batch that is not.

    Args:
        spool: The spool.
    """

    def __init__(self, spool: Place) -> None:
        self._where = spool / "outages"
        self._counted = small_files(self._where)
        self._settled = small_files(spool / "settled")

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
        name = f"{batch_id}.json"
        with spooling(f"The outage of batch {short(batch_id)} cannot be counted", self._where):
            runs = [*self._runs(name), {"step": "ledger", "status": "failed", "at": _now(), "error": error}]
            self._counted.write(name, json.dumps({"runs": runs}).encode("ascii"))
        return tuple(runs)

    def reached(self, batch_id: str) -> None:
        """The ledger was reached: the count is over. A spool that cannot be written loses nothing by it."""
        with suppress(OSError):
            self._counted.delete(f"{batch_id}.json")

    def settled(self, batch_id: str) -> None:
        """No run has anything to do for the batch: an outage does not count against it."""
        with suppress(OSError):  # also when another run was quicker
            if not self._settled.has(batch_id):
                self._settled.create(batch_id)

    def at_work(self, batch_id: str) -> None:
        """There is work to do for the batch."""
        with suppress(OSError):
            self._settled.delete(batch_id)

    def is_settled(self, batch_id: str) -> bool:
        """Whether no run has anything to do for the batch, as far as is known here."""
        with spooling(f"Batch {short(batch_id)} cannot be looked up", self._where):
            return self._settled.has(batch_id)

    def sweep(self) -> None:
        """Forget what no run has seen for a long time."""
        with suppress(OSError):
            for batch_id in list(older_than(self._settled, REMEMBERED_SECONDS)):
                self._settled.delete(batch_id)

    def _runs(self, name: str) -> list[Run]:
        try:
            runs = json.loads(self._counted.read(name))["runs"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # one that is damaged starts anew
            return []
        return [run for run in runs if isinstance(run, Mapping)] if isinstance(runs, list) else []


def _now() -> str:
    return datetime.now(UTC).isoformat()
