"""Writes docs/configuration.md from pipeline/config/.

Usage: python docs/configuration_reference.py   A test holds the page equal to the settings.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.config.names import READ_ELSEWHERE
from pipeline.config.reference import variables

PAGE = Path(__file__).parent / "configuration.md"
HEAD = """# Configuration

Generated from `pipeline/config/` by `python docs/configuration_reference.py`; do not edit by hand.

Every setting is an environment variable, or a line `NAME=value` in a file `.env` in the working directory, which is
never committed. A variable that is set wins over the file. Secrets never appear in logs, pages or `gx/`.

With none of `MONGODB_URI`, `NEO4J_URI`, `MILVUS_URI`, `BIGQUERY_PROJECT` and `GEMINI_API_KEY` set, all run as local
servers. With some set, each of the others must be set too, or be `local`. `SLUICEGATE_ENV=production` refuses local
servers altogether.

A name that begins with `SLUICEGATE_` and is not on this page is refused by every command, with exit code 2 and the
nearest name that is: a misspelt setting would be a default without a word.

| variable | what | default |
|---|---|---|
"""
ELSEWHERE = """
## No settings, and known

Variables of the environment that local servers and tests read.

| variable | what |
|---|---|
"""


def page() -> str:
    """The page's text."""
    rows = []
    for one in variables():
        default = f"`{one.default}`".replace("|", "\\|") if one.default else ""
        secret = " (secret)" if one.is_secret else ""
        rows.append(f"| `{one.name}` | {one.description}{secret} | {default} |\n")
    elsewhere = (f"| `{name}` | {what} |\n" for name, what in READ_ELSEWHERE.items())
    return "".join([HEAD, *rows, ELSEWHERE, *elsewhere])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
