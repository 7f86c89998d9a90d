"""Progress for a person at a terminal: a line per finished step, a bar for the one at work.

rich is used here and in `commands.trace_tree` only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.progress_bar import ProgressBar
from rich.text import Text

from expectations_plugins.core.characters import without_unseen
from pipeline.cli.logs import SecretiveHandler, hide_user_info, quiet_libraries, traceback_of, warn_of_exposed_secrets
from pipeline.cli.tables import printable, status_word
from pipeline.core.batch import CHECKSUM
from pipeline.core.batches import short
from pipeline.ports.steps import Progress

VERDICT_STYLES = {"PASS": "green", "EMPTY": "green", "WARN": "yellow", "FAIL": "bold red", "ERROR": "bold red"}
STATUS_STYLES = {
    "closed": "green",
    **dict.fromkeys(("halted", "inconsistent", "dead"), "bold red"),
    **dict.fromkeys(("held", "unfinished"), "yellow"),
}
_HIDDEN = frozenset({"verdict", "run_id", "read", CHECKSUM})


class ConsoleProgress(Progress):
    """Shows events as lines and `advance` as a bar.

    Args:
        console: The terminal.
        tracebacks: Show a bug's traceback.
    """

    def __init__(self, console: Console, *, tracebacks: bool = False) -> None:
        self._console = console
        self._tracebacks = tracebacks
        self._bars = Bars(
            TextColumn("  "),
            SpinnerColumn("dots"),
            TextColumn("{task.description}"),
            _BarOfKnownLength(bar_width=30),
            TextColumn("{task.fields[amount]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._shown: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "gx_made": self._gx_made,
            "waiting": self._waiting,
            "ready": self._ready,
            "campaigns_loaded": self._campaigns_loaded,
            "campaign_left_out": self._campaign_left_out,
            "batch_started": self._batch_started,
            "step_started": self._step_started,
            "step_ended": self._step_ended,
            "verdict": self._keep_findings,
            "retry": self._retry,
            "bug": self._bug,
            "alert": self._alert,
            "alert_resolved": self._alert_resolved,
            "alert_failed": self._alert_failed,
            "batch_ended": self._batch_ended,
            "docs_failed": self._docs_failed,
            "telemetry_failed": self._telemetry_failed,
        }
        self._heading = ""
        self._findings: list[str] = []

    def event(self, name: str, **fields: object) -> None:
        """Show what happened, if a person wants to know."""
        show = self._shown.get(name)
        if show is not None:
            show(fields)

    def advance(self, step: str, done: int, total: int | None) -> None:
        """Move the bar."""
        del step
        if self._task is not None:
            amount = f"{done:,}" if total is None else f"{done:,} of {total:,}"
            self._bars.update(self._task, completed=done, total=total, amount=amount)

    def close(self) -> None:
        """Take the bar away."""
        self._drop()
        if self._console.is_terminal:
            self._bars.stop()

    def _gx_made(self, fields: Mapping[str, Any]) -> None:
        self._print(f"The Great Expectations project was made at {escape(printable(fields['folder']))}")

    def _waiting(self, fields: Mapping[str, Any]) -> None:
        self._take(str(fields["what"]))

    def _ready(self, _: Mapping[str, Any]) -> None:
        self._drop()

    def _campaigns_loaded(self, fields: Mapping[str, Any]) -> None:
        self._drop()
        self._print(f"{fields['loaded']:,} campaigns loaded from {escape(printable(fields['file']))}")

    def _campaign_left_out(self, fields: Mapping[str, Any]) -> None:
        self._print(f"  [yellow]line {fields['line']} left out[/]: {escape(printable(fields['why']))}")

    def _batch_started(self, fields: Mapping[str, Any]) -> None:
        self._drop()
        name = escape(printable(Path(str(fields["source"])).name))
        self._heading = f"[bold]{name}[/]  [dim]{short(str(fields['batch_id']))}[/]"

    def _step_started(self, fields: Mapping[str, Any]) -> None:
        self._head()
        self._take(_label(str(fields["step"])))

    def _step_ended(self, fields: Mapping[str, Any]) -> None:
        self._drop()
        verdict = fields.get("verdict")
        said = _styled(str(verdict), VERDICT_STYLES) if verdict else escape(_counts(fields))
        if not verdict and not fields["ok"]:
            said = "[bold red]failed[/]"
        mark = "[green]✓[/]" if fields["ok"] else "[bold red]✗[/]"
        self._print(f"  {mark} {_label(str(fields['step'])):<14}{said}  [dim]{fields['duration_s']:.1f} s[/]")
        for finding in self._findings:
            self._print(f"{'':18}[dim]{escape(hide_user_info(finding))}[/]")
        self._findings = []

    def _keep_findings(self, fields: Mapping[str, Any]) -> None:
        """They are shown under the gate's line, which comes when the step has ended."""
        self._findings = [printable(finding) for finding in fields["findings"]]

    def _retry(self, fields: Mapping[str, Any]) -> None:
        said = escape(hide_user_info(printable(fields["error"])))
        what = f"attempt {fields['attempt']} of {_label(str(fields['step']))} failed, next in {fields['wait_s']} s"
        self._print(f"    [yellow]{what}[/]: {said}")

    def _bug(self, fields: Mapping[str, Any]) -> None:
        error = fields.get("exc_info")
        if self._tracebacks and isinstance(error, BaseException):
            self._print(escape(traceback_of(error)))

    def _alert(self, fields: Mapping[str, Any]) -> None:
        said = escape(hide_user_info(printable(f"{fields['title']}. {fields['summary']}")))
        self._print(f"    [bold red]alert, {escape(str(fields['severity']))}[/]: {said}")
        if fields["next_step"]:
            self._print(f"{'':11}[dim]run next: {escape(printable(fields['next_step']))}[/]")

    def _docs_failed(self, fields: Mapping[str, Any]) -> None:
        said = escape(hide_user_info(printable(fields["error"])))
        self._print(f"    [yellow]its pages were not published[/]: {said}")
        self._print(f"{'':4}[dim]the next batch makes up for it, or: {escape(printable(fields['next_step']))}[/]")

    def _telemetry_failed(self, fields: Mapping[str, Any]) -> None:
        said = f"{fields['listener']}: {hide_user_info(printable(fields['error']))}"
        self._print(f"    [yellow]telemetry was lost[/]: {escape(said)}")

    def _alert_resolved(self, fields: Mapping[str, Any]) -> None:
        self._print(f"    [green]alert over[/]: {escape(printable(fields['dedup_key']))}")

    def _alert_failed(self, fields: Mapping[str, Any]) -> None:
        said = f"{fields['channel']}: {fields['status']}: {hide_user_info(printable(fields['detail']))}"
        self._print(f"    [yellow]could not be alerted[/]: {escape(said)}")

    def _batch_ended(self, fields: Mapping[str, Any]) -> None:
        self._drop()
        if fields["fresh"] and not self._heading:
            status = _styled(status_word(str(fields["status"])), STATUS_STYLES)
            self._print(f"  {status} [dim]after {fields['duration_s']:.1f} s[/]")
        self._heading = ""

    def _head(self) -> None:
        if self._heading:
            self._print(self._heading)
            self._heading = ""

    def _print(self, markup: str) -> None:
        # long lines are the terminal's to wrap, so that what is copied from it has no breaks
        self._console.print(without_unseen(hide_user_info(markup), but="\n"), highlight=False, soft_wrap=True)

    def _take(self, description: str) -> None:
        self._drop()
        if self._console.is_terminal:
            self._bars.start()
        self._task = self._bars.add_task(escape(description), total=None, amount="")

    def _drop(self) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None
            if self._console.is_terminal:
                self._bars.stop()  # what is printed next must not be glued to a bar


class _BarOfKnownLength(BarColumn):
    """A bar for steps that know their length; for others the spinner says enough."""

    def render(self, task: Task) -> ProgressBar | Text:  # type: ignore[override]  # rich takes any renderable
        """Render the bar, or nothing."""
        return Text() if task.total is None else super().render(task)


def console_progress(*, level: str) -> ConsoleProgress:
    """Progress on stderr; libraries keep quiet below CRITICAL unless the level is DEBUG."""
    console = Console(stderr=True)
    quiet_libraries(SecretiveHandler(), logging.DEBUG if level == "DEBUG" else logging.CRITICAL)
    warn_of_exposed_secrets()
    return ConsoleProgress(console, tracebacks=level == "DEBUG")


def _label(key: str) -> str:
    kind, _, name = key.partition(":")
    return f"{name} gate" if kind == "gate" else name


def _counts(fields: Mapping[str, Any]) -> str:
    known = {"step", "ok", "start_time", "end_time", "duration_s", "attempts", "reason", "batch_id", *_HIDDEN}
    shown = [f"{value:,} {name}" for name, value in fields.items() if name not in known and _worth_showing(value)]
    return ", ".join(shown) or "nothing to do"


def _worth_showing(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _styled(word: str, styles: Mapping[str, str]) -> str:
    return f"[{styles.get(word, 'bold')}]{word}[/]"
