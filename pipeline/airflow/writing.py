"""Writes the DAG file: the shipped one, with the steps and exit codes there are, and a call for a user's machines."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator, Sequence

from expectations_plugins.core.errors import ExitCode
from pipeline.core.topology import MAX_ATTEMPTS, STEPS, Step

BEGIN = "# Sluicegate's steps and exit codes. The program writes them; do not edit them.\n"
END = "# End of Sluicegate's steps and exit codes.\n"
CALL = "# The call: edit it for your machines. The arguments are explained above, and in docs/airflow.md.\n"


def shipped() -> str:
    """The DAG file as it is shipped."""
    return importlib.resources.files(__package__).joinpath("sluicegate_dag.py").read_text("utf-8")


def dag_file(steps: Sequence[Step] = STEPS, *, command: Sequence[str], folder: str, paths: Sequence[str]) -> str:
    """The DAG file for a user's machines.

    Args:
        steps: The stages and gates, in order.
        command: Sluicegate's program, and its first arguments.
        folder: The folder it runs in.
        paths: Files or folders where batches land; the landing folder of the settings when there is none.
    """
    head, _, rest = shipped().partition(BEGIN)
    code = rest.partition(END)[2].partition(CALL)[0]
    call = _call(list(command), folder, list(paths))
    return "".join([head, BEGIN, *(f"{line}\n" for line in _data(steps)), END, code, CALL, call])


def _data(steps: Sequence[Step]) -> Iterator[str]:
    yield "STEPS: tuple[tuple[str, str, str], ...] = ("
    yield from (f"    ({_text(step.kind)}, {_text(step.name)}, {_text(step.purpose)})," for step in steps)
    yield ")"
    yield "EXIT_CODES: Mapping[str, int] = {"
    yield from (f"    {_text(code.name)}: {int(code)}," for code in ExitCode)
    yield "}"
    yield f"MAX_ATTEMPTS = {MAX_ATTEMPTS}"


def _call(command: Sequence[str], folder: str, paths: Sequence[str]) -> str:
    words, places = (", ".join(map(_text, texts)) for texts in (command, paths))
    return f"dag = sluicegate_dag(\n    command=[{words}],\n    folder={_text(folder)},\n    paths=[{places}],\n)\n"


def _text(text: str) -> str:
    """A text as Python writes it, in double quotes where that needs no escapes."""
    found = repr(str(text))
    return f'"{found[1:-1]}"' if found[0] == "'" and '"' not in found else found
