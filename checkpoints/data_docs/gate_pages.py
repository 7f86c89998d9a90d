"""The pages of GX's results and suites: where they are, and writing them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from great_expectations.data_context.types.resource_identifiers import ValidationResultIdentifier

from checkpoints.data_docs import addresses, pages
from checkpoints.data_docs.results import result_page
from checkpoints.data_docs.storage import SiteFiles
from checkpoints.data_docs.suites import suite_pages
from expectations_plugins.core.masking import Masks

Identifiers = Sequence[Sequence[Any]]


class GatePages:
    """The pages of a GX project's results and suites.

    Args:
        context: The GX project.
        masks: Fields whose values are not shown.
    """

    def __init__(self, context: Any, masks: Masks) -> None:
        self._context = context
        self._masks = masks

    def path(self, identifiers: Identifiers) -> str:
        """Where the page of the first of these results is, from the first page of the site; "" for none."""
        return addresses.result_page([str(part) for part in identifiers[0]]) if identifiers else ""

    def address(self, identifiers: Identifiers) -> str:
        """Where a browser finds it."""
        return SiteFiles.of(self._context).address(self.path(identifiers)) if identifiers else ""

    def publish(self, identifiers: Identifiers) -> None:
        """Write the pages of these results and, if they changed, those of the suites."""
        files = SiteFiles.of(self._context)
        for parts in identifiers:
            self._result(parts, files)
        self.suites(files)

    def everything(self) -> tuple[int, list[str]]:
        """Write the pages of all suites and of all results GX has kept: how many results, and those it cannot read."""
        files, written, unreadable = SiteFiles.of(self._context), 0, list[str]()
        self.suites(files)
        for key in self._context.validation_results_store.list_keys():
            try:
                self._result(key.to_tuple(), files)
                written += 1
            except Exception as error:  # noqa: BLE001 - one that a killed run left half written is not all of them
                unreadable.append(f"{'/'.join(map(str, key.to_tuple()))}: {type(error).__name__}")
        return written, unreadable

    def _result(self, parts: Sequence[Any], files: SiteFiles) -> None:
        result = self._context.validation_results_store.get(_identifier(parts))
        path = addresses.result_page([str(part) for part in parts])
        files.write(path, pages.result(result_page(result, self._masks), path))

    def suites(self, files: SiteFiles) -> None:
        """Write the pages of the suites, where they changed."""
        found = suite_pages(self._context.suites.all())
        for path, text in _suite_pages(found):
            if (files.read(path) or "").rstrip() != text.rstrip():
                files.write(path, text)


def _suite_pages(found: list[Any]) -> Iterator[tuple[str, str]]:
    yield addresses.STYLE, pages.style()
    yield addresses.SUITES, pages.suites(found)
    for page in found:
        yield addresses.suite_page(page.name), pages.suite(page)


def _identifier(parts: Sequence[Any]) -> Any:
    make: Any = ValidationResultIdentifier.from_tuple
    return make(tuple(parts))
