"""What processes use while they run, looked at ten times a second: memory, and CPU time. Reads /proc, so Linux only."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

INTERVAL = 0.1
CONTROL = "a fixed piece of work"
WORK = 20_000
"""Steps of the fixed piece of work: about a millisecond."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Usage:
    """A process's use over time.

    Attributes:
        at: When it was looked at, seconds since 1970.
        cpu: CPU seconds used until then, all threads.
        megabytes: Resident memory then.
    """

    at: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def cpu_between(self, moments: Sequence[datetime]) -> list[float]:
        """CPU seconds between each moment and the next."""
        return [
            float(used) for used in np.diff(np.interp([moment.timestamp() for moment in moments], self.at, self.cpu))
        ]

    def cpu_around(self, moments: Sequence[datetime]) -> list[float]:
        """Median between each moment and the next, where each look stands for itself; 0 where nobody looked."""
        places = np.searchsorted(self.at, [moment.timestamp() for moment in moments])
        looks = [self.cpu[start:end] for start, end in itertools.pairwise(places)]
        return [float(np.median(found)) if found else 0.0 for found in looks]

    def megabytes_at(self, moment: datetime) -> float:
        """Memory when it was last looked at before a moment; 0 when it never was."""
        place = int(np.searchsorted(self.at, moment.timestamp(), side="right"))
        return self.megabytes[place - 1] if place else 0.0


@contextlib.contextmanager
def watched(processes: Mapping[str, int]) -> Iterator[Mapping[str, Usage]]:
    """Look at processes, named, by their ids, until the block ends.

    A fixed piece of work, done at each look, is there by the name CONTROL: when that takes more CPU time, the machine
    became slower, and nobody else's work grew. Its time is for one look, not summed up.
    """
    seen = {name: Usage() for name in (*processes, CONTROL)}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(INTERVAL):
            _work(seen[CONTROL])
            for name, pid in processes.items():
                with contextlib.suppress(OSError, IndexError):  # it has ended
                    _look(pid, seen[name])

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()


def _work(usage: Usage) -> None:
    start = time.thread_time()
    sum(range(WORK))
    usage.at.append(datetime.now(UTC).timestamp())
    usage.cpu.append(time.thread_time() - start)
    usage.megabytes.append(0.0)


def _look(pid: int, usage: Usage) -> None:
    folder = Path("/proc") / str(pid)
    fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    status = (folder / "status").read_text("utf-8", "replace").splitlines()
    cpu = (int(fields[11]) + int(fields[12])) / TICKS
    megabytes = sum(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024
    usage.at.append(datetime.now(UTC).timestamp())
    usage.cpu.append(cpu)
    usage.megabytes.append(megabytes)
