"""Every command of the backfill page is run, as it is written; what it prints is what the page shows."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil

import pytest

from tests.end_to_end.conftest import ROOT, Workspace, make_workspace, workspace

__all__ = ["make_workspace", "workspace"]

PAGE = (ROOT / "docs" / "backfill.md").read_text("utf-8")
COMMANDS = runpy.run_path(str(ROOT / "docs" / "readme_commands.py"))["commands"](PAGE)
OUTPUT = re.compile(r"<!-- command: (\w+) -->\n```bash\n.*?```\n\n```\n(.*?)```", re.DOTALL)
SHOWN = dict(OUTPUT.findall(PAGE))


@pytest.fixture(scope="module")
def printed(workspace: Workspace) -> dict[str, tuple[int, str]]:
    """Exit code and output of each block, in the order of the page."""
    shutil.copytree(ROOT / "docs" / "sample", workspace.folder / "docs" / "sample")
    done = {name: workspace.cli(*shlex.split(text.removeprefix("python run.py "))) for name, text in COMMANDS.items()}
    return {name: (one.returncode, one.stdout) for name, one in done.items()}


@pytest.mark.parametrize(("name", "code"), [("dry", 0), ("do", 10), ("outdated", 0)])
def test_a_command_prints_what_the_page_shows(printed: dict[str, tuple[int, str]], name: str, code: int) -> None:
    assert printed[name] == (code, SHOWN[name])


def test_every_block_of_the_page_is_run_and_shown() -> None:
    assert COMMANDS.keys() == SHOWN.keys() == {"dry", "do", "outdated"}
