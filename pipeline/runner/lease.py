"""Keeping a batch's lease alive while its stages run, and noticing when it is lost."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import uuid
from types import TracebackType

from expectations_plugins.core.errors import LeaseLostError, SluicegateError
from pipeline.core.batches import Lease, short
from pipeline.ports.ledger import Ledger
from pipeline.ports.steps import Progress


def new_holder() -> str:
    """Who holds a lease: unique to this process and use."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


class LeaseKeeper:
    """Renews a lease at a third of its length from a daemon thread, and gives it back at the end.

    Args:
        ledger: Where the lease lives.
        lease: The lease, just acquired.
        seconds: How long a renewal lasts.
    """

    def __init__(self, ledger: Ledger, lease: Lease, seconds: float) -> None:
        self._ledger = ledger
        self._lease = lease
        self._seconds = seconds
        self._renewed_at = time.time()
        self._lost: LeaseLostError | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease {short(lease.batch_id)}", daemon=True)

    def __enter__(self) -> LeaseKeeper:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        with contextlib.suppress(SluicegateError):  # it expires by itself when the ledger cannot be reached
            self._ledger.release(self._lease)

    @property
    def lease(self) -> Lease:
        """The lease as it was acquired."""
        return self._lease

    def keep(self) -> None:
        """Renew when a third of the lease has passed since the last time: what has not run out need not be asked for.

        By the clock on the wall, which goes on while a machine sleeps. What is written meanwhile is under the fence.

        Raises:
            LeaseLostError: It is no longer ours.
            TransientError: The ledger could not be asked.
        """
        if 0 <= time.time() - self._renewed_at < self._seconds / 3:
            self.check()
        else:
            self.renew()

    def renew(self) -> None:
        """Renew now.

        Raises:
            LeaseLostError: It is no longer ours.
            TransientError: The ledger could not be asked.
        """
        self.check()
        at = time.time()
        self._ledger.renew(self._lease, self._seconds)
        self._renewed_at = at

    def check(self) -> None:
        """Do nothing while the lease is ours, as far as the last renewal knows.

        Raises:
            LeaseLostError: It is no longer ours.
        """
        if self._lost is not None:
            raise self._lost

    def _keep(self) -> None:
        while not self._done.wait(self._seconds / 3) and self._lost is None:
            try:
                self.renew()
            except LeaseLostError as error:
                self._lost = error
            except SluicegateError:
                continue  # an outage; if another run takes over meanwhile, a later renewal says so
            except Exception as error:  # noqa: BLE001 - a lease nobody renews must not look like one that is ours
                self._lost = LeaseLostError(
                    f"The lease on batch {short(self._lease.batch_id)} was not kept: {error!r}."
                )


class LeasedProgress:
    """Passes progress on, and stops a stage at its next report once the lease is lost.

    Args:
        progress: Where reports go.
        keeper: Knows whether the lease is ours.
    """

    def __init__(self, progress: Progress, keeper: LeaseKeeper) -> None:
        self._progress = progress
        self._keeper = keeper

    def event(self, name: str, **fields: object) -> None:
        """Something happened."""
        self._keeper.check()
        self._progress.event(name, **fields)

    def advance(self, step: str, done: int, total: int | None) -> None:
        """`done` of `total` records of a step are through."""
        self._keeper.check()
        self._progress.advance(step, done, total)
