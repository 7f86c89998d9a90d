"""Many writers into one graph, with users and campaigns in common: whether anything is lost, and what contention costs.

    python -m tests.faults.graph_writers --writers 16

Takes the local server, or the Neo4j that the variables of docs/testing.md name. The database is left as it was.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from expectations_plugins.core import retry
from expectations_plugins.neo4j.connection import Graph, connect
from pipeline.core.records import GraphRecord
from pipeline.local import Endpoints, LocalStack
from pipeline.stores.neo4j.graph_store import Neo4jGraphStore
from pipeline.stores.neo4j.review_queue import Neo4jReviewQueue
from tests.conftest import OTHER_NEO4J, other_neo4j

TIME_LIMIT = 120.0

FOUND = """
MATCH (i:Interaction) WHERE i.interaction_id STARTS WITH $run
OPTIONAL MATCH (u:User)-[:PERFORMED]->(i) WITH i, collect(u.user_id) AS users
OPTIONAL MATCH (i)-[:REFERS_TO]->(c:Campaign)
RETURN i.interaction_id AS id, i.review_state AS state, users, collect(c.campaign_id) AS campaigns
""".strip()

LEFT = (
    "MATCH (i:Interaction) WHERE i.interaction_id STARTS WITH $run DETACH DELETE i",
    "MATCH (u:User) WHERE u.user_id STARTS WITH $run DETACH DELETE u",
    "MATCH (c:Campaign) WHERE c.campaign_id STARTS WITH $run DETACH DELETE c",
    "MATCH (b:SluicegateBatch) WHERE b.batch_id STARTS WITH $run DETACH DELETE b",
)


@dataclass(frozen=True, slots=True)
class Load:
    """What is written: batches of records, each batch by a writer of its own.

    Args:
        run: What every key begins with.
        writers: How many write at once.
        records: Of each.
        users: How many users they share.
        campaigns: How many campaigns they share; as many again are not in the catalogue.
    """

    run: str
    writers: int
    records: int
    users: int
    campaigns: int

    def batch(self, writer: int) -> list[GraphRecord]:
        """A writer's records, in an order of its own, as they arrive."""
        chance = random.Random(writer)
        return [
            GraphRecord(
                interaction_id=f"{self.run}-{writer}-{number}",
                user_id=f"{self.run}-u{chance.randrange(self.users)}",
                campaign_id=f"{self.run}-c{chance.randrange(2 * self.campaigns)}",
                type="click",
                timestamp=datetime(2026, 11, 20, tzinfo=UTC),
            )
            for number in range(self.records)
        ]

    @property
    def catalogue(self) -> list[dict[str, str]]:
        """The campaigns that exist."""
        return [{"campaign_id": f"{self.run}-c{number}"} for number in range(self.campaigns)]


class Undone(logging.Handler):
    """Counts the transactions that the server undid, by error."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        error = record.args[0] if isinstance(record.args, tuple) else None
        self.counts[str(getattr(error, "code", type(error).__name__)).rpartition(".")[2]] += 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    seconds: float
    undone: Counter[str]
    failed: Sequence[str]
    wrong: int
    """Interactions that are missing, or whose user, campaign or flag is not what it ought to be."""


def write_at_once(graph: Graph, load: Load) -> Outcome:
    """Write all batches at once, and flag their orphans, while the catalogue is loaded.

    Args:
        graph: Where to; each writer has a session of its own.
        load: What.
    """
    store, queue = Neo4jGraphStore(graph), Neo4jReviewQueue(graph)
    store.prepare()
    queue.prepare()
    store.load_campaigns(load.catalogue[::2])

    def write(writer: int) -> str:
        batch_id = f"{load.run}-{writer}"
        try:
            store.write(batch_id, load.batch(writer), fence=1)
            queue.flag(batch_id, gate="graph", run_id="benchmark", fence=1)
        except Exception as error:  # noqa: BLE001 - counted
            return f"{type(error).__name__}: {error}"
        return ""

    with counted() as undone:
        began = time.perf_counter()
        with ThreadPoolExecutor(load.writers + 1) as pool:
            late = pool.submit(store.load_campaigns, load.catalogue[::-1])
            failed = [error for error in pool.map(write, range(load.writers)) if error]
            late.result()
        seconds = time.perf_counter() - began
    for writer in range(load.writers):  # as the next gate would
        queue.flag(f"{load.run}-{writer}", gate="graph", run_id="benchmark", fence=1)
    return Outcome(seconds, undone.counts, failed, wrong(graph, load))


@contextmanager
def counted() -> Iterator[Undone]:
    """Counts what `through_contention` reports."""
    handler, logger = Undone(), logging.getLogger(retry.__name__)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def wrong(graph: Graph, load: Load) -> int:
    """How many interactions are not as they ought to be."""
    rows = graph.read(FOUND, {"run": f"{load.run}-"}, doing="reading what was written", timeout=TIME_LIMIT)
    found = {row["id"]: (row["users"], row["campaigns"], row["state"] == "open") for row in rows}
    known = {one["campaign_id"] for one in load.catalogue}
    expected = {
        record.interaction_id: (
            [record.user_id],
            [record.campaign_id] if record.campaign_id in known else [],
            record.campaign_id not in known,
        )
        for writer in range(load.writers)
        for record in load.batch(writer)
    }
    return sum(found.get(key) != value for key, value in expected.items()) + len(found.keys() - expected.keys())


@contextmanager
def server() -> Iterator[Graph]:
    """The Neo4j that the environment names, or the local one."""
    with ExitStack() as opened:
        other = f"{OTHER_NEO4J}_URI" in os.environ
        home = Path(opened.enter_context(TemporaryDirectory()))
        found = Endpoints() if other else opened.enter_context(LocalStack(home).use(["neo4j"]))
        to = other_neo4j(found)
        graph = connect(str(to.neo4j_uri), str(to.neo4j_user), str(to.neo4j_password), database=to.neo4j_database)
        yield opened.enter_context(closing(graph))


def main() -> int:
    """Write, compare, say what was found; 1 when anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in (("writers", 16), ("records", 2_000), ("users", 500), ("campaigns", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    load = Load(run=uuid.uuid4().hex, **vars(parser.parse_args()))
    with server() as graph:
        outcome = write_at_once(graph, load)
        click.echo(f"{graph.version()}: {load.writers} writers of {load.records:,} records, {outcome.seconds:.1f} s")
        for statement in LEFT:
            graph.write((statement,), {"run": f"{load.run}-"}, doing="cleaning up", timeout=TIME_LIMIT)
    click.echo(f"undone and written again: {sum(outcome.undone.values())} {dict(outcome.undone)}")
    click.echo(f"failed: {len(outcome.failed)}; lost or wrong: {outcome.wrong}")
    for error in outcome.failed:
        click.echo(error)
    return 1 if outcome.failed or outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
