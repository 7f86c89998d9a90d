"""The first page: is it flowing, what needs a person, and how it went lately."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from checkpoints.data_docs.charts import Chart, Line
from checkpoints.data_docs.states import BatchRow, name_of, row
from pipeline.core.batch import Batch
from pipeline.core.batches import BatchStatus, short
from pipeline.core.next_steps import LOOK
from pipeline.core.policy import typed_command
from pipeline.core.program import program
from pipeline.core.topology import GATES, STEPS, StepKind
from pipeline.ports.history import Stopped, Waiting

SHOWN = 36
"""Batches of the timeline: six hours of one every ten minutes."""

RECORDS = 10_000
"""Interactions and records are counted up to here: counting more would cost more every day."""

NAMED = 5
"""Batches that are named where several wait for the same."""

STOPPED = 20
"""Batches of a kind are counted up to here."""


@dataclass(frozen=True, slots=True)
class Named:
    """A batch that waits for a person: why, "" where that is plain, and whether there is a page of it."""

    batch_id: str
    why: str
    has_page: bool


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person.

    Args:
        what: What it is, with its number.
        command: The command that shows it or sets it right.
        batches: The batches it is about; some of them.
        more: How many more there are.
        urgent: Whether data does not flow because of it.
    """

    what: str
    command: str
    batches: tuple[Named, ...] = ()
    more: int = 0
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
    latest: Sequence[Batch],
    waiting: Waiting,
    review: int | None,
    unknown: Sequence[str] = (),
    *,
    has_page: Callable[[str], bool],
    now: datetime | None = None,
) -> StartPage:
    """The first page.

    Args:
        latest: The newest batches, newest first.
        waiting: What waits for a person.
        review: Interactions in the review queue; None when it is not known.
        unknown: What could not be asked, with the reason.
        has_page: Whether there is a page of a batch to link to.
        now: The time; for tests.
    """
    rows = tuple(row(batch, has_page=has_page(batch.batch_id)) for batch in latest)
    needs = tuple(_needs(waiting, review, has_page))
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


def _needs(waiting: Waiting, review: int | None, has_page: Callable[[str], bool]) -> Iterator[Need]:
    stopped = (
        (waiting.halted, "batch is halted", "batches are halted", LOOK[BatchStatus.HALTED]),
        (
            waiting.inconsistent,
            "batch is inconsistent",
            "batches are inconsistent",
            LOOK[BatchStatus.INCONSISTENT],
        ),
        (waiting.held, "batch is held by an outage", "batches are held by an outage", LOOK[BatchStatus.HELD]),
        (waiting.dead, "batch is dead-lettered", "batches are dead-lettered", LOOK[BatchStatus.DEAD]),
    )
    for batches, one, several, command in stopped:
        if batches:
            yield _of_batches(batches, _many(len(batches), STOPPED, one, several), command, has_page)
    if waiting.quarantined:
        what = _many(waiting.quarantined, RECORDS, "record is in quarantine", "records are in quarantine")
        yield Need(what, f"{program()} quarantine list")
    if review:
        what = _many(review, RECORDS, "interaction is to be reviewed", "interactions are to be reviewed")
        yield Need(what, f"{program()} review list")
    if waiting.dead_records:
        what = _many(waiting.dead_records, RECORDS, "record is in the dead letters", "records are in the dead letters")
        yield Need(what, f"{program()} dlq list")
    if waiting.fallbacks:
        yield _fallbacks(waiting.fallbacks, has_page)


def _of_batches(batches: Sequence[Stopped], what: str, command: str, has_page: Callable[[str], bool]) -> Need:
    named = tuple(Named(one.batch_id, one.reason, has_page(one.batch_id)) for one in batches[:NAMED])
    do = typed_command(command, short(batches[0].batch_id))
    return Need(what, do, named, more=len(batches) - len(named), urgent=True)


def _fallbacks(found: Sequence[tuple[str, int]], has_page: Callable[[str], bool]) -> Need:
    vectors = sum(count for _, count in found)
    named = tuple(Named(name, f"{count:,} of them", has_page(name)) for name, count in found[:NAMED])
    more = len(found) - len(named)
    most = vectors - 1 if len(found) > STOPPED else vectors  # there may be more batches than were asked for
    return Need(
        _many(vectors, most, "vector is a fallback", "vectors are fallbacks"), f"{program()} reembed", named, more
    )


def _many(count: int, most: int, one: str, several: str) -> str:
    if count > most:
        return f"more than {most:,} {several}"
    return f"1 {one}" if count == 1 else f"{count:,} {several}"


def _charts(latest: Sequence[Batch]) -> Iterator[Chart]:
    places = tuple(batch.seen.isoformat() for batch in latest)
    batches = tuple(batch.batch_id for batch in latest)
    yield Chart("Records of each batch", "records", places, batches, tuple(_volumes(latest)), stacked=True)
    yield Chart("Seconds each stage took", "seconds", places, batches, tuple(_latencies(latest)))
    yield Chart("Invalid records at each gate", "% of records", places, batches, tuple(_rates(latest)))


def _volumes(latest: Sequence[Batch]) -> Iterator[Line]:
    for name in ("accepted", "quarantined", "duplicate", "dead"):
        yield Line(name, tuple(float(getattr(batch.counts, name)) for batch in latest))


def _latencies(latest: Sequence[Batch]) -> Iterator[Line]:
    for step in STEPS:
        if step.kind is StepKind.STAGE:
            known = [batch.step(step.key).duration_s for batch in latest]
            yield Line(name_of(step), tuple(None if took is None else round(float(took), 3) for took in known))


def _rates(latest: Sequence[Batch]) -> Iterator[Line]:
    for name in GATES:
        known = [batch.gates[name].rate if name in batch.gates else None for batch in latest]
        yield Line(f"{name} gate", tuple(None if rate is None else round(float(rate) * 100, 2) for rate in known))
