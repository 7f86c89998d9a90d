"""MongoDB: connection, error table, raw store and ledger. pymongo is imported here and nowhere else."""

from __future__ import annotations

from pipeline.stores.mongodb.alert_book import MongoAlertBook
from pipeline.stores.mongodb.connection import Database, connect
from pipeline.stores.mongodb.dead_queue import MongoDeadQueue
from pipeline.stores.mongodb.errors import ERRORS
from pipeline.stores.mongodb.ledger import MongoLedger
from pipeline.stores.mongodb.ledger_queries import LEDGER_VERSION
from pipeline.stores.mongodb.raw_store import MongoRawStore
from pipeline.stores.mongodb.undo_journal import MongoUndoJournal
from pipeline.stores.mongodb.upgrades import MongoOldLedger
from pipeline.stores.mongodb.values import plain
from pipeline.stores.mongodb.version_mark import MongoVersionMark

__all__ = [
    "ERRORS",
    "LEDGER_VERSION",
    "Database",
    "MongoAlertBook",
    "MongoDeadQueue",
    "MongoLedger",
    "MongoOldLedger",
    "MongoRawStore",
    "MongoUndoJournal",
    "MongoVersionMark",
    "connect",
    "plain",
]
