"""Runs command lines of run.py in forks of a process that has imported everything: importing costs seconds a command.

A fork has the arguments, environment, folder, exit code and output of a process of its own, and starts and leaves the
program as one does. What a process does before its first import, and when it imports what, cannot be tested with it.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

from tests.imported import import_all

ROOT = Path(__file__).parent.parent
PROGRAM = str(ROOT / "run.py")
FILES = 3
"""The order, standard output, standard error."""


def run(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run `run.py` with these arguments to its end.

    Args:
        arguments: After `run.py`.
        env: The whole environment.
        cwd: The working directory.
        timeout: Seconds, after which it is killed.

    Raises:
        TimeoutError: It took longer.
    """
    with contextlib.ExitStack() as open_until_it_ended:
        ours, theirs = map(open_until_it_ended.enter_context, socket.socketpair())
        order, out, err = (open_until_it_ended.enter_context(tempfile.TemporaryFile()) for _ in range(FILES))
        order.write(json.dumps({"arguments": list(arguments), "env": dict(env), "cwd": str(cwd)}).encode())
        order.seek(0)
        socket.send_fds(_server(), [b"."], [theirs.fileno(), *(file.fileno() for file in (order, out, err))])
        theirs.close()
        return subprocess.CompletedProcess([PROGRAM, *arguments], _exit_code(ours, timeout), _text(out), _text(err))


def _exit_code(command: socket.socket, timeout: float) -> int:
    """Negative, the signal's, when one ended it."""
    command.settimeout(timeout)
    lines = command.makefile("r")
    process = int(lines.readline())
    try:
        return int(lines.readline())
    except TimeoutError:
        os.kill(process, signal.SIGKILL)
        raise


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8")


@cache
def _server() -> socket.socket:
    """Where orders are sent; whoever takes them has imported everything and ends when nobody can send any."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "tests.forked", str(theirs.fileno())]
    process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    theirs.close()
    atexit.register(process.wait)
    atexit.register(ours.close)  # before it is waited for
    return ours


def serve(orders: socket.socket) -> None:
    """Take orders until there can be none, and return; in a fork that has been ordered something, return to do it."""
    import_all()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    while True:
        message, handles, _, _ = socket.recv_fds(orders, 1, 1 + FILES)
        if not message:
            sys.exit()
        if os.fork() == 0:
            orders.close()
            _wait(*handles)
            return
        for handle in handles:
            os.close(handle)


def _wait(teller: int, *files: int) -> None:
    """Fork the command, which returns; tell its process and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    process = os.fork()
    if process == 0:
        os.close(teller)
        _become(*files)
        return
    with contextlib.suppress(BrokenPipeError):  # nobody waits any more
        os.write(teller, f"{process}\n".encode())
        _, status = os.waitpid(process, 0)
        os.write(teller, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(order: int, out: int, err: int) -> None:
    with open(order, encoding="utf-8") as file:
        given = json.load(file)
    for handle, number in ((out, 1), (err, 2)):
        os.dup2(handle, number)
        os.close(handle)
    os.chdir(given["cwd"])
    os.environ.clear()
    os.environ.update(given["env"])
    sys.argv = [PROGRAM, *given["arguments"]]


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_path(PROGRAM, run_name="__main__")
