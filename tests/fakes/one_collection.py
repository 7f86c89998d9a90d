"""A vector store as the only collection there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class OneCollection:
    """Implements pipeline.ports.vectors.VectorCollections."""

    store: Any
    current: str = "only"

    def exists(self, name: str) -> bool:
        return name == self.current

    def open(self, name: str) -> Any:
        assert name == self.current
        return self.store
