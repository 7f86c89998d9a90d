"""Slack and PagerDuty over real HTTPS on this machine: reads what real clients send, answers as it is told."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

WEBHOOK = "/services/T0AAAAAAA/B0BBBBBBB/slackSecretToken24Letters"
ENQUEUE = "/v2/enqueue"
SLACK, PAGERDUTY = "slack", "pagerduty"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver answers instead of its friendly default; `hang` answers nothing until the receiver
    closes, and `drips` a byte now and then, which no client takes for an answer that is late.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    hang: bool = False
    drips: bool = False


@dataclass(slots=True)
class AlertReceiver:
    """Where it is, what certificate authority vouches for it, and the requests it got, as JSON, by service."""

    url: str = ""
    ca_bundle: Path = Path()
    received: dict[str, list[Any]] = field(default_factory=lambda: {SLACK: [], PAGERDUTY: []})
    script: dict[str, list[Answer]] = field(default_factory=lambda: {SLACK: [], PAGERDUTY: []})
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def events(self) -> list[tuple[str, str]]:
        """What PagerDuty got: (event_action, dedup_key)."""
        return [(event["event_action"], event["dedup_key"]) for event in self.received[PAGERDUTY]]

    @property
    def messages(self) -> list[str]:
        """What Slack got: the fallback texts."""
        return [message["text"] for message in self.received[SLACK]]

    def variables(self, **others: Any) -> dict[str, Any]:
        """Settings under which both channels send to this receiver, without long waits."""
        ours = {
            "SLACK_WEBHOOK_URL": f"{self.url}{WEBHOOK}",
            "PAGERDUTY_ROUTING_KEY": "routingKeyOf32CharactersInLength",
            "PAGERDUTY_EVENTS_URL": self.url,
            "SLUICEGATE_ALERT_CA_BUNDLE": str(self.ca_bundle),
            "SLUICEGATE_RETRY_WAIT": 0.01,
        }
        return {name: value for name, value in {**ours, **others}.items() if value is not None}

    def answer(self, path: str, body: bytes) -> Answer:
        """Keep a request and choose its answer."""
        service = {WEBHOOK: SLACK, ENQUEUE: PAGERDUTY}.get(path)
        if service is None:
            return Answer(404, body="no_service")
        content = json.loads(body)
        self.received[service].append(content)
        if self.script[service]:
            return self.script[service].pop(0)
        accepted = {"status": "success", "message": "Event processed", "dedup_key": content.get("dedup_key", "")}
        return Answer(body="ok") if service == SLACK else Answer(202, body=json.dumps(accepted))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def alert_receiver(folder: Path) -> Iterator[AlertReceiver]:
    """The receiver, served until the end of the block.

    Args:
        folder: Where the certificate of its authority is put.
    """
    receiver, authority = AlertReceiver(ca_bundle=folder / "authority.pem"), trustme.CA()
    authority.cert_pem.write_to_path(receiver.ca_bundle)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = receiver.answer(self.path, self.rfile.read(int(self.headers["content-length"])))
            if answer.hang:
                receiver.closing.wait(60)
                return
            if answer.drips:
                self.drip()
                return
            body = answer.body.encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def drip(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "100000")
            self.end_headers()
            with contextlib.suppress(OSError):
                while not receiver.closing.wait(0.2):
                    self.wfile.write(b"o")
                    self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Silence."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        receiver.url = f"https://localhost:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield receiver
        receiver.closing.set()
        server.shutdown()
