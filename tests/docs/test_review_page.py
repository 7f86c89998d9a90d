"""Every command of the review page is run, as it is written, on the sample; what it prints is what the page shows."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import subprocess

import pytest

from tests.end_to_end.conftest import ROOT, Workspace, make_workspace, workspace
from tests.end_to_end.oracle import Stores

__all__ = ["make_workspace", "workspace"]

PAGE = (ROOT / "docs" / "review.md").read_text("utf-8")
COMMANDS = runpy.run_path(str(ROOT / "docs" / "readme_commands.py"))["commands"](PAGE)
OUTPUT = re.compile(r"<!-- command: (\w+) -->\n```bash\n.*?```\n\n```\n(.*?)```", re.DOTALL)
SHOWN = dict(OUTPUT.findall(PAGE))
PROGRAM = "python run.py "


@pytest.fixture(scope="module")
def sample(workspace: Workspace) -> Workspace:
    """The sample, loaded; one batch of it has orphans."""
    folder = ROOT / "docs" / "sample"
    workspace.run(folder / "landing", "--campaigns", folder / "campaigns.jsonl")
    return workspace


@pytest.fixture(scope="module")
def cut(sample: Workspace) -> str:
    """The list of one batch, cut at two, before anything was decided."""
    return sample.cli("review", "list", "--limit", "2", "--batch", "16a8a5").stdout


@pytest.fixture(scope="module")
def printed(cut: str, sample: Workspace) -> dict[str, str]:
    """What each block of commands prints, in the order of the page."""
    assert cut
    return {name: "".join(run(sample, line) for line in text.splitlines()) for name, text in COMMANDS.items()}


def run(sample: Workspace, line: str) -> str:
    """One line of the page: ours as a process, the rest in a shell."""
    if not line.startswith(PROGRAM):
        return subprocess.run(line, shell=True, check=True, cwd=sample.folder, capture_output=True, text=True).stdout
    done = sample.cli(*shlex.split(line.removeprefix(PROGRAM)))
    assert done.returncode == 0, done.stderr
    return done.stdout


def timeless(text: str) -> list[str]:
    """Lines without what differs from run to run: times and the ends of run ids."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "TIME", text)
    return re.sub(r"-graph-[0-9a-f]{8}", "-graph-RUN", text).splitlines()


@pytest.mark.parametrize("name", ["list", "decide", "show"])
def test_a_command_prints_what_the_page_shows(printed: dict[str, str], name: str) -> None:
    assert timeless(printed[name]) == timeless(SHOWN[name])


def test_the_campaign_lifts_the_flag_as_the_page_says(printed: dict[str, str]) -> None:
    assert timeless(printed["lift"])[-3:] == timeless(SHOWN["lift"])
    assert "state        lifted" in printed["lift"]


def test_every_shown_command_is_run() -> None:
    lines = re.findall(r"^(?:\.venv/bin/)?python run\.py .*$", PAGE, re.MULTILINE)
    assert sorted(lines) == sorted(line for text in COMMANDS.values() for line in text.splitlines() if PROGRAM in line)


def test_what_still_waits_is_the_one_without_a_campaign(printed: dict[str, str], sample: Workspace) -> None:
    assert printed
    waiting = json.loads(sample.cli("review", "list", "--json").stdout)
    assert [(one["interaction_id"], one["reason"]) for one in waiting] == [("i_20012", "no campaign_id")]
    stores = Stores(sample.places)
    assert stores.flagged_ids() == {"i_20012"}
    stores.close()


def test_a_list_that_is_cut_says_how_many_wait(cut: str) -> None:
    lines = cut.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["i_20003", "i_20004"]
    assert lines[4].startswith("4 wait for review, the newest 2 above.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "nobody"], "Interaction nobody is not in the review queue."),
        (["resolve", "nobody", "--note", "x"], "Interaction nobody is not in the review queue."),
        (["reopen", "i_20003", "--note", "x"], "is lifted, not resolved: its campaign arrived"),
        (["resolve", "i_20012"], "Missing option '--note'"),
        (["resolve", "i_20012", "--note", " "], "The note is empty."),
        (["resolve", "i_20012", "--note", "\udcff"], "The note is not UTF-8."),
        (["show", "\udcff"], "The interaction id is not UTF-8."),
        (["list", "--limit", "0"], "--limit"),
        (["list", "--batch", "zzz"], "'zzz' is not the start of a batch id"),
    ],
)
def test_what_cannot_be_done_is_refused_with_exit_code_2(
    printed: dict[str, str], sample: Workspace, arguments: list[str], said: str
) -> None:
    assert printed
    done = sample.cli("review", *arguments)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr


def test_what_data_says_cannot_steer_the_terminal(sample: Workspace) -> None:
    assert sample.cli("review", "resolve", "i_20012", "--note", "\x1b[31mred\nline").returncode == 0
    shown = sample.cli("review", "show", "i_20012").stdout
    assert "\x1b" not in shown
    assert "red\N{REPLACEMENT CHARACTER}line" in shown
