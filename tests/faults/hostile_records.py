"""Hostile records from a seed: each is a good one with something done to it, and with the end that it should have."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tests.faults.hostile_texts import (
    CHARACTERS,
    DATES,
    INJECTIONS,
    KEYS,
    NEAR_USERS,
    NO_DATES,
    NOT_TEXT,
    NUMBERS,
    REFUSED_KEYS,
    REFUSED_NUMBERS,
)

LONGEST_ID, LONGEST_LINE = 256, 1024 * 1024
NO_IDS = tuple(text for text in NOT_TEXT if text not in ("0", "-1", "1e3"))
LARGEST = 9_007_199_254_740_992
GOOD_TIME = re.compile("2026-11-20T09:[0-9]{2}:[0-9]{2}Z")
NUMERIC_TEXT = re.compile("[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?")
TEXTS = (*INJECTIONS, *CHARACTERS)
FIELDS = ("user_id", "campaign_id", "type", "timestamp", "message", "value", "note")


class Fate(Enum):
    """What should become of a record."""

    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Hostile:
    """A line, and what should become of it.

    Args:
        line: Its bytes, without a line end.
        fate: What should become of it.
        done: What was done to a good record, in words.
    """

    line: bytes
    fate: Fate
    done: tuple[str, ...]

    def measured(self) -> Hostile:
        """Itself; dead when its line is too long."""
        too_long = len(self.line.removesuffix(b"\r")) > LONGEST_LINE
        return dataclasses.replace(self, fate=Fate.DEAD) if too_long else self


class TakenError(Exception):
    """A field was changed before: another change would hide what the first did."""


@dataclass(slots=True)
class Draft:
    """A record in the making.

    Args:
        key: Makes its id different from every other's.
        members: JSON texts of keys and values, as they will be written.
        dead: Whether it cannot be loaded.
        bad_user: Whether its user_id is none.
        unreadable: Whether a field was given that cannot be read.
        cuts: What is done to the finished line.
        taken: Fields that were changed.
    """

    key: str
    members: list[tuple[str, str]]
    dead: bool = False
    bad_user: bool = False
    unreadable: bool = False
    cuts: list[Callable[[bytes], bytes]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def take(self, name: str) -> None:
        """Remove a field, for once.

        Raises:
            TakenError: It was changed before.
        """
        if name in self.taken:
            raise TakenError
        self.taken.add(name)
        self.members = [member for member in self.members if member[0] != json.dumps(name)]
        self.bad_user |= name == "user_id"

    def put(self, name: str, value: str) -> None:
        """Replace a field by a JSON text, or add it."""
        self.take(name)
        self.members.append((_quoted(name), value))
        self.unreadable |= not _is_readable(name, value)

    def text(self, name: str, value: str) -> None:
        """Replace a field by a text; an id gets an end that no other has."""
        given = f"{value} {self.key}" if name == "interaction_id" else value
        self.put(name, _quoted(given))
        self.dead |= _has(given, "Cs") or (name == "interaction_id" and _has(given, "Cc"))

    def ended(self, *done: str) -> Hostile:
        """The finished record."""
        line = f"{{{', '.join(f'{key}: {value}' for key, value in self.members)}}}".encode()
        for cut in self.cuts:
            line = cut(line)
        fate = Fate.DEAD if self.dead else Fate.QUARANTINED if self.bad_user or self.unreadable else Fate.ACCEPTED
        return Hostile(line, fate, done).measured()


def records(seed: int, count: int) -> Iterator[Hostile]:
    """Hostile records, always the same for a seed; a few are good, and some bring an id that was there before.

    Args:
        seed: Of all that is random.
        count: How many.
    """
    chance = random.Random(seed)
    kept: list[Draft] = []
    for number_ in range(count):
        if kept and chance.random() < 0.05:
            yield again(chance, chance.choice(kept))
            continue
        draft = good(chance, f"h{seed}-{number_}")
        changes = chance.choices(CHANGES, WEIGHTS, k=chance.choice((0, 1, 1, 1, 1, 2, 3)))
        for change in changes:
            with contextlib.suppress(TakenError):
                change(chance, draft)
        ended = draft.ended(*(change.__name__ for change in changes))
        if ended.fate is not Fate.DEAD:
            kept.append(draft)
        yield ended


def good(chance: random.Random, key: str) -> Draft:
    """A record nothing is wrong with."""
    record: dict[str, Any] = {
        "interaction_id": key,
        "user_id": f"u_{100 + chance.randrange(500)}",
        "campaign_id": chance.choice(("c_0", "c_1", "c_2", "c_missing", None)),
        "type": chance.choice(("click", "view", "purchase")),
        "timestamp": f"2026-11-20T09:{chance.randrange(60):02}:{chance.randrange(60):02}Z",
        "message": f"message {chance.randrange(10_000)}",
        "value": round(chance.random() * 100, 2),
    }
    return Draft(key, [(json.dumps(name), json.dumps(value)) for name, value in record.items()])


def again(chance: random.Random, first: Draft) -> Hostile:
    """A record that brings the id of an earlier one: the same content, also in other words, or other content."""
    kind = chance.choice(("as it was", "in another order", "conflict"))
    same = dataclasses.replace(first, members=list(first.members))
    if kind == "in another order":
        chance.shuffle(same.members)
    if kind == "conflict":
        same.members.append((f'"other {chance.random()}"', chance.choice(NOT_TEXT)))
    line = same.ended().line
    if kind == "in another order":
        line = line.replace(b'"message":', b'"\\u006dessage" :', 1)
    return Hostile(line, Fate.DEAD if kind == "conflict" else Fate.DUPLICATE, (kind,)).measured()


def injection(chance: random.Random, draft: Draft) -> None:
    draft.text(chance.choice((*FIELDS, "interaction_id")), chance.choice(INJECTIONS))


def character(chance: random.Random, draft: Draft) -> None:
    draft.text(chance.choice((*FIELDS, "interaction_id")), chance.choice(CHARACTERS))


def no_text(chance: random.Random, draft: Draft) -> None:
    draft.put(chance.choice(FIELDS), chance.choice(NOT_TEXT))


def no_id(chance: random.Random, draft: Draft) -> None:
    draft.put("interaction_id", chance.choice((*NO_IDS, "null", '""', '" "', '"\\u2028"')))
    draft.dead = True


def null(chance: random.Random, draft: Draft) -> None:
    draft.put(chance.choice(FIELDS), "null")


def missing(chance: random.Random, draft: Draft) -> None:
    name = chance.choice((*FIELDS, "interaction_id"))
    draft.take(name)
    draft.dead |= name == "interaction_id"


def number(chance: random.Random, draft: Draft) -> None:
    draft.put(chance.choice((*FIELDS, "value", "value", "value")), chance.choice(NUMBERS))


def refused_number(chance: random.Random, draft: Draft) -> None:
    value = chance.choice(REFUSED_NUMBERS)
    draft.put(chance.choice(FIELDS), chance.choice((value, f"[{value}]", f'{{"deep": [{value}]}}')))
    draft.dead = True


def date(chance: random.Random, draft: Draft) -> None:
    draft.text("timestamp", chance.choice((*DATES, *NO_DATES)))


def near_user(chance: random.Random, draft: Draft) -> None:
    draft.text("user_id", chance.choice(NEAR_USERS))


def odd_key(chance: random.Random, draft: Draft) -> None:
    draft.put(chance.choice(KEYS), chance.choice((*NOT_TEXT, *NUMBERS, *map(_quoted, INJECTIONS))))


def refused_key(chance: random.Random, draft: Draft) -> None:
    member = f"{_quoted(chance.choice(REFUSED_KEYS))}: 1"
    draft.put("holder", chance.choice((f"{{{member}}}", f"[[{{{member}}}]]")))
    draft.dead = True


def key_twice(chance: random.Random, draft: Draft) -> None:
    key = chance.choice(('"user_id"', '"interaction_id"', '"\\u0075ser_id"', '"$set"', '""'))
    draft.taken |= {"user_id", "interaction_id"}
    draft.members += [(key, '"u_100"'), (chance.choice((key, key.replace("s", "\\u0073"))), '"u_101"')]
    draft.dead = True


def nested(chance: random.Random, draft: Draft) -> None:
    depth = chance.choice((10, 80, 120, 1000, 100_000))
    opening, closing, levels = chance.choice((("[", "]", 1), ('{"a":', "}", 1), ('[{"$and":', "}]", 2)))
    draft.put("deep", opening * (depth // levels) + "1" + closing * (depth // levels))
    draft.dead |= depth > 90


def long_id(chance: random.Random, draft: Draft) -> None:
    name = chance.choice(("interaction_id", "user_id", "campaign_id", "type"))
    letter, length = chance.choice(("x", "\xe9", "\U0001f600")), chance.choice((256, 257, 300, 70_000))
    text = draft.key + letter * ((length - len(draft.key)) // len(letter.encode()))
    text += "x" * (length - len(text.encode()))
    draft.put(name, _quoted(text))
    draft.dead |= length > LONGEST_ID


def long_user(chance: random.Random, draft: Draft) -> None:
    draft.put("user_id", json.dumps("u_" + str(chance.randrange(10)) * 254))
    draft.bad_user = False


def long_text(chance: random.Random, draft: Draft) -> None:
    length = chance.choice((2_000, 2_000, 20_000, 20_000, 20_000, 200_000, LONGEST_LINE))
    name, text = chance.choice(("message", "message", "note")), chance.choice(("word ", "\U0001f600", '"\\'))
    draft.put(name, json.dumps((text * length)[:length], ensure_ascii=chance.random() < 0.5))


def truncated(chance: random.Random, draft: Draft) -> None:
    share = chance.random()
    _cut(draft, lambda line: line[: 1 + int(share * (len(line) - 2))])


def not_utf8(chance: random.Random, draft: Draft) -> None:
    bad, share = chance.choice((b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x80", b"\xf4\x90\x80\x80")), chance.random()
    _cut(draft, lambda line: line[: (at := 1 + int(share * (len(line) - 2)))] + bad + line[at:])


def not_json(chance: random.Random, draft: Draft) -> None:
    _cut(draft, chance.choice(NOT_JSON))


def noise(chance: random.Random, draft: Draft) -> None:
    data = chance.randbytes(chance.choice((1, 10, 1000))).replace(b"\n", b"") + b"\xfe"
    _cut(draft, lambda _: data)


def other_words(chance: random.Random, draft: Draft) -> None:
    """The same record, written differently."""
    draft.cuts.insert(0, chance.choice((_in_blanks, _with_return, _in_escapes, _after_a_mark, _after_a_hole)))


NOT_JSON: Sequence[Callable[[bytes], bytes]] = (
    lambda line: b"[" + line + b"]",
    lambda line: line + b",",
    lambda line: line[:-1] + b",}",
    lambda line: line + b"//",
    lambda line: b"\xc2\xa0" + line,
    lambda line: b"\x0c" + line,
    lambda line: line[:-1] + b'"raw\ttab": 1}',
    lambda line: line.replace(b'"', b"'"),
    lambda line: line[:-1] + b', "\\x": 1}',
    lambda line: line[:-1] + b", unquoted: 1}",
    lambda line: json.dumps(line.decode("latin-1")).encode(),
    lambda _: b"null",
    lambda _: b"0",
    lambda _: b'""',
    lambda _: b"interaction_id,user_id",
)

CHANGES = (
    *(injection, character, no_text, date, number, odd_key, near_user, long_id, long_text, nested, null, missing),
    *(refused_number, refused_key, key_twice, truncated, not_utf8, not_json, no_id, noise, other_words, long_user),
)
WEIGHTS = (*(20, 20, 12, 10, 8, 8, 5, 2, 1, 1, 2, 3), *(5, 2, 2, 2, 2, 4, 2, 1, 4, 1))


def _is_readable(name: str, value: str) -> bool:
    """Whether a JSON text is something that the field can be; what is no JSON text makes the record dead anyway."""
    try:
        given = json.loads(value)
    except (ValueError, RecursionError):
        return True
    return given is None or name not in READABLE or READABLE[name](given)


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


def _is_key(given: Any) -> bool:
    whole = _is_number(given) and (isinstance(given, int) or (given == given // 1 and abs(given) <= LARGEST))
    return isinstance(given, str) or whole


def _is_summable(given: Any) -> bool:
    is_text = isinstance(given, str) and NUMERIC_TEXT.fullmatch(given.strip())
    return bool(is_text or _is_number(given)) and abs(float(given)) <= LARGEST


def _is_date(given: str) -> bool:
    return given in DATES or (given not in NO_DATES and GOOD_TIME.fullmatch(given) is not None)


READABLE: Mapping[str, Callable[[Any], bool]] = {
    "campaign_id": _is_key,
    "type": _is_key,
    "value": _is_summable,
    "message": lambda given: isinstance(given, str),
    "timestamp": lambda given: isinstance(given, str) and _is_date(given),
}


def _cut(draft: Draft, change: Callable[[bytes], bytes]) -> None:
    draft.cuts.append(change)
    draft.dead = True


def _in_blanks(line: bytes) -> bytes:
    return b" \t" + line + b"\t "


def _with_return(line: bytes) -> bytes:
    return line + b"\r"


def _after_a_mark(line: bytes) -> bytes:
    return b"\xef\xbb\xbf" + line


def _after_a_hole(line: bytes) -> bytes:
    return bytes(100) + line


def _in_escapes(line: bytes) -> bytes:
    return re.sub(r"[^\x00-\x7f]", lambda found: json.dumps(found[0])[1:-1], line.decode()).encode()


def _quoted(text: str) -> str:
    """As JSON; half a surrogate pair can only be written as an escape."""
    return json.dumps(text, ensure_ascii=_has(text, "Cs"))


def _has(text: str, category: str) -> bool:
    return any(unicodedata.category(letter) == category for letter in text)
