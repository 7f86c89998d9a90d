"""Patterns that could keep a store busy for ever with one hostile text are refused; ordinary ones are not."""

from __future__ import annotations

import pytest

from expectations_plugins.conditions.expressions import CompareLength, Field, Op
from expectations_plugins.conditions.patterns import PatternError, common, like
from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.engine.backend import UnsupportedError, pattern_for
from expectations_plugins.engine.custom_metrics import LONGEST_USER_ID, malformed_user_id
from pipeline.config import load_settings

NESTED, ADJACENT, MANY = "in more ways than", "it follows a repeat", "more than 3 repeats"

REFUSED = [
    (r"^u_(\d+)+$", 8, NESTED),
    (r"(a+)+b", 4, NESTED),
    (r"(a*)*", 4, NESTED),
    (r"(a|a)*", 5, NESTED),
    (r"(a|ab|b)*", 8, NESTED),
    (r"(?:a|[^b])*$", 10, NESTED),
    (r"(?i:ab|Ac)*$", 10, NESTED),
    (r"(\w+\s?)*$", 8, NESTED),
    (r"(a?b?)*c", 6, NESTED),
    (r"(?:a(?:|b?))*c", 12, NESTED),
    (r"(a?){30}a{30}", 4, NESTED),
    (r"(?:a(?:b?)+)*$", 12, NESTED),
    (r"(x+x+)+y", 6, NESTED),
    (r"(?:(?:ab)*)*", 11, NESTED),
    (r"([a-z]+.)+[A-Z]", 9, NESTED),
    (r"(?:\d{1,3},?)*$", 13, NESTED),
    (r"(?:[a-z]{1,64})+$", 15, NESTED),
    (r"(?=(a+)+b)", 7, NESTED),
    (r"x(?!(?:a|a)*$)", 11, NESTED),
    (r"\d+\d+$", 5, ADJACENT),
    (r"\d*-?\d*$", 7, ADJACENT),
    (r"^[a-z]*\w+$", 9, ADJACENT),
    (r"(?:ab)*(?:ab)*$", 13, ADJACENT),
    (r".*a.*b.*c.*d", 10, MANY),
]

ACCEPTED = [
    r"^u_\d+$",
    r"^u_\d{3,}$",
    r"^[A-Z]{2}\d{6,12}$",
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    r"^[\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,}$",
    r"^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$",
    r"(?i)^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    r"^(?:\d{1,3}\.){3}\d{1,3}$",
    r"^\d{4}-\d{2}-\d{2}T.*Z$",
    r"^\d{4}\d{2}\d{2}$",
    r"^https?://[^/]+(?:/[^/]*)*$",
    r"^(?:[a-z]+,)*[a-z]+$",
    r"^(?:foo|bar)+$",
    r"^(?:a?|ab){2}c",
    r"^(?:a|ab)*$",  # Python's parser writes it as (?:ab?)*
    r"^\s+|\s+$",
    r".*foo.*bar.*",
    r"^(?!.*bad).*$",
    r"^(\w+) \1$",
    r"^[a-zA-Z]\w*$",
]


@pytest.mark.parametrize(("pattern", "position", "why"), REFUSED)
def test_what_backtracks_without_bound_is_refused_and_the_repeat_is_named(
    pattern: str, position: int, why: str
) -> None:
    with pytest.raises(PatternError, match=f"^The repeat at position {position} of the pattern") as caught:
        common(pattern)
    assert why in str(caught.value)


@pytest.mark.parametrize("pattern", ACCEPTED)
def test_ordinary_patterns_are_taken(pattern: str) -> None:
    assert common(pattern)


def test_like_takes_three_percent_signs_between_its_ends() -> None:
    assert like("%a%b%c%d%")
    with pytest.raises(PatternError, match=r"^The percent signs of the pattern"):
        like("%a%b%c%d%e%")


@pytest.mark.parametrize("pattern", [r"^u_(\d+)+$", r"^u_\d+\d+$"])
def test_the_setting_is_refused_as_configuration(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match=r"SLUICEGATE_USER_ID_PATTERN: .*The repeat at position"):
        load_settings(SLUICEGATE_USER_ID_PATTERN=pattern)


def test_an_expectation_with_such_a_pattern_is_refused_before_a_store_is_asked() -> None:
    with pytest.raises(UnsupportedError, match="The repeat at position 4"):
        pattern_for("MongoDB", "(a+)+b")


def test_a_user_id_that_is_too_long_is_malformed_before_it_is_searched() -> None:
    condition = malformed_user_id("user_id", "^u_")
    bound = CompareLength(Op.GT, Field.of("user_id"), LONGEST_USER_ID)
    assert str(condition).index(str(bound)) < str(condition).index("Matches(")
