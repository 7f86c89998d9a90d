"""Texts without the secrets this process knows: settings and connections tell of theirs.

What is said of a failure is often not ours: a driver quotes an address, a service answers with the key it refuses. So
a secret is recognised by its value, in every form it is sent or written in.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "***"
MIN_LENGTH = 6
"""Shorter secrets are part of ordinary words, and hiding them would only tell what they are."""

_USER_INFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_OPTION = re.compile(r"(?i)(?:password|secret|token)\w*[=:](?P<secret>[^&,;\s]+)")
_IS_TELLING = re.compile("[A-Z0-9]")


class Secrets:
    """Secrets, their telling parts, and the forms they are written in.

    Args:
        values: The secrets: passwords, keys, tokens, addresses that hold one.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Know these secrets too."""
        parts = (part for value in values for part in _parts(value) if len(part) >= MIN_LENGTH)
        found = {form for part in parts for form in _forms(part) if len(form) >= MIN_LENGTH}
        # longest first: a secret must not be left half because a part of it was hidden before; a new tuple, for threads
        self._forms = tuple(sorted(found.union(self._forms), key=len, reverse=True))

    def without(self, text: str) -> str:
        """The text with asterisks for every secret, and for user and password of any address."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, HIDDEN)
        return _USER_INFO.sub(HIDDEN, text) if "://" in text else text


_known = Secrets()


def remember(values: Iterable[str]) -> None:
    """From now on `hidden` hides these secrets, in the whole process."""
    _known.add(values)


def hidden(text: str) -> str:
    """The text without the secrets this process knows."""
    return _known.without(text)


def _parts(secret: str) -> Iterator[str]:
    yield secret
    try:
        address = urlsplit(secret)
    except ValueError:  # no address
        return
    if not address.netloc:
        yield secret.partition(":")[2]  # the password of a Milvus token
        return
    yield address.password or ""
    yield from (found["secret"] for found in _OPTION.finditer(address.query))
    if address.scheme == "https":  # of a webhook the path is what tells; of a connection string it is an ordinary name
        yield from (address.path, *filter(_IS_TELLING.search, address.path.split("/")))


def _forms(part: str) -> Iterator[str]:
    """As it is, percent-encoded and decoded, as JSON and Python write it, and as HTTP and gRPC send it."""
    plain = unquote(part)
    for text in (part, plain):
        yield text
        yield quote(text, safe="")
        yield json.dumps(text)[1:-1]
        yield repr(text)[1:-1]
        yield base64.b64encode(text.encode("utf-8", "replace")).decode().rstrip("=")
