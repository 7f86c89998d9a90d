"""ExpectDeadLetterRateToBeBelow and ExpectDuplicateRateToBeBelow: how much of what was read could not be taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Optional, Union

from great_expectations.core.suite_parameters import SuiteParameterDict

from expectations_plugins.engine.arrival_metrics import DEAD_LETTERS
from expectations_plugins.engine.gx_internals import RowConditionType, pydantic, validate_row_condition
from expectations_plugins.engine.rendering import ReadableExpectation, share, tolerated

SHOWN_REASONS = 3
"""How many reasons a sentence gives an example of."""

EXAMPLES = 20
Given = Union[str, SuiteParameterDict[str, Any]]


class ExpectDeadLetterRateToBeBelow(ReadableExpectation):
    """Expect the share of records that were read and could not be loaded to be no higher than a rate.

    It is asked of the records that were loaded, and counts the dead letters of the same batch in another asset.

    Args:
        records: How many records were read, those that could not be loaded too.
        max_rate: The highest share that passes, 0..1.
        reasons: The reasons that count; None for all.
        other_reasons: Reasons that do not count.
        data_source, asset: Where the dead letters are; the batch is picked by the same batch parameters as this one.
        letters_row_condition: Which of them count.
        reason, detail, line: Their fields: the kind of fault, the fault in words, the number of the record's line.
    """

    records: Union[int, SuiteParameterDict[str, Any]]
    max_rate: Union[float, SuiteParameterDict[str, Any]] = 0.0
    reasons: Optional[Sequence[str]] = None
    other_reasons: Sequence[str] = ()
    data_source: Given
    asset: Given
    letters_row_condition: RowConditionType = None
    reason: Given = "reason"
    detail: Given = "detail"
    line: Given = "line"

    metric_dependencies: ClassVar[tuple[str, ...]] = (DEAD_LETTERS,)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    success_keys: ClassVar[tuple[str, ...]] = (
        "records",
        "max_rate",
        "reasons",
        "other_reasons",
        "data_source",
        "asset",
        "letters_row_condition",
        "reason",
        "detail",
        "line",
    )

    example_columns: ClassVar[tuple[str, str]] = ("place", "why it could not be loaded")

    @pydantic.validator("letters_row_condition")
    def _check_letters_row_condition(cls, value: Any) -> Any:  # noqa: N805 - pydantic's signature
        return validate_row_condition(value)

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected."""
        only, but = settings["reasons"], settings["other_reasons"]
        kinds = f" with the reason {' or '.join(only)}" if only else f" but for {' and '.join(but)}" if but else ""
        most = "No record" if settings["max_rate"] == 0 else f"At most {tolerated(settings['max_rate'])} of the records"
        return f"{most} may be a dead letter in $asset{kinds}."

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        del runtime_configuration, execution_engine
        kwargs = self._get_success_kwargs()
        groups = [group for group in metrics[DEAD_LETTERS] if self._counts(group["reason"])]
        records, dead = int(kwargs["records"]), sum(group["count"] for group in groups)
        rate = dead / max(records, dead) if dead else 0.0
        return {
            "success": rate <= float(kwargs["max_rate"]),
            "result": {
                "observed_value": _observed(groups, dead, records),
                "element_count": records,
                "unexpected_count": dead,
                "unexpected_percent": rate * 100,
                "details": {
                    "reasons": {group["reason"]: group["count"] for group in groups},
                    "examples": _examples(groups),
                },
            },
        }

    def _counts(self, reason: str) -> bool:
        return (self.reasons is None or reason in self.reasons) and reason not in self.other_reasons


def _observed(groups: Sequence[Mapping[str, Any]], dead: int, records: int) -> str:
    """How many, and of the commonest reasons how many each, with an example."""
    parts = []
    for group in groups[:SHOWN_REASONS]:
        place, detail = group["examples"][0] if group["examples"] else ("", "")
        parts.append(f"{group['count']:,} {group['reason']}" + (f" ({place}: {detail})" if detail else ""))
    more = len(groups) - SHOWN_REASONS
    text = f"{share(dead, records)} records could not be loaded{': ' if parts else ''}{'; '.join(parts)}"
    return text + (f"; and {more:,} more reasons" if more > 0 else "")


def _examples(groups: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Examples of every reason, as many of each."""
    most = max(1, EXAMPLES // max(1, len(groups)))
    shown = [(group["reason"], *example) for group in groups for example in group["examples"][:most]]
    return [(place, f"{reason}: {detail}") for reason, place, detail in shown][:EXAMPLES]


class ExpectDuplicateRateToBeBelow(ReadableExpectation):
    """Expect the share of records that had arrived before, with the same content, to be no higher than a rate.

    Duplicates are not stored, so the loading process gives their number.

    Args:
        duplicates: How many records had arrived before.
        records: How many records were read.
        max_rate: The highest share that passes, 0..1.
    """

    duplicates: Union[int, SuiteParameterDict[str, Any]]
    records: Union[int, SuiteParameterDict[str, Any]]
    max_rate: Union[float, SuiteParameterDict[str, Any]] = 0.0

    metric_dependencies: ClassVar[tuple[str, ...]] = ()
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    success_keys: ClassVar[tuple[str, ...]] = ("duplicates", "records", "max_rate")

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected."""
        return f"At most {tolerated(settings['max_rate'])} of the records may have arrived before."

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        del metrics, runtime_configuration, execution_engine
        kwargs = self._get_success_kwargs()
        duplicates, records = int(kwargs["duplicates"]), int(kwargs["records"])
        rate = duplicates / records if records else 0.0
        return {
            "success": rate <= float(kwargs["max_rate"]),
            "result": {
                "observed_value": f"{share(duplicates, records)} records had arrived before, with the same content",
                "element_count": records,
                "unexpected_count": duplicates,
                "unexpected_percent": rate * 100,
                "details": {"duplicates": duplicates, "records": records, "rate": rate},
            },
        }
