"""A real HTTP proxy before the BigQuery server that cancels statements as BigQuery does.

A transaction, or a DELETE, UPDATE or MERGE, that runs while another one mutates the same table is cancelled. INSERTs
and load jobs are never in anybody's way. A statement here takes as long as one of BigQuery's, so that they do meet.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.fakes.strict_bigquery import CONFLICT, Answer, asked, error_answer, forwarded, served

MUTATING = re.compile(r"\b(?:DELETE\s+(?:FROM\s+)?|UPDATE\s+|MERGE\s+(?:INTO\s+)?)`([^`]+)`", re.IGNORECASE)


@dataclass(slots=True)
class CancellingBigQuery:
    """Where it is, and what it did.

    Args:
        behind: The server.
        seconds: How long a statement that mutates a table takes at least.
        cancelled: The tables because of which statements were cancelled.
        mutating: How many statements mutated a table.
        statements: How many statements were run at all.
        loads: How many load jobs were begun.
    """

    behind: str
    seconds: float
    endpoint: str = ""
    cancelled: list[str] = field(default_factory=list)
    mutating: int = 0
    statements: int = 0
    loads: int = 0
    _at_work: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        request = forwarded(self.behind, method, path, headers, body)
        tables = self._mutated(method, path, body)
        if not tables:
            return asked(request)
        with self._lock:
            if met := sorted(tables & self._at_work):
                self.cancelled.append(met[0])
                return error_answer(400, "invalidQuery", CONFLICT.format(table=met[0]))
            self._at_work |= tables
            self.mutating += 1
        try:
            time.sleep(self.seconds)
            return asked(request)
        finally:
            with self._lock:
                self._at_work -= tables

    def _mutated(self, method: str, path: str, body: bytes) -> set[str]:
        if method != "POST" or not body.startswith(b"{"):
            return set()
        sent = json.loads(body)
        text = sent.get("query") or ((sent.get("configuration") or {}).get("query") or {}).get("query") or ""
        with self._lock:
            self.statements += bool(text)
            self.loads += path.startswith("/upload/")
        return set(MUTATING.findall(text))


@contextmanager
def cancelling_bigquery(behind: str, seconds: float = 0.5) -> Iterator[CancellingBigQuery]:
    """The proxy, served until the end of the block."""
    made = CancellingBigQuery(behind.rstrip("/"), seconds)
    with served(made):
        yield made
