"""Pages as text: Jinja templates with every value escaped, links relative to the page."""

from __future__ import annotations

from functools import cache, partial
from importlib.resources import files

import jinja2

from checkpoints.data_docs import addresses, charts
from checkpoints.data_docs.batches import BatchPage
from checkpoints.data_docs.days import DayPage, ListPage
from checkpoints.data_docs.results import ResultPage
from checkpoints.data_docs.start import StartPage
from checkpoints.data_docs.states import SYMBOLS
from checkpoints.data_docs.suites import SuitePage
from expectations_plugins.core.characters import without_unseen
from pipeline.core.program import as_typed, typed


def style() -> str:
    """The stylesheet."""
    return files(__package__).joinpath("templates", "style.css").read_text("utf-8")


def start(page: StartPage) -> str:
    """The first page."""
    drawn = [(chart, charts.svg(chart)) for chart in page.charts]
    return _render("start.html", addresses.START, page=page, charts=drawn, symbols=SYMBOLS.items())


def batch(page: BatchPage) -> str:
    """A batch's page."""
    return _render("batch.html", addresses.batch_page(page.batch_id), page=page)


def day(page: DayPage) -> str:
    """A part of a day."""
    return _render("day.html", addresses.day_page(page.day, page.part), page=page)


def listing(page: ListPage, path: str) -> str:
    """A list of lists."""
    return _render("list.html", path, page=page)


def result(page: ResultPage, path: str) -> str:
    """A validation result's page."""
    drawn = [
        (one, charts.interval(one.sample) if one.sample else None, any(one.says_the_same(other) for other in before))
        for one, before in ((one, page.expectations[:number]) for number, one in enumerate(page.expectations))
    ]
    return _render("result.html", path, page=page, expectations=drawn)


def suite(page: SuitePage) -> str:
    """A suite's page."""
    return _render("suite.html", addresses.suite_page(page.name), page=page)


def suites(pages: list[SuitePage]) -> str:
    """The list of suites."""
    return _render("suites.html", addresses.SUITES, pages=pages)


def _render(template: str, path: str, **model: object) -> str:
    return environment().get_template(template).render(to=partial(addresses.link, of=path), **model)


@cache
def environment() -> jinja2.Environment:
    """The templates; each is compiled when it is first rendered, or asked for."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("checkpoints.data_docs"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"typed": typed, "as_typed": as_typed}
    return made


def _visible(value: object) -> object:
    """Text without what would turn the direction of a page, cannot be seen or cannot be encoded."""
    return type(value)(without_unseen(value, but="\t\n")) if isinstance(value, str) else value
