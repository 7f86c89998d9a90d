"""Ratios, goals and the printed table: pure functions of the measurements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measuring import Measurement
from benchmarks.workload import FLOOR, PUSH_DOWN, SAME_QUERY

KB, MB = 1_000, 1_000_000
CPU_GROWTH = 1.1
MEMORY_BYTES = 10 * MB
RECEIVED_BYTES = 20 * KB
BYTES_PER_VECTOR = 3.5 * KB
WALL_TIMES_FLOOR, WALL_FIXED_SECONDS = 1.3, 0.3


@dataclass(frozen=True, slots=True)
class Ratio:
    """Another way's figures divided by push-down's, at one store and size.

    Memory is None where push-down grew by less than 1 MB, which is too little to divide by.
    """

    store: str
    size: int
    way: str
    wall: float
    cpu: float
    received: float
    memory: float | None


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal of push-down and what was measured."""

    store: str
    size: int
    goal: str
    figure: float
    limit: float
    unit: str
    holds: bool


def ratios(found: Sequence[Measurement]) -> list[Ratio]:
    """The floor's and pandas' figures beside push-down's."""
    return [
        Ratio(
            store=other.store,
            size=other.size,
            way=other.way,
            wall=other.wall_seconds / ours.wall_seconds,
            cpu=other.cpu_seconds / ours.cpu_seconds,
            received=other.received_bytes / ours.received_bytes,
            memory=other.memory_growth_bytes / ours.memory_growth_bytes if ours.memory_growth_bytes >= MB else None,
        )
        for ours in _of(found, PUSH_DOWN)
        for other in found
        if other.way != PUSH_DOWN and (other.store, other.size) == (ours.store, ours.size)
    ]


def goals(found: Sequence[Measurement]) -> list[Goal]:
    """Each goal at each size; the growth of CPU once a store, where there are two sizes or more."""
    floors = {(one.store, one.size): one for one in _of(found, FLOOR)}
    judged: list[Goal] = []
    for ours in _of(found, PUSH_DOWN):
        judged += _at_one_size(ours, floors[ours.store, ours.size])
    for store in dict.fromkeys(one.store for one in found):
        alone = {one.size: one for one in _of(found, SAME_QUERY, store)}
        judged += _flat(sorted(_of(found, PUSH_DOWN, store), key=lambda one: one.size), alone)
    return judged


def _at_one_size(ours: Measurement, floor: Measurement) -> Iterator[Goal]:
    fixed = ours.wall_seconds - WALL_TIMES_FLOOR * floor.wall_seconds
    yield _goal(ours, f"wall time above {WALL_TIMES_FLOOR} x floor", fixed, WALL_FIXED_SECONDS, "s")
    yield _goal(ours, "memory growth", ours.memory_growth_bytes / MB, MEMORY_BYTES / MB, "MB")
    if ours.sampled:
        each = ours.received_bytes / ours.sampled
        yield _goal(ours, "received per sampled vector", each / KB, BYTES_PER_VECTOR / KB, "KB")
    else:
        yield _goal(ours, "received", ours.received_bytes / KB, RECEIVED_BYTES / KB, "KB")


def _flat(by_size: Sequence[Measurement], alone: Mapping[int, Measurement]) -> Iterator[Goal]:
    if len(by_size) > 1:
        least, most = by_size[0], by_size[-1]
        growth = _work(most, alone.get(most.size)) / _work(least, alone.get(least.size))
        yield _goal(most, f"client CPU without waiting, against {least.size:,} records", growth, CPU_GROWTH, "times")


def _work(one: Measurement, alone: Measurement | None) -> float:
    """Client CPU without what the driver's threads take while they wait for a slow server.

    Args:
        one: Push-down.
        alone: The same query by the driver alone, where it was measured: nearly all it does is wait.
    """
    return one.cpu_seconds - (one.waiting_cpu_seconds if alone is None else alone.cpu_seconds)


def _goal(one: Measurement, goal: str, figure: float, limit: float, unit: str) -> Goal:
    return Goal(one.store, one.size, goal, figure, limit, unit, holds=figure <= limit)


def _of(found: Sequence[Measurement], way: str, store: str | None = None) -> list[Measurement]:
    return [one for one in found if one.way == way and store in (None, one.store)]


def text(found: Sequence[Measurement]) -> str:
    """Everything as Markdown tables."""
    return "\n\n".join([_measured(found), _compared(found), _judged(found)])


def _measured(found: Sequence[Measurement]) -> str:
    head = ["store", "records", "way", "wall s", "client CPU s", "waiting", "received KB", "memory growth MB", "runs"]
    rows = [
        [
            one.store,
            f"{one.size:,}",
            one.way,
            f"{one.wall_seconds:.3f}",
            f"{one.cpu_seconds:.3f}",
            f"{one.waiting_cpu_seconds:.3f}",
            f"{one.received_bytes / KB:,.1f}",
            f"{one.memory_growth_bytes / MB:,.1f}",
            str(one.repetitions),
        ]
        for one in found
    ]
    return _table(head, rows)


def _compared(found: Sequence[Measurement]) -> str:
    head = ["store", "records", "ratio", "wall", "client CPU", "received", "memory growth"]
    rows = [
        [
            one.store,
            f"{one.size:,}",
            f"{one.way} / {PUSH_DOWN}",
            *(_times(value) for value in (one.wall, one.cpu, one.received, one.memory)),
        ]
        for one in ratios(found)
    ]
    return _table(head, rows)


def _judged(found: Sequence[Measurement]) -> str:
    head = ["store", "records", "goal", "figure", "limit", ""]
    rows = [
        [
            one.store,
            f"{one.size:,}",
            one.goal,
            f"{one.figure:.2f} {one.unit}",
            f"{one.limit:g} {one.unit}",
            "PASS" if one.holds else "FAIL",
        ]
        for one in goals(found)
    ]
    return _table(head, rows)


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join("| " + " | ".join(_padded(line, widths)) + " |" for line in lines)


def _padded(line: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    return (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
