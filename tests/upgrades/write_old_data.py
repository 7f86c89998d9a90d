"""Writes tests/upgrades/data_fdfb3e9: a command, for it takes some minutes. Needs the history of this repository.

Usage: python -m tests.upgrades.write_old_data

The program of commit fdfb3e9 is run against local servers of its own, a batch for each fate of `old_logs`; then all
that the four stores hold is written as JSON. Times, fences and holders are of the day it was written; nothing else
differs from one time to the next.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pipeline.local import LocalStack
from tests.faults.readback import Stores
from tests.faults.workplace import Workplace
from tests.upgrades import old_logs, stored
from tests.upgrades.old_program import OldProgram, unpacked

DATA = Path(__file__).parent / "data_fdfb3e9"
NAME = "sluicegate_old"
NOBODY = "http://127.0.0.1:9"
"""Where no Gemini is: its texts get fallback vectors."""

STEPS = (
    ("stage", "load"),
    ("stage", "aggregate"),
    ("gate", "raw"),
    ("stage", "publish"),
    ("stage", "graph"),
    ("gate", "graph"),
    ("stage", "embed"),
    ("gate", "vectors"),
)


class Writer:
    """Gives the old program its batches.

    Args:
        program: The old program.
        files: The logs, by fate.
        stores: Where two of its batches are damaged, so that their gates fail.
    """

    def __init__(self, program: OldProgram, files: Mapping[str, Path], stores: Stores) -> None:
        self._program = program
        self._files = files
        self._stores = stores

    def write(self) -> None:
        """Run every fate."""
        folder = next(iter(self._files.values())).parent
        self._do("campaigns", "load", folder.parent / "campaigns.jsonl")
        plain = ("closed", "halted_raw", "rejected", "released", "rolled_back", "dead_records", "orphans")
        self._run(*plain, codes=(10, 5))
        self._run("fallback", "reembedded", codes=(0,), GEMINI_API_ENDPOINT=NOBODY)
        self._do("reembed", "--batch", self._batch("reembedded"))
        self._do("reject", self._batch("rejected"), "--note", "not ours", "--yes", codes=(0, 5))
        self._do("resume", self._batch("released"), codes=(0,))
        self._do("quarantine", "release", old_logs.key("released", old_logs.RECORDS - 1), "--set", "user_id=u_909")
        self._do("rollback", self._batch("rolled_back"), "--yes")
        self._in_steps("halted_graph", before=("gate", "graph"), damage=self._lose_node)
        self._in_steps("halted_vectors", before=("gate", "vectors"), damage=self._lose_vectors)

    def _run(self, *fates: str, codes: Sequence[int], **variables: str) -> None:
        self._do("run", *(self._files[fate] for fate in fates), codes=codes, **variables)

    def _in_steps(self, fate: str, *, before: tuple[str, str], damage: Any) -> None:
        batch = ""
        for step in STEPS:
            if step == before:
                damage(fate)
                self._do(*step, batch, codes=(10,))
                return
            if not batch:
                planned = self._program.command("plan", self._files[fate]).stdout
                batch = re.findall(r'"batch_id": "([0-9a-f]+)"', planned)[0]
                self._do(*step, batch, "--file", self._files[fate])
                continue
            self._do(*step, batch)

    def _lose_node(self, fate: str) -> None:
        stored.asked(
            self._stores, "MATCH (i:Interaction {interaction_id: $key}) DETACH DELETE i", key=old_logs.key(fate, 0)
        )

    def _lose_vectors(self, fate: str) -> None:
        ids = ", ".join(f'"{old_logs.key(fate, number)}"' for number in range(2))
        self._stores.milvus.delete(NAME, filter=f"interaction_id in [{ids}]")

    def _batch(self, fate: str) -> str:
        found = self._stores.mongodb["batches"].find_one({"source": str(self._files[fate])})
        assert found is not None, fate
        return str(found["_id"])

    def _do(self, *arguments: str | Path, codes: Sequence[int] = (0,), **variables: str) -> None:
        done = self._program.command(*arguments, **variables)
        click.echo(f"{' '.join(map(str, arguments))[-90:]} -> {done.code}")
        assert done.code in codes, str(done)


def main() -> None:
    """Write the data."""
    with tempfile.TemporaryDirectory(prefix="old-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        home = unpacked(folder / "program")
        with LocalStack(folder / "stack").use() as endpoints:
            place = Workplace(endpoints, folder, NAME)
            shutil.copytree(home / "gx", folder / "gx")
            files = old_logs.write(place.landing)
            stores = Stores(endpoints, NAME)
            Writer(OldProgram(home, folder, place.variables()), files, stores).write()
            data = stored.exported(stores, statements_of(home))
            stores.close()
    DATA.mkdir(exist_ok=True)
    holders = dict.fromkeys((f"{socket.gethostname()}:{pid}:" for pid in _pids(data)), "machine:1:")
    stored.write(DATA, data, {str(folder): "/old", **holders})


def _pids(data: Mapping[str, Any]) -> set[str]:
    found = [str(holder) for holder in stored.values(data, "holder")]
    return {holder.split(":")[1] for holder in found if holder.count(":") == 2}


def statements_of(home: Path) -> list[str]:
    """The constraints and indexes that the old program makes in the graph."""
    code = (
        "from pipeline.stores.neo4j import fencing, queries, review_queries as review; import json;"
        "print(json.dumps([*queries.SCHEMA, *fencing.SCHEMA, *review.SCHEMA]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=home, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
