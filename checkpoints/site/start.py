"""The first page: is it flowing, what needs a person, and how it went lately."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from checkpoints.site.charts import Chart, Line
from checkpoints.site.states import BatchRow, name_of, row
from pipeline.history import Waiting
from pipeline.model import BatchStatus, short
from pipeline.runner_outcome import counts_in
from pipeline.topology import GATES, STEPS, StepKind

Document = Mapping[str, Any]

SHOWN = 36
"""Batches of the timeline: six hours of one every ten minutes."""

REVIEWED = 200
RECORDS = 10_000
"""Interactions and records are counted up to here: counting more would cost more every day."""

NAMED = 5
"""Batches that are named where several wait for the same."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person.

    Args:
        what: What it is, with its number.
        command: The command that shows it or sets it right.
        batches: Ids of the batches it is about; some of them.
        urgent: Whether data does not flow because of it.
    """

    what: str
    command: str
    batches: tuple[str, ...] = ()
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class StartPage:
    """What the first page shows.

    Args:
        headline: One sentence.
        state: A key of `states.SYMBOLS`.
        rows: The last batches, newest first.
        needs: What waits for a person.
        charts: How it went lately.
        unknown: What could not be asked, with the reason.
        built: When the page was made.
    """

    headline: str
    state: str
    rows: tuple[BatchRow, ...]
    needs: tuple[Need, ...]
    charts: tuple[Chart, ...]
    unknown: tuple[str, ...]
    built: datetime


def start_page(
    latest: Sequence[Document],
    waiting: Waiting,
    review: int | None,
    unknown: Sequence[str] = (),
    *,
    now: datetime | None = None,
) -> StartPage:
    """The first page.

    Args:
        latest: The newest batches, newest first.
        waiting: What waits for a person.
        review: Interactions in the review queue; None when it is not known.
        unknown: What could not be asked, with the reason.
        now: The time; for tests.
    """
    rows = tuple(row(document) for document in latest)
    needs = tuple(_needs(waiting, review))
    headline, state = _headline(rows, needs)
    oldest_first = list(reversed(latest))
    return StartPage(
        headline=headline,
        state=state,
        rows=rows,
        needs=needs,
        charts=tuple(_charts(oldest_first)) if len(latest) > 1 else (),
        unknown=tuple(unknown),
        built=now or datetime.now(UTC),
    )


def _headline(rows: Sequence[BatchRow], needs: Sequence[Need]) -> tuple[str, str]:
    if not rows:
        return "Nothing has run yet", "empty"
    if urgent := [need for need in needs if need.urgent]:
        return f"It is not all flowing: {'; '.join(need.what for need in urgent)}", "fail"
    if needs:
        return "It is flowing; something waits for a person", "warn"
    if rows[0].status == BatchStatus.RUNNING:
        return "It is flowing; a batch is running", "pass"
    return "It is flowing", "pass"


def _needs(waiting: Waiting, review: int | None) -> Iterator[Need]:
    if waiting.halted:
        yield Need(
            _many(waiting.halted, "batch is halted", "batches are halted"),
            f"run.py status {short(waiting.halted[0])}",
            *_of(waiting.halted),
        )
    if waiting.held:
        yield Need(
            _many(waiting.held, "batch is held by an outage", "batches are held by an outage"),
            "run.py doctor",
            *_of(waiting.held),
        )
    if waiting.dead:
        yield Need(
            _many(waiting.dead, "batch is dead-lettered", "batches are dead-lettered"),
            "run.py dlq list",
            *_of(waiting.dead),
        )
    if waiting.quarantined:
        yield Need(_counted(waiting.quarantined, RECORDS, "records are in quarantine"), "run.py quarantine list")
    if review:
        yield Need(_counted(review, REVIEWED, "interactions are to be reviewed"), "run.py review list")
    if waiting.dead_records:
        yield Need(_counted(waiting.dead_records, RECORDS, "records are in the dead letters"), "run.py dlq list")
    if waiting.fallbacks:
        vectors = sum(count for _, count in waiting.fallbacks)
        yield Need(
            f"{vectors:,} vectors are fallbacks", "run.py reembed", tuple(name for name, _ in waiting.fallbacks[:NAMED])
        )


def _of(batches: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    return tuple(batches[:NAMED]), True


def _counted(count: int, most: int, what: str) -> str:
    return f"more than {most:,} {what}" if count > most else f"{count:,} {what}"


def _many(batches: Sequence[str], one: str, several: str) -> str:
    return f"1 {one}" if len(batches) == 1 else f"{len(batches):,} {several}"


def _charts(documents: Sequence[Document]) -> Iterator[Chart]:
    places = tuple(document["first_seen"].astimezone(UTC).isoformat() for document in documents)
    yield Chart("Records of each batch", "records", places, tuple(_volumes(documents)), stacked=True)
    yield Chart("Seconds each stage took", "seconds", places, tuple(_latencies(documents)))
    yield Chart("Invalid records at each gate", "% of records", places, tuple(_rates(documents)))


def _volumes(documents: Sequence[Document]) -> Iterator[Line]:
    counted = [counts_in(document) for document in documents]
    for name in ("accepted", "quarantined", "duplicate", "dead"):
        yield Line(name, tuple(float(getattr(counts, name)) for counts in counted))


def _latencies(documents: Sequence[Document]) -> Iterator[Line]:
    for step in STEPS:
        if step.kind is StepKind.STAGE:
            known = [((document.get("steps") or {}).get(step.key) or {}).get("duration_s") for document in documents]
            yield Line(name_of(step), tuple(None if took is None else round(float(took), 3) for took in known))


def _rates(documents: Sequence[Document]) -> Iterator[Line]:
    for name in GATES:
        known = [((document.get("gates") or {}).get(name) or {}).get("rate") for document in documents]
        yield Line(f"{name} gate", tuple(None if rate is None else round(float(rate) * 100, 2) for rate in known))


def names(batches: Sequence[str]) -> str:
    """Batches by their shortened ids."""
    return ", ".join(short(one) for one in batches)
