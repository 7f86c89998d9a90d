"""Keeps the settings' secrets out of what is said about a delivery."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import SecretStr

from pipeline.settings import Settings

HIDDEN = "***"
MIN_LENGTH = 6
"""Shorter secrets are part of ordinary words, and hiding them would only tell what they are."""

_IS_TELLING = re.compile("[A-Z0-9]")


class Secrecy:
    """The secrets of the settings, and their telling parts.

    Args:
        settings: The settings.
    """

    def __init__(self, settings: Settings) -> None:
        values = (getattr(settings, name) for name in type(settings).model_fields)
        found = {part for value in values if isinstance(value, SecretStr) for part in _parts(value.get_secret_value())}
        self._secrets = sorted((part for part in found if len(part) >= MIN_LENGTH), key=len, reverse=True)

    def without(self, text: str) -> str:
        """The text with asterisks for every secret."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


def _parts(secret: str) -> Iterator[str]:
    yield secret
    try:
        address = urlsplit(secret)
    except ValueError:  # no address
        return
    yield address.password or ""
    if address.scheme == "https":  # of a webhook the path is what tells; of a connection string it is an ordinary name
        yield from (address.path, *filter(_IS_TELLING.search, address.path.split("/")))
