"""Reading a campaign catalogue: JSON Lines or CSV, plain or .gz; a bad line is named and left out, never fatal."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.fields import CAMPAIGN_ID
from pipeline.core.records import MAX_ID_LENGTH
from pipeline.sources.canonical import key_text

Campaign = Mapping[str, Any]
MAX_LINE = 1 << 20


class BadLine(NamedTuple):
    """A line that is no campaign, and why."""

    line: int
    why: str


def read_campaigns(path: Path) -> Iterator[Campaign | BadLine]:
    """The campaigns of a file, in its order.

    Args:
        path: `.jsonl`, `.ndjson`, `.json` or `.csv`, each also `.gz`.

    Raises:
        ConfigurationError: The file's type is another, or it cannot be read.
    """
    kind = path.suffixes[-2:-1] if path.suffix == ".gz" else path.suffixes[-1:]
    reader = {".jsonl": _json_lines, ".ndjson": _json_lines, ".json": _json_lines, ".csv": _csv}.get("".join(kind))
    if reader is None:
        raise ConfigurationError(
            f"{path} is no campaign file.", next_step="Its name must end in .jsonl, .ndjson, .json or .csv (or .gz)."
        )
    try:
        with _opened(path) as file:
            yield from reader(file)
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigurationError(
            f"{path} cannot be read to its end: {error}.", next_step="Check that the file is whole and readable."
        ) from error


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
    return path.open("rt", encoding="utf-8-sig", errors="surrogateescape", newline="")


def _json_lines(file: IO[str]) -> Iterator[Campaign | BadLine]:
    number = 0
    while text := file.readline(MAX_LINE):
        number += 1
        if text.strip():
            yield _from_json(text, number)


def _from_json(text: str, number: int) -> Campaign | BadLine:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return BadLine(number, f"not JSON: {error}")
    if not isinstance(value, dict):
        return BadLine(number, "not a JSON object")
    return _checked(value, number)


def _csv(file: IO[str]) -> Iterator[Campaign | BadLine]:
    rows = csv.DictReader(file, strict=True)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadLine(rows.line_num, f"not CSV: {error}")
            continue
        if None in row or None in row.values():
            yield BadLine(rows.line_num, "the row has another number of cells than the header")
        else:
            yield _checked({name: cell for name, cell in row.items() if cell}, rows.line_num)


def _checked(campaign: dict[str, Any], number: int) -> Campaign | BadLine:
    key = key_text(campaign.get(CAMPAIGN_ID))  # as in the log: 42 in either is "42" in both
    if key is None or not key.strip():
        return BadLine(number, "campaign_id is missing, or is neither text nor a whole number")
    try:
        text = json.dumps(campaign, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return BadLine(number, "not UTF-8")
    if len(key.encode("utf-8")) > MAX_ID_LENGTH or b"\\u0000" in text:
        return BadLine(number, f"campaign_id is longer than {MAX_ID_LENGTH} bytes, or there is a NUL in the line")
    return {**campaign, CAMPAIGN_ID: key}
