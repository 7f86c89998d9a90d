"""A place is a path of this machine or an address that fsspec knows; this is its name only, nothing is opened here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from expectations_plugins.core.errors import ConfigurationError

_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)(?:::.*)?://", re.DOTALL)
_OF_THIS_MACHINE = ("file", "local")
_NAMES_USERS = ("abfs", "abfss", "sftp", "ssh")
"""Schemes whose addresses have a name before an `@` that is no secret: a container, or a user."""


@dataclass(frozen=True, slots=True)
class Remote:
    """An object, or a folder of objects, that fsspec reaches; it has a path's properties, and none of its deeds.

    Args:
        url: Its address, with nothing secret in it and no slash at the end.
        version: What tells this content from a later one at the same address; "" when that is not known.
    """

    url: str
    version: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> Remote:
        return Remote(f"{self.url}/{name}")

    @property
    def scheme(self) -> str:
        """What the address starts with, e.g. `s3`."""
        return self.url.partition("://")[0]

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.url.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The end of the name, from its last dot."""
        return PurePosixPath(self.name).suffix

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return PurePosixPath(self.name).stem


Place = Path | Remote


def place(given: str | Path | Remote) -> Place:
    """The place a person named: an address, or a path of this machine; `file://` is a path too.

    Raises:
        ConfigurationError: The address holds what may be a secret, or is a chain of addresses. It is not repeated.
    """
    found = _ADDRESS.match(given) if isinstance(given, str) else None
    if found is None or not isinstance(given, str):
        return given if isinstance(given, Remote) else Path(given)
    scheme = found["scheme"].lower()
    rest = given[found.end() :]
    if problem := _problem(scheme, given[len(scheme) :], rest):
        raise ConfigurationError(f"An address that starts with {scheme}:// {problem}.", next_step=_NEXT_STEP)
    if scheme in _OF_THIS_MACHINE:
        return Path(unquote(urlsplit(f"file://{rest}").path))
    return Remote(f"{scheme}://{rest.rstrip('/')}")


def recorded(text: object) -> Place:
    """The place that `written` wrote down; what is odd in it was odd when it was taken."""
    found = str(text or "")
    return Remote(found) if _ADDRESS.match(found) else Path(found)


def written(where: Place) -> str:
    """A place as others can find it: an address, or an absolute path."""
    return where.url if isinstance(where, Remote) else str(where.absolute())


_NEXT_STEP = (
    "Give the plain address; credentials and options belong in the environment, as the package for that kind of"
    " location reads them: see docs/locations.md."
)


def _problem(scheme: str, after_scheme: str, rest: str) -> str:
    """What is wrong with an address, "" when nothing is."""
    host = rest.partition("/")[0]
    user, at, _ = host.rpartition("@")
    if after_scheme.startswith("::") or "::" in rest:
        return "is a chain of addresses"
    if at and (scheme not in _NAMES_USERS or ":" in user):
        return "holds a user name or password"
    if "?" in rest:
        return "has a query string, which may hold a secret"
    if scheme in _OF_THIS_MACHINE and host not in ("", "localhost"):
        return "names another machine"
    return "" if rest.strip("/") else "names nothing"
