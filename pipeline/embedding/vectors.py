"""Judging and mending one vector; knows no model."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

from expectations_plugins.core.defaults import VECTOR_DIMENSION
from pipeline.core.embeddings import Embedding


def checked(values: Sequence[float], source: str) -> Embedding:
    """A model's vector, normalised to unit length, or marked with what is wrong with it.

    A vector that was cut to 768 components by the API is not of unit length any more; cosine search does not mind, but
    dot products and norms do.

    Args:
        values: Components as the API gave them.
        source: The model's name.
    """
    vector = tuple(float(component) for component in values)  # a NaN comes over REST as the text "NaN"
    reason = fault(vector)
    if reason is not None:
        return Embedding(vector=(), source=source, invalid=reason)
    length = math.sqrt(math.fsum(component * component for component in vector))
    unit = array("f", (component / length for component in vector))  # what vector stores keep: single precision
    return Embedding(vector=tuple(unit), source=source)


def fault(vector: Sequence[float]) -> str | None:
    """Why a vector must not be written; None when it may."""
    if len(vector) != VECTOR_DIMENSION:
        return "wrong_length"
    if not all(map(math.isfinite, vector)):
        return "non_finite"
    if not any(vector):
        return "zero"
    return None
