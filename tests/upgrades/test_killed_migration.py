"""A migration that ends after any of its writes, and is run again, comes to what an undisturbed one comes to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from expectations_plugins.milvus.connection import connect as milvus
from expectations_plugins.mongodb.connection import connect as mongodb
from expectations_plugins.neo4j.connection import connect as neo4j
from pipeline.config import load_settings
from pipeline.stores.bigquery.connection import connect as bigquery
from pipeline.upgrades import opening
from pipeline.upgrades.migration import Migration
from tests.upgrades.conftest import MARKED, Place

WRITES = ("set", "place", "finish")
"""Copying metrics is many; `test_old_metrics.py` ends it after each."""


class Killed(BaseException):
    """The process ends here."""


class Counted:
    """Stands before a part of a migration, and ends the process after so many writes of all of them.

    Args:
        part: The real part.
        left: How many writes are left, in a list that all parts share; None for as many as there are.
    """

    def __init__(self, part: Any, left: list[int]) -> None:
        self._part = part
        self._left = left

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if name not in WRITES:
            return found

        def write(*arguments: Any) -> None:
            found(*arguments)
            self._left[0] -= 1
            if not self._left[0]:
                raise Killed

        return write


@contextmanager
def migration_of(place: Place, left: list[int]) -> Iterator[Migration]:
    """The real migration of a place, whose writes are counted."""
    at, name = place.work.endpoints, place.stores.name
    database = mongodb(str(at.mongodb_uri), name)
    client = bigquery(str(at.bigquery_project), endpoint=at.bigquery_endpoint, location="US")
    graph = neo4j(str(at.neo4j_uri), str(at.neo4j_user), str(at.neo4j_password), database=at.neo4j_database)
    vectors = milvus(str(at.milvus_uri))
    try:
        real = opening.migration(database, (client, name), graph, (vectors, name), load_settings().gemini_model)
        marks: Any = [Counted(mark, left) for mark in real._marks]
        ledger: Any = Counted(real._ledger, left)
        yield Migration(ledger, real._metrics, real._vectors, marks)
    finally:
        for one in (database.client, client, graph, vectors):
            one.close()


def test_a_migration_that_ends_after_any_write_is_finished_by_the_next(make_place: Callable[[], Place]) -> None:
    whole, counted = make_place(), [0]
    with migration_of(whole, counted) as migration:
        migration.perform()
    writes, expected = -counted[0], whole.held()
    assert whole.versions() == MARKED
    assert writes > len(whole.ids)
    place = make_place()
    for last in range(1, writes + 1):  # each time one write further: what was done is not done again
        with migration_of(place, [1]) as migration, pytest.raises(Killed):
            migration.perform()
        assert place.command("status", code=None).code == 0, last
    with migration_of(place, idle := [0]) as migration:
        assert not any(finding.work for finding in migration.perform())
    assert idle == [0]
    assert place.versions() == MARKED
    assert named(place.held(), place) == named(expected, whole)


@pytest.mark.parametrize("after", [2, 5, 9])
def test_the_command_goes_on_where_a_killed_one_ended(after: int, make_place: Callable[[], Place]) -> None:
    whole = make_place()
    whole.command("migrate")
    expected = whole.held()
    place = make_place()
    with migration_of(place, [after]) as migration, pytest.raises(Killed):
        migration.perform()
    place.command("migrate", "--check", code=2)
    assert "Done." in place.command("migrate").stdout
    assert "Nothing is to be migrated." in place.command("migrate", "--check").stdout
    assert named(place.held(), place) == named(expected, whole)


def named(held: dict[str, Any], place: Place) -> Any:
    """What is held, without the name of the place in it."""
    return json.loads(json.dumps(held, default=str).replace(place.stores.name, "NAME"))
