"""References between records: a relationship to a target that really exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Optional, Union

from great_expectations.core.suite_parameters import SuiteParameterDict

from expectations_plugins.engine.custom_metrics import EXAMPLES as EXAMPLES_SHOWN
from expectations_plugins.engine.rendering import ReadableExpectation, share

COUNTS = "sluicegate.references.counts"
EXAMPLES = "sluicegate.references.examples"
GROUPS = "sluicegate.references.groups"
QUERY = "sluicegate.references.query"


class ExpectRecordsToReferenceExistingTargets(ReadableExpectation):
    """Expect every node to have a relationship to a target that exists.

    A relationship to a stub, a target without the `marker` that only its catalogue sets, does not count.

    Args:
        relationship: The relationship's type.
        target_label: The target's label.
        marker: A boolean property of real targets; None takes any target with the label.
        column: The property that holds the target's key; shown in examples and groups.
        key: The property that names a record in examples.
        tolerance: Share of orphans that is tolerated, 0..1.
    """

    relationship: str = ""
    target_label: str = ""
    marker: Optional[str] = None
    column: str = ""
    key: str = ""
    tolerance: Union[float, SuiteParameterDict[str, Any]] = 0.0

    metric_dependencies: ClassVar[tuple[str, ...]] = (COUNTS, EXAMPLES, GROUPS, QUERY)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    success_keys: ClassVar[tuple[str, ...]] = (
        "relationship",
        "target_label",
        "marker",
        "column",
        "key",
        "tolerance",
    )

    example_columns: ClassVar[tuple[str, str]] = ("Record", "Missing target")
    what: ClassVar[str] = "records are orphans"

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected."""
        del settings
        return "Every record must refer to an existing $target_label by $relationship."

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        del runtime_configuration, execution_engine
        counts = metrics[COUNTS]
        checked, orphans = counts["checked"], counts["orphans"]
        rate = orphans / checked if checked else 0.0
        groups = [(key, count) for key, count in metrics[GROUPS] if key is not None]
        missing = _missing(len(groups), str(self.column)) if groups else ""
        return {
            "success": rate <= float(self._get_success_kwargs()["tolerance"]),
            "result": {
                "observed_value": f"{share(orphans, checked)} {self.what}{missing}",
                "element_count": checked,
                "unexpected_count": orphans,
                "unexpected_percent": rate * 100,
                "unexpected_index_query": metrics[QUERY] if orphans else None,
                "details": {
                    "without_key": counts["without_key"],
                    "missing_targets": groups,
                    "examples": metrics[EXAMPLES],
                },
            },
        }


def _missing(targets: int, column: str) -> str:
    """How many targets are missing; which ones is in the details, whose values a page may have to mask."""
    least = "at least " if targets >= EXAMPLES_SHOWN else ""
    return f"; they name {least}{targets:,} missing {column}{'' if targets == 1 else 's'}"


class ExpectInteractionsToReferenceExistingCampaigns(ExpectRecordsToReferenceExistingTargets):
    """Expect every interaction to refer to a campaign of the catalogue; one without a campaign_id is an orphan too."""

    relationship: str = "REFERS_TO"
    target_label: str = "Campaign"
    marker: Optional[str] = "in_catalogue"
    column: str = "campaign_id"
    key: str = "interaction_id"

    example_columns: ClassVar[tuple[str, str]] = ("interaction_id", "missing campaign")
    what: ClassVar[str] = "interactions are orphans"

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected."""
        del settings
        return "Every interaction must refer to a campaign that exists in the catalogue."
