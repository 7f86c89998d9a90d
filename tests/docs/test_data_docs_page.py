"""Every command of the Data Docs page is run, as it is written, on the sample; its pictures are there."""

from __future__ import annotations

import re
import runpy
import shlex
import signal
import urllib.error
import urllib.request

import pytest

from tests.end_to_end.conftest import ROOT, Workspace, make_workspace, workspace

__all__ = ["make_workspace", "workspace"]

PAGE = (ROOT / "docs" / "data-docs.md").read_text("utf-8")
COMMANDS = runpy.run_path(str(ROOT / "docs" / "readme_commands.py"))["commands"](PAGE)
PROGRAM = ".venv/bin/python run.py "


@pytest.fixture(scope="module")
def sample(workspace: Workspace) -> Workspace:
    folder = ROOT / "docs" / "sample"
    workspace.run(folder / "landing", "--campaigns", folder / "campaigns.jsonl")
    return workspace


@pytest.fixture(scope="module")
def printed(sample: Workspace) -> dict[str, str]:
    """What each command prints, in the order of the page."""
    found = {}
    for line in COMMANDS["docs"].splitlines():
        done = sample.cli(*shlex.split(line.removeprefix(PROGRAM)))
        assert done.returncode == 0, done.stderr
        found[line.removeprefix(PROGRAM)] = done.stdout
    return found


def test_every_command_does_what_the_page_says(printed: dict[str, str]) -> None:
    path = printed["docs path"].strip()
    assert path.endswith("index.html")
    assert printed["docs open"].strip() == f"file://{path}"
    assert printed["docs build"].strip() == f"3 batches, 9 results: {path}"
    assert printed["docs prune"].startswith("0 batches and 0 results of 0 days before ")


def test_the_pages_are_served_and_folders_are_not_listed(sample: Workspace, printed: dict[str, str]) -> None:
    assert printed
    server = sample.start("docs", "serve", "--port", "0")
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert b"The last batches" in answer.read()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}batches/", timeout=10)
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 130


def test_a_port_that_is_taken_is_said(sample: Workspace, printed: dict[str, str]) -> None:
    assert printed
    server = sample.start("docs", "serve", "--port", "0")
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip().rstrip("/").rpartition(":")[2]
        second = sample.cli("docs", "serve", "--port", port)
        assert (second.returncode, f"Port {port} cannot be used" in second.stderr) == (2, True)
    finally:
        server.terminate()
        server.wait(30)


def test_every_picture_and_page_it_names_is_there() -> None:
    named = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert [name for name in named if not (ROOT / "docs" / name).is_file()] == []


def test_every_shown_command_is_run() -> None:
    lines = re.findall(r"^\.venv/bin/python run\.py .*$", PAGE, re.MULTILINE)
    assert lines == COMMANDS["docs"].splitlines()
