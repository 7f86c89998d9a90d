"""The dead-letter queue: whole batches in the spool, single records in the ledger, and the way back for both."""

from __future__ import annotations

from pipeline.dead_letters.entry import Death, Entry
from pipeline.dead_letters.folders import DeadFolders
from pipeline.dead_letters.outages import Outages
from pipeline.dead_letters.spool_import import take_in
from pipeline.storage.atomic_files import SpoolError

__all__ = ["DeadFolders", "Death", "Entry", "Outages", "SpoolError", "take_in"]
