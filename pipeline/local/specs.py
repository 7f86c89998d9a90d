"""The table of local servers, as plain data.

Adding one is a line here, a ping in `pings`, its fields in `endpoints`, and its module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from types import MappingProxyType

from expectations_plugins.core.errors import ConfigurationError
from pipeline.local.errors import MissingPackageError


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """One local server.

    Attributes:
        name: Its key, and the name of its data folder and log file.
        title: What a person calls it.
        packages: The import names that must be there, none for a server of our own.
        module: The module whose `open_server(context)` starts it inside the server's process.
        environment: Variables its packages read when they are imported.
    """

    name: str
    title: str
    packages: tuple[str, ...]
    module: str
    environment: Mapping[str, str] = field(default_factory=dict)


MILVUS_MEMTABLE = {"MILVUS_LITE_MEMTABLE_MEMORY_LIMIT_BYTES": str(512 * 1024)}
"""How many bytes of rows milvus-lite keeps unsorted before it writes and indexes them, some 150 rows. Each query goes
through all of the unsorted ones; with its own limit, 128 MB, that is every row the local stack ever sees."""

SERVERS: Mapping[str, ServerSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            ServerSpec("mongodb", "MongoDB (secantusdb)", ("secantus",), "pipeline.local.mongodb_server"),
            ServerSpec(
                "neo4j", "Neo4j Bolt (arcadedb-embedded)", ("arcadedb_embedded",), "pipeline.local.neo4j_server"
            ),
            ServerSpec(
                "milvus", "Milvus (milvus-lite)", ("milvus_lite",), "pipeline.local.milvus_server", MILVUS_MEMTABLE
            ),
            ServerSpec(
                "bigquery",
                "BigQuery REST (bqemulator)",
                ("bqemulator", "duckdb_extension_spatial"),
                "pipeline.local.bigquery_server",
            ),
            ServerSpec("gemini", "Gemini embeddings", (), "pipeline.local.gemini_server"),
        )
    }
)

ALL: tuple[str, ...] = tuple(SERVERS)


def checked_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of servers that can be started, in the table's order, each once.

    Raises:
        ConfigurationError: A name is not in the table, or there is none.
        MissingPackageError: A server's package is not installed.
    """
    chosen = known_names(names)
    for name in chosen:
        require_packages(SERVERS[name])
    return chosen


def known_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names in the table's order, each once.

    Raises:
        ConfigurationError: A name is not in the table, or there is none.
    """
    asked = set(names)
    if unknown := sorted(asked - set(SERVERS)):
        raise ConfigurationError(
            f"There is no local server called {', '.join(unknown)}.", next_step=f"Choose from: {', '.join(ALL)}."
        )
    if not asked:
        raise ConfigurationError("No local server was asked for.", next_step=f"Choose from: {', '.join(ALL)}.")
    return tuple(name for name in ALL if name in asked)


def require_packages(spec: ServerSpec) -> None:
    """Do nothing when the server's packages are installed; none is imported for it.

    Raises:
        MissingPackageError: One is not; the message says how to install it.
    """
    missing = [package for package in spec.packages if find_spec(package) is None]
    if missing:
        raise MissingPackageError(
            f"The local server {spec.name}, {spec.title}, needs {' and '.join(missing)}, which is not installed.",
            next_step='Run: pip install "sluicegate[local]" (or set the URI of a server you have).',
        )
