"""Backfill: which batches of some days are missing or were done by older code, and the processes that do them."""

from __future__ import annotations

from pipeline.backfill.items import Days, Item, Kind, missing, outdated, redone
from pipeline.backfill.worker_pool import Crew, serve

__all__ = ["Crew", "Days", "Item", "Kind", "missing", "outdated", "redone", "serve"]
