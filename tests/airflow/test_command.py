"""`airflow dag` as a process: what it prints is a DAG file that starts this program here."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.topology import STEPS
from tests.airflow.fake_airflow import load
from tests.commands import PROGRAM, environment

Done = subprocess.CompletedProcess[bytes]


def printed(folder: Path, *arguments: str, program: tuple[str, ...] = (sys.executable, PROGRAM), **more: str) -> Done:
    return subprocess.run(
        [*program, "airflow", "dag", *arguments],
        capture_output=True,
        cwd=folder,
        env=environment(**more),
        timeout=60,
        check=False,
    )


def plan_task(done: Done) -> Any:
    """The plan's task of the DAG that the printed file makes."""
    assert (done.returncode, done.stderr) == (0, b"")
    tasks = load(done.stdout.decode("utf-8")).dag.tasks
    assert len(tasks) == len(STEPS) + 2
    return tasks["plan"]


def test_as_a_default_it_starts_this_program_in_this_folder(tmp_path: Path) -> None:
    task = plan_task(printed(tmp_path, SLUICEGATE_LEASE_SECONDS="no setting is read"))
    assert (task.command, task.folder, task.paths) == ([sys.executable, PROGRAM], str(tmp_path), [])


def test_an_installed_program_is_named_by_the_path_it_was_started_with(tmp_path: Path) -> None:
    """A link to it stays a link: it may lead to a newer version later."""
    program = tmp_path / "bin" / "sluicegate"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(Path(PROGRAM).parent)!r})\nimport run\nrun.main()\n"
    )
    program.chmod(0o755)
    link = tmp_path / "current"
    link.symlink_to(program)
    assert plan_task(printed(tmp_path, program=("bin/sluicegate",))).command == [str(program)]
    assert plan_task(printed(tmp_path, program=(str(link),))).command == [str(link)]


def test_command_folder_and_paths_are_taken_whatever_their_names_are(tmp_path: Path) -> None:
    command = ["nice", "-n", "10", '/opt/it\'s here/sluice "gate"']
    given = ["--command", shlex.join(command), "--folder", "sub/ü", "a'b\".jsonl", "s3://logs/in", "--", "-x"]
    task = plan_task(printed(tmp_path, *given, PYTHONIOENCODING="latin-1", LC_ALL="C"))
    assert (task.command, task.folder) == (command, str(tmp_path / "sub" / "ü"))
    assert task.paths == [str(tmp_path / "a'b\".jsonl"), "s3://logs/in", str(tmp_path / "-x")]


def test_a_path_that_is_no_text_comes_through(tmp_path: Path) -> None:
    [path] = plan_task(printed(tmp_path, os.fsdecode(b"\xff.jsonl"))).paths
    assert os.fsencode(path).endswith(b"/\xff.jsonl")


@pytest.mark.parametrize("command", ["", "  ", "'open"])
def test_what_is_no_command_is_refused(tmp_path: Path, command: str) -> None:
    done = printed(tmp_path, "--command", command)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--command " in done.stderr


def test_an_address_that_holds_a_password_is_refused(tmp_path: Path) -> None:
    done = printed(tmp_path, "s3://me:hunter2@logs/in")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"hunter2" not in done.stderr


def test_a_program_that_was_not_started_from_a_file_asks_for_the_command(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(Path(PROGRAM).parent)!r}); import run; run.main()"
    done = printed(tmp_path, program=(sys.executable, "-c", code))
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"airflow dag --command" in done.stderr
