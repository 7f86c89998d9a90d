"""Where bad and hostile files are run: the session's real servers, databases and a folder of its own, and `run.py`.

A command is the real one, in a process that has imported beforehand what takes seconds.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from pipeline.local import Endpoints
from tests.commands import CONTEXT, become, environment

ROOT = Path(__file__).parent.parent.parent
HANGS = 600.0
"""Seconds after which a command is taken to hang."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int | None
    stdout: str
    stderr: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.stdout[-4000:]}\n{self.stderr[-4000:]}"

    @property
    def batches(self) -> dict[str, dict[str, Any]]:
        """What `run --json` says of each batch, by the name of its file."""
        assert self.stdout, str(self)
        return {Path(batch["source"]).name: batch for batch in json.loads(self.stdout)["batches"]}


@dataclass(frozen=True, slots=True)
class Running:
    """A command at work."""

    process: BaseProcess
    folder: Path

    def until(self, event: str) -> None:
        """Wait until its log has an event of this name."""
        log, deadline = self.folder / "stderr", time.monotonic() + HANGS
        while not (log.exists() and f'"event": "{event}"' in log.read_text("utf-8", "replace")):
            assert self.process.is_alive(), f"it ended before {event}: {log.read_text('utf-8', 'replace')}"
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def end(self) -> Ended:
        """Wait for its end."""
        self.process.join(HANGS)
        hangs = self.process.is_alive()
        self.process.kill()
        self.process.join()
        said = [(self.folder / name).read_text("utf-8", "replace") for name in ("stdout", "stderr")]
        assert not hangs, f"the command hangs; it said: {said}"
        return Ended(self.process.exitcode, *said)


@dataclass(frozen=True, slots=True)
class Workplace:
    """Servers, databases named after the module, and a folder.

    Args:
        endpoints: The servers.
        folder: Has the GX project, the landing folder, the spool and what commands said.
        name: Of the MongoDB database, the BigQuery dataset and the Milvus collection.
    """

    endpoints: Endpoints
    folder: Path
    name: str

    @classmethod
    def prepared(cls, endpoints: Endpoints, folder: Path, name: str) -> Workplace:
        """With a copy of the GX project and an empty landing folder."""
        shutil.copytree(ROOT / "gx", folder / "gx", ignore=shutil.ignore_patterns("uncommitted"))
        (folder / "landing").mkdir()
        return cls(endpoints, folder, name)

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    def land(self, name: str, data: bytes, *, under: str = "landing") -> Path:
        """Write a log file; its path."""
        path = self.folder / under / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    def variables(self) -> dict[str, str]:
        """The settings of every command."""
        at = self.endpoints
        found = {
            "MONGODB_URI": at.mongodb_uri,
            "MONGODB_DATABASE": self.name,
            "NEO4J_URI": at.neo4j_uri,
            "NEO4J_USER": at.neo4j_user,
            "NEO4J_PASSWORD": at.neo4j_password,
            "NEO4J_DATABASE": at.neo4j_database,
            "MILVUS_URI": at.milvus_uri,
            "MILVUS_COLLECTION": self.name,
            "BIGQUERY_PROJECT": at.bigquery_project,
            "BIGQUERY_API_ENDPOINT": at.bigquery_endpoint,
            "BIGQUERY_DATASET": self.name,
            "GEMINI_API_KEY": at.gemini_api_key,
            "GEMINI_API_ENDPOINT": at.gemini_endpoint,
            "GEMINI_REQUESTS_PER_SECOND": "1000",
            "SLUICEGATE_GX": str(self.folder / "gx"),
            "SLUICEGATE_HOME": str(self.folder / "home"),
            "SLUICEGATE_LANDING": str(self.landing),
            "SLUICEGATE_RETRY_WAIT": "0.01",
            "SLUICEGATE_RETRY_WAIT_MAX": "0.05",
        }
        return {name: str(value) for name, value in found.items() if value is not None}

    def start(
        self, *arguments: str | Path, first: Callable[[], None] | None = None, **variables: str | Path
    ) -> Running:
        """Start a command.

        Args:
            arguments: After `run.py`.
            first: Done in its process before it starts; a function of a module.
            variables: Settings besides those of every command.
        """
        for name in ("stdout", "stderr"):
            (self.folder / name).unlink(missing_ok=True)
        env = environment(**self.variables()) | {name: str(value) for name, value in variables.items()}
        order = (tuple(map(str, arguments)), env, str(self.folder), first)
        process = CONTEXT.Process(target=be_the_command, args=order)
        process.start()
        return Running(process, self.folder)

    def command(
        self, *arguments: str | Path, first: Callable[[], None] | None = None, **variables: str | Path
    ) -> Ended:
        """As `start`, to its end."""
        return self.start(*arguments, first=first, **variables).end()


def be_the_command(
    arguments: tuple[str, ...], env: Mapping[str, str], folder: str, first: Callable[[], None] | None
) -> None:
    """Be `run.py`."""
    from sluicegate.app import App  # noqa: PLC0415
    from sluicegate.commands import start  # noqa: PLC0415 - the parent need not

    become(arguments, env, folder)
    if first is not None:
        first()
    start(App)
