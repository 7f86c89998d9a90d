"""From dead records to the bytes of a new batch: as they were, with fields set, or as a person wrote them anew."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.batches import short
from pipeline.core.program import program
from pipeline.core.records import DeadReason
from pipeline.ports.dead_letters import Letter
from pipeline.sources.forms import Records, records_in
from pipeline.sources.lines import OPEN_QUOTE
from pipeline.sources.names import AS_THEY_WERE
from pipeline.sources.parsing import RAW_BYTES, Refused, json_record
from pipeline.storage.location import Place

JSON_FILE, CSV_FILE = "records.jsonl", "records.csv"

NOT_WHOLE = ("is not UTF-8", "its start is kept", OPEN_QUOTE)
"""Details of letters whose text is not what was in the file, or would swallow its neighbours."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """The bytes of a new batch.

    Args:
        name: Its file's name, which says how it is read.
        data: Its bytes; the batch's id derives from them.
        lines: Keys of the locators of the dead records it replays.
        left_out: Those of the ones that cannot be replayed as they are.
    """

    name: str
    data: bytes
    lines: tuple[int, ...]
    left_out: tuple[int, ...] = ()


def address(letter: Letter) -> str:
    """A dead record as people read and type it."""
    return f"{short(letter.batch_id)}:{letter.at.address}"


def as_they_were(letters: Iterable[Letter], source: Place) -> Repaired:
    """Dead records unchanged.

    Args:
        letters: Of one batch, in the order of its file.
        source: The batch's file, whose name says how it is read.
    """
    whole: list[Letter] = []
    left_out: list[Letter] = []
    for letter in letters:
        (left_out if is_not_whole(letter) else whole).append(letter)
    lines = tuple(letter.at.key for letter in whole)
    left = tuple(letter.at.key for letter in left_out)
    headings = [_opened(letter.raw, source).heading for letter in whole]
    if not any(headings):
        # a record of an array may be on several lines; a line end inside a text is not JSON anyway
        return Repaired(AS_THEY_WERE, "".join(one.raw.replace("\n", " ") + "\n" for one in whole).encode(), lines, left)
    rows = [letter.raw.removeprefix(heading) for letter, heading in zip(whole, headings, strict=True)]
    return Repaired(CSV_FILE, (headings[0] + "".join(f"{row}\n" for row in rows)).encode(), lines, left)


def with_fields(letter: Letter, changes: Mapping[str, Any], source: Place) -> Repaired:
    """One dead record with some of its fields set.

    Args:
        letter: The record.
        changes: Values by field name.
        source: The batch's file, whose name says how it is read.

    Raises:
        ConfigurationError: It has no fields that could be set.
    """
    record = {**fields_of(letter, source), **changes}
    return Repaired(JSON_FILE, _line(record), (letter.at.key,))


def fields_of(letter: Letter, source: Place) -> Mapping[str, Any]:
    """The fields of a dead record.

    Raises:
        ConfigurationError: It has none: it is no JSON object, or no row of its CSV file.
    """
    try:
        if not is_not_whole(letter):
            return _parsed(letter.raw, source)
        why = "its text is not whole"
    except Refused as refused:
        why = refused.detail
    raise ConfigurationError(
        f"Record {address(letter)} has no fields that could be set: {why}.",
        next_step=f"Write it anew as JSON: {program()} dlq replay {address(letter)} --record FILE",
    )


def from_object(letter: Letter, text: bytes, name: str) -> Repaired:
    """One dead record, written anew.

    Args:
        letter: The record.
        text: A file's content: one JSON object.
        name: The file's name, for errors.

    Raises:
        ConfigurationError: That is no JSON object in UTF-8.
    """
    return Repaired(JSON_FILE, _line(_json(text, name)), (letter.at.key,))


def from_lines(letters: Sequence[Letter], text: bytes, name: str) -> Repaired:
    """Dead records of a batch, written anew.

    Args:
        letters: The records.
        text: A file's content: one JSON object a line.
        name: The file's name, for errors.

    Raises:
        ConfigurationError: A line is no JSON object in UTF-8, or there is none.
    """
    rows = [row for row in text.removeprefix(b"\xef\xbb\xbf").split(b"\n") if row.strip()]
    if not rows:
        raise ConfigurationError(f"{name} holds no record.", next_step="Write one JSON object a line.")
    lines = b"".join(_line(_json(row, f"{name}, record {number}")) for number, row in enumerate(rows, 1))
    return Repaired(JSON_FILE, lines, tuple(letter.at.key for letter in letters))


def is_not_whole(letter: Letter) -> bool:
    """Whether the letter's text is not what was in the file, so that it cannot be replayed as it is."""
    return letter.reason is DeadReason.INCOMPLETE or any(detail in letter.detail for detail in NOT_WHOLE)


def _parsed(raw: str, source: Place) -> Mapping[str, Any]:
    records = _opened(raw, source)
    return records.parse(raw.removeprefix(records.heading)) if records.heading else json_record(raw)


def _opened(raw: str, source: Place) -> Records:
    return records_in([raw.encode()], source.name, max_bytes=RAW_BYTES)


def _json(text: bytes, name: str) -> Mapping[str, Any]:
    try:
        return json_record(text.decode("utf-8-sig"))
    except UnicodeDecodeError:
        what = "it is not UTF-8"
    except Refused as refused:
        what = refused.detail
    raise ConfigurationError(f"{name} cannot be used: {what}.", next_step="Write the whole record as one JSON object.")


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
