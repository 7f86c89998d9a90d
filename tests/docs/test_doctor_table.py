"""The table of what `doctor` finds has each case that is tried, and says of it what is really said."""

from __future__ import annotations

from pathlib import Path

from tests.faults import test_doctor, test_wrong_for_every_batch

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
_, _, AFTER = PAGE.partition("| what is wrong | what `doctor` says |")
ROWS = dict(line.strip("| ").split(" | ", 1) for line in AFTER.partition("\n\n")[0].splitlines()[2:])


def said() -> dict[str, str]:
    """By case, a part of the sentence."""
    every = {name: says for name, (_, says) in test_wrong_for_every_batch.WRONG.items()}
    return every | {name: says for name, (_, _, says) in test_doctor.WRONG.items()}


def test_the_table_has_every_case() -> None:
    assert sorted(ROWS) == sorted(said())


def test_each_row_says_what_is_really_said() -> None:
    for name, says in said().items():
        assert says.replace(test_wrong_for_every_batch.NOWHERE, "db.example.com") in ROWS[name]
