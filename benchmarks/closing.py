"""What the closing check costs, beside the same records written by hand with bare drivers.

    python -m benchmarks.closing [--records 20000] [--repeat 3] [--check]

The floor is a script as somebody writes it who knows the stores: `insert_many` into MongoDB, one load into BigQuery,
UNWIND and MERGE into Neo4j, upserts of 768 components into Milvus, without embedding and without any check. Ours is the
whole step as a run does it: lease and ledger, the check itself, its page. Both run on the same servers, one after the
other. See docs/benchmarks.md.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import click
import neo4j
import pymongo
from google.cloud import bigquery
from pymilvus import DataType

from checkpoints.sync import write
from expectations_plugins.core.defaults import VECTOR_DIMENSION
from expectations_plugins.milvus.connection import connect as connect_milvus
from pipeline.core.batches import BatchSource, BatchStatus
from pipeline.core.topology import STEPS
from pipeline.local import Endpoints, LocalStack
from pipeline.sources.discovery import discover
from pipeline.stores.bigquery.connection import connect
from sluicegate.app import App

RECORDS, REPEAT, GOAL = 20_000, 3, 0.05
CHUNK, VECTORS = 1_000, 500
CLOSING = STEPS[-1]
CAMPAIGNS = [f"c_{number}" for number in range(20)]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the closing check, of the part of it that asks the stores, and of the floor by store."""

    closing: Sequence[float]
    asking: Sequence[float]
    floor: dict[str, float]

    @property
    def ratio(self) -> float:
        """The closing check's share of the floor."""
        return statistics.median(self.closing) / sum(self.floor.values())


@click.command()
@click.option("--records", type=click.IntRange(1), default=RECORDS, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=REPEAT, show_default=True, help="Closing checks.")
@click.option("--check", is_flag=True, help=f"Exit with 1 when the check takes more than {GOAL:.0%} of the floor.")
def main(records: int, repeat: int, check: bool) -> None:
    """Measure on local servers, and print a table."""
    with tempfile.TemporaryDirectory(prefix="sluicegate-closing-") as folder, LocalStack(Path(folder)).use() as at:
        found = measured(at, Path(folder), records, repeat)
    click.echo(table(found, records))
    if check and found.ratio > GOAL:
        sys.exit(1)


def measured(at: Endpoints, folder: Path, records: int, repeat: int) -> Cost:
    """Write the records by hand, then take them through the pipeline and its closing check."""
    rows, name = list(made(records)), f"closing_{uuid.uuid4().hex[:8]}"
    floor = {store: seconds_of(write_all, at, name, rows) for store, write_all in FLOORS.items()}
    app = app_at(at, folder, name)
    try:
        source = _brought_to_its_end(app, folder, rows)
        taken = [_checked(app, source) for _ in range(repeat)]
    finally:
        app.close()
    return Cost([whole for whole, _ in taken], [asking for _, asking in taken], floor)


def table(found: Cost, records: int) -> str:
    """The figures as Markdown."""
    whole = sum(found.floor.values())
    lines = [f"| {records:,} records | seconds | share of the floor |", "|---|---|---|"]
    lines += [f"| floor: {store} | {seconds:.2f} | {seconds / whole:.1%} |" for store, seconds in found.floor.items()]
    lines += [f"| floor | {whole:.2f} | 100% |"]
    for title, seconds in (("closing check, asking alone", found.asking), ("closing check", found.closing)):
        middle = statistics.median(seconds)
        lines += [f"| {title} | {middle:.2f} | {middle / whole:.1%} |"]
    verdict = "PASS" if found.ratio <= GOAL else "FAIL"
    return "\n".join([*lines, f"| goal: at most {GOAL:.0%} | | {verdict} |"])


def made(records: int) -> Iterator[dict[str, Any]]:
    """The records of one hour."""
    chance = random.Random(7)
    for number in range(records):
        yield {
            "interaction_id": f"i-{number:08}-{chance.getrandbits(32):08x}",
            "user_id": f"u_{10_000 + number % 5_000}",
            "campaign_id": chance.choice(CAMPAIGNS),
            "type": chance.choice(("click", "view", "purchase")),
            "timestamp": f"2026-11-20T09:{number * 60 // records:02}:00Z",
            "message": f"message {number} of a customer",
            "value": number % 100,
        }


def to_mongodb(at: Endpoints, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """`insert_many`, a thousand at once."""
    client: Any = pymongo.MongoClient(at.mongodb_uri)
    records = client[f"{name}_floor"].interactions
    records.create_index([("batch_id", 1), ("_id", 1)])
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        records.insert_many([{"_id": row["interaction_id"], "batch_id": name, **row} for row in chunk], ordered=False)
    client.close()


def to_bigquery(at: Endpoints, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """One load of the counts by campaign, type and window."""
    client = connect(str(at.bigquery_project), endpoint=at.bigquery_endpoint)
    client.create_dataset(f"{name}_floor")
    groups = Counter((row["campaign_id"], row["type"], f"{row['timestamp'][:15]}0:00Z") for row in rows)
    lines = [
        json.dumps({"batch_id": name, "campaign_id": campaign, "type": type_, "window_start": window, "n": count})
        for (campaign, type_, window), count in groups.items()
    ]
    fields = {"batch_id": "STRING", "campaign_id": "STRING", "type": "STRING", "window_start": "TIMESTAMP"}
    schema = [bigquery.SchemaField(field, kind) for field, kind in {**fields, "n": "INTEGER"}.items()]
    config = bigquery.LoadJobConfig(schema=schema, source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON)
    target = client.create_table(bigquery.Table(f"{client.project}.{name}_floor.metrics", schema=schema))
    client.load_table_from_file(BytesIO("\n".join(lines).encode()), target, job_config=config).result()


def to_neo4j(at: Endpoints, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Users, interactions and their campaigns, a thousand at once."""
    auth = (str(at.neo4j_user), str(at.neo4j_password))
    with (
        neo4j.GraphDatabase.driver(str(at.neo4j_uri), auth=auth) as driver,
        driver.session(database=at.neo4j_database) as session,
    ):
        for constraint in CONSTRAINTS:
            session.run(constraint).consume()
        session.run("UNWIND $ids AS id MERGE (:FloorCampaign {id: id})", ids=CAMPAIGNS).consume()
        for start in range(0, len(rows), CHUNK):
            session.run(MERGE, rows=list(rows[start : start + CHUNK]), batch=name).consume()


CONSTRAINTS = (
    "CREATE CONSTRAINT FOR (n:FloorInteraction) REQUIRE n.interaction_id IS UNIQUE",
    "CREATE CONSTRAINT FOR (n:FloorUser) REQUIRE n.user_id IS UNIQUE",
    "CREATE CONSTRAINT FOR (n:FloorCampaign) REQUIRE n.id IS UNIQUE",
)
MERGE = """
UNWIND $rows AS row
MERGE (i:FloorInteraction {interaction_id: row.interaction_id})
SET i.batch_id = $batch, i.campaign_id = row.campaign_id, i.type = row.type, i.timestamp = row.timestamp
MERGE (u:FloorUser {user_id: row.user_id})
MERGE (u)-[:PERFORMED]->(i)
WITH i, row
MATCH (c:FloorCampaign {id: row.campaign_id})
MERGE (i)-[:REFERS_TO]->(c)
""".strip()


def to_milvus(at: Endpoints, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Upserts of random vectors."""
    client = connect_milvus(str(at.milvus_uri))
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("interaction_id", DataType.VARCHAR, max_length=256, is_primary=True)
    schema.add_field("batch_id", DataType.VARCHAR, max_length=64)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=VECTOR_DIMENSION)
    index = client.prepare_index_params()
    index.add_index("vector", index_type="FLAT", metric_type="COSINE")
    client.create_collection(f"{name}_floor", schema=schema, index_params=index)
    chance = random.Random(7)
    vectors = [[chance.random() for _ in range(VECTOR_DIMENSION)] for _ in range(VECTORS)]
    for start in range(0, len(rows), VECTORS):
        chunk = zip(rows[start : start + VECTORS], vectors, strict=False)
        entities = [{"interaction_id": row["interaction_id"], "batch_id": name, "vector": one} for row, one in chunk]
        client.upsert(f"{name}_floor", entities)
    client.close()


FLOORS = {"MongoDB": to_mongodb, "BigQuery": to_bigquery, "Neo4j": to_neo4j, "Milvus": to_milvus}


def seconds_of(work: Any, *arguments: Any) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def app_at(at: Endpoints, folder: Path, name: str) -> App:
    write(folder / "gx")
    app = App()
    app.configure(
        MONGODB_URI=at.mongodb_uri,
        MONGODB_DATABASE=name,
        NEO4J_URI=at.neo4j_uri,
        NEO4J_USER=at.neo4j_user,
        NEO4J_PASSWORD=at.neo4j_password,
        NEO4J_DATABASE=at.neo4j_database,
        MILVUS_URI=at.milvus_uri,
        MILVUS_COLLECTION=name,
        BIGQUERY_PROJECT=at.bigquery_project,
        BIGQUERY_API_ENDPOINT=at.bigquery_endpoint,
        BIGQUERY_DATASET=name,
        GEMINI_API_KEY=at.gemini_api_key,
        GEMINI_API_ENDPOINT=at.gemini_endpoint,
        SLUICEGATE_GX=folder / "gx",
        SLUICEGATE_HOME=folder,
        SLUICEGATE_LOG_LEVEL="ERROR",
    )
    return app


def _brought_to_its_end(app: App, folder: Path, rows: Sequence[dict[str, Any]]) -> BatchSource:
    path = folder / "records.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    app.graph_store.load_campaigns([{"campaign_id": campaign} for campaign in CAMPAIGNS])
    [source] = discover([path], max_records=len(rows), min_age=0)
    runner = app.runner()
    for step in STEPS[:-1]:
        seconds = seconds_of(runner.attempt, source, step)
        click.echo(f"{step.key}: {seconds:.2f} s", err=True)
    return source


def _checked(app: App, source: BatchSource) -> tuple[float, float]:
    """Seconds of the whole step, and of the check alone."""
    asking = seconds_of(app.gate(CLOSING.name).check, source.batch_id, None)
    outcome = app.runner().again(source.batch_id, [CLOSING.key])
    if outcome.status is not BatchStatus.CLOSED:
        raise click.ClickException(f"The batch was not closed: {outcome.message}")
    return outcome.steps[-1].duration_s, asking


if __name__ == "__main__":
    main()
