"""A misspelt name of a setting: every command refuses it, for the default would hold without a word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.config.names import READ_ELSEWHERE, refuse_unknown_names
from pipeline.config.reference import env_template, variables
from sluicegate.commands import COMMANDS
from tests import commands

ROOT = Path(__file__).parents[2]
MISSPELT = "SLUICEGATE_USER_ID_TOLERENCE"
NEAREST = "SLUICEGATE_USER_ID_TOLERANCE is the nearest that is"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_a_misspelt_name(command: str, tmp_path: Path) -> None:
    env = commands.environment(**{MISSPELT: "0.5"})
    done = commands.run([command], env=env, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{MISSPELT} in the environment is not a setting of Sluicegate: {NEAREST}." in done.stderr


def test_the_file_is_named_when_the_name_is_in_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"export {MISSPELT}=0.5\n")
    done = commands.run(["status"], env=commands.environment(), cwd=tmp_path, timeout=60)
    assert done.returncode == 2
    assert f"{MISSPELT} in {tmp_path / '.env'} is not a setting of Sluicegate: {NEAREST}." in done.stderr


def test_help_needs_no_settings(tmp_path: Path) -> None:
    env = commands.environment(**{MISSPELT: "0.5"})
    assert commands.run(["run", "--help"], env=env, cwd=tmp_path, timeout=60).returncode == 0


def test_every_known_name_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text(env_template().replace("\n# SLUICEGATE_", "\nSLUICEGATE_"))
    for name in [*(one.name for one in variables()), *READ_ELSEWHERE, "sluicegate_home"]:
        monkeypatch.setenv(name, "")
    refuse_unknown_names()


@pytest.mark.parametrize(
    "name",
    [
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_HTTP",
        "PORT",
        "PORT_9090_TCP",
        "PORT_9090_TCP_ADDR",
        "DOCS_SERVICE_HOST",
    ],
)
def test_what_kubernetes_sets_for_a_service_is_not_a_misspelt_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SLUICEGATE_{name}", "tcp://10.0.0.7:9090")
    refuse_unknown_names()


def test_every_name_in_the_sources_and_the_docs_is_known() -> None:
    """The oracle of the table: what is read or written about anywhere."""
    known = {one.name for one in variables()} | set(READ_ELSEWHERE)
    files = [
        path
        for folder in ("pipeline", "sluicegate", "checkpoints", "expectations_plugins", "benchmarks", "docs")
        for ending in ("py", "md")
        for path in (ROOT / folder).rglob(f"*.{ending}")
    ]
    named = {
        name for path in files for name in re.findall(r"\bSLUICEGATE_[A-Z0-9_]*[A-Z0-9]\b", path.read_text("utf-8"))
    }
    assert named - known == set()
