"""Standard streams that can be written no more: what cannot be said must not stop what is done."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, TextIO


class Forgiving:
    """A text stream whose writes never fail: a log on a full disk, or a pipe nobody reads, loses lines.

    Args:
        stream: Where texts go as long as they can.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text if that can be done."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush if that can be done."""
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def let_go_of_stdout() -> None:
    """Forget what could not be written to stdout, so that the interpreter does not fail over it at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
