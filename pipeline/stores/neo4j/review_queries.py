"""The Cypher of the review queue and the rows it is sent; every value is a parameter.

A flagged interaction has the label NeedsReview and says why in its properties. Its history is a list of JSON texts that
is only ever added to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.core.fields import CAMPAIGN_ID, INTERACTION_ID

SCHEMA = ("CREATE INDEX review_state IF NOT EXISTS FOR (n:Interaction) ON (n.review_state)",)

BY_ID = "USING INDEX i:Interaction(interaction_id)"
BY_BATCH = "USING INDEX i:Interaction(batch_id)"
"""Neo4j's planner goes by statistics that may be old: of 1,000 rows it read every open interaction 1,000 times."""

LINKED = "EXISTS { MATCH (i)-[:REFERS_TO]->(c:Campaign) WHERE c.in_catalogue = true }"
"""What the graph gate asks; the rest are orphans."""

UNSETTLED = f"(NOT {LINKED} OR i.review_state IN ['open', 'resolved'])"
"""Orphans, and what was flagged as one: a flag may have to be set or lifted."""

_CANDIDATE = """
RETURN i.interaction_id AS interaction_id, i.campaign_id AS campaign_id,
       EXISTS { MATCH (i)-[:REFERS_TO]->() } AS has_target
""".strip()

OF_BATCH = f"MATCH (i:Interaction {{batch_id: $batch_id}}) {BY_BATCH} WHERE {UNSETTLED} {_CANDIDATE}"

OF_CAMPAIGNS = f"""
UNWIND $rows AS row
MATCH (i:Interaction {{campaign_id: row.campaign_id}})
WHERE {UNSETTLED}
{_CANDIDATE}
""".strip()

LINK = f"""
UNWIND $rows AS row
MATCH (i:Interaction {{interaction_id: row.interaction_id}}) {BY_ID}
MATCH (c:Campaign {{campaign_id: row.campaign_id}})
WHERE c.in_catalogue = true
MERGE (i)-[:REFERS_TO]->(c)
""".strip()

LIFT = f"""
UNWIND $rows AS row
MATCH (i:Interaction {{interaction_id: row.interaction_id}}) {BY_ID}
WHERE i.review_state IN ['open', 'resolved'] AND {LINKED}
SET i.review_state = 'lifted', i.review_history = coalesce(i.review_history, []) + [row.lifted]
REMOVE i:NeedsReview
""".strip()

FLAG = f"""
UNWIND $rows AS row
MATCH (i:Interaction {{interaction_id: row.interaction_id}}) {BY_ID}
WHERE NOT {LINKED}
  AND NOT (coalesce(i.review_state, '') IN ['open', 'resolved'] AND coalesce(i.review_reason, '') = row.reason)
SET i:NeedsReview, i.review_state = 'open', i.review_reason = row.reason, i.review_gate = $gate,
    i.review_run = $run_id, i.review_since = $at, i.review_history = coalesce(i.review_history, []) + [row.flagged]
""".strip()

FIELDS = """
RETURN i.interaction_id AS interaction_id, i.batch_id AS batch_id, i.campaign_id AS campaign_id,
       i.review_state AS state, i.review_reason AS reason, i.review_gate AS gate, i.review_run AS run_id,
       i.review_since AS since, i.review_history AS history
""".strip()

LIST = f"""
MATCH (i:Interaction) WHERE i.review_state = 'open'
WITH i ORDER BY i.review_since DESC, i.interaction_id LIMIT $limit
{FIELDS} ORDER BY since DESC, interaction_id
""".strip()

LIST_BATCH = f"""
MATCH (i:Interaction {{batch_id: $batch_id}}) {BY_BATCH} WHERE i.review_state = 'open'
WITH i ORDER BY i.review_since DESC, i.interaction_id LIMIT $limit
{FIELDS} ORDER BY since DESC, interaction_id
""".strip()

WAITING = """
MATCH (i:Interaction) WHERE i.review_state = 'open'
WITH i LIMIT $limit RETURN count(i) AS interactions
""".strip()

SHOW = f"MATCH (i:Interaction {{interaction_id: $interaction_id}}) {FIELDS}"

RESOLVE = f"""
MATCH (i:Interaction {{interaction_id: $interaction_id}}) {BY_ID} WHERE i.review_state = 'open'
SET i.review_state = 'resolved', i.review_history = coalesce(i.review_history, []) + [$entry]
REMOVE i:NeedsReview
""".strip()

REOPEN = f"""
MATCH (i:Interaction {{interaction_id: $interaction_id}}) {BY_ID} WHERE i.review_state = 'resolved'
SET i:NeedsReview, i.review_state = 'open', i.review_history = coalesce(i.review_history, []) + [$entry]
""".strip()

COUNTS = """
MATCH (i:Interaction) WHERE i.review_state IN ['open', 'resolved', 'lifted']
RETURN i.review_state AS state, count(i) AS interactions ORDER BY state
""".strip()

COUNTS_BATCH = f"""
MATCH (i:Interaction {{batch_id: $batch_id}}) {BY_BATCH} WHERE i.review_state IN ['open', 'resolved', 'lifted']
RETURN i.review_state AS state, count(i) AS interactions ORDER BY state
""".strip()


def entry(what: str, at: datetime, **more: str) -> str:
    """A line of history, as JSON text: a property holds lists of texts only."""
    return json.dumps({"at": at.isoformat(timespec="seconds"), "what": what, **more}, ensure_ascii=False)


def reason(campaign_id: str | None, has_target: bool) -> str:
    """Why an interaction without a campaign of the catalogue is an orphan."""
    if campaign_id is None:
        return "no campaign_id"
    if has_target:
        return f"linked to a stub: campaign {campaign_id} is not in the catalogue"
    return f"campaign {campaign_id} is not in the catalogue"


def lift_rows(found: Sequence[Mapping[str, Any]], at: datetime, why: str) -> list[dict[str, Any]]:
    """Candidates as parameters of LINK and LIFT, in the order of their campaigns, which all writers share.

    Args:
        found: Rows of OF_BATCH or OF_CAMPAIGNS.
        at: The time, UTC.
        why: What the history says of the campaign when a flag lifts.
    """
    return [
        {
            INTERACTION_ID: row[INTERACTION_ID],
            CAMPAIGN_ID: row[CAMPAIGN_ID],
            "lifted": entry("lifted", at, note=f"campaign {row[CAMPAIGN_ID]} {why}"),
        }
        for row in sorted(found, key=lambda row: (row[CAMPAIGN_ID] or "", row[INTERACTION_ID]))
    ]


def flag_rows(found: Sequence[Mapping[str, Any]], at: datetime, *, gate: str, run_id: str) -> list[dict[str, Any]]:
    """Candidates as parameters of LINK, LIFT and FLAG, in the same order."""
    reasons = {row[INTERACTION_ID]: reason(row[CAMPAIGN_ID], row["has_target"]) for row in found}
    rows = lift_rows(found, at, "is in the catalogue")
    for row in rows:
        row["reason"] = reasons[row[INTERACTION_ID]]
        row["flagged"] = entry("flagged", at, gate=gate, by=run_id, note=row["reason"])
    return rows
