"""Text to vector by feature hashing: what the local embeddings server answers. Pure functions; no model, no network."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from expectations_plugins.core.defaults import VECTOR_DIMENSION

WORD_WEIGHT = 1.0
BIGRAM_WEIGHT = 0.5
TRIGRAM_WEIGHT = 0.25
SMALLEST_LENGTH = 1e-9
_WORD = re.compile(r"\w+")


def embed(text: str, dimensions: int = VECTOR_DIMENSION, space: str = "") -> list[float]:
    """Return the vector of a text: unit length, never all zeros, and always the same for the same arguments.

    Words, pairs of words and character trigrams are hashed with a sign into the vector's places (the hashing trick:
    Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning"), so texts that share words lie close.

    Args:
        text: Any text; compared after NFKC normalisation and case folding.
        dimensions: The length of the vector, at least 1.
        space: Texts of different spaces (models) get unrelated vectors.
    """
    normal = unicodedata.normalize("NFKC", text).casefold()
    vector = [0.0] * dimensions
    for (feature, weight), count in sorted(Counter(_features(normal)).items()):
        place, sign = _place(f"{space}\0{feature}", dimensions)
        vector[place] += sign * weight * (1.0 + math.log(count))
    length = math.sqrt(math.fsum(value * value for value in vector))
    if length < SMALLEST_LENGTH:  # no features, or features that cancel out
        place, sign = _place(f"{space}\0\0{normal}", dimensions)
        vector[place], length = sign, 1.0
    return [value / length for value in vector]


def _features(text: str) -> Iterator[tuple[str, float]]:
    words = _WORD.findall(text)
    for word in words:
        yield f"w {word}", WORD_WEIGHT
    for first, second in itertools.pairwise(words):
        yield f"b {first} {second}", BIGRAM_WEIGHT
    padded = f" {' '.join(text.split())} "
    for start in range(len(padded) - 2):
        yield f"c {padded[start : start + 3]}", TRIGRAM_WEIGHT


@lru_cache(maxsize=65_536)
def _place(feature: str, dimensions: int) -> tuple[int, float]:
    """Hash a feature to a place and a sign; stable across processes, unlike `hash()`. Lone surrogates are text too."""
    digest = hashlib.blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=9).digest()
    return int.from_bytes(digest[:8], "big") % dimensions, 1.0 if digest[8] & 1 else -1.0
