"""The installed program beside modules of a user that have our names: ours run, theirs are never executed."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path

import pytest

from tests.wheel.conftest import ROOT, Installed, plant

SAMPLE = ROOT / "docs" / "sample"
README = (ROOT / "README.md").read_text("utf-8")
README_INSTALL = runpy.run_path(str(ROOT / "docs" / "readme_commands.py"))["commands"](README)["install"].splitlines()
"""What a new user types: an environment, a folder, `init`, a run."""

EXTRA = ("secantus", "arcadedb_embedded", "milvus_lite", "bqemulator", "duckdb_extension_spatial")
APART = {"MONGODB_DATABASE": "apart", "BIGQUERY_DATASET": "apart", "MILVUS_COLLECTION": "apart"}


def started(installed: Installed, way: str) -> list[str]:
    return [installed.program] if way == "sluicegate" else [installed.python, "-m", "sluicegate"]


@pytest.mark.parametrize("way", ["sluicegate", "python -m sluicegate"])
def test_it_is_called_as_it_was_started(installed: Installed, way: str, their_folder: Path) -> None:
    done = installed.call(*started(installed, way), "bogus", cwd=their_folder, PYTHONPATH=str(their_folder))
    assert done.returncode == 2
    assert done.stderr.startswith(f"Usage: {way} [OPTIONS]")


@pytest.mark.parametrize("way", ["sluicegate", "python -m sluicegate"])
@pytest.mark.parametrize("command", [[], ["dlq"], ["dlq", "drop"], ["init"], ["stack"], ["gx", "sync"]], ids=" ".join)
def test_help_has_examples_of_that_name(installed: Installed, way: str, command: list[str], tmp_path: Path) -> None:
    done = installed.call(*started(installed, way), *command, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{way} {' '.join(command)}".strip() in done.stdout.partition("Example")[2]
    assert "run.py" not in done.stdout


def test_a_name_that_is_taken_before_we_start_is_said(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").touch()
    (tmp_path / "sitecustomize.py").write_text("import pipeline\n")
    done = installed.call(installed.program, "--help", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"another pipeline, from {tmp_path / 'pipeline.py'}" in done.stderr


def test_without_the_local_servers_it_says_what_to_install(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({EXTRA}))\n")
    file = SAMPLE / "landing" / "2026-11-20T0900.jsonl"
    ours_only = shutil.ignore_patterns("uncommitted")
    shutil.copytree(ROOT / "gx", tmp_path / "gx", ignore=ours_only)  # it takes seconds to make one
    done = installed.call(installed.program, "run", file, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert 'pip install "sluicegate[local]"' in done.stderr


def test_a_run_without_anything_to_run_says_how_to_begin(installed: Installed, tmp_path: Path) -> None:
    done = installed.call(installed.program, "run", cwd=tmp_path)
    assert done.returncode == 2
    assert f"{installed.program.rpartition('/')[2]} init" in done.stderr
    assert "init" in installed.call(installed.program, cwd=tmp_path).stderr


def test_a_run_in_an_empty_folder_works_and_makes_what_it_needs(served: Installed, tmp_path: Path) -> None:
    plant(tmp_path)
    file = SAMPLE / "landing" / "2026-11-20T0900.jsonl"
    options = ["run", file, "--campaigns", SAMPLE / "campaigns.jsonl", "--json"]
    done = served.call(*started(served, "-m"), *options, cwd=tmp_path, PYTHONPATH=str(tmp_path), **APART)
    assert done.returncode == 0, done.stderr
    assert [batch["status"] for batch in json.loads(done.stdout)["batches"]] == ["closed"]
    assert [json.loads(line)["folder"] for line in done.stderr.splitlines() if '"gx_made"' in line] == ["gx"]
    assert (tmp_path / "gx" / "great_expectations.yml").is_file()


@pytest.fixture(scope="module")
def project(served: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that `init` has made in a folder with a user's modules."""
    folder = tmp_path_factory.mktemp("project")
    plant(folder)
    done = served.call(served.program, "init", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "sluicegate run sample/landing --campaigns sample/campaigns.jsonl" in done.stdout
    return folder


def test_init_makes_a_project_whose_first_run_passes(served: Installed, project: Path) -> None:
    assert (project / ".env").stat().st_mode & 0o777 == 0o600
    name, *options = README_INSTALL[-1].split()
    assert (name, README_INSTALL[-2]) == ("sluicegate", "sluicegate init")
    done = served.call(served.program, *options, cwd=project)
    assert done.returncode == 0, done.stderr
    assert "closed" in done.stdout


def test_a_backfill_has_workers_of_ours(served: Installed, project: Path) -> None:
    options = ["backfill", "sample/faults", "--workers", "2", "--json"]
    done = served.call(served.program, *options, cwd=project, PYTHONPATH=str(project))
    assert done.returncode == 10, done.stderr
    assert sorted(batch["exit_code"] for batch in json.loads(done.stdout)["batches"]) == [0, 10]


def test_what_people_read_names_the_program_as_it_was_started(served: Installed, project: Path) -> None:
    """After the backfill, whose workers wrote the pages."""
    pages = project / "gx" / "uncommitted" / "data_docs" / "local_site"
    summary = served.call(*started(served, "-m"), "run", "sample/faults", cwd=project)
    status = served.call(served.program, "status", "71c01dd45b70", cwd=project)
    assert "Look: python -m sluicegate status\n" in summary.stdout, summary.stderr
    assert "sluicegate resume 71c01dd45b70" in status.stdout, status.stderr
    assert "sluicegate status 71c01dd45b70" in (pages / "index.html").read_text("utf-8")
    assert "run.py" not in summary.stdout + summary.stderr + status.stdout
    assert [str(page) for page in pages.rglob("*.html") if "run.py" in page.read_text("utf-8")] == []


def test_init_again_overwrites_nothing(served: Installed, project: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(project, tmp_path / "copy")
    (copy / ".env").write_text("MINE=1\n")
    (copy / ".gitignore").unlink()
    done = served.call(served.program, "init", "--dag", copy, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (copy / ".env").read_text() == "MINE=1\n"
    assert f'command=["{served.program}"],\n    folder="{copy}"' in (copy / "sluicegate_dag.py").read_text()
    made, left = done.stdout.splitlines()[:2]
    assert (".gitignore" in made, ".env" in left, ".env" in made) == (True, True, False)
