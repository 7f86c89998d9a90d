"""Which listeners the settings ask for. Their libraries are imported only then: an installation without them works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from expectations_plugins.core.errors import ConfigurationError
from pipeline.config import Settings
from pipeline.config.connections import Connections
from pipeline.ports.steps import Progress
from pipeline.telemetry.event_dispatch import Listener
from pipeline.telemetry.progress import TelemetryProgress

LISTENERS = (
    ("otlp_endpoint", "pipeline.telemetry.otel_traces"),
    ("otlp_endpoint", "pipeline.telemetry.otel_metrics"),
    ("metrics_file", "pipeline.telemetry.metrics_file"),
    ("lineage_file", "pipeline.telemetry.openlineage_file"),
    ("lineage_url", "pipeline.telemetry.openlineage_http"),
)
"""The setting that asks for a listener, and its module, whose function `listener` makes it."""


def telemetry(settings: Settings, shown: Progress, connections: Callable[[], Connections]) -> TelemetryProgress | None:
    """The progress that tells the configured listeners too; None when none is configured.

    Args:
        settings: What is configured.
        shown: Where progress is shown.
        connections: Where the stores are; asked from a listener's thread, once a batch is at work.

    Raises:
        ConfigurationError: What a listener needs is not installed.
    """
    listeners = list(_listeners(settings, connections))
    return TelemetryProgress(shown, listeners, timeout=settings.telemetry_timeout) if listeners else None


def _listeners(settings: Settings, connections: Callable[[], Connections]) -> Iterator[Listener]:
    for setting, name in LISTENERS:
        if getattr(settings, setting):
            try:
                module = import_module(name)
            except ImportError as error:
                raise not_installed(f"{Settings.model_fields[setting].alias} is set", error) from error
            yield module.listener(settings, connections)


def not_installed(why: str, error: ImportError) -> ConfigurationError:
    """The error of a missing library.

    Args:
        why: Why it is needed, as half a sentence.
        error: What Python said.
    """
    return ConfigurationError(
        f"{why}, but {(error.name or 'a library').partition('.')[0]} is not installed.",
        next_step="Install the extra: pip install 'sluicegate[telemetry]'",
    )
