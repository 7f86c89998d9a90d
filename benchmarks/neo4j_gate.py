"""The graph gate on Neo4j: inside the store, as one Cypher query by hand, and by MATCH into pandas."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import great_expectations.expectations as gxe
import neo4j

from benchmarks.workload import (
    FLOOR,
    PANDAS,
    PUSH_DOWN,
    Address,
    Batch,
    Check,
    by_batch,
    chunks,
    context,
    frames,
    require,
    validate,
)
from expectations_plugins.expectations import ExpectInteractionsToReferenceExistingCampaigns

CAMPAIGNS = 100
CHUNK = 2_000
START = datetime(2026, 11, 20, 9, tzinfo=UTC)
Rows = list[dict[str, Any]]


class Filler:
    """Fills two labels of its own: interactions, and the campaigns they refer to."""

    def __init__(self, address: Address) -> None:
        self._driver, self._database, self._label = _driver(address), address.database, address.space
        for label, key in ((self._label, "batch_id"), (_campaigns(address), "campaign_id")):
            self._run(f"CREATE INDEX {label}_{key} IF NOT EXISTS FOR (n:{label}) ON (n.{key})")
        rows = [{"campaign_id": f"c_{number:03d}", "in_catalogue": True} for number in range(CAMPAIGNS)]
        self._run(f"UNWIND $rows AS row CREATE (c:{_campaigns(address)}) SET c = row", rows=rows)
        self._fill = (
            f"UNWIND $rows AS row MATCH (c:{_campaigns(address)} {{campaign_id: row.campaign_id}}) "
            f"CREATE (n:{self._label})-[:REFERS_TO]->(c) SET n = row"
        )

    def fill(self, size: int) -> Batch:
        """Write a batch."""
        batch = Batch(f"batch_{size}", size)
        for numbers in chunks(size, CHUNK):
            self._run(self._fill, rows=[_properties(batch.batch_id, number) for number in numbers])
        return batch

    def drop(self) -> None:
        """Delete the nodes and the indexes."""
        for label, key in ((self._label, "batch_id"), (f"{self._label}_campaign", "campaign_id")):
            delete = f"MATCH (n:{label}) WITH n LIMIT {CHUNK} DETACH DELETE n RETURN count(*) AS deleted"
            while self._run(delete)[0]["deleted"]:
                pass
            self._run(f"DROP INDEX {label}_{key} IF EXISTS")

    def close(self) -> None:
        """Close the connection."""
        self._driver.close()

    def _run(self, query: str, **parameters: Any) -> Rows:
        with self._driver.session(database=self._database) as session:
            return session.run(neo4j.Query(query), parameters).data()


def _properties(batch_id: str, number: int) -> dict[str, Any]:
    return {
        "interaction_id": f"i_{batch_id}_{number:07d}",
        "batch_id": batch_id,
        "fence": 1,
        "campaign_id": f"c_{number % CAMPAIGNS:03d}",
        "type": ("view", "click", "purchase")[number % 3],
        "timestamp": START + timedelta(milliseconds=number),
    }


def push_down(address: Address) -> Check:
    """The suite on this project's Neo4j data source."""
    os.environ["BENCHMARK_NEO4J_PASSWORD"] = address.password
    source = context().data_sources.add_neo4j(
        "neo4j",
        uri=address.uri,
        user=address.user,
        password="${BENCHMARK_NEO4J_PASSWORD}",
        database=address.database,
    )
    batches = by_batch(source.add_node("interactions", label=address.space, key="interaction_id"))

    def check(batch: Batch) -> None:
        suite = [
            gxe.ExpectTableRowCountToEqual(value=batch.size),
            ExpectInteractionsToReferenceExistingCampaigns(target_label=_campaigns(address)),
        ]
        validate(batches.get_batch({"batch_id": batch.batch_id}), suite)

    return check


def floor(address: Address) -> Check:
    """One Cypher query and the driver."""
    driver = _driver(address)
    query = (
        f"MATCH (n:{address.space}) WHERE n.batch_id = $batch_id RETURN count(n) AS interactions, "
        f"sum(CASE WHEN EXISTS {{ MATCH (n)-[:REFERS_TO]->(c:{_campaigns(address)}) WHERE c.in_catalogue = true }} "
        "THEN 0 ELSE 1 END) AS orphans"
    )

    def check(batch: Batch) -> None:
        with driver.session(database=address.database, default_access_mode=neo4j.READ_ACCESS) as session:
            [found] = session.run(neo4j.Query(query), batch_id=batch.batch_id).data()
        require(found == {"interactions": batch.size, "orphans": 0}, found)

    return check


def pandas(address: Address) -> Check:
    """Everything into a data frame, then stock expectations."""
    driver, batches = _driver(address), frames(context())
    query = (
        f"MATCH (n:{address.space}) WHERE n.batch_id = $batch_id "
        f"OPTIONAL MATCH (n)-[:REFERS_TO]->(c:{_campaigns(address)}) WHERE c.in_catalogue = true "
        "RETURN n.interaction_id AS interaction_id, n.batch_id AS batch_id, n.campaign_id AS campaign_id, "
        "n.type AS type, n.timestamp AS timestamp, c.campaign_id AS campaign"
    )

    def check(batch: Batch) -> None:
        with driver.session(database=address.database, default_access_mode=neo4j.READ_ACCESS) as session:
            frame = session.run(neo4j.Query(query), batch_id=batch.batch_id).to_df()
        suite = [
            gxe.ExpectTableRowCountToEqual(value=batch.size),
            gxe.ExpectColumnValuesToNotBeNull(column="campaign"),
        ]
        validate(batches.get_batch({"dataframe": frame}), suite)

    return check


def _driver(address: Address) -> neo4j.Driver:
    return neo4j.GraphDatabase.driver(
        address.uri, auth=(address.user, address.password), notifications_min_severity="OFF"
    )


def _campaigns(address: Address) -> str:
    return f"{address.space}_campaign"


WAYS = {PUSH_DOWN: push_down, FLOOR: floor, PANDAS: pandas}
