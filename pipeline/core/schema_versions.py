"""The schema versions of every store, a line each, and what a program does with data of another version than its own.

Who changes what a store holds adds a version here, and to `pipeline.upgrades.migration` what has to be done about older
data. Data without a mark is version 1: it was written by a program that knew of no versions.
"""

from __future__ import annotations

from dataclasses import dataclass

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.program import program

UNMARKED = 1
"""The version of data that carries no mark."""


class SchemaVersionError(ConfigurationError):
    """A store's data is of a schema version that this program must not touch."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema versions of one store.

    Args:
        title: The store's name, for people.
        versions: What each version changed, the first is version 1; the last is this program's.
        usable: The oldest version whose data the program reads and writes correctly without a migration.
    """

    title: str
    versions: tuple[str, ...]
    usable: int = UNMARKED

    @property
    def current(self) -> int:
        """This program's version."""
        return len(self.versions)


SCHEMAS = {
    "mongodb": Schema(
        "MongoDB",
        (
            "Batches, leases, records, quarantine, dead letters, alerts, undo journal.",
            "An embedding batch's manifest names its collection and its model.",
            "Decisions, the status inconsistent, incidents; dead letters may be incomplete or superseded.",
        ),
    ),
    "bigquery": Schema(
        "BigQuery",
        (
            "Tables interaction_metrics, batches and fences, view published_metrics.",
            "The version is a label of the table interaction_metrics; nothing else changed.",
            "Tables metric_revisions and publications: rows are only appended, sums are decimals, partitions months.",
        ),
    ),
    "neo4j": Schema(
        "Neo4j",
        (
            "Nodes Interaction, User, Campaign and SluicegateBatch.",
            "The version is a node SluicegateSchema; nothing else changed.",
        ),
    ),
    "milvus": Schema(
        "Milvus",
        (
            "A collection per model: four text fields, the fence, the vector.",
            "The version is a property of the collection; nothing else changed.",
        ),
    ),
}
"""By store."""


def check(store: str, found: int | None, where: str, schema: Schema | None = None) -> None:
    """Refuse data that this program must not touch.

    Args:
        store: Whose.
        found: The version of the data; None when there is none yet.
        where: Which database, dataset or collection, for people.
        schema: The versions to go by; this program's when none are given.

    Raises:
        SchemaVersionError: It is newer than the program knows, or too old to be used as it is.
    """
    known = schema or SCHEMAS[store]
    if found is None or known.usable <= found <= known.current:
        return
    said = (
        f"{known.title}: {where} has schema version {found}; this program reads versions {known.usable} to"
        f" {known.current}. Nothing was changed."
    )
    if found > known.current:
        raise SchemaVersionError(said, next_step="A newer program wrote it: upgrade this one to the same version.")
    raise SchemaVersionError(said, next_step=f"Migrate it first: {program()} migrate")


def version_in(mark: object, store: str, where: str) -> int:
    """The version that a store's mark says; data without one is version 1.

    Args:
        mark: As the store gives it: a number, or text that is one; None or "" for no mark.
        store: Whose.
        where: Which database, dataset or collection, for people.

    Raises:
        SchemaVersionError: It is no number: somebody else wrote it.
    """
    if mark is None or mark == "":
        return UNMARKED
    try:
        return int(str(mark))
    except ValueError:
        raise SchemaVersionError(
            f"{SCHEMAS[store].title}: {where} has the schema version {mark!r}, which is no number.",
            next_step="Restore its mark (docs/operations.md, Upgrade), or point the settings at another place.",
        ) from None
