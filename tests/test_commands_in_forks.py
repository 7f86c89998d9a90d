"""A command that is run in a fork is as one in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import commands

COMMANDS = (["--help"], ["bogus"], ["docs", "path"], ["gx", "sync", "--check"])


def environment(folder: Path, **variables: str) -> dict[str, str]:
    return commands.environment(SLUICEGATE_HOME=str(folder / "home"), **variables)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_it_says_and_ends_as_a_process_does(arguments: list[str], tmp_path: Path) -> None:
    env = environment(tmp_path)
    alone = subprocess.run(
        [sys.executable, commands.PROGRAM, *arguments],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    fork = commands.run(arguments, env=env, cwd=tmp_path, timeout=60)
    assert (fork.returncode, fork.stdout, fork.stderr) == (alone.returncode, alone.stdout, alone.stderr)


def test_its_environment_is_the_given_one_and_no_other(tmp_path: Path) -> None:
    told = commands.run(
        ["docs", "path"], env=environment(tmp_path, SLUICEGATE_GX=str(tmp_path / "of it")), cwd=tmp_path, timeout=60
    )
    left = commands.run(["docs", "path"], env=environment(tmp_path), cwd=tmp_path, timeout=60)
    assert ("of it" in told.stdout, "of it" in left.stdout) == (True, False)


def test_one_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        commands.run(["metrics", "--serve", "127.0.0.1:0"], env=environment(tmp_path), cwd=tmp_path, timeout=3)
