"""What the stores hold, value for value, read with their drivers: nothing of ours is imported."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import neo4j
import pymongo
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from expectations_plugins.milvus.connection import connect as connect_milvus

PAGE = 500
JUDGED = ("user_id", "campaign_id", "type")
Row = dict[str, Any]


class Addresses(Protocol):
    """Where the servers are."""

    mongodb_uri: Any
    neo4j_uri: Any
    neo4j_user: Any
    neo4j_password: Any
    neo4j_database: Any
    milvus_uri: Any
    bigquery_project: Any
    bigquery_endpoint: Any


class Stores:
    """The four stores.

    Args:
        at: The servers.
        name: Of the MongoDB database, the BigQuery dataset and the Milvus collection.
    """

    def __init__(self, at: Addresses, name: str) -> None:
        self.name = name
        self.mongodb = pymongo.MongoClient[Row](str(at.mongodb_uri))[name]
        self.neo4j = neo4j.GraphDatabase.driver(str(at.neo4j_uri), auth=(str(at.neo4j_user), str(at.neo4j_password)))
        self._graph_database = at.neo4j_database
        self.milvus = connect_milvus(str(at.milvus_uri))
        self.bigquery = bigquery.Client(
            project=str(at.bigquery_project),
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": str(at.bigquery_endpoint)},
        )

    def close(self) -> None:
        for client in (self.mongodb.client, self.neo4j, self.milvus, self.bigquery):
            client.close()

    def batch(self, batch_id: str) -> Row:
        """Its document in the ledger."""
        return self.mongodb["batches"].find_one({"_id": batch_id}) or {}

    def raw(self, batch_id: str) -> dict[str, Row]:
        """The records of a batch in MongoDB, by interaction_id."""
        return {row["_id"]: row for row in self.mongodb["interactions"].find({"batch_id": batch_id})}

    def letters(self, batch_id: str) -> dict[int, Row]:
        """The dead letters of a batch, by line."""
        return {row["line"]: row for row in self.mongodb["dead_letters"].find({"batch_id": batch_id})}

    def graph(self, batch_id: str) -> dict[str, Row]:
        """The interactions of a batch in Neo4j with their user, by interaction_id; none is there twice."""
        query = """
        MATCH (i:Interaction {batch_id: $batch_id}) OPTIONAL MATCH (u:User)-[:PERFORMED]->(i)
        RETURN i.interaction_id AS interaction_id, i.campaign_id AS campaign_id, i.type AS type, u.user_id AS user_id,
            i.timestamp AS timestamp
        """
        records, _, _ = self.neo4j.execute_query(query, batch_id=batch_id, database_=self._graph_database)
        rows = [record.data() for record in records]
        found = {row["interaction_id"]: row for row in rows}
        assert len(found) == len(rows)
        return found

    def vectors(self, batch_id: str) -> set[str]:
        """The ids of a batch in Milvus; none is there twice."""
        where = f'batch_id == "{batch_id}"'
        found: list[str] = []
        while True:
            after = json.dumps(found[-1] if found else "", ensure_ascii=False)
            rows = self.milvus.query(
                self.name,
                filter=f"{where} and interaction_id > {after}",
                output_fields=["interaction_id"],
                limit=PAGE,
                consistency_level="Strong",
            )
            if not rows:
                assert len(set(found)) == len(found)
                return set(found)
            found += sorted((row["interaction_id"] for row in rows), key=lambda key: key.encode())

    def metrics(self, batch_id: str, table: str = "published_metrics") -> list[Row]:
        """The rows of a batch that analysts see."""
        query = f"SELECT * FROM `{self.name}.{table}` WHERE batch_id = '{batch_id}'"
        return [dict(row) for row in self.bigquery.query(query).result()]

    def others(self, but: Sequence[str]) -> Row:
        """What the stores hold that is not of these batches: all records of this database, by count where it is shared.

        Args:
            but: Ids of batches.
        """
        others = {"$nin": list(but)}
        found: Row = {"MongoDB: collections": sorted(self.mongodb.list_collection_names())}
        for name, key in (("interactions", "batch_id"), ("dead_letters", "batch_id"), ("batches", "_id")):
            found[f"MongoDB: {name}"] = list(self.mongodb[name].find({key: others}).sort("_id"))
        mine = [row["_id"] for row in found["MongoDB: batches"]]
        return found | self._others_in_graph(mine, but) | self._others_in_vectors(but) | self._others_in_tables(but)

    def _others_in_graph(self, mine: Sequence[str], but: Sequence[str]) -> Row:
        queries = {
            "nodes": """MATCH (n) WHERE NOT n:User AND NOT coalesce(n.batch_id, "") IN $but
                RETURN labels(n) AS labels, count(n) AS n ORDER BY labels""",
            "campaigns": "MATCH (c:Campaign) RETURN properties(c) AS c ORDER BY c.campaign_id",
            "interactions": """MATCH (i:Interaction) WHERE i.batch_id IN $mine
                OPTIONAL MATCH (u:User)-[:PERFORMED]->(i) OPTIONAL MATCH (i)-[:REFERS_TO]->(c)
                RETURN properties(i) AS i, u.user_id AS user, c.campaign_id AS campaign ORDER BY i.interaction_id""",
        }
        found: Row = {}
        for name, query in queries.items():
            records, _, _ = self.neo4j.execute_query(query, but=but, mine=mine, database_=self._graph_database)
            found[f"Neo4j: {name}"] = [record.data() for record in records]
        return found

    def _others_in_vectors(self, but: Sequence[str]) -> Row:
        where = f"batch_id not in {json.dumps(list(but))}"
        rows = self.milvus.query(self.name, filter=where, output_fields=["*"], limit=PAGE, consistency_level="Strong")
        return {
            "Milvus: collections": sorted(self.milvus.list_collections()),
            "Milvus: vectors": sorted(json.dumps(row, default=float, sort_keys=True) for row in rows),
        }

    def _others_in_tables(self, but: Sequence[str]) -> Row:
        tables = sorted(table.table_id for table in self.bigquery.list_tables(self.name))
        found: Row = {"BigQuery: tables": tables}
        ids = ", ".join(f"'{batch_id}'" for batch_id in (*but, "none"))
        for table in tables:
            query = f"SELECT * FROM `{self.name}.{table}` WHERE batch_id NOT IN ({ids})"
            rows = self.bigquery.query(query).result()
            found[f"BigQuery: {table}"] = sorted(json.dumps(dict(row), default=str, sort_keys=True) for row in rows)
        return found


def accepted(raw: dict[str, Row]) -> dict[str, Row]:
    """Those that are not in quarantine."""
    return {key: row for key, row in raw.items() if "quarantine" not in row}


def as_sent(document: Row) -> Row:
    """The record a document was made of, as far as it is kept; a timestamp that could be read is left out."""
    found = {name: document[name] for name in (*JUDGED, "message") if name in document}
    return {"interaction_id": document["_id"], **found, **document["extra"]}


def not_conserved(stores: Stores, batch_id: str) -> Iterator[str]:
    """What of the conservation rule does not hold for a batch that ended, in words."""
    document, raw = stores.batch(batch_id), stores.raw(batch_id)
    counts, kept = document.get("counts") or {}, accepted(raw)
    said = {name: counts.get(name) for name in ("accepted", "quarantined", "dead")}
    held = {"accepted": len(kept), "quarantined": len(raw) - len(kept), "dead": len(stores.letters(batch_id))}
    if said != held:
        yield f"the ledger says {said}, the stores hold {held}"
    if counts.get("read") != sum(counts.get(name, 0) for name in (*said, "duplicate")):
        yield f"the ledger's counts do not add up: {counts}"
    if document.get("status") == "closed":
        yield from _not_everywhere(stores, batch_id, kept)


def _not_everywhere(stores: Stores, batch_id: str, kept: dict[str, Row]) -> Iterator[str]:
    if (graph := set(stores.graph(batch_id))) != set(kept):
        yield f"the graph differs from what was accepted: {few(graph ^ set(kept))}"
    told = {key for key, row in kept.items() if "message" in row}
    if (vectors := stores.vectors(batch_id)) != told:
        yield f"the vectors differ from the accepted messages: {few(vectors ^ told)}"
    if (seen := sum(row["interactions"] for row in stores.metrics(batch_id))) != len(kept):
        yield f"analysts see {seen} interactions of {len(kept)}"


def few(ids: Iterable[str]) -> list[str]:
    """Some of them, to be shown."""
    return sorted(ids)[:5]
