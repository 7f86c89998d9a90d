"""Characters that cannot be seen, and what people are shown of text that has them: it may come from anybody.

A right-to-left override (U+202E) makes `gpj.exe` look like `exe.jpg`; a zero width space makes two ids look the same.
"""

from __future__ import annotations

import unicodedata

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories: controls, formats (bidirectional, zero width), halves of surrogates, private use, not assigned,
separators of lines and of paragraphs."""


def is_unseen(character: str) -> bool:
    """Whether a character cannot be seen."""
    return unicodedata.category(character) in UNSEEN


def without_unseen(text: str, *, but: str = "") -> str:
    """Text with a replacement character for each that cannot be seen.

    Args:
        text: The text.
        but: Characters that stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join("\N{REPLACEMENT CHARACTER}" if is_unseen(one) and one not in but else one for one in text)
