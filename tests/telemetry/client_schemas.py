"""JSON schemas from OpenLineage's own classes, which its authors generate from the published specification.

The client ships no schema files; its classes have the same fields, types and requirements, and name the version of the
schema each was made from. What they do not know, e.g. a facet nobody has published, is not valid here.
"""

from __future__ import annotations

import enum
import types
import typing
from datetime import datetime
from typing import Any

import attr
import jsonschema
from openlineage.client import facet_v2
from openlineage.client.event_v2 import RunEvent
from openlineage.client.generated import base

PRIMITIVES = {str: "string", int: "integer", float: "number", bool: "boolean"}
FACETS = {
    value._get_schema(): value
    for name in facet_v2.__all__
    if isinstance(module := getattr(facet_v2, name), types.ModuleType)
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, base.BaseFacet) and value.__module__ == module.__name__
}
"""Every published facet, by the address of its schema."""

FORMATS = {"runId": "uuid", "_schemaURL": "uri", "_producer": "uri", "producer": "uri"}

ALWAYS = frozenset({*FORMATS, "schemaURL"})
"""Required by the specification; the classes fill them in."""


def check(event: dict[str, Any]) -> None:
    """Hold an event, and each facet in it, against its schema.

    Raises:
        jsonschema.ValidationError: It does not hold.
        KeyError: A facet is of no published kind.
    """
    _validate(event, schema_of(RunEvent))
    assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
    for facet in facets_in(event):
        _validate(facet, schema_of(FACETS[facet["_schemaURL"]]))


def facets_in(part: Any) -> list[dict[str, Any]]:
    """Every facet that is somewhere in an event."""
    if isinstance(part, list):
        return [facet for each in part for facet in facets_in(each)]
    if not isinstance(part, dict):
        return []
    inner = [facet for each in part.values() for facet in facets_in(each)]
    return [part, *inner] if "_schemaURL" in part else inner


def schema_of(cls: type) -> dict[str, Any]:
    """The schema of one of the client's classes."""
    hints = typing.get_type_hints(cls)
    fields = attr.fields(cls)
    return {
        "type": "object",
        "properties": {field.name: _typed(hints[field.name]) | _format(field.name) for field in fields},
        "required": [field.name for field in fields if field.default is attr.NOTHING or field.name in ALWAYS],
        "additionalProperties": False,
    }


def _typed(hint: Any) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        return {"anyOf": [_typed(each) for each in arguments if each is not type(None)]}
    if origin is list:
        return {"type": "array", "items": _typed(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _typed(arguments[1])}
    if hint in PRIMITIVES:
        return {"type": PRIMITIVES[hint]}
    return _of_class(hint)


def _of_class(hint: Any) -> dict[str, Any]:
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [one.value for one in hint]}
    if isinstance(hint, type) and issubclass(hint, base.BaseFacet):
        return {"type": "object", "required": ["_producer", "_schemaURL"]}  # checked by its own schema
    return schema_of(hint) if attr.has(hint) else {}


def _format(name: str) -> dict[str, str]:
    return {"format": FORMATS[name]} if name in FORMATS else {}


def _validate(part: Any, schema: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    validator.validate(part)
