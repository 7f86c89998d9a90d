"""A collector and a lineage receiver over real HTTP on this machine: keeps what real clients send, or misbehaves."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

LINEAGE = "/api/v1/lineage"


def plain(attributes: Any) -> dict[str, Any]:
    """Attributes as a dict."""
    return {each.key: _value(each) for each in attributes}


def _value(attribute: KeyValue) -> Any:
    kind = attribute.value.WhichOneof("value")
    return getattr(attribute.value, kind) if kind else None


@dataclass(slots=True)
class TelemetryReceiver:
    """Where it is, what it got, and how it behaves: it answers `status`, or nothing at all when it `hangs`."""

    url: str = ""
    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)
    lineage: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    status: int = 200
    hangs: bool = False
    asked: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def spans(self) -> list[Any]:
        """All spans, as they came."""
        return [
            span
            for sent in self.traces
            for one in sent.resource_spans
            for scope in one.scope_spans
            for span in scope.spans
        ]

    @property
    def points(self) -> dict[str, list[tuple[dict[str, Any], Any]]]:
        """By metric: its points, as attributes and data point."""
        found: dict[str, list[tuple[dict[str, Any], Any]]] = {}
        for metric in self.sent_metrics():
            kind = metric.WhichOneof("data")
            points = getattr(metric, kind).data_points
            found.setdefault(metric.name, []).extend((plain(point.attributes), point) for point in points)
        return found

    def total(self, name: str, **labels: str) -> float:
        """The sum of a counter's points that have these attributes."""
        points = self.points.get(name, [])
        return sum(point.as_double + point.as_int for found, point in points if labels.items() <= found.items())

    def sent_metrics(self) -> Iterator[Any]:
        """All metrics, as they came."""
        for sent in self.metrics:
            for one in sent.resource_metrics:
                for scope in one.scope_metrics:
                    yield from scope.metrics

    def take(self, path: str, body: bytes) -> None:
        """Keep a request."""
        self.bodies.append(body)
        if path == "/v1/traces":
            self.traces.append(ExportTraceServiceRequest.FromString(body))
        elif path == "/v1/metrics":
            self.metrics.append(ExportMetricsServiceRequest.FromString(body))
        elif path == LINEAGE:
            self.lineage.append(json.loads(body))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def telemetry_receiver() -> Iterator[TelemetryReceiver]:
    """The receiver, served until the end of the block."""
    receiver = TelemetryReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.asked += 1
            body = self.rfile.read(int(self.headers["content-length"]))
            if receiver.hangs:
                receiver.closing.wait(60)
                return
            if receiver.status == 200:
                receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
                receiver.take(self.path, gzip.decompress(body) if self.headers.get("content-encoding") else body)
            self.send_response(receiver.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Silence."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield receiver
        receiver.closing.set()
        server.shutdown()
