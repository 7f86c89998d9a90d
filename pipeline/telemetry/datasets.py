"""What OpenLineage calls our datasets: a namespace a store, a name in it. A step's row says which it reads and writes.

BigQuery and files follow the specification's naming; it has no rule for MongoDB, Neo4j and Milvus, so these follow its
pattern for databases: `scheme://host:port`, `database.collection`. No credentials and no options are in a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.config.connections import Connections, without_credentials
from pipeline.core.fields import DEAD_LETTERS, INTERACTIONS
from pipeline.core.topology import Touched

FILE = "file"
VECTORS = "vectors"


@dataclass(frozen=True, slots=True, order=True)
class DatasetName:
    """A dataset's namespace, and its name there."""

    namespace: str
    name: str


def names(to: Connections) -> Mapping[str, DatasetName]:
    """The datasets of these stores, by our names for them; a batch's file is not among them.

    Args:
        to: Where the stores are.
    """
    mongodb, neo4j = _place("mongodb", to.mongodb_uri, 27017), _place("neo4j", to.neo4j_uri, 7687)
    milvus, milvus_database = _place("milvus", to.milvus_uri, 19530), _path(to.milvus_uri) or "default"
    bigquery = f"{to.bigquery_project}.{to.bigquery_dataset}"
    return {
        INTERACTIONS: DatasetName(mongodb, f"{to.mongodb_database}.{INTERACTIONS}"),
        DEAD_LETTERS: DatasetName(mongodb, f"{to.mongodb_database}.{DEAD_LETTERS}"),
        "metrics": DatasetName("bigquery", f"{bigquery}.metric_revisions"),
        "published": DatasetName("bigquery", f"{bigquery}.published_metrics"),
        "graph": DatasetName(neo4j, f"{to.neo4j_database or 'neo4j'}.Interaction"),
        VECTORS: DatasetName(milvus, f"{milvus_database}.{to.milvus_collection}"),
    }


def file_name(source: str) -> DatasetName:
    """The dataset that a batch's file is; an address of another file system keeps its own scheme and host.

    Args:
        source: Path or address of the file.
    """
    scheme, separator, rest = source.partition("://")
    if not separator or scheme == FILE:
        return DatasetName(FILE, str(Path(rest if separator else source).absolute()))
    place, _, name = rest.rpartition("@")[2].partition("/")
    return DatasetName(f"{scheme}://{place}", name or "/")


def rows(touched: Touched, counts: Mapping[str, Any]) -> int | None:
    """How many rows of a dataset a step touched; None when its counts do not say."""
    found = [counts.get(name) for name in touched.rows]
    numbers = [number for number in found if isinstance(number, int)]
    return sum(numbers) if numbers and len(numbers) == len(found) else None


def _place(scheme: str, uri: str, port: int) -> str:
    """`scheme://host:port` of an address; of several hosts the first."""
    host = without_credentials(uri).partition("://")[2].split(",")[0]
    bare = host.rpartition("]")[2]  # what follows an IPv6 address
    return f"{scheme}://{host if ':' in bare or not host else f'{host}:{port}'}"


def _path(uri: str) -> str:
    try:
        return urlsplit(uri).path.strip("/")
    except ValueError:
        return ""
