"""What a run lets others see while it works: log lines and progress. All of it goes to stderr; results go to stdout.

In a pipe every event is one JSON line; on a terminal a person reads short lines under a live bar (`observe_console`).
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog

from pipeline.ports import Progress

Event = MutableMapping[str, Any]

PROGRESS_SECONDS = 10.0
"""How often at most a long step says in the log how far it is."""

WARNINGS = frozenset({"retry", "campaign_left_out", "alert", "alert_failed"})
ERRORS = frozenset({"bug"})
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")


def set_up_logging(level: str) -> None:
    """Write our log and the libraries' as JSON lines to stderr.

    Args:
        level: DEBUG, INFO, WARNING or ERROR. Libraries speak from WARNING upwards unless it is DEBUG.
    """
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_secrets,
    ]
    structlog.configure(
        processors=[
            *shared,
            _without_traceback if level != "DEBUG" else _same,
            structlog.processors.format_exc_info,
            _in_reading_order,
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _in_reading_order,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    quiet_libraries(handler, logging.DEBUG if level == "DEBUG" else logging.WARNING)


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
    """A structlog processor: user and password of any address in the event become asterisks."""
    del logger, method
    for key, value in event.items():
        if isinstance(value, str) and "://" in value:
            event[key] = hide_user_info(value)
    return event


def hide_user_info(text: str) -> str:
    """A text in which `scheme://user:password@` has become `scheme://***@`."""
    return _USER_INFO.sub("***", text)


class JsonProgress(Progress):
    """Every event is a JSON line; `advance` says how far a long step is, now and then."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        self._told: dict[str, float] = {}

    def event(self, name: str, **fields: object) -> None:
        """Log what happened."""
        level = "error" if name in ERRORS else "warning" if name in WARNINGS else "info"
        getattr(self._log, level)(name, **fields)
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
