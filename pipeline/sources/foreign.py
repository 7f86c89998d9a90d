"""What a file is that holds no records, in one sentence: seen in its first bytes, so that one outcome says it all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pipeline.core.batches import NO_RECORDS
from pipeline.core.fields import INTERACTION_ID

NAMES_SHOWN, NAME_SHOWN = 8, 40
"""Columns of a header that are named, and characters of each."""

AS_LINES = "write its records as JSON Lines, one object a line"

_BINARY: tuple[tuple[bytes, str, str], ...] = (
    (b"PAR1", "a Parquet file", f"{AS_LINES} (duckdb: COPY (FROM 'FILE') TO 'FILE.jsonl')"),
    (b"ARROW1", "an Arrow file", AS_LINES),
    (b"ORC", "an ORC file", AS_LINES),
    (b"Obj\x01", "an Avro file", f"{AS_LINES} (avro-tools tojson)"),
    (b"SQLite format 3\0", "an SQLite database", f"{AS_LINES} (sqlite3 -json)"),
    (b"\xd0\xcf\x11\xe0", "an old Office file, as .xls is", "save the table as CSV in UTF-8"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook", "unpack it, or save the table as CSV in UTF-8"),
    (b"\x1f\x8b\x08", "gzip inside gzip", "compress it only once"),
    (b"\x28\xb5\x2f\xfd", "a zstd file inside another compression", "compress it only once"),
    (b"BZh", "a bzip2 file inside another compression", "compress it only once"),
    (b"\xfd7zXZ\0", "an xz file", "compress it with gzip, zstd or bzip2"),
    (b"\x04\x22\x4d\x18", "an lz4 file", "compress it with gzip, zstd or bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (b"Rar!", "a rar archive", "unpack it"),
    (b"%PDF", "a PDF", AS_LINES),
    (b"\x89PNG", "a PNG image", "remove it"),
    (b"\xff\xd8\xff", "a JPEG image", "remove it"),
    (b"GIF8", "a GIF image", "remove it"),
    (b"\x7fELF", "a program", "remove it"),
)
"""How files begin, what they are, and what to do."""

_ACCESS_LOG = re.compile(r'\S+ \S+ \S+ \[[^\]]+\] "')
_SYSLOG = re.compile(r"(<\d{1,3}>|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )")
_TIMED_TEXT = re.compile(r"\[?\d{4}[-/]\d\d[-/]\d\d[T ]")
_PYTHON = re.compile(r"[{\[(]+\s*'|\{[^\"\n]*\b(None|True|False)\b")
_BARE_KEYS = re.compile(r"\{\s*[A-Za-z_]\w*\s*:")
_YAML = re.compile(r"(---|%YAML|- )|[A-Za-z_][\w-]*:(\s|$)")
_KEY_VALUES = re.compile(r"[A-Za-z_][\w.]*=\S")
_TEXTS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"<!doctype html|<html", re.IGNORECASE), "an HTML page", "look why a log holds a page"),
    (re.compile(r"<\?xml|<[A-Za-z!]"), "XML", AS_LINES),
    (_ACCESS_LOG, "the access log of a web server", "have the server write JSON (log_format, LogFormat)"),
    (_SYSLOG, "a syslog", AS_LINES),
    (_PYTHON, "Python objects as they are printed", f"{AS_LINES} (json.dumps in place of print)"),
    (_BARE_KEYS, "JavaScript objects with names that are not in quotes", f"{AS_LINES} (JSON.stringify)"),
    (_TIMED_TEXT, "a log of text lines", AS_LINES),
    (_YAML, "YAML", f"{AS_LINES} (yq -o json)"),
    (_KEY_VALUES, "lines of key=value pairs", AS_LINES),
)
MOST_CONTROLS = 0.05
"""The share of control characters in data that is no text; in random bytes it is a tenth."""

_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def binary(sample: bytes) -> str:
    """What a file is that is no text, by how it begins; "" when it begins as none of these."""
    for magic, what, advice in _BINARY:
        if sample.startswith(magic):
            return said(what, advice)
    if sample[257:262] == b"ustar":
        return said("a tar archive", "unpack it")
    return ""


def no_text(sample: bytes) -> str:
    """What data is that is no text and of no known format; "" when it may be text."""
    text = sample.replace(bytes(4), b"").decode("latin-1")  # a run of NULs says nothing
    share = len(_NO_TEXT.findall(text)) / max(1, len(text))
    return said("binary data", AS_LINES) if share > MOST_CONTROLS else ""


def plain_text(text: str) -> str:
    """What a text is that holds no JSON object and no CSV header that could be used."""
    found = next(((what, advice) for pattern, what, advice in _TEXTS if pattern.match(text)), None)
    return said(*(found or ("text that is not JSON", AS_LINES)))


def like_json(text: str) -> str:
    """What objects are that are not JSON's; "" when they are neither Python's nor JavaScript's."""
    return plain_text(text) if _PYTHON.match(text) or _BARE_KEYS.match(text) else ""


def csv_without_id(names: list[str]) -> str:
    """A CSV file whose header cannot be used."""
    shown = ", ".join(name[:NAME_SHOWN] for name in names[:NAMES_SHOWN]) + (", …" if len(names) > NAMES_SHOWN else "")
    return said(
        f"CSV without a column {INTERACTION_ID} (its header row: {shown})",
        f"name the column of the ids {INTERACTION_ID}, or add the header row",
    )


def other_items(value: Any) -> str:
    """A JSON value in place of records."""
    kind = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}.get(
        type(value), "number"
    )
    return said(f"JSON of which each record is one {kind}", AS_LINES)


def document(text: str) -> str:
    """A JSON document whose records lie in an array inside it; "" when it is none.

    Args:
        text: It, or its beginning.
    """
    path = next(_arrays_of_objects(text), "")
    return said(f"one JSON document with its records in {path}", f"{AS_LINES} (jq -c '{path}[]')") if path else ""


def said(what: str, advice: str) -> str:
    """As it ends a sentence that begins with the file."""
    return f"looks like {what}, so that {NO_RECORDS}: {advice}, and send it again"


_PARTS = re.compile(r'(?P<text>"(?:[^"\\]|\\.)*")(?P<named>\s*:)?|(?P<bracket>[{}\[\]])')


def _arrays_of_objects(text: str) -> Iterator[str]:
    """The path, as jq writes it, of the first array whose first item is an object; none of a record with an id."""
    path: list[str] = []
    key = ""
    for part in _PARTS.finditer(text):
        bracket = part["bracket"]
        if bracket == "{" and path and path[-1] == "[]":
            yield _jq(path)
            return
        if bracket in ("{", "["):
            path.extend((key, "[]") if bracket == "[" else (key,))
        elif bracket:
            del path[-2 if bracket == "]" else -1 :]
        key = json.loads(part["text"]) if part["named"] else ""
        if key == INTERACTION_ID and len(path) == 1:
            return


def _jq(path: list[str]) -> str:
    names = [name for name in path if name and name != "[]"]
    path_text = "".join(f".{name}" if name.isidentifier() else f"[{json.dumps(name)}]" for name in names)
    return path_text if path_text.startswith(".") else f".{path_text}"
