"""What the stores and the ledger hold of one run's batch, read with the drivers, in a form that two runs can share.

Ids are without the run's prefix and batch ids without their digits; times, fences, attempts and run ids are left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import neo4j
import pymongo
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from expectations_plugins.milvus.connection import connect as connect_milvus
from pipeline.local import Endpoints
from tests.faults.crashes.stack import NAME

Row = dict[str, Any]

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
VOLATILE = frozenset(
    {
        *("received_at", "at", "run_id", "fence", "content_hash", "buried_at", "first_seen", "published_at"),
        *("released_at", "revision", "loaded_at"),
    }
)


class Reader:
    """Reads all stores; clients stay open."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.mongodb = pymongo.MongoClient[Row](endpoints.mongodb_uri)[NAME]
        self.neo4j = neo4j.GraphDatabase.driver(
            str(endpoints.neo4j_uri), auth=(str(endpoints.neo4j_user), str(endpoints.neo4j_password))
        )
        self.neo4j_database = endpoints.neo4j_database
        self.milvus = connect_milvus(str(endpoints.milvus_uri))
        self.bigquery = bigquery.Client(
            project=str(endpoints.bigquery_project),
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": endpoints.bigquery_endpoint},
        )

    def batch_id(self, prefix: str) -> str | None:
        """The batch that brought the run's records, once it is known."""
        row = self.mongodb["batches"].find_one({"source": {"$regex": f"{prefix}/landing"}})
        return None if row is None else str(row["_id"])

    def status(self, batch_id: str) -> str:
        """The batch's."""
        return str((self.mongodb["batches"].find_one({"_id": batch_id}) or {}).get("status"))

    def decisions(self, prefix: str) -> int:
        """How many decisions about the run's first batch are in the ledger."""
        row = self.mongodb["batches"].find_one({"source": {"$regex": prefix}}, sort=[("first_seen", 1)])
        return len((row or {}).get("decisions") or ())

    def expire_leases(self) -> None:
        """Let the time pass that the leases of dead processes last."""
        self.mongodb["leases"].update_many({"expires_at": {"$gt": LONG_AGO}}, {"$set": {"expires_at": LONG_AGO}})

    def forget(self, prefix: str) -> None:
        """Take a run that was looked at out of MongoDB: the local one goes through all it has for some answers."""
        batches = [row["_id"] for row in self.mongodb["batches"].find({"source": {"$regex": prefix}}, {"_id": 1})]
        for name in ("interactions", "dead_letters"):
            self.mongodb[name].delete_many({"batch_id": {"$in": batches}})
        for name in ("leases", "batches"):
            self.mongodb[name].delete_many({"_id": {"$in": batches}})

    def state(self, prefix: str) -> Mapping[str, Any]:
        """Everything of one run: of its batch, and of those that hold repaired records of it."""
        mine = {"source": {"$regex": prefix, "$not": {"$regex": "/elsewhere/"}}}
        batches = list(self.mongodb["batches"].find(mine).sort("first_seen", 1))
        assert batches, f"no batch of {prefix}"
        first, *others = map(self._batch, batches)
        text = json.dumps(first | {"repaired": others}, sort_keys=True)
        for number, document in enumerate(batches):
            text = text.replace(str(document["_id"]), f"<batch {number}>" if number else "<batch>")
        shared: Mapping[str, Any] = json.loads(text.replace(prefix, "<prefix>"))
        return shared

    def _batch(self, document: Row) -> Row:
        """What is there of one batch; its embedding batches by number."""
        batch_id = str(document["_id"])
        found = {
            "ledger": _ledger(document),
            "raw": list(self.mongodb["interactions"].find({"batch_id": batch_id}).sort("_id", 1)),
            "dead letters": list(self.mongodb["dead_letters"].find({"batch_id": batch_id}, {"_id": 0}).sort("line", 1)),
            "graph": self._graph(batch_id),
            "metrics": self._metrics(batch_id),
            "published": [row["interactions"] for row in self._latest(batch_id) if row["published"]],
            "staging": [table.table_id for table in self.bigquery.list_tables(NAME) if "load" in table.table_id],
            "vectors": self._vectors(batch_id),
        }
        text = json.dumps(_plain(found), sort_keys=True, default=str)
        for number, name in enumerate(sorted((document.get("embeddings") or {}), key=_number(document)), 1):
            text = text.replace(name, f"<embedding {number}>")
        named: Row = json.loads(text)
        return named

    def _graph(self, batch_id: str) -> list[Any]:
        query = """
        MATCH (i:Interaction {batch_id: $b})
        RETURN properties(i) AS properties, labels(i) AS labels,
               COLLECT { MATCH (u:User)-[:PERFORMED]->(i) RETURN u.user_id } AS users,
               COLLECT { MATCH (i)-[:REFERS_TO]->(c) RETURN c.campaign_id } AS campaigns
        """
        return sorted((_node(row) for row in self._ask(query, b=batch_id)), key=str)

    def _ask(self, query: str, **parameters: Any) -> list[Row]:
        records, _, _ = self.neo4j.execute_query(query, parameters, database_=self.neo4j_database)
        return [record.data() for record in records]

    def _vectors(self, batch_id: str) -> list[Row]:
        if not self.milvus.has_collection(NAME):
            return []
        rows = self.milvus.query(
            NAME,
            filter=f'batch_id == "{batch_id}"',
            output_fields=["interaction_id", "embedding_batch_id", "embedding_source", "vector"],
            limit=1_000,
            consistency_level="Strong",
        )
        return sorted((_hashed(dict(row)) for row in rows), key=lambda row: str(row["interaction_id"]))

    def _metrics(self, batch_id: str) -> list[str]:
        """The rows that count; what is superseded is collected, and differs from one crash to the next."""
        [found] = self._latest(batch_id) or [{"revision": ""}]
        where = f"batch_id = '{batch_id}' AND revision = '{found['revision']}'"
        rows = self.bigquery.query(f"SELECT * FROM `{NAME}.metric_revisions` WHERE {where}").result()
        return sorted(json.dumps(_plain(dict(row)), sort_keys=True, default=str) for row in rows)

    def _latest(self, batch_id: str) -> list[Row]:
        where = f"batch_id = '{batch_id}' ORDER BY fence DESC, sequence DESC LIMIT 1"
        rows = self.bigquery.query(f"SELECT * FROM `{NAME}.publications` WHERE {where}").result()
        return [dict(row) for row in rows]


@contextmanager
def reader(endpoints: Endpoints) -> Iterator[Reader]:
    """A reader; closed at the end."""
    found = Reader(endpoints)
    try:
        yield found
    finally:
        found.mongodb.client.close()
        found.neo4j.close()
        found.milvus.close()
        found.bigquery.close()


def _ledger(document: Mapping[str, Any]) -> Row:
    """Status, counts, steps, verdicts, what became of actions, and embedding batches."""
    gates = (document.get("gates") or {}).items()
    embeddings = (document.get("embeddings") or {}).values()
    return {
        "status": document.get("status"),
        "counts": document.get("counts"),
        "parent": document.get("parent"),
        "unfinished decision": document.get("decision"),
        "dropped": (document.get("dropped") or {}).get("why"),
        "steps": {name: step.get("status") for name, step in (document.get("steps") or {}).items()},
        "gates": {name: [gate.get("verdict"), _actions(gate)] for name, gate in gates},
        "embeddings": sorted((_embedding(one) for one in embeddings), key=lambda one: int(one["number"])),
    }


def _actions(gate: Mapping[str, Any]) -> list[Any]:
    return [[intent["action"], intent["status"]] for intent in gate.get("intents") or ()]


def _embedding(one: Mapping[str, Any]) -> Row:
    kept = ("embedding_batch_id", "expected", "written", "fallback", "rejected", "number", "kind", "finished")
    return {name: one.get(name) for name in (*kept, "collection", "model", "rolled_back")}


def _number(document: Mapping[str, Any]) -> Any:
    embeddings = document.get("embeddings") or {}
    return lambda name: int(embeddings[name].get("number") or 0)


def _node(row: Row) -> list[Any]:
    properties = {key: value for key, value in row["properties"].items() if not key.startswith("review")}
    state = row["properties"].get("review_state")
    return [properties, sorted(row["labels"]), sorted(row["users"]), sorted(row["campaigns"]), state]


def _hashed(row: Row) -> Row:
    vector = row.pop("vector")
    return row | {"vector": hashlib.sha256(json.dumps([float(part) for part in vector]).encode()).hexdigest()[:16]}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if key not in VOLATILE}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
