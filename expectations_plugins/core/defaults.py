"""Values that expectations take unless told otherwise, and that the pipeline is built on."""

from __future__ import annotations

VECTOR_DIMENSION = 768
"""Components of an embedding: the length of Gemini's."""
