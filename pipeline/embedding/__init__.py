"""Texts to vectors: the Gemini adapter of the port `Embedder`, and fallback vectors for when it is down."""

from __future__ import annotations

from pipeline.embedding.gemini import GeminiEmbedder

__all__ = ["GeminiEmbedder"]
