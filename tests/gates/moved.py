"""A site whose model changed since its batches were embedded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from pymilvus import MilvusClient

from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.milvus.connection import connect as connect_milvus
from pipeline.core.batch import Batch, EmbeddingState
from pipeline.core.batches import Lease
from pipeline.core.outcome import BatchOutcome
from tests.fakes.effects import Killed
from tests.gates.conftest import Site
from tests.gates.test_thresholds import batch

MakeSite = Callable[..., Site]
SIZE = 12


@dataclass(slots=True)
class Moved:
    """A site as it was when batches were embedded, and the same site with another model in its settings."""

    make_site: MakeSite
    client: MilvusClient
    folder: Path
    name: str
    settings: dict[str, object] = field(default_factory=dict)

    def model(self, which: str) -> str:
        return f"{self.name}-embedding-{which}"

    def collection(self, which: str) -> str:
        return "interactions_" + self.model(which).replace("-", "_")

    def site(self, which: str, through: Any = None, **more: object) -> Site:
        model = {"GEMINI_MODEL": self.model(which), "MILVUS_COLLECTION": None}
        return self.make_site(through, **model, **self.settings, **more)

    def embedded(self, *, order: str | None = None, bad: int = 0) -> BatchOutcome:
        """A batch that was embedded with model a."""
        site = self.site("a")
        site.order(order)
        outcome = site.process(batch(self.folder, "moved", SIZE, bad=bad))
        site.order(None)
        return outcome

    def rows(self, which: str, outcome: BatchOutcome) -> list[dict[str, Any]]:
        """The batch's rows in the collection of a model."""
        if not self.client.has_collection(self.collection(which)):
            return []
        found = self.client.query(
            self.collection(which),
            filter=f'batch_id == "{outcome.batch_id}"',
            output_fields=["*"],
            limit=1_000,
            consistency_level="Strong",
        )
        return [dict(row) for row in found]

    def sources(self, which: str, outcome: BatchOutcome) -> Counter[str]:
        """How many rows of the batch are of each source."""
        return Counter(str(row["embedding_source"]) for row in self.rows(which, outcome))

    def delete(self, outcome: BatchOutcome, count: int) -> None:
        """Vectors of model a that somebody else removed."""
        keys = [row["interaction_id"] for row in self.rows("a", outcome)[:count]]
        self.client.delete(self.collection("a"), ids=keys)

    def forget(self, outcome: BatchOutcome) -> None:
        """What an earlier version wrote: manifests that name neither a collection nor a model."""
        batches: Any = self.site("a").app.stores.database["batches"]
        embeddings = self.batch(outcome).embeddings
        unset = [f"{at}.{name}" for at in ("embedding", *(f"embeddings.{one}" for one in embeddings)) for name in NAMES]
        batches.update_one({"_id": outcome.batch_id}, {"$unset": dict.fromkeys(unset, "")})

    def drop(self, which: str) -> None:
        self.client.drop_collection(self.collection(which))

    def exists(self, which: str) -> bool:
        return bool(self.client.has_collection(self.collection(which)))

    def batch(self, outcome: BatchOutcome) -> Batch:
        return self.site("a").app.ledger.find(outcome.batch_id)

    def embedding(self, outcome: BatchOutcome) -> EmbeddingState:
        """The latest embedding batch."""
        latest = self.batch(outcome).embedding
        assert latest
        return latest


NAMES = ("collection", "model")


def two_models(make_site: MakeSite, tmp_path: Path) -> Iterator[Moved]:
    """Collections and models of the test's own, which are taken away after it."""
    name = tmp_path.name.replace("_", "-").lower()[:40]
    client = connect_milvus(str(make_site().endpoints.milvus_uri))
    found = Moved(make_site, client, tmp_path, name)
    for which in "ab":
        client.drop_collection(found.collection(which))
    yield found
    for which in "ab":
        client.drop_collection(found.collection(which))
    client.close()


class Finishing:
    """A ledger whose process ends when an embedding batch is said to be finished."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def set_embedding(self, lease: Lease, manifest: Any) -> None:
        if manifest.finished:
            raise Killed
        self._ledger.set_embedding(lease, manifest)


def cut_off(moved: Moved) -> Path:
    """A batch whose run with model a was killed when its vectors were written, before the manifest was."""
    path = batch(moved.folder, "moved", SIZE)
    with pytest.raises(Killed):
        moved.site("a", lambda name, port: Finishing(port) if name == "ledger" else port).process(path)
    return path


def refused(result: Result) -> str:
    assert isinstance(result.exception, ConfigurationError), result.output
    return str(result.exception)
