"""What a run lets others see while it works: log lines and progress. All of it goes to stderr; results go to stdout.

In a pipe every event is one JSON line; on a terminal a person reads short lines under a live bar (`observe_console`).
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from expectations_plugins.core.redaction import hidden
from pipeline.config import exposed_env_file
from pipeline.ports.steps import Progress

Event = MutableMapping[str, Any]

PROGRESS_SECONDS = 10.0
"""How often at most a long step says in the log how far it is."""

WARNINGS = frozenset(
    {"retry", "campaign_left_out", "file_left_out", "alert", "alert_failed", "docs_failed", "telemetry_failed"}
)
DEBUGS = frozenset({"attempt_started", "alert_delivery"})
LEVELS = {**dict.fromkeys(WARNINGS, "warning"), **dict.fromkeys(DEBUGS, "debug"), "bug": "error"}
"""Level of an event; others are info."""


def set_up_logging(level: str) -> None:
    """Write our log and the libraries' as JSON lines to stderr.

    Args:
        level: DEBUG, INFO, WARNING or ERROR. Libraries speak from WARNING upwards unless it is DEBUG.
    """
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = [
        structlog.processors.format_exc_info,
        without_secrets,
        _in_reading_order,
        structlog.processors.JSONRenderer(default=str),
    ]
    structlog.configure(
        processors=[
            *shared,
            _without_traceback if level != "DEBUG" else _same,
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    quiet_libraries(handler, logging.DEBUG if level == "DEBUG" else logging.WARNING)
    warn_of_exposed_secrets()


def warn_of_exposed_secrets() -> None:
    """Log a warning when others can read the `.env` that is used."""
    path = exposed_env_file()
    if path is not None:
        logging.getLogger("sluicegate").warning(
            "%s can be read or changed by others than its owner. Run: chmod 600 %s", path, path
        )


def quiet_libraries(handler: logging.Handler, level: int) -> None:
    """Send what libraries log to one handler, from a level upwards."""
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    if level > logging.DEBUG:
        # what drivers say about coming Python versions is for their developers
        logging.getLogger("py.warnings").setLevel(logging.ERROR)


def without_secrets(logger: Any, method: str, event: Event) -> Event:
    """A structlog processor: secrets anywhere in the event become asterisks."""
    del logger, method
    return {key: _without_secrets(value) for key, value in event.items()}


def _without_secrets(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {hide_user_info(str(key)): _without_secrets(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_secrets(part) for part in value]
    return hide_user_info(str(value))


def hide_user_info(text: str) -> str:
    """A text without secrets, in which `scheme://user:password@` has become `scheme://***@`."""
    return hidden(text)


class SecretiveHandler(logging.StreamHandler[Any]):
    """Writes log records as text, tracebacks too, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's text."""
        return hidden(super().format(record))


def traceback_of(error: BaseException) -> str:
    """The traceback without secrets."""
    return hidden("".join(traceback.format_exception(error)))


class JsonProgress(Progress):
    """Every event is a JSON line; `advance` says how far a long step is, now and then."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        self._told: dict[str, float] = {}

    def event(self, name: str, **fields: object) -> None:
        """Log what happened."""
        getattr(self._log, LEVELS.get(name, "info"))(name, **fields)
        if name == "step_started":
            self._told[str(fields.get("step")).partition(":")[2]] = time.monotonic()

    def advance(self, step: str, done: int, total: int | None) -> None:
        """Log how far a step is, unless it was just said."""
        now = time.monotonic()
        if now - self._told.setdefault(step, now) >= PROGRESS_SECONDS:
            self._told[step] = now
            self._log.info("progress", step=step, done=done, total=total)


def _in_reading_order(logger: Any, method: str, event: Event) -> Event:
    del logger, method
    first = {name: event.pop(name, "") for name in ("timestamp", "level", "event")}
    return {**first, **event}


def _without_traceback(logger: Any, method: str, event: Event) -> Event:
    del logger, method
    event.pop("exc_info", None)
    return event


def _same(logger: Any, method: str, event: Event) -> Event:
    del logger, method
    return event
