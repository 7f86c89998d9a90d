"""A real HTTP proxy before the BigQuery server, for what the real service does and emulators do not.

It takes a job id once (409 afterwards), and can be told to be down for requests that hold a certain text.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import Request, urlopen

JOB_ID = re.compile(rb'"jobId"\s*:\s*"(sluicegate-[^"]+)"')
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
PASSED_ON = ("content-type", "x-upload-content-type", "x-upload-content-length", "content-range")
PASSED_BACK = ("Content-Type", "Location")

Answer = tuple[int, Mapping[str, str], bytes]


@dataclass(slots=True)
class StrictBigQuery:
    """Where it is, the ids of our load jobs it saw (also those it refused), and for what it is down."""

    behind: str
    endpoint: str = ""
    job_ids: list[str] = field(default_factory=list)
    down_for: bytes | None = None

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if self.down_for is not None and self.down_for in body:
            return _error(503, "backendError")
        found = JOB_ID.search(body) if method == "POST" else None
        if found is not None:
            job_id = found[1].decode()
            self.job_ids.append(job_id)
            if self.job_ids.count(job_id) > 1:
                return _error(409, "duplicate")
        passed = {name: value for name, value in headers.items() if name.lower() in PASSED_ON}
        return _asked(Request(self.behind + path, body or None, passed, method=method))


@contextmanager
def strict_bigquery(behind: str) -> Iterator[StrictBigQuery]:
    """The proxy, served until the end of the block."""
    strict = StrictBigQuery(behind.rstrip("/"))

    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, headers, content = strict.answer(self.command, self.path, dict(self.headers), body)
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
        strict.endpoint = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield strict
        server.shutdown()


def _asked(request: Request) -> Answer:
    try:
        with urlopen(request, timeout=30) as found:
            status, headers, content = found.status, found.headers, found.read()
    except HTTPError as error:
        status, headers, content = error.code, error.headers, error.read()
    return status, {name: headers[name] for name in PASSED_BACK if headers[name]}, content


def _error(status: int, reason: str) -> Answer:
    error = {"code": status, "message": reason, "errors": [{"reason": reason, "message": reason}]}
    return status, {"Content-Type": "application/json"}, json.dumps({"error": error}).encode()
