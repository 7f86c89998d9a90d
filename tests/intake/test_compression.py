"""What is compressed is seen in the bytes: every kind is read, whole or broken, whatever the file is called."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from backports import zstd

from pipeline.core.records import DeadLetter, DeadReason
from pipeline.sources.compression import Break
from pipeline.sources.discovery import discover
from pipeline.sources.files import pieces
from pipeline.sources.reading import read


def zstandard(data: bytes) -> bytes:
    """As the program does by default, with a checksum."""
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


KINDS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": (".gz", gzip.compress),
    "zstd": (".zst", zstandard),
    "bzip2": (".bz2", bz2.compress),
}
DIGITS = random.Random(18)
LINES = b"".join(b'{"interaction_id": "i_%032x", "user_id": "u_1"}\n' % DIGITS.getrandbits(128) for _ in range(60_000))
"""Some blocks of every kind: a whole one comes before what is cut."""

kinds = pytest.mark.parametrize("kind", KINDS)


def content(path: Path) -> tuple[bytes, str]:
    """What could be read, and why not more."""
    data, why = bytearray(), ""
    for piece in pieces(path):
        if isinstance(piece, Break):
            why = piece.detail
        else:
            data += piece
    return bytes(data), why


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@kinds
@pytest.mark.parametrize("name", ["ending", "x.jsonl", "x.jsonl.gz", "x.jsonl.zst", "x.jsonl.bz2"])
def test_a_compressed_file_is_the_batch_of_its_bytes_whatever_its_ending(tmp_path: Path, kind: str, name: str) -> None:
    ending, compress = KINDS[kind]
    path = written(tmp_path / (f"x.jsonl{ending}" if name == "ending" else name), compress(LINES))
    (source,) = discover([path], max_records=100_000, min_age=0)
    assert source.batch_id == hashlib.sha256(LINES).hexdigest()


@pytest.mark.parametrize("ending", [".gz", ".zst", ".bz2"])
@pytest.mark.parametrize("data", [LINES[:500], b"\xef\xbb\xbf" + LINES[:96], "{}".encode("utf-16"), b"\n", b""])
def test_plain_text_called_compressed_is_read_as_it_is(tmp_path: Path, ending: str, data: bytes) -> None:
    assert content(written(tmp_path / f"x.jsonl{ending}", data)) == (data, "")


@kinds
def test_several_members_and_padding_are_one_file(tmp_path: Path, kind: str) -> None:
    compress = KINDS[kind][1]
    data = compress(LINES[:1000]) + compress(b"") + compress(LINES[1000:]) + bytes(512)
    assert content(written(tmp_path / "x", data)) == (LINES, "")


@kinds
@pytest.mark.parametrize("share", [0.9, 0.5])
def test_a_truncated_file_gives_what_is_there_and_says_so(tmp_path: Path, kind: str, share: float) -> None:
    whole = KINDS[kind][1](LINES)
    data, why = content(written(tmp_path / "x", whole[: int(len(whole) * share)]))
    assert data
    assert LINES.startswith(data)
    assert why == f"the {kind} data ends before its end: the file is truncated"


@kinds
def test_the_last_record_of_a_truncated_file_is_incomplete(tmp_path: Path, kind: str) -> None:
    ending, compress = KINDS[kind]
    whole = compress(LINES)
    path = written(tmp_path / f"x.jsonl{ending}", whole[: int(len(whole) * 0.9)])
    (source,) = discover([path], max_records=100_000, min_age=0)
    *good, last = read(source, zone=ZoneInfo("UTC"))
    assert good
    assert not any(isinstance(one, DeadLetter) for one in good)
    assert isinstance(last, DeadLetter)
    assert (last.reason, last.detail) == (
        DeadReason.INCOMPLETE,
        f"the {kind} data ends before its end: the file is truncated",
    )


@kinds
@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_a_file_cut_in_its_first_bytes_is_truncated_by_its_name(tmp_path: Path, kind: str, length: int) -> None:
    ending, compress = KINDS[kind]
    data, why = content(written(tmp_path / f"x.jsonl{ending}", compress(LINES)[:length]))
    assert (data, "truncated" in why) == (b"", True)


@kinds
def test_corrupt_data_is_a_break_and_never_an_exception(tmp_path: Path, kind: str) -> None:
    whole = bytearray(KINDS[kind][1](LINES))
    whole[len(whole) // 2 : len(whole) // 2 + 64] = bytes(64)
    data, why = content(written(tmp_path / "x", bytes(whole)))
    assert data != LINES
    assert why.startswith(f"the {kind} data is corrupt (")


@kinds
def test_a_file_whose_beginning_is_corrupt_is_compressed_by_its_name(tmp_path: Path, kind: str) -> None:
    ending, compress = KINDS[kind]
    data, why = content(written(tmp_path / f"x.jsonl{ending}", bytes(16) + compress(LINES)[16:]))
    assert (data, why.startswith(f"the {kind} data is corrupt (")) == (b"", True)


@kinds
def test_what_unpacks_to_far_more_is_read_in_bounded_pieces(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path / "bomb", KINDS[kind][1](bytes(64 * 1024 * 1024)))
    found = list(pieces(path, max_bytes=32 * 1024 * 1024))
    assert isinstance(found[-1], Break)
    assert max(len(one) for one in found if not isinstance(one, Break)) <= 64 * 1024
