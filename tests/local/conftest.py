"""One stack for the whole folder, and what it takes to look at its processes from outside. No test lives here."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.local import Endpoints, LocalStack

DEADLINE_SECONDS = 30.0


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack") / "home"


@pytest.fixture(scope="session")
def stack(home: Path) -> LocalStack:
    return LocalStack(home)


@pytest.fixture(scope="session")
def endpoints(stack: LocalStack) -> Iterator[Endpoints]:
    with stack.use() as found:
        yield found


@pytest.fixture(scope="session")
def processes_of() -> Callable[[Path], list[int]]:
    """The ids of all processes of the stack in a home, its supervisor included."""

    def listed(home: Path) -> list[int]:
        columns = ["-o", "pid=", "-o", "stat=", "-o", "args="]
        output = subprocess.run(["ps", "-e", "-ww", *columns], capture_output=True, text=True, check=True).stdout
        rows = [line.split(None, 2) for line in output.splitlines()]
        ours = [row for row in rows if "-m pipeline.local." in row[2] and str(home) in row[2] and "Z" not in row[1]]
        return [int(row[0]) for row in ours]

    return listed


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool]], bool]:
    """Whether a condition comes to hold before a deadline that is far beyond what it should take."""

    def held(condition: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    return held


@pytest.fixture(scope="session")
def start_user() -> Callable[..., subprocess.Popen[str]]:
    """Starts a process that uses servers until its stdin closes; it prints "up" and then stays."""

    def start(home: Path, *names: str) -> subprocess.Popen[str]:
        root = Path(__file__).resolve().parents[2]
        program = (
            f"import sys; sys.path.insert(0, {str(root)!r})\n"
            "from pathlib import Path; from pipeline.local import LocalStack\n"
            f"with LocalStack(Path({str(home)!r})).use({names!r}):\n"
            "    print('up', flush=True); sys.stdin.read()\n"
        )
        return subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=home.parent,  # not where our modules are: users work anywhere
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    return start
