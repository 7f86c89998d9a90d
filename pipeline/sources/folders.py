"""Which files are log files that may be read, and how they looked. What is in them is read elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from expectations_plugins.core.errors import ConfigurationError, SluicegateError
from pipeline.core.batches import FileStamp
from pipeline.core.program import program
from pipeline.sources.files import GZIP_SUFFIX, UnreadableFileError, printed, unreadable
from pipeline.storage.location import Place

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
CSV_SUFFIXES = (".csv",)
UNFINISHED_SUFFIXES = (".part", ".tmp")

LeaveOut = Callable[[Place, SluicegateError], None]
"""Is told of a file that is not taken, and why."""


def log_files(given: Path, leave_out: LeaveOut) -> Iterator[Path]:
    """The file that was given, or the complete log files of a folder, by name.

    Args:
        given: A file or a folder.
        leave_out: Is told of the folder's files that must not be taken.

    Raises:
        ConfigurationError: What was given does not exist, cannot be read, or is no log file.
        TransientError: The file system failed in a way that may heal.
    """
    try:
        if given.is_dir():
            for path in sorted(filter(_may_be_taken, given.iterdir()), key=lambda path: path.name):
                if (problem := _problem(given, path)) is None:
                    yield path
                else:
                    leave_out(path, problem)
            return
        given.stat()
    except OSError as error:
        raise unreadable(given, error) from error
    if not given.is_file() or log_suffix(given) is None:
        raise no_log_file(given)
    if (problem := not_text(given)) is not None:
        raise problem
    yield given


def no_log_file(given: Place) -> SluicegateError:
    """Why something cannot be taken that was named, and is there."""
    return ConfigurationError(
        f"{printed(given)} is not a log file.",
        next_step=f"Logs end in {', '.join((*JSON_SUFFIXES, *CSV_SUFFIXES))}, each also with {GZIP_SUFFIX}.",
    )


def log_suffix(path: Place) -> str | None:
    """What kind of log it is, by its name; None when it is none."""
    suffix = Path(path.stem).suffix if path.suffix == GZIP_SUFFIX else path.suffix
    return suffix if suffix in (*JSON_SUFFIXES, *CSV_SUFFIXES) else None


def stamp_of(path: Path) -> FileStamp:
    """How a file looks now.

    Raises:
        UnreadableFileError: It does not exist, or may not be looked at.
        TransientError: The file system failed in a way that may heal.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    return FileStamp(status.st_size, status.st_mtime_ns, status.st_ino)


def _may_be_taken(path: Path) -> bool:
    return is_complete(path) and (path.is_file() or path.is_symlink())


def is_complete(path: Place) -> bool:
    """Whether a name in a folder is that of a log file that nobody is writing."""
    return not path.name.startswith(".") and path.suffix not in UNFINISHED_SUFFIXES and log_suffix(path) is not None


def _problem(folder: Path, path: Path) -> SluicegateError | None:
    """Why a file of a folder must not be taken, if so."""
    if path.is_symlink():
        return not_text(path) or _astray(folder, path)
    return not_text(path)


def not_text(path: Place) -> SluicegateError | None:
    """Why a name cannot be written down, if so."""
    if printed(path) == str(path):
        return None
    return UnreadableFileError(f"The name of {printed(path)} is not UTF-8.", next_step="Rename it.")


def _astray(folder: Path, link: Path) -> SluicegateError | None:
    """Whoever may write into a folder must not thereby read what we may read."""
    if not link.exists():
        return UnreadableFileError(f"{printed(link)} is a link that leads nowhere.", next_step="Remove it.")
    if not link.is_file() or link.resolve().is_relative_to(folder.resolve()):
        return None
    return UnreadableFileError(
        f"{printed(link)} is a link that leads out of its folder.",
        next_step=f"Put the file itself there, or give its own path to {program()} run.",
    )
