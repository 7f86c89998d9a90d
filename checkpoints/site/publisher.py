"""Which pages a batch touches, and writing them: the same few, however long the history is.

A batch's own page, that of the batch before it when it is out of date (its link to this one, or a run that was killed
before it published), the part of the day it is on, and the first page. A new day adds itself to its year's list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from typing import Any

from checkpoints.site import addresses, pages
from checkpoints.site.batches import batch_page, version
from checkpoints.site.days import BATCHES_A_PART, all_years, day_part, part_of, year_list
from checkpoints.site.start import SHOWN, start_page
from checkpoints.site.storage import SiteFiles
from pipeline.errors import SluicegateError
from pipeline.history import History
from pipeline.masking import Masks

Document = Mapping[str, Any]

VERSION = re.compile(r'<meta name="sluicegate-version" content="([^"]*)">')


class Publisher:
    """Writes the pages that are built from the ledger.

    Args:
        files: Where pages go.
        history: The ledger.
        review: How many interactions are to be reviewed; asks Neo4j.
        masks: Fields whose values are not shown.
    """

    def __init__(self, files: SiteFiles, history: History, review: Callable[[], int], masks: Masks) -> None:
        self._files = files
        self._history = history
        self._review = review
        self._masks = masks

    def batch(self, batch_id: str) -> bool:
        """Write what a batch touches.

        Args:
            batch_id: The batch; nothing happens when the ledger has never seen it.

        Returns:
            Whether it is the first of its day.
        """
        document = self._history.batch(batch_id)
        if document is None or "first_seen" not in document:
            return False
        previous, following = self._history.neighbours(document)
        self.style()
        self._write(document, previous, following)
        if previous is not None:
            self._mend(previous, document)
        is_new_day = self._day(document)
        self.start()
        return is_new_day

    def page_of(self, batch_id: str) -> str:
        """Write a batch's own page and nothing else; its day."""
        document = self._history.batch(batch_id)
        if document is None or "first_seen" not in document:
            return ""
        self._write(document, *self._history.neighbours(document))
        return day_of(document)

    def days(self, days: Iterable[str]) -> None:
        """Write all parts of some days, and the lists of their years."""
        found = set(days)
        for day in found:
            for part in range(1, part_of(self._history.batches_on(day) - 1) + 1):
                self.one_day(day, part)
        for year in {day[:4] for day in found}:
            self.lists(year)

    def start(self) -> None:
        """Write the first page."""
        unknown: list[str] = []
        review = self._asked(self._review, unknown)
        page = start_page(self._history.latest(SHOWN), self._history.waiting(), review, unknown)
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
        documents = self._history.of_day(day, (part - 1) * BATCHES_A_PART, BATCHES_A_PART)
        batches = self._history.batches_on(day)
        self._files.write(addresses.day_page(day, part), pages.day(day_part(day, part, documents, batches)))

    def _day(self, document: Document) -> bool:
        day, place = day_of(document), self._history.place(document)
        is_new = not self._files.has(addresses.day_page(day, 1))
        self.one_day(day, part_of(place))
        if place and place % BATCHES_A_PART == 0:
            self.one_day(day, part_of(place) - 1)  # for its link to this one
        if is_new:
            self.lists(day[:4])
        return is_new

    def _mend(self, brief: Document, following: Document) -> None:
        """Write a page again when it is not what the ledger says now."""
        path = addresses.batch_page(str(brief["_id"]))
        found = VERSION.search(self._files.read(path) or "")
        if found and found.group(1) == version(brief, following):
            return
        document = self._history.batch(str(brief["_id"]))
        if document is not None:
            previous, _ = self._history.neighbours(document)
            self._write(document, previous, following)

    def _write(self, document: Document, previous: Document | None, following: Document | None) -> None:
        page = batch_page(document, previous, following, self._masks)
        self._files.write(addresses.batch_page(page.batch_id), pages.batch(page))

    def _asked(self, question: Callable[[], int], unknown: list[str]) -> int | None:
        try:
            return question()
        except SluicegateError as error:
            unknown.append(f"the review queue: {error.message}")
            return None


def day_of(document: Document) -> str:
    """The day a batch was first seen, YYYY-MM-DD in UTC."""
    return str(document["first_seen"].astimezone(UTC).strftime("%Y-%m-%d"))
