CREATE CONSTRAINT user_key IF NOT EXISTS FOR (n:User) REQUIRE n.user_id IS UNIQUE

CREATE CONSTRAINT interaction_key IF NOT EXISTS FOR (n:Interaction) REQUIRE n.interaction_id IS UNIQUE

CREATE CONSTRAINT campaign_key IF NOT EXISTS FOR (n:Campaign) REQUIRE n.campaign_id IS UNIQUE

CREATE INDEX interaction_batch IF NOT EXISTS FOR (n:Interaction) ON (n.batch_id)

CREATE INDEX interaction_campaign IF NOT EXISTS FOR (n:Interaction) ON (n.campaign_id)

UNWIND $rows AS row
MERGE (i:Interaction {interaction_id: row.interaction_id})
SET i.batch_id = $batch_id, i.fence = $fence, i.campaign_id = row.campaign_id, i.type = row.type,
    i.timestamp = row.timestamp
MERGE (u:User {user_id: row.user_id})
MERGE (u)-[:PERFORMED]->(i)

UNWIND $links AS row
MATCH (i:Interaction {interaction_id: row.interaction_id})
MATCH (c:Campaign {campaign_id: row.campaign_id})
MERGE (i)-[:REFERS_TO]->(c)

UNWIND $rows AS row
MERGE (c:Campaign {campaign_id: row.campaign_id})
SET c += row.properties, c.in_catalogue = true

MATCH (u:User)-[link:PERFORMED]->(i:Interaction {batch_id: $batch_id}) WHERE coalesce(i.fence, 0) < $fence
WITH link, u.user_id AS key ORDER BY key DELETE link

MATCH (i:Interaction {batch_id: $batch_id})-[link:REFERS_TO]->(c) WHERE coalesce(i.fence, 0) < $fence
WITH link, c.campaign_id AS key ORDER BY key DELETE link

MATCH (i:Interaction {batch_id: $batch_id}) WHERE coalesce(i.fence, 0) < $fence DETACH DELETE i

MERGE (b:SluicegateBatch {batch_id: $batch_id})
SET b.fence = CASE WHEN coalesce(b.fence, 0) < $fence THEN $fence ELSE b.fence END
RETURN b.fence AS fence

MATCH (i:Interaction {batch_id: $batch_id}) RETURN count(i) AS interactions
