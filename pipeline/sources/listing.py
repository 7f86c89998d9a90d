"""Which objects are log files that may be taken, and how they look: the rules of a folder, for what fsspec lists."""

from __future__ import annotations

from collections.abc import Iterator

from expectations_plugins.core.errors import SluicegateError
from pipeline.core.batches import FileStamp
from pipeline.sources.files import unreadable
from pipeline.sources.folders import LeaveOut, is_complete, log_suffix, no_log_file, not_text
from pipeline.storage import objects
from pipeline.storage.location import Remote
from pipeline.storage.objects import Listed

Found = tuple[Remote, FileStamp]


def objects_of(given: Remote, leave_out: LeaveOut) -> Iterator[Found]:
    """The object that was given, or the complete log files of a folder of objects, by name.

    A folder that is not there is an empty one, as long as its bucket is: a store of objects has no empty folders.

    Args:
        given: An object or a folder.
        leave_out: Is told of the folder's objects that must not be taken.

    Raises:
        ConfigurationError: What was given does not exist, cannot be read, or is no log file.
        TransientError: The store failed in a way that may heal.
    """
    try:
        listed = _listed(given)
    except OSError as error:
        raise unreadable(given, error) from error
    if isinstance(listed, Listed):
        if log_suffix(given) is None:
            raise no_log_file(given)
        yield _found(listed)
        return
    for one in sorted(listed, key=lambda one: one.place.name):
        if one.is_file and is_complete(one.place):
            if (problem := not_text(one.place)) is None:
                yield _found(one)
            else:
                leave_out(one.place, problem)


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


def _listed(given: Remote) -> Listed | list[Listed]:
    try:
        found = objects.look(given)
        return found if found.is_file else objects.children(given)
    except FileNotFoundError:
        if log_suffix(given) is None and objects.has_container(given):
            return []
        raise


def _found(listed: Listed) -> Found:
    return listed.place, FileStamp(listed.size, int((listed.changed or 0.0) * 1e9), 0)
