"""Prometheus's text format: samples from measurements, text from samples, samples from text; and the page of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import generate_latest, start_http_server
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from expectations_plugins.core.errors import ConfigurationError
from pipeline.telemetry.measuring import Measurement
from pipeline.telemetry.metrics import METRICS, SECONDS, Kind, Metric

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name, and its labels in the order of their names."""

Samples = dict[Key, float]

BOUNDS = (*SECONDS, float("inf"))


class DamagedError(ValueError):
    """A text holds no metrics of ours; says why, as half a sentence."""


def count(samples: Samples, measurement: Measurement) -> None:
    """Add a measurement to samples: a counter grows, a histogram sees it, a gauge becomes it or goes."""
    metric, labels = measurement.metric, measurement.labels
    key = _key(metric.prometheus_name, labels)
    if metric.kind is Kind.GAUGE and measurement.value is None:
        samples.pop(key, None)
    elif metric.kind is Kind.GAUGE:
        samples[key] = float(measurement.value or 0.0)
    elif metric.kind is Kind.COUNTER:
        _grow(samples, key, measurement.value or 0.0)
    else:
        _observe(samples, metric, measurement.value or 0.0, labels)


def text_of(samples: Samples) -> str:
    """Samples in Prometheus's text format, with what each metric means."""
    return generate_latest(Page(lambda: samples)).decode("utf-8")


def samples_in(text: str) -> Samples:
    """The samples of a text.

    Raises:
        DamagedError: It cannot be read, or holds what is not in our table, e.g. another version's buckets.
    """
    known = {name: metric for metric in METRICS for name in _sample_names(metric)}
    try:
        families = list(text_string_to_metric_families(text))
    except Exception as error:  # the parser has no error of its own, and raises whatever it trips over
        raise DamagedError(f"it cannot be read as metrics ({type(error).__name__})") from error
    samples: Samples = {}
    for sample in (sample for family in families for sample in family.samples):
        _check(known.get(sample.name), sample.labels)
        samples[_key(sample.name, sample.labels)] = float(sample.value)
    return samples


class Page(Collector):
    """What Prometheus scrapes: our metrics as they are whenever it asks.

    Args:
        samples: Gives them.
    """

    def __init__(self, samples: Callable[[], Samples]) -> None:
        self._samples = samples

    def collect(self) -> Iterable[Family]:
        """The metrics that have a sample, in the table's order."""
        by_name: dict[str, list[tuple[dict[str, str], float]]] = {}
        for (name, labels), value in sorted(self._samples().items(), key=_in_order):
            by_name.setdefault(name, []).append((dict(labels), value))
        for metric in METRICS:
            family = Family(metric.prometheus_name.removesuffix("_total"), metric.meaning, metric.kind)
            for name in _sample_names(metric):
                for given, value in by_name.get(name, ()):
                    family.add_sample(name, given, value)
            if family.samples:
                yield family

    def serve(self, host: str, port: int) -> int:
        """Serve the page from a thread of its own until the process ends.

        Args:
            host, port: Where; 0 takes a free port.

        Returns:
            The port.

        Raises:
            ConfigurationError: It cannot be used.
        """
        try:
            server, _ = start_http_server(port, host, self)
        except (OSError, OverflowError) as error:
            raise ConfigurationError(
                f"Metrics cannot be served at {host}:{port}: {error}.", next_step="Give another HOST:PORT."
            ) from error
        return int(server.server_port)


def _observe(samples: Samples, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
    name = metric.prometheus_name
    for bound in BOUNDS:
        _grow(samples, _key(f"{name}_bucket", {**labels, "le": _le(bound)}), float(value <= bound))
    _grow(samples, _key(f"{name}_sum", labels), value)
    _grow(samples, _key(f"{name}_count", labels), 1.0)


def _le(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(bound)


def _grow(samples: Samples, key: Key, by: float) -> None:
    samples[key] = samples.get(key, 0.0) + by


def _in_order(item: tuple[Key, float]) -> tuple[object, ...]:
    (name, labels), _ = item
    return name, tuple(label for label in labels if label[0] != "le"), float(dict(labels).get("le", "0"))


def _sample_names(metric: Metric) -> Iterator[str]:
    name = metric.prometheus_name
    parts = ("_bucket", "_sum", "_count") if metric.kind is Kind.HISTOGRAM else ("",)
    yield from (f"{name}{part}" for part in parts)


def _check(metric: Metric | None, labels: Mapping[str, str]) -> None:
    if metric is None or set(labels) - {"le"} != set(metric.labels):
        raise DamagedError("it holds what is no metric of this version")
    if "le" in labels and float(labels["le"]) not in BOUNDS:
        raise DamagedError("it holds histograms of another version")


def _key(name: str, labels: Mapping[str, str]) -> Key:
    return name, tuple(sorted(labels.items()))
