"""The grader graded: the self-test must notice a course that breaks its promises."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.contract import Twin
from grader.course import builtin_folder, load_course
from grader.errors import CourseError
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
    assert trial.broken[0].startswith("add: <lambda> (test_selftest.py:")
    assert ", an alternative, earns 0 of 1: Wrong on all 20 cases." in trial.broken[0]


def test_a_reference_that_fails_its_own_cases_is_noticed() -> None:
    """One that remembers or draws would refuse every student."""
    calls = itertools.count()
    trial = try_contract(replace(ADD, reference=lambda a, b: next(calls), twins=()), b"x")
    assert trial.broken[0].startswith("add: the reference itself earns 0 of 1: ")


def test_a_twin_that_is_itself_broken_is_noticed() -> None:
    """Whatever raises everywhere would be taken for that mistake."""
    trial = try_contract(replace(ADD, twins=(Twin("typo", lambda a, b: a / (b - b), "Other way round."),)), b"x")
    assert trial.broken == ("add: the wrong twin 'typo' raises on every case, as any broken code does",)


def test_a_twin_that_cannot_be_recognised_is_noticed() -> None:
    calls = itertools.count()
    trial = try_contract(replace(ADD, twins=(Twin("unsteady", lambda a, b: a - next(calls), "No."),)), b"x")
    assert trial.broken[0].startswith(
        "add: the wrong twin 'unsteady' is refused, but not named: Wrong on all 20 cases."
    )


@pytest.mark.parametrize(
    ("found", "instead", "broken"),
    [
        ("return a + b", "return a // (b - b)", "sums.py:41: ZeroDivisionError: integer division or modulo by zero"),
        ("solve=lambda p: p.a + p.b", "solve=lambda p: p.c", "sums.py:68: AttributeError: "),
        ("lambda p: p.a - p.b", "lambda p: p.b + p.a", "On the last one the right answer came out of: difference."),
    ],
)
def test_code_of_a_course_that_fails_is_told_and_the_rest_is_tried(
    tmp_path: Path, found: str, instead: str, broken: str
) -> None:
    """An author with two topics wants to hear of both, and of the line; a traceback of ours would help nobody."""
    text = (Path(__file__).parent / "toy/exercises/sums.py").read_text(encoding="utf-8")
    assert found in text
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises/sums.py").write_text(text.replace(found, instead), encoding="utf-8")
    trials = list(selftest(load_course(tmp_path), seeds=1))
    assert len(trials) == 2
    (sentence,) = (sentence for trial in trials for sentence in trial.broken)
    assert broken in sentence


@pytest.mark.parametrize(
    ("twins", "message"),
    [
        ((Twin("one", lambda a, b: a, ""),), "the wrong twin 'one' has no hint"),
        ((Twin("one", lambda a, b: a, "No."), Twin("one", lambda a, b: b, "No.")), "two wrong twins have one name"),
    ],
)
def test_twins_without_a_hint_or_a_name_of_their_own_are_an_authors_mistake(
    twins: tuple[Twin, ...], message: str
) -> None:
    with pytest.raises(CourseError, match=message):
        replace(ADD, twins=twins)


def test_a_key_that_its_own_marking_refuses_is_noticed() -> None:
    """A solver that answers in the wrong kind would fail every student."""
    total = replace(SUMS.parts[0], solve=lambda p: f"{p.a} + {p.b}", misconceptions=())
    trial = try_exercise(replace(SUMS, parts=(total,)), 1)
    assert "the key to 'total' earns 0" in trial.broken[0]


def test_two_misconceptions_with_one_answer_are_both_named() -> None:
    """Where the answer cannot tell two mistakes apart, neither is claimed alone."""
    twice = tuple(Misconception[Any](name, lambda p: p.a - p.b, "No.") for name in ("one", "two"))
    assert try_exercise(replace(SUMS, parts=(replace(SUMS.parts[0], misconceptions=twice),)), 2).broken == ()
