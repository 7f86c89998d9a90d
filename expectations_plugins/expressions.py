"""Conditions and measures in words no store owns; each store compiles them once, into its own language.

A condition is two-valued: it is true or false of a record, never null. Where GX leaves nulls out of a count, the
condition says so itself (`And(Not(IsNull(f)), …)`). Nothing here knows of Great Expectations or of a driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record by dotted path; a name that holds a dot itself is given as one of several `parts`."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, path: str) -> Field:
        """`a.b` is field b of a."""
        return cls(tuple(path.split(".")))

    @property
    def path(self) -> str:
        """The dotted path."""
        return ".".join(self.parts)


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


@dataclass(frozen=True, slots=True)
class Compare:
    """The field compares with the value as `op` says; false where the field is null."""

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
    """The field is text in which the regular expression is found (search, not full match)."""

    field: Field
    pattern: str


@dataclass(frozen=True, slots=True)
class CompareLength:
    """The field is text whose length, in characters, compares with the value as `op` says."""

    op: Op
    field: Field
    value: int


@dataclass(frozen=True, slots=True)
class CompareFields:
    """One field compares with another as `op` says; false where either is null."""

    op: Op
    left: Field
    right: Field


@dataclass(frozen=True, slots=True)
class Related:
    """The record has a relationship of this type to a target with this label whose `marker` property is true."""

    relationship: str
    label: str
    marker: str | None = None


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
    Always | IsNull | IsText | Compare | CompareLength | CompareFields | InSet | Matches | Related | Not | And | Or
)


def both(*operands: Condition) -> Condition:
    """The conjunction, without the parts that are always true."""
    kept = tuple(part for part in operands if part != Always(True))
    if not kept:
        return Always(True)
    return kept[0] if len(kept) == 1 else And(kept)


@dataclass(frozen=True, slots=True)
class Count:
    """How many records meet a condition."""

    where: Condition = Always(True)


class Kind(StrEnum):
    """A number made of all values of a field."""

    MIN = "min"
    MAX = "max"
    SUM = "sum"
    MEAN = "mean"
    STDEV = "stdev"
    """Of the sample: divided by n - 1."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A number made of a field's values, nulls left out, of records that meet a condition; null of none."""

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
    """How many records meet a condition and share their values of these fields with another that does."""

    fields: tuple[Field, ...]
    where: Condition = Always(True)


Measure = Count | Aggregate | Distinct | Repeated
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
class TopValues:
    """The most frequent values of a field among the records that meet a condition, most frequent first."""

    where: Condition
    field: Field
    limit: int


Row = Mapping[str, Any]
"""One record, by the paths of the fields asked for; a missing field is absent."""
