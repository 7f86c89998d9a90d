"""MongoDB is killed and started again under run.py, which counts, moves the batch, takes it in, replays it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest

from pipeline.local import Endpoints, LocalStack
from tests.end_to_end.conftest import ROOT, Workspace

SERVER = """
import signal, sys
from secantus import SecantusDBServer
server = SecantusDBServer(host="127.0.0.1", port=int(sys.argv[1]), storage_path=sys.argv[2])
server.start()
print("up", flush=True)
signal.pause()
"""
LOCAL = {"NEO4J_URI": "local", "MILVUS_URI": "local", "BIGQUERY_PROJECT": "local", "GEMINI_API_KEY": "local"}


class Server:
    """A MongoDB server of our own, on the same port every time."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/?serverSelectionTimeoutMS=300"

    def start(self) -> None:
        command = [sys.executable, "-c", SERVER, str(self.port), str(self._folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "up\n"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outage")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    found = Server(folder / "mongodb")
    yield found
    found.kill()


@pytest.fixture(scope="module")
def place(folder: Path) -> Iterator[Workspace]:
    shutil.copytree(ROOT / "gx", folder / "gx", ignore=shutil.ignore_patterns("uncommitted"))
    with LocalStack(folder / ".sluicegate").use(("neo4j", "milvus", "bigquery", "gemini")):
        yield Workspace(folder, folder / ".sluicegate", Endpoints())


@pytest.fixture(scope="module")
def told(place: Workspace, server: Server) -> dict[str, Any]:
    """What each run said, in order: four while MongoDB is down, one more, then two when it is up, and what is left."""
    landing = place.folder / "landing"
    landing.mkdir()
    log = landing / "0900.jsonl"
    log.write_text('{"interaction_id": "i_1", "user_id": "u_101", "type": "view"}\n{"user_id": "u_102"}\n')
    said: dict[str, Any] = {}
    variables = {**LOCAL, "MONGODB_URI": server.uri, "SLUICEGATE_DEAD_TOLERANCE": "0.5"}
    said["down"] = [place.run(landing, **variables) for _ in range(5)]
    said["listed"] = place.cli("dlq", "list", **variables)
    server.start()
    said["up"] = place.run(landing, **variables)
    log.unlink()
    said["shown"] = place.cli("dlq", "show", said["up"]["batches"][0]["batch_id"], **variables)
    said["replayed"] = place.cli("dlq", "replay", "--all", **variables)
    said["again"] = place.cli("dlq", "replay", said["up"]["batches"][0]["batch_id"], **variables)
    return said


def test_the_fourth_run_moves_the_batch_with_exit_code_5(told: dict[str, Any]) -> None:
    assert [one["returncode"] for one in told["down"]] == [3, 3, 3, 5, 5]
    assert [one["batches"][0]["fresh"] for one in told["down"]] == [True, True, True, True, False]


def test_each_says_what_happened_and_what_to_do(told: dict[str, Any]) -> None:
    first, fourth = told["down"][0]["batches"][0], told["down"][3]["batches"][0]
    assert "MongoDB" in first["message"]
    assert "could not be reached in 4 runs" in fourth["message"]
    assert "run.py dlq replay" in fourth["next_step"]


def test_the_list_shows_what_is_in_the_spool_meanwhile(told: dict[str, Any]) -> None:
    listed = told["listed"]
    assert (listed.returncode, "in the spool" in listed.stdout) == (3, True), listed.stderr
    assert told["up"]["batches"][0]["batch_id"][:12] in listed.stdout


def test_the_first_run_that_reaches_mongodb_takes_it_in(told: dict[str, Any]) -> None:
    batch = told["up"]["batches"][0]
    assert (told["up"]["returncode"], batch["status"], batch["waits"]) == (0, "dead", True)
    assert (batch["counts"]["read"], batch["counts"]["dead"]) == (2, 2)
    assert "failed at    ledger" in told["shown"].stdout


def test_it_is_replayed_from_the_spool_and_everything_adds_up(told: dict[str, Any], server: Server) -> None:
    assert told["replayed"].returncode == 0, told["replayed"].stderr
    assert "already processed" in told["again"].stdout
    with pymongo.MongoClient[dict[str, Any]](server.uri) as client:
        (document,) = client["sluicegate"]["batches"].find()
        assert (document["status"], document["counts"]["accepted"], document["counts"]["dead"]) == ("closed", 1, 1)
        assert client["sluicegate"]["interactions"].count_documents({}) == 1
        assert client["sluicegate"]["dead_letters"].count_documents({}) == 1


def test_nothing_is_left_in_the_spool(told: dict[str, Any], place: Workspace) -> None:
    assert told["again"].returncode == 0
    left = [path for name in ("dlq", "outages", "replays") for path in (place.home / "spool" / name).glob("*")]
    assert left == []
