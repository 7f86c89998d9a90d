"""Cypher of the graph's schema version. The version is the node's key, so that each can be there once."""

from __future__ import annotations

SCHEMA = ("CREATE CONSTRAINT schema_version IF NOT EXISTS FOR (n:SluicegateSchema) REQUIRE n.version IS UNIQUE",)

FOUND = "MATCH (n:SluicegateSchema) RETURN max(n.version) AS version"

HOLDS_DATA = (
    "MATCH (n:Interaction) RETURN n.interaction_id AS key LIMIT 1",
    "MATCH (n:Campaign) RETURN n.campaign_id AS key LIMIT 1",
)
"""Asked one after the other: whether the graph holds anything of ours."""

MARK = "MERGE (n:SluicegateSchema {version: $version})"
"""Written before older ones go: the highest counts, so that there is always one."""

FORGET_OLDER = "MATCH (n:SluicegateSchema) WHERE n.version < $version DELETE n"
