"""Publishing what became of a batch, last of all; a failure to publish is told and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from expectations_plugins.core.errors import SluicegateError
from pipeline.core.program import program
from pipeline.ports.steps import Progress
from pipeline.storage.atomic_files import is_full_disk


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed: how much, and that it was older than the day `before`."""

    batches: int
    results: int
    days: int
    before: str


@dataclass(frozen=True, slots=True)
class Built:
    """What was written: pages of how many batches and results, and which results could not be read."""

    batches: int
    results: int
    unreadable: tuple[str, ...] = ()


class Site(Protocol):
    """Where people read of batches."""

    def batch(self, batch_id: str) -> object:
        """Write the pages a batch touches."""

    def build(self, told: Callable[[int], None]) -> Built:
        """Write every page there can be. `told` hears of batches so far."""

    def update(self) -> int:
        """Write the pages of what changed since they were written last; how many batches."""

    def prune(self) -> Pruned:
        """Remove what is no longer kept."""


class Publishing:
    """Publishes a batch, and never fails.

    Args:
        site: Opens the site; called when it is first needed.
        progress: Told of failures.
    """

    def __init__(self, site: Callable[[], Site], progress: Progress) -> None:
        self._site = site
        self._progress = progress

    def __call__(self, batch_id: str) -> str:
        """Write the pages a batch touches; what is to be said of it when there is no room for them, else ""."""
        try:
            self._site().batch(batch_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the batch is what the ledger says it is
            known = isinstance(error, SluicegateError)
            why = str(error) if known else f"{type(error).__name__}: {error}"
            self._progress.event("docs_failed", batch_id=batch_id, error=why, next_step=f"{program()} docs build")
            return f"Its pages could not be written: {why}." if is_full_disk(error) else ""
        return ""
