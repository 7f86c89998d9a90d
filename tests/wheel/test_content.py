"""What is in the wheel, and what an import of it gives to a program of somebody else."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.wheel.conftest import ROOT, Installed

CODE = "import sys; import sluicegate; print(sorted(name for name in sys.modules if name.startswith({ours})))"
OURS = ("sluicegate", "pipeline", "checkpoints", "expectations_plugins")


@pytest.fixture(scope="session")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_two_packages_are_at_its_top(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"expectations_plugins", "sluicegate"}


@pytest.mark.parametrize("package", ["pipeline", "checkpoints"])
def test_the_other_packages_are_inside_it_with_every_file(names: set[str], package: str) -> None:
    there = {str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*") if path.is_file()}
    wanted = {f"sluicegate/packages/{name}" for name in there if "__pycache__" not in name}
    inside = {name for name in names if name.startswith(f"sluicegate/packages/{package}/")}
    assert inside == wanted
    assert any(name.endswith(".html") for name in inside) == (package == "checkpoints")


def test_the_sample_and_the_mark_of_types_are_in_it(names: set[str]) -> None:
    landing = {f"sluicegate/sample/landing/2026-11-20T09{part}0.jsonl" for part in range(3)}
    assert {"sluicegate/py.typed", "sluicegate/sample/campaigns.jsonl", *landing} <= names


def test_importing_it_imports_nothing_else_of_ours(installed: Installed, tmp_path: Path) -> None:
    done = installed.call(installed.python, "-c", CODE.format(ours=OURS), cwd=tmp_path)
    assert done.stdout.strip() == "['sluicegate']", done.stderr


def test_it_knows_its_version(installed: Installed, tmp_path: Path) -> None:
    done = installed.call(installed.python, "-c", "import sluicegate; print(sluicegate.__version__)", cwd=tmp_path)
    assert done.stdout.strip() == "0.1.0", done.stderr


@pytest.mark.parametrize("package", ["pipeline", "checkpoints"])
def test_in_a_process_of_a_user_their_package_is_theirs(installed: Installed, package: str, tmp_path: Path) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text('MARK = "theirs"\n')
    code = f"import sluicegate, expectations_plugins, {package}; print({package}.MARK)"
    done = installed.call(installed.python, "-c", code, cwd=tmp_path)
    assert done.stdout.strip() == "theirs", done.stderr


def test_in_a_process_of_a_user_ours_are_found_only_when_they_ask(installed: Installed, tmp_path: Path) -> None:
    alone = installed.call(installed.python, "-c", "import checkpoints", cwd=tmp_path)
    asked = "from sluicegate.launcher import find_ours; find_ours(); import checkpoints, pipeline.core.topology"
    done = installed.call(installed.python, "-c", asked, cwd=tmp_path)
    assert ("ModuleNotFoundError" in alone.stderr, done.returncode) == (True, 0), done.stderr
