"""Asking each store for its version, to see whether it can be reached; writes nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from expectations_plugins.core.errors import TransientError
from pipeline.config.connections import Connections
from pipeline.core.embeddings import FALLBACK_SOURCE
from pipeline.ports.vectors import Embedder

Probe = Callable[[], str]


def probes(to: Connections, embedder: Callable[[], Embedder]) -> Mapping[str, Probe]:
    """By store name, a call that connects and gives the server's version ("" of a service that has none).

    A probe raises TransientError or TerminalError when its store cannot be used.

    Args:
        to: Where the stores are.
        embedder: Makes an embedder that tries once.
    """
    return {
        "mongodb": lambda: _mongodb(to),
        "neo4j": lambda: _neo4j(to),
        "milvus": lambda: _milvus(to),
        "bigquery": lambda: _bigquery(to),
        "gemini": lambda: _gemini(embedder()),
    }


def _mongodb(to: Connections) -> str:
    from expectations_plugins.mongodb.connection import connect  # one driver must do
    from expectations_plugins.mongodb.errors import ERRORS  # one driver must do

    with (
        ERRORS.guard("asking for its version"),
        contextlib.closing(connect(to.mongodb_uri, to.mongodb_database).client) as client,
    ):
        return str(client.server_info()["version"])


def _neo4j(to: Connections) -> str:
    from expectations_plugins.neo4j.connection import connect
    from expectations_plugins.neo4j.errors import ERRORS

    with ERRORS.guard("asking for its version"):
        graph = connect(to.neo4j_uri, to.neo4j_user, to.neo4j_password, database=to.neo4j_database)
        with contextlib.closing(graph):
            return str(graph.driver.get_server_info().agent)


def _milvus(to: Connections) -> str:
    from expectations_plugins.milvus.connection import connect
    from expectations_plugins.milvus.errors import ERRORS

    with (
        ERRORS.guard("asking for its version"),
        contextlib.closing(connect(to.milvus_uri, to.milvus_token)) as client,
    ):
        return str(client.get_server_version())


def _bigquery(to: Connections) -> str:
    from pipeline.stores.bigquery.connection import connect
    from pipeline.stores.bigquery.errors import ERRORS

    with ERRORS.guard("listing datasets"):
        client = connect(to.bigquery_project, endpoint=to.bigquery_endpoint, location=to.bigquery_location)
        with contextlib.closing(client):
            # without retry=None it would go on asking for ten minutes
            next(iter(client.list_datasets(max_results=1, retry=None, timeout=10)), None)  # type: ignore[arg-type]
    return ""


def _gemini(embedder: Embedder) -> str:
    (answer,) = embedder.embed(["doctor"])
    if answer.source == FALLBACK_SOURCE:
        raise TransientError(
            "Gemini: the API gave no embedding of one word.", next_step="Check GEMINI_API_ENDPOINT and the quota."
        )
    return answer.source
