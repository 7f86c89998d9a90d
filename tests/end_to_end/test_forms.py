"""Files in other forms than JSON Lines, from the command line to all stores."""

from __future__ import annotations

import json
from typing import Any

from expectations_plugins.core.errors import ExitCode
from tests.end_to_end.conftest import Workspace


def records(name: str, count: int = 3) -> list[dict[str, Any]]:
    return [
        {
            "interaction_id": f"{name}_{n}",
            "user_id": "u_100",
            "campaign_id": "c_1",
            "type": "click",
            "timestamp": "2026-11-20T10:00:00Z",
            "message": f"grüße {name} {n}",
        }
        for n in range(count)
    ]


def as_csv(rows: list[dict[str, Any]]) -> str:
    return "".join(f"{';'.join(map(str, row))}\n" for row in [list(rows[0]), *(row.values() for row in rows)])


def test_every_form_flows_and_what_is_none_is_one_dead_batch(workspace: Workspace) -> None:
    landing = workspace.folder / "landing"
    landing.mkdir()
    good = {
        "array.json": json.dumps(records("array"), indent=2).encode(),
        "glued.jsonl": "".join(map(json.dumps, records("glued"))).encode(),
        "lines.jsonl.gz": "".join(json.dumps(one) + "\n" for one in records("plain")).encode(),
        "two.jsonl": "".join("\ufeff" + json.dumps(one) + "\n" for one in records("two")).encode(),
        "nuls.log": b"\0" * 100 + "".join(json.dumps(one) + "\n" for one in records("nuls")).encode(),
        "wide.json": json.dumps(records("wide"), ensure_ascii=False).encode("utf-16"),
        "excel.csv": f"sep=;\n{as_csv(records('excel'))}".encode(),
    }
    for name, data in {**good, "events.json": b"PAR1\0\0\0", "page.log": b"<html>\n" * 3_000}.items():
        (landing / name).write_bytes(data)
    planned = json.loads(workspace.cli("plan", landing).stdout)["batches"]
    assert {one["source"].rpartition("/")[2] for one in planned if "problem" in one} == {"events.json", "page.log"}
    assert "looks like a Parquet file" in workspace.cli("doctor", SLUICEGATE_LANDING=str(landing)).stdout
    found = workspace.run(landing)
    assert found["exit_code"] == ExitCode.DEAD_LETTERED
    by_name = {one["source"].rpartition("/")[2]: one for one in found["batches"]}
    assert {name: one["status"] for name, one in by_name.items()} == {
        **dict.fromkeys(good, "closed"),
        "events.json": "dead",
        "page.log": "dead",
    }
    assert {by_name[name]["counts"]["accepted"] for name in good} == {3}
    [load] = [step for step in by_name["two.jsonl"]["steps"] if step["key"] == "stage:load"]
    assert load["counts"]["dropped_byte_order_marks"] == 2
    assert "page.log looks like an HTML page, so that no record in it can be read" in by_name["page.log"]["message"]
    assert "HTML page" in workspace.cli("status", by_name["page.log"]["batch_id"]).stdout
    again = workspace.run(landing)
    assert (again["exit_code"], {one["fresh"] for one in again["batches"]}) == (ExitCode.OK, {False})
