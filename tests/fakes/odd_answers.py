"""An HTTP server that gives one answer to every request, as a gateway does, or a server that is another one."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STATUSES = (200, 400, 403, 404, 500, 503)
BODIES = (
    b'"text"',
    b"[]",
    b"null",
    b"{}",
    b"",
    b"<html></html>",
    b'{"error": "no upstream"}',
    b'{"message": "no route"}',
    b'[{"error": {"message": "no"}}]',
)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Such a server; its address."""

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - the name is the base class's

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
