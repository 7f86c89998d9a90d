"""Google's side of BigQuery over real HTTPS: it gives tokens for a service account's signature, and takes no other."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.security.tls_front import Authority

TOKEN = "/token"


@dataclass(slots=True)
class GoogleFront:
    """Where it is, the credentials file it knows, and what it has seen."""

    endpoint: str = ""
    credentials: Path = Path()
    private_key: str = ""
    token: str = field(default_factory=lambda: f"ya29.{uuid.uuid4().hex}")
    refuses: bool = False
    asked: list[str] = field(default_factory=list)


@contextmanager
def google_front(folder: Path, by: Authority, emulator_port: int) -> Iterator[GoogleFront]:
    """The front of an emulator, served until the end of the block.

    Args:
        folder: Where the credentials file is put.
        by: Who signs its certificate.
        emulator_port: Where requests with the right token go.
    """
    front = GoogleFront()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    by.ca.issue_cert("localhost").configure_cert(context)

    handler = type("Handler", (_Handler,), {"front": front, "emulator_port": emulator_port})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        server.socket = context.wrap_socket(server.socket, server_side=True)
        front.endpoint = f"https://localhost:{server.server_port}"
        front.credentials = _service_account(folder, front)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield front
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    front: GoogleFront  # set on the subclass each front makes of this
    emulator_port: int

    def do_GET(self) -> None:
        self._answer(*self._served(b""))

    def do_POST(self) -> None:
        self._answer(*self._served(self.rfile.read(int(self.headers.get("content-length") or 0))))

    def _served(self, body: bytes) -> tuple[int, bytes]:
        self.front.asked.append(f"{self.command} {self.path}")
        if self.path == TOKEN:
            return self._token()
        if self.headers.get("authorization") != f"Bearer {self.front.token}":
            return 401, b'{"error": {"code": 401, "message": "Invalid Credentials"}}'
        connection = http.client.HTTPConnection("127.0.0.1", self.emulator_port, timeout=30)
        connection.request(self.command, self.path, body, {"content-type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()

    def _token(self) -> tuple[int, bytes]:
        if self.front.refuses:
            return 400, b'{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}'
        answer = {"access_token": self.front.token, "expires_in": 3600, "token_type": "Bearer"}
        return 200, json.dumps(answer).encode()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Silence."""


def _service_account(folder: Path, front: GoogleFront) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    front.private_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    path = folder / "service-account.json"
    facts = {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "0123456789abcdef",
        "private_key": front.private_key,
        "client_email": "sluicegate@project.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"{front.endpoint}{TOKEN}",
    }
    path.write_text(json.dumps(facts), encoding="utf-8")
    return path
