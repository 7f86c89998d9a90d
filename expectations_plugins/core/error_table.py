"""From a driver's exceptions to Transient or Terminal: one table per store, unknown is Terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from expectations_plugins.core.advice import check
from expectations_plugins.core.errors import ConfigurationError, SluicegateError, TerminalError, TransientError
from expectations_plugins.core.redaction import hidden
from expectations_plugins.core.tls import certificate_fault, handshake_cut


@dataclass(frozen=True, slots=True)
class ErrorTable:
    """How one store's exceptions are read. Of what it names, the class nearest to the exception's own decides.

    Args:
        store: The store's name, for messages.
        transient: Exceptions that may heal: connections, timeouts, quotas, elections.
        terminal: Exceptions that do not heal. What is in neither is Terminal too; the table names them so that a
            test can tell a decision from an omission.
        base: The driver's base exceptions; nothing else is caught, so that our own bugs stay visible.
        refine: Says of an exception whether it is transient where its type does not (a status code); None leaves it
            to the type.
        refused: Of the terminal ones, those that say the store does not take us: a setting is wrong, not the batch.
        refuses: Says so of an exception whose type does not (a status code).
    """

    store: str
    transient: tuple[type[BaseException], ...]
    terminal: tuple[type[BaseException], ...]
    base: tuple[type[BaseException], ...]
    refine: Callable[[BaseException], bool | None] = lambda error: None  # noqa: ARG005 - the default has no opinion
    refused: tuple[type[BaseException], ...] = ()
    refuses: Callable[[BaseException], bool] = lambda error: False  # noqa: ARG005 - the default finds none

    def classify(self, error: BaseException, doing: str) -> SluicegateError:
        """The exception as ours.

        Args:
            error: What the driver raised.
            doing: What was being done, to which batch or record: `loading batch 1f2e…`.
        """
        if fault := certificate_fault(error):
            return ConfigurationError(
                hidden(f"{self.store}: {doing} failed: its certificate is not trusted: {fault}."),
                next_step="Check the host name in the address; a private authority's certificate goes into the file of "
                "SLUICEGATE_CA_FILE (docs/security.md).",
            )
        refuses = self.refuses(error)
        # a service may answer with the key it refuses
        message = hidden(f"{self.store}: {doing} failed: {type(error).__name__}: {_first_line(error)}")
        if not refuses and self._may_heal(error):
            return TransientError(message, next_step=f"Check that {self.store} is up{check()}, then run again.")
        if refuses or isinstance(error, self.refused):
            return ConfigurationError(
                message, next_step=f"Check the address and the credentials of {self.store}{check()}."
            )
        return TerminalError(message, next_step="Trying again will not help; see the message above.")

    def _may_heal(self, error: BaseException) -> bool:
        if handshake_cut(error):
            return True
        if (verdict := self.refine(error)) is not None:
            return verdict
        named = (kind for kind in type(error).__mro__ if kind in self.transient or kind in self.terminal)
        return next(named, None) in self.transient

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
