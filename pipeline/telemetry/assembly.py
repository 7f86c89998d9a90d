"""Which listeners the settings ask for. Their libraries are imported only then: an installation without them works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from pipeline.errors import ConfigurationError
from pipeline.ports import Progress
from pipeline.settings import Settings
from pipeline.telemetry.listening import Listener
from pipeline.telemetry.progress import TelemetryProgress


@dataclass(frozen=True, slots=True)
class Configured:
    """One kind of listener.

    Args:
        variable: The setting that asks for it.
        module: Its module has a function `listener` that makes it of the settings.
        wanted: Whether the settings ask for it.
    """

    variable: str
    module: str
    wanted: Callable[[Settings], object]


LISTENERS = (
    Configured("SLUICEGATE_METRICS_FILE", "pipeline.telemetry.metrics_file", lambda settings: settings.metrics_file),
)


def telemetry(settings: Settings, shown: Progress) -> TelemetryProgress | None:
    """The progress that tells the configured listeners too; None when none is configured.

    Args:
        settings: What is configured.
        shown: Where progress is shown.

    Raises:
        ConfigurationError: What a listener needs is not installed.
    """
    listeners = list(_listeners(settings))
    return TelemetryProgress(shown, listeners, timeout=settings.telemetry_timeout) if listeners else None


def _listeners(settings: Settings) -> Iterator[Listener]:
    for kind in LISTENERS:
        if kind.wanted(settings):
            try:
                module = import_module(kind.module)
            except ImportError as error:
                raise not_installed(f"{kind.variable} is set", error) from error
            yield module.listener(settings)


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
