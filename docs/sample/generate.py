"""Generates the sample beside this file: three 10-minute batches of a made-up shop, with faults planted on purpose.

Usage: python docs/sample/generate.py   Writes campaigns.jsonl and landing/*.jsonl; the same bytes every time.
"""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
CAMPAIGNS = {
    "c_spring_sale": "Spring sale",
    "c_newsletter": "Weekly newsletter",
    "c_win_back": "We miss you",
    "c_loyalty": "Loyalty points",
    "c_referral": "Bring a friend",
}
TYPES = ("click", "view", "reply", "purchase", "unsubscribe")
SUBJECTS = ("the blue lamp", "my last order", "the delivery", "the garden chair", "your newsletter", "the discount")
SAYINGS = (
    "I love {}",
    "where is {}",
    "please tell me more about {}",
    "{} is not what I expected",
    "thank you for {}",
    "can I return {}",
)
PER_BATCH = 60


def main() -> None:
    """Write all files."""
    draw = random.Random(768)  # noqa: S311 - made-up data, not a secret
    write(HERE / "campaigns.jsonl", [{"campaign_id": key, "name": name} for key, name in CAMPAIGNS.items()])
    start = datetime(2026, 11, 20, 9, 0)  # noqa: DTZ001 - naive on purpose, as log files are
    batches = [
        [record(draw, start + timedelta(minutes=10 * part), part, i) for i in range(PER_BATCH)] for part in range(3)
    ]
    plant(batches)
    for part, records in enumerate(batches):
        write(HERE / "landing" / f"2026-11-20T09{part}0.jsonl", records)


def record(draw: random.Random, start: datetime, part: int, number: int) -> dict[str, object]:
    """One interaction."""
    made: dict[str, object] = {
        "interaction_id": f"i_{part}{number:04d}",
        "user_id": f"u_{draw.randrange(100, 160)}",
        "campaign_id": draw.choice(list(CAMPAIGNS)),
        "type": draw.choice(TYPES),
        "timestamp": (start + timedelta(seconds=10 * number)).isoformat(),
        "channel": draw.choice(("web", "app", "mail")),
        "value": round(draw.uniform(0, 80), 2),
    }
    if draw.random() < 0.9:  # noqa: PLR2004 - most interactions carry a message
        made["message"] = draw.choice(SAYINGS).format(draw.choice(SUBJECTS))
    return made


def plant(batches: list[list[dict[str, object]]]) -> None:
    """The faults. Batch 0 has none, 1 is halted by its user_ids, 2 has orphans, a duplicate and a dead letter."""
    halted, orphans = batches[1], batches[2]
    halted[7]["user_id"] = None
    halted[19]["user_id"] = "guest"
    halted[42]["user_id"] = {"$gt": ""}
    for number in (3, 4, 30):
        orphans[number]["campaign_id"] = "c_black_friday"
    orphans[12]["campaign_id"] = None
    orphans.append(dict(batches[0][5]))
    del orphans[20]["interaction_id"]


def write(path: Path, records: list[dict[str, object]]) -> None:
    """One JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(made) + "\n" for made in records), encoding="utf-8")


if __name__ == "__main__":
    main()
