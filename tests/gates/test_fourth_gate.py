"""Another gate is one row of the topology and one file: a copy of the project gets one, and lives with it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.local import LocalStack
from tests import commands

ROOT = Path(__file__).parent.parent.parent
CODE = ("expectations_plugins", "pipeline", "checkpoints", "sluicegate", "run.py", "pyproject.toml")
SAMPLE = ROOT / "docs" / "sample"

PAGE = (ROOT / "docs" / "adding-a-gate.md").read_text("utf-8")
ROW, FILE = re.findall(r"```(?:text|python)\n(.*?)```", PAGE, re.DOTALL)
BEFORE = '    _stage(\n        "embed",'


@dataclass(frozen=True, slots=True)
class Project:
    """A copy of the project with another gate, and a folder it runs in."""

    code: Path
    folder: Path
    variables: dict[str, str]

    def __call__(self, *arguments: str | Path, code: int = 0) -> str:
        """Run a command; what it printed. Its exit code must be this one."""
        done = subprocess.run(
            [sys.executable, str(self.code / "run.py"), *map(str, arguments)],
            capture_output=True,
            text=True,
            env=self.variables,
            cwd=self.folder,
            timeout=600,
            check=False,
        )
        assert done.returncode == code, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def logs(self, name: str) -> Path:
        """A log file of ten records, one of which has a campaign_id that the other gates let pass."""
        records = [
            {
                "interaction_id": f"{name}_{number}",
                "user_id": f"u_{1000 + number}",
                "campaign_id": "no campaign!" if number == 4 else "c_spring",
                "type": "click",
                "timestamp": f"2026-11-20T09:0{number}:00Z",
                "message": f"message {number} of {name}",
            }
            for number in range(10)
        ]
        path = self.folder / f"{name}.jsonl"
        path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
        return path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    code, folder = tmp_path_factory.mktemp("code"), tmp_path_factory.mktemp("place")
    for name in CODE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, code / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, code / name)
    topology = code / "pipeline" / "core" / "topology.py"
    text = topology.read_text("utf-8")
    assert text.count(BEFORE) == 1
    topology.write_text(text.replace(BEFORE, ROW + BEFORE), encoding="utf-8")
    (code / "checkpoints" / "gates" / "campaigns.py").write_text(FILE, encoding="utf-8")
    with LocalStack(folder / ".sluicegate").use():
        made = Project(
            code,
            folder,
            commands.environment(
                SLUICEGATE_HOME=str(folder / ".sluicegate"),
                SLUICEGATE_GX=str(folder / "gx"),
                SLUICEGATE_METRICS_FILE=str(folder / "metrics.prom"),
            ),
        )
        made("gx", "sync")
        made("campaigns", "load", _catalogue(folder))
        yield made


def _catalogue(folder: Path) -> Path:
    path = folder / "campaigns.jsonl"
    path.write_text('{"campaign_id": "c_spring", "name": "Spring"}\n', encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def halted(project: Project) -> tuple[str, dict[str, object]]:
    """The first batch, as the run left it: its id, and what `status --json` says."""
    [batch] = json.loads(project("run", project.logs("first"), "--json", code=10))["batches"]
    return batch["batch_id"], batch


def test_it_fails_on_planted_data_and_halts(project: Project, halted: tuple[str, dict[str, object]]) -> None:
    batch_id, batch = halted
    assert (batch["status"], batch["verdicts"]) == (
        "halted",
        {"raw": "PASS", "graph": "WARN", "campaigns": "FAIL"},
    )
    assert f"run.py resume {batch_id[:12]}" in project("status", batch_id)
    assert "first_4" in project("quarantine", "list", "--batch", batch_id)
    assert "malformed campaign_id" in project("quarantine", "show", "first_4")


@pytest.mark.usefixtures("halted")
def test_people_are_alerted(project: Project) -> None:
    assert "campaigns" in project("alerts", "list")


def test_the_pages_show_it(project: Project, halted: tuple[str, dict[str, object]]) -> None:
    site = Path(project("docs", "path").strip()).parent
    pages = {path: path.read_text("utf-8") for path in site.rglob("*.html")}
    assert any("campaigns" in text for path, text in pages.items() if halted[0] in str(path) and "batch" in str(path))
    assert any("campaign_ids of what was loaded" in text for path, text in pages.items() if path.name == "suites.html")


@pytest.mark.usefixtures("halted")
def test_metrics_and_the_dag_have_it(project: Project) -> None:
    assert re.search(r'\{[^}]*gate="campaigns"[^}]*\}', project("metrics"))
    assert "campaigns" in project("airflow", "dag")


def test_a_person_lets_the_batch_go_on_without_its_record(
    project: Project, halted: tuple[str, dict[str, object]]
) -> None:
    project("resume", halted[0])
    [batch] = [one for one in json.loads(project("status", "--json")) if one["_id"] == halted[0]]
    assert (batch["status"], batch["counts"]["quarantined"]) == ("closed", 1)


def test_or_it_is_repaired_and_checked_again_after_the_stage_before(project: Project) -> None:
    [batch] = json.loads(project("run", project.logs("second"), "--json", code=10))["batches"]
    project("quarantine", "release", "second_4", "--set", "campaign_id=c_spring", "--note", "repaired")
    project("recheck", batch["batch_id"], "--redo")
    [now] = [one for one in json.loads(project("status", "--json")) if one["_id"] == batch["batch_id"]]
    assert (now["status"], now["counts"]["accepted"]) == ("closed", 10)


def test_a_gate_without_its_file_says_what_to_write(project: Project, tmp_path: Path) -> None:
    code = tmp_path / "code"
    shutil.copytree(project.code, code)
    (code / "checkpoints" / "gates" / "campaigns.py").unlink()
    done = subprocess.run(
        [sys.executable, str(code / "run.py"), "gx", "sync"],
        capture_output=True,
        text=True,
        env=project.variables,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert "checkpoints/gates/campaigns.py" in done.stderr
