"""Datasets put into a place, and the results of their cases: each dataset once, with all its cases in one suite."""

from __future__ import annotations

import json
from typing import Any

import great_expectations
from great_expectations.expectations.registry import get_expectation_impl

from tests.gx_cases.judging import FORMAT
from tests.gx_cases.plain import Case, Dataset
from tests.gx_cases.stores import Place

ALONE = frozenset({"expect_column_quantile_values_to_be_between"})
"""GX 1.24 takes the quantiles of one such expectation for those of another on the same column of the same suite."""


class Held:
    """What a place says of datasets.

    Args:
        place: Where they are put.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._results: dict[str, dict[str, Any]] = {}

    def result(self, dataset: Dataset, case: Case) -> Any:
        """The result of a case; the dataset is put there and validated when it is first asked for."""
        if dataset.name not in self._results:
            self._results[dataset.name] = self._validated(dataset)
        return self._results[dataset.name][identity(expectation_of(case).configuration)]

    def _validated(self, dataset: Dataset) -> dict[str, Any]:
        batch = self.place.put(dataset)()
        together = [case for case in dataset.cases if case.expectation not in ALONE]
        suites = [together, *([case] for case in dataset.cases if case.expectation in ALONE)]
        results = [result for cases in suites if cases for result in _results(batch, cases)]
        return {identity(result.expectation_config): result for result in results}


def _results(batch: Any, cases: list[Case]) -> list[Any]:
    made = {identity(found.configuration): found for found in map(expectation_of, cases)}
    suite = great_expectations.ExpectationSuite(name="cases", expectations=list(made.values()))
    return list(batch.validate(suite, result_format=FORMAT).results)


def expectation_of(case: Case) -> Any:
    """The expectation of a case."""
    return get_expectation_impl(case.expectation)(**case.kwargs)


def identity(configuration: Any) -> str:
    """Type and arguments, since GX gives unsaved expectations no id."""
    kwargs = {key: value for key, value in configuration.to_json_dict()["kwargs"].items() if key != "batch_id"}
    return json.dumps([configuration.type, kwargs], sort_keys=True)
