"""A trace as a tree of short lines: with guides and colours on a terminal, by indentation in a pipe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipeline.cli.dlq_shared import escaped
from pipeline.cli.summary import plain
from pipeline.cli.tables import moment
from pipeline.cli.trace_batch import batch_lines
from pipeline.cli.trace_lines import Line, said
from pipeline.core.batches import short
from pipeline.core.embeddings import FALLBACK_SOURCE
from pipeline.core.fields import CAMPAIGN_ID, INTERACTION_ID, USER_ID
from pipeline.core.program import program
from pipeline.core.records import MetricRow, ReviewItem
from pipeline.core.traces import MOST_COUNTED, DeadRecord, MetricsSeen, Neighbourhood, RawRecord, Trace

if TYPE_CHECKING:
    from rich.tree import Tree

TEXT_SHOWN = 60
VALUE_SHOWN = 200
FIRST = (USER_ID, CAMPAIGN_ID, "type", "timestamp", "message")
HIDDEN = (INTERACTION_ID,)


def tree_of(found: Trace) -> Line:
    """The tree.

    Args:
        found: The trace, with what must not be seen masked.
    """
    stores = [
        Line("MongoDB", "store", tuple(_mongodb(found))),
        Line("BigQuery", "store", tuple(_bigquery(found))),
        Line("Neo4j", "store", tuple(_neo4j(found))),
        Line("Milvus", "store", tuple(_milvus(found))),
        batch_lines(found),
        _agreement(found),
    ]
    return Line(escaped(found.interaction_id), "title", tuple(stores))


def plain_tree(line: Line, depth: int = 0) -> Iterator[str]:
    """The tree's lines, two spaces a level."""
    yield "  " * depth + line.text
    for part in line.parts:
        yield from plain_tree(part, depth + 1)


def coloured_tree(line: Line) -> None:
    """Print the tree on the terminal."""
    from rich.console import Console  # noqa: PLC0415 - a pipe needs none of it
    from rich.text import Text  # noqa: PLC0415
    from rich.tree import Tree  # noqa: PLC0415

    def grown(part: Line, tree: Tree) -> Tree:
        for one in part.parts:
            grown(one, tree.add(Text(one.text, STYLES[one.kind])))
        return tree

    root = Tree(Text(line.text, STYLES[line.kind]), guide_style="bright_black")
    Console(highlight=False).print(grown(line, root))


STYLES = {
    "title": "bold",
    "store": "bold cyan",
    "good": "green",
    "warning": "yellow",
    "bad": "bold red",
    "quiet": "bright_black",
    "": "",
}
"""How a kind of line looks."""


def _mongodb(found: Trace) -> Iterator[Line]:
    yield from said(found.raw)
    if found.raw.value is not None:
        yield from _record(found.raw.value)
    for letter in found.dead.value or ():
        yield _dead(letter)
    if not found.raw.problem:
        yield from said(found.dead)


def _record(raw: RawRecord) -> Iterator[Line]:
    mark = raw.quarantine
    if mark is None:
        yield Line("accepted", "good")
    else:
        yield Line(
            f"quarantined {moment(mark.at)} by the {escaped(mark.gate)} gate: {escaped(mark.reason)} ({mark.run_id})",
            "bad",
        )
    for release in raw.releases:
        before = _value(release.before) if release.before else "nothing"
        note = f": {escaped(release.note)}" if release.note else ""
        yield Line(f"released {moment(release.at)}{note}; changed, as it was before: {before}", "warning")
    yield Line(f"batch {short(raw.batch_id)}, {raw.at}, received {moment(raw.received_at)}")
    names = [*FIRST, *(name for name in raw.fields if name not in FIRST and name != "extra")]
    for name in names:
        if name in raw.fields and name not in HIDDEN:
            yield Line(f"{escaped(name)}: {_value(raw.fields[name])}")
    for name, value in (raw.fields.get("extra") or {}).items():
        yield Line(f"{escaped(name)}: {_value(value)}")


def _dead(letter: DeadRecord) -> Line:
    place = f"{short(letter.batch_id)}:{letter.at.address}"
    replayed = f" in {', '.join(map(short, letter.replayed_in))}" if letter.replayed_in else ""
    detail = f", {escaped(letter.detail)}" if letter.detail else ""
    text = (
        f"dead letter {place}, {letter.state}{replayed}: {letter.reason.value}{detail} ({program()} dlq show {place})"
    )
    return Line(text, "warning")


def _bigquery(found: Trace) -> Iterator[Line]:
    yield from said(found.metrics, fallback="nothing is there")
    seen, raw = found.metrics.value, found.raw.value
    if seen is None:
        return
    counts = raw is not None and (raw.quarantine is None or seen.published_at is None)
    if not seen.rows and counts:
        yield Line("no row counts it", "bad")
    for row in seen.rows:
        yield Line(_row(row) if counts else f"others count there: {_row(row)}", "" if counts else "quiet")
    yield _published(seen)


def _row(row: MetricRow) -> str:
    users = f"{row.distinct_users:,} {'user' if row.distinct_users == 1 else 'users'}"
    many = f"{row.interactions:,} {'interaction' if row.interactions == 1 else 'interactions'}"
    window = f"10 minutes from {moment(row.window_start)}" if row.window_start else "no window"
    names = (
        f"{name} {'-' if value is None else escaped(value)}"
        for name, value in (("campaign", row.campaign_id), ("type", row.type))
    )
    value = "unknown" if row.value is None else f"{row.value:,.2f}"
    return f"{', '.join(names)}, {window}: {many} of {users}, value {value}"


def _published(seen: MetricsSeen) -> Line:
    if seen.published_at is None:
        return Line("not published: analysts do not see it", "warning")
    return Line(f"published {moment(seen.published_at)}, the batch with {seen.published or 0:,} interactions", "good")


def _neo4j(found: Trace) -> Iterator[Line]:
    yield from said(found.graph, fallback="it is not in the graph")
    near = found.graph.value
    if near is None:
        return
    for user in near.users:
        yield Line(f"user {escaped(user)}: {_others(near.of_user)} of this user")
    yield _campaign(near)
    if near.review is not None:
        yield from _review(near.review)


def _campaign(near: Neighbourhood) -> Line:
    others = f"{_others(near.of_campaign)} name it"
    name = "-" if near.campaign_id is None else escaped(near.campaign_id)
    if near.in_catalogue:
        return Line(f"campaign {name}: {others}")
    if near.campaign_id is None:
        return Line("an orphan: it names no campaign", "warning")
    linked = ", and what it is linked to is a stub" if near.linked_to else ""
    return Line(f"an orphan: campaign {name} is not in the catalogue{linked}; {others}", "warning")


def _others(count: int) -> str:
    if count > MOST_COUNTED:
        return f"more than {MOST_COUNTED:,} other interactions"
    return f"{count:,} other {'interaction' if count == 1 else 'interactions'}"


def _review(item: ReviewItem) -> Iterator[Line]:
    kind = "warning" if item.state == "open" else "quiet"
    lines = (
        Line(" ".join(escaped(line[name]) for name in ("at", "what", "note") if line.get(name)), "quiet")
        for line in item.history
    )
    yield Line(f"review: {item.state} since {moment(item.since)}, {escaped(item.reason)}", kind, tuple(lines))


def _milvus(found: Trace) -> Iterator[Line]:
    yield from said(found.vector, fallback="it has no vector")
    vector = found.vector.value
    if vector is None:
        return
    is_fallback = vector.embedding_source == FALLBACK_SOURCE
    source = "a fallback vector: the model did not answer" if is_fallback else f"by {escaped(vector.embedding_source)}"
    helped = f"; replace it: {program()} reembed --batch {short(vector.batch_id)}" if is_fallback else ""
    yield Line(f"{source}{helped}", "warning" if is_fallback else "good")
    yield Line(f"embedding batch {vector.embedding_batch_id}, fence {vector.fence}")
    yield Line(f"collection {escaped(vector.collection)}")
    yield Line(f"{vector.dimension} components, norm {vector.norm:.4f}")
    near = found.neighbours
    parts = [*said(near), *(_neighbour(one.interaction_id, one.similarity, one.message) for one in near.value or ())]
    if parts:
        yield Line("nearest", "", tuple(parts))


def _neighbour(interaction_id: str, similarity: float, message: str) -> Line:
    return Line(f"{similarity:6.3f}  {escaped(interaction_id)}  {_cut(escaped(message), TEXT_SHOWN)}".rstrip(), "quiet")


def _agreement(found: Trace) -> Line:
    silent = any(one.problem for one in (found.raw, found.metrics, found.graph, found.vector))
    if found.contradictions:
        parts = (
            Line(escaped(one.words), "bad", (Line(escaped(one.next_step)),) if one.next_step else ())
            for one in found.contradictions
        )
        return Line("The stores disagree", "bad", tuple(parts))
    if silent:
        return Line("The stores that answered agree.", "warning")
    return Line("The stores agree.", "good")


def _value(value: Any) -> str:
    """A value as JSON on one line; a time, which JSON has not, as tables show it."""
    shown = moment(value) if hasattr(value, "astimezone") else json.dumps(value, ensure_ascii=False, default=plain)
    return _cut(escaped(shown), VALUE_SHOWN)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
