"""What is passed over in a folder is counted and named, with the reason, by every command that looks for files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from pipeline.cli.backfill import backfill
from pipeline.cli.doctor import doctor
from pipeline.cli.run import run
from pipeline.cli.stages import plan
from tests.cli.conftest import Invoke
from tests.fakes.command_app import CommandApp

Land = Callable[..., Path]
NAME = "no pattern of SLUICEGATE_FILES matches the name"


@pytest.fixture
def strange(app: CommandApp) -> Path:
    """A landing folder with five files of names that no log has, and one that is unfinished."""
    folder = app.folder / "landing"
    for number in range(5):
        (folder / f"x{number}.xml").touch()
    (folder / "y.jsonl.part").touch()
    return folder


def expected(folder: Path) -> dict[str, Any]:
    unfinished = "the name is that of an unfinished file"
    return {
        "count": 6,
        "reasons": [
            {"reason": NAME, "count": 5, "examples": [str(folder / f"x{number}.xml") for number in range(3)]},
            {"reason": unfinished, "count": 1, "examples": [str(folder / "y.jsonl.part")]},
        ],
    }


@pytest.mark.parametrize("command", [(plan,), (run, "--json"), (backfill, "--dry-run", "--json"), (backfill, "--json")])
def test_json_counts_and_names_what_was_passed_over(
    invoke: Invoke, strange: Path, command: tuple[click.Command, str]
) -> None:
    result = invoke(*command)
    document = json.loads(result.stdout)
    assert (document["passed_over"], document["left_out"], result.return_value) == (expected(strange), [], 0)


@pytest.mark.parametrize("command", [(run,), (backfill,), (backfill, "--dry-run")])
def test_where_there_is_nothing_to_do_people_read_why(
    invoke: Invoke, strange: Path, command: tuple[click.Command, str]
) -> None:
    first, second, third = invoke(*command).output.splitlines()
    examples = ", ".join(str(strange / f"x{number}.xml") for number in range(3))
    assert "There is nothing to do" in first
    assert second == f"Passed over: 5 ({examples}, …): {NAME}."
    assert third == f"Passed over: 1 ({strange}/y.jsonl.part): the name is that of an unfinished file."


def test_a_run_with_batches_says_it_too(invoke: Invoke, land: Land, strange: Path) -> None:
    land()
    result = invoke(run)
    assert f"Passed over: 5 ({strange}/x0.xml" in result.output
    assert result.return_value == 0


def test_the_doctor_counts_log_files_and_names_the_others(invoke: Invoke, land: Land, strange: Path) -> None:
    land()
    finding = json.loads(invoke(doctor, "--json").stdout)[-1]
    assert [finding[name] for name in ("store", "kind", "address", "state", "server", "problem")] == [
        *("landing", "folder", str(strange), "ok", "1 log file", "")
    ]
    assert f"Passed over: 5 ({strange}/x0.xml" in finding["note"]
    assert f"Passed over: 5 ({strange}/x0.xml" in invoke(doctor).output


def test_the_doctor_says_that_the_landing_folder_is_missing(invoke: Invoke, app: CommandApp) -> None:
    (app.folder / "landing").rmdir()
    result = invoke(doctor, "--json")
    assert (json.loads(result.stdout)[-1]["state"], result.return_value) == ("missing", 0)


def test_the_doctor_names_a_file_that_would_be_left_out(invoke: Invoke, strange: Path) -> None:
    (strange / "x.jsonl").symlink_to("nowhere")
    finding = json.loads(invoke(doctor, "--json").stdout)[-1]
    assert finding["state"] == "files left out"
    assert f"{strange}/x.jsonl is a link that leads nowhere" in finding["note"]


def test_globs_are_a_setting(invoke: Invoke, app: CommandApp, strange: Path) -> None:
    app.configure(SLUICEGATE_FILES="*.xml,!x0.*")
    (strange / "x1.xml").write_text('{"interaction_id": "i_1"}\n')
    document = json.loads(invoke(plan).stdout)
    assert {Path(batch["source"]).name for batch in document["batches"]} == {f"x{number}.xml" for number in range(1, 5)}
    assert document["passed_over"]["count"] == 2


@pytest.mark.parametrize("files", [" , ", "!*.jsonl"])
def test_globs_that_read_nothing_are_refused(process: Callable[..., Any], files: str) -> None:
    done = process("plan", SLUICEGATE_FILES=files)
    assert done.returncode == 2
    assert "it needs at least one glob" in done.stderr
