"""Runs one measured process and adds what only its parent can see: the bytes it received."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from benchmarks.relay import relayed
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


def measure(store: str, way: str, address: Address, *, warm_up: Batch, batch: Batch, repeat: int) -> Measurement:
    """Measure one way of checking a batch, in a process of its own.

    Args:
        store, way: What to run.
        address: Where the store is; the process reaches it through a relay.
        warm_up: A small batch that is checked first, unmeasured.
        batch: The batch.
        repeat: Repetitions at least.

    Raises:
        RuntimeError: The process failed; its own message is on standard error.
    """
    with relayed(address.uri) as (relay, uri):
        order = {
            "store": store,
            "way": way,
            "address": asdict(replace(address, uri=uri)),
            "warm_up": asdict(warm_up),
            "batch": asdict(batch),
        }
        with _worker(order) as worker:
            runs: list[dict[str, float]] = []
            while len(runs) < repeat or (len(runs) < MORE * repeat and _seconds(runs) < SHORT_SECONDS):
                before = relay.received
                found = _ask(worker, "run")
                runs.append(found | {"received_bytes": relay.received - before})
    return Measurement(
        store=store,
        size=batch.size,
        way=way,
        repetitions=len(runs),
        wall_seconds=statistics.median(run["wall_seconds"] for run in runs),
        cpu_seconds=statistics.median(run["cpu_seconds"] for run in runs),
        waiting_cpu_seconds=statistics.median(run["waiting_cpu_seconds"] for run in runs),
        received_bytes=round(statistics.median(run["received_bytes"] for run in runs)),
        memory_growth_bytes=round(max(run["memory_growth_bytes"] for run in runs)),
        sampled=len(batch.sample_ids),
    )


def _seconds(runs: list[dict[str, float]]) -> float:
    return sum(run["wall_seconds"] for run in runs)


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
