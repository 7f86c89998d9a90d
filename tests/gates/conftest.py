"""One stack and one GX project for the folder; a fresh set of databases for each test."""

from __future__ import annotations

import json
import shutil
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.core.batch import GateState
from pipeline.core.batches import short
from pipeline.core.outcome import BatchOutcome
from pipeline.local import Endpoints, LocalStack
from pipeline.ports.vectors import VectorStore
from pipeline.runner.lease import LeaseKeeper
from pipeline.sources.discovery import discover
from sluicegate.app import App, Through

ROOT = Path(__file__).parent.parent.parent
FIXTURES = ROOT / "tests" / "fixtures"


@dataclass(frozen=True, slots=True)
class Site:
    """Sluicegate over the real stores, with databases of its own."""

    app: App
    endpoints: Endpoints

    def process(self, name: str | Path) -> BatchOutcome:
        """Take a fixture, or another file, through all stages and gates."""
        [source] = discover([FIXTURES / name], max_records=1_000, min_age=0)
        return self.app.runner().process(source)

    def leased(self, batch_id: str) -> LeaseKeeper:
        """A batch's lease, kept while the block runs."""
        return LeaseKeeper(self.app.ledger, self.app.ledger.acquire(batch_id, "a test", 60), 60)

    def report(self, outcome: BatchOutcome, gate: str) -> GateState:
        """What the ledger holds of a gate."""
        return self.app.ledger.find(short(outcome.batch_id)).gates[gate]

    def order(self, fault: str | None, **more: object) -> None:
        """Order a fault of the Gemini server, e.g. of texts that match only; None clears all."""
        method, body = ("DELETE", None) if fault is None else ("POST", json.dumps({"fault": fault, **more}).encode())
        headers = {"x-goog-api-key": self.endpoints.gemini_api_key or "", "content-type": "application/json"}
        request = urllib.request.Request(
            f"{self.endpoints.gemini_endpoint}/faults", method=method, data=body, headers=headers
        )
        with urllib.request.urlopen(request, timeout=10):
            pass

    def asked_of_gemini(self) -> int:
        """Embedding requests the Gemini server got so far."""
        headers = {"x-goog-api-key": self.endpoints.gemini_api_key or ""}
        request = urllib.request.Request(f"{self.endpoints.gemini_endpoint}/requests", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(json.load(answer)["requests"])

    @property
    def vectors(self) -> VectorStore:
        """The collection that the settings name."""
        found = self.app.stores.vectors
        return found.open(found.current)

    def published(self, outcome: BatchOutcome) -> int:
        """Interactions of a batch that analysts see in BigQuery."""
        store = self.app.stores.metrics
        query = f"SELECT interactions FROM `{store._dataset}.published_metrics` WHERE batch_id = '{outcome.batch_id}'"
        return sum(row["interactions"] for row in store._client.query(query).result())


@pytest.fixture(scope="session")
def gate_endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """Servers of the folder's own: the graph has one database, which other folders fill."""
    with LocalStack(tmp_path_factory.mktemp("gates")).use() as found:
        yield found


@pytest.fixture(scope="session")
def gx_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "gx"
    shutil.copytree(ROOT / "gx", folder, ignore=shutil.ignore_patterns("uncommitted"))
    return folder


def variables_of(endpoints: Endpoints, name: str, gx_root: Path, home: Path) -> dict[str, object]:
    """Settings, by variable, of a Sluicegate with databases of its own."""
    return {
        "MONGODB_URI": endpoints.mongodb_uri,
        "MONGODB_DATABASE": name,
        "NEO4J_URI": endpoints.neo4j_uri,
        "NEO4J_USER": endpoints.neo4j_user,
        "NEO4J_PASSWORD": endpoints.neo4j_password,
        "NEO4J_DATABASE": endpoints.neo4j_database,
        "MILVUS_URI": endpoints.milvus_uri,
        "MILVUS_COLLECTION": name,
        "BIGQUERY_PROJECT": endpoints.bigquery_project,
        "BIGQUERY_API_ENDPOINT": endpoints.bigquery_endpoint,
        "BIGQUERY_DATASET": name,
        "GEMINI_API_KEY": endpoints.gemini_api_key,
        "GEMINI_API_ENDPOINT": endpoints.gemini_endpoint,
        "SLUICEGATE_GX": gx_root,
        "SLUICEGATE_HOME": home,
        "SLUICEGATE_RETRY_WAIT": 0.01,
        "SLUICEGATE_RETRY_WAIT_MAX": 0.05,
    }


@pytest.fixture
def make_site(gate_endpoints: Endpoints, gx_root: Path, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Makes a site; keyword arguments are settings by variable. Those of one test share their databases."""
    apps: list[App] = []
    name = f"t{uuid.uuid4().hex[:10]}"

    def make(through: Through | None = None, **variables: object) -> Site:
        app = App(through)
        settings = variables_of(gate_endpoints, name, gx_root, tmp_path)
        app.configure(**settings | variables)
        apps.append(app)
        app.graph_store.load_campaigns(
            [json.loads(line) for line in (FIXTURES / "campaigns.jsonl").read_text("utf-8").splitlines()]
        )
        return Site(app, gate_endpoints)

    yield make
    for app in apps:
        app.close()
