"""From a driver's exceptions to Transient or Terminal: one table per store, unknown is Terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.errors import ConfigurationError, SluicegateError, TerminalError, TransientError


@dataclass(frozen=True, slots=True)
class ErrorTable:
    """How one store's exceptions are read.

    Args:
        store: The store's name, for messages.
        transient: Exceptions that may heal: connections, timeouts, quotas, elections.
        terminal: Exceptions that do not heal. What is in neither is Terminal too; the table names them so that a
            test can tell a decision from an omission.
        base: The driver's base exceptions; nothing else is caught, so that our own bugs stay visible.
        refine: Says of an exception whether it is transient where its type does not (a status code); None leaves it
            to the type.
        refused: Of the terminal ones, those that say the store does not take us: a setting is wrong, not the batch.
    """

    store: str
    transient: tuple[type[BaseException], ...]
    terminal: tuple[type[BaseException], ...]
    base: tuple[type[BaseException], ...]
    refine: Callable[[BaseException], bool | None] = lambda error: None  # noqa: ARG005 - the default has no opinion
    refused: tuple[type[BaseException], ...] = ()

    def classify(self, error: BaseException, doing: str) -> SluicegateError:
        """The exception as ours.

        Args:
            error: What the driver raised.
            doing: What was being done, to which batch or record: `loading batch 1f2e…`.
        """
        verdict = self.refine(error)
        transient = isinstance(error, self.transient) if verdict is None else verdict
        message = f"{self.store}: {doing} failed: {type(error).__name__}: {_first_line(error)}"
        if transient:
            return TransientError(message, next_step=f"Check that {self.store} is up (run.py doctor), then run again.")
        if isinstance(error, self.refused):
            return ConfigurationError(
                message, next_step=f"Check the address and the credentials of {self.store} (run.py doctor)."
            )
        return TerminalError(message, next_step="Trying again will not help; see the message above.")

    @contextmanager
    def guard(self, doing: str) -> Iterator[None]:
        """Turn driver exceptions raised inside into ours."""
        try:
            yield
        except self.base as error:
            raise self.classify(error, doing) from error


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0][:500] if text else "no message"
