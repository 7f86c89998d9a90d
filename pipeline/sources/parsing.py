"""From the text of one record to its fields, or to the reason why not. What the fields mean is read elsewhere."""

from __future__ import annotations

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from pipeline.core.fields import INTERACTION_ID
from pipeline.core.records import DeadReason
from pipeline.sources.lines import Chunk

SHOWN_CHARACTERS = 80
RAW_BYTES = 1536 * 1024
"""What is kept of a record at most: what is not UTF-8 takes four characters a byte, a CSV row comes with its
header, and 16 MB are a document."""

_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_NUMERIC_COLUMNS = ("value",)


class Refused(Exception):  # noqa: N818 - not an error of the program: what becomes of one record
    """A record that cannot be loaded; becomes a dead letter.

    Args:
        reason: Its kind.
        detail: What is wrong, in words that can be encoded.
        at_end: Whether the record may go on where its text ends.
    """

    def __init__(self, reason: DeadReason, detail: str, *, at_end: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.at_end = at_end


def json_record(text: str) -> Mapping[str, Any]:
    """The fields of one line of JSON.

    Raises:
        Refused: It is not JSON, holds NaN or Infinity, names a key twice, or is not an object.
    """
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _no_json(text, error) from None
    except RecursionError:
        raise Refused(DeadReason.UNSTORABLE, "it is nested too deep") from None
    except ValueError:  # int() refuses texts of more than 4,300 digits
        raise Refused(DeadReason.UNSTORABLE, "it has an integer of thousands of digits") from None
    if not isinstance(value, dict):
        raise Refused(DeadReason.NOT_AN_OBJECT, f"a JSON {_KINDS[type(value)]}, not an object")
    return value


def csv_record(text: str, header: Sequence[str], delimiter: str = ",") -> Mapping[str, Any]:
    """The fields of one CSV record; empty cells are missing, all others are text except the numeric `value`.

    Raises:
        Refused: It is not CSV, or has too many or too few cells.
    """
    cells = cells_of(text, delimiter)
    if len(cells) != len(header):
        detail = f"{len(cells)} cells where the header has {len(header)}"
        raise Refused(DeadReason.UNPARSABLE, detail, at_end=len(cells) < len(header))
    return {name: _cell(name, cell) for name, cell in zip(header, cells, strict=True) if cell}


def header_of(chunk: Chunk, delimiter: str = ",") -> tuple[str, ...]:
    """The column names of a CSV file.

    Raises:
        Refused: There is no way to read rows under this header.
    """
    if chunk.fault:
        raise Refused(DeadReason.UNPARSABLE, f"the header row cannot be read: {chunk.fault}")
    try:
        names = tuple(name.strip() for name in cells_of(chunk.data.decode("utf-8"), delimiter))
    except (UnicodeDecodeError, Refused):
        raise Refused(DeadReason.UNPARSABLE, "the header row is not CSV in UTF-8") from None
    repeated = _repeated(names)
    if repeated is not None:
        raise Refused(DeadReason.UNPARSABLE, f"the header row names the column {shown(repeated)} twice")
    if INTERACTION_ID not in names:
        raise Refused(DeadReason.MISSING_ID, "the header row has no column interaction_id")
    return names


def text_of(data: bytes) -> str:
    """A record's bytes as text that can always be stored and read back; what is not UTF-8 becomes `\\xff`."""
    return data[:RAW_BYTES].decode("utf-8", "backslashreplace")


def shown(value: object) -> str:
    """A value in a detail: short, and without characters that cannot be encoded or printed."""
    text = repr(value[: SHOWN_CHARACTERS + 1] if isinstance(value, str) else value)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


def _no_json(text: str, error: json.JSONDecodeError) -> Refused:
    """Why a record is not JSON, and whether it may go on where its text ends."""
    line, rest = text.strip(), text[error.pos :].lstrip()
    cut = line.startswith("{") and error.msg != "Extra data" and not (line.endswith("}") and rest)
    where = f"line {error.lineno}, character {error.colno}" if error.lineno > 1 else f"character {error.colno}"
    return Refused(DeadReason.UNPARSABLE, f"not JSON: {error.msg} at {where}", at_end=cut)


def cells_of(text: str, delimiter: str) -> list[str]:
    """The cells of a row.

    Raises:
        Refused: It is not CSV.
    """
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise Refused(DeadReason.UNPARSABLE, f"not CSV: {error}") from None


def _cell(name: str, cell: str) -> str | int | float:
    """The cell; JSON says which values are numbers, CSV cannot, so that what is summed up is read as one."""
    if name not in _NUMERIC_COLUMNS or not _JSON_NUMBER.fullmatch(cell):
        return cell
    number: int | float = json.loads(cell)
    return number if math.isfinite(number) else cell


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    repeated = _repeated([name for name, _ in pairs])
    raise Refused(DeadReason.UNPARSABLE, f"an object names the key {shown(repeated)} twice")


def _repeated(names: Sequence[str]) -> str | None:
    return next((name for name, times in Counter(names).items() if times > 1), None)


def _constant(name: str) -> NoReturn:
    raise Refused(DeadReason.UNPARSABLE, f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
_KINDS = {list: "array", str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}
