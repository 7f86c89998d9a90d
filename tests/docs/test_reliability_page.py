"""What the page on reliability names is there: tests, and commands, which take minutes and are only asked for help."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from tests.end_to_end.conftest import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+)`", PAGE)))
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
MODULES = sorted({shlex.split(line)[2] for line in COMMANDS if line.startswith("python -m tests.")})


def test_the_page_names_tests_and_commands() -> None:
    assert len(NAMED) > 10
    assert len(MODULES) > 3


@pytest.mark.parametrize("path", NAMED)
def test_a_test_that_is_named_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("module", MODULES)
def test_a_command_that_is_named_says_how_it_is_used(module: str) -> None:
    """Its options are those the page shows."""
    command = [sys.executable, "-m", module, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    shown = {option for line in COMMANDS if f" {module} " in f"{line} " for option in re.findall(r"--[\w-]+", line)}
    assert shown <= set(re.findall(r"--[\w-]+", done.stdout))


def test_every_other_command_of_the_page_runs_tests_that_exist() -> None:
    for line in COMMANDS:
        if not line.startswith("python -m tests."):
            paths = [part for part in shlex.split(line) if part.startswith("tests/")]
            assert paths
            assert all((ROOT / path).exists() for path in paths), line
