"""ExpectMessagesWithoutAddresses: nobody's e-mail address is in a message that is going to be embedded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Union

from great_expectations.core.suite_parameters import SuiteParameterDict

from expectations_plugins.conditions.expressions import Condition, Count, Field, Matches, Sample, both
from expectations_plugins.engine.metrics import Measures, MetricCall, MetricSpec, Plan, Question
from expectations_plugins.engine.registration import COLUMN_DOMAIN, offer
from expectations_plugins.engine.rendering import ReadableExpectation, share

ADDRESS = r"[A-Za-z0-9._-]+@[A-Za-z0-9-]+[.][A-Za-z]+"
COUNTS, EXAMPLES = "sluicegate.addresses.counts", "sluicegate.addresses.examples"


class ExpectMessagesWithoutAddresses(ReadableExpectation):
    """Expect that no message holds an e-mail address.

    Args:
        column: The field that holds the message.
        key: The field that names a record in examples.
    """

    column: Union[str, SuiteParameterDict[str, Any]] = "message"
    key: Union[str, SuiteParameterDict[str, Any]] = "interaction_id"

    metric_dependencies: ClassVar[tuple[str, ...]] = (COUNTS, EXAMPLES)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "column")
    success_keys: ClassVar[tuple[str, ...]] = ("key",)

    @classmethod
    def sentence(cls, settings: Mapping[str, Any]) -> str:
        """What is expected."""
        del settings
        return "No $column may hold an e-mail address."

    def bad_records(self) -> Condition:
        """At the raw gate, these are quarantined."""
        return addressed(str(self.column))

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        del runtime_configuration, execution_engine
        checked, bad = metrics[COUNTS]
        return {
            "success": not bad,
            "result": {
                "observed_value": f"{share(bad, checked)} messages hold an e-mail address",
                "element_count": checked,
                "unexpected_count": bad,
                "details": {"examples": metrics[EXAMPLES]},
            },
        }


def addressed(column: str) -> Condition:
    """Records whose field holds an address; the store answers, in its own language."""
    return Matches(Field.of(column), ADDRESS)


def _counts(call: MetricCall) -> Plan:
    bad = both(call.where, addressed(call.domain["column"]))
    return Measures((Count(call.where), Count(bad)), tuple)


def _examples(call: MetricCall) -> Plan:
    key, column = Field.of(call.values["key"]), Field.of(call.domain["column"])
    bad = both(call.where, addressed(column.path))
    return Question(Sample(bad, (key, column), 20), lambda rows: [(row[key.path], row[column.path]) for row in rows])


def register() -> None:
    """Have every store's engine compute these; one that cannot refuses by name."""
    offer(
        MetricSpec(COUNTS, _counts, domain_keys=COLUMN_DOMAIN, value_keys=()),
        MetricSpec(EXAMPLES, _examples, domain_keys=COLUMN_DOMAIN, value_keys=("key",)),
    )
