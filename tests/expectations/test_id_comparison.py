"""Every id of two sides is read and compared, each side once a check, whoever asks and from whichever thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from expectations_plugins.conditions.expressions import (
    Aggregate,
    Always,
    And,
    Asked,
    Compare,
    Condition,
    Field,
    Measure,
    Op,
    Row,
    Sample,
)
from expectations_plugins.core.errors import TransientError
from expectations_plugins.engine import id_comparison
from expectations_plugins.engine.backend import Slice, UnsupportedError
from expectations_plugins.engine.id_comparison import IdReader, compare_ids
from expectations_plugins.engine.reconciliation import Reconciliation
from expectations_plugins.engine.reconciliation_sides import Side

KEY, DATA = Field.of("id"), Slice("things")
REQUIRED = Compare(Op.EQ, Field.of("required"), "yes")


@dataclass(slots=True)
class Listed:
    """A backend over a list of ids; implements what the comparison asks of the port."""

    store: ClassVar[str] = "list"
    ids: Sequence[Any]
    sorts: bool = True
    required: Sequence[str] = ()
    error: Exception | None = None
    ready: threading.Event | None = None
    asked: list[Condition] = field(default_factory=list)

    def check(self, asked: Asked) -> None:
        if isinstance(asked, Aggregate) and not self.sorts:
            raise UnsupportedError(self.store, "an extreme", "Sort.")

    def measure(self, data: Slice, measures: Sequence[Measure]) -> Sequence[Any]:
        del data
        return [len(self.ids) for _ in measures]

    def stream(self, data: Slice, query: Sample) -> Iterator[Row]:
        del data
        self.asked.append(query.where)
        if self.ready is not None:
            assert self.ready.wait(10)
        if self.error is not None:
            raise self.error
        ids = self.required if query.where == REQUIRED else [key for key in self.ids if _is_in(key, query.where)]
        return iter([{} if key is None else {"id": key} for key in ids[: query.limit]])

    def side(self, name: str) -> Side:
        backend: Any = self
        return Side(name, backend, DATA, KEY)


def _is_in(key: Any, where: Condition) -> bool:
    bounds = where.operands if isinstance(where, And) else (where,)
    signs = {Op.GE: lambda a, b: a >= b, Op.LT: lambda a, b: a < b}
    return all(one == Always(True) or (isinstance(one, Compare) and signs[one.op](key, one.value)) for one in bounds)


def compared(here: Listed, there: Listed, **more: Any) -> Reconciliation:
    found = compare_ids(here.side("here"), there.side("there"), IdReader(), **more)
    assert found is not None
    return found


def test_equal_ids_in_another_order_are_the_same() -> None:
    found = compared(Listed(["a", "b", "c"]), Listed(["c", "a", "b"]))
    assert (found.same, found.here, found.there, found.compared_by, found.examples) == (True, 3, 3, "ids", ())


def test_ids_of_one_side_only_are_named_with_their_side() -> None:
    found = compared(Listed(["a", "b"]), Listed(["b", "z"]))
    assert (found.same, found.only_here, found.only_there) == (False, 1, 1)
    assert found.examples == (("a", "here"), ("z", "there"))


def test_an_id_that_one_side_has_twice_is_a_difference() -> None:
    assert compared(Listed(["a", "a"]), Listed(["a"])).examples == (("a", "here"),)
    assert compared(Listed(["a"]), Listed(["a", "a"])).examples == (("a", "there"),)


def test_a_record_without_an_id_fails_the_comparison() -> None:
    found = compared(Listed(["a", None]), Listed(["a", 7]))
    assert (found.same, found.without_id, found.only_here, found.only_there) == (False, 2, 0, 0)


def test_only_those_that_are_required_may_not_be_missing() -> None:
    here = Listed(["silent", "spoken"], required=["spoken"])
    assert compared(here, Listed(["spoken"]), required=REQUIRED).same
    found = compared(here, Listed(["silent"]), required=REQUIRED)
    assert (found.same, found.examples) == (False, (("spoken", "here"),))


def test_a_store_is_not_asked_what_is_required_when_nothing_is_missing() -> None:
    here = Listed(["a"])
    compared(here, Listed(["a"]), required=REQUIRED)
    assert here.asked == [Always(True)]


def test_as_many_may_be_missing_as_are_excused_and_not_one_more() -> None:
    here = Listed(["a", "b", "c"])
    found = compared(here, Listed(["a"]), may_miss=2)
    assert (found.same, found.excused, found.only_here) == (True, 2, 0)
    found = compared(here, Listed([]), may_miss=2)
    assert (found.same, found.excused, found.only_here) == (False, 0, 3)


def test_what_is_excused_hides_no_id_too_many() -> None:
    found = compared(Listed(["a", "b"]), Listed(["a", "z"]), may_miss=1)
    assert (found.same, found.examples) == (False, (("z", "there"),))


def test_too_many_ids_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_comparison, "MOST", 2)
    few, many = Listed(["a", "b"]), Listed(["a", "b", "c", "d"])
    for here, there in ((few, many), (many, few)):
        assert compare_ids(here.side("here"), there.side("there"), IdReader()) is None
    assert IdReader().read(many.side("many")).records == 4


def test_a_store_that_does_not_sort_is_read_in_ranges_of_the_other_sides_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_comparison, "PAGE", 10)
    every = [f"i-{number:02}" for number in range(35)]
    vectors = Listed([*every, "", "zz"], sorts=False)
    found = compared(Listed(every), vectors)
    assert (len(vectors.asked), found.there, [key for key, _ in found.examples]) == (4, 37, ["", "zz"])


def test_each_side_is_read_once_a_check() -> None:
    logs, graph, reader = Listed(["a"]), Listed(["a"]), IdReader()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            pool.submit(compare_ids, logs.side("logs"), graph.side("graph"), reader)
            pool.submit(reader.read, logs.side("logs"))
    assert (len(logs.asked), len(graph.asked)) == (1, 1)


def test_ids_of_the_side_that_is_read_first_say_where_to_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_comparison, "PAGE", 1)
    slow = threading.Event()
    logs, graph, vectors = Listed(["a", "b"], ready=slow), Listed(["a", "b"]), Listed(["a", "b"], sorts=False)
    reader = IdReader()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(reader.read, logs.side("logs"))
        reader.read(graph.side("graph"))
        assert reader.read(vectors.side("vectors"), logs.side("logs")).known == ("a", "b")
        slow.set()
        assert waiting.result().known == ("a", "b")
    assert len(vectors.asked) == 2


def test_two_stores_that_do_not_sort_do_not_wait_for_each_other() -> None:
    logs = Listed(["a"], sorts=False)
    reader = IdReader()
    with ThreadPoolExecutor(2) as pool:
        found = [
            pool.submit(compare_ids, logs.side("logs"), Listed(["a"], sorts=False).side(name), reader)
            for name in ("one", "two")
        ]
        assert [one.result(10).same for one in found] == [True, True]  # type: ignore[union-attr]


def test_an_outage_reaches_all_who_ask_and_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_comparison, "PAGE", 1)
    down, reader = Listed([], error=TransientError("down")), IdReader()
    vectors = Listed(["a"], sorts=False)
    for _ in range(2):
        with pytest.raises(TransientError, match="down"):
            compare_ids(down.side("logs"), vectors.side("vectors"), reader)
    assert (len(down.asked), len(vectors.asked)) == (1, 0)
