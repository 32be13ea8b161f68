"""Judging functions: what is marked, how a failure is shown, and that no property can be dodged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from grader.contract import Call, Contract, Regime, Twin
from grader.draw import Draw
from grader.errors import CourseError
from grader.functions import judge as judge_module
from grader.functions.arrays import integers, reals
from grader.functions.cases import MADE_AGAIN, SAME_SHAPES, CaseSet, case_set
from grader.functions.checks import Close
from grader.functions.judge import OWN_MEMORY, STAYS, UNCHANGED, judge
from grader.functions.local import LocalSession
from grader.functions.runner import Runner
from grader.outcome import Outcome, PartResult
from grader.sandbox.replies import Died, Returned


def scale(x: Any, factor: Any = 2) -> Any:
    """Multiply every entry; the toy function of these tests."""
    return x * factor


def _forgets_factor(x: Any, factor: Any = 2) -> Any:  # noqa: ARG001 - the mistake
    return x * 2


def _plus(x: Any, factor: Any = 2) -> Any:
    return x + factor


def _draw_default(rng: Draw) -> Call:
    return Call((integers(rng, (rng.integer(1, 4), rng.integer(1, 4))).astype(float),))


def _draw_factor(rng: Draw) -> Call:
    return Call((reals(rng, (rng.integer(1, 3), 2)),), {"factor": rng.integer(3, 9)})


CONTRACT = Contract(
    name="scale",
    signature="(x, factor=2)",
    doc="Multiply.",
    reference=scale,
    regimes=(
        Regime("the factor is left out", _draw_default),
        Regime("a factor is given", _draw_factor, group="factor"),
    ),
    groups={"basics": 1, "factor": 3},
    check=Close(lambda x, factor=2: np.abs(x * factor)),
    twins=(
        Twin("factor-ignored", _forgets_factor, "Use the factor."),
        Twin("plus", _plus, "Multiply, do not add."),
    ),
)


@pytest.fixture(scope="module")
def cases() -> CaseSet:
    return case_set(CONTRACT, b"test")


def grade(cases: CaseSet, function: Callable[..., Any]) -> PartResult:
    return grade_module(cases, lambda: function)


def grade_module(cases: CaseSet, load: Callable[[], Callable[..., Any]]) -> PartResult:
    """Grade a function that is made anew wherever the module is loaded again."""
    return judge(cases, Runner(lambda: LocalSession({"scale": load()})), "toy", Fraction(4))


def test_the_reference_earns_everything(cases: CaseSet) -> None:
    """A right function must pass every case of every regime and behaviour."""
    result = grade(cases, scale)
    assert (result.outcome, result.score) == (Outcome.CORRECT, Fraction(4))
    assert all(passed == total > 0 for passed, total in result.regimes.values())


def test_a_twin_is_refused_named_and_marked_by_group(cases: CaseSet) -> None:
    """A student with a known mistake learns its name, and keeps the marks of what is right."""
    result = grade(cases, _forgets_factor)
    assert result.outcome is Outcome.PARTIAL
    assert [finding.name for finding in result.misconceptions] == ["factor-ignored"]
    assert result.score == 4 * (Fraction(1, 4) * Fraction(4, 5) + Fraction(1, 5))
    assert "where a factor is given" in result.message


def test_nothing_is_earned_without_the_first_group(cases: CaseSet) -> None:
    """A constant that happens to suit an exotic regime must not earn that regime's marks."""
    result = grade(cases, lambda x, factor=2: x * factor if factor != 2 else x)
    assert (result.outcome, result.score) == (Outcome.WRONG, Fraction(0))


def test_the_counterexample_is_shrunk(cases: CaseSet) -> None:
    """A student should see the smallest input that fails, with simple numbers."""
    result = grade(cases, _forgets_factor)
    assert result.counterexample is not None
    assert result.counterexample.call == "scale(np.array([[1.0, 2.0]]), factor=3)"
    assert (result.counterexample.got, result.counterexample.want) == ([[2.0, 4.0]], [[3.0, 6.0]])
    assert result.counterexample.at == (0, 0)


def _mutates(x: Any, factor: Any = 2) -> Any:
    result = x * factor
    x[...] = 0
    return result


def _same_buffer() -> Callable[..., Any]:
    buffers: dict[Any, Any] = {}

    def function(x: Any, factor: Any = 2) -> Any:
        out = buffers.setdefault(x.shape, np.empty(x.shape))
        out[...] = x * factor
        return out

    return function


def _remembers_shapes() -> Callable[..., Any]:
    seen: dict[Any, Any] = {}
    return lambda x, factor=2: seen.setdefault((x.shape, factor), x * factor).copy()


def _remembers_arrays() -> Callable[..., Any]:
    seen: dict[Any, Any] = {}
    return lambda x, factor=2: seen.setdefault((x.tobytes(), x.shape), x * factor).copy()


def _first_calls_only() -> Callable[..., Any]:
    calls: list[int] = []

    def function(x: Any, factor: Any = 2) -> Any:
        calls.append(1)
        return x * factor if len(calls) <= len(CONTRACT.regimes) * 7 else x * 0

    return function


@pytest.mark.parametrize(
    ("load", "behaviour"),
    [
        (lambda: _mutates, UNCHANGED),
        (lambda: lambda x, factor=2: x if factor == 1 else np.multiply(x, factor, out=x), OWN_MEMORY),
        (_same_buffer, STAYS),
        (_remembers_shapes, SAME_SHAPES),
        (_remembers_arrays, SAME_SHAPES),
        (_first_calls_only, MADE_AGAIN),
    ],
)
def test_a_right_value_with_bad_behaviour_is_not_correct(
    cases: CaseSet, load: Callable[[], Callable[..., Any]], behaviour: str
) -> None:
    """Values alone do not make a right function: it must leave its inputs and earlier results alone."""
    result = grade_module(cases, load)
    passed, total = result.regimes[behaviour]
    assert passed < total
    assert result.outcome in (Outcome.PARTIAL, Outcome.WRONG)


def test_a_wrong_default_is_not_taken_for_a_memory(cases: CaseSet) -> None:
    """A call without its option follows one with it: who gets the default wrong must not be told of a memory."""
    result = grade(cases, lambda x, factor=3: x * factor)
    assert result.outcome is Outcome.WRONG
    assert "remember" not in result.message
    assert result.regimes.get(SAME_SHAPES, (0, 0)) == (0, 0)


def test_what_fails_only_after_other_calls_is_told_so(cases: CaseSet) -> None:
    """A call that is right when pasted alone would puzzle the student without that sentence."""

    def module() -> LocalSession:
        calls: list[int] = []

        def function(x: Any, factor: Any = 2) -> Any:
            calls.append(1)
            return x * factor if len(calls) == 1 else x * 0

        return LocalSession({"scale": function})

    result = judge(cases, Runner(module), "toy", Fraction(4))
    assert result.message.startswith("Its result depends on earlier calls")


def test_a_stub_is_missing_and_not_wrong(cases: CaseSet) -> None:
    """A function that was never filled in is told so."""

    def stub(x: Any, factor: Any = 2) -> Any:
        raise NotImplementedError

    result = grade(cases, stub)
    assert (result.outcome, result.score) == (Outcome.MISSING, Fraction(0))
    assert not result.misconceptions


def test_a_function_that_dies_again_and_again_is_not_run_for_ever(cases: CaseSet) -> None:
    """An endless loop costs two time limits, not one for every case."""
    calls = []

    def loop(x: Any, factor: Any = 2) -> Any:  # noqa: ARG001 - never used
        calls.append(1)
        return Died(Outcome.TIMEOUT, "did not return within 10 s")

    result = grade(cases, loop)
    assert result.outcome is Outcome.TIMEOUT
    assert len(calls) == 2
    assert "id not return within 10 s" in result.message


def test_a_death_in_the_sandbox_itself_costs_no_mark(cases: CaseSet) -> None:
    """The grader's own failure is `ungradable`, never zero marks."""
    result = grade(cases, lambda x, factor=2: Died(Outcome.UNGRADABLE, "the worker vanished"))
    assert result.outcome is Outcome.UNGRADABLE


def test_the_same_key_gives_the_same_cases_and_another_key_others() -> None:
    """Marks must not depend on when or where a class is graded; remembered inputs must be worthless."""

    def texts(secret: bytes) -> list[str]:
        return [repr(case.call) for case in case_set(CONTRACT, secret).cases]

    assert texts(b"one") == texts(b"one")
    assert texts(b"one") != texts(b"two")


def test_every_regime_is_visited(cases: CaseSet) -> None:
    """A regime without cases would be a promise that is never checked."""
    visited = {case.regime for case in cases.cases}
    assert {regime.name for regime in CONTRACT.regimes} | {SAME_SHAPES, MADE_AGAIN} == visited


def test_a_contract_without_regimes_is_an_authors_mistake() -> None:
    """Zero cases would pass everything."""
    with pytest.raises(CourseError, match="without a regime nothing would be checked"):
        Contract("f", "(x)", "", scale, (), CONTRACT.check)


def test_memory_shared_with_arguments_and_earlier_results_is_seen() -> None:
    """As np.may_share_memory sees it: between the first and the last byte, also of views that run backwards."""
    whole = np.zeros(8)
    parts = {"front": whole[:3], "back": whole[5:], "reversed": whole[3::-1], "own": np.zeros(8), "none": whole[:0]}
    session = LocalSession({name: lambda x, value=value: value for name, value in parts.items()})
    replies = {name: session.call(name, Call((np.ones(2),)), reply_bytes=0) for name in parts}
    earlier = {name: reply.earlier for name, reply in replies.items() if isinstance(reply, Returned)}
    assert earlier == {"front": (), "back": (), "reversed": (0,), "own": (), "none": ()}
    given = LocalSession({"given": lambda x: (1, [x[1:]])}).call("given", Call((np.ones(2),)), reply_bytes=0)
    assert isinstance(given, Returned)
    assert given.shares == (0,)


def test_lost_precision_is_counted_once(cases: CaseSet) -> None:
    """A buffer of float32 is one mistake, wherever it shows; rounding and half precision are more."""

    def buffered(dtype: str) -> Callable[..., Any]:
        def function(x: Any, factor: Any = 2) -> Any:
            result = np.empty(x.shape, dtype)
            result[...] = x * factor
            return result

        return function

    single = grade(cases, buffered("float32"))
    assert (single.outcome, single.score / single.max_score) == (Outcome.PARTIAL, Fraction(4, 5))
    assert "less precise than the input's float64" in single.message
    assert single.credit.endswith("behaviour 20 % (not earned); precision counts there.")
    assert grade(cases, lambda x, factor=2: buffered("float32")(x, factor).astype(float)).score == single.score
    assert grade(cases, buffered("float16")).score == 0
    assert grade(cases, lambda x, factor=2: np.round(x * factor, 6)).score < single.score
    both = grade(cases, lambda x, factor=2: buffered("float32")(x, 2))
    assert both.score / both.max_score == Fraction(1, 5)  # the factor is another mistake


def test_no_group_is_called_as_the_one_that_all_functions_have() -> None:
    """Its share would be given away for something else."""
    regimes = (Regime("any", lambda rng: Call((1,)), "behaviour"),)
    with pytest.raises(CourseError, match="no group of its own can be called 'behaviour'"):
        replace(CONTRACT, regimes=regimes, groups={"behaviour": 1})


@pytest.mark.parametrize(
    "result", [[1.5] * 20_000, "a" * 10**6, b"a" * 10**6, np.zeros(125_000), {"a": ("a" * 10**6,)}], ids=type
)
def test_wrong_results_are_not_held_without_end(
    cases: CaseSet, monkeypatch: pytest.MonkeyPatch, result: object
) -> None:
    """A megabyte for each of a thousand calls, from each of two students at a time, would be the machine's memory."""
    held: list[Any] = []
    diagnose = judge_module.diagnose

    def look(cases: CaseSet, observations: list[Any]) -> Any:
        held.append(sum(judge_module.size_of(seen.reply) for seen in observations))
        return diagnose(cases, observations)

    monkeypatch.setattr(judge_module, "diagnose", look)
    monkeypatch.setattr(judge_module, "HELD", 5 << 20)
    graded = grade(cases, lambda x, factor=2: result)
    assert graded.outcome is Outcome.WRONG
    assert graded.message.startswith("Wrong on all")
    assert 4 << 20 < held[0] < 6 << 20
