"""Where the crash matrix runs: real local servers, one set of databases, a folder and unique ids for each run."""

from __future__ import annotations

import json
import shutil
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.local import Endpoints

ROOT = Path(__file__).parent.parent.parent.parent
NAME = "crashes"

NO_RETRIES = "retryWrites=false"
"""No network fails here, and the local server looks through all it may have to repeat, at each write."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The servers, and a folder for the runs.

    Args:
        endpoints: The servers.
        folder: Has the GX project, and a folder for each run.
    """

    endpoints: Endpoints
    folder: Path

    @classmethod
    def prepared(cls, endpoints: Endpoints, folder: Path) -> Ground:
        """With a copy of the GX project."""
        shutil.copytree(ROOT / "gx", folder / "gx", ignore=shutil.ignore_patterns("uncommitted"))
        return cls(endpoints, folder)

    def plot(self) -> Plot:
        """A new place for one run."""
        prefix = uuid.uuid4().hex[:8]
        folder = self.folder / prefix
        folder.mkdir()
        return Plot(self, prefix, folder)

    def variables(self) -> dict[str, str]:
        """The settings of every run."""
        at = self.endpoints
        found = {
            "MONGODB_URI": f"{at.mongodb_uri}{'&' if '?' in str(at.mongodb_uri) else '?'}{NO_RETRIES}",
            "MONGODB_DATABASE": NAME,
            "NEO4J_URI": at.neo4j_uri,
            "NEO4J_USER": at.neo4j_user,
            "NEO4J_PASSWORD": at.neo4j_password,
            "NEO4J_DATABASE": at.neo4j_database,
            "MILVUS_URI": at.milvus_uri,
            "MILVUS_COLLECTION": NAME,
            "BIGQUERY_PROJECT": at.bigquery_project,
            "BIGQUERY_API_ENDPOINT": at.bigquery_endpoint,
            "BIGQUERY_DATASET": NAME,
            "GEMINI_API_KEY": at.gemini_api_key,
            "GEMINI_API_ENDPOINT": at.gemini_endpoint,
            "SLUICEGATE_GX": str(self.folder / "gx"),
            "SLUICEGATE_RETRY_WAIT": "0.01",
            "SLUICEGATE_RETRY_WAIT_MAX": "0.05",
            "SLUICEGATE_MIN_FILE_AGE": "0",
            "SLUICEGATE_DEAD_TOLERANCE": "0.5",
        }
        return {name: str(value) for name, value in found.items() if value is not None}

    def gemini(self, *faults: Mapping[str, object]) -> None:
        """Order faults of the model, in place of those before; none heals it."""
        self._faults("DELETE", None)
        for fault in faults:
            self._faults("POST", json.dumps(fault).encode())

    def _faults(self, method: str, body: bytes | None) -> None:
        headers = {"x-goog-api-key": self.endpoints.gemini_api_key or "", "content-type": "application/json"}
        request = urllib.request.Request(
            f"{self.endpoints.gemini_endpoint}/faults", method=method, data=body, headers=headers
        )
        with urllib.request.urlopen(request, timeout=10):
            pass


@dataclass(frozen=True, slots=True)
class Plot:
    """One run's folder and the prefix of its ids."""

    ground: Ground
    prefix: str
    folder: Path

    def variables(self, **others: str) -> dict[str, str]:
        """The settings of this run; dead letters and the landing folder are its own."""
        own = {"SLUICEGATE_HOME": str(self.folder / "home"), "SLUICEGATE_LANDING": str(self.folder / "landing")}
        return self.ground.variables() | own | others
