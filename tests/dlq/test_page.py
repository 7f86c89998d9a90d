"""Every command of the dead-letter page is run, as it is written, on the sample; what it prints is what it shows."""

from __future__ import annotations

import re
import runpy
import shlex

import pytest

from tests.end_to_end.conftest import ROOT, Workspace, make_workspace, workspace
from tests.end_to_end.oracle import Stores

__all__ = ["make_workspace", "workspace"]

PAGE = (ROOT / "docs" / "dead-letters.md").read_text("utf-8")
COMMANDS = runpy.run_path(str(ROOT / "docs" / "readme_commands.py"))["commands"](PAGE)
SHOWN = dict(re.findall(r"<!-- command: (\w+) -->\n```bash\n.*?```\n(?:\n[^`]*?)?\n```\n(.*?)```", PAGE, re.DOTALL))
PROGRAM = "python run.py "
NOT_ZERO = {"replay": 10}
"""Commands whose exit code is another, as the page says."""


@pytest.fixture(scope="module")
def sample(workspace: Workspace) -> Workspace:
    folder = ROOT / "docs" / "sample"
    workspace.run(folder / "landing", "--campaigns", folder / "campaigns.jsonl")
    return workspace


@pytest.fixture(scope="module")
def printed(sample: Workspace) -> dict[str, str]:
    """What each block of commands prints, in the order of the page."""
    return {name: "".join(run(sample, name, line) for line in text.splitlines()) for name, text in COMMANDS.items()}


def run(sample: Workspace, name: str, line: str) -> str:
    assert line.startswith(PROGRAM)
    done = sample.cli(*shlex.split(line.removeprefix(PROGRAM)))
    assert done.returncode == NOT_ZERO.get(name, 0), done.stderr
    return done.stdout


def timeless(text: str) -> list[str]:
    """Lines without what differs from run to run: times, durations, where things are; and without the docs' address."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "TIME", text)
    text = re.sub(r"(?<=\s)\S*?(docs/sample/|\.sluicegate/)", r"\1", text)
    text = re.sub(r" +\d+\.\d(?=  |\n)", " SECONDS", text)
    return [line for line in text.splitlines() if line.strip() and not line.startswith("Data Docs")]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_prints_what_the_page_shows(printed: dict[str, str], name: str) -> None:
    lines = timeless(SHOWN[name])
    assert timeless(printed[name])[-len(lines) :] == lines


def test_every_shown_command_is_run() -> None:
    lines = re.findall(r"^python run\.py .*$", PAGE, re.MULTILINE)
    assert sorted(lines) == sorted(line for text in COMMANDS.values() for line in text.splitlines())


def test_all_four_stores_agree_and_every_batch_adds_up(printed: dict[str, str], sample: Workspace) -> None:
    assert printed
    stores = Stores(sample.places)
    flowing = set(stores.raw_ids()) - stores.quarantined_ids()
    assert (set(stores.graph_ids()), stores.published()) == (flowing, len(flowing))
    assert "i_20020" in stores.vector_ids()
    for batch in stores.ledger():
        counts = batch["counts"]
        assert counts["read"] == sum(counts[name] for name in ("accepted", "quarantined", "duplicate", "dead"))
    stores.close()


def test_the_new_batch_names_its_parent(printed: dict[str, str], sample: Workspace) -> None:
    assert printed
    assert "parent     16a8a54a1dbc9b" in sample.cli("status", "fb072bde52b0").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "../../etc/passwd"], "neither a batch nor a record of one"),
        (["show", "\udcff"], "is not UTF-8"),
        (["replay", "16a8:21", "--set", "a=\udcff"], "is not UTF-8"),
        (["drop", "16a8:21", "--note", "\udcff"], "is not UTF-8"),
        (["list", "--batch", "\udcff"], "is not the start of a batch id"),
        (["list", "--reason", "\udcff"], "--reason"),
        (["replay", "16a8", "--records", "--record", "no\udcff.jsonl"], "does not exist"),
        (["export", "no\udcff/file"], "cannot be written"),
        (["show", "16a8:99"], "Record 99 of batch 16a8a54a1dbc is not among the dead letters"),
        (["replay", "8b7f:1"], "Record 1 of batch 8b7f947c7755 is not among the dead letters"),
        (["drop", "8b7f"], "is closed, not in the dead-letter queue"),
        (["replay", "71c0"], "was dropped"),
        (["replay", "16a8:21"], "was dropped by"),
    ],
)
def test_what_cannot_be_done_is_refused_with_exit_code_2(
    printed: dict[str, str], sample: Workspace, arguments: list[str], said: str
) -> None:
    assert printed
    done = sample.cli("dlq", *arguments)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr


def test_a_name_that_is_not_utf_8_is_written_all_the_same(printed: dict[str, str], sample: Workspace) -> None:
    assert printed
    done = sample.cli("dlq", "export", "dead\udcff.jsonl")
    assert (done.returncode, r"dead\udcff.jsonl" in done.stdout) == (0, True), done.stderr
    assert (sample.folder / "dead\udcff.jsonl").exists()
