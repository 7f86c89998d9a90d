"""The checksum of a set of ids: it knows no order, it subtracts as sets do, and it names one id too many."""

from __future__ import annotations

import random

import pytest

from expectations_plugins.core.checksums import PRIME, Checksum, number_of
from tests.fakes.hostile_texts import HOSTILE

SEEDS = range(20)


def drawn(seed: int) -> list[str]:
    chance = random.Random(seed)
    return [f"i-{chance.getrandbits(64):x}" for _ in range(chance.randrange(2, 60))]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_does_not_matter(seed: int) -> None:
    keys = drawn(seed)
    shuffled = random.Random(-seed).sample(keys, len(keys))
    assert Checksum.of(shuffled) == Checksum.of(keys)


@pytest.mark.parametrize("seed", SEEDS)
def test_it_adds_and_subtracts_as_sets_do(seed: int) -> None:
    keys = drawn(seed)
    place = random.Random(seed).randrange(len(keys))
    whole, first, rest = (Checksum.of(part) for part in (keys, keys[:place], keys[place:]))
    assert (first + rest, whole - rest, whole - whole) == (whole, first, Checksum())


@pytest.mark.parametrize("seed", SEEDS)
def test_one_id_too_many_is_named(seed: int) -> None:
    keys = drawn(seed)
    assert (Checksum.of([*keys, "strange"]) - Checksum.of(keys)).added() == number_of("strange")


@pytest.mark.parametrize("seed", SEEDS)
def test_one_id_in_anothers_place_is_named(seed: int) -> None:
    keys = drawn(seed)
    assert (Checksum.of([*keys[1:], "strange"]) - Checksum.of(keys)).added() == number_of("strange")


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_named_where_nothing_or_more_than_one_was_added(seed: int) -> None:
    keys = drawn(seed)
    expected = Checksum.of(keys)
    numbers = {number_of(key) for key in [*keys, "one", "two"]}
    assert (Checksum.of(keys) - expected).added() is None
    assert (Checksum.of(keys[1:]) - expected).added() is None
    assert (Checksum.of([*keys, "one", "two"]) - expected).added() is None
    assert (Checksum.of([*keys[2:], "one", "two"]) - expected).added() not in numbers


@pytest.mark.parametrize("seed", SEEDS)
def test_any_change_of_a_few_ids_changes_it(seed: int) -> None:
    chance, keys = random.Random(seed), drawn(seed)
    changed = [key if chance.random() < 0.8 else f"{key}x" for key in keys[1:]]
    assert Checksum.of(changed) != Checksum.of(keys)


def test_an_id_that_occurs_twice_counts_twice() -> None:
    assert Checksum.of(["a", "a", "b"]) != Checksum.of(["a", "b"])
    assert (Checksum.of(["a", "a", "b"]) - Checksum.of(["a", "b"])).added() == number_of("a")


def test_what_is_kept_is_read_again_and_fits_where_integers_have_64_bits() -> None:
    kept = Checksum.of(drawn(1)).as_list()
    assert (Checksum.read(kept), Checksum.read([])) == (Checksum.of(drawn(1)), None)
    assert all(0 <= number < PRIME < 2**63 for number in kept)


def test_hostile_ids_have_a_number_each() -> None:
    texts = [*HOSTILE, "\ud800", ""]
    numbers = {number_of(text) for text in texts}
    assert len(numbers) == len(set(texts))
    assert all(0 <= number < PRIME for number in numbers)
