"""Workers side by side: real processes that answer, die, or are stopped."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from expectations_plugins.core.errors import ConfigurationError, TransientError
from pipeline.backfill import Crew, Item, Kind, serve

COMMAND = [sys.executable, "-m", "tests.backfill.test_crew"]


def do(item: Item) -> Mapping[str, Any]:
    """What the workers of these tests do; the source says what."""
    match item.source:
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "outage":
            raise TransientError("The store is down.")
        case "wrong":
            raise ConfigurationError("A setting is wrong.", next_step="Set it right.")
        case "wait":
            time.sleep(600)
        case _:
            return {"batch_id": item.batch_id, "exit_code": 0, "worker": os.getpid()}
    raise AssertionError(item)


def items(*sources: str) -> list[Item]:
    return [Item(Kind.MISSING, f"{number:064x}", source) for number, source in enumerate(sources)]


def answers(*sources: str, size: int = 2) -> dict[str, Mapping[str, Any]]:
    with Crew(COMMAND, size) as crew:
        return {item.batch_id: answer for item, answer in crew.do(items(*sources))}


def test_every_batch_is_done_once(tmp_path: Path) -> None:
    del tmp_path
    found = answers(*["fine"] * 20, size=3)
    assert [answer["exit_code"] for answer in found.values()] == [0] * 20


def test_no_more_workers_than_were_asked_for() -> None:
    assert len(Counter(answer["worker"] for answer in answers(*["fine"] * 20, size=2).values())) <= 2


def test_a_worker_that_dies_costs_its_own_batch_and_is_replaced() -> None:
    found = answers("fine", "die", *["fine"] * 5, size=1)
    codes = [found[f"{number:064x}"]["exit_code"] for number in range(7)]
    assert codes == [0, 3, 0, 0, 0, 0, 0]
    assert "ended with -9" in found[f"{1:064x}"]["message"]


@pytest.mark.parametrize(("source", "code"), [("outage", 3), ("wrong", 2)])
def test_an_error_is_an_answer_and_the_worker_goes_on(source: str, code: int) -> None:
    found = answers(source, "fine", size=1)
    assert [found[f"{number:064x}"]["exit_code"] for number in range(2)] == [code, 0]


def test_a_command_that_cannot_start_is_an_answer_for_every_batch() -> None:
    with Crew([sys.executable, "-c", "raise SystemExit(2)"], 2) as crew:
        assert [answer["exit_code"] for _, answer in crew.do(items("fine", "fine", "fine"))] == [3, 3, 3]


def test_stopping_ends_workers_that_are_at_work() -> None:
    with Crew(COMMAND, 1) as crew:
        done = crew.do(items("fine", "wait"))
        _, first = next(done)
    with pytest.raises(ProcessLookupError):
        os.kill(first["worker"], 0)


def test_nothing_to_do_starts_nobody() -> None:
    with Crew(["/nowhere/at/all"], 2) as crew:
        assert list(crew.do([])) == []


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    serve(sys.stdin, sys.stdout, do)


def test_an_answer_is_one_line(tmp_path: Path) -> None:
    lines, written = tmp_path / "in", tmp_path / "out"
    lines.write_text("".join(json.dumps(item.as_data()) + "\n" for item in items("a\nb", "fine")))
    with lines.open() as source, written.open("w") as target:
        serve(source, target, do)
    assert len(written.read_text().splitlines()) == 2
