"""Which objects are log files that may be taken, and how they look: the rules of a folder, for what fsspec lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from expectations_plugins.core.errors import SluicegateError
from pipeline.core.batches import LOG_FILES, FileStamp
from pipeline.sources.files import unreadable
from pipeline.sources.folders import is_log_name, no_log_file, not_text
from pipeline.sources.passed_over import LeaveOut, PassedOverError, Reason, is_hidden_folder, reason_of_name
from pipeline.storage import objects
from pipeline.storage.location import Remote
from pipeline.storage.objects import Listed

Found = tuple[Remote, FileStamp]


def objects_of(given: Remote, leave_out: LeaveOut, patterns: Sequence[str] = LOG_FILES) -> Iterator[Found]:
    """The object that was given, or the complete log files of a folder of objects and those below it, by address.

    A folder that is not there is an empty one, as long as its bucket is: a store of objects has no empty folders.

    Args:
        given: An object or a folder.
        leave_out: Is called with what is not read in the folder, and why.
        patterns: Globs of the names that are log files.

    Raises:
        ConfigurationError: What was given does not exist, cannot be read, or is no log file.
        TransientError: The store failed in a way that may heal.
    """
    try:
        listed = _listed(given, patterns)
    except OSError as error:
        raise unreadable(given, error) from error
    if isinstance(listed, Listed):
        if not is_log_name(given, patterns):
            raise no_log_file(given, patterns)
        yield _found(listed)
        return
    for one in _entries(listed, leave_out):
        reason = reason_of_name(one.place, given, patterns)
        problem = PassedOverError(one.place, reason) if reason is not None else not_text(one.place)
        if problem is None:
            yield _found(one)
        else:
            leave_out(one.place, problem)


def _entries(listed: list[Listed], leave_out: LeaveOut) -> Iterator[Listed]:
    """All objects of a folder and those below it."""
    waiting = _last_first(listed)
    while waiting:
        one = waiting.pop()
        if one.is_file:
            yield one
        elif is_hidden_folder(one.place):
            leave_out(one.place, PassedOverError(one.place, Reason.HIDDEN_FOLDER))
        else:
            try:
                waiting.extend(_last_first(objects.children(one.place)))
            except OSError as error:
                leave_out(one.place, unreadable(one.place, error))


def _last_first(listed: list[Listed]) -> list[Listed]:
    return sorted(listed, key=lambda one: one.place.name, reverse=True)


def is_same(place: Remote) -> bool:
    """Whether an object is still the one that was listed.

    Raises:
        SluicegateError: It is gone, or cannot be looked at.
    """
    try:
        return objects.look(place).place.version == place.version
    except OSError as error:
        problem: SluicegateError = unreadable(place, error)
        raise problem from error


def _listed(given: Remote, patterns: Sequence[str]) -> Listed | list[Listed]:
    try:
        found = objects.look(given)
        return found if found.is_file else objects.children(given)
    except FileNotFoundError:
        if not is_log_name(given, patterns) and objects.has_container(given):
            return []
        raise


def _found(listed: Listed) -> Found:
    return listed.place, FileStamp(listed.size, int((listed.changed or 0.0) * 1e9), 0)
