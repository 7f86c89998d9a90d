"""OpenTelemetry over HTTP: where a collector is, how it is asked, and who we say we are."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.util.re import parse_env_headers

from expectations_plugins.core.redaction import remember
from pipeline.config import Settings
from pipeline.core.version import code_version

SCOPE = "sluicegate"


@dataclass(frozen=True, slots=True)
class Collector:
    """A collector.

    Args:
        address: Without the path of a signal.
        headers: Sent with every request; they may hold a key.
        timeout: Seconds one request may take, retries included.
    """

    address: str
    headers: dict[str, str] = field(repr=False)
    timeout: float

    def url(self, signal: str) -> str:
        """Where `traces` or `metrics` go."""
        return f"{self.address.rstrip('/')}/v1/{signal}"


def collector(settings: Settings) -> Collector:
    """The collector of the settings; from now on logs and errors hide its headers' values."""
    given = settings.otlp_headers
    headers = dict(parse_env_headers(given.get_secret_value(), liberal=True)) if given is not None else {}
    remember(headers.values())
    # what goes wrong is told once, by us; the library would say it every time
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    # half of what the end of a run may wait: a receiver that hangs is found out within it
    return Collector(settings.otlp_endpoint or "", headers, settings.telemetry_timeout / 2)


def resource() -> Resource:
    """Who we are; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win."""
    ours = Resource({"service.name": SCOPE, "service.version": code_version()})
    return ours.merge(OTELResourceDetector().detect())
