"""`Neo4jLineage`: a record's neighbourhood in the graph. Every read starts at a key or an index, and is bounded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from expectations_plugins.neo4j.connection import Graph
from expectations_plugins.neo4j.values import plain
from pipeline.core.fields import CAMPAIGN_ID, INTERACTION_ID
from pipeline.core.traces import MOST_COUNTED, Neighbourhood
from pipeline.ports.tracing import GraphLineage
from pipeline.stores.neo4j.review_queries import FIELDS, LINKED
from pipeline.stores.neo4j.review_queue import item_in

TIME_LIMIT = 30.0
MOST_LINKS = 10
"""Users and campaigns of one interaction that are named; there ought to be one of each."""

RECORD = f"""
MATCH (i:Interaction {{interaction_id: $interaction_id}})
{FIELDS}, i.type AS type, i.timestamp AS timestamp, {LINKED} AS in_catalogue
""".strip()

USERS = """
MATCH (i:Interaction {interaction_id: $interaction_id})<-[:PERFORMED]-(u:User)
RETURN u.user_id AS id ORDER BY id LIMIT $limit
""".strip()

CAMPAIGNS = """
MATCH (i:Interaction {interaction_id: $interaction_id})-[:REFERS_TO]->(c)
RETURN coalesce(c.campaign_id, '') AS id ORDER BY id LIMIT $limit
""".strip()

CAMPAIGN = "MATCH (c:Campaign {campaign_id: $key}) WHERE c.in_catalogue = true RETURN c.campaign_id AS id LIMIT 1"

OF_USER = """
MATCH (u:User {user_id: $key})-[:PERFORMED]->(i:Interaction)
WITH i LIMIT $limit RETURN count(i) AS interactions
""".strip()

OF_CAMPAIGN = """
MATCH (i:Interaction {campaign_id: $key})
WITH i LIMIT $limit RETURN count(i) AS interactions
""".strip()

STATEMENTS = (RECORD, USERS, CAMPAIGNS, CAMPAIGN, OF_USER, OF_CAMPAIGN)
"""All that is asked."""


class Neo4jLineage(GraphLineage):
    """The graph, read only.

    Args:
        graph: A handle from `connect`.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def around(self, interaction_id: str) -> Neighbourhood | None:
        """The record and what is next to it; None when the graph does not have it."""
        found = self._read(RECORD, interaction_id=interaction_id)
        if not found:
            return None
        row, links = found[0], {INTERACTION_ID: interaction_id, "limit": MOST_LINKS}
        users = tuple(str(one["id"]) for one in self._read(USERS, **links))
        campaign = row[CAMPAIGN_ID]
        return Neighbourhood(
            batch_id=str(row["batch_id"] or ""),
            campaign_id=campaign,
            type=row["type"],
            timestamp=_moment(row["timestamp"]),
            users=users,
            linked_to=tuple(str(one["id"]) for one in self._read(CAMPAIGNS, **links)),
            in_catalogue=bool(row["in_catalogue"]),
            campaign_exists=campaign is not None and bool(self._read(CAMPAIGN, key=campaign)),
            of_user=self._others(OF_USER, users[0] if users else None),
            of_campaign=self._others(OF_CAMPAIGN, campaign),
            review=item_in(row) if row["state"] else None,
        )

    def _others(self, query: str, key: str | None) -> int:
        """How many there are besides the record itself, at most one more than are counted."""
        if key is None:
            return 0
        [row] = self._read(query, key=key, limit=MOST_COUNTED + 2)
        return max(0, int(row["interactions"]) - 1)

    def _read(self, query: str, **parameters: Any) -> list[Mapping[str, Any]]:
        rows = self._graph.read(query, parameters, doing="tracing an interaction", timeout=TIME_LIMIT)
        return list(rows)


def _moment(value: Any) -> datetime | None:
    found = plain(value)
    if not isinstance(found, datetime):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
