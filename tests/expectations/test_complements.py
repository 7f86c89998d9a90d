"""Counts that follow from other counts; that they are right on real documents is the differential test's to say."""

from __future__ import annotations

import pytest

from expectations_plugins.conditions.expressions import (
    And,
    Compare,
    Condition,
    Count,
    Field,
    InSet,
    IsNull,
    IsText,
    Not,
    Op,
    Or,
)
from expectations_plugins.mongodb.complements import plan

KIND, LINE = Field.of("type"), Field.of("line")
IN_RANGE = And((Compare(Op.GE, LINE, 1), Compare(Op.LE, LINE, 9)))
COUNTRY = Compare(Op.EQ, Field.of("country"), "GB")


def _not_null_and_not(condition: Condition, field: Field) -> Count:
    return Count(And((Not(IsNull(field)), Not(condition))))


@pytest.mark.parametrize("condition", [InSet(LINE, (1, 2)), IN_RANGE, IsText(LINE), Compare(Op.LT, LINE, 3)])
def test_what_is_neither_null_nor_so_follows_from_the_rest(condition: Condition) -> None:
    wanted = _not_null_and_not(condition, LINE)
    asked, followed = plan([Count(), Count(IsNull(LINE)), wanted])
    assert asked == [Count(), Count(IsNull(LINE)), Count(condition)]
    counted = {repr(Count()): 100, repr(Count(IsNull(LINE))): 7, repr(Count(condition)): 90}
    assert followed[repr(wanted)].of(counted) == 3


def test_a_row_condition_holds_for_all_three_counts() -> None:
    wanted = Count(And((COUNTRY, Not(IsNull(KIND)), Not(InSet(KIND, ("view",))))))
    whole, nulls = Count(COUNTRY), Count(And((COUNTRY, IsNull(KIND))))
    asked, followed = plan([wanted, whole, nulls])
    assert asked == [whole, nulls, Count(And((COUNTRY, InSet(KIND, ("view",)))))]
    assert list(followed) == [repr(wanted)]


@pytest.mark.parametrize(
    "condition",
    [
        Compare(Op.EQ, LINE, 1),  # a NaN may be asked for
        Not(Compare(Op.GE, LINE, 1)),  # true of a null
        Or((InSet(LINE, (1,)), IsNull(LINE))),
        InSet(KIND, ("view",)),  # says nothing of the field that may be null
    ],
)
def test_what_may_be_true_of_a_null_is_counted_itself(condition: Condition) -> None:
    measures = [Count(), Count(IsNull(LINE)), _not_null_and_not(condition, LINE)]
    assert plan(measures) == (measures, {})


def test_nothing_is_asked_for_that_a_suite_does_not_need() -> None:
    alone = [_not_null_and_not(IN_RANGE, LINE)]
    assert plan(alone) == (alone, {})
