"""Writes docs/gates.md: what follows from each gate's verdict, from the table the code itself acts on.

Usage: python docs/gates_table.py   A test holds the page equal to the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.core.policy import GATE_MARKS
from pipeline.core.topology import GATE_STEPS

FOLDER = Path(__file__).parent
PAGE = FOLDER / "gates.md"
GREEN = "the batch leaves what is open"


def rows() -> Iterator[str]:
    """The table, line by line."""
    yield "| gate | verdict | the batch | records | alert | the command to run next |"
    yield "|---|---|---|---|---|---|"
    consequences = {(step.name, verdict): one for step in GATE_STEPS.values() for verdict, one in step.policy.items()}
    for (gate, verdict), follows in sorted(consequences.items()):
        alert = follows.severity or (GREEN if verdict == "PASS" else "-")
        command = f"`run.py {follows.command.format(batch='BATCH')}`" if follows.command else "-"
        yield f"| {gate} | {verdict} | {follows.batch} | {GATE_MARKS[follows.mark] or '-'} | {alert} | {command} |"


def page() -> str:
    """The page's text."""
    return (FOLDER / "gates.template.md").read_text("utf-8").replace("{{ table }}", "\n".join(rows()))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
