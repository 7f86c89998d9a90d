"""Placeholder while the real one is written."""

from __future__ import annotations

import re


def like(pattern: str) -> str:
    """A LIKE pattern as a regex."""
    parts = ["[\\s\\S]*" if c == "%" else "[\\s\\S]" if c == "_" else re.escape(c) for c in pattern]
    return "^(?:" + "".join(parts) + ")(?![\\s\\S])"
