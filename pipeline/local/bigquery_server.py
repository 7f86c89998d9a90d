"""The BigQuery REST server (bqemulator on DuckDB), opened inside its own process. It checks no credentials."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import duckdb
import duckdb_extension_spatial
from bqemulator.config import LogLevel, PersistenceMode, Settings
from bqemulator.server import EmulatorServer

from pipeline.local.credentials import BIGQUERY_PROJECT
from pipeline.local.endpoints import LOOPBACK
from pipeline.local.running import RunningServer, ServerContext

STOP_SECONDS = 8


def open_server(context: ServerContext) -> RunningServer:
    """Start it on free ports, without a download: DuckDB finds the extension it wants in a home folder of its own."""
    _provide_spatial_extension(context.data_dir / "home")
    settings = Settings(
        rest_host=LOOPBACK,
        rest_port=0,
        grpc_host=LOOPBACK,
        grpc_port=0,
        persistence_mode=PersistenceMode.PERSISTENT,
        data_dir=context.data_dir / "duckdb",
        upload_staging_dir=context.data_dir / "uploads",
        default_project_id=BIGQUERY_PROJECT,
        log_level=LogLevel.WARNING,
        enable_format_extensions=False,  # avro would be downloaded
    )
    return _Running(settings)


def _provide_spatial_extension(home: Path) -> None:
    """Link the packaged extension where DuckDB looks for it, by version and platform."""
    os.environ["HOME"] = str(home)
    packaged = Path(duckdb_extension_spatial.__file__).parent / "extensions"
    row = duckdb.sql("PRAGMA platform").fetchone()
    platform = row[0] if row else "unknown"
    for source in packaged.glob("*/spatial.duckdb_extension"):
        link = home / ".duckdb" / "extensions" / source.parent.name / platform / source.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(source)


class _Running:
    """The emulator on an event loop in a thread of its own, so that signals stay with the main thread."""

    def __init__(self, settings: Settings) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="bigquery", daemon=True).start()
        self._server = EmulatorServer(settings)
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result()  # the supervisor bounds it

    @property
    def ports(self) -> Mapping[str, int]:
        return {"main": self._server.rest_port, "grpc": self._server.grpc_port}

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(STOP_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
