"""The first rounds of poolings and their gradients: every regime visited, every corner in it, no call that is blind."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from exercises.contracts._pooled import (
    Gradient,
    Norm,
    NormGradient,
    Pooling,
)
from exercises.contracts._pooling import Mix
from exercises.contracts.lp_pooling import BACKWARD_MIX, LP_POOL2D, LP_POOL2D_BACKWARD, MIX
from exercises.contracts.pooling import AVG_MIX as AVG_POOLS
from exercises.contracts.pooling import AVG_POOL2D, MAX_POOL2D
from exercises.contracts.pooling import MAX_MIX as MAX_POOLS
from exercises.contracts.pooling_backward import AVG_MIX, AVG_POOL2D_BACKWARD, MAX_MIX, MAX_POOL2D_BACKWARD
from grader.contract import Call, Contract
from grader.draw import Draw
from grader.functions.cases import CaseSet, case_set

KEYS = (b"first", b"second")
WAYS = ("arguments",)


class Mixed(NamedTuple):
    """A contract, the calls in which much meets, and how its calls are looked at."""

    contract: Contract
    mix: Mix
    look: type[Pooling]


MIXED = (
    Mixed(MAX_POOL2D, MAX_POOLS, Pooling),
    Mixed(AVG_POOL2D, AVG_POOLS, Pooling),
    Mixed(MAX_POOL2D_BACKWARD, MAX_MIX, Gradient),
    Mixed(AVG_POOL2D_BACKWARD, AVG_MIX, Gradient),
    Mixed(LP_POOL2D, MIX, Norm),
    Mixed(LP_POOL2D_BACKWARD, BACKWARD_MIX, NormGradient),
)
each = pytest.mark.parametrize("mixed", MIXED, ids=lambda mixed: mixed.contract.name)


@cache
def drawn(name: str, key: bytes) -> CaseSet:
    """Return the cases of a contract; they are drawn once for all tests."""
    return case_set(next(mixed.contract for mixed in MIXED if mixed.contract.name == name), key)


@each
def test_only_the_calls_in_which_much_meets_are_in_every_first_round(mixed: Mixed) -> None:
    assert [regime.holds for regime in mixed.contract.regimes].count(None) == 1


@each
@pytest.mark.parametrize("key", KEYS)
def test_every_regime_is_visited_by_two_calls_in_five(mixed: Mixed, key: bytes) -> None:
    cases = drawn(mixed.contract.name, key)
    opening = [case for case in cases.cases[: cases.opening] if case.follows is None]
    found = Counter(name for case in opening for name in (case.regime, *case.inside))
    assert [regime.name for regime in mixed.contract.regimes if found[regime.name] < regime.cases] == []
    assert 20 * cases.opening < 9 * len(cases.cases)
    assert cases.opening < 170


@each
def test_a_regimes_own_calls_are_inside_and_not_all_others(mixed: Mixed) -> None:
    """What says who is inside would be worth nothing if it were true of all calls, or of other calls than its own."""
    calls = [mixed.mix.draw(Draw("any", n)) for n in range(60)]
    for regime in mixed.contract.regimes:
        if regime.holds:
            own = [regime.holds(regime.draw(Draw("own", regime.name, n))) for n in range(12)]
            assert sum(own) >= 3, regime.name
            assert sum(map(regime.holds, calls)) < 50, regime.name


def taken(mixed: Mixed, key: bytes) -> list[Call]:
    """Return the calls in which much meets."""
    name = mixed.contract.regimes[-1].name
    return [case.call for case in drawn(mixed.contract.name, key).cases if case.regime == name]


@each
def test_every_corner_is_in_every_first_round(mixed: Mixed) -> None:
    """The strata take each in turn: what is large, what has no image, what stands on the edge of a byte."""
    for key in KEYS:
        looks = [mixed.look(call) for call in taken(mixed, key)]
        assert len(looks) == len(mixed.mix.corners) + 1
        assert sum(look.n == 0 for look in looks) >= 4
        assert sum(look.taps > 256 for look in looks) >= 3
        assert sum(max(look.h, look.width) > 256 for look in looks if look.taps == 4) >= 2
        assert {look.c for look in looks} >= {4, 5, 17}
        assert {look.n for look in looks} >= {4, 5, 9}


@each
def test_every_call_shows_something(mixed: Mixed) -> None:
    """Where dy is zero, or the same number stands everywhere, wrong results may be right."""
    for call in taken(mixed, KEYS[0]):
        look = mixed.look(call)
        if look.n and look.dy is not None:
            assert np.count_nonzero(look.dy) == look.dy.size, call
        assert look.x.size < 2 or not look.n or len(np.unique(look.x)) > 1 or look.taps < 7, call


@each
def test_without_an_image_a_call_visits_no_regime_of_images(mixed: Mixed) -> None:
    """There is nothing to compare: such a visit would stand for one that shows a mistake."""
    empty = [call for call in taken(mixed, KEYS[0]) if mixed.look(call).n == 0]
    assert empty
    for regime in mixed.contract.regimes:
        if regime.holds and regime.group not in WAYS and regime.name != "the batch is empty":
            assert not any(map(regime.holds, empty)), regime.name
