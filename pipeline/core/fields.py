"""The fields of a raw record, the collections it is found in, and the window it is counted in: each is spelled here."""

from __future__ import annotations

INTERACTION_ID = "interaction_id"
USER_ID = "user_id"
CAMPAIGN_ID = "campaign_id"

WINDOW_MINUTES = 10
"""Metrics are counted by windows of so many minutes, UTC."""

INTERACTIONS = "interactions"
"""MongoDB's collection of raw records, and the assets of the GX project that look at them."""

DEAD_LETTERS = "dead_letters"
"""MongoDB's collection of records that could not be loaded."""
