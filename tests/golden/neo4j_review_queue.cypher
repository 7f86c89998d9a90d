// SCHEMA
('CREATE INDEX review_state IF NOT EXISTS FOR (n:Interaction) ON (n.review_state)',)

// BY_ID
USING INDEX i:Interaction(interaction_id)

// BY_BATCH
USING INDEX i:Interaction(batch_id)

// LINKED
EXISTS { MATCH (i)-[:REFERS_TO]->(c:Campaign) WHERE c.in_catalogue = true }

// UNSETTLED
(NOT EXISTS { MATCH (i)-[:REFERS_TO]->(c:Campaign) WHERE c.in_catalogue = true } OR i.review_state IN ['open', 'resolved'])

// OF_BATCH
MATCH (i:Interaction {batch_id: $batch_id}) USING INDEX i:Interaction(batch_id) WHERE (NOT EXISTS { MATCH (i)-[:REFERS_TO]->(c:Campaign) WHERE c.in_catalogue = true } OR i.review_state IN ['open', 'resolved']) RETURN i.interaction_id AS interaction_id, i.campaign_id AS campaign_id,
       EXISTS { MATCH (i)-[:REFERS_TO]->() } AS has_target

// OF_CAMPAIGNS
UNWIND $rows AS row
MATCH (i:Interaction {campaign_id: row.campaign_id})
WHERE (NOT EXISTS { MATCH (i)-[:REFERS_TO]->(c:Campaign) WHERE c.in_catalogue = true } OR i.review_state IN ['open', 'resolved'])
RETURN i.interaction_id AS interaction_id, i.campaign_id AS campaign_id,
       EXISTS { MATCH (i)-[:REFERS_TO]->() } AS has_target

// LINK
UNWIND $rows AS row
MATCH (i:Interaction {interaction_id: row.interaction_id}) USING INDEX i:Interaction(interaction_id)
MATCH (c:Campaign {campaign_id: row.campaign_id})
WHERE c.in_catalogue = true
MERGE (i)-[:REFERS_TO]->(c)

// LIFT
UNWIND $rows AS row
MATCH (i:Interaction {interaction_id: row.interaction_id}) USING INDEX i:Interaction(interaction_id)
WHERE i.review_state IN ['open', 'resolved'] AND EXISTS { MATCH (i)-[:REFERS_TO]->(c:Campaign) WHERE c.in_catalogue = true }
SET i.review_state = 'lifted', i.review_history = coalesce(i.review_history, []) + [row.lifted]
REMOVE i:NeedsReview

// FLAG
UNWIND $rows AS row
MATCH (i:Interaction {interaction_id: row.interaction_id}) USING INDEX i:Interaction(interaction_id)
WHERE NOT EXISTS { MATCH (i)-[:REFERS_TO]->(c:Campaign) WHERE c.in_catalogue = true }
  AND NOT (coalesce(i.review_state, '') IN ['open', 'resolved'] AND coalesce(i.review_reason, '') = row.reason)
SET i:NeedsReview, i.review_state = 'open', i.review_reason = row.reason, i.review_gate = $gate,
    i.review_run = $run_id, i.review_since = $at, i.review_history = coalesce(i.review_history, []) + [row.flagged]

// FIELDS
RETURN i.interaction_id AS interaction_id, i.batch_id AS batch_id, i.campaign_id AS campaign_id,
       i.review_state AS state, i.review_reason AS reason, i.review_gate AS gate, i.review_run AS run_id,
       i.review_since AS since, i.review_history AS history

// LIST
MATCH (i:Interaction) WHERE i.review_state = 'open'
WITH i ORDER BY i.review_since DESC, i.interaction_id LIMIT $limit
RETURN i.interaction_id AS interaction_id, i.batch_id AS batch_id, i.campaign_id AS campaign_id,
       i.review_state AS state, i.review_reason AS reason, i.review_gate AS gate, i.review_run AS run_id,
       i.review_since AS since, i.review_history AS history ORDER BY since DESC, interaction_id

// LIST_BATCH
MATCH (i:Interaction {batch_id: $batch_id}) USING INDEX i:Interaction(batch_id) WHERE i.review_state = 'open'
WITH i ORDER BY i.review_since DESC, i.interaction_id LIMIT $limit
RETURN i.interaction_id AS interaction_id, i.batch_id AS batch_id, i.campaign_id AS campaign_id,
       i.review_state AS state, i.review_reason AS reason, i.review_gate AS gate, i.review_run AS run_id,
       i.review_since AS since, i.review_history AS history ORDER BY since DESC, interaction_id

// WAITING
MATCH (i:Interaction) WHERE i.review_state = 'open'
WITH i LIMIT $limit RETURN count(i) AS interactions

// SHOW
MATCH (i:Interaction {interaction_id: $interaction_id}) RETURN i.interaction_id AS interaction_id, i.batch_id AS batch_id, i.campaign_id AS campaign_id,
       i.review_state AS state, i.review_reason AS reason, i.review_gate AS gate, i.review_run AS run_id,
       i.review_since AS since, i.review_history AS history

// RESOLVE
MATCH (i:Interaction {interaction_id: $interaction_id}) USING INDEX i:Interaction(interaction_id) WHERE i.review_state = 'open'
SET i.review_state = 'resolved', i.review_history = coalesce(i.review_history, []) + [$entry]
REMOVE i:NeedsReview

// REOPEN
MATCH (i:Interaction {interaction_id: $interaction_id}) USING INDEX i:Interaction(interaction_id) WHERE i.review_state = 'resolved'
SET i:NeedsReview, i.review_state = 'open', i.review_history = coalesce(i.review_history, []) + [$entry]

// COUNTS
MATCH (i:Interaction) WHERE i.review_state IN ['open', 'resolved', 'lifted']
RETURN i.review_state AS state, count(i) AS interactions ORDER BY state

// COUNTS_BATCH
MATCH (i:Interaction {batch_id: $batch_id}) USING INDEX i:Interaction(batch_id) WHERE i.review_state IN ['open', 'resolved', 'lifted']
RETURN i.review_state AS state, count(i) AS interactions ORDER BY state
