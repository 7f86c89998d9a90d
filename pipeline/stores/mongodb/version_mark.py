"""`MongoVersionMark`: the ledger's schema version, a document of the collection `ledger_meta`.

Programs since before there were other versions read the same document, and refuse every version but 1: that is what
keeps them away from a ledger that was migrated.
"""

from __future__ import annotations

from expectations_plugins.mongodb.connection import Database
from expectations_plugins.mongodb.errors import ERRORS
from pipeline.core.schema_versions import check, version_in
from pipeline.stores.mongodb.ledger_queries import LEDGER_VERSION, META
from pipeline.stores.mongodb.upgrade_queries import MARK, marked, marked_if_new


class MongoVersionMark:
    """Implements `pipeline.ports.upgrades.VersionMark`.

    Args:
        database: A handle from `connect`; the caller closes its client.
    """

    store = "mongodb"

    def __init__(self, database: Database) -> None:
        self._meta = database.get_collection(META)
        self.where = f"database {database.name}"

    def found(self) -> int | None:
        """The ledger's version; None when there is no ledger yet."""
        with ERRORS.guard("reading the ledger's schema version"):
            document = self._meta.find_one(MARK)
        if document is None:
            return None
        return version_in(document.get("version"), self.store, self.where)

    def set(self, version: int) -> None:
        """Write the version down."""
        with ERRORS.guard("writing the ledger's schema version"):
            self._meta.update_one(MARK, marked(version), upsert=True)

    def begin(self) -> int:
        """The ledger's version; a new ledger gets this program's.

        Raises:
            SchemaVersionError: It must not be touched.
        """
        found = self.found()
        if found is None:
            with ERRORS.guard("writing the ledger's schema version"):
                self._meta.update_one(MARK, marked_if_new(LEDGER_VERSION), upsert=True)
            found = self.found()  # another program may have been quicker
        check(self.store, found, self.where)
        return found or LEDGER_VERSION
