"""What becomes of every record of a file: an interaction, or a dead letter that says why not."""

from __future__ import annotations

import gzip
import json
import random
import tracemalloc
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from expectations_plugins.core.errors import ConfigurationError
from pipeline.core.batches import BatchSource
from pipeline.core.records import MISSING, DeadLetter, DeadReason, Interaction
from pipeline.sources.discovery import discover
from pipeline.sources.reading import read

UTC = ZoneInfo("UTC")
Item = Interaction | DeadLetter


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def items(path: Path, data: bytes, **limits: int) -> list[Item]:
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    (source,) = discover([path], max_records=10_000_000, min_age=0, **limits)
    return list(read(source, zone=UTC, **limits))


def record(path: Path, **fields: Any) -> Interaction:
    (item,) = items(path, json.dumps({"interaction_id": "i", **fields}).encode())
    assert isinstance(item, Interaction), item
    return item


def letter(path: Path, data: bytes, **limits: int) -> DeadLetter:
    (item,) = items(path, data, **limits)
    assert isinstance(item, DeadLetter), item
    return item


def kinds(found: list[Item]) -> list[str]:
    return [item.reason.value if isinstance(item, DeadLetter) else item.interaction_id for item in found]


def nested(levels: int) -> bytes:
    return b'{"interaction_id": "i", "deep": ' + b"[" * levels + b"]" * levels + b"}"


def test_unknown_fields_are_kept_as_given(log: Path) -> None:
    assert record(log, channel="web", nested={"$gt": 1}).extra == {"channel": "web", "nested": {"$gt": 1}}


@pytest.mark.parametrize("value", ["u_1", 1.5, True, None, ["u_1"], {"$ne": None}])
def test_a_user_id_of_any_type_is_left_to_the_gate(log: Path, value: object) -> None:
    assert record(log, user_id=value).user_id == value


def test_a_missing_field_is_told_from_a_null_one(log: Path) -> None:
    found = record(log, user_id=None)
    assert (found.user_id, found.campaign_id, found.type) == (None, MISSING, MISSING)


def test_a_message_that_is_not_text_is_kept_beside(log: Path) -> None:
    found = record(log, message=["hello"])
    assert (found.message, found.extra) == (None, {"message": ["hello"]})


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_a_blank_message_is_none(log: Path, blank: str | None) -> None:
    assert record(log, message=blank).message is None


def test_the_order_of_keys_does_not_change_the_content_hash(log: Path) -> None:
    one, two = items(
        log, b'{"interaction_id":"i","a":1,"b":"\xc3\xa9"}\n{"b": "\\u00e9", "a": 1, "interaction_id": "i"}'
    )
    assert isinstance(one, Interaction)
    assert isinstance(two, Interaction)
    assert one.content_hash == two.content_hash


def test_a_missing_field_and_a_null_one_are_different_content(log: Path) -> None:
    assert record(log).content_hash != record(log, user_id=None).content_hash


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (b"{\n", DeadReason.UNPARSABLE, "not JSON"),
        (b'{"interaction_id": "a"} x', DeadReason.UNPARSABLE, "not JSON: Extra data"),
        (b"[\n", DeadReason.INCOMPLETE, "the file ends before its array does"),
        (b'{"interaction_id": "\xff"}', DeadReason.UNPARSABLE, "not UTF-8"),
        (b'{"interaction_id": "a", "value": NaN}', DeadReason.UNPARSABLE, "NaN is not JSON"),
        (b'{"interaction_id": "a", "value": -Infinity}', DeadReason.UNPARSABLE, "-Infinity is not JSON"),
        (b'{"interaction_id": "a", "n": 1, "n": 2}', DeadReason.UNPARSABLE, "the key 'n' twice"),
        (b'{"interaction_id": "a", "x": {"n": 1, "n": 1}}', DeadReason.UNPARSABLE, "the key 'n' twice"),
        (b"{}", DeadReason.MISSING_ID, "missing"),
        (b'{"interaction_id": null}', DeadReason.MISSING_ID, "null"),
        (b'{"interaction_id": " "}', DeadReason.MISSING_ID, "blank"),
        (b'{"interaction_id": 7.5}', DeadReason.BAD_ID, "7.5 is not text"),
        (b'{"interaction_id": true}', DeadReason.BAD_ID, "True is not text"),
        (b'{"interaction_id": {"$ne": 1}}', DeadReason.BAD_ID, "not text"),
        (b'{"interaction_id": "a\\u0000"}', DeadReason.BAD_ID, "control characters"),
        (b'{"interaction_id": "a\\nb"}', DeadReason.BAD_ID, "control characters"),
        (b'{"interaction_id": "\\ud800"}', DeadReason.BAD_ID, "surrogate"),
        (b'{"interaction_id": "' + b"a" * 257 + b'"}', DeadReason.BAD_ID, "257 bytes"),
        (b'{"interaction_id": "' + "é".encode() * 129 + b'"}', DeadReason.BAD_ID, "258 bytes"),
        (b'{"interaction_id": "a", "n": 9223372036854775808}', DeadReason.UNSTORABLE, "more than 64 bits"),
        (b'{"interaction_id": "a", "n": ' + b"9" * 5000 + b"}", DeadReason.UNSTORABLE, "thousands of digits"),
        (b'{"interaction_id": "a", "n": 1e999}', DeadReason.UNSTORABLE, "beyond 64-bit"),
        (b'{"interaction_id": "a", "s": ["\\udfff"]}', DeadReason.UNSTORABLE, "surrogate"),
        (b'{"interaction_id": "a", "\\ud800": 1}', DeadReason.UNSTORABLE, "surrogate"),
        (b'{"interaction_id": "a", "x": {"n\\u0000": 1}}', DeadReason.UNSTORABLE, "NUL"),
        (nested(200), DeadReason.UNSTORABLE, "nested deeper than 90"),
        (nested(100_000), DeadReason.UNSTORABLE, "nested too deep"),
    ],
)
def test_a_record_that_cannot_be_loaded_says_why(log: Path, line: bytes, reason: DeadReason, detail: str) -> None:
    found = letter(log, line)
    assert found.reason is reason
    assert detail in found.detail
    found.detail.encode("utf-8")


@pytest.mark.parametrize("line", ['["interaction_id"]', "null", "7", '"interaction_id"'])
def test_a_line_that_is_json_and_no_object_is_a_dead_letter(log: Path, line: str) -> None:
    assert kinds(items(log, f'{{"interaction_id": "a"}}\n{line}\n'.encode())) == ["a", "not_an_object"]


def test_a_dead_letter_keeps_the_line_as_text_that_can_be_stored(log: Path) -> None:
    found = letter(log, b'{"interaction_id": "\xff\xfe", "n": "\\ud800"}')
    assert found.raw == '{"interaction_id": "\\xff\\xfe", "n": "\\ud800"}'


def test_the_largest_integer_and_the_deepest_nesting_that_fit_are_taken(log: Path) -> None:
    assert record(log, n=2**63 - 1).extra == {"n": 2**63 - 1}
    assert kinds(items(log, nested(89))) == ["i"]


def test_an_id_of_exactly_256_bytes_is_taken(log: Path) -> None:
    assert kinds(items(log, b'{"interaction_id": "' + b"a" * 256 + b'"}')) == ["a" * 256]


def test_a_document_that_grows_beyond_what_mongodb_stores_is_unstorable(log: Path) -> None:
    line = b'{"interaction_id": "i", "n": [' + b",".join([b"1"] * 1_200_000) + b"]}"
    assert letter(log, line, max_line_bytes=4_000_000).reason is DeadReason.UNSTORABLE


def test_blank_lines_are_not_records_and_lines_keep_their_numbers(log: Path) -> None:
    found = items(log, b'\n{"interaction_id": "a"}\n  \r\n{"interaction_id": "b"}')
    assert [(item.at.number, kind) for item, kind in zip(found, kinds(found), strict=True)] == [(2, "a"), (4, "b")]


def test_windows_line_ends_and_a_byte_order_mark_are_accepted(log: Path) -> None:
    assert kinds(items(log, b'\xef\xbb\xbf{"interaction_id": "a"}\r\n{"interaction_id": "b"}\r\n')) == ["a", "b"]


def test_a_line_that_is_too_long_is_a_dead_letter_and_the_next_is_read(log: Path) -> None:
    found = items(log, b'{"interaction_id": "' + b"a" * 2_000_000 + b'"}\n{"interaction_id": "b"}')
    assert kinds(found) == ["unparsable", "b"]
    assert isinstance(found[0], DeadLetter)
    assert len(found[0].raw) == 64 * 1024
    assert "2,000,022 bytes" in found[0].detail


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_line_of_exactly_the_limit_is_taken(log: Path, end: bytes) -> None:
    line = b'{"interaction_id": "abc"}'
    assert kinds(items(log, line + end, max_line_bytes=len(line))) == ["abc"]
    assert kinds(items(log, line + end, max_line_bytes=len(line) - 1)) == ["unparsable"]


def test_memory_stays_bounded_over_an_endless_line(tmp_path: Path) -> None:
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a' + b"a" * 64_000_000))
    source = BatchSource("0" * 64, path)
    tracemalloc.start()
    try:
        assert len(list(read(source, zone=UTC))) == 1
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()


def test_a_file_larger_than_the_limit_breaks_off_there(tmp_path: Path) -> None:
    lines = b'{"interaction_id": "a"}\n{"interaction_id": "b"}\n'
    found = items(tmp_path / "log.jsonl.gz", lines + b'{"interaction_id": "c"}\n' * 9, max_bytes=len(lines))
    assert kinds(found) == ["a", "b", "incomplete"]
    assert isinstance(found[2], DeadLetter)
    assert "larger than 48 bytes" in found[2].detail


def lines_of(count: int) -> bytes:
    draw = random.Random(7)
    return b"".join(b'{"interaction_id": "%d", "x": %r}\n' % (n, draw.random()) for n in range(count))


def test_a_truncated_file_gives_the_records_before_the_break_and_one_dead_letter(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(gzip.compress(lines_of(2000))[:-2000])
    (source,) = discover([path], max_records=10_000, min_age=0)
    found = list(read(source, zone=UTC))
    assert 1000 < len(found) < 2000
    assert kinds(found[:-1]) == [str(n) for n in range(len(found) - 1)]
    assert isinstance(found[-1], DeadLetter)
    assert found[-1].at.number == len(found)
    assert "truncated" in found[-1].detail


def test_a_corrupt_file_gives_what_is_before_the_fault(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl.gz"
    first, second = gzip.compress(lines_of(50)), bytearray(gzip.compress(lines_of(50)))
    second[10] = 0xFF  # an invalid deflate block type, right where the second member's data starts
    path.write_bytes(first + bytes(second))
    (source,) = discover([path], max_records=10_000, min_age=0)
    assert kinds(list(read(source, zone=UTC))) == [*(str(n) for n in range(50)), "incomplete"]


def test_a_wrong_checksum_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl.gz"
    data = bytearray(gzip.compress(b'{"interaction_id": "a"}\n'))
    data[-5] ^= 1
    path.write_bytes(bytes(data))
    (source,) = discover([path], max_records=10, min_age=0)
    assert kinds(list(read(source, zone=UTC))) == ["a", "incomplete"]


@pytest.mark.parametrize("cut", range(1, 64))
def test_a_file_that_ends_in_the_middle_of_a_record_says_so(log: Path, cut: int) -> None:
    whole = '{"interaction_id": "é", "x": {"y": [1, true]}, "z": "\\u00e9"}'.encode()
    found = items(log, b'{"interaction_id": "a"}\n' + whole[:cut])
    assert kinds(found) == ["a", "incomplete" if cut < len(whole) else "é"]


@pytest.mark.parametrize("end", [b'{"a": 1} x', b'{"a": 1,, "b": 2}', b"2026 INFO", b"]"])
def test_a_last_line_without_a_line_end_that_is_no_part_of_a_record_is_not_cut_off(log: Path, end: bytes) -> None:
    assert kinds(items(log, b'{"interaction_id": "a"}\n' + end)) == ["a", "unparsable"]


def test_the_parts_of_a_file_are_its_records_in_order(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(lines_of(10))
    sources = list(discover([path], max_records=4, min_age=0))
    parts = [kinds(list(read(source, zone=UTC))) for source in sources]
    assert parts == [["0", "1", "2", "3"], ["4", "5", "6", "7"], ["8", "9"]]


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.jsonl cannot be read"):
        list(read(BatchSource("0" * 64, tmp_path / "gone.jsonl"), zone=UTC))


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".jsonl.gz", ".csv.gz"])
def test_no_bytes_whatever_make_reading_fail(tmp_path: Path, suffix: str) -> None:
    draw = random.Random(42)
    alphabet = [
        b'"',
        b",",
        b"\n",
        b"\r",
        b"\0",
        b"{",
        b"}",
        b":",
        b"\xff",
        b"\xef\xbb\xbf",
        b"interaction_id",
        b"a",
        b"\\ud800",
    ]
    for number in range(300):
        data = b"".join(draw.choices(alphabet, k=draw.randrange(60)))
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(data if number % 2 and suffix.endswith(".gz") else packed(path, data))
        for source in discover([path], max_records=3, min_age=0):
            for item in () if source.looks_like else read(source, zone=UTC):
                item.raw.encode("utf-8")


def packed(path: Path, data: bytes) -> bytes:
    return gzip.compress(data) if path.suffix == ".gz" else data


@pytest.mark.parametrize(
    ("line", "known"),
    [
        (b'{"interaction_id": "i_1", "n": 99999999999999999999}', "i_1"),
        (b'{"interaction_id": "i_1", "user_id": "' + b"u" * 300 + b'"}', "i_1"),
        (b'{"interaction_id": 7.5}', ""),
        (b'{"interaction_id": "a\\u0000b"}', ""),
        (b'{"user_id": "u_1"}', ""),
        (b'{"interaction_id": "i_1"', ""),
    ],
)
def test_a_dead_letter_knows_its_id_where_it_has_one(log: Path, line: bytes, known: str) -> None:
    assert letter(log, line).interaction_id == known
