"""Keeps the settings' secrets out of what is said about a delivery."""

from __future__ import annotations

from expectations_plugins.core.redaction import Secrets
from pipeline.config import Settings


class Secrecy:
    """The secrets of the settings, and their telling parts.

    Args:
        settings: The settings.
    """

    def __init__(self, settings: Settings) -> None:
        self._secrets = Secrets(settings.secrets())

    def without(self, text: str) -> str:
        """The text with asterisks for every secret."""
        return self._secrets.without(text)
