"""An HTTP server whose answers end within their headers, as a proxy or a server that is killed leaves them."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _BreaksOff(socketserver.StreamRequestHandler):
    """Answers every request with the beginning of an answer."""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-ty")


@contextmanager
def breaking_off() -> Iterator[str]:
    """Such a server; its address."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _BreaksOff) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
