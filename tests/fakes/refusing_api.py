"""An embeddings endpoint over real HTTP that refuses every request holding a certain word, as Gemini does: whole."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORD = "poison"
VECTOR = [1.0] * 768


@dataclass(slots=True)
class RefusingApi:
    """Where it is, and the requests it got, each as its texts."""

    endpoint: str = ""
    word: str = WORD
    asked: list[list[str]] = field(default_factory=list)

    def answer(self, body: bytes) -> tuple[int, object]:
        texts = [request["content"]["parts"][0]["text"] for request in json.loads(body)["requests"]]
        self.asked.append(texts)
        if any(self.word in text for text in texts):
            return 400, {"error": {"code": 400, "message": "Unsupported content.", "status": "INVALID_ARGUMENT"}}
        return 200, {"embeddings": [{"values": VECTOR} for _ in texts]}


@contextmanager
def refusing_api() -> Iterator[RefusingApi]:
    """The endpoint, served until the end of the block."""
    api = RefusingApi()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, answer = api.answer(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api.endpoint = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield api
        server.shutdown()
