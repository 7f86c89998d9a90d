"""`campaigns load`: good lines are loaded, bad ones are named, none is fatal."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from expectations_plugins.core.errors import ConfigurationError
from pipeline.cli.campaign_file import BadLine, read_campaigns
from pipeline.cli.campaigns import campaigns
from tests.cli.conftest import Invoke
from tests.fakes.command_app import CommandApp

GOOD = '{"campaign_id": "c_1", "name": "Spring"}'


def written(folder: Path, text: str, name: str = "campaigns.jsonl") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_json_lines_are_loaded(invoke: Invoke, app: CommandApp) -> None:
    result = invoke(campaigns, "load", written(app.folder, f'{GOOD}\n{{"campaign_id": "c_2"}}\n'))
    assert (set(app.graph_store.campaigns), result.return_value) == ({"c_1", "c_2"}, 0)


def test_csv_is_loaded_and_empty_cells_are_missing(tmp_path: Path) -> None:
    path = written(tmp_path, "campaign_id,name,budget\nc_1,Spring,\n", "campaigns.csv")
    assert list(read_campaigns(path)) == [{"campaign_id": "c_1", "name": "Spring"}]


def test_gz_is_read(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.jsonl.gz"
    path.write_bytes(gzip.compress(GOOD.encode()))
    assert list(read_campaigns(path)) == [{"campaign_id": "c_1", "name": "Spring"}]


def test_a_byte_order_mark_is_no_part_of_the_first_field(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.csv"
    path.write_bytes(b"\xef\xbb\xbfcampaign_id\nc_1\n")
    assert list(read_campaigns(path)) == [{"campaign_id": "c_1"}]


@pytest.mark.parametrize(
    "line",
    [
        "{not json",
        '["c_1"]',
        "{}",
        '{"campaign_id": null}',
        '{"campaign_id": " "}',
        '{"campaign_id": 7.5}',
        '{"campaign_id": true}',
        '{"campaign_id": {"$ne": null}}',
        f'{{"campaign_id": "{"c" * 257}"}}',
        '{"campaign_id": "c_\\u0000"}',
        '{"campaign_id": "c_\\ud800"}',
        "[" * 100_000,
    ],
)
def test_a_bad_line_is_named_and_the_lines_around_it_are_kept(tmp_path: Path, line: str) -> None:
    entries = list(read_campaigns(written(tmp_path, f"{GOOD}\n{line}\n{GOOD}\n")))
    assert [entry.line if isinstance(entry, BadLine) else "good" for entry in entries] == ["good", 2, "good"]


def test_a_row_with_too_many_cells_is_a_bad_line(tmp_path: Path) -> None:
    path = written(tmp_path, "campaign_id,name\nc_1,Spring,extra\nc_2,Summer\n", "campaigns.csv")
    assert [isinstance(entry, BadLine) for entry in read_campaigns(path)] == [True, False]


def test_bad_lines_give_exit_code_2_after_the_good_ones_are_loaded(invoke: Invoke, app: CommandApp) -> None:
    result = invoke(campaigns, "load", written(app.folder, f"{GOOD}\nnonsense\n"))
    assert "line 2" in result.output
    assert (set(app.graph_store.campaigns), result.return_value) == ({"c_1"}, 2)


def test_a_file_of_another_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="xlsx"):
        list(read_campaigns(written(tmp_path, "", "campaigns.xlsx")))


def test_a_broken_gz_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.jsonl.gz"
    path.write_bytes(gzip.compress(GOOD.encode() * 100)[:-20])
    with pytest.raises(ConfigurationError, match="campaigns"):
        list(read_campaigns(path))
