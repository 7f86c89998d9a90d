"""Every name that begins with SLUICEGATE_: what the settings know, what is read elsewhere, and a refusal of any other."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from pydantic_settings import DotEnvSettingsSource

from expectations_plugins.core.errors import ConfigurationError
from pipeline.config import Settings
from pipeline.config.environment import ENV_FILE
from pipeline.config.reference import variables

PREFIX = "SLUICEGATE_"

READ_ELSEWHERE = {
    "SLUICEGATE_LOCAL_GEMINI_FAULTS": "Faults of the local Gemini from its start, as JSON, to try what a run does then",
    "SLUICEGATE_FAULTS": "Tests: `long` runs every fault (docs/testing.md)",
    "SLUICEGATE_CONFORMANCE_MONGODB_URI": "Tests: another MongoDB than the local one",
    "SLUICEGATE_CONFORMANCE_NEO4J_URI": "Tests: another Neo4j than the local one",
    "SLUICEGATE_CONFORMANCE_NEO4J_USER": "Tests: its user",
    "SLUICEGATE_CONFORMANCE_NEO4J_PASSWORD": "Tests: its password",
    "SLUICEGATE_CONFORMANCE_NEO4J_DATABASE": "Tests: its database",
    "SLUICEGATE_CONFORMANCE_MILVUS_URI": "Tests: another Milvus than the local one",
    "SLUICEGATE_CONFORMANCE_MILVUS_TOKEN": "Tests: its token",
}
"""Variables of the environment that are no settings."""

_OF_KUBERNETES = re.compile(
    r"SLUICEGATE_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)
"""What Kubernetes sets in every pod beside a Service whose name begins with `sluicegate`."""


def refuse_unknown_names() -> None:
    """Refuse a name in the environment or in `.env` that nothing reads: it is misspelt, and a default holds in its place.

    Raises:
        ConfigurationError: There is one; the nearest known names are named.
    """
    settings = {one.name for one in variables()}
    in_file = set(_ours(DotEnvSettingsSource(Settings).env_vars))
    # a driver may have copied the file into the environment: what is in both is looked for in the file
    in_environment = {name for name in _ours(os.environ) if not _OF_KUBERNETES.fullmatch(name)} - in_file
    found = [
        *(_unknown(name, str(ENV_FILE.absolute()), settings) for name in sorted(in_file)),
        *(_unknown(name, "the environment", settings | set(READ_ELSEWHERE)) for name in sorted(in_environment)),
    ]
    problems = "; ".join(filter(None, found))
    if problems:
        raise ConfigurationError(f"{problems}.", next_step="Correct or remove it. All settings: docs/configuration.md.")


def _ours(names: Iterable[str]) -> Iterator[str]:
    """Those of our names, in capitals: case does not count, as for the settings."""
    return (name.upper() for name in names if name.upper().startswith(PREFIX))


def _unknown(name: str, place: str, known: set[str]) -> str:
    """What is wrong with a name; "" when it is known."""
    if name in known:
        return ""
    nearest = get_close_matches(name, known, n=1)
    meant = f": {nearest[0]} is the nearest that is" if nearest else ""
    return f"{name} in {place} is not a setting of Sluicegate{meant}"
