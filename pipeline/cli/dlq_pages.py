"""What the dead-letter queue looks like on a terminal: one table of batches and records, a page of either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from expectations_plugins.core.errors import SluicegateError
from pipeline.cli.dlq_shared import Document, Target, escaped
from pipeline.cli.tables import coloured, counts, moment, seconds, table
from pipeline.core.batches import BatchStatus, short
from pipeline.core.outcome import counts_in
from pipeline.core.topology import STEPS
from pipeline.dead_letters import Entry
from pipeline.ports.dead_letters import Letter, LetterGroup, tombstone_in
from pipeline.storage.location import Place

RAW_SHOWN = 4_000
"""Characters of a record that are shown; `dlq export` has them all."""

DETAIL_SHOWN = 100
HEADER = ("what", "records", "reason", "state", "since", "detail")


def batch_row(document: Document) -> tuple[str, ...]:
    """A dead batch in the table."""
    return (
        short(str(document["_id"])),
        f"{counts_in(document).read:,}",
        f"batch: {failed_step(document)}",
        batch_state(document),
        moment(document.get("end_time")),
        _cut(why(document)),
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
    where = f"line {group.first_line:,}" if group.letters == 1 else f"from line {group.first_line:,}"
    state = "waiting" if group.waiting == group.letters else f"{group.waiting:,} waiting" if group.waiting else "done"
    return (short(group.batch_id), f"{group.letters:,}", group.reason.value, state, moment(group.buried_at), where)


def letter_row(letter: Letter) -> tuple[str, ...]:
    """One dead record in the table."""
    name = f"{short(letter.batch_id)}:{letter.line}"
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
    yield "Look at one: run.py dlq show BATCH or BATCH:LINE. Its records one by one: run.py dlq list --batch BATCH"


def batch_page(
    document: Document, entry: Entry | SluicegateError | None, groups: Sequence[LetterGroup], folder: Place
) -> Iterator[str]:
    """Everything about a batch that one needs to mend and replay it.

    Args:
        document: The batch's ledger document.
        entry: What the spool holds of it.
        groups: Its dead records.
        folder: Where the spool keeps it.
    """
    yield from _facts(_batch_facts(document, entry, folder))
    history = _history(document, entry)
    if history:
        yield ""
        yield from table(
            ("step", "state", "tries", "started", "ended", "seconds", "error"), history, right=("tries", "seconds")
        )
    if groups:
        yield ""
        yield from table(HEADER[1:], [group_row(group)[1:] for group in groups], right=("records",))
    yield ""
    yield from _next_of_batch(document, groups)


def letter_page(target: Target, letter: Letter, fields: Mapping[str, Any] | None) -> Iterator[str]:
    """Everything about a dead record that one needs to repair it.

    Args:
        target: What was asked for.
        letter: The record.
        fields: What it holds, when that can be read.
    """
    document = target.document
    facts = {
        "record": str(target),
        "batch": f"{target.batch_id} {document.get('status')}",
        "file": f"{escaped(document.get('source') or '-')}, line {letter.line:,}",
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
        yield f"  … {len(letter.raw) - RAW_SHOWN:,} more characters: run.py dlq export"
    yield ""
    if fields is not None:
        yield f"Repair a field and replay it: run.py dlq replay {target} --set NAME=VALUE"
    yield f"Write it anew, as JSON: run.py dlq replay {target} --record FILE"
    yield f"Or give it up: run.py dlq drop {target}"


def why(document: Document) -> str:
    """Why a batch is dead; where its file is, is said elsewhere."""
    return escaped(str(document.get("reason") or "").partition(" Its file is kept as ")[0])


def failed_step(document: Document) -> str:
    """The step at which a dead batch ended: `person` when it was rejected, `ledger` when MongoDB was down."""
    steps = document.get("steps") or {}
    failed = [step.name for step in STEPS if (steps.get(step.key) or {}).get("status") in ("failed", "running")]
    if str(document.get("reason") or "").startswith("Rejected:"):
        return "person"
    return failed[-1] if failed else "ledger"


def batch_state(document: Document) -> str:
    """`dropped`, or how the ledger calls it."""
    return "dropped" if tombstone_in(document) else str(document.get("status") or "-")


def _batch_facts(document: Document, entry: Entry | SluicegateError | None, folder: Place) -> dict[str, str]:
    known = entry if isinstance(entry, Entry) else None
    tombstone = tombstone_in(document)
    facts = {
        "batch": f"{click.style(short(str(document['_id'])), bold=True)}  {coloured(batch_state(document))}",
        "batch id": str(document["_id"]),
        "parent": short(str(document.get("parent") or "")),
        "file": escaped(document.get("source") or "-"),
        "kept as": escaped(folder / known.file) if known and known.file else "",
        "part": _part(known),
        "spool": escaped(entry) if isinstance(entry, SluicegateError) else "",
        "records": counts(counts_in(document)),
        "failed at": failed_step(document) if document.get("status") == BatchStatus.DEAD else "",
        "why": why(document),
        "attempts": str(known.death.attempts) if known and known.death.attempts else "",
        "first seen": moment(document.get("first_seen")),
        "died": moment(document.get("end_time")) if document.get("status") == BatchStatus.DEAD else "",
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


def _history(document: Document, entry: Entry | SluicegateError | None) -> list[tuple[str, ...]]:
    if document.get("status") != BatchStatus.DEAD:
        return []
    if isinstance(entry, Entry):
        steps = list(entry.death.history)
    else:
        steps = [{"step": key, **step} for key, step in (document.get("steps") or {}).items()]
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


def _next_of_batch(document: Document, groups: Sequence[LetterGroup]) -> Iterator[str]:
    batch = short(str(document["_id"]))
    if tombstone_in(document):
        yield "It was dropped: nothing is left to replay."
        return
    if document.get("status") == BatchStatus.DEAD:
        yield f"When that is mended: run.py dlq replay {batch}. Or give it up: run.py dlq drop {batch}"
    if any(group.waiting for group in groups):
        yield f"Its dead records one by one: run.py dlq list --batch {batch}"
        yield f"Repair one: run.py dlq show {batch}:LINE. Replay all as they are: run.py dlq replay {batch} --records"


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
