"""A run at its most talkative, with every secret in `.env` and hostile texts in every field, and all that it leaves."""

from __future__ import annotations

import base64
import json
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bson import json_util
from pymongo.database import Database

from expectations_plugins.mongodb.connection import connect
from pipeline.local import Endpoints
from tests.fakes.alert_receiver import WEBHOOK, AlertReceiver, alert_receiver
from tests.fakes.hostile_texts import HOSTILE
from tests.security.processes import ROOT, configured, run

TOKEN = "root:milvusTokenNobodyChecks"
MARKUP = "<script>alert(1)</script>"
SAMPLE = ROOT / "docs" / "sample"
OTHER = "2026-11-20T0900.jsonl"
"""A file of the sample, whose 60 records are good."""
OPERATORS = ({"$gt": ""}, {"$ne": None}, ["$where"], {"$regex": ".*"}, True)
"""User ids that are no texts: as values of a query they would be operators."""


@dataclass(frozen=True, slots=True)
class WholeRun:
    """What a run was given, said and left."""

    unique: str
    secrets: Sequence[str]
    output: str
    errors: str
    folder: Path
    database: Database[dict[str, Any]]

    @property
    def ledger(self) -> str:
        """Everything that is in MongoDB, as text."""
        return json_util.dumps(
            {name: list(self.database[name].find()) for name in self.database.list_collection_names()}
        )

    def batch(self, file: str) -> dict[str, Any]:
        """The ledger's entry of a file's batch."""
        found = self.database["batches"].find_one({"source": {"$regex": f"{file}$"}})
        assert found is not None
        return found

    @property
    def texts(self) -> list[str]:
        """The hostile texts as they were sent, different from those of any other run."""
        return hostile(self.unique)


def hostile(unique: str) -> list[str]:
    return [f"{text}{unique}" for text in (MARKUP, *HOSTILE)]


@contextmanager
def whole_run(folder: Path, endpoints: Endpoints) -> Iterator[WholeRun]:
    """Run a file of the sample and two hostile ones, and ask for the status.

    Args:
        folder: Where it runs; it gets `.env`, gx/ and the logs.
        endpoints: The servers it is configured for.
    """
    unique = f"security_{uuid.uuid4().hex[:8]}"
    (folder / "alerts").mkdir()
    _land(folder, unique)
    with alert_receiver(folder / "alerts") as receiver:
        settings = _settings(endpoints, receiver, unique)
        (folder / ".env").touch(mode=0o600)
        (folder / ".env").write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
        shutil.copytree(ROOT / "gx", folder / "gx", ignore=shutil.ignore_patterns("uncommitted"))
        runs = (
            run(folder, "--traceback", "run", "landing", "--campaigns", "campaigns.jsonl", "--json"),
            run(folder, "status"),
        )
        assert receiver.received["slack"], runs[0].stderr[-2000:]
    (folder / ".env").unlink()
    database = connect(str(endpoints.mongodb_uri), unique)
    said = "".join(one.stdout for one in runs), "".join(one.stderr for one in runs)
    yield WholeRun(unique, secrets_of(settings), *said, folder, database)
    database.client.drop_database(unique)
    database.client.close()


def _settings(endpoints: Endpoints, receiver: AlertReceiver, unique: str) -> dict[str, str]:
    own = {
        "MILVUS_TOKEN": TOKEN,
        "MONGODB_DATABASE": unique,
        "BIGQUERY_DATASET": unique,
        "MILVUS_COLLECTION": unique,
        "SLUICEGATE_HOME": ".sluicegate",
        "SLUICEGATE_MASKED_FIELDS": "none",  # so that pages hold what is hostile
        "SLUICEGATE_DEAD_TOLERANCE": "1",
    }
    return {**configured(endpoints), **{name: str(value) for name, value in receiver.variables().items()}, **own}


def _land(folder: Path, unique: str) -> None:
    (folder / "landing").mkdir()
    shutil.copy(SAMPLE / "landing" / OTHER, folder / "landing")
    texts = hostile(unique)
    campaigns = [{"campaign_id": text, "name": text, "$where": text} for text in texts]
    known = [json.loads(line) for line in (SAMPLE / "campaigns.jsonl").read_text("utf-8").splitlines()]
    _write(folder / "campaigns.jsonl", [*known, *campaigns])
    _write(folder / "landing" / "fields.jsonl", [record(text) for text in texts])
    users = [*texts, *OPERATORS]
    rows = [record(texts[0]) | {"interaction_id": f"{n}{unique}", "user_id": user} for n, user in enumerate(users)]
    _write(folder / "landing" / "users.jsonl", rows)


def record(text: str) -> dict[str, Any]:
    """An interaction with the same text in every field but the user's, and fields that are named like operators."""
    return {
        "interaction_id": text,
        "user_id": "u_123",
        "campaign_id": text,
        "type": text,
        "timestamp": "2026-11-20T09:00:00",
        "message": text,
        "$where": text,
        "a.b": {"$set": {"batch_id": text}},
    }


def _write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def secrets_of(variables: Mapping[str, str]) -> list[str]:
    """What tells, of settings: whole values and the parts a reader could use."""
    names = ("NEO4J_PASSWORD", "MILVUS_TOKEN", "GEMINI_API_KEY", "SLACK_WEBHOOK_URL", "PAGERDUTY_ROUTING_KEY")
    password = variables["MONGODB_URI"].partition("://")[2].partition("@")[0].partition(":")[2]
    parts = [*(variables[name] for name in names if name in variables), password, TOKEN.partition(":")[2]]
    parts.append(WEBHOOK.rpartition("/")[2])
    return [*parts, *(base64.b64encode(part.encode()).decode().rstrip("=") for part in parts)]
