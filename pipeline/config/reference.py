"""What can be configured, for the page of settings and for the template of `.env`: both follow from the settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from pipeline.config import Settings

HEAD = """\
# Sluicegate's settings, each with its default. To set one, remove the # before its name and give it a value.
# A variable of the environment wins over this file. This file may hold secrets: keep its mode 600, never commit it.
# With no store set, all run as local servers. To use your own, set MONGODB_URI, NEO4J_URI, MILVUS_URI,
# BIGQUERY_PROJECT and GEMINI_API_KEY; the value `local` keeps one of them local.
"""


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting.

    Args:
        name: The environment variable.
        description: What it is.
        default: As it is written; "" for none.
        is_secret: Whether its value is hidden.
    """

    name: str
    description: str
    default: str
    is_secret: bool


def variables() -> Iterator[Variable]:
    """Every setting, in the order of the classes."""
    for field in Settings.model_fields.values():
        default = "" if field.default in (None, PydanticUndefined) else str(field.default)
        is_secret = SecretStr in getattr(field.annotation, "__args__", ())
        yield Variable(str(field.alias), str(field.description), default, is_secret)


def env_template() -> str:
    """A `.env` in which every setting is described and none is set."""
    entries = (
        f"\n# {one.description}{' (secret)' if one.is_secret else ''}\n# {one.name}={one.default}\n"
        for one in variables()
    )
    return "".join([HEAD, *entries])
