"""Options of a driver that a person names: a misspelt one is refused, with the closest there is."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from expectations_plugins.core.errors import ConfigurationError


def check_options(store: str, given: Iterable[str], known: Collection[str], *, elsewhere: Collection[str] = ()) -> None:
    """Refuse what the driver does not know, or what has a setting of its own.

    Args:
        store: The store's name.
        given: The options' names.
        known: The driver's.
        elsewhere: Options of the driver that the data source sets itself.

    Raises:
        ConfigurationError: One is not known; it names the closest.
    """
    for name in given:
        if name in elsewhere:
            raise ConfigurationError(
                f"{store}: the option {name!r} is set by the data source itself.",
                next_step="Take it out of options; the data source's own settings are in docs/push-down.md.",
            )
        if name not in known:
            raise ConfigurationError(f"{store}: its driver has no option {name!r}.", next_step=_instead(name, known))


def _instead(name: str, known: Collection[str]) -> str:
    by_letters = {"".join(filter(str.isalnum, one)).lower(): one for one in known}
    close = difflib.get_close_matches("".join(filter(str.isalnum, name)).lower(), by_letters, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {by_letters[close[0]]!r}?"
    return f"There are {', '.join(sorted(known))}."
