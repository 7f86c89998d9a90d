"""Every plain case of our own on GX's pandas engine, in MongoDB and in Neo4j.

A case says what the result is; a store must moreover give the very result that GX's pandas engine gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.local import Endpoints
from tests.gx_cases.held import Held
from tests.gx_cases.judging import problems, raised, said, same
from tests.gx_cases.plain import Case, Dataset, own_datasets
from tests.gx_cases.stores import PLACES, quiet_context

DIFFERENCES: dict[tuple[str, str, str], str] = {}
"""Known and honest, by place, expectation and title: why. Asserted to differ, so that none outlives its cause."""

DATASETS = own_datasets()


def params() -> Iterator[Any]:
    """Place by place, so that each dataset is put there once and right before it is asked about."""
    for place in PLACES:
        for dataset in DATASETS:
            for case in dataset.cases:
                if place.name != "pandas" or "pandas" in case.engines:
                    yield pytest.param(place.name, dataset, case, id=f"{place.name}-{dataset.name}-{case.title}")


@pytest.fixture(scope="module")
def places(endpoints: Endpoints) -> Iterator[dict[str, Held]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GX_CASES_MONGODB", str(endpoints.mongodb_uri))
        patch.setenv("GX_CASES_NEO4J", str(endpoints.neo4j_password))
        context = quiet_context()
        found = {place.name: Held(place(context, endpoints)) for place in PLACES}
        yield found
        for held in found.values():
            held.place.close()


@pytest.mark.parametrize(("name", "dataset", "case"), params())
def test_a_case(places: dict[str, Held], name: str, dataset: Dataset, case: Case) -> None:
    skip_what_the_place_cannot_hold(places[name], dataset, case)
    result = places[name].result(dataset, case)
    found = problems(case, result)
    if name != "pandas" and "pandas" in case.engines and not found:
        found = unlike(result, places["pandas"].result(dataset, case))
    why = DIFFERENCES.get((name, case.expectation, case.title))
    if why is None:
        assert not found, (case.kwargs, found)
    else:
        assert found, f"this is no longer so, take it out: {why}"


def test_every_difference_is_of_a_case() -> None:
    known = {(place.name, case.expectation, case.title) for place in PLACES for d in DATASETS for case in d.cases}
    assert set(DIFFERENCES) <= known


def test_no_two_cases_of_an_expectation_share_a_title() -> None:
    titles = [(case.expectation, case.title) for dataset in own_datasets() for case in dataset.cases]
    assert len(titles) == len(set(titles))


def skip_what_the_place_cannot_hold(held: Held, dataset: Dataset, case: Case) -> None:
    """Skip a case about a column the place cannot hold."""
    named = {value for value in case.kwargs.values() if isinstance(value, str)}
    named |= set(case.kwargs.get("column_list", []))
    for column in named & set(dataset.columns):
        if why := held.place.cannot_hold(column, dataset.columns[column]):
            pytest.skip(f"{column}: {why}")


def unlike(ours: Any, theirs: Any) -> list[str]:
    """Everything in which a result is not as GX's pandas engine gives it."""
    if raised(theirs):
        return []
    one, other = said(ours), said(theirs)
    names = sorted({*one, *other})
    return [
        f"{name}: {one.get(name)!r}, in pandas {other.get(name)!r}"
        for name in names
        if not same(one.get(name), other.get(name))
    ]
