"""Data Docs: the page of this result, published last, also when the gate failed; a failure never changes a verdict."""

from __future__ import annotations

from typing import Any, Literal

from great_expectations.checkpoint.actions import ValidationAction

from checkpoints.actions.scope import DONE, ActionScope, perform


class DataDocsAction(ValidationAction):
    """Publish the result's page and keep its address."""

    type: Literal["sluicegate_data_docs"] = "sluicegate_data_docs"

    def run(self, checkpoint_result: Any, action_context: Any = None) -> dict[str, Any]:
        """Build the pages of this result only."""
        del action_context
        context = self._resolve_context().context
        return perform("data docs", lambda scope: _publish(context, checkpoint_result, scope))


def _publish(context: Any, checkpoint_result: Any, scope: ActionScope | None) -> tuple[str, str]:
    identifiers = list(checkpoint_result.run_results)
    suites = [identifier.expectation_suite_identifier for identifier in identifiers]
    context.build_data_docs(resource_identifiers=[*identifiers, *suites])
    sites = context.get_docs_sites_urls(resource_identifier=identifiers[0])
    address = next((str(site["site_url"]) for site in sites if site.get("site_url")), "")
    if scope is not None:
        scope.docs = address
    return DONE, address or "no site is configured"
