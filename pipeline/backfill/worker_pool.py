"""Processes that do batches side by side: one at a time each, a JSON line in, a JSON line out.

A process a worker rather than a thread, because Great Expectations runs one checkpoint at a time in a process; a
process for many batches, because it takes seconds to import. Whatever ends a worker, its batch is as resumable as any.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from expectations_plugins.core.errors import ExitCode, SluicegateError
from pipeline.backfill.items import Do, Item
from pipeline.core.batches import short
from pipeline.core.program import child_environment

PATIENCE_SECONDS = 30.0
"""How long a worker has to stop after it was told to."""

Answer = Mapping[str, Any]


class Crew:
    """Some workers.

    Args:
        command: Starts one, which calls `serve`.
        size: How many.
        log: Where their log lines go; None for this process's stderr.
    """

    def __init__(self, command: Sequence[str], size: int, *, log: IO[Any] | int | None = None) -> None:
        self._command, self._size, self._log = list(command), size, log
        self._processes: list[subprocess.Popen[str]] = []
        self._starting = threading.Lock()
        self._stopped = False

    def do(self, items: Sequence[Item]) -> Iterator[tuple[Item, Answer]]:
        """What became of each batch, as they are done."""
        waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
        done: queue.SimpleQueue[tuple[Item, Answer]] = queue.SimpleQueue()
        for item in items:
            waiting.put(item)
        for _ in range(min(self._size, len(items))):
            threading.Thread(target=self._work, args=(waiting, done), daemon=True).start()
        for _ in items:
            yield done.get()

    def stop(self) -> None:
        """End the workers; what they are at stays resumable."""
        with self._starting:
            self._stopped = True
            processes, self._processes = self._processes, []
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _close(process)

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _work(self, waiting: queue.SimpleQueue[Item], done: queue.SimpleQueue[tuple[Item, Answer]]) -> None:
        process: subprocess.Popen[str] | None = None
        while not self._stopped:
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                return
            if process is None or process.poll() is not None:
                process = self._started()
            answer = None if process is None else _asked(process, item)
            done.put((item, answer or _lost(item, process)))

    def _started(self) -> subprocess.Popen[str] | None:
        with self._starting:
            if self._stopped:
                return None
            pipe = subprocess.PIPE
            process = subprocess.Popen(  # noqa: S603 - this program itself, and no argument from data
                self._command, stdin=pipe, stdout=pipe, stderr=self._log, text=True, env=child_environment()
            )
            self._processes.append(process)
            return process


def serve(lines: IO[str], answers: IO[str], do: Do) -> None:
    """A worker: do the batch each line asks for, until there are no more.

    Args:
        lines: Items as JSON.
        answers: Where what became of them goes.
        do: Does one.
    """
    for line in lines:
        item = Item.from_data(json.loads(line))
        try:
            answer = do(item)
        except SluicegateError as error:
            answer = _answer(item, error.exit_code, error.message, error.next_step)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _asked(process: subprocess.Popen[str], item: Item) -> Answer | None:
    """A worker's answer; None when it ended instead."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(item.as_data()) + "\n")
        process.stdin.flush()
        answer: Answer = json.loads(process.stdout.readline())
    except (OSError, ValueError):
        return None
    return answer


def _lost(item: Item, process: subprocess.Popen[str] | None) -> Answer:
    code = None if process is None else process.wait()
    why = "the backfill was stopped" if code is None else f"the process that was at it ended with {code}"
    return _answer(item, ExitCode.OUTAGE, f"Batch {short(item.batch_id)} was not finished: {why}.", "Run it again.")


def _answer(item: Item, code: int, message: str, next_step: str) -> Answer:
    return {"batch_id": item.batch_id, "exit_code": int(code), "message": message, "next_step": next_step}


def _close(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
