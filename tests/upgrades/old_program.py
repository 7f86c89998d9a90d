"""The program of commit fdfb3e9, as `git archive` gives it, and how it is run."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.commands import environment

ROOT = Path(__file__).parent.parent.parent
COMMIT = "fdfb3e9"
HANGS = 300.0


class NoHistoryError(Exception):
    """This clone does not hold the commit."""


def unpacked(folder: Path) -> Path:
    """The old program, in a folder of its own; where its run.py is.

    Args:
        folder: Where to put it.

    Raises:
        NoHistoryError: This clone does not hold the commit, or is none.
    """
    asked = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, capture_output=True, check=False)
    if asked.returncode:
        raise NoHistoryError(f"git archive {COMMIT} says: {asked.stderr.decode(errors='replace').strip()}")
    with tarfile.open(fileobj=io.BytesIO(asked.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.stdout[-3000:]}\n{self.stderr[-3000:]}"


@dataclass(frozen=True, slots=True)
class OldProgram:
    """Runs its commands.

    Args:
        home: Where its run.py is.
        folder: The working directory.
        settings: All its settings.
    """

    home: Path
    folder: Path
    settings: Mapping[str, str]

    def command(self, *arguments: str | Path, **variables: str) -> Ended:
        """Run a command to its end; a script's own folder comes first, so that it imports its own modules."""
        done = subprocess.run(
            [sys.executable, str(self.home / "run.py"), *map(str, arguments)],
            cwd=self.folder,
            env=environment(**dict(self.settings) | variables),
            capture_output=True,
            text=True,
            timeout=HANGS,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def batches(self, *arguments: str | Path, **variables: str) -> dict[str, dict[str, Any]]:
        """What `run --json` says of each batch, by the name of its file."""
        done = self.command("run", "--json", *arguments, **variables)
        assert done.stdout, str(done)
        return {Path(batch["source"]).name: batch for batch in json.loads(done.stdout)["batches"]}
