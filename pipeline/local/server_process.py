"""The process of one local server, as the supervisor starts it: `server_process NAME HOME SUPERVISOR_PID`."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from expectations_plugins.core.errors import ExitCode
from pipeline.local.credentials import load_or_create
from pipeline.local.layout import Layout
from pipeline.local.process_ties import GRACE_SECONDS, tie_to_parent
from pipeline.local.running import RunningServer, ServerContext
from pipeline.local.specs import SERVERS
from pipeline.local.state import write_ready
from pipeline.storage.locks import FileLock


def main(arguments: list[str]) -> int:
    """Open the server, say where it listens, and serve until told to stop or left alone.

    Args:
        arguments: The server's name, the home folder, the supervisor's process id.
    """
    name, home, supervisor_pid = arguments[0], Path(arguments[1]), int(arguments[2])
    stop = tie_to_parent(supervisor_pid)
    layout = Layout(home)
    with FileLock(layout.control / f"server-{name}.lock") as only_one:
        # One left by a killed supervisor may still be closing its files.
        if not only_one.await_exclusive(2 * GRACE_SECONDS):
            sys.stderr.write(f"Another process still holds the data of {name} in {layout.data(name)}.\n")
            return int(ExitCode.OUTAGE)
        server = _open(name, layout)
        write_ready(layout, name, os.getpid(), server.ports)
        stop.wait()
        server.stop()
    return 0


def _open(name: str, layout: Layout) -> RunningServer:
    data_dir = layout.data(name)
    data_dir.mkdir(parents=True, exist_ok=True)
    os.chdir(data_dir)  # some servers write beside themselves
    module = importlib.import_module(SERVERS[name].module)
    server: RunningServer = module.open_server(ServerContext(data_dir, load_or_create(layout)))
    return server


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the data is closed; threads of a JVM or a gRPC server shall not hold the process
