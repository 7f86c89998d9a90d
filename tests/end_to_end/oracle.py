"""An independent reading of files and stores: drivers and the standard library only, nothing of ours.

What the pipeline should have done is worked out here from the files alone, in the plainest way.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import neo4j
import pymongo
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from pymilvus import MilvusClient

COLLECTION = "interactions_gemini_embedding_001"
USER_ID = re.compile(r"^u_\d{3,}$")


@dataclass(slots=True)
class Truth:
    """What the files say."""

    ids: set[str] = field(default_factory=set)
    bad_users: set[str] = field(default_factory=set)
    orphans: set[str] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)

    @property
    def good(self) -> set[str]:
        return self.ids - self.bad_users

    @property
    def good_orphans(self) -> set[str]:
        return self.orphans - self.bad_users

    @property
    def good_messages(self) -> set[str]:
        return self.messages - self.bad_users


def read(files: Iterable[Path], catalogue: Path) -> Truth:
    """Work out the truth from JSON Lines files without duplicates and a catalogue."""
    campaigns = {json.loads(line)["campaign_id"] for line in catalogue.read_text("utf-8").splitlines() if line}
    truth = Truth()
    for path in files:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
        for line in text.splitlines():
            record = json.loads(line)
            key = record["interaction_id"]
            truth.ids.add(key)
            if not isinstance(record.get("user_id"), str) or not USER_ID.search(record["user_id"]):
                truth.bad_users.add(key)
            if record.get("campaign_id") not in campaigns:
                truth.orphans.add(key)
            if isinstance(record.get("message"), str) and record["message"].strip():
                truth.messages.add(key)
    return truth


class Stores:
    """What the stores hold, read with their own drivers."""

    def __init__(self, places: dict[str, Any]) -> None:
        self._mongodb = pymongo.MongoClient(places["mongodb_uri"])["sluicegate"]
        self._neo4j = neo4j.GraphDatabase.driver(
            places["neo4j_uri"], auth=(places["neo4j_user"], places["neo4j_password"])
        )
        self._neo4j_database = places["neo4j_database"]
        # pymilvus pings every 10 seconds, which servers hang up on
        self._milvus = MilvusClient(places["milvus_uri"], grpc_options={"grpc.keepalive_time_ms": 2**31 - 1})
        self._bigquery = bigquery.Client(
            project=places["bigquery_project"],
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": places["bigquery_endpoint"]},
        )

    def close(self) -> None:
        self._mongodb.client.close()
        self._neo4j.close()
        self._milvus.close()
        self._bigquery.close()

    def raw_ids(self) -> list[str]:
        return [row["_id"] for row in self._mongodb["interactions"].find({}, {"_id": 1})]

    def quarantined_ids(self) -> set[str]:
        return {row["_id"] for row in self._mongodb["interactions"].find({"quarantine": {"$exists": True}}, {"_id": 1})}

    def ledger(self) -> list[dict[str, Any]]:
        return list(self._mongodb["batches"].find({}))

    def dead_letters(self) -> list[dict[str, Any]]:
        return list(self._mongodb["dead_letters"].find({}))

    def graph_ids(self) -> list[str]:
        return self._graph("MATCH (i:Interaction) RETURN i.interaction_id AS id")

    def linked_ids(self) -> set[str]:
        return set(self._graph("MATCH (i:Interaction)-[:REFERS_TO]->(:Campaign) RETURN i.interaction_id AS id"))

    def flagged_ids(self) -> set[str]:
        return set(self._graph("MATCH (i:NeedsReview) RETURN i.interaction_id AS id"))

    def campaign_ids(self) -> set[str]:
        return set(self._graph("MATCH (c:Campaign) RETURN c.campaign_id AS id"))

    def vector_ids(self) -> list[str]:
        if not self._milvus.has_collection(COLLECTION):
            return []
        found: list[str] = []
        while True:
            last = json.dumps(found[-1] if found else "")
            rows = self._milvus.query(
                COLLECTION,
                filter=f"interaction_id > {last}",
                output_fields=["interaction_id"],
                limit=1000,
                consistency_level="Strong",
            )
            if not rows:
                return found
            found += sorted(row["interaction_id"] for row in rows)

    def published(self) -> int:
        """Interactions analysts see."""
        query = "SELECT SUM(interactions) AS n FROM `sluicegate.published_metrics`"
        return int(next(iter(self._bigquery.query(query).result()))["n"] or 0)

    def _graph(self, query: str) -> list[str]:
        records, _, _ = self._neo4j.execute_query(query, database_=self._neo4j_database)
        return [record["id"] for record in records]
