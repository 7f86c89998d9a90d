"""`run.py` as a process: what it is given in the environment or in `.env`, and all that it lets be seen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.local import Endpoints
from tests import commands

ROOT = Path(__file__).parents[2]
CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without any setting of Sluicegate's and without certificates, and these variables."""
    kept = {name: value for name, value in commands.environment().items() if name not in CERTIFICATES}
    return kept | variables


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `run.py` in a folder, with no settings but these."""
    return subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(**variables),
        timeout=170,
        check=False,
    )


def port_of(address: str | None) -> int:
    found = urlsplit(address or "").port
    assert found is not None
    return found


def configured(endpoints: Endpoints) -> dict[str, str]:
    """Settings under which the local servers are stores like any other."""
    given: Mapping[str, str | None] = {
        "MONGODB_URI": endpoints.mongodb_uri,
        "NEO4J_URI": endpoints.neo4j_uri,
        "NEO4J_USER": endpoints.neo4j_user,
        "NEO4J_PASSWORD": endpoints.neo4j_password,
        "NEO4J_DATABASE": endpoints.neo4j_database,
        "MILVUS_URI": endpoints.milvus_uri,
        "BIGQUERY_PROJECT": endpoints.bigquery_project,
        "BIGQUERY_API_ENDPOINT": endpoints.bigquery_endpoint,
        "GEMINI_API_KEY": endpoints.gemini_api_key,
        "GEMINI_API_ENDPOINT": endpoints.gemini_endpoint,
    }
    return {name: value for name, value in given.items() if value is not None}
