"""Which stores are spoken to unencrypted, over a network."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import SecretStr

from pipeline.config.stores import LOCAL, StoreSettings, mongodb_options

MEND = {
    "mongodb": "add tls=true to MONGODB_URI",
    "neo4j": "let NEO4J_URI begin with neo4j+s:// or bolt+s://",
    "milvus": "let MILVUS_URI begin with https://",
    "bigquery": "let BIGQUERY_API_ENDPOINT begin with https://",
    "gemini": "let GEMINI_API_ENDPOINT begin with https://",
}
"""What encrypts the connection, a store."""

PLAIN = {"neo4j": {"bolt", "neo4j"}, "milvus": {"http"}, "bigquery": {"http"}, "gemini": {"http"}}


def unencrypted(settings: StoreSettings) -> Iterator[str]:
    """Names of the stores on other machines whose connection is not encrypted.

    A network may well be trusted, or a proxy beside us may encrypt: that is the operator's to know.

    Args:
        settings: The stores.
    """
    uri = _text(settings.mongodb_uri)
    if uri != LOCAL and not _encrypts_mongodb(uri):
        yield "mongodb"
    addresses = {
        "neo4j": settings.neo4j_uri,
        "milvus": settings.milvus_uri,
        "bigquery": settings.bigquery_api_endpoint,
        "gemini": settings.gemini_api_endpoint,
    }
    for store, address in addresses.items():
        parts = urlsplit(address or "")
        if parts.scheme in PLAIN[store] and not _is_here(parts.hostname or ""):
            yield store


def _encrypts_mongodb(uri: str) -> bool:
    """Whether a connection string asks for TLS, or leads to this machine only."""
    scheme, _, rest = uri.partition("://")
    options = mongodb_options(uri)
    by_default = "true" if scheme == "mongodb+srv" else "false"
    hosts = rest.partition("?")[0].rpartition("@")[2].partition("/")[0]
    asked = options.get("tls", options.get("ssl", by_default))
    return asked == "true" or all(map(_is_here, map(_without_port, hosts.split(","))))


def _without_port(host: str) -> str:
    return host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in ("localhost", "") or host.endswith((".localhost", ".sock"))


def _text(secret: SecretStr | None) -> str:
    return LOCAL if secret is None else secret.get_secret_value()
