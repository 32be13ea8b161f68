"""The grader graded: the self-test must notice a course that breaks its promises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.contract import Twin
from grader.course import builtin_folder, load_course
from grader.exercise import Misconception
from grader.selftest import selftest, try_contract, try_exercise

BUILT_IN = load_course(builtin_folder())
TOY = load_course(Path(__file__).parent / "toy")
SUMS = TOY.exercise("sums")
ADD = TOY.contracts["add"]


def test_a_good_course_passes() -> None:
    """No false alarm: the toy course keeps its promises."""
    trials = list(selftest(TOY, seeds=3))
    assert [trial.broken for trial in trials] == [(), ()]
    assert all(trial.checks > 0 for trial in trials)


@pytest.mark.parametrize("topic", BUILT_IN.topics)
def test_every_key_of_the_built_in_course_passes_and_every_misconception_is_named(topic: str) -> None:
    """What we ship keeps its promises at every level."""
    trial = try_exercise(BUILT_IN.exercise(topic), 2)
    assert (trial.broken, trial.checks > 0) == ((), True)


@pytest.mark.parametrize("function", BUILT_IN.contracts)
def test_every_reference_of_the_built_in_course_passes_and_every_twin_is_named(function: str) -> None:
    """What we ship tells right from wrong, and says what is wrong."""
    trial = try_contract(BUILT_IN.contracts[function], b"selftest")
    assert (trial.broken, trial.checks > 0) == ((), True)


def test_a_twin_that_is_right_is_noticed() -> None:
    """A 'wrong' twin that earns full marks means that the cases are too weak."""
    trial = try_contract(replace(ADD, twins=(Twin("commuted", lambda a, b: b + a, "Other way round."),)), b"x")
    assert trial.broken == ("add: the wrong twin 'commuted' earns full marks",)


def test_a_right_alternative_that_is_refused_is_noticed() -> None:
    """A right function that is refused means that the check is too narrow."""
    trial = try_contract(replace(ADD, alternatives=(lambda a, b: float(a + b),)), b"x")
    assert "is right and earns 0" in trial.broken[0]


def test_a_key_that_its_own_marking_refuses_is_noticed() -> None:
    """A solver that answers in the wrong kind would fail every student."""
    total = replace(SUMS.parts[0], solve=lambda p: f"{p.a} + {p.b}", misconceptions=())
    trial = try_exercise(replace(SUMS, parts=(total,)), 1)
    assert "the key to 'total' earns 0" in trial.broken[0]


def test_two_misconceptions_with_one_answer_are_both_named() -> None:
    """Where the answer cannot tell two mistakes apart, neither is claimed alone."""
    twice = tuple(Misconception[Any](name, lambda p: p.a - p.b, "No.") for name in ("one", "two"))
    assert try_exercise(replace(SUMS, parts=(replace(SUMS.parts[0], misconceptions=twice),)), 2).broken == ()
