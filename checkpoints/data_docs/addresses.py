"""Where each page is, relative to the site's first page; known before a page is written, and the same on every machine.

Pages of results and suites are where GX puts them, so that `context.build_data_docs()` writes the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

START = "index.html"
STYLE = "style.css"
SUITES = "suites.html"
ALL_DAYS = "days.html"
PUBLISHED = "published.json"
"""No page: which changes of the ledger the pages show."""


def batch_page(batch_id: str) -> str:
    """The page of a batch."""
    return f"batches/{batch_id}.html"


def day_page(day: str, part: int) -> str:
    """A part of a day's batches; `day` is YYYY-MM-DD, parts count from 1."""
    return f"days/{day}.html" if part == 1 else f"days/{day}.{part}.html"


def year_page(year: str) -> str:
    """The days of a year."""
    return f"years/{year}.html"


def suite_page(name: str) -> str:
    """The page of a suite."""
    return "/".join(["expectations", *name.split(".")]) + ".html"


def result_page(identifier: Sequence[str]) -> str:
    """The page of a validation result, from GX's identifier of it: suite, run name, run time, batch."""
    suite, run_name, run_time, batch = identifier
    return "/".join(["validations", *suite.split("."), run_name, run_time, batch]) + ".html"


def link(path: str, of: str) -> str:
    """The address of a page, as the page `of` links to it: relative, so that a copied folder still works."""
    return "../" * of.count("/") + quote(path)
