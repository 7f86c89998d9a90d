"""Prints the commands of README.md, so that CI and the tests run what a reader copies.

Usage: python docs/readme_commands.py NAME   NAME is the text after `<!-- command: ` above a fenced block.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"<!-- command: (?P<name>\w+) -->\s*```bash\n(?P<text>.*?)```", re.DOTALL)


def commands(text: str) -> dict[str, str]:
    """Each named block's commands."""
    return {found["name"]: found["text"].strip() for found in BLOCK.finditer(text)}


if __name__ == "__main__":
    print(commands(README.read_text(encoding="utf-8"))[sys.argv[1]])
