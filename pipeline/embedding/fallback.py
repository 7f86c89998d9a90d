"""Fallback vectors: what keeps the pipeline flowing while no model answers. Marked, and to be replaced."""

from __future__ import annotations

import hashlib

import numpy as np

from expectations_plugins.core.defaults import VECTOR_DIMENSION
from pipeline.core.embeddings import FALLBACK_SOURCE, Embedding


def fallback(text: str) -> Embedding:
    """A deterministic vector of unit length, drawn from the text's hash: it says nothing of the text's meaning."""
    seed = int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest(), "big")
    drawn = np.random.default_rng(seed).standard_normal(VECTOR_DIMENSION)
    unit = drawn / np.linalg.norm(drawn)
    return Embedding(vector=tuple(float(component) for component in unit), source=FALLBACK_SOURCE)
