"""The benchmark of the gates runs and says what it measured; how long anything took is not tested."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from benchmarks import docs, mongodb_servers
from benchmarks.measuring import Measurement
from benchmarks.relay import OPTIONS, relayed
from benchmarks.report import goals
from expectations_plugins.core.errors import ConfigurationError
from pipeline.local import Endpoints

ROOT = Path(__file__).parent.parent
SIZE = 100


@pytest.fixture(scope="module")
def found(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("benchmark") / "figures.json"
    command = [sys.executable, "benchmarks/gates.py", "--store", "mongodb", "--sizes", str(SIZE), "--repeat", "1"]
    environment = os.environ | {"MONGODB_URI": str(endpoints.mongodb_uri)}
    run = subprocess.run(
        [*command, "--json", str(file)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "push-down" in run.stdout
    figures: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return figures


def test_every_way_is_measured(found: dict[str, Any]) -> None:
    measured = {one["way"]: one for one in found["measurements"]}
    assert set(measured) == {"push-down", "same query", "floor", "pandas"}
    for one in measured.values():
        assert (one["store"], one["size"], one["sampled"]) == ("mongodb", SIZE, 0)
        assert one["wall_seconds"] > 0
        assert one["cpu_seconds"] > 0
        assert one["received_bytes"] > 0
        assert one["memory_growth_bytes"] >= 0
        assert one["repetitions"] >= 1


def test_each_other_way_is_compared_with_push_down(found: dict[str, Any]) -> None:
    assert {one["way"] for one in found["ratios"]} == {"same query", "floor", "pandas"}


def test_each_goal_is_judged(found: dict[str, Any]) -> None:
    assert {one["goal"] for one in found["goals"]} == {"wall time above 1.3 x floor", "memory growth", "received"}
    assert all(one["holds"] == (one["figure"] <= one["limit"]) for one in found["goals"])


def measurement(size: int, way: str, **figures: float) -> Measurement:
    values: dict[str, Any] = {
        "wall_seconds": 1.0,
        "cpu_seconds": 1.0,
        "waiting_cpu_seconds": 0.0,
        "received_bytes": 1,
        "memory_growth_bytes": 1,
    }
    return Measurement(store="s", size=size, way=way, repetitions=1, sampled=0, **values | figures)


def test_cpu_that_grows_with_the_batch_and_a_slow_gate_miss_their_goals() -> None:
    small = [measurement(1, way) for way in ("push-down", "floor")]
    large = [measurement(2, "push-down", cpu_seconds=1.2, wall_seconds=1.7), measurement(2, "floor")]
    missed = {(goal.goal, goal.size) for goal in goals([*small, *large]) if not goal.holds}
    assert missed == {("client CPU without waiting, against 1 records", 2), ("wall time above 1.3 x floor", 2)}


def test_a_relay_counts_what_the_server_sends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=say_and_hang_up, args=(server, b"x" * 1000), daemon=True).start()
        with relayed(f"mongodb://u:p@127.0.0.1:{server.getsockname()[1]}/?a=b") as (relay, uri):
            assert uri == f"mongodb://u:p@127.0.0.1:{relay.port}/?a=b&{OPTIONS['mongodb']}"
            with socket.create_connection(("127.0.0.1", relay.port)) as client, client.makefile("rb") as answer:
                assert answer.read() == b"x" * 1000
            assert relay.received == 1000


def say_and_hang_up(server: socket.socket, text: bytes) -> None:
    with server.accept()[0] as peer:
        peer.sendall(text)


@pytest.mark.parametrize("uri", ["mongodb+srv://host/", "bolt+s://host", "mongodb://a:1,b:2/"])
def test_an_address_that_no_relay_can_stand_before_is_refused(uri: str) -> None:
    with pytest.raises(ConfigurationError), relayed(uri):
        pass


def test_the_cost_of_publishing_is_measured_and_told(endpoints: Endpoints, tmp_path: Path) -> None:
    sites = [docs.ours(size, str(endpoints.mongodb_uri), tmp_path) for size in (3, 40)]
    assert all(one.publish() > 0 for one in sites)
    told = docs.table({10: 0.2, 1_000: 0.21, 10_000: 0.22}, {10: 0.3, 800: 0.6})
    assert "| 800 |  |  | 0.600 | 2.00 |" in told
    assert "From 10 to 10,000 batches: 1.10 times; the goal of 1.2 holds." in told
    assert "is missed" in docs.table({10: 0.2, 10_000: 0.3}, {})


def test_two_mongodb_servers_are_measured_beside_each_other(endpoints: Endpoints) -> None:
    uri, records = str(endpoints.mongodb_uri), 10_000
    with mongodb_servers.filled(uri, records) as one, mongodb_servers.filled(uri, records) as other:
        told = mongodb_servers.table(("one", "other"), mongodb_servers.measure([one, other], records))
    assert told.startswith("| | one, ms | other, ms | ratio |")
    assert all(f"| {name} | " in told for name in mongodb_servers.WORK)
