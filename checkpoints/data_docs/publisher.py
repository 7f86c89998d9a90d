"""Which pages a batch touches, and writing them: the same few, however long the history is.

A batch's own page, that of the batch before it (its link to this one), the part of the day it is on, and the first
page. A new day adds itself to its year's list. Batches that changed meanwhile get the same: a person decided something
about them, or the run that changed them was killed, or could not write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

from checkpoints.data_docs import addresses, pages
from checkpoints.data_docs.batches import Neighbours, batch_page, version
from checkpoints.data_docs.days import BATCHES_A_PART, all_years, day_part, part_of, year_list
from checkpoints.data_docs.published import Published
from checkpoints.data_docs.start import RECORDS, SHOWN, start_page
from checkpoints.data_docs.storage import SiteFiles
from expectations_plugins.core.errors import SluicegateError
from expectations_plugins.core.masking import Masks
from pipeline.core.batch import Batch
from pipeline.ports.history import History

Pair = tuple[Batch | None, Batch | None]

CHANGED = 50
"""Batches that are looked at for changes which are on no page yet: more than the first page links to."""

VERSION = re.compile(r'<meta name="sluicegate-version" content="([^"]*)">')


class Publisher:
    """Writes the pages that are built from the ledger.

    Args:
        files: Where pages go.
        history: The ledger.
        review: How many interactions are to be reviewed, counted up to a limit; asks Neo4j.
        masks: Fields whose values are not shown.
    """

    def __init__(self, files: SiteFiles, history: History, review: Callable[[int], int], masks: Masks) -> None:
        self._files = files
        self._history = history
        self._review = review
        self._masks = masks
        self._published = Published(files)

    def batch(self, batch_id: str) -> bool:
        """Write what a batch touches, and what else changed since pages were written last.

        Args:
            batch_id: The batch; nothing happens when the ledger has never seen it.

        Returns:
            Whether a day began.
        """
        batch = self._history.batch(batch_id)
        if batch is None or batch.first_seen is None:
            return False
        return self._publish([batch_id])[1]

    def update(self) -> int:
        """Write what changed since pages were written last; how many batches."""
        return self._publish([])[0]

    def page_of(self, batch_id: str, first_day: str) -> str:
        """Write a batch's own page and nothing else; its day.

        Args:
            batch_id: The batch.
            first_day: Batches of this day and later ones have pages, or are going to.
        """
        batch = self._history.batch(batch_id)
        if batch is None or batch.first_seen is None:
            return ""
        pair = self._history.neighbours(batch)
        self._write(batch, self._linked(batch, pair, lambda other: day_of(other) >= first_day))
        return day_of(batch)

    def days(self, days: Iterable[str]) -> None:
        """Write all parts of some days, and the lists of their years."""
        found = set(days)
        for day in found:
            for part in range(1, part_of(self._history.batches_on(day) - 1) + 1):
                self.one_day(day, part)
        for year in {day[:4] for day in found}:
            self.lists(year)
        if not found:  # every page links to it
            self._files.write(addresses.ALL_DAYS, pages.listing(all_years([]), addresses.ALL_DAYS))

    def start(self) -> None:
        """Write the first page."""
        unknown: list[str] = []
        review = self._asked(lambda: self._review(RECORDS + 1), unknown)
        latest, waiting = self._history.latest(SHOWN), self._history.waiting()
        page = start_page(latest, waiting, review, unknown, has_page=self._has_page)
        self._files.write(addresses.START, pages.start(page))

    def style(self) -> None:
        """Write the stylesheet, if it is another one."""
        text = pages.style()
        if (self._files.read(addresses.STYLE) or "").rstrip() != text.rstrip():
            self._files.write(addresses.STYLE, text)

    def lists(self, year: str) -> None:
        """Write a year's list of days, and the list of years."""
        days = list(self._files.list("days"))
        self._files.write(addresses.year_page(year), pages.listing(year_list(year, days), addresses.year_page(year)))
        self._files.write(addresses.ALL_DAYS, pages.listing(all_years(days), addresses.ALL_DAYS))

    def one_day(self, day: str, part: int) -> None:
        """Write a part of a day."""
        # one more than is shown tells whether another part follows
        batches = self._history.of_day(day, (part - 1) * BATCHES_A_PART, BATCHES_A_PART + 1)
        page = day_part(day, part, batches, has_page=self._has_page)
        self._files.write(addresses.day_page(day, part), pages.day(page))

    def first_of(self, day: str) -> None:
        """Write the page of a day's first batch again, where it is not what the ledger and the other pages say."""
        for brief in self._history.of_day(day, 0, 1):
            self._mend(brief)

    def _publish(self, wanted: Collection[str]) -> tuple[int, bool]:
        """Write the pages of some batches and of those that changed: how many, and whether a day began."""
        changed = self._history.changed(CHANGED)  # asked first: what changes after it is found the next time
        names = {*wanted, *self._published.left_out(changed)}
        found = [batch for name in names if (batch := self._history.batch(name)) and batch.first_seen]
        self.style()
        beside = [(batch, self._history.neighbours(batch)) for batch in found]
        for batch, pair in beside:
            self._write(batch, self._linked(batch, pair, lambda other: self._is_there(other, names)))
        for other in (other for _, pair in beside for other in pair if other):
            if other.batch_id not in names:
                self._mend(other)
        is_new_day = self._days_of(found)
        self.start()
        self._published.note(changed)
        return len(found), is_new_day

    def _days_of(self, batches: Collection[Batch]) -> bool:
        parts = set[tuple[str, int]]()
        for batch in batches:
            day, place = day_of(batch), self._history.place(batch)
            parts.add((day, part_of(place)))
            if place and place % BATCHES_A_PART == 0:
                parts.add((day, part_of(place) - 1))  # for its link to this one
        new = {day for day, _ in parts if not self._files.has(addresses.day_page(day, 1))}
        for day, part in sorted(parts):
            self.one_day(day, part)
        for year in {day[:4] for day in new}:
            self.lists(year)
        return bool(new)

    def _mend(self, brief: Batch) -> None:
        """Write a page again when it is there and is not what the ledger and the other pages say now."""
        name = brief.batch_id
        known = self._files.read(addresses.batch_page(name))
        if known is None:
            return
        beside = self._linked(brief, self._history.neighbours(brief), self._is_there)
        found = VERSION.search(known)
        if found and found.group(1) == version(brief, beside):
            return
        if (batch := self._history.batch(name)) is not None:
            self._write(batch, beside)

    def _linked(self, batch: Batch, pair: Pair, has_page: Callable[[Batch], bool]) -> Neighbours:
        """The batches before and after one, as far as they have pages."""
        before, after = pair
        return Neighbours(
            before=before.batch_id if before and has_page(before) else None,
            after=after.batch_id if after and has_page(after) else None,
            parent=bool(batch.parent) and self._has_page(batch.parent),
        )

    def _is_there(self, batch: Batch, written: Collection[str] = ()) -> bool:
        return batch.batch_id in written or self._has_page(batch.batch_id)

    def _has_page(self, batch_id: str) -> bool:
        return self._files.has(addresses.batch_page(batch_id))

    def _write(self, batch: Batch, beside: Neighbours) -> None:
        page = batch_page(batch, beside, self._masks)
        self._files.write(addresses.batch_page(page.batch_id), pages.batch(page))

    def _asked(self, question: Callable[[], int], unknown: list[str]) -> int | None:
        try:
            return question()
        except SluicegateError as error:
            unknown.append(f"the review queue: {error.message}")
            return None


def day_of(batch: Batch) -> str:
    """The day a batch was first seen, YYYY-MM-DD in UTC."""
    return batch.seen.strftime("%Y-%m-%d")
