"""Lists of batches by day, in parts of bounded size, and the list of days of a year."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from checkpoints.data_docs.addresses import day_page, year_page
from checkpoints.data_docs.states import BatchRow, row
from pipeline.core.batch import Batch

BATCHES_A_PART = 72
"""Half a day of one batch every ten minutes."""


@dataclass(frozen=True, slots=True)
class DayPage:
    """A part of a day; the paths of the parts beside it are None at the ends."""

    day: str
    part: int
    rows: tuple[BatchRow, ...]
    earlier: str | None
    later: str | None


@dataclass(frozen=True, slots=True)
class ListPage:
    """Links to other lists: (text, path), newest first."""

    title: str
    links: tuple[tuple[str, str], ...]


def part_of(place: int) -> int:
    """The part of its day a batch is on, from how many came before it."""
    return place // BATCHES_A_PART + 1


def day_part(day: str, part: int, batches: Sequence[Batch], *, has_page: Callable[[str], bool]) -> DayPage:
    """A part of a day.

    Args:
        day: YYYY-MM-DD.
        part: From 1.
        batches: Its batches, oldest first, and the first one of the next part if there is one.
        has_page: Whether there is a page of a batch to link to.
    """
    shown = batches[:BATCHES_A_PART]
    newest_first = tuple(row(one, has_page=has_page(one.batch_id)) for one in reversed(shown))
    earlier = day_page(day, part - 1) if part > 1 else None
    later = day_page(day, part + 1) if len(batches) > len(shown) else None
    return DayPage(day, part, newest_first, earlier, later)


def year_list(year: str, pages: Iterable[str]) -> ListPage:
    """The days of a year, from the paths of all days' pages."""
    days = sorted({path.removeprefix("days/")[:10] for path in pages if path.startswith(f"days/{year}")}, reverse=True)
    return ListPage(f"Days of {year}", tuple((day, day_page(day, 1)) for day in days))


def all_years(pages: Iterable[str]) -> ListPage:
    """The years, from the paths of all days' pages."""
    years = sorted({path.removeprefix("days/")[:4] for path in pages}, reverse=True)
    return ListPage("All days", tuple((year, year_page(year)) for year in years))
