"""The GX project is made where there is none, once, and never over something that is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from checkpoints.project_file import refuse_outdated
from checkpoints.sync import differences, ensure, write
from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.topology import GATES

ROOT = Path(__file__).parent.parent.parent


def test_it_is_what_gx_sync_writes_and_others_may_read_it(tmp_path: Path) -> None:
    assert ensure(tmp_path / "gx")
    write(tmp_path / "synced")
    assert differences(tmp_path / "gx") == []
    assert (tmp_path / "gx").stat().st_mode == (tmp_path / "synced").stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gx", "synced"]


def test_a_project_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "great_expectations.yml").write_text("mine")
    assert not ensure(tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("great_expectations.yml", "mine")]


def test_a_project_of_an_older_program_is_refused_with_the_way_on(tmp_path: Path) -> None:
    write(tmp_path)
    project = tmp_path / "great_expectations.yml"
    text = project.read_text("utf-8")
    assert "module_name: expectations_plugins.files" in text
    project.write_text(text.replace("expectations_plugins.files", "checkpoints.site.storage"))
    with pytest.raises(ConfigurationError, match=r"names checkpoints\.site\.storage, which has moved\..* gx sync"):
        refuse_outdated(tmp_path)
    write(tmp_path)
    refuse_outdated(tmp_path)


@pytest.mark.parametrize("gate", GATES)
def test_a_project_from_before_a_gate_was_added_is_refused_with_the_way_on(tmp_path: Path, gate: str) -> None:
    write(tmp_path)
    (tmp_path / "checkpoints" / f"{gate}.json").unlink()
    with pytest.raises(ConfigurationError, match=rf"no checkpoint for the {gate} gate\..* gx sync"):
        refuse_outdated(tmp_path)


def test_a_project_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "great_expectations.yml").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        refuse_outdated(tmp_path)


def test_a_folder_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "gx" / "expectations").mkdir(parents=True)
    (tmp_path / "gx" / "expectations" / "raw.json").write_text("mine")
    with pytest.raises(ConfigurationError, match="gx sync"):
        ensure(tmp_path / "gx")
    assert [path.name for path in (tmp_path / "gx").rglob("*")] == ["expectations", "raw.json"]


def test_where_it_cannot_be_written_the_error_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="SLUICEGATE_GX"):
        ensure(tmp_path / "file" / "gx")


def test_two_processes_at_once_make_one_project(tmp_path: Path) -> None:
    code = "import sys, pathlib; from checkpoints.sync import ensure; print(ensure(pathlib.Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(tmp_path / "gx")]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    made = [process.communicate()[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert "True" in made
    assert differences(tmp_path / "gx") == []
    assert [path.name for path in tmp_path.iterdir()] == ["gx"]
