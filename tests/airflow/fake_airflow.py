"""A small Airflow, as much as the DAG file uses, for tests that need none: it keeps tasks, and runs nothing by itself.

Imports the standard library only, so that a process in which nothing is installed can use it.
"""

from __future__ import annotations

import inspect
import itertools
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

SHIPPED = Path(__file__).parent.parent.parent / "pipeline" / "airflow" / "sluicegate_dag.py"


class AirflowException(Exception):  # noqa: N818 - as Airflow calls it
    """Airflow tries again."""


class AirflowFailException(AirflowException):
    """Airflow does not try again."""


class AirflowSkipException(AirflowException):
    """The task is skipped."""


class DAG:
    """Keeps the tasks that are made inside its block, by their whole ids, and the arguments it was given."""

    open: ClassVar[list[DAG]] = []

    def __init__(self, dag_id: str, *, default_args: Mapping[str, Any], **arguments: Any) -> None:
        self.dag_id = dag_id
        self.default_args = default_args
        self.arguments = arguments
        self.prefix = ""
        self.tasks: dict[str, Any] = {}

    def __enter__(self) -> DAG:
        DAG.open.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        DAG.open.pop()


class XComArg:
    """What a task hands on."""

    def __init__(self, operator: Any, key: str = "return_value") -> None:
        self.operator = operator
        self.key = key


class BaseOperator:
    """A task; of the open DAG, if there is one."""

    def __init__(self, *, task_id: str, **arguments: Any) -> None:
        self.task_id = task_id
        self.arguments = arguments
        self.downstream: list[str] = []
        self.log = logging.getLogger("fake_airflow")
        if DAG.open:
            dag = DAG.open[-1]
            self.task_id = dag.prefix + task_id
            self.arguments = {**dag.default_args, **arguments}
            dag.tasks[self.task_id] = self

    @property
    def output(self) -> XComArg:
        """What `execute` returns."""
        return XComArg(self)


class TaskGroup:
    """A function that makes tasks, to be mapped."""

    def __init__(self, group_id: str, function: Callable[..., None]) -> None:
        self.group_id = group_id
        self.function = function

    def expand_kwargs(self, source: XComArg) -> None:
        """Make the tasks once; each argument is its own name."""
        dag = DAG.open[-1]
        dag.prefix = f"{self.group_id}."
        self.function(**{name: (source, name) for name in inspect.signature(self.function).parameters})
        dag.prefix = ""


def task_group(group_id: str) -> Callable[[Callable[..., None]], TaskGroup]:
    """Make a function a task group."""
    return lambda function: TaskGroup(group_id, function)


def chain(*tasks: BaseOperator) -> None:
    """Put tasks one after the other."""
    for first, second in itertools.pairwise(tasks):
        first.downstream.append(second.task_id)


class SubprocessHook:
    """The part of the standard provider's hook that the DAG file does not replace."""

    def __init__(self) -> None:
        self.sub_process: subprocess.Popen[bytes] | None = None
        self.log = logging.getLogger("fake_airflow")

    def send_sigterm(self) -> None:
        """End the process group."""
        assert self.sub_process is not None
        os.killpg(os.getpgid(self.sub_process.pid), signal.SIGTERM)


CONTENTS: Mapping[str, tuple[Any, ...]] = {
    "airflow": (),
    "airflow.sdk": (DAG, BaseOperator, XComArg, chain, task_group),
    "airflow.sdk.exceptions": (AirflowException, AirflowFailException, AirflowSkipException),
    "airflow.providers": (),
    "airflow.providers.standard": (),
    "airflow.providers.standard.hooks": (),
    "airflow.providers.standard.hooks.subprocess": (SubprocessHook,),
}


def load(text: str | None = None) -> Any:
    """The module that a DAG file is, over this Airflow.

    Args:
        text: The file; the shipped one when there is none.
    """
    module = ModuleType("loaded_dag_file")
    before = {name: sys.modules.get(name) for name in CONTENTS}
    for name, contents in CONTENTS.items():
        sys.modules[name] = ModuleType(name)
        vars(sys.modules[name]).update({one.__name__: one for one in contents})
    try:
        exec(compile(text or SHIPPED.read_text("utf-8"), "sluicegate_dag.py", "exec"), vars(module))
    finally:
        for name, found in before.items():
            sys.modules.pop(name)
            if found is not None:
                sys.modules[name] = found
    return module
