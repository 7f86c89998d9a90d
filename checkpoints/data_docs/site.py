"""The Data Docs as commands and the runner see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checkpoints.data_docs.gate_pages import GatePages
from checkpoints.data_docs.publisher import Publisher
from checkpoints.data_docs.retention import Retention
from checkpoints.data_docs.storage import SiteFiles
from expectations_plugins.core.masking import Masks
from pipeline.config import Settings
from pipeline.ports.history import History
from pipeline.ports.pages import Built, Pruned
from pipeline.ports.stores import ReviewQueue


class Site:
    """The Data Docs of a GX project and a ledger.

    Args:
        context: The GX project.
        settings: Masks and retention.
        history: The ledger.
        review: Opens the review queue.
    """

    def __init__(self, context: Any, settings: Settings, history: History, review: Callable[[], ReviewQueue]) -> None:
        masks = Masks(settings.masked)
        self._files = SiteFiles.of(context)
        self._history = history
        self._gates = GatePages(context, masks)
        self._publisher = Publisher(self._files, history, lambda limit: review().waiting(limit), masks)
        self._retention = Retention(
            context,
            self._files,
            history,
            keep_days=settings.docs_keep_days,
            keep_batches=settings.docs_keep_batches,
        )

    def batch(self, batch_id: str) -> None:
        """Write the pages a batch touches; the first batch of a day also removes what is no longer kept."""
        if self._publisher.batch(batch_id):
            self._gates.suites(self._files)
            self._retention.prune(self._publisher)

    def update(self) -> int:
        """Write the pages of what changed since they were written last; how many batches."""
        self._gates.suites(self._files)
        return self._publisher.update()

    def build(self, told: Callable[[int], None]) -> Built:
        """Write every page there can be.

        Args:
            told: Called with the number of batches written so far.
        """
        days, number, first_day = set[str](), 0, self._retention.first_day()
        for number, batch_id in enumerate(self._history.since(first_day), start=1):
            days.add(self._publisher.page_of(batch_id, first_day))
            told(number)
        self._publisher.style()
        self._publisher.days(days - {""})
        results, unreadable = self._gates.everything()
        self._publisher.start()
        return Built(number, results, tuple(unreadable))

    def prune(self) -> Pruned:
        """Remove what is no longer kept."""
        return self._retention.prune(self._publisher)
