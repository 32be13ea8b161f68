"""The source of randomness: the same everywhere and for ever, fair, and within its bounds."""

from __future__ import annotations

import hashlib
from collections import Counter
from fractions import Fraction

import pytest

from grader.draw import Draw, digest


def word(labels: Draw, number: int) -> int:
    """Return the word that the construction promises, written down once more: SHA-256 of the key and a counter."""
    block = hashlib.sha256(labels._key + (number // 4).to_bytes(8, "big")).digest()
    place = 8 * (3 - number % 4)
    return int.from_bytes(block[place : place + 8], "big")


def test_labels_are_told_apart_by_type_and_length() -> None:
    """Two lists of labels that collided would give two students one variant."""
    lists = [("ab", "c"), ("a", "bc"), ("abc",), ("a", "b", "c"), (1,), ("1",), (b"1",), (), ("",)]
    assert len({digest(*labels) for labels in lists}) == len(lists)
    assert digest("a", 1) == hashlib.sha256(b"str:1:aint:1:1").digest()


def test_any_text_is_a_label() -> None:
    """A name or a student's text may hold halves of surrogate pairs: no class may stop for one."""
    halves = ("J\udcf6rg", "J\udce9rg", "J\ud83drg", "Jrg", "J?rg", r"J\udcf6rg")
    assert len({digest(half) for half in halves}) == len(halves)


def test_draws_are_the_same_for_ever() -> None:
    """A sheet handed out last year must be gradable next year: these numbers may never change."""
    rng = Draw("golden", 1)
    words = [word(rng, n) for n in range(9)]
    assert [rng.below(1 << 64) for _ in range(9)] == words
    rng = Draw("golden", 1)
    assert [rng.below(10**6) for _ in range(9)] == [w % 10**6 for w in words]
    assert drawn(Draw("golden", 1)) == GOLDEN


def drawn(rng: Draw) -> dict[str, object]:
    return {
        "integer": rng.integer(-5, 5),
        "boolean": [rng.boolean() for _ in range(5)],
        "choice": rng.choice("abcdef"),
        "shuffled": "".join(rng.shuffled("abcdef")),
        "sample": rng.sample(range(10), 3),
        "decimal": rng.decimal(1, 3, 2),
        "tenth": rng.decimal(0, 9),
        "matrix": rng.matrix(2, 3, 0, 9),
        "bulk": rng.bulk(5).hex(),
        "child": rng.child("x").below(1000),
        "fork": rng.fork().below(1000),
        "plain": rng.plain(),
    }


GOLDEN: dict[str, object] = {
    "integer": 1,
    "boolean": [True, True, False, False, True],
    "choice": "d",
    "shuffled": "bfcaed",
    "sample": [4, 3, 0],
    "decimal": Fraction(107, 50),
    "tenth": Fraction(71, 10),
    "matrix": ((8, 0, 1), (4, 7, 1)),
    "bulk": "9597dd62e8",
    "child": 221,
    "fork": 971,
    "plain": False,
}


@pytest.mark.parametrize("bound", [1, 2, 3, 7, (1 << 64) - 1, 1 << 64])
def test_below_is_below(bound: int) -> None:
    """An index one too high would end a course's generation with a traceback, once in a thousand sheets."""
    rng = Draw("below", bound)
    assert all(0 <= rng.below(bound) < bound for _ in range(50))


class Given(Draw):
    """A source whose words are given, the last first."""

    def __init__(self, *words: int) -> None:
        super().__init__()
        self._words = list(words)


def test_words_that_would_favour_small_numbers_are_drawn_again() -> None:
    """2**64 is no multiple of 3: the one word too many would make 0 more likely."""
    last = (1 << 64) - 1  # = 3 * 6148914691236517205, so the words below it are fair
    assert Given(4, last).below(3) == 1
    assert Given(4, last - 1).below(3) == 2
    assert Given(last).below(1 << 63) == (1 << 63) - 1


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda rng: rng.below(0), "bound=0 must be at least 1"),
        (lambda rng: rng.below((1 << 64) + 1), "must be at most"),
        (lambda rng: rng.integer(2, 1), "low=2 must not exceed high=1"),
        (lambda rng: rng.choice([]), "options must not be empty"),
        (lambda rng: rng.sample("ab", 3), "k=3 must not exceed the 2 options"),
    ],
)
def test_an_impossible_draw_raises(draw: object, message: str) -> None:
    """Nothing is silently generated where nothing can be."""
    assert callable(draw)
    with pytest.raises(ValueError, match=message):
        draw(Draw("x"))


def test_every_value_and_every_order_comes_up() -> None:
    """Both ends included, each about as often as the others."""
    rng = Draw("spread")
    counts = Counter(rng.integer(-1, 1) for _ in range(3000))
    assert set(counts) == {-1, 0, 1}
    assert all(900 < n < 1100 for n in counts.values())
    orders = Counter("".join(rng.shuffled("abc")) for _ in range(3000))
    assert len(orders) == 6
    assert all(400 < n < 600 for n in orders.values())
    assert sorted(rng.sample("ab", 2)) == ["a", "b"]
    assert {rng.boolean() for _ in range(50)} == {True, False}
    decimals = {rng.decimal(Fraction(1, 2), 1) for _ in range(200)}
    assert decimals == {Fraction(n, 10) for n in range(5, 11)}


def test_a_child_takes_nothing_from_its_parent() -> None:
    """A part that draws more must not change what the other parts draw."""
    one, other = Draw("parent"), Draw("parent")
    one.child("a").below(10)
    assert one.below(1 << 64) == other.below(1 << 64)
    assert one.child("a").below(1 << 64) == other.child("a").below(1 << 64)
    assert one.child("a").below(1 << 64) != other.child("b").below(1 << 64)
