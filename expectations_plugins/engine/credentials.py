"""Passwords and tokens among a data source's settings: taken in plain text too, advised against, and never shown."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from expectations_plugins.core.redaction import HIDDEN, remember

PASSWORD_IN_URI = re.compile(r"//[^/@\s]*?:(?P<secret>[^/@\s]+)@")
SECRET_OPTION = re.compile(r"(?i)(?:password|secret|token)\w*[=:](?P<secret>[^&,;\s]+)")
SECRET_NAME = re.compile(r"(?i)password|secret|token")
ONE_VARIABLE = re.compile(r"\$\{\w+\}|\$\w+")

_logger = logging.getLogger(__name__)
_advised: set[tuple[str, str, str]] = set()


def advise_variables(kind: str, settings: Mapping[str, Any]) -> None:
    """Warn of what is in plain text, once a data source and setting, and have errors hide it from now on.

    Args:
        kind: What GX calls the data source.
        settings: As a person, or a project's file, gives them.
    """
    source = str(settings.get("name", ""))
    for path, value in _settings(settings):
        secrets = list(_plain(path, value))
        remember(secrets)
        if secrets and (kind, source, path) not in _advised:
            _advised.add((kind, source, path))
            # not by `warnings`: GX sends those to a logger that nobody hears where logging is not set up
            _logger.warning(
                "%s of the %s data source %r holds a secret in plain text, and GX writes it to great_expectations.yml "
                "like that. Better write ${VARIABLE} there, and set the variable in the environment.",
                path,
                kind,
                source,
            )


def shown(name: str, value: Any) -> Any:
    """A setting as people may see it.

    Args:
        name: The setting's name.
        value: Its value; of a mapping each entry is a setting.
    """
    if isinstance(value, Mapping):
        return {key: shown(str(key), one) for key, one in value.items()}
    if not isinstance(value, str):
        return value
    if SECRET_NAME.search(name):
        return value if _is_variable(value) else HIDDEN
    for secret in _plain(name, value):
        value = value.replace(secret, HIDDEN)
    return value


def _settings(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, str):
            yield f"{before}{name}", value
        elif isinstance(value, Mapping):
            yield from _settings(value, f"{before}{name}.")


def _plain(path: str, value: str) -> Iterator[str]:
    if SECRET_NAME.search(path.rpartition(".")[2]):
        if value and not _is_variable(value):
            yield value
    elif "://" in value:
        for match in (*PASSWORD_IN_URI.finditer(value), *SECRET_OPTION.finditer(value)):
            if not _is_variable(match["secret"]):
                yield match["secret"]


def _is_variable(value: str) -> bool:
    return ONE_VARIABLE.fullmatch(value) is not None
