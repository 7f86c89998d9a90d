"""Answers that end within their headers, as a proxy or a server that is killed leaves them."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator

import pytest

from pipeline.errors import TransientError
from pipeline.stores.bigquery.connection import connect
from pipeline.stores.bigquery.errors import ERRORS


class BreaksOff(socketserver.StreamRequestHandler):
    """Answers every request with the beginning of an answer."""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-ty")


@pytest.fixture
def endpoint() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), BreaksOff) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_an_answer_that_ends_within_its_headers_is_an_outage_and_no_answer_without_content(endpoint: str) -> None:
    client = connect("project", endpoint=endpoint)
    with pytest.raises(TransientError, match="ended within its headers"), ERRORS.guard("asking for a dataset"):
        client.get_dataset("dataset", retry=None)
    client.close()
