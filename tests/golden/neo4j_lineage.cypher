MATCH (i:Interaction {interaction_id: $interaction_id})
RETURN i.interaction_id AS interaction_id, i.batch_id AS batch_id, i.campaign_id AS campaign_id,
       i.review_state AS state, i.review_reason AS reason, i.review_gate AS gate, i.review_run AS run_id,
       i.review_since AS since, i.review_history AS history, i.type AS type, i.timestamp AS timestamp, EXISTS { MATCH (i)-[:REFERS_TO]->(c:Campaign) WHERE c.in_catalogue = true } AS in_catalogue

MATCH (i:Interaction {interaction_id: $interaction_id})<-[:PERFORMED]-(u:User)
RETURN u.user_id AS id ORDER BY id LIMIT $limit

MATCH (i:Interaction {interaction_id: $interaction_id})-[:REFERS_TO]->(c)
RETURN coalesce(c.campaign_id, '') AS id ORDER BY id LIMIT $limit

MATCH (c:Campaign {campaign_id: $key}) WHERE c.in_catalogue = true RETURN c.campaign_id AS id LIMIT 1

MATCH (u:User {user_id: $key})-[:PERFORMED]->(i:Interaction)
WITH i LIMIT $limit RETURN count(i) AS interactions

MATCH (i:Interaction {campaign_id: $key})
WITH i LIMIT $limit RETURN count(i) AS interactions
