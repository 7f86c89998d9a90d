"""The Cypher of the graph store; every value is a parameter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.core.fields import CAMPAIGN_ID, INTERACTION_ID, USER_ID
from pipeline.core.records import GraphRecord

SCHEMA = (
    "CREATE CONSTRAINT user_key IF NOT EXISTS FOR (n:User) REQUIRE n.user_id IS UNIQUE",
    "CREATE CONSTRAINT interaction_key IF NOT EXISTS FOR (n:Interaction) REQUIRE n.interaction_id IS UNIQUE",
    "CREATE CONSTRAINT campaign_key IF NOT EXISTS FOR (n:Campaign) REQUIRE n.campaign_id IS UNIQUE",
    "CREATE INDEX interaction_batch IF NOT EXISTS FOR (n:Interaction) ON (n.batch_id)",
    "CREATE INDEX interaction_campaign IF NOT EXISTS FOR (n:Interaction) ON (n.campaign_id)",
)

MERGE_INTERACTIONS = """
UNWIND $rows AS row
MERGE (i:Interaction {interaction_id: row.interaction_id})
SET i.batch_id = $batch_id, i.fence = $fence, i.campaign_id = row.campaign_id, i.type = row.type,
    i.timestamp = row.timestamp
MERGE (u:User {user_id: row.user_id})
MERGE (u)-[:PERFORMED]->(i)
""".strip()

LINK_TO_CAMPAIGNS = """
UNWIND $rows AS row
MATCH (i:Interaction {interaction_id: row.interaction_id})
MATCH (c:Campaign {campaign_id: row.campaign_id})
MERGE (i)-[:REFERS_TO]->(c)
""".strip()

MERGE_CAMPAIGNS = """
UNWIND $rows AS row
MERGE (c:Campaign {campaign_id: row.campaign_id})
SET c += row.properties, c.in_catalogue = true
""".strip()

PRUNE = "MATCH (i:Interaction {batch_id: $batch_id}) WHERE coalesce(i.fence, 0) < $fence DETACH DELETE i"

COUNT = "MATCH (i:Interaction {batch_id: $batch_id}) RETURN count(i) AS interactions"


def interaction_rows(records: Sequence[GraphRecord]) -> list[dict[str, Any]]:
    """Records as parameters."""
    return [
        {
            INTERACTION_ID: record.interaction_id,
            USER_ID: record.user_id,
            CAMPAIGN_ID: record.campaign_id,
            "type": record.type,
            "timestamp": record.timestamp,
        }
        for record in records
    ]


def campaign_rows(campaigns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Catalogue entries as parameters; what a property cannot hold becomes JSON text."""
    return [
        {
            CAMPAIGN_ID: campaign[CAMPAIGN_ID],
            "properties": {key or "_": _property(value) for key, value in campaign.items() if key not in RESERVED},
        }
        for campaign in campaigns
    ]


RESERVED = frozenset({CAMPAIGN_ID, "in_catalogue"})


INTEGERS = range(-(2**63), 2**63)


def _property(value: Any) -> Any:
    is_kept = int(value) in INTEGERS if isinstance(value, int) else isinstance(value, str | float | datetime | None)
    return value if is_kept else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
