"""Command lines of run.py, each in a fork of a process that has imported everything: importing costs seconds a command.

A fork has the arguments, environment, folder, exit code and output of a process of its own. What a process does before
its first import, when it imports what, and what it does after its last line cannot be tested with it.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.core.program import keep_environment, started_as

ROOT = Path(__file__).parent.parent
PROGRAM = str(ROOT / "run.py")
OURS = ("MONGODB_", "NEO4J_", "MILVUS_", "BIGQUERY_", "GEMINI_", "GOOGLE_", "SLUICEGATE_", "SLACK_", "PAGERDUTY_")
"""How the names of Sluicegate's settings begin."""

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.imported"])


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without any setting of Sluicegate's, and these variables."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)} | variables


def run(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run `run.py` with these arguments to its end, as `subprocess.run` would.

    Args:
        arguments: After `run.py`.
        env: The whole environment.
        cwd: The working directory.
        timeout: Seconds, after which it is killed.

    Raises:
        TimeoutError: It took longer.
    """
    with tempfile.TemporaryDirectory() as said:
        process = CONTEXT.Process(target=_be_the_command, args=(tuple(arguments), dict(env), str(cwd), said))
        process.start()
        process.join(timeout)
        is_late = process.is_alive()
        process.kill()
        process.join()
        if is_late:
            raise TimeoutError(f"run.py {' '.join(arguments)} took more than {timeout} s")
        out, err = (Path(said, name).read_text("utf-8") for name in ("stdout", "stderr"))
    assert process.exitcode is not None
    return subprocess.CompletedProcess([PROGRAM, *arguments], process.exitcode, out, err)


def become(arguments: Sequence[str], env: Mapping[str, str], folder: str, said: str = ".") -> None:
    """Give this process what a command line is given.

    Args:
        arguments: After `run.py`.
        env: The whole environment.
        folder: The working directory.
        said: Where its output goes, to `stdout` and `stderr`; from there.
    """
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(Path(said, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = [PROGRAM, *arguments]
    started_as("run.py")
    keep_environment()


def _be_the_command(arguments: tuple[str, ...], env: Mapping[str, str], folder: str, said: str) -> None:
    become(arguments, env, folder, said)
    from sluicegate.launcher import main  # noqa: PLC0415 - the parent need not

    main("run.py")
