"""Two MongoDB servers beside each other, with the kinds of queries the pipeline has.

    python benchmarks/mongodb_servers.py NAME=ADDRESS NAME=ADDRESS [--records 50000]

The servers take turns; a figure is the median of its turns. Each gets a database of its own, which is dropped.
"""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from expectations_plugins.mongodb.connection import Database, connect

TURNS = 5
AT_ONCE = 1_000
BATCH = 1_000
READS = 200
START = datetime(2026, 1, 1, tzinfo=UTC)

Work = Callable[[Database, int], object]


def document(number: int) -> dict[str, Any]:
    """A record, about as large as an interaction."""
    return {
        "_id": f"i_{number:08d}",
        "batch_id": f"b_{number // BATCH}",
        "at": START + timedelta(seconds=number),
        "user_id": f"u_{number % 997}",
        "type": ("view", "click", "purchase")[number % 3],
        "value": number % 50,
        "extra": {"items": [{"sku": f"s_{number % 11}", "price": 1.5}]},
    }


def insert(database: Database, records: int) -> None:
    """A tenth of the records, in calls of 1,000."""
    for start in range(0, records // 10, AT_ONCE):
        database.inserted.insert_many([document(number) for number in range(start, start + AT_ONCE)])
    database.inserted.drop()


def group(database: Database, records: int) -> object:
    """One pass over all records, with four counts as a gate has them."""
    del records
    text = {"$eq": [{"$type": "$user_id"}, "string"]}
    in_set = {"$in": ["$type", {"$literal": ["view", "click"]}]}
    matches = {"$regexMatch": {"input": "$user_id", "regex": "^u_[0-9]+$"}}
    in_range = {"$and": [{"$isNumber": "$value"}, {"$gte": ["$value", 0]}, {"$lte": ["$value", 40]}]}
    counts = {
        f"m{place}": {"$sum": {"$cond": [one, 1, 0]}} for place, one in enumerate((text, in_set, matches, in_range))
    }
    return list(database.rows.aggregate([{"$group": {"_id": None, "n": {"$sum": 1}, **counts}}]))


def of_one_batch(database: Database, records: int) -> object:
    """1,000 records of a batch, by the index."""
    return list(database.rows.find({"batch_id": f"b_{records // BATCH // 2}"}))


def point_reads(database: Database, records: int) -> None:
    """200 records, each by an index of two fields."""
    for number in range(0, records, records // READS):
        database.rows.find_one({"batch_id": f"b_{number // BATCH}", "_id": f"i_{number:08d}"})


def newest(database: Database, records: int) -> object:
    """The last five by time."""
    del records
    return list(database.rows.find({"at": {"$gte": START}}).sort([("at", -1), ("_id", -1)]).limit(5))


def by_ids(database: Database, records: int) -> object:
    """1,000 records by id in one query."""
    ids = [f"i_{number:08d}" for number in range(0, records, records // AT_ONCE)]
    return list(database.rows.find({"_id": {"$in": ids}}, {"at": 1}))


def find_and_modify(database: Database, records: int) -> object:
    """One record by its id, changed and read."""
    return database.rows.find_one_and_update({"_id": f"i_{records // 2:08d}"}, {"$inc": {"n": 1}}, {"n": 1})


WORK: Mapping[str, Work] = {
    "insert a tenth": insert,
    "four counts over all": group,
    "a batch of 1,000": of_one_batch,
    "200 point reads": point_reads,
    "the newest five": newest,
    "1,000 ids in one $in": by_ids,
    "findAndModify by _id": find_and_modify,
}


@contextmanager
def filled(address: str, records: int) -> Iterator[Database]:
    """A database with so many records and the pipeline's kinds of indexes."""
    database = connect(address, f"benchmark_{uuid.uuid4().hex[:12]}")
    try:
        for start in range(0, records, AT_ONCE):
            database.rows.insert_many([document(number) for number in range(start, start + AT_ONCE)])
        database.rows.create_index([("batch_id", 1), ("_id", 1)])
        database.rows.create_index([("at", 1), ("_id", 1)])
        yield database
    finally:
        database.client.drop_database(database.name)
        database.client.close()


def measure(databases: Sequence[Database], records: int) -> Mapping[str, Sequence[float]]:
    """Seconds of each kind of work, by server."""
    return {name: _turns(work, databases, records) for name, work in WORK.items()}


def _turns(work: Work, databases: Sequence[Database], records: int) -> Sequence[float]:
    taken: list[list[float]] = [[] for _ in databases]
    for _ in range(TURNS):
        for mine, database in zip(taken, databases, strict=True):
            start = time.perf_counter()
            work(database, records)
            mine.append(time.perf_counter() - start)
    return [statistics.median(mine) for mine in taken]


def table(names: Sequence[str], measured: Mapping[str, Sequence[float]]) -> str:
    """A table in Markdown; the ratio is the first server's time by the second's."""
    first, second = names
    lines = [f"| | {first}, ms | {second}, ms | ratio |", "|---|---:|---:|---:|"]
    for name, (one, other) in measured.items():
        lines.append(f"| {name} | {one * 1000:,.1f} | {other * 1000:,.1f} | {one / other:.1f} |")
    return "\n".join(lines)


@click.command(help=__doc__)
@click.argument("servers", nargs=2, metavar="NAME=ADDRESS NAME=ADDRESS")
@click.option("--records", default=50_000, type=click.IntRange(AT_ONCE), show_default=True)
def main(servers: tuple[str, str], records: int) -> None:
    """Measure and print."""
    named = dict(server.split("=", 1) for server in servers)
    if len(named) != len(servers):
        raise click.UsageError("Give each server a name of its own: NAME=ADDRESS.")
    with ExitStack() as stack:
        databases = [stack.enter_context(filled(address, records)) for address in named.values()]
        click.echo(table(list(named), measure(databases, records)))


if __name__ == "__main__":
    main()
