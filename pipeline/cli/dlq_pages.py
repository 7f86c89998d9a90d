"""What the dead-letter queue looks like on a terminal: one table of batches and records, a page of either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from expectations_plugins.core.errors import SluicegateError
from pipeline.cli.dlq_shared import Target, escaped
from pipeline.cli.tables import coloured, counts, moment, seconds, table
from pipeline.core.batch import Batch, StepStatus
from pipeline.core.batches import BatchStatus, short
from pipeline.core.next_steps import advice, is_foreign
from pipeline.core.program import program
from pipeline.core.topology import STEPS
from pipeline.dead_letters import Entry
from pipeline.ports.dead_letters import Letter, LetterGroup
from pipeline.runner.spool import history_of
from pipeline.storage.location import Place

RAW_SHOWN = 4_000
"""Characters of a record that are shown; `dlq export` has them all."""

DETAIL_SHOWN = 100
HEADER = ("what", "records", "reason", "state", "since", "detail")


def batch_row(batch: Batch) -> tuple[str, ...]:
    """A dead batch in the table."""
    return (
        batch.name,
        f"{batch.counts.read:,}",
        f"batch: {failed_step(batch)}",
        batch_state(batch),
        moment(batch.end_time),
        _cut(why(batch)),
    )


def spooled_row(batch_id: str, entry: Entry | SluicegateError) -> tuple[str, ...]:
    """A dead batch in the table that only the spool knows."""
    if isinstance(entry, SluicegateError):
        return (short(batch_id), "-", "batch", "damaged", "-", _cut(escaped(entry.message)))
    records = "-" if entry.records is None else f"{entry.records:,}"
    reason, ended = f"batch: {entry.death.stage}", moment(entry.death.end_time)
    return (short(batch_id), records, reason, "in the spool", ended, _cut(escaped(entry.death.error)))


def group_row(group: LetterGroup) -> tuple[str, ...]:
    """Dead records of a batch in the table, those of one reason together."""
    where = str(group.first) if group.letters == 1 else f"from {group.first}"
    state = "waiting" if group.waiting == group.letters else f"{group.waiting:,} waiting" if group.waiting else "done"
    example = f"{where}: {escaped(group.first_detail)}" if group.first_detail else where
    name, reason = short(group.batch_id), group.reason.value
    return (name, f"{group.letters:,}", reason, state, moment(group.buried_at), _cut(example))


def letter_row(letter: Letter) -> tuple[str, ...]:
    """One dead record in the table."""
    name = f"{short(letter.batch_id)}:{letter.at.address}"
    return (name, "1", letter.reason.value, letter.state, moment(letter.buried_at), _cut(escaped(letter.detail)))


def listing(rows: Sequence[Sequence[str]], *, whole: bool) -> Iterator[str]:
    """The table, and what to do about what is in it.

    Args:
        rows: Batches, then records.
        whole: False when there is more than what is shown.
    """
    if not rows:
        yield "The dead-letter queue is empty."
        return
    yield from table(HEADER, rows, right=("records",))
    yield ""
    if not whole:
        yield "There is more: see --limit."
    yield (
        f"Look at one: {program()} dlq show BATCH or BATCH:LINE. All records of one reason: {program()} dlq list"
        " --batch BATCH --reason REASON"
    )


def batch_page(
    batch: Batch, entry: Entry | SluicegateError | None, groups: Sequence[LetterGroup], folder: Place
) -> Iterator[str]:
    """Everything about a batch that one needs to mend and replay it.

    Args:
        batch: The batch.
        entry: What the spool holds of it.
        groups: Its dead records.
        folder: Where the spool keeps it.
    """
    yield from _facts(_batch_facts(batch, entry, folder))
    history = _history(batch, entry)
    if history:
        yield ""
        yield from table(
            ("step", "state", "tries", "started", "ended", "seconds", "error"), history, right=("tries", "seconds")
        )
    if groups:
        yield ""
        yield from table(HEADER[1:], [group_row(group)[1:] for group in groups], right=("records",))
    yield ""
    yield from _next_of_batch(batch, groups)


def letter_page(target: Target, letter: Letter, fields: Mapping[str, Any] | None) -> Iterator[str]:
    """Everything about a dead record that one needs to repair it.

    Args:
        target: What was asked for.
        letter: The record.
        fields: What it holds, when that can be read.
    """
    facts = {
        "record": str(target),
        "batch": f"{target.batch_id} {target.batch.status}",
        "file": f"{escaped(target.batch.source or '-')}, {letter.at}",
        "reason": letter.reason.value,
        "detail": escaped(letter.detail),
        "since": moment(letter.buried_at),
        "state": letter.state,
        "replayed in": ", ".join(short(batch_id) for batch_id in letter.replayed_in),
    }
    if letter.dropped:
        facts["dropped"] = f"{moment(letter.dropped.at)} by {escaped(letter.dropped.by)}: {escaped(letter.dropped.why)}"
    yield from _facts(facts)
    if letter.dropped:
        return
    yield ""
    yield click.style("as it was in the file", bold=True)
    yield from (f"  {escaped(line)}" for line in letter.raw[:RAW_SHOWN].split("\n"))
    if len(letter.raw) > RAW_SHOWN:
        yield f"  … {len(letter.raw) - RAW_SHOWN:,} more characters: {program()} dlq export"
    yield ""
    if fields is not None:
        yield f"Repair a field and replay it: {program()} dlq replay {target} --set NAME=VALUE"
    yield f"Write it anew, as JSON: {program()} dlq replay {target} --record FILE"
    yield f"Or give it up: {program()} dlq drop {target}"


def why(batch: Batch) -> str:
    """Why a batch is dead; where its file is, is said elsewhere."""
    return escaped(batch.reason.partition(" Its file is kept as ")[0])


def failed_step(batch: Batch) -> str:
    """The step at which a dead batch ended: `person` when it was rejected, `ledger` when MongoDB was down."""
    begun = (StepStatus.FAILED, StepStatus.RUNNING)
    failed = [step.name for step in STEPS if batch.step(step.key).status in begun]
    if batch.reason.startswith("Rejected:"):
        return "person"
    return failed[-1] if failed else "ledger"


def batch_state(batch: Batch) -> str:
    """`dropped`, or how the ledger calls it."""
    return "dropped" if batch.dropped else str(batch.status or "-")


def _batch_facts(batch: Batch, entry: Entry | SluicegateError | None, folder: Place) -> dict[str, str]:
    known = entry if isinstance(entry, Entry) else None
    tombstone, is_dead = batch.dropped, batch.status is BatchStatus.DEAD
    facts = {
        "batch": f"{click.style(batch.name, bold=True)}  {coloured(batch_state(batch))}",
        "batch id": batch.batch_id,
        "parent": short(batch.parent),
        "file": escaped(batch.source or "-"),
        "kept as": escaped(folder / known.file) if known and known.file else "",
        "part": _part(known),
        "spool": escaped(entry) if isinstance(entry, SluicegateError) else "",
        "records": counts(batch.counts),
        "failed at": failed_step(batch) if is_dead else "",
        "why": why(batch),
        "attempts": str(known.death.attempts) if known and known.death.attempts else "",
        "first seen": moment(batch.first_seen),
        "died": moment(batch.end_time) if is_dead else "",
        "died before": ", ".join(f"{one.get('end_time')} at {one.get('stage')}" for one in known.earlier)
        if known
        else "",
    }
    if tombstone:
        facts["dropped"] = f"{moment(tombstone.at)} by {escaped(tombstone.by)}: {escaped(tombstone.why)}"
    return facts


def _part(entry: Entry | None) -> str:
    if entry is None or entry.max_records is None:
        return ""
    return f"{entry.max_records:,} records of the file from record {entry.first_record + 1:,}"


def _history(batch: Batch, entry: Entry | SluicegateError | None) -> list[tuple[str, ...]]:
    if batch.status is not BatchStatus.DEAD:
        return []
    steps = entry.death.history if isinstance(entry, Entry) else history_of(batch)
    return [
        (
            escaped(_name(step.get("step"))),
            escaped(step.get("status", "-")),
            str(step.get("attempts") or "-"),
            _moment(step.get("start_time") or step.get("at")),
            _moment(step.get("end_time")),
            seconds(step.get("duration_s")),
            _cut(escaped(step.get("error") or "")),
        )
        for step in steps
    ]


def _next_of_batch(batch: Batch, groups: Sequence[LetterGroup]) -> Iterator[str]:
    name = batch.name
    if batch.dropped:
        yield "It was dropped: nothing is left to replay."
        return
    if batch.status is BatchStatus.DEAD and is_foreign(batch):
        yield advice(batch)
    elif batch.status is BatchStatus.DEAD:
        yield f"When that is mended: {program()} dlq replay {name}. Or give it up: {program()} dlq drop {name}"
    if any(group.waiting for group in groups):
        yield f"Its dead records one by one: {program()} dlq list --batch {name}"
        yield (
            f"Repair one: {program()} dlq show {name}:LINE. Replay all as they are: {program()} dlq replay"
            f" {name} --records"
        )


def _facts(facts: Mapping[str, str]) -> Iterator[str]:
    return (f"{name:<11}  {value}" for name, value in facts.items() if value)


def _name(key: object) -> str:
    kind, _, name = str(key or "-").partition(":")
    return f"{name} gate" if kind == "gate" else name or kind


def _moment(value: object) -> str:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return escaped(value)
    return moment(value)


def _cut(shown: str) -> str:
    return shown if len(shown) <= DETAIL_SHOWN else shown[: DETAIL_SHOWN - 1] + "…"
