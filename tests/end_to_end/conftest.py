"""A workspace: a stack, a GX project and a command line of its own, as a new user would have them."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.local import Endpoints, LocalStack
from tests import commands
from tests.end_to_end.oracle import Stores

ROOT = Path(__file__).parent.parent.parent
MOST_SECONDS = 7_200
"""Of one command; five months of logs in one go take most of an hour on two busy cores."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where one scenario runs."""

    folder: Path
    home: Path
    endpoints: Endpoints

    @property
    def places(self) -> dict[str, Any]:
        return {field.name: getattr(self.endpoints, field.name) for field in dataclasses.fields(self.endpoints)}

    @property
    def environment(self) -> dict[str, str]:
        return commands.environment(
            SLUICEGATE_HOME=str(self.home),
            SLUICEGATE_GX=str(self.folder / "gx"),
            SLUICEGATE_RETRY_WAIT="0.05",
            SLUICEGATE_RETRY_WAIT_MAX="0.2",
        )

    def cli(self, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `run.py`, in a fork of a process that has imported what it needs: most of its time otherwise."""
        return commands.run(
            [*map(str, arguments)], env=self.environment | variables, cwd=self.folder, timeout=MOST_SECONDS
        )

    def process(self, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `run.py` in a process of its own, as a scheduler does."""
        return subprocess.run(
            [sys.executable, str(ROOT / "run.py"), *map(str, arguments)],
            capture_output=True,
            text=True,
            env=self.environment | variables,
            cwd=self.folder,
            timeout=MOST_SECONDS,
            check=False,
        )

    def start(self, *arguments: str | Path, **variables: str) -> subprocess.Popen[str]:
        """Start `run.py` and go on; what it prints can be read."""
        return subprocess.Popen(
            [sys.executable, "-u", str(ROOT / "run.py"), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment | variables,
            cwd=self.folder,
        )

    def run(self, *arguments: str | Path, **variables: str) -> dict[str, Any]:
        """Run `run.py run … --json`; its document."""
        done = self.cli("run", *arguments, "--json", **variables)
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found | {"returncode": done.returncode}


@pytest.fixture(scope="module")
def make_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Workspace]]:
    """Makes empty workspaces, each with servers of its own; they stop with the module."""
    stacks = []

    def make() -> Workspace:
        folder = tmp_path_factory.mktemp("workspace")
        shutil.copytree(ROOT / "gx", folder / "gx", ignore=shutil.ignore_patterns("uncommitted"))
        stack = LocalStack(folder / ".sluicegate").use()
        stacks.append(stack)
        return Workspace(folder, folder / ".sluicegate", stack.__enter__())

    yield make
    for stack in stacks:
        stack.__exit__(None, None, None)


@pytest.fixture(scope="module")
def workspace(make_workspace: Callable[[], Workspace]) -> Workspace:
    """One workspace for the module."""
    return make_workspace()


@pytest.fixture
def stores(workspace: Workspace) -> Iterator[Stores]:
    """The stores of the module's workspace, read by the oracle."""
    found = Stores(workspace.places)
    yield found
    found.close()
