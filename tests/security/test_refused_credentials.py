"""What is said when a store refuses the credentials: which store, what to check, and none of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import grpc
import pytest

from expectations_plugins.core.errors import ConfigurationError, ExitCode, SluicegateError
from expectations_plugins.milvus.connection import connect as connect_milvus
from expectations_plugins.mongodb.connection import connect as connect_mongodb
from expectations_plugins.mongodb.errors import ERRORS as MONGODB
from expectations_plugins.neo4j.connection import connect as connect_neo4j
from pipeline.local import Endpoints
from tests.security.google_front import google_front
from tests.security.processes import ROOT, configured, port_of, run
from tests.security.tls_front import authority

SECRETS = {name: f"{name}{uuid.uuid4().hex}" for name in ("mongodb", "neo4j", "milvus", "gemini")}


@pytest.fixture(scope="module")
def milvus_port() -> Iterator[int]:
    """A real gRPC server that refuses every call, and quotes what it was given."""

    class Refusal(grpc.GenericRpcHandler):
        def service(self, details: Any) -> Any:
            del details
            return grpc.unary_unary_rpc_method_handler(self._refuse)

        def _refuse(self, request: bytes, context: Any) -> bytes:
            del request
            quoted = dict(context.invocation_metadata()).get("authorization", "")
            context.abort(grpc.StatusCode.UNAUTHENTICATED, f"auth check failure: {quoted} {SECRETS['milvus']}")
            return b""

    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((Refusal(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None)


@pytest.fixture(scope="module")
def gemini_port() -> Iterator[int]:
    """A real HTTP server that refuses a key in Google's words, which quote it."""

    class Refusal(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            key = self.headers.get("x-goog-api-key", "")
            said = f"Permission denied: Consumer 'api_key:{key}' has been suspended."
            body = json.dumps({"error": {"code": 403, "message": said, "status": "PERMISSION_DENIED"}}).encode()
            self.send_response(403)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def said(
    endpoints: Endpoints, milvus_port: int, gemini_port: int, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Mapping[str, Mapping[str, str]], str]:
    """What the doctor finds of each store, and all it says at the most talkative level."""
    folder = tmp_path_factory.mktemp("refused")
    by = authority(folder)
    with google_front(folder, by, port_of(endpoints.bigquery_endpoint)) as google:
        google.refuses = True
        settings = {
            **configured(endpoints),
            "MONGODB_URI": f"mongodb://sluicegate:{SECRETS['mongodb']}@127.0.0.1:{port_of(endpoints.mongodb_uri)}",
            "NEO4J_PASSWORD": SECRETS["neo4j"],
            "MILVUS_URI": f"http://127.0.0.1:{milvus_port}",
            "MILVUS_TOKEN": f"root:{SECRETS['milvus']}",
            "BIGQUERY_API_ENDPOINT": google.endpoint,
            "GOOGLE_APPLICATION_CREDENTIALS": str(google.credentials),
            "SLUICEGATE_CA_FILE": str(by.file),
            "GEMINI_API_KEY": SECRETS["gemini"],
            "GEMINI_API_ENDPOINT": f"http://127.0.0.1:{gemini_port}",
        }
        done = run(folder, "--traceback", "doctor", "--json", **settings)
        leaked = [line for line in google.private_key.splitlines()[1:-1] if line in done.stdout + done.stderr]
        assert leaked == []
    return {one["store"]: one for one in json.loads(done.stdout)}, done.stdout + done.stderr


@pytest.mark.parametrize("store", ["mongodb", "neo4j", "milvus", "bigquery", "gemini"])
def test_a_refusal_names_the_store_and_is_no_outage(
    said: tuple[Mapping[str, Mapping[str, str]], str], store: str
) -> None:
    finding = said[0][store]
    assert finding["state"] == "misconfigured"
    assert "is up" not in finding["problem"]
    assert finding["problem"].casefold().startswith(store)


@pytest.mark.parametrize("store", SECRETS)
def test_no_refused_secret_is_in_what_is_said(said: tuple[Mapping[str, Mapping[str, str]], str], store: str) -> None:
    assert SECRETS[store] not in said[1]


def _mongodb(endpoints: Endpoints, milvus_port: int) -> None:
    del milvus_port
    database = connect_mongodb(f"mongodb://sluicegate:wrong-password@127.0.0.1:{port_of(endpoints.mongodb_uri)}", "x")
    with MONGODB.guard("asking"):
        database.command("ping")


def _neo4j(endpoints: Endpoints, milvus_port: int) -> None:
    del milvus_port
    connect_neo4j(str(endpoints.neo4j_uri), "root", "wrong-password", database=None).version()


def _milvus(endpoints: Endpoints, milvus_port: int) -> None:
    del endpoints
    connect_milvus(f"http://127.0.0.1:{milvus_port}", "root:wrong-password", timeout=3)


@pytest.mark.parametrize("ask", [_mongodb, _neo4j, _milvus])
def test_refused_credentials_are_a_wrong_setting_and_no_fault_of_the_batch(
    endpoints: Endpoints, milvus_port: int, ask: Callable[[Endpoints, int], None]
) -> None:
    with pytest.raises(SluicegateError) as caught:
        ask(endpoints, milvus_port)
    assert isinstance(caught.value, ConfigurationError)
    assert "credentials" in caught.value.next_step


@pytest.fixture(scope="module")
def refused_run(
    endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[subprocess.CompletedProcess[str], Sequence[Mapping[str, Any]]]]:
    """A run whose service account Google refuses, and the ledger after it."""
    folder, unique = tmp_path_factory.mktemp("refused_run"), f"security_{uuid.uuid4().hex[:8]}"
    shutil.copytree(ROOT / "gx", folder / "gx", ignore=shutil.ignore_patterns("uncommitted"))
    landing = ROOT / "docs" / "sample" / "landing" / "2026-11-20T0900.jsonl"
    by = authority(folder)
    with google_front(folder, by, port_of(endpoints.bigquery_endpoint)) as google:
        google.refuses = True
        own = {
            "MONGODB_DATABASE": unique,
            "BIGQUERY_API_ENDPOINT": google.endpoint,
            "GOOGLE_APPLICATION_CREDENTIALS": str(google.credentials),
            "SLUICEGATE_CA_FILE": str(by.file),
        }
        done = run(folder, "run", str(landing), **{**configured(endpoints), **own})
    assert google.asked == ["POST /token"]
    database = connect_mongodb(str(endpoints.mongodb_uri), unique)
    yield done, list(database["batches"].find())
    database.client.drop_database(unique)
    database.client.close()


def test_a_run_that_is_refused_says_so_once_and_ends(
    refused_run: tuple[subprocess.CompletedProcess[str], Sequence[Mapping[str, Any]]],
) -> None:
    done, _ = refused_run
    assert done.returncode == ExitCode.USAGE
    assert "credentials of BigQuery" in done.stderr
    assert "retry" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_batch_is_no_dead_letter_because_a_store_refused_the_credentials(
    refused_run: tuple[subprocess.CompletedProcess[str], Sequence[Mapping[str, Any]]],
) -> None:
    assert [batch["status"] for batch in refused_run[1]] == ["running"]
