"""Indexes are made once a database: a document of the ledger says which ones were made, so that a run reads that in
place of asking for each. `migrate` compares it with what is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import IndexModel
from pymongo.errors import OperationFailure

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import DUPLICATE_KEY, ERRORS
from pipeline.stores.mongodb.ledger_queries import META

MARK = {"_id": "indexes"}
NO_COLLECTION = 26

Index = Mapping[str, Any]


def ensure(database: Database, collection: str, indexes: Sequence[Index]) -> None:
    """Make indexes that this program has not made in this database; idempotent.

    Args:
        database: A handle from `connect`, which keeps what was read.
        collection: Whose.
        indexes: `name`, `keys` and options.

    Raises:
        ConfigurationError: A unique index cannot be made: a key is there more than once.
        SluicegateError: The driver's error, mapped.
    """
    wanted = {_mark(collection, index): index for index in indexes}
    with ERRORS.guard(f"making the indexes of {collection}"):
        if not wanted.keys() <= database.indexes_made:
            database.indexes_made |= _marked(database)
        if missing := wanted.keys() - database.indexes_made:
            _make(database, collection, [wanted[mark] for mark in wanted if mark in missing])
            database[META].update_one(MARK, {"$addToSet": {"made": {"$each": sorted(missing)}}}, upsert=True)
            database.indexes_made |= missing


def vanished(database: Database) -> Sequence[str]:
    """Indexes that were made and are not there any more, as collection.name."""
    with ERRORS.guard("looking for indexes"):
        made = {mark.rpartition(" ")[0] for mark in _marked(database)}
        there = {
            f"{collection}.{name}"
            for collection in {one.partition(".")[0] for one in made}
            for name in _names(database, collection)
        }
    return sorted(made - there)


def forget(database: Database) -> None:
    """Have every index made again when its store is next prepared."""
    with ERRORS.guard("forgetting which indexes were made"):
        database[META].delete_one(MARK)
        database.indexes_made = frozenset()


def _marked(database: Database) -> frozenset[str]:
    return frozenset((database[META].find_one(MARK) or {}).get("made") or ())


def _mark(collection: str, index: Index) -> str:
    """Which index; another one when anything of it changes."""
    whole = json.dumps(index, sort_keys=True, default=str)
    return f"{collection}.{index['name']} {hashlib.sha256(whole.encode()).hexdigest()[:12]}"


def _names(database: Database, collection: str) -> Sequence[str]:
    try:
        return [str(index["name"]) for index in database[collection].list_indexes()]
    except OperationFailure as error:
        if error.code != NO_COLLECTION:
            raise
        return []


def _make(database: Database, collection: str, indexes: Sequence[Index]) -> None:
    models = [IndexModel(**index) for index in indexes]
    try:
        database[collection].create_indexes(models)
    except OperationFailure as error:
        if error.code != DUPLICATE_KEY:
            raise
        keys = ", ".join(name for index in indexes if index.get("unique") for name, _ in index["keys"])
        value = (error.details or {}).get("keyValue")
        raise ConfigurationError(
            f"MongoDB: {collection} of {database.name} holds several documents with the same {keys}"
            f"{f' ({value})' if value else ''}, and each must be there once: another program wrote them.",
            next_step=f"Find them: db.{collection}.aggregate([{{$group: {{_id: {_group(keys)}, n: {{$sum: 1}}}}}}, "
            "{$match: {n: {$gt: 1}}}]). Delete all but one of each, or name another database: MONGODB_DATABASE.",
        ) from error


def _group(keys: str) -> str:
    return "{" + ", ".join(f"{name}: '${name}'" for name in keys.split(", ")) + "}"
