CREATE CONSTRAINT schema_version IF NOT EXISTS FOR (n:SluicegateSchema) REQUIRE n.version IS UNIQUE

MATCH (n:SluicegateSchema) RETURN max(n.version) AS version

MATCH (n:Interaction) RETURN n.interaction_id AS key LIMIT 1

MATCH (n:Campaign) RETURN n.campaign_id AS key LIMIT 1

MERGE (n:SluicegateSchema {version: $version})

MATCH (n:SluicegateSchema) WHERE n.version < $version DELETE n
