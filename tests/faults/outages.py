"""What tests of outages share: servers behind proxies, commands that stop at the points of a plan, and a plain reader.

No settings but MongoDB's address say how long a store may be silent, so `LIMITS` shortens the drivers' homes' own.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import neo4j
import pymongo
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from expectations_plugins.milvus.connection import connect as connect_milvus
from pipeline.local import Endpoints, LocalStack, ServerState
from tests.commands import CONTEXT, become, environment
from tests.faults.proxy import Fault, Proxy, port_of, through

HANGS = 240.0
"""Seconds after which a run is taken to hang."""

ROOT = Path(__file__).parent.parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
NAME = "outages"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
STORES = ("mongodb", "neo4j", "milvus", "bigquery", "gemini")
MONGODB_OPTIONS = "directConnection=true&serverSelectionTimeoutMS=700&connectTimeoutMS=700&socketTimeoutMS=1500"
"""Direct: a client that asks a replica set for its members goes there, past the proxy."""

LIMITS = (
    ("pipeline.stores.neo4j.graph_store", "TIME_LIMIT", 2.0),
    ("pipeline.stores.neo4j.review_queue", "TIME_LIMIT", 2.0),
    ("expectations_plugins.neo4j.connection", "SILENCE", 1.0),
    ("expectations_plugins.neo4j.backend", "TIME_LIMIT", 2.0),
    ("pipeline.stores.milvus.vector_store", "TIME_LIMIT", 2.0),
    ("expectations_plugins.milvus.backend", "TIME_LIMIT", 2.0),
    ("pipeline.stores.bigquery.tables", "TIMEOUT", 2.0),
    ("pipeline.stores.bigquery.metrics_store", "TIMEOUT", 2.0),
)
"""Limits for which there is no setting."""

Plan = Callable[[str, str, int], None]
"""Told of a point of a run before it goes on: what it is about to do or has done, the step, how often so far."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int | None
    stdout: str
    stderr: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.stdout}\n{self.stderr}"

    @property
    def batch(self) -> dict[str, Any]:
        """The only batch of a run's document."""
        [found] = json.loads(self.stdout)["batches"]
        return dict(found)


@dataclass(slots=True)
class Place:
    """Servers, proxies and databases."""

    stack: LocalStack
    endpoints: Endpoints
    proxies: Mapping[str, Proxy]
    folder: Path

    def variables(self) -> dict[str, str]:
        """The settings of every run; every address is a proxy's."""
        at = self.endpoints
        mongodb = through(str(at.mongodb_uri), self.proxies["mongodb"])
        return {
            "MONGODB_URI": f"{mongodb}&{MONGODB_OPTIONS}",
            "MONGODB_DATABASE": NAME,
            "NEO4J_URI": through(str(at.neo4j_uri), self.proxies["neo4j"]),
            "NEO4J_USER": str(at.neo4j_user),
            "NEO4J_PASSWORD": str(at.neo4j_password),
            "NEO4J_DATABASE": str(at.neo4j_database),
            "MILVUS_URI": through(str(at.milvus_uri), self.proxies["milvus"]),
            "MILVUS_COLLECTION": NAME,
            "BIGQUERY_PROJECT": str(at.bigquery_project),
            "BIGQUERY_API_ENDPOINT": through(str(at.bigquery_endpoint), self.proxies["bigquery"]),
            "BIGQUERY_DATASET": NAME,
            "GEMINI_API_KEY": str(at.gemini_api_key),
            "GEMINI_API_ENDPOINT": through(str(at.gemini_endpoint), self.proxies["gemini"]),
            "SLUICEGATE_GX": str(self.folder / "gx"),
            "SLUICEGATE_RETRY_WAIT": "0.01",
            "SLUICEGATE_RETRY_WAIT_MAX": "0.05",
            "SLUICEGATE_LEASE_SECONDS": "30",
        }

    def heal(self) -> None:
        for proxy in self.proxies.values():
            proxy.heal()

    def kill(self, store: str) -> None:
        """End a server without a warning; returns once that was noticed, or a restart might take it to be up."""
        [pid] = [server.pid for server in self.stack.status() if server.name == store]
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while any(server.state is ServerState.UP for server in self.stack.status() if server.name == store):
            time.sleep(0.05)

    def restart(self) -> None:
        """Bring killed servers back, on their data; the proxies know where."""
        self.endpoints = self.stack.up(STORES, persistent=False)
        for name in STORES:
            self.proxies[name].server_port = port_of(addresses(self.endpoints)[name])

    def end_transactions(self) -> None:
        """Instead of waiting until the server gives up those whose end it was not told (a minute)."""
        with pymongo.MongoClient[dict[str, Any]](self.endpoints.mongodb_uri) as client:
            client.admin.command({"killAllSessions": []})


def addresses(at: Endpoints) -> dict[str, str]:
    found = (at.mongodb_uri, at.neo4j_uri, at.milvus_uri, at.bigquery_endpoint, at.gemini_endpoint)
    return {name: str(address) for name, address in zip(STORES, found, strict=True)}


@dataclass(slots=True)
class Batch:
    """Twelve records of their own, and the commands that are run on them."""

    place: Place
    prefix: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    @property
    def folder(self) -> Path:
        return self.place.folder / self.prefix

    @property
    def file(self) -> Path:
        return self.folder / "0900.jsonl"

    def land(self) -> Batch:
        self.folder.mkdir()
        text = (FIXTURES / "clean.jsonl").read_text("utf-8")
        self.file.write_text(text.replace('"clean-', f'"{self.prefix}-'), encoding="utf-8")
        return self

    @property
    def batch_id(self) -> str:
        return hashlib.sha256(self.file.read_bytes()).hexdigest()

    def run(self, plan: Plan | None = None) -> Ended:
        return self.command("run", str(self.file), "--json", plan=plan)

    def command(self, *arguments: str, plan: Plan | None = None, seat: str = ".") -> Ended:
        """Run a command line to its end, in a process of its own that stops at each point until the plan was told.

        Args:
            arguments: After `run.py`.
            plan: Told of each point.
            seat: Folder to run in, below the batch's; processes at the same time need different ones.
        """
        ours, theirs = CONTEXT.Pipe()
        env = environment(**self.place.variables(), SLUICEGATE_HOME=str(self.folder / "home"))
        folder = self.folder / seat
        folder.mkdir(exist_ok=True)
        process = CONTEXT.Process(target=be_the_command, args=(theirs, arguments, env, str(folder)))
        process.start()
        theirs.close()
        counts: dict[tuple[str, str], int] = {}
        with contextlib.suppress(EOFError, ConnectionResetError):
            while ours.poll(HANGS):
                point, step = ours.recv()
                counts[point, step] = counts.get((point, step), 0) + 1
                if plan is not None:
                    plan(point, step, counts[point, step])
                ours.send("go on")
        process.join(HANGS)
        hangs = process.is_alive()
        process.kill()
        process.join()
        said = [(folder / name).read_text("utf-8", "replace") for name in ("stdout", "stderr")]
        assert not hangs, f"run.py {' '.join(arguments)} hangs; it said: {said}"
        return Ended(process.exitcode, *said)


def be_the_command(points: Connection, arguments: tuple[str, ...], env: Mapping[str, str], folder: str) -> None:
    """Be `run.py`, in a process that has imported what takes seconds."""
    from sluicegate.app import App  # noqa: PLC0415
    from sluicegate.commands import start  # noqa: PLC0415 - the parent need not

    become(arguments, env, folder)
    for module, limit, seconds in LIMITS:
        setattr(importlib.import_module(module), limit, seconds)

    def watched(name: str, port: Any, /) -> Any:
        return Watched(port, points) if name == "ledger" else port

    start(lambda: App(watched))


class Watched:
    """The ledger; tells when a step is started or ended, and waits for leave to go on."""

    def __init__(self, port: Any, points: Connection) -> None:
        self._port, self._points = port, points

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._port, method)
        if method not in {"start_step", "end_step"}:
            return found

        def call(lease: Any, step: str, **others: Any) -> Any:
            self._tell(f"before {method}", step)
            answer = found(lease, step, **others)
            self._tell(f"after {method}", step)
            return answer

        return call

    def _tell(self, *point: str) -> None:
        self._points.send(point)
        self._points.recv()


@dataclass(frozen=True, slots=True)
class Outage:
    """What breaks, and when.

    Args:
        store: The server.
        fault: What its proxy does; None kills the server.
        when: `start`, or the step from whose beginning on it does.
    """

    store: str
    fault: Fault | None
    when: str

    def __str__(self) -> str:
        how = "is killed" if self.fault is None else f"{self.fault.mode}s"
        return f"{self.store} {how} at {self.when}"

    @property
    def ends(self) -> tuple[int, str]:
        """The exit code of a run that meets it from here to its end, and the batch's status then."""
        if self.store == "mongodb":
            return 3, "" if self.when == "start" else "running"
        if self.store == "gemini":
            return 0, "closed"
        return (10, "held") if self.when.startswith("gate") else (5, "dead")

    def strike(self, place: Place) -> None:
        if self.fault is None:
            place.kill(self.store)
        else:
            place.proxies[self.store].order(self.fault)

    def end(self, place: Place) -> None:
        if self.fault is None:
            place.restart()
        place.heal()
        if self.store == "mongodb":
            place.end_transactions()

    def plan(self, place: Place, *, until: int | None = None) -> Plan:
        """Strikes when it is time, and ends before the step's so-manieth attempt (MongoDB: before its result)."""
        ending = "before end_step" if self.store == "mongodb" else "before start_step"

        def told(point: str, step: str, count: int) -> None:
            if (point, step, count) == ("after start_step", self.when, 1):
                self.strike(place)
            if (point, step, count) == (ending, self.when, until):
                self.end(place)

        return told


class Stores:
    """What the servers hold, read directly with their own drivers."""

    def __init__(self, at: Endpoints) -> None:
        self.at = at
        self.mongodb = pymongo.MongoClient[dict[str, Any]](at.mongodb_uri)[NAME]
        self.neo4j = neo4j.GraphDatabase.driver(str(at.neo4j_uri), auth=(str(at.neo4j_user), str(at.neo4j_password)))
        self.milvus = connect_milvus(str(at.milvus_uri))
        self.bigquery = bigquery.Client(
            project=str(at.bigquery_project),
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": at.bigquery_endpoint},
        )

    def close(self) -> None:
        for client in (self.mongodb.client, self.neo4j, self.milvus, self.bigquery):
            client.close()

    def ledger(self, batch: Batch) -> dict[str, Any]:
        return self.mongodb["batches"].find_one({"_id": batch.batch_id}) or {}

    def contents(self, batch: Batch) -> Any:
        """Every record of a batch in every store, what analysts see, and what the ledger says; its ids left out."""
        one = {"batch_id": batch.batch_id}
        ledger = self.ledger(batch)
        gates = ledger.get("gates") or {}
        found = {
            "raw": list(self.mongodb["interactions"].find(one, {"received_at": 0, "fence": 0, "content_hash": 0})),
            "dead letters": self.mongodb["dead_letters"].count_documents(one),
            "graph": self._graph(batch),
            "vectors": self._vectors(batch),
            "metrics": self._metrics(batch),
            "published": [row["interactions"] for row in self._latest(batch) if row["published"]],
            "staging": [t.table_id for t in self.bigquery.list_tables(NAME) if "load" in t.table_id],
            "ledger": [ledger.get("status"), ledger.get("counts")],
            "steps": {name: step["status"] for name, step in (ledger.get("steps") or {}).items()},
            "verdicts": {name: gate["verdict"] for name, gate in gates.items()},
            "acted": [intent["action"] for gate in gates.values() for intent in gate.get("intents") or ()],
            "spool": [str(path) for path in (batch.folder / "home" / "spool").rglob("*.json*")],
        }
        text = json.dumps({name: ordered(part) for name, part in found.items()}, sort_keys=True, default=str)
        return json.loads(text.replace(batch.batch_id, "<batch>").replace(batch.prefix, "<prefix>"))

    def _graph(self, batch: Batch) -> list[Any]:
        query = """
        MATCH (i:Interaction {batch_id: $batch_id}) OPTIONAL MATCH (u:User)-[:PERFORMED]->(i)
        OPTIONAL MATCH (i)-[:REFERS_TO]->(c:Campaign)
        RETURN i.interaction_id AS id, labels(i) AS labels, u.user_id AS user, c.campaign_id AS campaign
        """
        records, _, _ = self.neo4j.execute_query(query, batch_id=batch.batch_id, database_=self.at.neo4j_database)
        return [record.data() for record in records]

    def _vectors(self, batch: Batch) -> list[Any]:
        fields = ["interaction_id", "embedding_source", "vector"]
        where = f'batch_id == "{batch.batch_id}"'
        rows = self.milvus.query(NAME, filter=where, output_fields=fields, limit=1000, consistency_level="Strong")
        made = [
            (row["interaction_id"], row["embedding_source"], str([float(x) for x in row["vector"]])) for row in rows
        ]
        return [(key, source, hashlib.sha256(vector.encode()).hexdigest()[:12]) for key, source, vector in made]

    def _metrics(self, batch: Batch) -> list[dict[str, Any]]:
        """The rows that count; what is superseded differs from one run to the next."""
        [found] = self._latest(batch) or [{"revision": ""}]
        where = f"batch_id = '{batch.batch_id}' AND revision = '{found['revision']}'"
        query = f"SELECT * EXCEPT (revision, fence, loaded_at) FROM `{NAME}.metric_revisions` WHERE {where}"
        return [dict(row) for row in self.bigquery.query(query).result()]

    def _latest(self, batch: Batch) -> list[dict[str, Any]]:
        where = f"batch_id = '{batch.batch_id}' ORDER BY fence DESC, sequence DESC LIMIT 1"
        rows = self.bigquery.query(f"SELECT * FROM `{NAME}.publications` WHERE {where}").result()
        return [dict(row) for row in rows]


def ordered(part: Any) -> Any:
    return (
        sorted(part, key=lambda one: json.dumps(one, default=str, sort_keys=True)) if isinstance(part, list) else part
    )


@contextlib.contextmanager
def reading(place: Place) -> Iterator[Stores]:
    found = Stores(place.endpoints)
    try:
        yield found
    finally:
        found.close()
