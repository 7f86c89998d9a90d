"""Every command of the page on lineage is run, as it is written, on the sample; it prints what the page shows."""

from __future__ import annotations

import json
import re
import runpy
import shlex

import pytest

from tests.end_to_end.conftest import ROOT, Workspace, make_workspace, workspace

__all__ = ["make_workspace", "workspace"]

PAGE = (ROOT / "docs" / "lineage.md").read_text("utf-8")
COMMANDS = runpy.run_path(str(ROOT / "docs" / "readme_commands.py"))["commands"](PAGE)
SHOWN = dict(re.findall(r"<!-- command: (\w+) -->\n```bash\n.*?```\n\n```\n(.*?)```", PAGE, re.DOTALL))
PROGRAM = ".venv/bin/python run.py "

DIFFERS = {
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(Z|\+00:00)": "TIME",
    r"-(raw|graph|vectors)-[0-9a-f]{8}": r"-\1-RUN",
    r"page file://\S+/validations/(\w+)/\S+": r"page \1",
    r"file /\S+/docs/": "file docs/",
    r"fence \d+": "fence N",
}
"""What differs from run to run."""


@pytest.fixture(scope="module")
def printed(workspace: Workspace) -> dict[str, str]:
    """What each command prints."""
    folder = ROOT / "docs" / "sample"
    workspace.run(folder / "landing", "--campaigns", folder / "campaigns.jsonl")
    found = {}
    for name, line in COMMANDS.items():
        done = workspace.cli(*shlex.split(line.removeprefix(PROGRAM)))
        assert done.returncode == 0, done.stderr
        found[name] = done.stdout
    return found


def timeless(text: str) -> list[str]:
    for pattern, instead in DIFFERS.items():
        text = re.sub(pattern, instead, text)
    return text.splitlines()


@pytest.mark.parametrize("name", ["orphan", "quarantined"])
def test_a_command_prints_what_the_page_shows(printed: dict[str, str], name: str) -> None:
    assert timeless(printed[name]) == timeless(SHOWN[name])


def test_the_json_holds_a_key_a_store(printed: dict[str, str]) -> None:
    keys = ["interaction_id", "mongodb", "bigquery", "neo4j", "milvus", "batch", "contradictions"]
    assert list(json.loads(printed["json"])) == keys


def test_every_shown_command_is_run() -> None:
    lines = re.findall(r"^\.venv/bin/python run\.py .*$", PAGE, re.MULTILINE)
    assert lines == list(COMMANDS.values())
