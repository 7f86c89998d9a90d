"""Runs one measured process and adds what only its parent can see: the bytes it received."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from benchmarks.relay import Relay, relayed
from benchmarks.workload import Address, Batch

ROOT = Path(__file__).parent.parent
SHORT_SECONDS, MORE = 3.0, 5
"""Short repetitions are noisy: up to MORE times their number while they take less than SHORT_SECONDS in all."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Medians over the repetitions; memory is the highest of all, above the process' size after its warm-up."""

    store: str
    size: int
    way: str
    repetitions: int
    wall_seconds: float
    cpu_seconds: float
    waiting_cpu_seconds: float
    """What of it the driver's own threads take in so much time while nothing is asked of them."""
    received_bytes: int
    memory_growth_bytes: int
    sampled: int
    """Vectors the sample holds; 0 where there is none."""


@dataclass(slots=True)
class _Measured:
    """A process that checks a batch in one way, and what its runs took."""

    way: str
    relay: Relay
    worker: subprocess.Popen[str]
    runs: list[dict[str, float]] = field(default_factory=list)

    def run(self) -> None:
        before = self.relay.received
        found = _ask(self.worker, "run")
        self.runs.append(found | {"received_bytes": self.relay.received - before})

    def wants(self, repeat: int) -> bool:
        count, seconds = len(self.runs), sum(run["wall_seconds"] for run in self.runs)
        return count < repeat or (count < MORE * repeat and seconds < SHORT_SECONDS)

    def measurement(self, store: str, batch: Batch) -> Measurement:
        def middle(name: str) -> float:
            return statistics.median(run[name] for run in self.runs)

        last = self.runs[-1]  # idle time is counted from the start
        idle = last["idle_cpu_seconds"] / last["idle_seconds"]

        return Measurement(
            store=store,
            size=batch.size,
            way=self.way,
            repetitions=len(self.runs),
            wall_seconds=middle("wall_seconds"),
            cpu_seconds=middle("cpu_seconds"),
            waiting_cpu_seconds=min(middle("cpu_seconds"), idle * middle("wall_seconds")),
            received_bytes=round(middle("received_bytes")),
            memory_growth_bytes=round(max(run["memory_growth_bytes"] for run in self.runs)),
            sampled=len(batch.sample_ids),
        )


def measure(
    store: str, ways: Sequence[str], address: Address, *, warm_up: Batch, batch: Batch, repeat: int
) -> list[Measurement]:
    """Measure ways of checking a batch, each in a process of its own.

    They take turns, so that a machine that is slower for a while is so for all of them.

    Args:
        store, ways: What to run.
        address: Where the store is; each process reaches it through a relay of its own.
        warm_up: A small batch that is checked first, unmeasured.
        batch: The batch.
        repeat: Repetitions at least.

    Raises:
        RuntimeError: A process failed; its own message is on standard error.
    """
    with ExitStack() as opened:
        measured = [opened.enter_context(_measured(store, way, address, warm_up, batch)) for way in ways]
        while wanting := [one for one in measured if one.wants(repeat)]:
            for one in wanting:
                one.run()
    return [one.measurement(store, batch) for one in measured]


@contextmanager
def _measured(store: str, way: str, address: Address, warm_up: Batch, batch: Batch) -> Iterator[_Measured]:
    with relayed(address.uri) as (relay, uri):
        order = {
            "store": store,
            "way": way,
            "address": asdict(replace(address, uri=uri)),
            "warm_up": asdict(warm_up),
            "batch": asdict(batch),
        }
        with _worker(order) as worker:
            yield _Measured(way, relay, worker)


@contextmanager
def _worker(order: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.worker"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as worker:
        try:
            _ask(worker, json.dumps(order))  # by standard input: a command line can be read by everybody
            yield worker
            _pipe(worker.stdin).close()
            worker.wait(timeout=60)
        finally:
            worker.kill()


def _ask(worker: subprocess.Popen[str], line: str) -> dict[str, float]:
    _pipe(worker.stdin).write(line + "\n")
    _pipe(worker.stdin).flush()
    answer = _pipe(worker.stdout).readline()
    if not answer:
        raise RuntimeError(f"The measured process ended with exit code {worker.wait()}; see its message above.")
    found: dict[str, float] = json.loads(answer)
    return found


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
