"""The listener that keeps a Prometheus text file: counters that grow over many short processes, replaced whole.

node_exporter's textfile collector reads it, and `run.py metrics`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from expectations_plugins.core.errors import TransientError
from pipeline.config import Settings
from pipeline.config.connections import Connections
from pipeline.storage import atomic_files
from pipeline.storage.locks import FileLock
from pipeline.telemetry.event_dispatch import Happened, Listener
from pipeline.telemetry.measuring import Measurement, measured
from pipeline.telemetry.prometheus import DamagedError, Samples, count, samples_in, text_of

WRITTEN_AT = frozenset({"batch_ended", "batch_stopped"})
"""A kill loses what has happened since the last of these."""

LOCK_SECONDS = 2.0
"""How long to wait while another process adds to the file; that takes milliseconds."""


def listener(settings: Settings, connections: Callable[[], Connections]) -> Listener:
    """The listener of the settings."""
    del connections
    assert settings.metrics_file is not None
    return MetricsFile(settings.metrics_file)


class MetricsFile(Listener):
    """Adds what a run counts to the file after each batch and at the end.

    Args:
        path: The file; its folder is made.
    """

    name = "the metrics file"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[Measurement] = []

    def hear(self, happened: Happened) -> None:
        """Keep an event's measurements; write them when a batch has ended.

        Raises:
            TransientError: The file cannot be written, or was damaged and starts anew.
        """
        self._waiting.extend(measured(happened))
        if happened.name in WRITTEN_AT:
            self._write()

    def close(self) -> None:
        """Write what is left.

        Raises:
            TransientError: As `hear`.
        """
        self._write()

    def _write(self) -> None:
        """What could not be written stays, to be written next time."""
        if not self._waiting:
            return
        try:
            damage = self._added()
        except OSError as error:
            raise TransientError(
                f"{self._path} cannot be written: {error.strerror or error}.",
                next_step="Make room or mend the permissions of the folder of SLUICEGATE_METRICS_FILE.",
            ) from error
        self._waiting = []
        if damage:
            raise TransientError(f"{self._path} was damaged: {damage}. Its counters start anew.")

    def _added(self) -> str:
        """Add what waits to the file; what was wrong with the file, "" when it was whole."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._path.with_name(f"{self._path.name}.lock")) as lock:
            if not lock.await_exclusive(LOCK_SECONDS):
                raise TimeoutError(f"another process has held its lock for {LOCK_SECONDS:.0f} s")
            samples, damage = read(self._path)
            for measurement in self._waiting:
                count(samples, measurement)
            atomic_files.write(self._path, text_of(samples).encode("utf-8"))  # whole or not at all
        return damage


def read(path: Path) -> tuple[Samples, str]:
    """The samples of a file, none of one that is not there; and what is wrong with it, as half a sentence."""
    try:
        return samples_in(path.read_text("utf-8")), ""
    except FileNotFoundError:
        return {}, ""
    except UnicodeDecodeError:
        return {}, "it is not text"
    except DamagedError as error:
        return {}, str(error)
