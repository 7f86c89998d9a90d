"""Text features: the same text gives the same vector, similar texts lie close, and no text gives none."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.local.text_features import embed


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=60), dimensions=st.integers(1, 64))
def test_any_text_gives_a_finite_vector_of_unit_length(text: str, dimensions: int) -> None:
    vector = embed(text, dimensions)
    assert len(vector) == dimensions
    assert math.hypot(*vector) == pytest.approx(1.0)


def test_texts_that_share_words_lie_closer_than_texts_that_do_not() -> None:
    asked = embed("the parcel never arrived")
    near, far = embed("my parcel has not arrived"), embed("great colours, lovely design")
    assert _cosine(asked, near) > _cosine(asked, far) + 0.1


def test_case_and_compatibility_forms_do_not_matter() -> None:
    assert embed("\ufb01rst STRASSE") == embed("first stra\u00dfe")


def test_the_order_of_words_matters() -> None:
    assert embed("dog bites man") != embed("man bites dog")


def test_another_process_gives_the_same_vector() -> None:
    program = "from pipeline.local.text_features import embed; print(embed('stable', 8, 'model'))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str(embed("stable", 8, "model"))


def test_text_without_words_has_a_vector_of_its_own() -> None:
    assert embed("!?") != embed("   ")


def _cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
