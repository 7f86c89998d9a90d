"""The small logs that the old program was given: a batch for each fate it can have."""

from __future__ import annotations

import json
from pathlib import Path

RECORDS = 4
CAMPAIGNS = [{"campaign_id": f"c_old_{number}", "name": f"Campaign {number}"} for number in range(2)]
FATES = (
    "closed",
    "halted_raw",
    "halted_graph",
    "halted_vectors",
    "rejected",
    "fallback",
    "reembedded",
    "rolled_back",
    "released",
    "dead_records",
    "orphans",
)
BAD_USERS = frozenset({"halted_raw", "rejected", "released"})


def key(fate: str, number: int) -> str:
    """The interaction_id of a record."""
    return f"old_{fate}_{number}"


def lines(fate: str) -> list[str]:
    """The lines of a fate's file."""
    found = [json.dumps(record(fate, number)) for number in range(RECORDS)]
    return [*found, "{not JSON", '{"type": "click"}'] if fate == "dead_records" else found


def record(fate: str, number: int) -> dict[str, object]:
    """One record; the last one of some fates has a bad user_id or a campaign that is not in the catalogue."""
    last = number == RECORDS - 1
    return {
        "interaction_id": key(fate, number),
        "user_id": None if last and fate in BAD_USERS else f"u_90{number}",
        "campaign_id": "c_old_unknown" if last and fate == "orphans" else f"c_old_{number % 2}",
        "type": ("click", "view")[number % 2],
        "timestamp": f"2026-11-20T09:{FATES.index(fate):02d}:{number:02d}Z",
        "message": f"message {number} of {fate}",
    }


def write(folder: Path) -> dict[str, Path]:
    """Write all files, and the catalogue beside them; the files by fate."""
    folder.mkdir(parents=True, exist_ok=True)
    for fate in FATES:
        (folder / f"{fate}.jsonl").write_text("\n".join(lines(fate)) + "\n", "utf-8")
    catalogue = "\n".join(map(json.dumps, CAMPAIGNS)) + "\n"
    (folder.parent / "campaigns.jsonl").write_text(catalogue, "utf-8")
    return {fate: folder / f"{fate}.jsonl" for fate in FATES}
