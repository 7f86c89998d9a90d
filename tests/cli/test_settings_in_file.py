"""Every command takes its settings from `.env` too: none reads a variable of the environment by itself."""

from __future__ import annotations

from pathlib import Path

from tests import commands


def test_the_local_servers_home(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLUICEGATE_HOME=elsewhere\n")
    done = commands.run(["stack", "status"], env=commands.environment(), cwd=tmp_path, timeout=60)
    assert str(tmp_path / "elsewhere" / "logs") in done.stdout


def test_the_gx_project(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLUICEGATE_GX=elsewhere\n")
    done = commands.run(["gx", "sync"], env=commands.environment(), cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "elsewhere" / "great_expectations.yml").exists()


def test_no_option_reads_the_environment_past_the_settings() -> None:
    root = Path(__file__).parents[2]
    files = [path for folder in ("pipeline", "checkpoints", "sluicegate") for path in (root / folder).rglob("*.py")]
    assert [str(path) for path in files if "envvar=" in path.read_text("utf-8")] == []
