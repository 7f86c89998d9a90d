"""What cannot be seen is replaced wherever text from data is shown: in tables, messages, pages and alerts."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from checkpoints.data_docs.pages import environment
from expectations_plugins.core.characters import UNSEEN, without_unseen
from pipeline.cli.dlq_shared import escaped
from pipeline.cli.tables import printable

KINDS = {
    "right-to-left override": "\u202e",
    "left-to-right embedding": "\u202a",
    "right-to-left isolate": "\u2067",
    "end of an isolate": "\u2069",
    "Arabic letter mark": "\u061c",
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "escape": "\x1b",
    "C1 control": "\x9b",
    "tag": "\U000e0041",
    "half a surrogate": "\ud800",
    "private use": "\ue000",
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_replaced_on_the_terminal_and_on_pages(kind: str) -> None:
    text = f"spring{KINDS[kind]}gpj.exe"
    page = environment().from_string("{{ text }}").render(text=text)
    assert [printable(text), page] == ["spring\ufffdgpj.exe"] * 2
    assert KINDS[kind] not in escaped(text)


def test_every_character_of_these_categories_is_replaced_and_no_other() -> None:
    for number in range(sys.maxunicode + 1):
        one = chr(number)
        assert (without_unseen(one) != one) == (unicodedata.category(one) in UNSEEN) or one == "\ufffd"
