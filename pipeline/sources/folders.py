"""Which files of a folder are read, and how they looked. What is in them is read elsewhere.

Every entry becomes a path that can be read or the error that says why not; nothing is opened, so nothing can block.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from expectations_plugins.core.errors import ConfigurationError, SluicegateError
from pipeline.core.batches import LOG_FILES, FileStamp
from pipeline.core.program import program
from pipeline.sources.files import UnreadableFileError, printed, unreadable
from pipeline.sources.names import EXCLUDES, is_wanted
from pipeline.sources.passed_over import LeaveOut, PassedOverError, Reason, is_hidden_folder, reason_of_name
from pipeline.storage.location import Place


def log_files(given: Path, leave_out: LeaveOut, patterns: Sequence[str] = LOG_FILES) -> Iterator[Path]:
    """The file that was given, or the complete log files of a folder and those below it, by path.

    Args:
        given: A file or a folder.
        leave_out: Is called with what is not read in the folder, and why.
        patterns: Globs of the names that are log files.

    Raises:
        ConfigurationError: What was given does not exist, cannot be read, or is no log file.
        TransientError: The file system failed in a way that may heal.
    """
    try:
        if given.is_dir():
            for path in _entries(given, leave_out):
                if (problem := _problem(given, path, patterns)) is None:
                    yield path
                else:
                    leave_out(path, problem)
            return
        given.stat()
    except OSError as error:
        raise unreadable(given, error) from error
    if not given.is_file() or not is_log_name(given, patterns):
        raise no_log_file(given, patterns)
    if (problem := not_text(given)) is not None:
        raise problem
    yield given


def no_log_file(given: Place, patterns: Sequence[str]) -> SluicegateError:
    """Why something cannot be taken that was named, and is there."""
    return ConfigurationError(
        f"{printed(given)} is not a log file.",
        next_step=f"Log files match SLUICEGATE_FILES ({','.join(patterns)}), also when they are rotated or compressed.",
    )


def is_log_name(given: Place, patterns: Sequence[str]) -> bool:
    """Whether something that was named itself, not found in a folder, is called like a log file."""
    of_names = [pattern.rpartition("/")[2] for pattern in patterns if not pattern.startswith(EXCLUDES)]
    return is_wanted(given.name, of_names)


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


def not_text(path: Place) -> SluicegateError | None:
    """Why a name cannot be written down, if so."""
    if printed(path) == str(path):
        return None
    return UnreadableFileError(f"The name of {printed(path)} is not UTF-8.", next_step="Rename it.")


def _entries(folder: Path, leave_out: LeaveOut) -> Iterator[Path]:
    """All that is in a folder and those below it but the folders themselves; links are not followed."""
    waiting = sorted(folder.iterdir(), reverse=True)
    while waiting:
        path = waiting.pop()
        try:
            if not stat.S_ISDIR(path.lstat().st_mode):
                yield path
            elif is_hidden_folder(path):
                leave_out(path, PassedOverError(path, Reason.HIDDEN_FOLDER))
            else:
                waiting.extend(sorted(path.iterdir(), reverse=True))
        except OSError as error:
            leave_out(path, unreadable(path, error))


def _problem(folder: Path, path: Path, patterns: Sequence[str]) -> SluicegateError | None:
    """Why an entry of a folder is not read, if so."""
    try:
        if path.is_symlink() and path.is_dir():
            return PassedOverError(path, Reason.LINK_TO_FOLDER)
        if (reason := reason_of_name(path, folder, patterns)) is not None:
            return PassedOverError(path, reason)
        problem = not_text(path) or (_astray(folder, path) if path.is_symlink() else None)
        is_file = problem is not None or stat.S_ISREG(path.stat().st_mode)
        return problem if is_file else PassedOverError(path, Reason.NO_FILE)
    except OSError as error:
        return unreadable(path, error)


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
