"""The fields of a raw record, the collections it is found in, and the window it is counted in: each is spelled here."""

from __future__ import annotations

INTERACTION_ID = "interaction_id"
USER_ID = "user_id"
CAMPAIGN_ID = "campaign_id"

READ_FIELDS = (CAMPAIGN_ID, "type", "timestamp", "value", "message")
"""Fields that metrics, graph and vectors are made of: what they are given in is counted when it cannot be read."""

CONVERTED, UNREADABLE = "converted", "unreadable"
"""Where a raw record in MongoDB says, by field, what it was read from, and the type of what could not be read."""

IMPLAUSIBLE = "implausible"
"""Where it says, by field, why a value cannot be right that was read: of `timestamp`, `early` or `ahead`."""

MAX_NUMBER = 2**53
"""The largest number that may reach a sum. Beyond it a 64-bit float leaves whole numbers out, so a sum is wrong."""

MAX_DECIMALS = 9
"""Decimals that a sum has, as BigQuery's NUMERIC; a number with more of them is rounded when it is read."""

WINDOW_MINUTES = 10
"""Metrics are counted by windows of so many minutes, UTC."""

INTERACTIONS = "interactions"
"""MongoDB's collection of raw records, and the assets of the GX project that look at them."""

DEAD_LETTERS = "dead_letters"
"""MongoDB's collection of records that could not be loaded."""
