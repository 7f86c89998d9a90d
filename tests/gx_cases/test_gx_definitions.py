"""Great Expectations' own 663 cases, asked of MongoDB, Neo4j and Milvus: each has an outcome, deviations are known.

The definitions lie beside the repository (README.md says where); the tests are skipped where they are missing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipeline.local import Endpoints
from tests.gx_cases.asking import Asked
from tests.gx_cases.definitions import FOLDER, Definition, definitions
from tests.gx_cases.deviations import DEVIATIONS, of_store
from tests.gx_cases.outcomes import Kind, Outcome, counts, outcome
from tests.gx_cases.stores import InMilvus, InMongoDB, InNeo4j, InPandas, quiet_context

COUNTS = Path(__file__).parents[2] / "docs" / "gx_cases.json"
"""How many cases there are of each outcome: docs/push-down.md shows it. `pytest --update-golden` writes it."""

CASES = 663
MOST_FAILURES = 12
STORES = {"Milvus": InMilvus, "MongoDB": InMongoDB, "Neo4j": InNeo4j}
FILES = sorted({case.file for case in definitions()}) or ["no definitions"]

needs_definitions = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"GX's test definitions are not at {FOLDER}; see tests/gx_cases/README.md"
)


class Everything:
    """Every outcome, worked out when it is first asked for, and once."""

    def __init__(self, stores: Mapping[str, Asked], pandas: Asked) -> None:
        self.stores = stores
        self.outcome = cache(self._outcome)
        self._pandas = pandas

    def _outcome(self, store: str, case: Definition) -> Outcome:
        return outcome(case, self.stores[store], self._pandas)

    def of(self, store: str) -> dict[tuple[str, str], Outcome]:
        """The outcome of every case, by file and title."""
        return {(case.file, case.title): self.outcome(store, case) for case in definitions()}

    def counted(self, store: str) -> dict[str, Any]:
        """How many cases there are of each outcome, and of each reason for it."""
        outcomes = self.of(store)
        why = {(one.file, one.title): one.why for one in of_store(self.stores[store].place.name)}
        deviate = Counter(why.get(case, "not listed") for case, one in outcomes.items() if one.gives)
        return {**counts(outcomes.values()), "deviations": dict(sorted(deviate.items()))}


@pytest.fixture(scope="module")
def everything(endpoints: Endpoints) -> Iterator[Everything]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GX_CASES_MONGODB", str(endpoints.mongodb_uri))
        patch.setenv("GX_CASES_NEO4J", str(endpoints.neo4j_password))
        context = quiet_context()
        stores = {name: Asked(place(context, endpoints)) for name, place in STORES.items()}
        yield Everything(stores, Asked(InPandas(context, endpoints)))
        for asked in stores.values():
            asked.place.close()


@needs_definitions
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("store", STORES)
def test_a_store_gives_what_a_definition_says_or_a_known_deviation(
    everything: Everything, store: str, file: str
) -> None:
    found = {case.title: everything.outcome(store, case) for case in definitions() if case.file == file}
    gives = {title: one.gives for title, one in found.items() if one.gives or one.kind is Kind.FAIL}
    known = {one.title: one.gives for one in of_store(everything.stores[store].place.name) if one.file == file}
    assert gives == known


@needs_definitions
@pytest.mark.parametrize("store", STORES)
def test_every_case_has_one_outcome_and_few_fail(everything: Everything, store: str) -> None:
    found = counts(everything.of(store).values())
    assert sum(found[kind] for kind in Kind) == CASES
    assert sum(found["not applicable, by reason"].values()) == found[Kind.NOT_APPLICABLE]
    assert sum(found["refused, by reason"].values()) == found[Kind.REFUSED]
    assert found[Kind.FAIL] <= MOST_FAILURES


@needs_definitions
def test_the_counts_the_docs_show_are_those_of_the_run(everything: Everything, request: pytest.FixtureRequest) -> None:
    found = {store: everything.counted(store) for store in STORES}
    text = json.dumps({"cases": CASES, "stores": found}, indent=2, ensure_ascii=False) + "\n"
    if request.config.getoption("--update-golden"):
        COUNTS.write_text(text, encoding="utf-8")
    assert text == COUNTS.read_text("utf-8")


@needs_definitions
def test_every_deviation_is_of_a_case() -> None:
    known = {(case.file, case.title) for case in definitions()}
    assert {(one.file, one.title) for one in DEVIATIONS} <= known


def test_no_case_of_a_store_is_listed_twice() -> None:
    found = [(store, one.file, one.title) for one in DEVIATIONS for store in one.stores]
    assert len(found) == len(set(found))


def test_the_committed_counts_add_up() -> None:
    for counted in json.loads(COUNTS.read_text("utf-8"))["stores"].values():
        assert sum(counted[kind] for kind in Kind) == CASES
