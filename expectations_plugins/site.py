"""The classes that our GX project names for its pages: ours where they are, GX's own in any other process.

Our pages need the pipeline's settings, which are a layer above. A process that has this package only builds the site
with GX's own pages of results and suites, and leaves the first page, which is the ledger's, as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from great_expectations.render.renderer import ExpectationSuitePageRenderer, ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView

Makes = Callable[..., Any]

_makers: dict[str, Makes] = {}


def written_by(*, result: Makes, suite: Makes, view: Makes, start: Makes) -> None:
    """Have the site's pages made by these, in this process; again, it changes nothing.

    Args:
        result: Makes a renderer of validation results.
        suite: Makes a renderer of suites.
        view: Makes what turns what they made into HTML.
        start: Makes the builder of the first page.
    """
    _makers.update(result=result, suite=suite, view=view, start=start)


class ResultRenderer:
    """GX's renderer of a validation result."""

    def __init__(self, data_context: Any = None, **_: Any) -> None:
        ours = _makers.get("result")
        self._renderer = ours(data_context=data_context) if ours else ValidationResultsPageRenderer()

    def render(self, validation_results: Any) -> Any:
        """What the page shows."""
        return self._renderer.render(validation_results)


class SuiteRenderer:
    """GX's renderer of a suite."""

    def __init__(self, data_context: Any = None, **_: Any) -> None:
        ours = _makers.get("suite")
        self._renderer = ours(data_context=data_context) if ours else ExpectationSuitePageRenderer()

    def render(self, expectations: Any) -> Any:
        """What the page shows."""
        return self._renderer.render(expectations)


class PageView:
    """GX's view: from what a renderer made to HTML."""

    def __init__(self, **_: Any) -> None:
        self._view = _makers.get("view", DefaultJinjaPageView)()

    def render(self, document: Any, **settings: Any) -> Any:
        """The page."""
        return self._view.render(document, **settings)


class StartPageBuilder:
    """GX's builder of the index."""

    def __init__(self, data_context: Any = None, **_: Any) -> None:
        self._builder = _makers["start"](data_context=data_context) if "start" in _makers else None

    def build(self, **settings: Any) -> tuple[Any, Any]:
        """Write what belongs to the whole site; elsewhere than in our own processes that is nothing."""
        return self._builder.build(**settings) if self._builder else (None, {})
