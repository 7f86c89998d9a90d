"""The built wheel, installed beside a user's own modules of the same names, and servers that its program has started.

It is built by hatchling in this environment and unpacked into an empty one that sees this one's packages: no network is
needed, and nothing of the checkout can be found there.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commands import environment

ROOT = Path(__file__).parent.parent.parent
THEIRS = 'raise SystemExit("theirs")\n'
SCRIPT = "#!{python}\nimport sys\nfrom sluicegate.launcher import main\nsys.exit(main())\n"
USER = """
import pathlib, sys
from sluicegate.launcher import find_ours
find_ours()
from pipeline.local import LocalStack
with LocalStack(pathlib.Path(sys.argv[1])).use():
    print("up", flush=True)
    sys.stdin.read()
"""
"""Uses the servers until its stdin is closed, also by the end of the tests."""

MOST_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment with the wheel in it, and where its servers live.

    Args:
        folder: The environment.
        home: Of the servers.
    """

    folder: Path
    home: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def program(self) -> str:
        return str(self.folder / "bin" / "sluicegate")

    def call(self, *command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command in this environment, with no store configured.

        Args:
            command: A program and its arguments.
            cwd: The working directory.
            variables: Set beside.
        """
        return subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=environment(SLUICEGATE_HOME=str(self.home)) | variables,
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in an environment of its own."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / version / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    found = Installed(folder, tmp_path_factory.mktemp("home"))
    Path(found.program).write_text(SCRIPT.format(python=found.python))
    Path(found.program).chmod(0o755)
    return found


@pytest.fixture(scope="session")
def their_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a user's modules, each with the name of one of ours; to run one ends the process."""
    folder = tmp_path_factory.mktemp("theirs")
    plant(folder)
    return folder


@pytest.fixture(scope="session")
def served(installed: Installed, their_folder: Path) -> Iterator[Installed]:
    """With local servers, started in that folder, and with that folder on PYTHONPATH; they end with this process."""
    command = [installed.python, "-P", "-c", USER, str(installed.home)]
    env = environment(PYTHONPATH=str(their_folder))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=their_folder, env=env, stdin=pipe, stdout=pipe, text=True) as user:
        assert user.stdin is not None
        assert user.stdout is not None
        assert user.stdout.readline() == "up\n"
        yield installed
        user.stdin.close()


def plant(folder: Path) -> None:
    """Put modules of a user into a folder that have our names."""
    for name in ("pipeline", "checkpoints"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(THEIRS)
    for name in ("expectations_plugins.py", "run.py"):
        (folder / name).write_text(THEIRS)
