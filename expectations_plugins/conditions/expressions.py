"""Conditions and measures in words no store owns; each store compiles them once, into its own language.

A condition is two-valued: it is true or false of a record, never null. Where GX leaves nulls out of a count, the
condition says so itself (`And(Not(IsNull(f)), …)`). Nothing here knows of Great Expectations or of a driver.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

SEPARATOR = re.compile(r"(?<!\\)\.")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record by dotted path; a name that holds a dot itself is given as one of several `parts`."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, path: str) -> Field:
        r"""`a.b` is field b of a; `a\.b` is the field whose name is a.b."""
        parts = SEPARATOR.split(path)
        return cls(tuple(part.replace(r"\.", ".") for part in parts))

    @property
    def path(self) -> str:
        """The dotted path, a dot within a name escaped, so that `Field.of` reads it back."""
        return ".".join(part.replace(".", r"\.") for part in self.parts)


class Op(StrEnum):
    """A comparison of a field with a value."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"


@dataclass(frozen=True, slots=True)
class Always:
    """True, or false, of every record."""

    value: bool = True


@dataclass(frozen=True, slots=True)
class IsNull:
    """The field is null, missing, or a NaN: what GX counts as null."""

    field: Field


@dataclass(frozen=True, slots=True)
class IsText:
    """The field is a string."""

    field: Field


class Type(StrEnum):
    """The type of a value, as all stores and Python know it."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    DATE = "date"
    LIST = "list"
    MAP = "map"
    BYTES = "bytes"
    OBJECT_ID = "object id"


@dataclass(frozen=True, slots=True)
class HasType:
    """The field's value is of one of these types; false where the field is null."""

    field: Field
    types: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """The field compares with the value as `op` says; false where the field is null or of another kind than the value.

    A text that reads as a date also compares with dates, as in GX: suites are saved as JSON, which has none.
    """

    op: Op
    field: Field
    value: Any


@dataclass(frozen=True, slots=True)
class InSet:
    """The field equals one of the values; false where the field is null."""

    field: Field
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """The field is text in which the regular expression is found (search, not full match).

    Args:
        field: The field.
        pattern: The expression.
        shown: Whether integers and booleans count as the text Python shows them as, as in GX's pandas engine.
    """

    field: Field
    pattern: str
    shown: bool = False


@dataclass(frozen=True, slots=True)
class CompareLength:
    """The field is text whose length, in characters, compares with the value as `op` says; `shown` as in `Matches`."""

    op: Op
    field: Field
    value: int
    shown: bool = False


@dataclass(frozen=True, slots=True)
class CompareFields:
    """One field compares with another as `op` says; false where either is null, or they are of two kinds."""

    op: Op
    left: Field
    right: Field


@dataclass(frozen=True, slots=True)
class CompareSum:
    """The sum of the fields compares with the value as `op` says; false where one of them is no number."""

    op: Op
    fields: tuple[Field, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Related:
    """The record has a relationship of this type to a target with this label whose `marker` property is true."""

    relationship: str
    label: str
    marker: str | None = None


@dataclass(frozen=True, slots=True)
class AnyElement:
    """The condition, which is about this field only, holds of its value; or of one of its values.

    A path has several values where it leads through a list: `items.sku` of `{items: [{sku: 1}, {sku: 2}]}`. A list at
    the end of a path is one value. No list means one value, an empty one means none.
    """

    field: Field
    where: Condition


@dataclass(frozen=True, slots=True)
class LeadsThroughList:
    """The field's path leads through a list, so that it may have several values, or none."""

    field: Field


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    operand: Condition


@dataclass(frozen=True, slots=True)
class And:
    """All hold; true when there are none."""

    operands: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one holds; false when there are none."""

    operands: tuple[Condition, ...]


Condition = (
    Always
    | IsNull
    | IsText
    | HasType
    | Compare
    | CompareLength
    | CompareFields
    | CompareSum
    | InSet
    | Matches
    | Related
    | AnyElement
    | LeadsThroughList
    | Not
    | And
    | Or
)


def any_element(field: Field, where: Condition) -> Condition:
    """The condition, of each value of the field; a path of one name leads through no list."""
    return AnyElement(field, where) if len(field.parts) > 1 else where


def renamed(node: Condition, field: Field, to: Field) -> Condition:
    """The condition with another field in the place of one; what is about each value of the field stays as it is."""
    if isinstance(node, And | Or):
        return type(node)(tuple(renamed(part, field, to) for part in node.operands))
    if isinstance(node, Not):
        return Not(renamed(node.operand, field, to))
    if getattr(node, "field", None) == field and not isinstance(node, AnyElement | LeadsThroughList):
        return replace(node, field=to)  # type: ignore[arg-type]
    return node


def both(*operands: Condition) -> Condition:
    """The conjunction, flat, without the parts that are always true."""
    flat = [part for one in operands for part in (one.operands if isinstance(one, And) else (one,))]
    kept = tuple(part for part in flat if part != Always(True))
    if not kept:
        return Always(True)
    return kept[0] if len(kept) == 1 else And(kept)


@dataclass(frozen=True, slots=True)
class Count:
    """How many records meet a condition."""

    where: Condition = Always(True)


class Kind(StrEnum):
    """A number made of all values of a field."""

    COUNT = "count"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    MEAN = "mean"
    STDEV = "stdev"
    """Of the sample: divided by n - 1."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A number made of a field's values, nulls left out, of records that meet a condition; null of none.

    Where the path leads through a list, each of its values counts.
    """

    kind: Kind
    field: Field
    where: Condition = Always(True)


@dataclass(frozen=True, slots=True)
class Distinct:
    """How many different values a field has, nulls left out, among records that meet a condition."""

    field: Field
    where: Condition = Always(True)


@dataclass(frozen=True, slots=True)
class Repeated:
    """How many records meet a condition and share their values of these fields with another that does.

    Nulls are values here, and equal to each other: a condition leaves them out where they do not count.
    """

    fields: tuple[Field, ...]
    where: Condition = Always(True)


@dataclass(frozen=True, slots=True)
class OutOfOrder:
    """How many records that meet a condition do not follow the one before them, in the slice's order.

    Args:
        field: The field whose values ought to rise, or fall.
        allowed: How a value must compare with the one before it.
        where: Which records count.
    """

    field: Field
    allowed: Op
    where: Condition = Always(True)


Measure = Count | Aggregate | Distinct | Repeated | OutOfOrder
"""What can be computed over a slice; a store sends as many in one query as one query can carry."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some records that meet a condition, in the order of the store's key, `limit` at most."""

    where: Condition
    fields: tuple[Field, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class RepeatedSample:
    """Some of the records that `Repeated` counts."""

    repeated: Repeated
    fields: tuple[Field, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class OutOfOrderSample:
    """Some of the records that `OutOfOrder` counts, in that order."""

    found: OutOfOrder
    fields: tuple[Field, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class TopValues:
    """The most frequent values of a field among the records that meet a condition, most frequent first."""

    where: Condition
    field: Field
    limit: int


@dataclass(frozen=True, slots=True)
class Modes:
    """The values of a field that occur most often, all equally often, sorted; nulls do not count."""

    field: Field
    where: Condition
    limit: int


@dataclass(frozen=True, slots=True)
class DistinctValues:
    """The different values of a field, sorted, nulls left out, among records that meet a condition."""

    field: Field
    where: Condition
    limit: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """Values of a field at these places, counted from 0, in rising order, nulls left out."""

    field: Field
    where: Condition
    ranks: tuple[int, ...]


Records = Sample | RepeatedSample | OutOfOrderSample
"""A question whose answer is records."""

Values = Modes | DistinctValues | Ranked
"""A question whose answer is values of one field."""

Asked = Measure | Records | Values | TopValues
"""Everything a store can be asked."""


def condition_of(asked: Asked) -> Condition:
    """Which records it is about."""
    if isinstance(asked, RepeatedSample):
        return asked.repeated.where
    return asked.found.where if isinstance(asked, OutOfOrderSample) else asked.where


Row = Mapping[str, Any]
"""One record, by the paths of the fields asked for; a missing field is absent."""
