"""Which command checks whether the stores can be reached: errors of connections name it, where a program has one.

A module of its own, so that a program can say so before it imports anything of weight.
"""

from __future__ import annotations

_KNOWN = {"check": ""}


def checked_by(command: str) -> None:
    """Note the command.

    Args:
        command: As a person types it.
    """
    _KNOWN["check"] = command


def check() -> str:
    """` (the command)`, to be added to a sentence; "" in a program that has none."""
    return f" ({_KNOWN['check']})" if _KNOWN["check"] else ""
