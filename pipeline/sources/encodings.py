"""Text in UTF-16 and UTF-32 as UTF-8, which is what all that follows reads."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

from pipeline.sources.compression import Break

BOM = codecs.BOM_UTF8
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_JSON_STARTS = (b"{", b"[")
_CUT_CHARACTER = "the file ends in the middle of a character"


def utf8(stream: Iterable[bytes | Break]) -> Iterator[bytes | Break]:
    """The text as UTF-8; what is in no other encoding is passed on as it is.

    UTF-16 and UTF-32 are known by their byte order mark, UTF-16 also by how JSON begins in it (RFC 4627, section 3).
    Half a surrogate pair becomes bytes that are not UTF-8, so that its record says so.
    """
    pieces = iter(stream)
    start, held = b"", list[bytes | Break]()
    while len(start) < len(codecs.BOM_UTF32_LE) and (piece := next(pieces, None)) is not None:
        held.append(piece)
        start += b"" if isinstance(piece, Break) else piece
    encoding = _encoding_of(start)
    whole = chain(held, pieces)
    yield from _decoded(whole, encoding) if encoding else whole


def _encoding_of(start: bytes) -> str:
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    nuls = [byte == 0 for byte in start[: len(codecs.BOM_UTF32_LE)]]
    if nuls == [False, True, False, True] and start.startswith(_JSON_STARTS):
        return "utf-16-le"
    return "utf-16-be" if nuls == [True, False, True, False] and start[1:].startswith(_JSON_STARTS) else ""


def _decoded(stream: Iterable[bytes | Break], encoding: str) -> Iterator[bytes | Break]:
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for piece in stream:
        if isinstance(piece, Break):
            yield piece
            return
        try:
            yield decoder.decode(piece).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            yield Break(f"the {encoding.upper()} text is corrupt ({error.reason})")
            return
    if decoder.getstate()[0]:
        yield Break(_CUT_CHARACTER)
