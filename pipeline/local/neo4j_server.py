"""The Bolt server (ArcadeDB with its own JRE), opened inside its own process: one JVM for one process."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from arcadedb_embedded.exceptions import ArcadeDBError
from arcadedb_embedded.jvm import start_jvm
from arcadedb_embedded.server import ArcadeDBServer

from pipeline.local.credentials import NEO4J_DATABASE
from pipeline.local.endpoints import LOOPBACK
from pipeline.local.running import RunningServer, ServerContext, free_port

HEAP_SIZE = "1g"
# -Xrs leaves SIGTERM to us: the JVM's own handler would end the process before the databases are closed in order.
JVM_ARGUMENTS = ("-Xrs", "-XX:+UseSerialGC", "-XX:-UsePerfData")
RETRIES = 2


def open_server(context: ServerContext) -> RunningServer:
    """Start it with an empty graph database, or the one that is there; another process may win a port, so try again."""
    os.environ["ARCADEDB_JVM_ERROR_FILE"] = str(context.data_dir / "hs_err_%p.log")
    start_jvm(heap_size=HEAP_SIZE, jvm_args=JVM_ARGUMENTS)
    password = context.credentials.neo4j_password
    _forget_other_password(context.data_dir, password)
    for _ in range(RETRIES):
        with contextlib.suppress(ArcadeDBError):  # it stops what it had started
            return _start(context.data_dir, password)
    return _start(context.data_dir, password)


def _start(root: Path, password: str) -> RunningServer:
    ports = {"main": free_port(), "http": free_port()}
    config = {
        "host": LOOPBACK,
        "server_plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
        "bolt_port": ports["main"],
        "http_port": ports["http"],
    }
    server = ArcadeDBServer(str(root), password, config)
    server.start()
    server.create_database(NEO4J_DATABASE)
    return _Running(server, ports)


def _forget_other_password(root: Path, password: str) -> None:
    """ArcadeDB keeps the root user it first made: when the credentials were made anew, let it make the user anew."""
    mark = root / "password.blake2b"
    digest = hashlib.blake2b(password.encode()).hexdigest()
    if mark.exists() and mark.read_text(encoding="ascii") == digest:
        return
    (root / "config" / "server-users.jsonl").unlink(missing_ok=True)
    mark.write_text(digest, encoding="ascii")


class _Running:
    def __init__(self, server: ArcadeDBServer, ports: Mapping[str, int]) -> None:
        self._server = server
        self._ports = ports

    @property
    def ports(self) -> Mapping[str, int]:
        return self._ports

    def stop(self) -> None:
        self._server.stop()
