"""Hostile records through the real `run.py run` on real servers, and what became of them.

Usage: python -m tests.faults.hostile [--records N] [--seed N]

Of every record it is known beforehand whether it should be accepted, quarantined, a duplicate or a dead letter. Each
must be found there exactly once, as it was sent, under its own id in all four stores; and nothing that was there before
may have changed. Exits with 1 when something is not so.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from bson.dbref import DBRef

from pipeline.local import Endpoints, LocalStack
from tests.faults.hostile_records import GOOD_TIME, Fate, Hostile, good, records
from tests.faults.hostile_texts import DATES, NO_DATES
from tests.faults.readback import Row, Stores, accepted, as_sent, few, not_conserved
from tests.faults.workplace import ROOT, Ended, Workplace

PER_FILE = 2_500
CAMPAIGNS = ROOT / "tests" / "fixtures" / "campaigns.jsonl"
KEPT_OF_LONG_LINES = 64 * 1024
PASSED_OVER = b"\x00\xef\xbb\xbf"
TOLERANT = {f"SLUICEGATE_{name}_TOLERANCE": "1" for name in ("USER_ID", "DEAD", "UNREADABLE")}
EARLIEST = "2000-01-01"
NAIVE = len("2026-11-20T09:00:00.000")


@dataclass(frozen=True, slots=True)
class Trial:
    """What was sent and how the run over it ended.

    Args:
        stores: To look into.
        files: The records of each file.
        ended: How the run ended.
        before: What was there before it, by where.
        seconds: It took.
    """

    stores: Stores
    files: Mapping[str, Sequence[Hostile]]
    ended: Ended
    before: Mapping[str, Any]
    seconds: float

    @property
    def batch_ids(self) -> dict[str, str]:
        """sha256 of the bytes of each file, worked out here."""
        return {name: hashlib.sha256(data_of(lines)).hexdigest() for name, lines in self.files.items()}


@click.command()
@click.option("--records", "count", type=click.IntRange(min=1), default=10_000, show_default=True)
@click.option("--seed", type=int, default=5, show_default=True)
def main(count: int, seed: int) -> None:
    """Send hostile records, and see whether each came to its end and nothing else changed."""
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))
    with LocalStack(folder / "stack").use() as endpoints:
        stores = Stores(endpoints, "hostile")
        trial = tried(endpoints, stores, folder, count, seed)
        problems = list(not_so(trial))
        stores.close()
    shutil.rmtree(folder, ignore_errors=True)
    fates = Counter(record.fate.value for lines in trial.files.values() for record in lines)
    click.echo(f"{fates.total():,} records (seed {seed}) in {trial.seconds:.0f} s: exit code {trial.ended.code}")
    click.echo(", ".join(f"{number:,} {fate}" for fate, number in sorted(fates.items())))
    for problem in problems:
        click.echo(f"NOT SO: {problem}")
    click.echo("All as it should be." if not problems else f"{len(problems):,} things are not as they should be.")
    sys.exit(1 if problems else 0)


def tried(endpoints: Endpoints, stores: Stores, folder: Path, count: int, seed: int) -> Trial:
    """Load records nothing is wrong with, then send hostile ones after them.

    Args:
        endpoints: The servers.
        stores: Databases that nobody else uses.
        folder: Empty.
        count, seed: Of the hostile records.
    """
    workplace = Workplace.prepared(endpoints, folder, stores.name)
    bystanders = [record for record in records(seed + 1, 200) if not record.done]
    earlier = workplace.land("bystanders.jsonl", data_of(bystanders), under="earlier")
    first = workplace.command("run", "--json", earlier, "--campaigns", CAMPAIGNS)
    assert first.code == 0, str(first)
    files = written(workplace, count, seed)
    before = stores.others(())
    started = time.monotonic()
    ended = workplace.command("run", "--json", **TOLERANT)
    return Trial(stores, files, ended, before, time.monotonic() - started)


def written(workplace: Workplace, count: int, seed: int) -> dict[str, list[Hostile]]:
    """The files, a record to a line; each begins with a good one, for a BOM is allowed at the start of a file."""
    hostile, files = records(seed, count), {}
    while lines := list(itertools.islice(hostile, PER_FILE)):
        name = f"hostile-{len(files):03}.jsonl"
        files[name] = [opening(name, seed), *lines]
        workplace.land(name, data_of(files[name]))
    return files


def opening(name: str, seed: int) -> Hostile:
    return good(random.Random(seed), name).ended()


def data_of(lines: Sequence[Hostile]) -> bytes:
    return b"".join(record.line + b"\n" for record in lines)


def not_so(trial: Trial) -> Iterator[str]:
    """What is not as it should be, in words."""
    if trial.ended.code != 0:
        yield f"the run did not end well: {trial.ended}"
    after = trial.stores.others(tuple(trial.batch_ids.values()))
    yield from (f"{where}: {was} became {after[where]}" for where, was in trial.before.items() if after[where] != was)
    for name, lines in trial.files.items():
        batch_id = trial.batch_ids[name]
        yield from (f"{name}: {problem}" for problem in not_conserved(trial.stores, batch_id))
        yield from (f"{name}: {problem}" for problem in _misplaced(trial.stores, batch_id, lines))
        yield from (f"{name}: {problem}" for problem in _changed_on_the_way(trial.stores, batch_id))


def _misplaced(stores: Stores, batch_id: str, lines: Sequence[Hostile]) -> Iterator[str]:
    """Records that are not where they should be, are there twice, or not as they were sent."""
    by_line = {row["line"]: row for row in stores.raw(batch_id).values()}
    letters = stores.letters(batch_id)
    for number, record in enumerate(lines, 1):
        row, letter = by_line.get(number), letters.get(number)
        found = Fate.DUPLICATE
        if letter:
            found = Fate.DEAD
        elif row:
            found = Fate.QUARANTINED if "quarantine" in row else Fate.ACCEPTED
        if (row and letter) or found is not record.fate:
            said = letter["detail"] if letter else ""
            yield f"line {number} should be {record.fate.value}, is {found.value} {said}: {_shown(record)}"
        elif not _is_as_sent(stores, record, row, letter):
            yield f"line {number} is not as it was sent: {_shown(record)}, but {str(row or letter)[:500]}"


def _shown(record: Hostile) -> str:
    return f"{record.done} {record.line[:400]!r}"


def _is_as_sent(stores: Stores, record: Hostile, row: Row | None, letter: Row | None) -> bool:
    if letter:
        line = record.line.removesuffix(b"\r")
        kept = line if len(line) <= 1024 * 1024 else line[:KEPT_OF_LONG_LINES]
        return bool(letter["raw"] == kept.decode("utf-8", "backslashreplace"))
    sent = json.loads(record.line.lstrip(PASSED_OVER))
    row = row or stores.mongodb["interactions"].find_one({"_id": {"$eq": sent["interaction_id"]}})
    return row is not None and _same(row, sent)


def _same(row: Row, sent: Row) -> bool:
    """Whether a document holds the record, value for value; 1 is not 1.0, and what is null is as if it were missing."""
    row = row | {"extra": dict(row["extra"])}
    if row["timestamp"] is not None:
        row["extra"].pop("timestamp", None)
        if _instant(row["timestamp"]) != instant_of(sent.pop("timestamp")):
            return False
    elif instant_of(sent.get("timestamp")):
        return False
    for name in ("timestamp", "message"):
        if sent.get(name, "") is None:
            del sent[name]
    # the driver makes a DBRef of every object with $ref and $id
    return json.dumps(as_sent(row), sort_keys=True, default=DBRef.as_doc) == json.dumps(sent, sort_keys=True)


def instant_of(sent: object) -> str | None:
    """What a timestamp says, in milliseconds of UTC; None when it is none."""
    if not isinstance(sent, str) or sent in NO_DATES:
        return None
    return f"{sent[:19]}.000" if GOOD_TIME.fullmatch(sent) else DATES.get(sent)


def _instant(found: Any) -> str:
    """A date of a driver, in milliseconds of UTC."""
    native: datetime = found.to_native() if hasattr(found, "to_native") else found
    aware = native if native.tzinfo else native.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds")[:NAIVE]


def _changed_on_the_way(stores: Stores, batch_id: str) -> Iterator[str]:
    """Records whose values are others in the graph than in MongoDB, and rows analysts see that do not follow."""
    kept, graph = accepted(stores.raw(batch_id)), stores.graph(batch_id)
    for key, row in kept.items():
        node = graph.get(key)
        if node is not None and _in_graph(row) != (*map(node.get, ("user_id", "campaign_id", "type")), _when(node)):
            yield f"{key!r} is another in Neo4j: {node}, {row}"
    groups = Counter((*_in_graph(row)[1:3], _window(row["timestamp"])) for row in kept.values())
    seen: Counter[tuple[Any, ...]] = Counter()
    for metric in stores.metrics(batch_id):
        seen[metric["campaign_id"], metric["type"], _ten_minutes(metric["window_start"])] += metric["interactions"]
    if seen != groups:
        yield f"analysts see other groups: {few(map(repr, (seen - groups) | (groups - seen)))}"


def _in_graph(row: Row) -> tuple[str | None, ...]:
    values = (row.get(name) for name in ("user_id", "campaign_id", "type"))
    return (*(value if isinstance(value, str) else None for value in values), _when(row))


def _when(row: Row) -> str | None:
    return None if row["timestamp"] is None else _instant(row["timestamp"])


def _window(at: datetime | None) -> str | None:
    """The ten minutes it is in; none of a time that cannot be right."""
    last = _instant(datetime.now(UTC) + timedelta(days=1))
    return _ten_minutes(at) if at is not None and EARLIEST <= _instant(at) < last else None


def _ten_minutes(at: datetime | None) -> str | None:
    return None if at is None else _instant(at)[:15]


if __name__ == "__main__":
    main()
