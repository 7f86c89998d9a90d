"""The page about security names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.security.processes import ROOT

NAMED = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "security.md").read_text("utf-8")))


def names_in(folder: Path) -> set[str]:
    texts = (path.read_text("utf-8") for path in folder.rglob("test_*.py"))
    return {name for text in texts for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)}


def test_every_test_the_page_names_is_there() -> None:
    assert len(NAMED) > 40
    assert NAMED - names_in(ROOT / "tests") == set()
