"""What is no longer kept: pages and GX's results of old batches go together; the ledger remembers the batches.

A day's list goes last, so that what is interrupted is finished by the next time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from checkpoints.data_docs import addresses
from checkpoints.data_docs.publisher import Publisher
from checkpoints.data_docs.storage import SiteFiles
from pipeline.core.batches import short
from pipeline.ports.history import History
from pipeline.ports.pages import Pruned


class Retention:
    """Removes old pages and results.

    Args:
        context: The GX project.
        files: The site's pages.
        history: The ledger.
        keep_days: Days whose batches are kept.
        keep_batches: Newest batches that are kept; a day goes or stays as a whole.
    """

    def __init__(self, context: Any, files: SiteFiles, history: History, *, keep_days: int, keep_batches: int) -> None:
        self._context = context
        self._files = files
        self._history = history
        self._keep_days = keep_days
        self._keep_batches = keep_batches

    def first_day(self, now: datetime | None = None) -> str:
        """The first day that is kept, YYYY-MM-DD."""
        oldest = (now or datetime.now(UTC)) - timedelta(days=self._keep_days)
        by_age = oldest.strftime("%Y-%m-%d")
        counted = 0
        for day in sorted(self._days(), reverse=True):
            counted += self._history.batches_on(day)
            if counted > self._keep_batches:
                return max(by_age, (datetime.strptime(day, "%Y-%m-%d") + timedelta(days=1)).strftime("%Y-%m-%d"))  # noqa: DTZ007
        return by_age

    def prune(self, publisher: Publisher, now: datetime | None = None) -> Pruned:
        """Remove what is older than the first day that is kept."""
        before = self.first_day(now)
        gone = sorted(day for day in self._days() if day < before)
        batches = [one for day in gone for one in self._batches_of(day)]
        results = self._remove(set(batches))
        for day in gone:
            for page in [path for path in self._files.list("days") if path.startswith(f"days/{day}")]:
                self._files.delete(page)
        for year in {day[:4] for day in gone}:
            publisher.lists(year)
        if gone:
            self._unlink(publisher)
        self._files.sweep()
        return Pruned(len(batches), results, len(gone), before)

    def _unlink(self, publisher: Publisher) -> None:
        """Pages that stay link to none that went: the oldest batch to the one before it, the first page to any."""
        if kept := min(self._days(), default=""):
            publisher.first_of(kept)
        publisher.start()

    def _remove(self, batches: set[str]) -> int:
        for batch_id in batches:
            self._files.delete(addresses.batch_page(batch_id))
        gone = self._results_of(batches)
        for key in gone:
            self._files.delete(addresses.result_page([str(part) for part in key.to_tuple()]))
            self._context.validation_results_store.remove_key(key)
        return len(gone)

    def _results_of(self, batches: set[str]) -> list[Any]:
        """GX's keys of the results of these batches: the name of a check begins with its batch."""
        names = {short(one) for one in batches}
        keys = self._context.validation_results_store.list_keys() if names else ()
        return [key for key in keys if str(key.run_id.run_name).split("-")[0] in names]

    def _days(self) -> Iterator[str]:
        yield from {path.removeprefix("days/")[:10] for path in self._files.list("days")}

    def _batches_of(self, day: str) -> Iterator[str]:
        skip = 0
        while found := self._history.of_day(day, skip, 1_000):
            yield from (one.batch_id for one in found)
            skip += len(found)
