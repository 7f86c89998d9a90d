"""What is passed over in a folder, and why: every entry that is neither read nor an error ends as one of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from expectations_plugins.core.errors import ExitCode, SluicegateError
from pipeline.sources.files import UnreadableFileError, printed
from pipeline.sources.names import is_unfinished, is_wanted, relative
from pipeline.storage.location import Place


class Reason(StrEnum):
    """Why something is not read; each ends a sentence that begins with its name."""

    NAME = "no pattern of SLUICEGATE_FILES matches the name"
    HIDDEN = "the name begins with a dot"
    HIDDEN_FOLDER = "a folder whose name begins with a dot or an underscore"
    UNFINISHED = "the name is that of an unfinished file"
    YOUNG = "changed less than SLUICEGATE_MIN_FILE_AGE seconds ago, so that a later run reads it"
    SAME_FILE = "the same file was found by another name"
    LINK_TO_FOLDER = "a link to a folder, which is not followed: give the folder's own path"
    NO_FILE = "no regular file, but a pipe, a socket or a device"


LeaveOut = Callable[[Place, SluicegateError], None]
"""Is called with each file that is not taken, and why: what is passed over, what waits, what cannot be read."""


class PassedOverError(UnreadableFileError):
    """Something is no log file to be read now; nothing is wrong with it, but people can see that it was found.

    Args:
        path: Where it is.
        reason: Why.
    """

    exit_code = ExitCode.OK

    def __init__(self, path: Place, reason: Reason) -> None:
        super().__init__(f"{printed(path)}: {reason}.")
        self.reason = reason


def reason_of_name(path: Place, folder: Place, patterns: Sequence[str]) -> Reason | None:
    """Why a file of a folder is passed over by its name; None when it is wanted."""
    if path.name.startswith("."):
        return Reason.HIDDEN
    if is_unfinished(path.name):
        return Reason.UNFINISHED
    return None if is_wanted(relative(path, folder), patterns) else Reason.NAME


def is_hidden_folder(path: Place) -> bool:
    """Whether a folder's name begins with a dot or an underscore, as of those of programs that write files."""
    return path.name.startswith((".", "_"))
