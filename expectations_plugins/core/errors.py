"""The error tree and the exit codes; no driver and no other module of ours is imported here.

SluicegateError                what happened, to what, and what to do next
├── ConfigurationError         a setting, an argument or a file the user can mend        exit 2
├── TransientError             worth another try: an outage, a timeout, a quota          exit 3
├── LeaseHeldError             another run works on the batch                            exit 4
├── LeaseLostError             this run's lease expired or was taken over                exit 4
└── TerminalError              trying again changes nothing                              exit 5

Unknown exceptions are Terminal: a retry that cannot help only hides the fault.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a scheduler reads. 1 stays unused: Python and click use it for everything."""

    OK = 0
    USAGE = 2
    OUTAGE = 3
    LEASE_HELD = 4
    DEAD_LETTERED = 5
    GATE_FAILED = 10
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143


EXIT_PRECEDENCE = (ExitCode.BUG, ExitCode.OUTAGE, ExitCode.DEAD_LETTERED, ExitCode.GATE_FAILED, ExitCode.LEASE_HELD)
"""With several batches, the first of these that applies to any of them is the exit code of the run."""


class SluicegateError(Exception):
    """An error a person can act on.

    Args:
        message: What happened, to which batch, record or store. Never holds a secret.
        next_step: What to do next, as a sentence or a command.
    """

    exit_code = ExitCode.BUG

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()


class ConfigurationError(SluicegateError):
    """A setting, an argument or a file is wrong; nothing was started."""

    exit_code = ExitCode.USAGE


class TransientError(SluicegateError):
    """The same call may succeed later: an outage, a timeout, a quota."""

    exit_code = ExitCode.OUTAGE

    def __init__(self, message: str, *, next_step: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.retry_after = retry_after
        """Seconds the server asked us to wait; None when it did not say."""


class LeaseHeldError(SluicegateError):
    """Another run holds the batch's lease."""

    exit_code = ExitCode.LEASE_HELD


class LeaseLostError(SluicegateError):
    """This run's lease on the batch expired or was taken over; it must stop writing."""

    exit_code = ExitCode.LEASE_HELD


class TerminalError(SluicegateError):
    """Trying again changes nothing."""

    exit_code = ExitCode.DEAD_LETTERED
