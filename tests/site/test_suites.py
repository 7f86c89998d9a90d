"""A suite's page speaks in words: what its parameters stand for, and what follows when an expectation does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import great_expectations
import pytest
from great_expectations import ExpectationSuite
from great_expectations.core import ExpectationValidationResult
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from checkpoints.actions import ACTIONS
from checkpoints.actions.scope import ActionScope
from checkpoints.core.verdicts import verdict_of
from checkpoints.data_docs import pages
from checkpoints.data_docs.suites import SuitePage, suite_page, suite_pages
from checkpoints.gates import gate_file
from expectations_plugins.core.defaults import VECTOR_DIMENSION
from pipeline.core.policy import MARKS
from pipeline.core.topology import GATE_STEPS, GATES
from pipeline.core.verdicts import GateReport


@pytest.fixture(scope="module")
def found() -> list[SuitePage]:
    suites = [
        great_expectations.ExpectationSuite(name=gate, expectations=gate_file(gate).suite())
        for gate in sorted(GATES, reverse=True)
    ]
    return suite_pages([great_expectations.ExpectationSuite(name="another", expectations=[]), *suites])


def test_suites_stand_in_the_order_of_their_gates(found: list[SuitePage]) -> None:
    assert [page.name for page in found] == [*GATES, "another"]


def test_no_page_shows_a_place_where_a_value_belongs(found: list[SuitePage]) -> None:
    assert not [page.name for page in found if "$" in pages.suite(page)]


def test_each_parameter_a_sentence_names_is_said_what_it_stands_for(found: list[SuitePage]) -> None:
    named = {name: meaning for page in found for name, meaning in page.parameters}
    assert {"loaded", "fences", "vector_tolerance"} <= named.keys()
    assert all(named.values())


def test_each_expectation_says_what_follows(found: list[SuitePage]) -> None:
    raw = {one.name: one.follows for one in found[0].expectations if one.severity == "critical"}
    assert raw["expect_user_ids_to_be_well_formed"] == (
        "the batch is halted, the bad records are quarantined, a critical alert"
    )
    assert raw["expect_table_row_count_to_equal"] == "the batch is halted, a critical alert"


VALUES = {
    "user_id_pattern": "^u_[0-9]+$",
    "sample_ids": ["i"],
    "embedding_batch_id": "e",
    "fences": [1],
    "rejected": {},
    "waiting": {"3f2a91c07d11": 2},
    "truncated_examples": [["i_1", "cut"]],
    "refused_examples": [["i_2", "it is empty"]],
}
BAD = {"unexpected_count": 2, "element_count": 10, "details": {"schema_dimension": VECTOR_DIMENSION}}


def failing(configuration: Any) -> Any:
    """A result of an expectation that did not hold, with values in place of suite parameters."""

    def value(given: Any) -> Any:
        return VALUES.get(given["$PARAMETER"], 0) if isinstance(given, dict) and "$PARAMETER" in given else given

    kwargs = {name: value(given) for name, given in configuration.kwargs.items()}
    concrete = ExpectationConfiguration(type=configuration.type, kwargs=kwargs, severity=configuration.severity)
    return ExpectationValidationResult(success=False, expectation_config=concrete, result=BAD)


def every_expectation() -> Iterator[tuple[str, Any]]:
    for gate in GATES:
        yield from ((gate, one.configuration) for one in gate_file(gate).suite())


@pytest.mark.parametrize(("gate", "configuration"), [*every_expectation()], ids=lambda one: getattr(one, "type", one))
def test_what_a_page_says_is_done_with_records_is_what_the_gates_actions_do(gate: str, configuration: Any) -> None:
    result = failing(configuration)
    verdict = verdict_of([result], expected=10)
    scope = ActionScope(gate, "b", "r", None, None, lambda _: report)
    report = GateReport(gate, verdict, "r", parameters={"embedding_batch_id": "e"})
    done = [
        kind
        for kind in GATE_STEPS[gate].actions
        if ACTIONS[kind](name=kind).intend(report, [result], scope) is not None
    ]
    said = next(
        one.follows
        for one in suite_page(ExpectationSuite(gate, expectations=[configuration.to_domain_obj()])).expectations
    )
    assert [kind for kind in MARKS if MARKS[kind] in said] == [kind for kind in MARKS if kind in done]
