"""Data Docs of a GX project: where a result's page is, and making it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from great_expectations.data_context.types.resource_identifiers import ValidationResultIdentifier

Identifiers = Sequence[Sequence[Any]]


class DocsPages:
    """The pages of a project's results.

    Args:
        context: The GX project.
    """

    def __init__(self, context: Any) -> None:
        self._context = context

    def address(self, identifiers: Identifiers) -> str:
        """Where the page of the first of these results is going to be; "" when no site is configured."""
        if not identifiers:
            return ""
        sites = self._context.get_docs_sites_urls(resource_identifier=_identifier(identifiers[0]), only_if_exists=False)
        return next((str(site["site_url"]) for site in sites if site.get("site_url")), "")

    def publish(self, identifiers: Identifiers) -> None:
        """Make the pages of these results and of their suites, and no others."""
        results = [_identifier(one) for one in identifiers]
        suites = [result.expectation_suite_identifier for result in results]
        self._context.build_data_docs(resource_identifiers=[*results, *suites])


def _identifier(parts: Sequence[Any]) -> Any:
    make: Any = ValidationResultIdentifier.from_tuple
    return make(tuple(parts))
