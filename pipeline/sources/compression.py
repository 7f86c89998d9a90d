"""Compressed bytes made plain, in bounded pieces. How they are compressed is seen in the bytes, not in the name."""

from __future__ import annotations

import bz2
import contextlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from backports import zstd

PIECE_BYTES = 64 * 1024
COMPRESSED_BYTES = 4 * 1024
"""Deflate makes at most about 1,032 bytes of one, so that what is held at once stays under 5 MiB."""

START_BYTES = 16 * 1024
"""What is looked at to see how a file is compressed."""

GZIP, ZSTD, BZ2 = "gzip", "zstd", "bzip2"
_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
_MAGIC: dict[str, tuple[bytes, ...]] = {
    GZIP: (b"\x1f\x8b\x08",),
    ZSTD: (b"\x28\xb5\x2f\xfd", *(bytes((number, 0x2A, 0x4D, 0x18)) for number in range(0x50, 0x60))),
    BZ2: tuple(b"BZh%d%s" % (level, block) for level in range(1, 10) for block in _BLOCKS),
}
"""How each begins (RFC 1952; RFC 8878, also with a skippable frame first; bzip2 with its first block)."""

ENDINGS = {".gz": GZIP, ".zst": ZSTD, ".zstd": ZSTD, ".bz2": BZ2}
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Break:
    """The end of what could be read of a file that does not end well; always the last thing a stream yields."""

    detail: str


def compression_of(start: bytes, name: str) -> str:
    """How a file is compressed, "" when it is not.

    Args:
        start: Its first bytes.
        name: Its name; it decides only when the bytes are neither text nor known.
    """
    for kind, magics in _MAGIC.items():
        if any(start.startswith(magic) for magic in magics):
            return kind
    named = next((kind for ending, kind in ENDINGS.items() if f"{ending}." in f"{name.lower()}."), "")
    return "" if not start or (named and _is_text(start) and not _is_cut(start, named)) else named


def plain(raw: Iterator[bytes], kind: str) -> Iterator[bytes | Break]:
    """The plain bytes; of data that is corrupt or ends early, those that can be had, and a break.

    Args:
        raw: What is on disk, at most `COMPRESSED_BYTES` at a time.
        kind: As `compression_of` says.
    """
    return _gunzip(raw) if kind == GZIP else _decompressed(raw, kind)


def _is_cut(start: bytes, kind: str) -> bool:
    """Whether the file is over before its first bytes can tell, and so far they are right."""
    return any(magic.startswith(start) for magic in _MAGIC[kind])


def _is_text(start: bytes) -> bool:
    """UTF-8, cut anywhere, without control characters that text does not have, or UTF-16 by its byte order mark."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return False
        text = start[: error.start].decode("utf-8")
    return "\0" not in text


class _Member(Protocol):
    """What bz2 and zstd have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


_STARTS: dict[str, Callable[[], _Member]] = {ZSTD: zstd.ZstdDecompressor, BZ2: bz2.BZ2Decompressor}


def _decompressed(raw: Iterator[bytes], kind: str) -> Iterator[bytes | Break]:
    """Decompress every frame of zstd, or every stream of bzip2."""
    member: _Member | None = None
    for piece in raw:
        rest = piece
        while rest:
            member = member or _STARTS[kind]()
            try:
                yield from _drained(member, rest)
            except (zstd.ZstdError, OSError, ValueError) as error:
                yield Break(f"the {kind} data is corrupt ({error})")
                return
            rest, member = (member.unused_data.lstrip(b"\0"), None) if member.eof else (b"", member)
    if member is not None:
        yield Break(_truncated(kind))


def _drained(member: _Member, data: bytes) -> Iterator[bytes]:
    yield member.decompress(data, PIECE_BYTES)
    while not member.eof and not member.needs_input:
        yield member.decompress(b"", PIECE_BYTES)


def _truncated(kind: str) -> str:
    return f"the {kind} data ends before its end: the file is truncated"


def _gunzip(raw: Iterator[bytes]) -> Iterator[bytes | Break]:
    """Decompress every member. What can be had of a corrupt piece is yielded before the break."""
    member = zlib.decompressobj(_GZIP_WINDOW)
    started = False
    for piece in raw:
        rest = piece
        while rest:
            started = True
            output, fault = _inflated(member, rest)
            yield from (output[start : start + PIECE_BYTES] for start in range(0, len(output), PIECE_BYTES))
            if fault:
                yield Break(f"the gzip data is corrupt ({fault})")
                return
            rest = member.unused_data.lstrip(b"\0")  # padding after a member is allowed
            if rest:
                member = zlib.decompressobj(_GZIP_WINDOW)
    if started and not member.eof:
        yield Break(_truncated(GZIP))


def _inflated(member: zlib._Decompress, compressed: bytes) -> tuple[bytes, str]:
    """What a piece decompresses to, and what is wrong with it, if anything."""
    before = member.copy()
    try:
        return member.decompress(compressed), ""
    except zlib.error as error:
        return _salvaged(before, compressed), str(error).rpartition(": ")[2]


def _salvaged(member: zlib._Decompress, compressed: bytes) -> bytes:
    """Byte by byte: zlib throws away all output of the call that meets the fault."""
    saved = bytearray()
    with contextlib.suppress(zlib.error):
        for position in range(len(compressed)):
            saved += member.decompress(compressed[position : position + 1])
    return bytes(saved)
