"""The HTTP side of the local embeddings server, opened inside its own process; `gemini_api` decides what it answers."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from pipeline.local.endpoints import LOOPBACK
from pipeline.local.gemini_api import Answer, EmbeddingApi, Request
from pipeline.local.gemini_faults import Fault, parse_faults
from pipeline.local.running import RunningServer, ServerContext

FAULTS_VARIABLE = "SLUICEGATE_LOCAL_GEMINI_FAULTS"
MAX_BODY_BYTES = 20_000_000
STOP_POLL_SECONDS = 0.05


def open_server(context: ServerContext) -> RunningServer:
    """Start it on a free port; `SLUICEGATE_LOCAL_GEMINI_FAULTS` may order faults from the start, as JSON."""
    api = EmbeddingApi(context.credentials.gemini_api_key, _ordered_faults())
    handler = type("Handler", (_Handler,), {"api": api})
    return _Running(_Server((LOOPBACK, 0), handler))


def _ordered_faults() -> tuple[Fault, ...]:
    text = os.environ.get(FAULTS_VARIABLE)
    try:
        return parse_faults(json.loads(text)) if text else ()
    except ValueError as error:
        raise SystemExit(f"{FAULTS_VARIABLE} cannot be read: {error}") from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    api: EmbeddingApi  # set on the subclass each server makes of this

    protocol_version = "HTTP/1.1"
    wbufsize = 65_536  # headers and body leave in one packet: no waiting for a delayed acknowledgement
    timeout = 60

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Stay silent: the request line may hold the key."""

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self._send(Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": {"code": 413, "message": "Too large."}}))
            return
        url = urlsplit(self.path)
        key = self.headers.get("x-goog-api-key") or parse_qs(url.query).get("key", [""])[0]
        self._send(self.api.answer(Request(self.command, url.path, key, self.rfile.read(int(length)))))

    def _send(self, answer: Answer) -> None:
        body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Running:
    def __init__(self, server: _Server) -> None:
        self._server = server
        threading.Thread(target=server.serve_forever, args=(STOP_POLL_SECONDS,), name="gemini", daemon=True).start()

    @property
    def ports(self) -> Mapping[str, int]:
        return {"main": self._server.server_address[1]}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
