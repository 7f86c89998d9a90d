"""This program: what it is called, and how it starts another process of its own."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from expectations_plugins.core.advice import checked_by

CHECKOUT, MODULE = "run.py", "python -m sluicegate"
_KNOWN = {"program": "sluicegate"}
_ENVIRONMENT: dict[str, str] = {}


def program() -> str:
    """The program as it was started: `sluicegate`, `python -m sluicegate` or `run.py`."""
    return _KNOWN["program"]


def typed() -> str:
    """What a person types to start it: the same, and `python run.py` in a checkout."""
    return f"python {CHECKOUT}" if program() == CHECKOUT else program()


def as_typed(command: str) -> str:
    """A command that begins with the program's name, as a person types it into a terminal."""
    return f"python {command}" if program() == CHECKOUT else command


def started_as(name: str) -> None:
    """Note how the program was started; the launcher does so before anything else is imported.

    Args:
        name: What a person typed.
    """
    _KNOWN["program"] = name
    checked_by(f"{name} doctor")


def keep_environment() -> None:
    """Note the environment for child processes; the launcher does so before drivers or what shields them change it."""
    _ENVIRONMENT.clear()
    _ENVIRONMENT.update(os.environ)


def child_environment() -> dict[str, str]:
    """The environment of every process that this one starts: as it was when this one started.

    A driver in this process must not find `MILVUS_URI`; a child that does not find it has other settings than we have.
    """
    return dict(_ENVIRONMENT or os.environ)


def renamed(help_text: str) -> str:
    """A help text, which is written for a checkout, with the program and the sample as they are where it was started.

    Args:
        help_text: Of a command, an option or a group.
    """
    if program() == CHECKOUT:
        return help_text
    named = help_text.replace(f"python {CHECKOUT}", program()).replace(CHECKOUT, program())
    return named.replace("docs/sample/", "sample/")


def again(*arguments: str) -> list[str]:
    """The command that starts this program again, however it was started.

    Args:
        arguments: Those of the command line.
    """
    # -P: the launcher's folder does not become a place where modules are found
    return [sys.executable, "-P", _launcher(), program(), *arguments]


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours in a process of its own.

    Args:
        name: The module.
        arguments: Its own.
    """
    return again("-m", name, *arguments)


def _launcher() -> str:
    found = find_spec("sluicegate")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).absolute().with_name("launcher.py"))
