"""The generated passwords of the local servers: made once, kept with the data they open, never logged."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, fields

from pipeline.local.layout import Layout, write_private

MONGODB_USER = "sluicegate"
NEO4J_USER = "root"  # the one user ArcadeDB creates by itself
NEO4J_DATABASE = "graph"
BIGQUERY_PROJECT = "sluicegate-local"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens each server that has a lock. Milvus Lite and bqemulator have none."""

    mongodb_password: str
    neo4j_password: str
    gemini_api_key: str

    def __repr__(self) -> str:
        return "Credentials(***)"


def load_or_create(layout: Layout) -> Credentials:
    """Read the credentials of this home, or make them; a file that cannot be read is replaced."""
    known = _read(layout)
    if known is not None:
        return known
    made = Credentials(*(secrets.token_urlsafe(24) for _ in fields(Credentials)))
    write_private(layout.secrets, json.dumps(asdict(made)))
    return made


def _read(layout: Layout) -> Credentials | None:
    try:
        return Credentials(**json.loads(layout.secrets.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
