"""OpenTelemetry metrics: the instruments of our table, sent at the end of a run and once a minute before."""

from __future__ import annotations

import time
from collections.abc import Callable

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import Counter, Histogram, Meter, _Gauge
from opentelemetry.sdk.metrics import Counter as SdkCounter
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, MetricExportResult

from expectations_plugins.core.errors import TransientError
from pipeline.config import Settings
from pipeline.config.connections import Connections
from pipeline.telemetry.event_dispatch import Happened, Listener
from pipeline.telemetry.measuring import Measurement, measured
from pipeline.telemetry.metrics import METRICS, SECONDS, Kind, Metric
from pipeline.telemetry.otlp import SCOPE, Collector, collector, resource

INTERVAL = 60.0
"""Seconds between what a long run sends."""


def listener(settings: Settings, connections: Callable[[], Connections]) -> Listener:
    """The listener of the settings."""
    del connections
    return Metrics(collector(settings), settings.otlp_temporality)


class Metrics(Listener):
    """Counts what happens, and sends it.

    Args:
        to: The collector.
        temporality: `delta`: what was counted since it was last sent, which is all a short process can say;
            `cumulative`: what was counted since the process began.
    """

    name = "OpenTelemetry metrics"

    def __init__(self, to: Collector, temporality: str) -> None:
        self._to = to
        self._exporter = OTLPMetricExporter(endpoint=to.url("metrics"), headers=to.headers, timeout=to.timeout)
        kind = AggregationTemporality.DELTA if temporality == "delta" else AggregationTemporality.CUMULATIVE
        self._reader = InMemoryMetricReader(preferred_temporality={SdkCounter: kind, SdkHistogram: kind})
        provider = MeterProvider([self._reader], resource=resource(), shutdown_on_exit=False)
        meter = provider.get_meter(SCOPE)
        self._instruments = {metric.name: _instrument(meter, metric) for metric in METRICS}
        self._sent = time.monotonic()

    def hear(self, happened: Happened) -> None:
        """Count an event's measurements.

        Raises:
            TransientError: What was counted could not be sent.
        """
        for measurement in measured(happened):
            self._count(measurement)
        if happened.name == "batch_ended" and time.monotonic() - self._sent >= INTERVAL:
            self._send()

    def close(self) -> None:
        """Send what is left.

        Raises:
            TransientError: It could not be sent.
        """
        self._send()

    def _count(self, measurement: Measurement) -> None:
        instrument, labels = self._instruments[measurement.metric.name], dict(measurement.labels)
        if measurement.value is None:
            return  # a gauge that is not set is not sent
        if isinstance(instrument, Counter):
            instrument.add(measurement.value, labels)
        elif isinstance(instrument, Histogram):
            instrument.record(measurement.value, labels)
        else:
            instrument.set(measurement.value, labels)

    def _send(self) -> None:
        self._sent = time.monotonic()
        data = self._reader.get_metrics_data()
        if data is not None and self._exporter.export(data) is not MetricExportResult.SUCCESS:
            raise TransientError(f"{self._to.url('metrics')} did not take the metrics")


def _instrument(meter: Meter, metric: Metric) -> Counter | Histogram | _Gauge:
    if metric.kind is Kind.COUNTER:
        return meter.create_counter(metric.name, metric.unit, metric.meaning)
    if metric.kind is Kind.HISTOGRAM:
        return meter.create_histogram(
            metric.name, metric.unit, metric.meaning, explicit_bucket_boundaries_advisory=SECONDS
        )
    return meter.create_gauge(metric.name, metric.unit, metric.meaning)
