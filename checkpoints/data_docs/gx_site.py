"""What stands behind the classes GX's site configuration names (`expectations_plugins.site`) in our own processes.

So `context.build_data_docs()` writes the same pages as a run.
"""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from checkpoints.data_docs import addresses, pages
from checkpoints.data_docs.results import ResultPage, result_page
from checkpoints.data_docs.storage import SiteFiles
from checkpoints.data_docs.suites import SuitePage, suite_page, suite_pages
from expectations_plugins import site
from expectations_plugins.core.errors import SluicegateError
from expectations_plugins.core.masking import Masks
from pipeline.config import load_settings

_ANY_RESULT = addresses.result_page(("suite", "run", "time", "batch"))
"""All pages of results are equally deep, and links are relative."""


def _masks() -> Masks:
    """As the settings say; in a project of somebody else, who may have none, as they say by default."""
    try:
        return Masks(load_settings().masked)
    except SluicegateError:
        return Masks()


class ResultRenderer:
    """GX's renderer of a validation result."""

    def __init__(self, data_context: Any = None, **_: Any) -> None:
        self._context = data_context

    def render(self, validation_results: Any) -> ResultPage:
        """What the page shows."""
        return result_page(validation_results, _masks())


class SuiteRenderer:
    """GX's renderer of a suite."""

    def __init__(self, data_context: Any = None, **_: Any) -> None:
        self._context = data_context

    def render(self, expectations: Any) -> SuitePage:
        """What the page shows."""
        return suite_page(expectations)


class PageView:
    """GX's view: from what a renderer made to HTML."""

    def __init__(self, **_: Any) -> None:
        pass

    def render(self, document: ResultPage | SuitePage, **_: Any) -> Markup:
        """The page."""
        text = pages.suite(document) if isinstance(document, SuitePage) else pages.result(document, _ANY_RESULT)
        return Markup(text)  # noqa: S704 - the templates have escaped it


class StartPageBuilder:
    """GX's builder of the index. The first page is the ledger's, which only a run knows: `run.py docs build`."""

    def __init__(self, data_context: Any = None, **_: Any) -> None:
        self._context = data_context

    def build(self, **_: Any) -> tuple[str, dict[str, Any]]:
        """Write the stylesheet and the list of suites; the first page is left as it is."""
        files = SiteFiles.of(self._context)
        files.write(addresses.STYLE, pages.style())
        files.write(addresses.SUITES, pages.suites(suite_pages(self._context.suites.all())))
        return files.address(addresses.START), {}


def use() -> None:
    """Have GX write our pages, in this process; again, it changes nothing."""
    site.written_by(result=ResultRenderer, suite=SuiteRenderer, view=PageView, start=StartPageBuilder)
