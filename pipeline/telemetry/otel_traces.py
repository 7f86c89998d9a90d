"""OpenTelemetry traces: one a batch, a span a stage and gate. The trace's id is the first half of the batch's id.

So every process that worked on a batch adds to the same trace, and whoever knows the batch finds it. No text of an
error and no value of a record is sent: drivers quote records in their errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context

from expectations_plugins.core.errors import TransientError
from pipeline.config import Settings
from pipeline.config.connections import Connections
from pipeline.core.batches import short
from pipeline.core.program import program
from pipeline.telemetry.event_dispatch import Happened, Listener
from pipeline.telemetry.otlp import SCOPE, Collector, collector, resource

TRACE_DIGITS = 32
"""Hex digits of a trace id."""

NOT_ATTRIBUTES = frozenset({"batch_id", "step", "ok", "start_time", "end_time", "reason", "docs", "fresh"})


def listener(settings: Settings, connections: Callable[[], Connections]) -> Listener:
    """The listener of the settings."""
    del connections
    return Traces(collector(settings))


class Traces(Listener):
    """Makes spans of events, and sends a batch's when it has ended.

    Args:
        to: The collector.
    """

    name = "OpenTelemetry traces"

    def __init__(self, to: Collector) -> None:
        self._to = to
        self._exporter = OTLPSpanExporter(endpoint=to.url("traces"), headers=to.headers, timeout=to.timeout)
        self._ids, self._kept = _BatchIds(), _Kept()
        provider = TracerProvider(resource=resource(), id_generator=self._ids, shutdown_on_exit=False)
        provider.add_span_processor(self._kept)
        self._tracer = provider.get_tracer(SCOPE)
        self._began: Happened | None = None
        self._batch: Span | None = None
        self._step: Span | None = None
        self._heard: Mapping[str, Callable[[Happened], None]] = {
            "batch_started": self._batch_started,
            "step_started": self._step_started,
            "attempt_started": self._attempt,
            "retry": self._retry,
            "verdict": self._verdict,
            "step_ended": self._step_ended,
            "step_stopped": self._step_ended,
            "batch_ended": self._batch_ended,
            "batch_stopped": self._batch_ended,
        }

    def hear(self, happened: Happened) -> None:
        """Make spans of an event.

        Raises:
            TransientError: The spans of the batch that ended could not be sent; they are lost.
        """
        make = self._heard.get(happened.name)
        if make is not None:
            make(happened)

    def close(self) -> None:
        """Nothing is left: spans are sent when their batch ends."""

    def _batch_started(self, happened: Happened) -> None:
        self._began, self._batch, self._step = happened, None, None

    def _root(self) -> Span | None:
        """The batch's span, begun with the first thing that is done: a batch that was done before has none."""
        if self._batch is None and self._began is not None:
            began = self._began
            self._ids.batch_id = began.text("batch_id")
            names = {f"sluicegate.{name}": began.text(name) for name in ("batch_id", "source")}
            self._batch = self._tracer.start_span("batch", Context(), attributes=names, start_time=began.at)
        return self._batch

    def _step_started(self, happened: Happened) -> None:
        root = self._root()
        if root is not None:
            step = happened.text("step")
            names = {"sluicegate.batch_id": happened.text("batch_id"), "sluicegate.step": step}
            inside = set_span_in_context(root, Context())
            self._step = self._tracer.start_span(step, inside, attributes=names, start_time=happened.at)

    def _attempt(self, happened: Happened) -> None:
        if self._step is not None:
            self._step.add_event("attempt", {"attempt": happened.number("attempt") or 0}, timestamp=happened.at)

    def _retry(self, happened: Happened) -> None:
        if self._step is not None:
            numbers = {name: happened.number(name) or 0 for name in ("attempt", "wait_s")}
            self._step.add_event("retry", numbers, timestamp=happened.at)

    def _verdict(self, happened: Happened) -> None:
        if self._step is None:
            return
        rate, checks = happened.number("rate"), happened.fields.get("checks")
        if rate is not None:
            self._step.set_attribute("sluicegate.invalid", rate)
        for check in checks if isinstance(checks, list) else ():
            self._step.add_event("expectation failed", dict(check), timestamp=happened.at)

    def _step_ended(self, happened: Happened) -> None:
        if self._step is not None:
            self._end(self._step, happened, ok=bool(happened.fields.get("ok")), what=happened.text("step"))
            self._step = None

    def _batch_ended(self, happened: Happened) -> None:
        ended = happened.name == "batch_ended"
        batch = self._root() if not ended or happened.fields.get("fresh") else None
        if batch is not None:
            ok = ended and not happened.number("exit_code")
            self._end(batch, happened, ok=ok, what=happened.text("status") or "stopped")
        self._began, self._batch, self._step = None, None, None
        self._send()

    def _end(self, span: Span, happened: Happened, *, ok: bool, what: str) -> None:
        for name, value in happened.fields.items():
            if name not in NOT_ATTRIBUTES and isinstance(value, str | int | float):
                span.set_attribute(f"sluicegate.{name}", value)
        if not ok:
            why = f"{what}: {program()} status {short(happened.text('batch_id'))}"
            span.set_status(Status(StatusCode.ERROR, why))
        span.end(happened.at)

    def _send(self) -> None:
        spans = self._kept.taken()
        if spans and self._exporter.export(spans) is not SpanExportResult.SUCCESS:
            raise TransientError(f"{self._to.url('traces')} did not take the spans of a batch")


class _BatchIds(RandomIdGenerator):
    """Span ids are random; a trace's is the batch's."""

    batch_id = ""

    def generate_trace_id(self) -> int:
        try:
            return int(self.batch_id[:TRACE_DIGITS], 16) or super().generate_trace_id()
        except ValueError:
            return super().generate_trace_id()


class _Kept(SpanProcessor):
    """Keeps spans that have ended, until they are sent."""

    def __init__(self) -> None:
        self._spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self._spans.append(span)

    def taken(self) -> Sequence[ReadableSpan]:
        """What ended since the last time."""
        spans, self._spans = self._spans, []
        return spans
