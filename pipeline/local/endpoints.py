"""What a client needs to reach the local servers; built from the supervisor's answer and the credentials."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace

from pipeline.local.credentials import BIGQUERY_PROJECT, MONGODB_USER, NEO4J_DATABASE, NEO4J_USER, Credentials

LOOPBACK = "127.0.0.1"
_SECRET_FIELDS = frozenset({"mongodb_uri", "neo4j_password", "milvus_token", "gemini_api_key"})


@dataclass(frozen=True, slots=True, repr=False)
class Endpoints:
    """Addresses and credentials, each None when its server was not asked for. The repr shows no secret."""

    mongodb_uri: str | None = None
    neo4j_uri: str | None = None
    neo4j_user: str | None = None
    neo4j_password: str | None = None
    neo4j_database: str | None = None
    milvus_uri: str | None = None
    milvus_token: str | None = None
    bigquery_endpoint: str | None = None
    bigquery_project: str | None = None
    gemini_endpoint: str | None = None
    gemini_api_key: str | None = None

    def __repr__(self) -> str:
        shown = (f"{f.name}={self._shown(f.name)}" for f in fields(self) if getattr(self, f.name) is not None)
        return f"Endpoints({', '.join(shown)})"

    def _shown(self, name: str) -> str:
        return "'***'" if name in _SECRET_FIELDS else repr(getattr(self, name))


def endpoints_for(names: Collection[str], ports: Mapping[str, int], credentials: Credentials) -> Endpoints:
    """Return the endpoints of these servers.

    Args:
        names: Keys of `SERVERS`; the fields of the others stay None.
        ports: The client port of each name.
        credentials: The credentials of the same home.
    """
    endpoints = Endpoints()
    for name in names:
        endpoints = _BUILDERS[name](endpoints, ports[name], credentials)
    return endpoints


def _mongodb(endpoints: Endpoints, port: int, credentials: Credentials) -> Endpoints:
    user = f"{MONGODB_USER}:{credentials.mongodb_password}"
    return replace(endpoints, mongodb_uri=f"mongodb://{user}@{LOOPBACK}:{port}/?authSource=admin")


def _neo4j(endpoints: Endpoints, port: int, credentials: Credentials) -> Endpoints:
    return replace(
        endpoints,
        neo4j_uri=f"bolt://{LOOPBACK}:{port}",
        neo4j_user=NEO4J_USER,
        neo4j_password=credentials.neo4j_password,
        neo4j_database=NEO4J_DATABASE,
    )


def _milvus(endpoints: Endpoints, port: int, credentials: Credentials) -> Endpoints:
    del credentials  # Milvus Lite checks no token
    return replace(endpoints, milvus_uri=f"http://{LOOPBACK}:{port}")


def _bigquery(endpoints: Endpoints, port: int, credentials: Credentials) -> Endpoints:
    del credentials  # bqemulator checks none
    return replace(endpoints, bigquery_endpoint=f"http://{LOOPBACK}:{port}", bigquery_project=BIGQUERY_PROJECT)


def _gemini(endpoints: Endpoints, port: int, credentials: Credentials) -> Endpoints:
    return replace(endpoints, gemini_endpoint=f"http://{LOOPBACK}:{port}", gemini_api_key=credentials.gemini_api_key)


_BUILDERS: Mapping[str, Callable[[Endpoints, int, Credentials], Endpoints]] = {
    "mongodb": _mongodb,
    "neo4j": _neo4j,
    "milvus": _milvus,
    "bigquery": _bigquery,
    "gemini": _gemini,
}
