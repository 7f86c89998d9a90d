"""Texts that were embedded lately: real logs repeat themselves, and a text need not be paid for twice."""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict

from pipeline.core.embeddings import Embedding


class Memory:
    """The last embeddings, by text; shared by threads.

    Args:
        most: Texts kept at most; at 768 single-precision components each takes 3 KB.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[str, tuple[array[float], str]] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, text: str) -> Embedding | None:
        """The text's embedding, when it is known."""
        with self._lock:
            found = self._known.get(text)
            if found is None:
                return None
            self._known.move_to_end(text)
        return Embedding(vector=tuple(found[0]), source=found[1])

    def keep(self, text: str, embedding: Embedding) -> None:
        """Remember a valid vector that a model made."""
        if embedding.invalid is not None:
            return
        with self._lock:
            self._known[text] = (array("f", embedding.vector), embedding.source)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
