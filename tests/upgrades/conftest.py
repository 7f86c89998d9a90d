"""Servers of these tests' own, for a graph has one version, and places that hold what the old program wrote."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.schema_versions import SCHEMAS
from pipeline.local import Endpoints, LocalStack
from tests.faults.readback import Stores
from tests.faults.workplace import Ended, Workplace
from tests.upgrades import old_logs, stored

DATA = Path(__file__).parent / "data_fdfb3e9"
NUMBERS = itertools.count()
VOLATILE = re.compile(r"^(fence|holder|expires_at|updated)$")


@dataclass(frozen=True, slots=True)
class Place:
    """A place with its own database, dataset and collection, on servers whose graph is emptied for it.

    Args:
        work: Runs commands.
        stores: What the stores hold.
        ids: Batch ids of the old data, by fate.
    """

    work: Workplace
    stores: Stores
    ids: dict[str, str]

    def command(self, *arguments: str | Path, code: int | None = 0, **variables: str | Path) -> Ended:
        """Run a command of this program."""
        done = self.work.command(*arguments, **variables)
        assert code is None or done.code == code, str(done)
        assert "Traceback" not in done.stderr, str(done)
        return done

    def status(self, fate: str) -> str:
        """A batch's status, as the ledger has it."""
        return str(self.stores.batch(self.ids[fate])["status"])

    def held(self) -> dict[str, Any]:
        """All that the stores hold, but constraints and indexes."""
        return stored.exported(self.stores, ())

    def versions(self) -> dict[str, Any]:
        """The marks, read with the drivers: None where there is none."""
        stores = self.stores
        there = {table.table_id for table in stores.bigquery.list_tables(stores.name)}
        rows = "metric_revisions" if "metric_revisions" in there else "interaction_metrics"
        table = stores.bigquery.get_table(f"{stores.name}.{rows}")
        nodes = stored.asked(stores, "MATCH (n:SluicegateSchema) RETURN n.version AS version")
        properties = stores.milvus.describe_collection(stores.name).get("properties") or {}
        return {
            "mongodb": (stores.mongodb["ledger_meta"].find_one({"_id": "schema"}) or {}).get("version"),
            "bigquery": (table.labels or {}).get("sluicegate_schema"),
            "neo4j": [node["version"] for node in nodes],
            "milvus": properties.get("sluicegate.schema_version"),
        }


LEDGER = SCHEMAS["mongodb"].current
MARKED = {"mongodb": LEDGER, "bigquery": "3", "neo4j": [2], "milvus": "2"}


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """All five servers, of these tests alone."""
    with LocalStack(tmp_path_factory.mktemp("upgrades")).use() as endpoints:
        yield endpoints


@pytest.fixture(scope="session")
def data() -> dict[str, Any]:
    """What the old program wrote, by store."""
    return stored.read(DATA)


@pytest.fixture(scope="module")
def make_place(
    servers: Endpoints, data: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Place]]:
    """Makes places; the one before is of no use any more, for the graph is emptied."""
    opened: list[Stores] = []

    def make(*, loaded: bool = True) -> Place:
        name = f"upgrades_{next(NUMBERS)}"
        work = Workplace.prepared(servers, tmp_path_factory.mktemp("upgrades"), name)
        old_logs.write(work.landing)
        stores = Stores(servers, name)
        opened.append(stores)
        stored.asked(stores, "MATCH (n) DETACH DELETE n")
        if loaded:
            stored.load(stores, data)
        rows = data["mongodb"]["batches"] if loaded else ()
        return Place(work, stores, {Path(row["source"]).stem: str(row["_id"]) for row in rows})

    yield make
    for stores in opened:
        stores.close()


def said(done: Ended) -> Any:
    """The JSON a command printed."""
    return json.loads(done.stdout)
