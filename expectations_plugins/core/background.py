"""Calls in threads that do not keep the process alive, nor a caller that has given them up.

A pool of threads would be waited for at the end of the process, and after a signal, by a store that has fallen silent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


def in_background(call: Callable[[], T], name: str) -> Future[T]:
    """Begin a call in a thread of its own, with the caller's context.

    Args:
        call: The call; what it raises is raised where its answer is read.
        name: The thread's name.
    """
    answer = Future[T]()

    def work() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            answer.set_exception(error)

    threading.Thread(target=copy_context().run, args=(work,), name=name, daemon=True).start()
    return answer
