"""What a collection's schema decides of a condition: whether a field can be null, and what type its values have.

A Milvus field has one type, so that Milvus need not be asked for it, and no filter could ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from expectations_plugins.conditions.expressions import (
    Always,
    And,
    AnyElement,
    Compare,
    Condition,
    HasType,
    InSet,
    IsNull,
    IsText,
    Not,
    Op,
    Or,
    Type,
    both,
)
from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.engine.backend import UnsupportedError
from expectations_plugins.milvus import conditions
from expectations_plugins.milvus.connection import type_name


@dataclass(frozen=True, slots=True)
class FieldType:
    """A field of a schema.

    Args:
        name: Milvus's name of its type.
        type: The type of its values, as all stores know it; None where they may have any (JSON).
        nullable: Whether a value may be null.
    """

    name: str
    type: Type | None
    nullable: bool


@dataclass(frozen=True, slots=True)
class Schema:
    """A collection's schema.

    Args:
        collection: The collection's name.
        fields: Its fields, by name.
        dynamic: Whether a row may have further fields, of any type.
    """

    collection: str
    fields: Mapping[str, FieldType]
    dynamic: bool

    def field(self, name: str) -> FieldType | None:
        """A field; None when the schema does not have it, but rows may.

        Raises:
            ConfigurationError: No row has it.
        """
        if name in self.fields or self.dynamic:
            return self.fields.get(name)
        raise ConfigurationError(
            f"Milvus: collection {self.collection} has no field {name!r}; it has {', '.join(self.fields)}.",
            next_step="Correct the expectation's column.",
        )


ORDERED = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})

KNOWN: Mapping[str, Type] = {
    "BOOL": Type.BOOLEAN,
    **dict.fromkeys(("INT8", "INT16", "INT32", "INT64"), Type.INTEGER),
    **dict.fromkeys(("FLOAT", "DOUBLE"), Type.FLOAT),
    **dict.fromkeys(("VARCHAR", "STRING", "TEXT"), Type.TEXT),
    "TIMESTAMPTZ": Type.DATETIME,
    "ARRAY": Type.LIST,
    **dict.fromkeys(("FLOAT_VECTOR", "FLOAT16_VECTOR", "BFLOAT16_VECTOR"), Type.LIST),
    **dict.fromkeys(("BINARY_VECTOR", "INT8_VECTOR"), Type.BYTES),
    "SPARSE_FLOAT_VECTOR": Type.MAP,
    "STRUCT": Type.MAP,
}


def read(described: Mapping[str, Any]) -> Schema:
    """The schema of a described collection."""
    names = {str(field["name"]): (type_name(field), bool(field.get("nullable"))) for field in described["fields"]}
    fields = {name: FieldType(type_, KNOWN.get(type_), nullable) for name, (type_, nullable) in names.items()}
    return Schema(str(described["collection_name"]), fields, bool(described.get("enable_dynamic_field")))


def check(node: Condition) -> None:
    """Compile without a schema: the type of a field is a question any schema answers.

    Raises:
        UnsupportedError: Milvus has no such condition.
    """
    if isinstance(node, And | Or):
        for part in node.operands:
            check(part)
    elif isinstance(node, Not):
        check(node.operand)
    elif isinstance(node, AnyElement):
        check(node.where)
    elif isinstance(node, HasType | IsText):
        conditions.reference(node.field)
    else:
        conditions.condition(node)


def simplified(node: Condition, schema: Schema) -> Condition:
    """The condition without what a schema decides; older servers cannot ask whether a field is null.

    Args:
        node: The condition.
        schema: The schema.

    Raises:
        ConfigurationError: It asks about a field that no row has.
        UnsupportedError: It asks for the type of a field whose values may have any.
    """
    simplify = _SIMPLIFIED.get(type(node))
    return node if simplify is None else simplify(node, schema)


def _is_null(node: IsNull, schema: Schema) -> Condition:
    known = schema.field(node.field.path)
    return node if known is None or known.nullable else Always(False)


def _not(node: Not, schema: Schema) -> Condition:
    operand = simplified(node.operand, schema)
    return Always(not operand.value) if isinstance(operand, Always) else Not(operand)


def _any_element(node: AnyElement, schema: Schema) -> Condition:
    return simplified(node.where, schema)


def _compared(node: Compare | InSet, schema: Schema) -> Condition:
    """A comparison that is false of a null: Milvus's is unknown then, and so is its negation.

    Raises:
        UnsupportedError: It asks which of two values is greater, where they may be of any type: of a text and a number
            Milvus says neither yes nor no.
    """
    known = schema.field(node.field.path)
    if isinstance(node, Compare) and node.op in ORDERED and (known is None or known.type is None):
        what = f"an order of {node.field.path!r}, whose values may be of any type"
        raise UnsupportedError("Milvus", what, "Check a field that the schema gives a type, or check it in MongoDB.")
    return both(simplified(Not(IsNull(node.field)), schema), node)


def _typed(node: HasType | IsText, schema: Schema) -> Condition:
    known = schema.field(node.field.path)
    if known is None or known.type is None:
        what = f"the type of {node.field.path!r}, which the schema does not give"
        raise UnsupportedError("Milvus", what, "Check a field that the schema gives a type, or check it in MongoDB.")
    wanted = (Type.TEXT,) if isinstance(node, IsText) else node.types
    if known.type not in wanted:
        return Always(False)
    return simplified(Not(IsNull(node.field)), schema)  # a null has no type


def _joined(node: And | Or, schema: Schema) -> Condition:
    decides = isinstance(node, Or)  # one true part decides an Or, one false part an And
    parts = [simplified(part, schema) for part in node.operands]
    if Always(decides) in parts:
        return Always(decides)
    rest = tuple(part for part in parts if not isinstance(part, Always))
    if not rest:
        return Always(not decides)
    return rest[0] if len(rest) == 1 else type(node)(rest)


_SIMPLIFIED: Mapping[type, Callable[[Any, Schema], Condition]] = {
    IsNull: _is_null,
    HasType: _typed,
    IsText: _typed,
    Compare: _compared,
    InSet: _compared,
    AnyElement: _any_element,
    Not: _not,
    And: _joined,
    Or: _joined,
}
