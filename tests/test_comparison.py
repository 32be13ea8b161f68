"""The comparison code by itself: what each check refuses, in which words, and how far off a number may be."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.contract import Call, Contract, Pane, Regime, Twin, Window
from grader.draw import Draw
from grader.functions import judge as judge_module
from grader.functions.cases import (
    AGAIN,
    MADE_AGAIN,
    MIN_REPLY,
    SAME_SHAPES,
    SIBLINGS,
    CaseSet,
    Fault,
    case_set,
    make_case,
    siblings,
)
from grader.functions.checks import Close, Exact, Target, budget, compare_array, describe, number, unit
from grader.functions.judge import judge
from grader.functions.local import LocalSession
from grader.functions.runner import RESTARTS, Runner
from grader.functions.witness import MAX_ENTRIES, arguments, call_text, counterexample, plain, source
from grader.outcome import Outcome, PartResult, Verdict
from grader.sandbox.replies import Died, Junk, Raised, Reply, Returned
from grader.sandbox.script import Script

NAN, INF = float("nan"), float("inf")
HALF = Fraction(1, 2)


def target(values: Any, slack: float = 0.0, **rest: Any) -> Target:
    value = np.asarray(values)
    return Target(value, np.full(value.shape, slack), **{"floating": value.dtype.kind == "f", "itemsize": 8, **rest})


# Values, kinds and shapes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (5, 5),
        (np.int64(5), 5),
        (np.array(5), 5),
        ((np.int32(1), 2), (1, 2)),
        (None, None),
        ("valid", "valid"),
    ],
)
def test_an_exact_result_may_be_numpys(got: Any, want: Any) -> None:
    assert Exact().compare(got, want, Call()).share == 1
    assert Exact().agrees(got, want) or isinstance(got, tuple)


@pytest.mark.parametrize(
    ("got", "want", "message"),
    [
        (6, 5, "returned the int 6, should be the int 5"),
        (5.0, 5, "returned the float 5.0; the int 5 is expected"),
        (True, 1, "returned the bool True; the int 1 is expected"),
        (np.array([5]), 5, "returned an array of shape (1,) and dtype int64; the int 5 is expected"),
        ((1,), (1, 2), "returned a tuple of 1 item; a tuple of 2 items is expected"),
        ((1, 3), (1, 2), "returned a tuple of 2 items, should be a tuple of 2 items"),
        ([1, 2], (1, 2), "returned a list of 2 items; a tuple of 2 items is expected"),
        (None, 5, "returned None; the int 5 is expected"),
        (np.float64(5), 5, "returned the float 5.0; the int 5 is expected"),
    ],
)
def test_an_exact_result_is_equal_and_of_the_same_type(got: Any, want: Any, message: str) -> None:
    verdict = Exact().compare(got, want, Call())
    assert verdict.share == 0
    if not isinstance(got, np.generic):
        assert verdict.message == message
    assert not Exact().agrees(got, want)


def test_a_twins_number_is_recognised_in_numpys_clothes() -> None:
    assert Exact().agrees(np.array(2.5), 2.5)
    assert Exact().agrees(np.float64(2.5), 2.5)
    assert Exact().agrees(7, np.int64(7))
    assert not Exact().agrees(7, 7.0)


@pytest.mark.parametrize(
    ("got", "want", "message"),
    [
        (None, [1.0], "returned None; an array of shape (1,) and dtype float64 is expected"),
        ([1.0], [1.0], "returned a list of 1 item; an array of shape (1,) and dtype float64 is expected"),
        (True, np.array(1.0), "returned the bool True; the NumPy number 1 is expected"),
        (1.0, [1.0], "returned the float 1.0; an array of shape (1,) and dtype float64 is expected"),
        (np.ones((2, 1)), np.ones((1, 2)), "the shape is (2, 1), should be (1, 2)"),
        (np.array([1, 2]), [1.0, 2.0], "the dtype is int64, should be floating, as the input is"),
        (np.array([True]), [1.0], "the dtype is bool, should be that of whole or real numbers"),
        (np.array([1 + 0j]), [1.0], "the dtype is complex128, should be that of whole or real numbers"),
        (np.array([1.0], "float32"), [1.0], "the dtype is float32, less precise than the input's float64"),
        (np.array([1]), [True], "the dtype is int64, should be bool"),
        (np.array([1.0, 3.0]), [1.0, 2.0], "entry [1] is 3, should be 2 (1 entry of 2 differ)"),
        (np.zeros((2, 2)), np.ones((2, 2)), "entry [0, 0] is 0, should be 1 (4 entries of 4 differ)"),
        (np.array([2.0]), [1.0], "entry [0] is 2, should be 1"),
        (np.array(2.0), np.array(1.0), "the result is 2, should be 1"),
        (np.array([NAN]), [1.0], "entry [0] is NaN, should be 1"),
        (np.array([1.0]), [NAN], "entry [0] is 1, should be NaN"),
        (np.array([0x7FF0_0000_0000_0001], "uint64").view("float64"), [1.0], "entry [0] is NaN, should be 1"),
        (
            np.array([0x7F80_0001], "uint32").view("float32"),
            [1.0],
            "the dtype is float32, less precise than the input's float64",
        ),
        (np.array([-INF]), [INF], "entry [0] is -inf, should be inf"),
        (np.array([1e308]), [INF], "entry [0] is 1e+308, should be inf"),
        (np.array([False]), [True], "entry [0] is False, should be True"),
    ],
)
def test_an_array_is_refused_for_the_first_thing_that_is_wrong(got: Any, want: Any, message: str) -> None:
    """Shape, then kind, then finiteness, then value: one sentence, and the place."""
    verdict = compare_array(got, target(want))
    assert (verdict.share, verdict.message) == (Fraction(0), message)


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (1.5, np.array(1.5)),
        (3, np.array(3)),
        (np.array([NAN, INF, -INF]), [NAN, INF, -INF]),
        (np.array([-0.0]), [0.0]),
        (np.array([1.0]), [1]),
        (np.array([1], "uint8"), [1]),
        (np.array([1.0], "longdouble"), [1.0]),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (np.array([True, False]), [True, False]),
    ],
)
def test_an_array_of_another_kind_may_be_right(got: Any, want: Any) -> None:
    assert compare_array(got, target(want)).share == 1


def test_where_it_differs_is_told() -> None:
    got = np.ones((2, 3))
    got[1, 2] = 5
    assert compare_array(got, target(np.ones((2, 3)))).at == (1, 2)
    assert compare_array(got, target(np.ones((2, 3))), "dw").message.startswith("dw: entry [1, 2] is 5")


def test_the_slack_is_a_bound_that_counts() -> None:
    """Off by as much as the slack is right, by more is wrong; infinity is never near."""
    loose = target([1.0, 2.0], 0.5)
    assert compare_array(np.array([1.5, 1.5]), loose).share == 1
    assert compare_array(np.array([1.5, 2.625]), loose).at == (1,)
    assert compare_array(np.array([INF, 2.0]), target([1.0, 2.0], INF)).at == (0,)
    assert compare_array(np.array([1.0, 2.0]), target([INF, 2.0], INF)).at == (0,)
    assert compare_array(np.array([1, 2]), target([1, 3], 1.0)).share == 1
    assert compare_array(np.array([2**53 + 1]), target([2**53])).share == 0


def test_a_part_of_a_mixed_result_may_be_whole() -> None:
    """One input is floating and another is not: db may be a sum of whole numbers, but only with the right value."""
    mixed = target([1.0, 2.0], mixed=True)
    assert compare_array(np.array([1, 2]), mixed).share == 1
    assert "should be floating" in compare_array(np.array([1, 3]), mixed).message
    assert "less precise" in compare_array(np.array([1, 2], "float32"), mixed).message


# The error budget ------------------------------------------------------------------------------------------


def test_the_unit_is_that_of_the_dtype() -> None:
    for dtype in ("float16", "float32", "float64"):
        assert unit(np.dtype(dtype).itemsize) == np.finfo(dtype).eps / 2


def about(value: float) -> Any:
    """Expect a slack, which is far below pytest's own absolute tolerance."""
    return pytest.approx(value, rel=1e-6, abs=0)


def test_the_budget_grows_with_terms_and_magnitude_and_is_never_infinite() -> None:
    one = budget(np.array([1.0]), 9, 8)[0]
    assert one == about(2.0**-53 * (4 * 10 + 32 * np.log2(11)))
    assert budget(np.array([2.0]), 9, 8)[0] == about(2 * one)
    assert budget(np.array([1.0]), 9, 4)[0] == about(one * 2.0**29)
    small, large = budget(np.array([0.0, 1.0]), 9, 8)
    assert large - small == about(2.0**-53 * 40)
    assert small == about(2.0**-53 * 32 * np.log2(11))
    assert budget(np.array([0.0]), 9, 8, largest=1.0)[0] == about(small)
    assert budget(np.array([0.0]), 9, 8)[0] == 0
    assert np.isfinite(budget(np.array([INF, 1.0]), 9, 8)).all()
    assert np.isfinite(budget(np.array([1.0]), 9, 8, largest=INF)).all()


def _sum(x: Any, w: Any = 1.0) -> Any:
    return np.sum(x * w, keepdims=True)


def test_what_is_expected_comes_from_the_call() -> None:
    """The reference runs in double precision; the slack from the call's dtype, terms and magnitudes."""
    close = Close(lambda x, w=1.0: _sum(np.abs(x), np.abs(w)))
    x = np.array([0.1, -0.2, 0.3], "float32")
    found = close.expect(_sum, Call((x,)))
    assert found.value.dtype == np.float64
    assert (found.floating, found.itemsize, found.narrowest, found.mixed) == (True, 4, 4, False)
    assert found.slack == pytest.approx(budget(np.array([0.6]), 3, 4), rel=1e-6, abs=0)
    both = close.expect(_sum, Call((x.astype(float),), {"w": x}))
    assert (both.itemsize, both.narrowest, both.mixed) == (8, 4, False)
    turned = close.expect(_sum, Call((), {"w": x.astype(float), "x": x}))
    assert (turned.itemsize, turned.narrowest) == (4, 4)  # x comes first, in whatever order they are given
    assert close.expect(_sum, Call((x, np.arange(3)))).mixed
    whole = close.expect(_sum, Call((np.arange(3),)))
    assert (whole.floating, whole.itemsize, whole.mixed) == (False, 0, False)
    assert whole.slack[0] == budget(np.array([3.0]), 3, 8)[0]
    assert not Close().expect(_sum, Call((x,))).slack.any()
    terms = Close(close.magnitude, terms=lambda x, w=1.0: 100, largest=lambda x, w=1.0: 50.0)
    assert terms.expect(_sum, Call((x,))).slack == pytest.approx(budget(np.array([0.6]), 100, 4, 50.0), rel=1e-6, abs=0)


def test_a_twins_result_of_another_shape_gets_the_largest_slack() -> None:
    close = Close(lambda x: np.abs(x))
    found = close.expect(lambda x: x[:1], Call((np.array([1.0, 4.0]),)))
    assert found.slack.shape == ()
    assert found.slack == budget(np.array([1.0, 4.0]), 2, 8).max()


NAMED = Close(lambda x: (np.abs(x), np.abs(x)), names=("dx", "dw"))


def test_a_tuple_is_compared_by_its_names() -> None:
    expected = NAMED.expect(lambda x: (x, 2 * x), Call((np.array([1.0, 3.0]),)))
    x = np.array([1.0, 3.0])
    assert NAMED.compare((x, 2 * x), expected, Call()).share == 1
    assert NAMED.compare([x, 2 * x], expected, Call()).share == 1
    verdict = NAMED.compare((x, x), expected, Call())
    assert (verdict.at, verdict.message[:21]) == ((1, 0), "dw: entry [0] is 1, s")
    for got in (x, (x,), (x, 2 * x, x), None):
        assert "a tuple (dx, dw) is expected" in NAMED.compare(got, expected, Call()).message
        assert not NAMED.agrees(got, expected)
    assert NAMED.agrees((x, 2 * x), expected)
    with pytest.raises(ValueError, match="shorter"):
        NAMED.expect(lambda x: (x,), Call((x,)))
    assert not NAMED.agrees((x, x), expected)


def test_a_twin_is_recognised_up_to_its_own_rounding() -> None:
    """64 roundoffs of its largest number, no more; and only numbers of the same shape."""
    want = target([1.0, 1000.0])
    near, far = 1000 * 60 * 2.0**-53, 1000 * 70 * 2.0**-53
    assert Close().agrees(np.array([1.0 + near, 1000.0]), want)
    assert not Close().agrees(np.array([1.0 + far, 1000.0]), want)
    assert not Close().agrees(np.array([[1.0, 1000.0]]), want)
    assert not Close().agrees(np.array(["1", "1000"]), want)
    assert not Close().agrees(None, want)
    assert Close().agrees(np.array([1.0 + near * 2**29, 1000.0]), target([1.0, 1000.0], narrowest=4))
    assert Close().agrees(np.array([1.0, NAN]), target([1.0, NAN]))
    whole = target([1, 1000])
    assert Close().agrees(np.array([1, 1000]), whole)
    assert not Close().agrees(np.array([2, 1000]), whole)


# Words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (0.1, "0.1"),
        (np.float64(2.5), "2.5"),
        (np.array(3), "3"),
        (True, "True"),
        (NAN, "NaN"),
        (INF, "inf"),
        (-INF, "-inf"),
        (1e300, "1e+300"),
        (1j, "1j"),
    ],
)
def test_a_number_is_written_for_people(value: Any, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Junk("a set"), "a set"),
        (np.array(1.0), "the NumPy number 1"),
        (np.zeros((2, 3), "int8"), "an array of shape (2, 3) and dtype int8"),
        (None, "None"),
        (1j, "the complex 1j"),
        ("x" * 10**6, "a text"),
        ([1], "a list of 1 item"),
        ((1, 2), "a tuple of 2 items"),
        ({}, "a dict"),
    ],
)
def test_a_value_is_described_in_a_few_words(value: Any, text: str) -> None:
    assert describe(value) == text


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (np.array([[1.0, NAN], [INF, -INF]]), [[1.0, "nan"], ["inf", "-inf"]]),
        (np.int64(3), 3),
        (target([1.0]), [1.0]),
        ((1, [2.5, None]), [1, [2.5, None]]),
        ({"a": np.array(1)}, {"a": 1}),
        (Fraction(1, 3), "1/3"),
        (Junk("a set"), "a set"),
        (True, True),
        ("text", "text"),
        (1j, "1j"),
        (np.zeros(MAX_ENTRIES), [0.0] * MAX_ENTRIES),
        (np.zeros(MAX_ENTRIES + 1), f"an array of shape ({MAX_ENTRIES + 1},)"),
    ],
)
def test_a_value_is_plain_data_in_a_report(value: Any, data: Any) -> None:
    assert plain(value) == data


@pytest.mark.parametrize(
    ("got", "shown"),
    [
        ("hello", "'hello'"),
        ("nan", "'nan'"),
        (Junk("a generator"), "a generator"),
        (2, 2),
        (["a"], ["a"]),
        ("\0" * 10**6, "'" + "\\x00" * 499 + "\\x…"),
        (b"a" * 10**6, "a bytes"),
        ([0.5] * (MAX_ENTRIES - 1), [0.5] * (MAX_ENTRIES - 1)),
        ([0.5] * MAX_ENTRIES, "a list of 4,096 items"),
        (["a" * 10**5], "a list of 1 item"),
        ({"a": "a" * 10**5}, "a dict"),
        ([np.zeros(MAX_ENTRIES)], "a list of 1 item"),
    ],
)
def test_a_text_that_was_returned_stands_in_quotes(got: Any, shown: Any) -> None:
    """It is the student's, and not what is said about a result that cannot be shown."""
    contract = Contract("f", "(a)", "", lambda a: a, (Regime("any", lambda rng: Call((rng.integer(0, 9),))),), Exact())
    verdict = Verdict(Outcome.WRONG, "it raises ValueError")
    assert counterexample(contract, "any", Call((1,)), got, "same", verdict).got == shown
    assert counterexample(contract, "any", Call((1,)), got, "same", verdict).want == "'same'"
    assert counterexample(contract, "any", Call((1,)), verdict.message, 1, verdict).got == verdict.message


@pytest.mark.parametrize(
    "value",
    [
        np.array([[1.0, -2.5], [NAN, INF]]),
        np.array([-INF, 0.1], "float32"),
        np.array([1, 2], "int64"),
        np.array([1, 2], "uint8"),
        np.array([True, False]),
        np.zeros((0, 3), "float32"),
        np.float32(0.5),
        np.int64(3),
        (1,),
        (1, 2),
        [1.5, [2]],
        {"kind": "conv", "bias": False},
        "same",
        None,
    ],
    ids=repr,
)
def test_an_argument_can_be_pasted_into_python(value: Any) -> None:
    """Evaluated, the text gives the value back: the dtype and the shape, too."""
    again = eval(source(value), {"np": np})
    if isinstance(value, np.ndarray):
        assert (again.dtype, again.shape) == (value.dtype, value.shape)
    np.testing.assert_equal(again, value)
    assert type(again) is type(value)


def test_a_large_array_is_not_written_out() -> None:
    assert source(np.zeros(MAX_ENTRIES + 1)) == f"<array of shape ({MAX_ENTRIES + 1},)>"
    assert source(np.zeros(MAX_ENTRIES)).startswith("np.array([0.0, ")
    assert call_text("f", Call((1, "a"), {"b": (2,)})) == "f(1, 'a', b=(2,))"


# Cases -----------------------------------------------------------------------------------------------------


def scale(x: Any, factor: Any = 2) -> Any:
    return x * factor


@dataclass(frozen=True)
class Drawn:
    """Draws calls of one shape, with or without the option."""

    given: bool = True

    def __call__(self, rng: Draw) -> Call:
        x = np.array([rng.integer(1, 9) for _ in range(rng.integer(2, 5))], float)
        return Call((x,), {"factor": rng.integer(3, 9)} if self.given else {})


@dataclass(frozen=True)
class Large:
    """Draws one number of two or more; only while a call is shrunk it may be 1."""

    def __call__(self, rng: Draw) -> Call:
        return Call((np.array([1.0 if rng.plain() else float(rng.integer(2, 9))]),), {"factor": rng.integer(3, 9)})


def contract(**changes: Any) -> Contract:
    return Contract(
        **{
            "name": "scale",
            "signature": "(x, factor=2)",
            "doc": "",
            "reference": scale,
            "regimes": (Regime("plain", Drawn(False)), Regime("scaled", Drawn(), group="factor", cases=9)),
            "groups": {"basics": 1, "factor": 3},
            "check": Close(lambda x, factor=2: np.abs(x * factor)),
            "twins": (Twin("plus", lambda x, factor=2: x + factor, "Multiply."),),
            **changes,
        }
    )


@pytest.fixture(scope="module")
def cases() -> CaseSet:
    return case_set(contract(), b"key")


def test_every_regime_has_its_cases(cases: CaseSet) -> None:
    counts = {name: sum(case.regime == name for case in cases.cases) for name in ("plain", "scaled", MADE_AGAIN)}
    assert counts == {"plain": 5, "scaled": 9, MADE_AGAIN: AGAIN}
    assert [case.number for case in cases.cases] == list(range(len(cases.cases)))
    public = case_set(contract(), b"key", fuzzed=0)
    assert sum(case.regime == "scaled" for case in public.cases) == 9


def test_siblings_follow_their_case_and_repeats_theirs(cases: CaseSet) -> None:
    followers = [case for case in cases.cases if case.regime == SAME_SHAPES]
    assert [case.follows for case in followers] == [case.number - 1 for case in followers]
    assert len(followers) == 2 * SIBLINGS  # all arrays turned; without the factor
    again = [case for case in cases.cases if case.regime == MADE_AGAIN]
    firsts = [case for case in cases.cases if case.follows is None][:AGAIN]
    assert [(case.follows, case.call) for case in again] == [(case.number, case.call) for case in firsts]
    assert cases.cases[-AGAIN:] == tuple(again)


def test_siblings_change_one_thing_each() -> None:
    both = contract(signature="(x, w, factor=2)")
    x, w = np.array([1.0, 2.0]), np.array([[3.0, 4.0], [5.0, 6.0]])
    found = dict(siblings(both, Call((x, w), {"factor": 3})))
    assert set(found) == {"all", "x", "w", "without factor"}
    inside = np.array([[3.0, 5.0], [4.0, 6.0]])  # the corners stay where others can change
    np.testing.assert_equal(found["all"].args, (x[::-1], inside))
    np.testing.assert_equal(found["x"].args, (x[::-1], w))
    np.testing.assert_equal(found["w"].args, (x, inside))
    assert found["without factor"].kwargs == {}
    assert found["w"].kwargs == {"factor": 3}
    assert set(dict(siblings(both, Call((x,), {"w": w})))) == {"all", "x", "w", "without w"}
    for same in (np.array([1.0]), np.array([2.0, 2.0]), np.array([NAN, NAN]), 7):
        assert not list(siblings(both, Call((same,), {"factor": 3})))


def test_the_middle_of_a_sibling_stays_where_others_can_change() -> None:
    """Who remembers a result by a few samples of the array has the old one."""
    for size, turned in ((5, [0, 3, 2, 1, 4]), (6, [0, 4, 2, 3, 1, 5]), (3, [2, 1, 0])):
        found = dict(siblings(contract(signature="(x)"), Call((np.arange(size),))))
        np.testing.assert_equal(found["all"].args, (np.array(turned),))


def test_siblings_of_tiny_numbers_are_of_a_kind_of_their_own() -> None:
    """There are few such calls, and only they show who looks for almost the same arguments (`np.allclose`)."""
    w = np.array([1.0, 2.0])
    assert "all" in dict(siblings(contract(signature="(x, w)"), Call((w * 1e-10, w))))
    assert set(dict(siblings(contract(signature="(x, w)"), Call((w * 1e-10, w * 1e-12))))) == {"all, tiny", "x", "w"}


def test_in_a_sibling_height_and_width_change_places() -> None:
    """Results remembered by bytes alone, or by the sum of a pair, are then those of another call."""
    call = Call((np.arange(12.0).reshape(1, 2, 3, 2), np.ones((1, 1, 2, 2))), {"step": (1, 2), "name": ("a", "b")})
    found = dict(siblings(contract(signature="(x, w, step=1, name='')"), call))["shapes and pairs"]
    np.testing.assert_equal(found.args, (call.args[0].reshape(1, 2, 2, 3), call.args[1]))
    assert found.kwargs == {"step": (2, 1), "name": ("a", "b")}
    alone = Call(call.args, {"step": (2, 2)})  # who remembers by bytes and steps is seen only where no step changes
    found = dict(siblings(contract(signature="(x, w, step=1)"), alone))["shapes"]
    np.testing.assert_equal((found.args[0].shape, found.kwargs), ((1, 2, 2, 3), {"step": (2, 2)}))
    square = Call((np.ones((1, 1, 2, 2)),), {"step": [np.int64(1), 2]})
    assert dict(siblings(contract(signature="(x, step=1)"), square))["pairs"].kwargs == {"step": [2, 1]}
    for same in (np.ones((3, 2)), (1, 1), [{}, {1: 2}], (1, 2, 3)):  # rows of examples are not exchanged for columns
        assert not list(siblings(contract(signature="(x)"), Call((same,))))


def test_a_case_says_how_large_a_reply_may_be() -> None:
    """Never less than a megabyte, and more than any right result of a large input."""
    small = make_case(contract(), "plain", Call((np.ones(3),)))
    assert (small.number, small.reply_bytes, small.follows) == (-1, MIN_REPLY, None)
    assert MIN_REPLY == 1 << 20
    large = make_case(contract(), "plain", Call((np.ones(10**5),)))
    assert large.reply_bytes == 32 * 8 * 10**5


def test_a_twin_gets_copies_and_may_fail(cases: CaseSet) -> None:
    def spoils(x: Any, factor: Any = 2) -> Any:  # noqa: ARG001 - the signature
        x[...] = 0
        return x

    def raises(x: Any, factor: Any = 2) -> Any:  # noqa: ARG001 - the signature
        raise KeyError

    case = cases.cases[0]
    before = case.call.args[0].copy()
    cases.twin_expects(Twin("spoils", spoils, ""), case)
    np.testing.assert_equal(case.call.args[0], before)
    assert cases.twin_expects(Twin("raises", raises, ""), case) == Fault("KeyError")


# Judging ---------------------------------------------------------------------------------------------------


def grade(function: Callable[..., Any], judged: CaseSet | None = None, **changes: Any) -> PartResult:
    judged = judged or case_set(contract(**changes), b"key")
    return judge(judged, Runner(lambda: LocalSession({"scale": function})), "toy", Fraction(4))


def test_how_marks_come_about_is_said() -> None:
    """The rule, and what was not earned by it."""
    result = grade(lambda x, factor=2: x * 2)
    assert result.credit == (
        "Each kind of input counts when all of it is right: basics 20 %, factor 60 % (not earned), behaviour 20 %."
    )
    assert result.score == 4 * (Fraction(1, 5) + Fraction(1, 5))
    assert grade(scale).credit == ""
    closed = grade(lambda x, factor=2: x * factor if factor != 2 else x)
    assert (closed.outcome, closed.score) == (Outcome.WRONG, Fraction(0))
    assert closed.credit == (
        "Nothing is earned while basics is not right; then each kind of input counts when all of it is: "
        "basics 20 %, factor 60 %, behaviour 20 %."
    )


def test_where_it_fails_is_one_sentence(cases: CaseSet) -> None:
    half = grade(lambda x, factor=2: x * 2, cases)
    assert half.summary == "Right on 5 of 14 cases. Wrong on 9 of 9 where scaled."
    assert half.message.startswith(half.summary + " For example, entry [0] is ")
    assert grade(lambda x, factor=2: x * 0, cases).summary == "Wrong on all 14 cases."
    assert grade(scale, cases).message == f"Right on all {len(cases.cases)} cases."
    assert list(grade(scale, cases).regimes)[:2] == ["plain", "scaled"]


def test_the_three_worst_groups_of_cases_are_named() -> None:
    regimes = tuple(Regime(f"r{n}", Drawn(), cases=5) for n in range(5))
    result = grade(lambda x, factor=2: x * 0, regimes=(Regime("plain", Drawn(False)), *regimes), groups={"basics": 1})
    assert result.summary == "Wrong on all 30 cases."
    result = grade(lambda x, factor=2: x * 2, regimes=(Regime("plain", Drawn(False)), *regimes), groups={"basics": 1})
    assert result.summary.endswith(
        "Wrong on 5 of 5 where r0; 5 of 5 where r1; 5 of 5 where r2, and in 2 more groups of cases."
    )


def test_an_exception_is_told_with_its_line_and_kept_while_shrinking() -> None:
    def raises(x: Any, factor: Any = 2) -> Any:
        if factor != 2:
            raise KeyError("odd")
        return x * 2

    result = grade(raises)
    assert result.counterexample is not None
    assert result.counterexample.got == "it raises KeyError: 'odd'"
    assert result.outcome is Outcome.PARTIAL
    assert result.line is None


def test_shrinking_keeps_the_manner_of_failing() -> None:
    """Who is told of an exception must see the call that raises it, and not one that is wrong in another way."""

    def fails(x: Any, factor: Any = 2) -> Any:
        if factor != 2 and (x > 1).all():  # simpler numbers are just wrong
            raise KeyError("large")
        return x * 2

    regimes = (Regime("plain", Drawn(False)), Regime("scaled", Large(), group="factor"))
    result = grade(fails, case_set(contract(regimes=regimes), b"key", fuzzed=0))
    assert result.counterexample is not None
    assert result.counterexample.call == "scale(np.array([2.0]), factor=3)"
    assert "it raises KeyError" in result.message


@pytest.mark.parametrize(("seconds", "calls"), [(-1, 0), (5, 5)])
def test_shrinking_ends_in_time_with_the_best_so_far(monkeypatch: pytest.MonkeyPatch, seconds: int, calls: int) -> None:
    """A slow function must not hold up a class; what was found until then is shown."""
    made: list[Any] = []

    def fails(x: Any, factor: Any = 2) -> Any:
        made.append(x)
        return x * (2 if x.max() > 4 else factor)

    clock = itertools.count()
    monkeypatch.setattr(judge_module, "SHRINK_SECONDS", seconds)
    monkeypatch.setattr(judge_module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    whole = case_set(contract(), b"key")
    result = grade(fails, whole)
    assert len(made) - len(whole.cases) - 1 == calls  # one more is made alone
    assert result.counterexample is not None
    drawn = {repr(case.call.args[0].tolist()) for case in whole.cases}
    assert (repr(result.counterexample.arguments["x"]) in drawn) == (not calls)


class Scripted:
    """A session that answers by a script, one reply a call."""

    opened = 0

    def __init__(self, script: list[Reply], loads: Reply = Returned(("scale",))) -> None:  # noqa: B008 - frozen
        self.script, self.loads, self.killed = script, loads, 0
        Scripted.opened += 1

    def load(self) -> Reply:
        return self.loads

    def value(self, name: str) -> Reply:
        return Returned(name)

    def call(self, function: str, call: Call, *, reply_bytes: int) -> Reply:  # noqa: ARG002 - the protocol's signature
        return self.script.pop(0)

    def calls(self, function: str, todo: Iterable[tuple[Call, int]]) -> Iterator[Reply]:
        for call, reply_bytes in todo:
            reply = self.call(function, call, reply_bytes=reply_bytes)
            yield reply
            if isinstance(reply, Died):
                return

    def perform(self, script: Script, start: int = 0) -> Iterator[Reply]:
        return self.calls(script.function, script.calls[start:])

    def reread(self, numbers: Sequence[int]) -> list[Reply]:
        return [Returned(("reread", number)) for number in numbers]

    def output(self) -> str:
        return ""

    def kill(self) -> None:
        self.killed += 1


DEAD = Died(Outcome.TIMEOUT, "did not return")
ONE = Returned(1)


def runner(script: list[Reply]) -> tuple[Runner, list[Scripted]]:
    sessions: list[Scripted] = []

    def opened() -> Scripted:
        sessions.append(Scripted(script))
        return sessions[-1]

    return Runner(opened), sessions


def test_a_death_costs_one_call_until_the_restarts_are_used_up() -> None:
    """What follows a death runs in a new process, whose calls number from 0 again."""
    script: list[Reply] = [ONE, DEAD, ONE, ONE, DEAD, ONE, DEAD]
    mine, sessions = runner(script)
    replies = [mine.call("scale", Call(), 1) for _ in range(4)]
    assert replies == [ONE, DEAD, ONE, ONE]
    assert (mine.calls, mine.exhausted, len(sessions), sessions[0].killed) == (2, False, 2, 1)
    assert [mine.call("scale", Call(), 1) for _ in range(3)] == [DEAD, ONE, DEAD]
    assert mine.exhausted
    assert len(sessions) == RESTARTS + 1
    assert mine.call("scale", Call(), 1) == Died(Outcome.CRASHED, "not run: the process had died too often")
    assert mine.reread([0]) == [Died(Outcome.CRASHED, "not run: the process had died")]
    assert mine.value("x") == Returned(("scale",))
    mine.grant()
    assert not mine.exhausted
    assert mine.value("x") == Returned("x")
    assert mine.reread([3]) == [Returned(("reread", 3))]


def test_a_run_goes_on_in_a_new_process() -> None:
    mine, sessions = runner([ONE, DEAD, ONE, DEAD, DEAD, ONE])
    replies = list(mine.run("scale", [(Call(), 1)] * 6))
    late = Died(Outcome.CRASHED, "not run: the process had died too often")
    assert replies == [ONE, DEAD, ONE, DEAD, DEAD, late]
    assert len(sessions) == RESTARTS + 1
    script: list[Reply] = [ONE, DEAD, ONE]
    mine, _ = runner(script)
    assert list(mine.run("scale", [(Call(), 1)] * 3)) == [ONE, DEAD, ONE]
    assert mine.calls == 1


def test_restarts_are_granted_anew_for_each_function() -> None:
    mine, sessions = runner([DEAD, DEAD, DEAD, DEAD, ONE])
    for _ in range(2):
        mine.call("scale", Call(), 1)
    mine.grant()
    for _ in range(2):
        mine.call("scale", Call(), 1)
    assert mine.call("scale", Call(), 1) == ONE
    assert len(sessions) == 5


def test_a_call_made_alone_has_a_process_of_its_own() -> None:
    mine, sessions = runner([ONE, Returned(2)])
    assert mine.call("scale", Call(), 1) == ONE
    assert mine.alone("scale", Call(), 1) == Returned(2)
    assert (len(sessions), sessions[1].killed, sessions[0].killed, mine.calls) == (2, 1, 0, 1)


def test_a_module_that_does_not_load_is_not_called() -> None:
    failure = Raised("ValueError", "no")
    sessions = [Scripted([], failure) for _ in range(2)]
    mine = Runner(lambda: sessions.pop())
    assert mine.loaded == failure
    assert mine.exhausted
    assert mine.value("answers") == failure
    mine.grant()
    assert mine.exhausted
    assert mine.alone("scale", Call(), 1) == failure


def judged(script: Callable[[int], Reply], cases: CaseSet, trials: int = 0) -> PartResult:
    replies = [script(case.number) for case in cases.cases] + [ONE] * 200
    return judge(cases, Runner(lambda: Scripted(replies)), "toy", Fraction(4), trials=trials)


def answered(cases: CaseSet, n: int) -> Reply:
    return Returned(cases.cases[n].expected.value.copy())


def test_a_death_is_reported_as_what_it_was(cases: CaseSet) -> None:
    """Its outcome where nothing was earned; the reports tells how many cases could not be tried."""
    result = judged(lambda n: Died(Outcome.OUT_OF_MEMORY, "used more than 1 GB."), cases)
    assert (result.outcome, result.score) == (Outcome.OUT_OF_MEMORY, Fraction(0))
    assert result.summary == "Right on 0 of 2 cases; 12 more could not be tried. Used more than 1 GB."
    once = next(case.number for case in cases.cases if case.regime == "scaled")
    result = judged(lambda n: DEAD if n == once else answered(cases, n), cases)
    assert result.outcome is Outcome.PARTIAL
    assert "Did not return." in result.message
    assert not result.misconceptions
    assert result.counterexample is not None
    assert result.counterexample.call == call_text("scale", cases.cases[once].call)


def test_what_is_not_allowed_and_what_is_ours(cases: CaseSet) -> None:
    banned = Raised("ModuleNotFoundError", "No module named 'scipy'", missing="scipy")
    result = judged(lambda n: banned, cases)
    assert (result.outcome, result.score) == (Outcome.NOT_ALLOWED, Fraction(0))
    assert "it imports 'scipy', which is not allowed here" in result.message
    ours = judged(lambda n: Died(Outcome.UNGRADABLE, "the worker vanished"), cases)
    assert ours.outcome is Outcome.UNGRADABLE


def test_the_stub_is_missing_only_where_it_is_all_there_is(cases: CaseSet) -> None:
    stub = Raised("NotImplementedError", "", 3)
    assert judged(lambda n: stub, cases).outcome is Outcome.MISSING
    some = judged(lambda n: stub if cases.cases[n].regime == "plain" else answered(cases, n), cases)
    assert some.outcome is Outcome.WRONG
    assert some.line == 3
    assert "it raises NotImplementedError in line 3" in some.message


def test_what_a_later_call_changed_is_noticed(cases: CaseSet) -> None:
    """The arguments and memory that replies tell of count against the behaviour, by name."""

    def shared(n: int) -> Reply:
        return Returned(cases.cases[n].expected.value.copy(), changed=(0, "factor" if n % 2 else "x"), shares=(0,))

    result = judged(shared, cases)
    assert "What it modifies: x, factor." in result.message
    assert "It modifies its arguments" in result.message
    assert "Its result shares memory" in result.message
    assert "A later call changes an earlier result" in result.message  # reread gives something else
    assert result.score == 4 * Fraction(4, 5)
    alone = judged(lambda n: Returned(cases.cases[n].expected.value.copy(), earlier=(0,)), cases)
    assert "Its result shares memory" in alone.message


def moved(w: Any, v: Any) -> tuple[Any, Any]:
    """Return new values of both arguments, as an optimizer does."""
    return w + v, 2 * v


@pytest.mark.parametrize(
    ("w", "v", "results", "message"),
    [
        ("float64", "float32", ("float64", "float32"), ""),
        ("float32", "float64", ("float32", "float64"), ""),
        ("float32", "float64", ("float64", "float32"), "v: the dtype is float32, less precise"),
        ("float64", "float32", ("float32", "float64"), "w: the dtype is float32, less precise"),
    ],
)
def test_what_replaces_an_argument_is_as_precise_as_that(
    w: str, v: str, results: tuple[str, str], message: str
) -> None:
    """A velocity in float32 stays one although the weights have more digits; it loses none that it had."""
    check = Close(moved, names=("w", "v"))
    call = Call((np.ones(2, w),), {"v": np.ones(2, v)})
    got = tuple(array.astype(dtype) for array, dtype in zip((np.full(2, 2.0),) * 2, results, strict=True))
    assert check.compare(got, check.expect(moved, call), call).message.startswith(message)
    assert (check.compare(got, check.expect(moved, call), call).share == 1) == (not message)


def test_an_empty_result_has_no_precision_to_lose() -> None:
    for dtype in ("int64", "float16", "complex128"):
        assert compare_array(np.zeros((0, 2), dtype), target(np.zeros((0, 2)))).share == 1
    assert compare_array(np.zeros((0, 3), "int64"), target(np.zeros((0, 2)))).share == 0


@dataclass(frozen=True)
class Together(Close):
    """A check with a condition on all results together."""

    def across(self, seen: Any) -> Verdict:
        from grader.outcome import correct, wrong

        return wrong("They do not go together.") if len(seen) > 3 else correct()


def test_results_are_judged_together_where_a_check_asks_for_it() -> None:
    check = Together(lambda x, factor=2: np.abs(x * factor))
    result = grade(scale, check=check)
    assert result.message.endswith("They do not go together.")
    assert result.score == 4 * Fraction(4, 5)
    wrong_all = grade(lambda x, factor=2: x * 0, check=check)
    assert "go together" not in wrong_all.message


def test_the_window_of_the_first_difference_is_drawn() -> None:
    def window(call: Call, at: tuple[int, ...]) -> Window:  # noqa: ARG001 - the signature
        return Window((Pane("x", ((1,),), (at[0], at[0] + 1), (0, 1)),), "one entry")

    result = grade(lambda x, factor=2: x * 2, window=window)
    assert result.counterexample is not None
    assert result.counterexample.window is not None
    assert result.counterexample.window["panes"][0]["rows"] == [0, 1]
    assert list(result.counterexample.arguments) == ["x", "factor"]
    assert arguments(contract(), Call((1, 2))) == {"x": 1, "factor": 2}


def test_several_misconceptions_may_fit_and_each_is_named() -> None:
    twins = (
        Twin("double", lambda x, factor=2: x * 2, "Use the factor."),
        Twin("twice", lambda x, factor=2: x + x, "Do not add."),
        Twin("raises", lambda x, factor=2: [][factor], "No."),
    )
    result = grade(lambda x, factor=2: x * 2, twins=twins)
    assert [finding.name for finding in result.misconceptions] == ["double", "twice"]

    def raises(x: Any, factor: Any = 2) -> Any:  # noqa: ARG001 - the signature
        raise ValueError

    assert [finding.name for finding in grade(raises, twins=twins).misconceptions] == ["raises"]
    assert not grade(scale, twins=twins).misconceptions


def test_one_of_two_mistakes_is_told_where_it_is_alone() -> None:
    """No known mistake fits all of it, so none is named; but where one fits by itself, the student learns which."""

    def twice(x: Any, factor: Any = 2) -> Any:
        return x * 2 if factor < 6 else x * 0  # the second mistake

    def close(low: int, high: int) -> Callable[[Draw], Call]:
        return lambda rng: Call((np.array([rng.integer(1, 9), 3.0]),), {"factor": rng.integer(low, high)})

    double = Twin("double", lambda x, factor=2: x * 2, "Use the factor.")
    regimes = (
        Regime("plain", Drawn(False)),
        Regime("the factor is small", close(3, 5), group="factor"),
        Regime("the factor is large", close(6, 9), group="factor"),
    )
    says = "Where the factor is small, but not everywhere, it returns what a known mistake does: Use the factor."
    result = grade(twice, regimes=regimes, twins=(double,))
    assert not result.misconceptions
    assert result.message.endswith(says)
    assert result.summary.endswith(says)
    other = Twin("other", lambda x, factor=2: x + x, "Do not add.")
    assert "known mistake" not in grade(twice, regimes=regimes, twins=(double, other)).message  # which of the two?
    assert "known mistake" not in grade(twice, regimes=regimes[:1] + regimes[2:], twins=(double,)).message
    assert "known mistake" not in grade(lambda x, factor=2: x * 2, regimes=regimes, twins=(double,)).message
    capped = Twin("capped", lambda x, factor=2: x * min(factor, 5), "Any factor.")
    half = (regimes[0], replace(regimes[1], draw=close(4, 6)), Regime("scaled", Drawn(), group="factor"))
    partly = grade(lambda x, factor=2: x * min(factor, 5 if x.size == 2 else 4), regimes=half, twins=(capped,))
    assert 0 < partly.regimes["the factor is small"][0] < partly.regimes["the factor is small"][1]
    assert "known mistake" not in partly.message
    died: list[Any] = []

    def dies(x: Any, factor: Any = 2) -> Any:
        if factor > 5 and not died:
            died.append(x)
            return DEAD
        return twice(x, factor)

    assert "known mistake" not in grade(dies, regimes=regimes, twins=(double,)).message
    assert died
