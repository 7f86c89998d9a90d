"""How CSV is read."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from expectations_plugins.core.errors import TerminalError
from pipeline.core.records import MISSING, DeadLetter, Interaction
from pipeline.sources.discovery import discover
from pipeline.sources.reading import read

Item = Interaction | DeadLetter


def items(tmp_path: Path, text: str) -> list[Item]:
    path = tmp_path / "log.csv"
    path.write_text(text, encoding="utf-8", newline="")
    (source,) = discover([path], max_records=1_000_000, min_age=0)
    return list(read(source, zone=ZoneInfo("UTC")))


def record(tmp_path: Path, text: str) -> Interaction:
    (item,) = items(tmp_path, text)
    assert isinstance(item, Interaction), item
    return item


def outcomes(found: list[Item]) -> list[tuple[int, str]]:
    return [(i.at.number, i.reason.value if isinstance(i, DeadLetter) else i.interaction_id) for i in found]


def test_known_columns_are_fields_and_others_are_kept(tmp_path: Path) -> None:
    found = record(tmp_path, "interaction_id,user_id,channel\ni,u_1,web\n")
    assert (found.interaction_id, found.user_id, found.extra) == ("i", "u_1", {"channel": "web"})


def test_numbers_in_a_user_id_stay_text(tmp_path: Path) -> None:
    assert record(tmp_path, "interaction_id,user_id\n1,007\n").user_id == "007"


@pytest.mark.parametrize(
    ("cell", "value"), [("15.3", 15.3), ("-2", -2), ("1e3", 1000.0), ("007", "007"), ("1e999", "1e999"), ("x", "x")]
)
def test_the_value_that_metrics_add_up_is_a_number_where_it_is_one(tmp_path: Path, cell: str, value: object) -> None:
    assert record(tmp_path, f"interaction_id,value\ni,{cell}\n").extra == {"value": value}


def test_an_empty_cell_is_a_missing_field(tmp_path: Path) -> None:
    found = record(tmp_path, "interaction_id,user_id,channel,message\ni,,,\n")
    assert (found.user_id, found.message, found.extra) == (MISSING, None, {})


def test_quotes_hold_commas_quotes_and_line_ends(tmp_path: Path) -> None:
    found = items(tmp_path, 'interaction_id,message\r\na,"one, ""two""\r\nthree"\r\nb,x\r\n')
    assert [item.message for item in found if isinstance(item, Interaction)] == ['one, "two"\nthree', "x"]
    assert outcomes(found) == [(2, "a"), (4, "b")]


def test_a_quote_inside_an_unquoted_cell_is_a_quote(tmp_path: Path) -> None:
    found = items(tmp_path, 'interaction_id,message\na,5" disc\nb,x\n')
    assert [item.message for item in found if isinstance(item, Interaction)] == ['5" disc', "x"]


def test_a_row_with_too_many_or_too_few_cells_is_unparsable(tmp_path: Path) -> None:
    found = items(tmp_path, "interaction_id,user_id\na\nb,u_1,web\nc,u_1\n")
    assert outcomes(found) == [(2, "unparsable"), (3, "unparsable"), (4, "c")]
    assert isinstance(found[0], DeadLetter)
    assert found[0].detail == "1 cells where the header has 2"


def test_a_quote_that_is_never_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    found = items(tmp_path, 'interaction_id,message\na,"open\nb,x\n\nc,y\n')
    assert outcomes(found) == [(2, "unparsable"), (3, "b"), (5, "c")]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("id,user_id", "CSV without a column interaction_id (its header row: id, user_id)"),
        ("interaction_id,user_id,user_id", "the header row names the column 'user_id' twice"),
    ],
)
def test_under_a_header_that_cannot_be_used_the_whole_file_says_so(tmp_path: Path, header: str, said: str) -> None:
    with pytest.raises(TerminalError) as raised:
        items(tmp_path, f"{header}\na,u_1,x\nb,u_2,y\n")
    assert said in raised.value.message


def test_a_dead_letter_keeps_the_header_that_its_row_needs(tmp_path: Path) -> None:
    (found,) = items(tmp_path, "interaction_id,user_id\n,u_1\n")
    assert isinstance(found, DeadLetter)
    assert found.raw == "interaction_id,user_id\n,u_1"


def test_a_byte_order_mark_is_not_part_of_the_first_column(tmp_path: Path) -> None:
    assert record(tmp_path, "\ufeffinteraction_id\na\n").interaction_id == "a"


@pytest.mark.parametrize("text", ["", "\n", "interaction_id,user_id\n"])
def test_a_file_without_rows_has_no_records(tmp_path: Path, text: str) -> None:
    assert items(tmp_path, text) == []


def test_lines_that_open_quotes_again_and_again_are_each_looked_at_twice_at_most(tmp_path: Path) -> None:
    # every one of these leaves the quotes open, whether it starts inside or outside of them
    found = items(tmp_path, "interaction_id,message\n" + 'x"y,"\n' * 100_000)
    assert {kind for _, kind in outcomes(found)} == {"unparsable"}
    assert len(found) == 100_000
