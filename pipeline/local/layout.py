"""Where the stack keeps its files under the home folder, and how they are written; not what they mean."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from expectations_plugins.core.errors import ConfigurationError
from pipeline.storage.private_folders import make_private

LOG_LIMIT_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths under one home folder (absolute)."""

    home: Path

    @property
    def control(self) -> Path:
        """Locks, state, secrets: readable by the owner only."""
        return self.home / "stack"

    @property
    def start_lock(self) -> Path:
        """Serialises those who start, promote or stop."""
        return self.control / "start.lock"

    @property
    def supervisor_lock(self) -> Path:
        """Held exclusively by a living supervisor: the truth about whether there is one."""
        return self.control / "supervisor.lock"

    @property
    def use_lock(self) -> Path:
        """Held shared by every user of the stack."""
        return self.control / "in-use.lock"

    @property
    def wanted(self) -> Path:
        """What users ask of the supervisor."""
        return self.control / "wanted.json"

    @property
    def state(self) -> Path:
        """What the supervisor says of itself and the servers."""
        return self.control / "state.json"

    @property
    def secrets(self) -> Path:
        """The generated passwords and keys."""
        return self.control / "secrets.json"

    def ready(self, name: str) -> Path:
        """The file a server writes when it listens."""
        return self.control / f"ready-{name}.json"

    def data(self, name: str) -> Path:
        """A server's data folder."""
        return self.home / "data" / name

    def log(self, name: str) -> Path:
        """A server's log file, or the supervisor's."""
        return self.home / "logs" / f"{name}.log"

    def create(self) -> None:
        """Make the folders; `.gitignore` keeps the whole home out of a repository.

        Raises:
            ConfigurationError: The home cannot be written.
        """
        try:
            make_private(self.home, self.control)
            for folder in (self.control, self.home / "logs", self.home / "data"):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o700)
            ignore = self.home / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(
                f"The local stack cannot write its home folder {self.home}: {error.strerror}.",
                next_step="Choose another with SLUICEGATE_HOME, or make this one writable.",
            ) from error


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only: a reader sees the old text or the new, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def open_log(path: Path) -> int:
    """Open a log for appending and return its descriptor; one that has grown past the limit is kept once as `.1`."""
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log that are not blank; none when there is no log. At most 256 kB are read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 262_144))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return lines[-count:] if count > 0 else []
