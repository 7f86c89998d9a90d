"""The dead-letter queue: whole batches in the spool, single records in the ledger, and the way back for both."""

from __future__ import annotations

from pipeline.dlq.durable import SpoolError
from pipeline.dlq.entry import Death, Entry
from pipeline.dlq.folders import DeadFolders
from pipeline.dlq.outages import Outages
from pipeline.dlq.taking_in import take_in

__all__ = ["DeadFolders", "Death", "Entry", "Outages", "SpoolError", "take_in"]
