"""Names of types as suites write them: Python's, which GX's pandas engine takes, BSON's, Cypher's and Milvus's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from expectations_plugins.conditions.expressions import Type
from expectations_plugins.core.errors import TerminalError
from expectations_plugins.engine.backend import UnsupportedError

NAMES: Mapping[str, tuple[Type, ...]] = {
    "none": (),
    "nonetype": (),
    "str": (Type.TEXT,),
    "string": (Type.TEXT,),
    "varchar": (Type.TEXT,),
    "string_types": (Type.TEXT,),
    "int": (Type.INTEGER, Type.BOOLEAN),  # a bool of Python is an int, and GX's pandas engine says so
    "long": (Type.INTEGER, Type.BOOLEAN),
    "integer": (Type.INTEGER,),
    **dict.fromkeys(("int8", "int16", "int32"), (Type.INTEGER,)),
    "int64": (Type.INTEGER,),
    "float": (Type.FLOAT,),
    "float64": (Type.FLOAT,),
    "double": (Type.FLOAT,),
    "decimal": (Type.DECIMAL,),
    "decimal128": (Type.DECIMAL,),
    "number": (Type.INTEGER, Type.FLOAT, Type.DECIMAL),
    "bool": (Type.BOOLEAN,),
    "boolean": (Type.BOOLEAN,),
    "datetime": (Type.DATETIME,),
    "timestamp": (Type.DATETIME,),
    "zoned datetime": (Type.DATETIME,),
    "local datetime": (Type.DATETIME,),
    "date": (Type.DATE, Type.DATETIME),  # BSON calls a point in time a date
    "list": (Type.LIST,),
    "array": (Type.LIST,),
    "dict": (Type.MAP,),
    "map": (Type.MAP,),
    "bytes": (Type.BYTES,),
    "bindata": (Type.BYTES,),
    "objectid": (Type.OBJECT_ID,),
}
"""By name in lower case."""

DTYPES = frozenset({"object", "object_", "o", "category", "datetime64", "datetime64[ns]", "timedelta64"})
"""Names GX's pandas engine takes that are about a column's dtype, in lower case; values in a store have none."""


def types_named(names: Sequence[str] | None) -> tuple[Type, ...]:
    """The types these names stand for; as in GX, a name nobody knows is passed over when another one is known.

    Raises:
        UnsupportedError: None of them is a type of values, and one is a dtype of numpy or pandas.
        TerminalError: None of them is known.
    """
    known = [NAMES[name.lower()] for name in names or () if name and name.lower() in NAMES]
    dtypes = [name for name in names or () if name and name.lower() in DTYPES]
    if dtypes and not known:
        what = f"the type {dtypes[0]!r}, a dtype of numpy or pandas: a field has none, its values have types"
        raise UnsupportedError("A store engine", what, f"Names are: {', '.join(sorted(NAMES))}.")
    if not known:
        raise TerminalError(
            f"No type is called {' or '.join(map(repr, names or ['']))}.",
            next_step=f"Names are: {', '.join(sorted(NAMES))}.",
        )
    return tuple(dict.fromkeys(type_ for types in known for type_ in types))
