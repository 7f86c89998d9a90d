"""The lines a trace's tree is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.cli.dlq_shared import escaped
from pipeline.core.traces import Answer


@dataclass(frozen=True, slots=True)
class Line:
    """A line and what belongs under it.

    Args:
        text: Without control characters.
        kind: What it says of the record: title, store, good, warning, bad, quiet, or "".
        parts: The lines below.
    """

    text: str
    kind: str = ""
    parts: tuple[Line, ...] = ()


def said(answer: Answer[Any], *, fallback: str = "") -> Iterator[Line]:
    """Why a store has nothing, or could not answer; no line where it needs none."""
    if answer.problem:
        yield Line(f"could not be asked: {escaped(answer.problem)}", "bad")
    elif answer.why_none:
        yield Line(
            f"nothing: {escaped(answer.why_none)}" if answer.value is None else escaped(answer.why_none), "quiet"
        )
    elif answer.value is None and fallback:
        yield Line(f"nothing: {fallback}", "bad")
