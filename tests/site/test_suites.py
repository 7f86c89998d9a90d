"""A suite's page speaks in words: what its parameters stand for, and what follows when an expectation does not hold."""

from __future__ import annotations

import great_expectations
import pytest

from checkpoints.data_docs import pages
from checkpoints.data_docs.suites import SuitePage, suite_pages
from checkpoints.gates import gate_file
from pipeline.core.topology import GATES


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
    raw = {one.severity: one.follows for one in found[0].expectations}
    assert raw == {
        "critical": "the batch is halted, bad records are quarantined, a critical alert",
        "warning": "the batch goes on, bad records are quarantined, a warning alert",
    }
