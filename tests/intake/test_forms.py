"""In which forms records may lie in a file, and what is said of a file that holds none."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import itertools
import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations_plugins.core.errors import TerminalError
from pipeline.core.batches import BatchSource
from pipeline.core.locator import Locator, Unit
from pipeline.core.records import DeadLetter, Interaction
from pipeline.sources.discovery import discover
from pipeline.sources.forms import records_in
from pipeline.sources.lines import Chunk
from pipeline.sources.reading import read

UTC = ZoneInfo("UTC")
Item = Interaction | DeadLetter
RECORDS: list[dict[str, Any]] = [
    {"interaction_id": f"i_{n}", "user_id": "u_1", "message": 'é "} {" [,', "items": [{"a": n}, {"b": [{}]}]}
    for n in range(5)
]
JSON = [json.dumps(record, ensure_ascii=False) for record in RECORDS]
PRETTY = [json.dumps(record, indent=2) for record in RECORDS]
LINES = "".join(f"{text}\n" for text in JSON)
BOM = "\ufeff"

SAME: dict[str, str | bytes] = {
    "lines.jsonl": LINES,
    "no-line-end.jsonl": LINES.rstrip("\n"),
    "windows.jsonl": LINES.replace("\n", "\r\n"),
    "old-mac.jsonl": LINES.replace("\n", "\r"),
    "lines.csv": LINES,
    "array.json": json.dumps(RECORDS),
    "array-pretty.json": json.dumps(RECORDS, indent=2),
    "array-of-lines.json": "[\n" + ",\n".join(JSON) + "\n]\n",
    "array.log": json.dumps(RECORDS, indent="\t"),
    "two-arrays.json": json.dumps(RECORDS[:2]) + "\n" + json.dumps(RECORDS[2:], indent=1),
    "concatenated.jsonl": "".join(JSON),
    "concatenated-spaces.jsonl": " ".join(JSON),
    "pretty.jsonl": "\n".join(PRETTY),
    "pretty-concatenated.json": "".join(PRETTY),
    "commas.jsonl": "".join(f"{text},\n" for text in JSON),
    "text-sequence.jsonl": "".join(f"\x1e{text}\n" for text in PRETTY),
    "glued.jsonl": f"{JSON[0]}\n{JSON[1]}{JSON[2]}\n{JSON[3]} {JSON[4]}\n",
    "two-bom.jsonl": f"{BOM}{JSON[0]}\n{JSON[1]}\n{BOM}{JSON[2]}\n{JSON[3]}\n{JSON[4]}\n",
    "two-bom-glued.jsonl": f"{BOM}{JSON[0]}\n{JSON[1]}{BOM}{JSON[2]}\n{JSON[3]}\n{JSON[4]}\n",
    "two-bom.json": f"{BOM}{json.dumps(RECORDS[:2])}{BOM}{json.dumps(RECORDS[2:])}",
    "truncated-under-its-writer.jsonl": "\0" * 200_000 + LINES,
    "nuls-between.jsonl": f"{JSON[0]}\n\0\0\0{JSON[1]}\n{JSON[2]}\0\0\0{JSON[3]}\n{JSON[4]}\n\0\0\0\0",
    "nuls-between.json": f"[{JSON[0]},\0\0{JSON[1]}, {JSON[2]}\0,\n{JSON[3]},{JSON[4]}]\0\0",
    "utf-16.jsonl": LINES.encode("utf-16"),
    "utf-16-be.json": b"\xfe\xff" + json.dumps(RECORDS, indent=2).encode("utf-16-be"),
    "utf-16-no-mark.jsonl": LINES.encode("utf-16-le"),
    "utf-16-be-no-mark.jsonl": LINES.encode("utf-16-be"),
    "utf-32.jsonl": LINES.encode("utf-32"),
    "plain.jsonl.gz": LINES,
    "utf-16.jsonl.gz": LINES.encode("utf-16"),
    "gzip.jsonl": gzip.compress(LINES.encode()),
    "array.json.gz": gzip.compress(json.dumps(RECORDS, indent=2).encode()),
    "array.json.zst": zstd.compress(json.dumps(RECORDS).encode()),
    "utf-16.json.bz2": bz2.compress("".join(PRETTY).encode("utf-16")),
}
"""Files that hold the same records."""

ROWS = [("interaction_id", "user_id", "message"), *((f"c_{n}", "u_1", f'"a;b,\t{n}"') for n in range(5))]


def table(delimiter: str) -> str:
    return "".join(delimiter.join(row) + "\n" for row in ROWS)


SAME_CSV: dict[str, str | bytes] = {
    "comma.csv": table(","),
    "semicolon.csv": table(";"),
    "tab.csv": table("\t"),
    "pipe.csv": table("|"),
    "excel.csv": "sep=;\r\n" + table(";").replace("\n", "\r\n"),
    "excel-tab.csv": '"sep=\t"\n' + table("\t"),
    "semicolon.log": table(";"),
    "table.jsonl": table(","),
    "utf-16.csv": table("\t").encode("utf-16"),
    "two.csv": BOM
    + "".join(table(";").splitlines(keepends=True)[:3])
    + BOM
    + "".join([table(";").splitlines(keepends=True)[0], *table(";").splitlines(keepends=True)[3:]]),
    "semicolon.csv.gz": gzip.compress(table(";").encode()),
}

FOREIGN: dict[str, tuple[str | bytes, str]] = {
    "page.log": ("<!DOCTYPE html>\n<html><body>502</body></html>", "an HTML page"),
    "feed.json": ("<?xml version='1.0'?>\n<records/>", "XML"),
    "feed.csv": ("<records>\n<record a='1,2'/>\n</records>", "XML"),
    "access.log": ('1.2.3.4 - - [20/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1\n' * 3, "the access log of a web"),
    "sys.log": ("Nov 20 10:00:00 host app[1]: hello\n" * 3, "a syslog"),
    "app.log": ("2026-11-20T10:00:00Z INFO hello\n" * 3, "a log of text lines"),
    "bracket.log": ("[2026-11-20 10:00:00] INFO hello\n" * 3, "a log of text lines"),
    "kv.log": ("level=info user=u_1\n" * 3, "lines of key=value pairs"),
    "python.jsonl": ("\n".join(map(str, RECORDS)), "Python objects as they are printed"),
    "python-list.json": (str(RECORDS), "Python objects as they are printed"),
    "js.json": ("{interaction_id: 'i', user_id: 'u'}\n", "JavaScript objects"),
    "records.log": ("- interaction_id: i\n  user_id: u\n", "YAML"),
    "one.log": ("---\ninteraction_id: i\n", "YAML"),
    "export.json": (
        json.dumps({"version": 1, "data": {"tags": [1], "records": RECORDS}}),
        "its records in .data.records",
    ),
    "export-pretty.json": (json.dumps({"records": RECORDS * 500}, indent=1), "its records in .records"),
    "numbers.json": ("[1, 2, 3]", "each record is one array"),
    "rows.jsonl": ('["i", 1]\n["j", 2]\n', "each record is one array"),
    "text.json": ('"i_1"', "each record is one string"),
    "prose.log": ("Dear all,\nthis is no log.\n", "text that is not JSON"),
    "no-id.csv": ("userId,kind\n1,click\n", "CSV without a column interaction_id (its header row: userId, kind)"),
    "no-header.csv": ("i_1,u_1,click\ni_2,u_2,click\n", "CSV without a column interaction_id"),
    "twice.csv": ("interaction_id,a,a\n1,2,3\n", "the header row names the column 'a' twice"),
    "events.json": (b"PAR1\x15\x04\x15" + bytes(range(256)) * 9, "a Parquet file"),
    "table.csv": (b"PK\x03\x04\x14\0\x06\0xl/workbook.xml", "a zip archive or an Excel workbook"),
    "base.log": (b"SQLite format 3\0" + bytes(100), "an SQLite database"),
    "picture.json": (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG image"),
    "twice.jsonl.gz": (gzip.compress(gzip.compress(LINES.encode())), "gzip inside gzip"),
    "random.log": (hashlib.shake_256(b"7").digest(100_000), "binary data"),
}
"""Files of which no record can be read, and what is said of them."""


def written(path: Path, data: str | bytes) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def items(path: Path, max_records: int = 1_000_000, dropped: Counter[str] | None = None) -> list[Item]:
    found: list[Item] = []
    for source in discover([path], max_records=max_records, min_age=0):
        counted = Counter[str]()
        found += read(source, zone=UTC, dropped=counted)
        if dropped is not None:
            dropped.update(counted)
    return found


def content(found: list[Item]) -> list[tuple[str, str]]:
    assert all(isinstance(item, Interaction) for item in found), found
    return [(item.interaction_id, item.content_hash) for item in found if isinstance(item, Interaction)]


@pytest.mark.parametrize("max_records", [1_000_000, 2, 5])
@pytest.mark.parametrize("name", SAME)
def test_the_same_records_in_any_form_are_the_same(tmp_path: Path, name: str, max_records: int) -> None:
    expected = content(items(written(tmp_path / "expected.jsonl", LINES)))
    found = items(written(tmp_path / name, SAME[name]), max_records)
    assert content(found) == expected
    assert len({item.at.key for item in found}) == len(RECORDS)


@pytest.mark.parametrize("max_records", [1_000_000, 2])
@pytest.mark.parametrize("name", SAME_CSV)
def test_the_same_rows_with_any_delimiter_are_the_same(tmp_path: Path, name: str, max_records: int) -> None:
    found = items(written(tmp_path / name, SAME_CSV[name]), max_records)
    assert content(found) == content(items(written(tmp_path / "expected.csv", table(","))))
    assert [item.message for item in found if isinstance(item, Interaction)] == [f"a;b,\t{n}" for n in range(5)]


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_format_says_in_one_sentence_what_it_looks_like(tmp_path: Path, name: str) -> None:
    data, said = FOREIGN[name]
    (source,) = discover([written(tmp_path / name, data)], max_records=2, min_age=0)
    assert said in source.looks_like
    with pytest.raises(TerminalError) as raised:
        list(read(source, zone=UTC))
    assert raised.value.message.endswith(f"{name} {source.looks_like}.")
    assert "\n" not in raised.value.message


@pytest.mark.parametrize("line", ["no JSON", "<p>", "key: value", "{'a': 1}", "2026-11-20 INFO", "a,b", "[1]", "7"])
def test_bad_lines_beside_records_cost_themselves_only(tmp_path: Path, line: str) -> None:
    found = items(written(tmp_path / "log.jsonl", f"{line}\n{LINES}{line}\n"))
    assert [str(item.at) for item in found if isinstance(item, DeadLetter)] == ["line 1", "line 7"]
    assert len(found) == 7


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("array-pretty.json", [f"item {n} of the array" for n in range(1, 6)]),
        ("concatenated.jsonl", [f"record {n}" for n in range(1, 6)]),
        ("glued.jsonl", ["line 1", "line 2", "line 2, object 2", "line 3", "line 3, object 2"]),
    ],
)
def test_a_place_is_named_by_what_is_counted_in_the_file(tmp_path: Path, name: str, places: list[str]) -> None:
    found = items(written(tmp_path / name, SAME[name]))
    assert [str(item.at) for item in found] == places
    assert [Locator.of(item.at.key, str(item.at)) for item in found] == [item.at for item in found]
    assert [Locator.typed(item.at.address).key for item in found] == [item.at.key for item in found]


def test_a_place_that_an_older_program_kept_is_a_line() -> None:
    assert Locator.of(12) == Locator(12, Unit.LINE)


@pytest.mark.parametrize("max_records", [1_000_000, 5, 2])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lines.jsonl", {}),
        ("utf-16.jsonl", {}),
        ("two-bom.jsonl", {"byte_order_marks": 1}),
        ("two-bom.json", {"byte_order_marks": 1}),
        ("truncated-under-its-writer.jsonl", {"nul_bytes": 200_000}),
        ("nuls-between.jsonl", {"nul_bytes": 10}),
        ("nuls-between.json", {"nul_bytes": 5}),
        ("two.csv", {"byte_order_marks": 1, "header_rows": 1}),
    ],
)
def test_what_is_passed_over_between_records_is_counted(
    tmp_path: Path, name: str, expected: dict[str, int], max_records: int
) -> None:
    dropped = Counter[str]()
    items(written(tmp_path / name, {**SAME, **SAME_CSV}[name]), max_records, dropped)
    assert dropped == expected


def test_half_a_record_before_nuls_costs_itself_only(tmp_path: Path) -> None:
    found = items(written(tmp_path / "log.jsonl", f"{JSON[0]}\n{JSON[1][:30]}\0\0\0{JSON[2]}\n{JSON[3]}\n"))
    assert [type(item) is Interaction for item in found] == [True, False, True, True]


def test_nuls_inside_a_text_are_not_passed_over(tmp_path: Path) -> None:
    (found,) = items(written(tmp_path / "log.jsonl", '{"interaction_id": "i", "message": "a\0\0b"}\n'))
    assert isinstance(found, DeadLetter)


def test_an_array_that_ends_early_is_incomplete(tmp_path: Path) -> None:
    text = json.dumps(RECORDS, indent=2)
    for cut in (len(text) - 1, len(text) - 30, text.index("i_3")):
        *before, last = items(written(tmp_path / "array.json", text[:cut]))
        assert isinstance(last, DeadLetter)
        assert last.reason.value == "incomplete"
        assert content(before) == content(items(written(tmp_path / "all.json", text)))[: len(before)]


def test_a_bad_item_costs_itself_only(tmp_path: Path) -> None:
    bad = ['{"a": 1,, "b": [{"c": 1}]}', "5", "oops", "null", '{"a" 1}', '"text"', "[1, {}]"]
    text = "[" + ", ".join(f"{JSON[0].replace('i_0', f'k_{n}')}, {one}" for n, one in enumerate(bad)) + "]"
    found = items(written(tmp_path / "array.json", text))
    assert [type(item) is Interaction for item in found] == [True, False] * len(bad)
    assert [item.raw for item in found if isinstance(item, DeadLetter)] == bad


@pytest.mark.parametrize("form", ["[%s,\n{}]", "%s\n{}", "{}%s{}"])
def test_a_value_that_is_too_long_is_a_dead_letter_and_the_next_is_read(tmp_path: Path, form: str) -> None:
    long = '{"interaction_id": "l", "x": [{"}": "\\"]"}],\n "message": "' + "é" * 1_000_000 + '"}'
    found = items(written(tmp_path / "long.json", form.replace("{}", JSON[0]) % long))
    [letter] = [item for item in found if isinstance(item, DeadLetter)]
    assert f"{len(long.encode()):,} bytes, more than" in letter.detail
    assert len(letter.raw) <= 64 * 1024
    assert isinstance(found[-1], Interaction)


@pytest.mark.parametrize("separator", [",\n", ""])
def test_memory_stays_bounded_over_a_large_array_and_over_many_objects(tmp_path: Path, separator: str) -> None:
    one = separator.join(['{"interaction_id": "i", "x": "' + "x" * 1000 + '"}'] * 1000)
    text = separator.join([one] * 40)
    path = tmp_path / "large.json.gz"
    path.write_bytes(gzip.compress((f"[{text}]" if separator else text).encode(), 1))
    tracemalloc.start()
    try:
        assert sum(1 for _ in read(BatchSource("0" * 64, path), zone=UTC)) == 40_000
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


TOKENS = ["{", "}", "[", "]", ",", ":", '"', "\n", "\r", "\\", "\0", BOM, " ", "1", "a", ";", JSON[0], PRETTY[1]]


def cut(data: bytes, at: list[int]) -> Iterator[bytes]:
    places = sorted({0, len(data), *(one % (len(data) + 1) for one in at)})
    return (data[low:high] for low, high in itertools.pairwise(places))


def opened(data: bytes, at: list[int]) -> tuple[str, str, list[Chunk]]:
    records = records_in(cut(data, at), "log.json", max_bytes=500)
    return records.looks_like, records.heading, list(records.chunks)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=25).map("".join), st.lists(st.integers(0, 2000), max_size=6))
def test_no_text_whatever_is_lost_or_read_otherwise_in_other_pieces(text: str, at: list[int]) -> None:
    data = f"\n{text}".encode()  # so that it is not UTF-16
    looks_like, heading, chunks = opened(data, at)
    assert (looks_like, heading, chunks) == opened(data, [])
    if looks_like or heading:
        return
    end = 0
    for chunk in chunks:
        assert chunk.offset >= end
        between = data[end : chunk.offset]
        assert not between.translate(None, b" \t\r\n,[]\0\x1e\xef\xbb\xbf"), (data, chunks)
        end = chunk.offset + (0 if chunk.fault else len(chunk.data))
        assert chunk.fault or data[chunk.offset : end] == chunk.data
    if not any(chunk.fault for chunk in chunks):
        assert not data[end:].translate(None, b" \t\r\n,[]\0\x1e\xef\xbb\xbf"), (data, chunks)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_no_bytes_whatever_end_reading(data: bytes, at: list[int]) -> None:
    opened(data, at)


@pytest.mark.parametrize(
    "text",
    [
        "{\n" + '{"a": [1, 2}\n' * 40_000,
        "[{}" + "{" * 500_000,
        '[{"a":[' + '{"a":[' * 100_000,
        "[" + '{"a": 1,, "b": 2},\n' * 20_000 + "]",
        '[{"a":"' + "\\" * 1_000_001,
        '{"interaction_id":"i"}\n' + '{"a":\0' * 150_000,
        '{"interaction_id":"i"}\n' + "{}" * 200_000,
        "[]" * 200_000,
        "interaction_id,a\n" + 'a,"b\n' * 50_000,
    ],
)
def test_a_hostile_file_is_read_in_one_go(text: str) -> None:
    data = text.encode()  # where each value is looked for in all the rest, this takes hours
    assert sum(1 for _ in records_in(cut(data, list(range(0, len(data), 65536))), "log.json").chunks) < 210_000
