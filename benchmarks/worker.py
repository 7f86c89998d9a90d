"""One measured process: one way of checking one batch. Started by `measuring`, which speaks to it in lines of JSON.

In comes one line that says what to do, then one line for each repetition; each is answered by one line.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from benchmarks.workload import Address, Batch, Check

IDLE_SECONDS = 1.0
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def main() -> None:
    """Get ready, then check the batch as often as asked."""
    answers = _own_output()
    order = json.loads(sys.stdin.readline())
    module = importlib.import_module(f"benchmarks.{order['store']}_gate")
    check: Check = module.WAYS[order["way"]](Address(**order["address"]))
    check(_batch(order["warm_up"]))
    batch = _batch(order["batch"])
    gc.collect()
    _forget_peak()
    base, idle = _peak_bytes(), _Idle()
    time.sleep(IDLE_SECONDS)
    _say(answers, {"ready": True})
    for _ in sys.stdin:
        idle.ends()
        _say(answers, _measure(check, batch, base) | {"idle_seconds": idle.wall, "idle_cpu_seconds": idle.cpu})
        idle.begins()


def _measure(check: Check, batch: Batch, base: int) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    check(batch)
    took, spent = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall_seconds": took, "cpu_seconds": spent, "memory_growth_bytes": max(0, _peak_bytes() - base)}


class _Idle:
    """The time in which nothing was asked of this process, and what its drivers' own threads took of the CPU in it."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self.begins()

    def begins(self) -> None:
        self._since = time.perf_counter(), time.process_time()

    def ends(self) -> None:
        wall, cpu = self._since
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu


def _batch(values: dict[str, Any]) -> Batch:
    return Batch(values["batch_id"], values["size"], tuple(values["sample_ids"]))


def _forget_peak() -> None:
    """Let the highest memory so far be today's (Linux; elsewhere the peak of the imports counts too)."""
    if CLEAR.exists():
        CLEAR.write_text("5", encoding="ascii")


def _peak_bytes() -> int:
    if STATUS.exists():
        line = next(line for line in STATUS.read_text("ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _own_output() -> TextIO:
    """Standard output for answers only; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _say(answers: TextIO, value: dict[str, Any]) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
