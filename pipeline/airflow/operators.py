"""Airflow operators that run Sluicegate's command line and read its exit code."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from pipeline.airflow.commands import (
    LEFT_OUT_SHOWN,
    UnreadableAnswerError,
    environment,
    outcome_in,
    plan_arguments,
    plan_in,
    step_arguments,
)
from pipeline.airflow.meanings import Meaning, meaning_for_plan, meaning_of
from pipeline.core.topology import Step

LEFT_OUT = "left_out"
"""The key under which the plan's task hands on what was left out."""


class TryAgainError(AirflowException):
    """An attempt failed and another may not.

    Args:
        message: What happened.
        told: Whether Sluicegate tells people of it itself.
    """

    def __init__(self, message: str, *, told: bool = False) -> None:
        super().__init__(message)
        self.told = told


class NoUseError(AirflowFailException):
    """An attempt failed, and so would every other: Airflow does not try again.

    Args:
        message: What happened.
        told: Whether Sluicegate told people of it itself.
    """

    def __init__(self, message: str, *, told: bool = False) -> None:
        super().__init__(message)
        self.told = told


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ran to its end.

    Args:
        exit_code: Negative when a signal ended it.
        printed: Its standard output.
        last_line: The last line of its log.
    """

    exit_code: int
    printed: str
    last_line: str


class CommandHook(SubprocessHook):
    """The standard provider's hook, with the answer (stdout) kept apart from the log (stderr)."""

    def finish(self, command: Sequence[str], *, env: Mapping[str, str], cwd: str) -> Finished:
        """Run a command to its end, its log going to the task's log line by line.

        Args:
            command: The program and its arguments; no shell reads them.
            env: Its whole environment.
            cwd: The folder it runs in.

        Raises:
            OSError: It cannot be started.
        """
        self.log.info("Running %s", list(command))
        with tempfile.TemporaryFile() as answer:
            self.sub_process = subprocess.Popen(  # noqa: S603 - a list of arguments; no shell reads them
                command,
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=env,
                start_new_session=True,  # `send_sigterm` ends the whole group
            )
            assert self.sub_process.stderr is not None
            line = ""
            for raw in self.sub_process.stderr:
                line = raw.decode("utf-8", errors="backslashreplace").rstrip()
                self.log.info("%s", line)
            code = self.sub_process.wait()
            answer.seek(0)
            return Finished(code, answer.read().decode("utf-8", errors="backslashreplace"), line)

    def send_sigterm(self) -> None:
        """Ask the command, and what it started, to end; nothing when it has ended."""
        if self.sub_process is not None and self.sub_process.poll() is None:
            super().send_sigterm()


class CommandOperator(BaseOperator):
    """One command of Sluicegate as a task; what all its operators share.

    Args:
        command: The program and its first arguments, e.g. `["/opt/sluicegate/bin/sluicegate"]`.
        folder: The folder it runs in: where `gx/` and, if you use one, `.env` are.
        env: Variables to add to the worker's environment.
        arguments: What every Airflow operator takes.
    """

    def __init__(self, *, command: Sequence[str], folder: str, env: Mapping[str, str], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.command = list(command)
        self.folder = folder
        self.env = dict(env)

    @cached_property
    def hook(self) -> CommandHook:
        """Runs the command."""
        return CommandHook()

    def on_kill(self) -> None:
        """Pass the end of the task on: the program gives its lease back, and the batch stays resumable."""
        self.hook.send_sigterm()

    def finish(self, arguments: Sequence[str], meaning: Callable[[int], Meaning]) -> Finished:
        """Run the command to its end.

        Args:
            arguments: What follows the command.
            meaning: What its exit code means when it is not 0.

        Raises:
            TryAgainError: It failed, and may not fail next time.
            NoUseError: It failed and always will, or cannot be started.
        """
        try:
            ended = self.hook.finish(
                [*self.command, *arguments], env=environment(os.environ, self.env), cwd=self.folder
            )
        except (OSError, ValueError) as error:  # a ValueError is a NUL byte in an argument
            raise NoUseError(f"{self.command} cannot be started in {self.folder}: {error}") from error
        if ended.printed:
            self.log.info("%s", ended.printed.rstrip())
        if ended.exit_code == 0:
            return ended
        means, outcome = meaning(ended.exit_code), outcome_in(ended.printed)
        message = f"Exit code {ended.exit_code}, {means.words}. {outcome or ended.last_line}".strip()
        error_type = TryAgainError if means.again else NoUseError
        # people are told of batches; of what ended before it came to one, they are not
        raise error_type(message, told=means.told and outcome is not None)


class PlanOperator(CommandOperator):
    """Asks which batches are pending; returns `batch_id` and `source` of each, for the tasks to be mapped over.

    Args:
        paths: Files or folders to look in; the landing folder of the settings when there is none.
        most: How many batches at most; the others are the next run's.
        arguments: What `CommandOperator` takes.
    """

    def __init__(self, *, paths: Sequence[str], most: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.paths = list(paths)
        self.most = most

    def execute(self, context: Any) -> list[dict[str, str]]:
        """Ask.

        Raises:
            TryAgainError: The ledger cannot be reached.
            NoUseError: Something is set up wrongly.
        """
        ended = self.finish(plan_arguments(self.paths, self.most), meaning_for_plan)
        try:
            plan = plan_in(ended.printed)
        except UnreadableAnswerError as error:
            raise NoUseError(str(error)) from error
        context["ti"].xcom_push(key=LEFT_OUT, value=[dict(one) for one in plan.left_out[:LEFT_OUT_SHOWN]])
        return [dict(batch) for batch in plan.batches]


class StepOperator(CommandOperator):
    """One attempt at one stage or gate of one batch.

    Args:
        step: The stage or gate.
        batch_id: The batch's whole id.
        source: Where its file is.
        arguments: What `CommandOperator` takes.
    """

    template_fields = ("batch_id", "source")

    def __init__(self, *, step: Step, batch_id: str, source: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.step = step
        self.batch_id = batch_id
        self.source = source

    def execute(self, context: Any) -> None:
        """Attempt it.

        Raises:
            TryAgainError: It failed, and may not fail next time.
            NoUseError: It failed and always will.
        """
        del context
        try:
            arguments = step_arguments(self.step, self.batch_id, self.source)
        except ValueError as error:
            raise NoUseError(str(error)) from error
        self.finish(arguments, meaning_of)


class LeftOutOperator(BaseOperator):
    """Fails when files were left out that cannot be taken, so that somebody looks; is skipped when there are none.

    Args:
        files: `file` and `why` of each.
        arguments: What every Airflow operator takes.
    """

    template_fields = ("files",)

    def __init__(self, *, files: Sequence[Mapping[str, str]], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.files = files

    def execute(self, context: Any) -> None:
        """Look.

        Raises:
            AirflowSkipException: No file was left out.
            NoUseError: Some were.
        """
        del context
        if not self.files:
            raise AirflowSkipException("No file was left out.")
        told = "; ".join(f"{one['file']}: {one['why']}" for one in self.files)
        raise NoUseError(f"Files that cannot be taken: {told}")
