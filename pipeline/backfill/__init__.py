"""Backfill: which batches of some days are missing or were done by older code, and the processes that do them."""

from __future__ import annotations

from pipeline.backfill.crew import Crew, serve
from pipeline.backfill.items import Days, Item, Kind, missing, outdated, redone

__all__ = ["Crew", "Days", "Item", "Kind", "missing", "outdated", "redone", "serve"]
