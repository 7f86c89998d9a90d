"""A real HTTP proxy before the BigQuery server, for what the real service does and emulators do not.

It takes a job id once (409 afterwards). It can be made to be down, to run a load job twice, to have no quota of load
jobs left for a table, and to cancel statements because of another one.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol
from urllib.error import HTTPError
from urllib.request import Request, urlopen

JOB_ID = re.compile(rb'"jobId"\s*:\s*"(sluicegate-[^"]+)"')
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
PASSED_ON = ("content-type", "x-upload-content-type", "x-upload-content-length", "content-range")
PASSED_BACK = ("Content-Type", "Location")
CONFLICT = "Transaction is aborted due to concurrent update against table {table}. Transaction ID: 1"

Answer = tuple[int, Mapping[str, str], bytes]


class Front(Protocol):
    """What stands before the server."""

    endpoint: str

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to one request."""


@dataclass(slots=True)
class StrictBigQuery:
    """Where it is, the ids of our load jobs it saw (also those it refused), and what it is made to do.

    Args:
        behind: The server.
        down_for: It is down for requests that hold this text.
        up_for: How many requests it answers before it is down; None for all.
        doubles: How many load jobs it runs twice.
        full: A table for whose load jobs no quota is left.
        cancels: How many statements it cancels because of another one.
    """

    behind: str
    endpoint: str = ""
    job_ids: list[str] = field(default_factory=list)
    down_for: bytes | None = None
    up_for: int | None = None
    doubles: int = 0
    full: str = ""
    cancels: int = 0
    asked: int = 0
    _uploads: dict[str, Request] = field(default_factory=dict)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.asked += 1
        is_late = self.up_for is not None and self.asked > self.up_for
        if is_late or (self.down_for is not None and self.down_for in body):
            return error_answer(503, "backendError")
        if self.cancels and b'"query"' in body:
            self.cancels -= 1
            return error_answer(400, "invalidQuery", CONFLICT.format(table="p:d.t"))
        if refused := self._refused_load(method, body):
            return refused
        request = forwarded(self.behind, method, path, headers, body)
        found = asked(request)
        if where := found[1].get("Location"):  # of an upload: its content comes this way too
            self._uploads[where.rpartition("upload_id=")[2]] = request
            return found[0], {**found[1], "Location": where.replace(self.behind, self.endpoint)}, found[2]
        if method == "PUT" and self.doubles:
            self.doubles -= 1
            self._again(path, headers, body)
        return found

    def _refused_load(self, method: str, body: bytes) -> Answer | None:
        found = JOB_ID.search(body) if method == "POST" else None
        if found is None:
            return None
        job_id = found[1].decode()
        self.job_ids.append(job_id)
        if self.full and f'"tableId": "{self.full}"'.encode() in body:
            return error_answer(403, "quotaExceeded", "Quota exceeded: too many imports or query appends per table")
        return error_answer(409, "duplicate") if self.job_ids.count(job_id) > 1 else None

    def _again(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """Upload the same under the same job id once more."""
        first = self._uploads[path.rpartition("upload_id=")[2]]
        _, found, _ = asked(first)
        where = "/" + found["Location"].split("/", 3)[3]
        asked(forwarded(self.behind, "PUT", where, headers, body))


@contextmanager
def strict_bigquery(behind: str) -> Iterator[StrictBigQuery]:
    """The proxy, served until the end of the block."""
    with served(StrictBigQuery(behind.rstrip("/"))) as found:
        assert isinstance(found, StrictBigQuery)
        yield found


@contextmanager
def served(front: Front) -> Iterator[Front]:
    """Something before the server, on a port of its own until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, headers, content = front.answer(self.command, self.path, dict(self.headers), body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Silence."""

    for method in METHODS:
        setattr(Handler, f"do_{method}", Handler.serve)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        front.endpoint = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield front
        server.shutdown()


def forwarded(behind: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Request:
    """A request to the server."""
    passed = {name: value for name, value in headers.items() if name.lower() in PASSED_ON}
    return Request(behind + path, body or None, passed, method=method)


def asked(request: Request) -> Answer:
    """The server's answer."""
    try:
        with urlopen(request, timeout=120) as found:
            status, headers, content = found.status, found.headers, found.read()
    except HTTPError as error:
        status, headers, content = error.code, error.headers, error.read()
    return status, {name: headers[name] for name in PASSED_BACK if headers[name]}, content


def error_answer(status: int, reason: str, message: str = "") -> Answer:
    """An error as BigQuery says it."""
    told = message or reason
    error = {"code": status, "message": told, "errors": [{"reason": reason, "message": told}]}
    return status, {"Content-Type": "application/json"}, json.dumps({"error": error}).encode()
