"""Plain text that reads well on a terminal and in a file: aligned tables, short times, counts, coloured words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from expectations_plugins.core.characters import without_unseen
from pipeline.core.batches import BatchStatus, LoadCounts

COLOURS = {
    **dict.fromkeys(("PASS", "EMPTY", "closed", "up", "ok", "delivered"), "green"),
    **dict.fromkeys(("WARN", "held", "running", "unfinished"), "yellow"),
    **dict.fromkeys(("FAIL", "ERROR", "halted", "inconsistent", "dead", "unreachable", "failed"), "red"),
}


def coloured(word: str) -> str:
    """A verdict or status in its colour; click leaves the colour out where it would not be seen."""
    return click.style(word, fg=COLOURS[word]) if word in COLOURS else word


def verdict(word: str, *, passed_over: bool) -> str:
    """A verdict in its colour, `-` when there is none yet; with a word on it when a person let the batch pass."""
    return f"{coloured(word)}, resumed" if passed_over else coloured(word or "-")


def status_word(status: str) -> str:
    """How a run that has ended speaks of a batch: one it left running is unfinished."""
    return "unfinished" if status == BatchStatus.RUNNING else status


def printable(text: object) -> str:
    """Text that came from data, on one line, without what would steer a terminal, or cannot be seen or encoded."""
    return without_unseen(str(text))


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> list[str]:
    """Align columns.

    Args:
        header: Column titles.
        rows: Cells.
        right: Titles of the columns that are aligned to the right.
    """
    widths = [max(len(click.unstyle(row[i])) for row in (header, *rows)) for i in range(len(header))]
    to_right = [title in right for title in header]
    lines = ["  ".join(map(_padded, row, widths, to_right)).rstrip() for row in (header, *rows)]
    return [click.style(lines[0], bold=True), *lines[1:]]


def counts(numbers: LoadCounts) -> str:
    """What became of a batch's records, leaving out what did not happen: `60 read, 57 accepted, 3 quarantined`."""
    parts = ((name, getattr(numbers, name)) for name in LoadCounts.__slots__)
    return ", ".join(f"{value:,} {name}" for name, value in parts if value or name in {"read", "accepted"})


def seconds(value: object) -> str:
    """A duration in seconds, `-` when there is none."""
    return f"{value:,.1f}" if isinstance(value, (int, float)) else "-"


def moment(value: object) -> str:
    """A time as `2026-11-20 09:10:00Z`, `-` when there is none."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if isinstance(value, datetime) else "-"


def _padded(cell: str, width: int, to_right: bool) -> str:
    space = " " * (width - len(click.unstyle(cell)))
    return space + cell if to_right else cell + space
