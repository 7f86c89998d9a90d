"""What `doctor` finds out about a store that answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Checkup:
    """A store that can be used.

    Args:
        server: The server's version; "" of a service that says none.
        notes: What is not wrong and ought to be known, in whole sentences.
    """

    server: str
    notes: tuple[str, ...] = ()


Probe = Callable[[], Checkup]
"""Asks a store. TransientError: it cannot be reached; ConfigurationError: it cannot be used."""
