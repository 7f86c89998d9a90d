"""Values of masked fields appear as their shape, all others as they are, and none without end."""

from __future__ import annotations

import pytest

from expectations_plugins.core.masking import LONGEST, Example, Masks, shape
from pipeline.config import load_settings


@pytest.mark.parametrize(
    ("value", "drawn"),
    [
        ("u_12", "a_99"),
        ("", ""),
        ("null", "null"),
        ("Ünal ٣", "aaaa 9"),
        ("नमस्ते😀", "a" * 7),
        ("a\u202eb", "aaa"),
        ("x" * 50, "a" * 40 + "…"),
    ],
)
def test_the_shape_of_a_value(value: str, drawn: str) -> None:
    assert shape(value) == drawn


def test_a_masked_field_shows_shapes_and_another_its_values() -> None:
    masks = Masks(("user_id",))
    assert masks.examples("user_id", [("i_1", "kate_1984"), ("i_2", None)]) == (
        Example("i_1", "aaaa_9999"),
        Example("i_2", "null"),
    )
    assert masks.value("campaign_id", "spring-26") == "spring-26"


@pytest.mark.parametrize("field", ["user", "user.email", "user.email.domain"])
def test_a_field_within_a_masked_one_and_one_that_holds_it_are_masked(field: str) -> None:
    assert Masks(("user.email",)).value(field, "kate") == "aaaa"


@pytest.mark.parametrize("field", ["user_id", "username", "user.name", "", None])
def test_a_field_that_only_begins_alike_is_not_masked(field: str | None) -> None:
    assert Masks(("user.email",)).value(field, "kate") == "kate"


def test_words_of_ours_belong_to_no_field() -> None:
    assert Masks(("user_id",)).value("", "all zero") == "all zero"


def test_nothing_is_masked_when_no_field_is_named() -> None:
    assert Masks(()).value("user_id", "kate_1984") == "kate_1984"


def test_a_long_value_is_cut() -> None:
    assert len(Masks(()).value("note", "x" * 10_000)) == LONGEST + 1


@pytest.mark.parametrize(
    ("given", "masked"),
    [("user_id", ("user_id",)), (" user_id , email ", ("user_id", "email")), ("none", ()), (",", ())],
)
def test_the_setting_names_fields_or_none(given: str, masked: tuple[str, ...]) -> None:
    assert load_settings(SLUICEGATE_MASKED_FIELDS=given).masked == masked
