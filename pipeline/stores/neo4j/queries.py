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
UNWIND $links AS row
MATCH (i:Interaction {interaction_id: row.interaction_id})
MATCH (c:Campaign {campaign_id: row.campaign_id})
MERGE (i)-[:REFERS_TO]->(c)
""".strip()

MERGE_CAMPAIGNS = """
UNWIND $rows AS row
MERGE (c:Campaign {campaign_id: row.campaign_id})
SET c += row.properties, c.in_catalogue = true
""".strip()

PRUNE = (
    """
MATCH (u:User)-[link:PERFORMED]->(i:Interaction {batch_id: $batch_id}) WHERE coalesce(i.fence, 0) < $fence
WITH link, u.user_id AS key ORDER BY key DELETE link
""".strip(),
    """
MATCH (i:Interaction {batch_id: $batch_id})-[link:REFERS_TO]->(c) WHERE coalesce(i.fence, 0) < $fence
WITH link, c.campaign_id AS key ORDER BY key DELETE link
""".strip(),
    "MATCH (i:Interaction {batch_id: $batch_id}) WHERE coalesce(i.fence, 0) < $fence DETACH DELETE i",
)
"""The links to what other batches share go first, in the order in which all writers lock it."""

COUNT = "MATCH (i:Interaction {batch_id: $batch_id}) RETURN count(i) AS interactions"


def interaction_rows(records: Sequence[GraphRecord]) -> list[dict[str, Any]]:
    """Records as parameters, in the order of their users: all writers take the locks of shared nodes in one order."""
    ordered = sorted(records, key=lambda record: (str(record.user_id), record.interaction_id))
    return [
        {
            INTERACTION_ID: record.interaction_id,
            USER_ID: record.user_id,
            CAMPAIGN_ID: record.campaign_id,
            "type": record.type,
            "timestamp": record.timestamp,
        }
        for record in ordered
    ]


def link_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Interactions and their campaigns as parameters, in the order of the campaigns, which all writers share."""
    links = [{name: row[name] for name in (INTERACTION_ID, CAMPAIGN_ID)} for row in rows if row[CAMPAIGN_ID]]
    return sorted(links, key=lambda link: (link[CAMPAIGN_ID], link[INTERACTION_ID]))


def campaign_rows(campaigns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Catalogue entries as parameters; what a property cannot hold becomes JSON text."""
    return [
        {
            CAMPAIGN_ID: campaign[CAMPAIGN_ID],
            "properties": {key or "_": _property(value) for key, value in campaign.items() if key not in RESERVED},
        }
        for campaign in sorted(campaigns, key=lambda campaign: str(campaign[CAMPAIGN_ID]))
    ]


RESERVED = frozenset({CAMPAIGN_ID, "in_catalogue"})


INTEGERS = range(-(2**63), 2**63)


def _property(value: Any) -> Any:
    is_kept = int(value) in INTEGERS if isinstance(value, int) else isinstance(value, str | float | datetime | None)
    return value if is_kept else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
