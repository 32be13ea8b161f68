"""The first round visits every regime with calls in which much meets; the others follow where something fails."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from exercises.contracts._conv2d import CORNERS, MOST, anything, enough
from exercises.contracts._inside import Look, told_inside
from exercises.contracts.conv2d import CONV2D
from exercises.contracts.conv2d_backward import CONV2D_BACKWARD
from grader.contract import Call, Contract, Regime
from grader.draw import Draw
from grader.functions.arrays import LAYOUTS, has_layout, integers, laid_out
from grader.functions.cases import AGAIN, MADE_AGAIN, SAME_SHAPES, CaseSet, case_set
from grader.functions.checks import Exact
from grader.functions.judge import HOPELESS, judge
from grader.functions.local import LocalSession
from grader.functions.runner import Runner
from grader.outcome import Outcome, PartResult
from grader.sandbox.replies import Died, Reply
from grader.selftest import try_contract
from solutions.convolution import conv2d

KEYS = (b"first", b"second", b"third")


def total(a: int, b: int = 0) -> int:
    return a + b


def both(rng: Draw) -> Call:
    return Call((rng.integer(-9, 9),), {"b": rng.integer(1, 9)} if rng.boolean() else {})


REGIMES = (
    Regime("a is negative", lambda rng: Call((-rng.integer(1, 9),)), holds=lambda call: call.args[0] < 0),
    Regime(
        "b is given", lambda rng: Call((1,), {"b": rng.integer(1, 9)}), "options", holds=lambda call: "b" in call.kwargs
    ),
    Regime(
        "a is 100", lambda rng: Call((100,), {"b": rng.integer(0, 9)}), "options", 6, lambda call: call.args[0] == 100
    ),
    Regime("both vary", both, "options", 20),
)


def contract(**changes: Any) -> Contract:
    plain: dict[str, Any] = {
        "name": "total",
        "signature": "(a, b=0)",
        "doc": "Return a + b.",
        "reference": total,
        "regimes": REGIMES,
        "check": Exact(),
        "groups": {"basics": 1, "options": 1},
    }
    return Contract(**{**plain, **changes})


def graded(cases: CaseSet, function: Any) -> tuple[PartResult, int]:
    """Return the result, and how often the function was called."""
    calls = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        return function(*args, **kwargs)

    runner = Runner(lambda: LocalSession({cases.contract.name: counted}))
    return judge(cases, runner, "sums", Fraction(1), trials=0), calls


def visits(cases: CaseSet) -> Counter[str]:
    opening = [case for case in cases.cases[: cases.opening] if case.follows is None]
    return Counter(name for case in opening for name in (case.regime, *case.inside))


def test_the_first_round_has_what_it_takes_and_no_more() -> None:
    cases = case_set(contract(), b"key", fuzzed=0)
    opening = [case for case in cases.cases[: cases.opening] if case.follows is None]
    own = Counter(case.regime for case in opening)
    assert own["both vary"] == 20  # only its own calls visit it
    assert own["a is 100"] == 6  # no other call does
    assert own["a is negative"] == own["b is given"] == 0  # the others do so often enough
    found = visits(cases)
    assert all(found[regime.name] >= regime.cases for regime in REGIMES)
    assert cases.opening < len(cases.cases)
    assert [case.number for case in cases.cases] == list(range(len(cases.cases)))


def test_no_call_is_in_both_rounds_and_none_is_lost() -> None:
    cases = case_set(contract(), b"key")
    own = Counter(case.regime for case in cases.cases if case.follows is None)
    assert own == {regime.name: regime.cases for regime in REGIMES}
    again = [case.number for case in cases.cases if case.regime == MADE_AGAIN]
    assert again == list(range(cases.opening - AGAIN, cases.opening))
    assert sum(len(script.calls) for script in cases.scripts) == len(cases.cases)


def test_without_a_word_on_who_is_inside_there_is_one_round() -> None:
    cases = case_set(contract(regimes=tuple(replace(regime, holds=None) for regime in REGIMES)), b"key")
    assert cases.opening == len(cases.cases)
    assert len(cases.scripts) == 1


def test_a_right_function_makes_the_calls_of_the_first_round_and_its_visits_are_counted() -> None:
    cases = case_set(contract(), b"key")
    for _ in range(2):  # the second is told by the counts of the first
        result, calls = graded(cases, total)
        assert (result.outcome, calls) == (Outcome.CORRECT, cases.opening)
        assert result.message == f"Right on all {cases.opening} cases."
        found = visits(cases)
        assert {name: result.regimes[name] for name in found} == {name: (n, n) for name, n in found.items()}


def test_a_wrong_one_is_tried_on_all_and_told_by_regime() -> None:
    cases = case_set(contract(), b"key")
    result, calls = graded(cases, lambda a, b=0: abs(a) + b)
    assert calls == len(cases.cases)
    assert result.regimes["a is negative"] == (0, 5)
    assert result.regimes["b is given"] == (5, 5)
    assert result.regimes["a is 100"] == (6, 6)


def test_what_a_right_result_does_besides_counts_too() -> None:
    """A function that is right and changes its argument is tried on all, as any other that loses marks."""
    cases = case_set(CONV2D, b"key")

    def changes(x: Any, *rest: Any, **more: Any) -> Any:
        y = CONV2D.reference(x, *rest, **more)
        if x.flags.writeable and x.size:
            x += 1
        return y

    result, calls = graded(cases, changes)
    assert result.outcome is Outcome.PARTIAL
    assert calls == len(cases.cases)


def test_who_dies_in_the_first_round_is_not_asked_on() -> None:
    cases = case_set(contract(), b"key")

    asked = 0

    class Dying(LocalSession):
        def call(self, *_: Any, **__: Any) -> Reply:
            nonlocal asked
            asked += 1
            return Died(Outcome.CRASHED, "the process died")

    result = judge(cases, Runner(lambda: Dying({"total": total})), "sums", Fraction(1), trials=0)
    assert result.outcome is Outcome.CRASHED
    assert asked == HOPELESS  # of both rounds together: a call that hangs takes ten seconds
    assert sum(n for _, n in result.regimes.values()) == sum(regime.cases for regime in REGIMES)


def test_it_begins_with_whole_numbers() -> None:
    """Who remembers the type of the first result cuts off the decimals of the later ones."""
    for key in KEYS:
        first = case_set(CONV2D, key, fuzzed=0).cases[0].call
        arrays = [value for value in (*first.args, *first.kwargs.values()) if isinstance(value, np.ndarray)]
        assert {array.dtype.kind for array in arrays} <= {"i", "u"}


def followers(contract_: Contract) -> list[Call]:
    """Return the calls that follow one that is much like them, or repeat it."""
    return [c.call for c in case_set(contract_, b"key", fuzzed=0).cases if c.regime in (SAME_SHAPES, MADE_AGAIN)]


def added(x: Any, factor: int = 1) -> Any:
    return x.sum() * factor


def one_array(rng: Draw, *sides: int) -> Call:
    return Call((integers(rng.fork(), (rng.choice(sides),), 1, 9),))


def test_what_follows_shows_who_gives_the_old_result() -> None:
    """The same numbers in another order have the same sum: such a call would tell nothing of a memory."""
    plain = Regime("there is an array", lambda rng: one_array(rng, 8), cases=20)
    changes = {"signature": "(x, factor=1)", "regimes": (plain,), "groups": {"basics": 1}}
    assert len(followers(contract(reference=added, **changes))) == AGAIN  # no sibling is worth a call
    first = contract(reference=lambda x, factor=1: int(x[1]) * factor, **changes)
    assert len(followers(first)) > AGAIN


def test_large_calls_are_not_made_twice() -> None:
    mixed = Regime("some arrays are large", lambda rng: one_array(rng, 4, 4, 4, 400), cases=40)
    changes = {"signature": "(x, factor=1)", "regimes": (mixed,), "groups": {"basics": 1}}
    found = followers(contract(reference=lambda x, factor=1: int(x[1]) * factor, **changes))
    assert len(found) > AGAIN
    assert {call.args[0].size for call in found} == {4}


def test_who_is_inside_is_told_of_regimes_that_there_are() -> None:
    """A name that is mistyped would be passed over in silence."""
    plain, negative, *_ = REGIMES
    told = told_inside((plain, negative), {negative.name: bool})
    assert [regime.holds for regime in told] == [None, bool]
    with pytest.raises(ValueError, match=r"^no regime is called 'a is negativ'$"):
        told_inside(REGIMES, {"a is negativ": bool})


@pytest.mark.parametrize("key", KEYS)
def test_conv2d_is_visited_everywhere_by_two_calls_in_five(key: bytes) -> None:
    cases = case_set(CONV2D, key)
    found = visits(cases)
    assert [regime.name for regime in CONV2D.regimes if found[regime.name] < regime.cases] == []
    assert 5 * cases.opening < 2 * len(cases.cases)


@pytest.mark.parametrize(
    ("regime", "mixed"),
    [
        pytest.param(regime, contract.regimes[-1], id=f"{contract.name}: {regime.name}")
        for contract in (CONV2D, CONV2D_BACKWARD)
        for regime in contract.regimes
        if regime.holds
    ],
)
def test_a_regimes_own_calls_are_inside_and_not_all_others(regime: Regime, mixed: Regime) -> None:
    """What says who is inside would be worth nothing if it were true of all calls, or of other calls than its own."""
    assert regime.holds is not None
    own = [regime.holds(regime.draw(Draw("own", regime.name, n))) for n in range(40)]
    assert sum(own) >= 8, sum(own)  # it may be stricter than what it draws, as for "large at once"
    others = [regime.holds(mixed.draw(Draw("any", n))) for n in range(200)]
    assert sum(others) < 150, sum(others)


def test_every_corner_is_in_every_first_round() -> None:
    """The strata take each in turn: what is large, what has no image, what is zero."""
    for key in KEYS:
        mixed = [Look(case.call) for case in case_set(CONV2D, key).cases if case.regime == CONV2D.regimes[-1].name]
        assert len(mixed) == len(CORNERS) + 1
        sides = [max(look.oh, look.ow) for look in mixed]
        assert (sum(side > 256 for side in sides), sum(16 < side < 256 for side in sides)) >= (2, 2)
        assert sum(look.n == 0 for look in mixed) == 3
        assert {look.f for look in mixed} >= {8, 17}
        assert any(not look.w.any() or look.zero_weights() for look in mixed)


@pytest.mark.parametrize(
    ("made", "corner", "numbers"),
    [
        ((3, 3, 2, 3), {}, (3, 3)),
        ((3, 3, 2, 4), {}, (2, 3)),
        ((3, 3, 4, 5), {}, (1, 2)),
        ((3, 3, 4, 5), {"f": 3}, (1, 3)),
        ((9, 3, 4, 5), {"n": 9}, (9, 1)),
        ((3, 3, 40, 50), {}, (1, 2)),
        ((3, 1, 40, 50), {}, (2, 1)),
        ((1, 17, 2, 9), {"n": 1, "f": 17}, (1, 17)),
    ],
)
def test_large_maps_have_fewer_images_and_filters(
    made: tuple[int, ...], corner: dict[str, int], numbers: tuple[int, int]
) -> None:
    """A map of 120 entries is plain loops' dearest call, and shows no more; one image of one filter would show less."""
    assert enough(made, corner) == numbers


def test_few_calls_have_more_entries_than_enough() -> None:
    """Those that do are single images or filters, or corners that are large; there were 37 without a bound."""
    looks = [Look(anything(Draw("entries", n))) for n in range(400)]
    assert sum(look.n * look.f * look.oh * look.ow > MOST for look in looks) < 30
    assert sum(look.n > 1 and look.f > 1 for look in looks) > 80


def test_a_call_is_looked_at_once_for_all_regimes() -> None:
    one, other = anything(Draw("one")), anything(Draw("other"))
    assert Look.at(one) is Look.at(one)
    assert Look.at(other).x.shape == Look(other).x.shape
    assert Look.at(one).named is not Look.at(other).named


def test_every_call_shows_something_of_its_image() -> None:
    """Windows that lie in the padding alone, or a filter that is zero by chance, gives the bias."""
    for n in range(400):
        look = Look(anything(Draw("shown", n)))
        if look.n:
            x, w = (np.ones(array.shape) for array in (look.x, look.w))
            shown = conv2d(x, w, None, (look.sh, look.sw), (look.ph, look.pw))
            assert shown.any(), look.named
            assert look.w.any(), n


def test_without_an_image_a_call_visits_no_regime_of_images() -> None:
    """There is nothing to compare: such a visit would stand for one that shows a mistake."""
    whole = [anything(Draw("any", n)) for n in range(200)]
    empty = [call for call in whole if Look(call).n == 0]
    assert empty
    ways = ("arguments",)
    for regime in CONV2D.regimes:
        if regime.holds and regime.group not in ways and regime.name != "the batch is empty":
            assert not any(map(regime.holds, empty)), regime.name


def test_the_selftest_says_how_many_calls_the_first_round_has() -> None:
    cases = case_set(contract(), b"key")
    said = f"({len(cases.cases)} cases, {cases.opening} in the first round)"
    assert said in try_contract(contract(), b"key").name
    alone = contract(regimes=tuple(replace(regime, holds=None) for regime in REGIMES))
    assert "round" not in try_contract(alone, b"key").name


def test_layouts_are_told_apart() -> None:
    array = integers(Draw("layouts"), (2, 3, 4))
    for layout in LAYOUTS:
        found = {name for name in LAYOUTS[1:] if has_layout(laid_out(array, layout), name)}
        assert found == ({layout} if layout != "C" else set())
    assert not has_layout(laid_out(array[:1, :1, :1], "F"), "F")
