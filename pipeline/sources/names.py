"""What a file's name says: whether it is a log file, and of which kind. Nothing is opened here."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from pathlib import PurePath

from pipeline.sources.compression import ENDINGS
from pipeline.storage.location import Place

AS_THEY_WERE = "records-as-they-were.jsonl"
"""A file of ours with dead records that are tried again: each is a line, whatever it looks like."""

UNFINISHED_ENDINGS = (".part", ".tmp")
EXCLUDES = "!"
"""A pattern that begins with it excludes what it matches."""

_ROTATED = re.compile(
    r"(\.\d{1,6}|[-._]\d{4}-?\d\d-?\d\d([-T_.]?\d\d([-_:.]?\d\d){0,2})?z?|[-.]\d{10})$", re.ASCII | re.IGNORECASE
)
"""What logrotate and the like put behind a name: `.1`, `-20261120`, `.2026-11-20`, each also with a time."""


def plain_name(name: str) -> str:
    """A name in small letters, without what rotation and compression put behind it, in any order."""
    plain, before = name.lower(), ""
    while plain != before:
        before = plain
        ending = next(filter(plain.endswith, ENDINGS), "")
        plain = _ROTATED.sub("", plain.removesuffix(ending))
    return plain


def is_csv_name(name: str) -> bool:
    """Whether a file is called CSV; what it is, its bytes say."""
    return plain_name(name).endswith(".csv")


def is_unfinished(name: str) -> bool:
    """Whether the name is that of a file somebody still writes, as senders agree."""
    return name.lower().endswith(UNFINISHED_ENDINGS)


def is_wanted(path: str, patterns: Sequence[str]) -> bool:
    """Whether a file's name matches one of the patterns, and none that excludes it.

    Args:
        path: Relative to the folder that is searched, with `/` between its parts.
        patterns: Globs as in `SLUICEGATE_FILES`; one with a `/` is matched with the whole path, others with the name.
    """
    excluded = [pattern.removeprefix(EXCLUDES) for pattern in patterns if pattern.startswith(EXCLUDES)]
    included = [pattern for pattern in patterns if not pattern.startswith(EXCLUDES)]
    return any(_matches(path, one) for one in included) and not any(_matches(path, one) for one in excluded)


def _matches(path: str, pattern: str) -> bool:
    folder, slash, name = path.rpartition("/")
    before = folder + slash if "/" in pattern else ""
    forms = (f"{before}{name}".lower(), f"{before}{plain_name(name)}".lower())
    return any(fnmatch.fnmatchcase(form, pattern.lower()) for form in forms)


def relative(place: Place, folder: Place) -> str:
    """A file's path below a folder, with `/` between its parts."""
    if isinstance(place, PurePath) and isinstance(folder, PurePath):
        return place.relative_to(folder).as_posix()
    return str(place)[len(str(folder)) + 1 :]
