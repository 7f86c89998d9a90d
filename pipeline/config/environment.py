"""The process's environment: what drivers must and must not find in it, and who may read `.env`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from expectations_plugins.core.tls import combined
from pipeline.config.stores import StoreSettings

ENV_FILE = Path(".env")
OTHERS = stat.S_IRWXG | stat.S_IRWXO


CA_VARIABLES = ("SSL_CERT_FILE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "REQUESTS_CA_BUNDLE")
"""Where OpenSSL (pymongo, neo4j), gRPC (Milvus) and requests (BigQuery, Gemini) look for what to trust."""


def exposed_env_file() -> Path | None:
    """The `.env` that is read, absolute, when others than its owner can read or change it; None when all is well."""
    try:
        mode = ENV_FILE.stat().st_mode
    except OSError:
        return None
    return ENV_FILE.resolve() if os.name == "posix" and mode & OTHERS else None


def shield_drivers(settings: StoreSettings, home: Path) -> None:
    """Keep drivers, in this process, from what the environment means for us or for the world outside.

    pymilvus reads MILVUS_URI when it is imported and refuses what is no address; several clients would ask a proxy for loopback.
    What certificates they trust, and which Google credentials they use, they take from the environment only. Child processes
    are given the environment as it was before (`pipeline.core.program.child_environment`).

    Args:
        settings: The stores.
        home: Folder of what Sluicegate keeps on this machine; the certificates to trust are put together there.

    Raises:
        ConfigurationError: SLUICEGATE_CA_FILE holds no certificates.
    """
    os.environ["MILVUS_URI"] = ""  # and not without it: pymilvus would take it from the .env above its own folder
    if settings.google_application_credentials is not None:
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(settings.google_application_credentials)
    if settings.ca_file is not None:
        bundle = str(combined(settings.ca_file, home))
        os.environ.update(dict.fromkeys(CA_VARIABLES, bundle))
    if settings.local_stores():
        for name in ("NO_PROXY", "no_proxy"):
            hosts = [host for host in os.environ.get(name, "").split(",") if host]
            os.environ[name] = ",".join(dict.fromkeys([*hosts, "127.0.0.1", "localhost"]))
