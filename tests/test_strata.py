"""The draws of one regime are spread over what can be drawn, and each alone is as likely as an independent one."""

from __future__ import annotations

from collections import Counter

from grader.contract import Call, Regime
from grader.draw import Draw
from grader.functions.cases import regime_calls
from grader.functions.strata import FEW, Strata


def row(number: int, bound: int, key: int = 0, choices: int = 1) -> list[list[int]]:
    """Return what each of a number of draws takes of 0 … bound-1, at each of its choices."""
    strata = Strata(number, "function", "regime", key)
    return [[draw.below(bound) for _ in range(choices)] for draw in map(strata.draw, range(number))]


def test_no_two_draws_take_the_same_of_few() -> None:
    for key in range(50):
        for choice in zip(*row(4, 6, key, choices=3), strict=True):
            assert len(set(choice)) == 4


def test_as_many_draws_as_there_are_integers_take_each_and_twice_as_many_each_twice() -> None:
    assert sorted(row(3, 3)) == [[0], [1], [2]]
    assert sorted(row(8, 4)) == [[n] for n in range(4) for _ in range(2)]
    assert {value for (value,) in row(5, 3)} == {0, 1, 2}


def test_of_many_integers_each_draw_has_a_stretch() -> None:
    for key in range(50):
        stretches = sorted(value * 4 // 1000 for (value,) in row(4, 1000, key))
        assert stretches == [0, 1, 2, 3]


def test_each_draw_alone_is_uniform() -> None:
    """What is spread must not be bent: over all keys a case is what it would be if it were drawn by itself."""
    for number, bound in ((4, 3), (4, 6), (3, 7), (2, FEW + 8), (1, 5)):
        for place in (0, number - 1):
            found = Counter(row(number, bound, key)[place][0] for key in range(150 * bound))
            assert set(found) == set(range(bound))
            assert all(90 < found[value] < 220 for value in range(bound)), (number, bound, found)


def test_choices_of_one_draw_are_independent() -> None:
    pairs = Counter(tuple(row(4, 2, key, choices=2)[0]) for key in range(800))
    assert all(150 < pairs[pair] < 250 for pair in ((0, 0), (0, 1), (1, 0), (1, 1)))


def test_the_same_labels_give_the_same_and_arrays_differ() -> None:
    assert row(4, 1000, 7, 5) == row(4, 1000, 7, 5) != row(4, 1000, 8, 5)
    strata = Strata(3, "label")
    assert len({strata.draw(n).fork().bulk(8) for n in range(3)}) == 3
    assert len({strata.draw(n).bulk(8) for n in range(3)}) == 3
    assert len({strata.draw(n).child("a").below(2**60) for n in range(3)}) == 3


def test_a_regime_has_so_many_calls_whoever_draws_them() -> None:
    def four(rng: Draw) -> Call:
        return Call((rng.choice("abcd"),))

    regime = Regime("there are four", four)
    for fuzzed in (0, 1):
        assert len(regime_calls(regime, "f", b"key", fuzzed)) == 5
    assert {call.args for call in regime_calls(regime, "f", b"key", 1)[:4]} == {("a",), ("b",), ("c",), ("d",)}
    assert len(regime_calls(Regime("there is one", lambda _: Call((1,))), "f", b"key", 3)) == 5
