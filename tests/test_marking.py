"""Marking answers: each verdict, each diagnosis, and what is carried forward, without any process."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from grader.course import load_course
from grader.exercise import AnyPart, Carry, Level, Misconception
from grader.marking import better, carried, mark_answers, mark_forms, unknown_names
from grader.outcome import Outcome, PartResult, Verdict, correct, partial, wrong
from grader.variant import AnyVariant, Seeded, draw_variant

TOY = Path(__file__).parent / "toy"


@pytest.fixture(scope="module")
def variant() -> AnyVariant:
    return draw_variant(load_course(TOY).exercise("sums"), Level.STANDARD, Seeded(5))


def marked(variant: AnyVariant, **raw: object) -> dict[str, PartResult]:
    return {result.part: result for result in mark_answers(variant, raw)}


def test_right_answers_earn_their_marks_and_are_shown(variant: AnyVariant) -> None:
    total = variant.p.a + variant.p.b
    results = marked(variant, total=str(total), mean=f"{total}/2")
    assert [(r.outcome, r.score, r.max_score) for r in results.values()][:2] == [
        (Outcome.CORRECT, Fraction(2), Fraction(2)),
        (Outcome.CORRECT, Fraction(4), Fraction(4)),
    ]
    assert (results["total"].got, results["total"].message) == (str(total), "right")
    assert (results["total"].topic, results["total"].kind) == ("sums", "answer")


@pytest.mark.parametrize("raw", [None, "", "  "])
def test_what_was_not_answered_is_missing(variant: AnyVariant, raw: object) -> None:
    """An empty line of the stub is no wrong answer."""
    result = marked(variant, total=raw)["total"]
    assert (result.outcome, result.score, result.message) == (Outcome.MISSING, Fraction(0), "no answer to 'total'")


def test_what_cannot_be_read_is_wrong_and_shown(variant: AnyVariant) -> None:
    result = marked(variant, total="about nine")["total"]
    assert (result.outcome, result.score) == (Outcome.WRONG, Fraction(0))
    assert "about nine" in result.got


def test_an_answer_of_another_form_is_told_from_a_wrong_one(variant: AnyVariant) -> None:
    """What to do next differs: write it in another way, or work it out again."""
    assert marked(variant, total="about nine")["total"].is_of_another_form
    assert not marked(variant, total=10**6)["total"].is_of_another_form
    assert not marked(variant, total=None)["total"].is_of_another_form


def test_a_long_answer_is_not_handed_back_in_full(variant: AnyVariant) -> None:
    result = marked(variant, total=10**400)["total"]
    assert len(result.got) < len(result.message) < 200


def test_an_answer_that_nobody_could_get_at_is_not_called_missing(variant: AnyVariant) -> None:
    """It stands in the file: what kept it from being read is said, and the others count."""
    lost = {"mean": Verdict(Outcome.MISSING, "it could not be read")}
    total, mean, _ = mark_answers(variant, {"total": variant.key["total"]}, lost)
    assert total.outcome is Outcome.CORRECT
    assert (mean.outcome, mean.score, mean.message) == (Outcome.MISSING, Fraction(0), "it could not be read")


def test_without_the_key_the_form_is_told_in_the_same_words(variant: AnyVariant) -> None:
    """And of an answer in the form asked for nothing: right and wrong look alike."""
    raw = {"total": "about nine", "mean": None, "parity": "A"}
    total, mean, parity = mark_forms(variant.exercise, raw, {}, "not judged here")
    assert [total, mean] == mark_answers(variant, raw)[:2]
    assert (parity.outcome, parity.message, parity.got) == (Outcome.UNGRADABLE, "not judged here", "A")
    again = {mark_forms(variant.exercise, {"total": n}, {}, "x")[0].outcome for n in (variant.key["total"], 10**6)}
    assert again == {Outcome.UNGRADABLE}


def test_a_misconception_is_named_and_a_right_answer_is_not_diagnosed(variant: AnyVariant) -> None:
    a, b = variant.p.a, variant.p.b
    assert [f.name for f in marked(variant, total=a - b)["total"].misconceptions] == ["difference"]
    assert [f.hint for f in marked(variant, total=a * b)["total"].misconceptions] == ["You multiplied."]
    assert not marked(variant, total=a + b)["total"].misconceptions
    assert not marked(variant, total=10**6)["total"].misconceptions


def test_a_right_answer_is_right_whatever_else_it_resembles(variant: AnyVariant) -> None:
    """Draws exclude that a mistake gives the key; where an author's `same` is lenient, nobody is scolded for it."""
    also = Misconception[Any]("also", lambda p: p.a + p.b, "No.")
    first, *others = variant.exercise.parts
    exercise = replace(variant.exercise, parts=(replace(first, misconceptions=(also,)), *others))
    result = marked(replace(variant, exercise=exercise), total=variant.p.a + variant.p.b)["total"]
    assert (result.outcome, result.misconceptions) == (Outcome.CORRECT, ())


def test_names_that_no_part_has_are_listed(variant: AnyVariant) -> None:
    assert unknown_names(variant.exercise, {"total": 1, "totl": 2, "ask": 3}) == ["ask", "totl"]


# Error carried forward -------------------------------------------------------------------------------------


def mean(variant: AnyVariant, **changes: object) -> AnyPart:
    """Return the part that builds on another one, with another rule."""
    part = variant.exercise.part("mean")
    assert part.carry
    return replace(part, carry=replace(part.carry, **changes))  # type: ignore[arg-type]  # fields of Carry


def test_an_own_error_costs_the_penalty_once(variant: AnyVariant) -> None:
    results = marked(variant, total=1000, mean=500)
    assert results["total"].score == 0
    assert (results["mean"].outcome, results["mean"].score) == (Outcome.PARTIAL, Fraction(3))
    assert results["mean"].message == "right with your own answer to 'total', less 1/4 of the marks"


def test_without_a_penalty_the_marks_are_whole(variant: AnyVariant) -> None:
    verdict = carried(variant, mean(variant, penalty=Fraction(0)), Fraction(500), {"total": Fraction(1000)})
    assert verdict is not None
    assert (verdict.outcome, verdict.share) == (Outcome.CORRECT, Fraction(1))
    assert verdict.message == "right with your own answer to 'total'"


def test_what_follows_from_a_right_answer_is_not_carried(variant: AnyVariant) -> None:
    """Then the key itself is what follows, and the answer is just wrong."""
    right = Fraction(variant.p.a + variant.p.b)
    assert carried(variant, mean(variant), right / 2, {"total": right}) is None


def test_nothing_is_carried_without_the_earlier_answer_or_its_condition(variant: AnyVariant) -> None:
    own = {"total": Fraction(1000)}
    assert carried(variant, mean(variant), Fraction(500), {}) is None
    assert carried(variant, replace(mean(variant), carry=None), Fraction(500), own) is None
    assert carried(variant, mean(variant), Fraction(-1), {"total": Fraction(-2)}) is None
    assert carried(variant, mean(variant), Fraction(501), own) is None


@pytest.mark.parametrize("error", [ValueError, ArithmeticError, LookupError, TypeError])
def test_an_own_answer_that_makes_no_sense_is_not_carried(variant: AnyVariant, error: type[Exception]) -> None:
    """A kernel larger than the input, of the student's own making, is not our traceback."""

    def fails(p: object, earlier: object) -> object:  # noqa: ARG001 - the signature of a rule
        raise error

    assert carried(variant, mean(variant, solve=fails), Fraction(500), {"total": Fraction(1000)}) is None


def test_two_earlier_answers_are_both_needed_and_both_named(variant: AnyVariant) -> None:
    """One of them right is still an error of the student's own."""
    letter = "ABC"[variant.options["parity"].index(variant.key["parity"])]
    read = variant.answer_kind(variant.exercise.part("parity")).read(letter)
    rule: Carry[Any] = Carry(
        parts=("total", "parity"), solve=lambda p, own: Fraction(7), condition="always", when=lambda p, own: True
    )
    part = replace(variant.exercise.part("mean"), carry=rule)
    verdict = carried(variant, part, Fraction(7), {"total": Fraction(1000), "parity": read})
    assert verdict is not None
    assert "'total' and 'parity'" in verdict.message
    assert carried(variant, part, Fraction(7), {"total": Fraction(1000)}) is None


def test_the_better_verdict_counts() -> None:
    half, less = partial(Fraction(1, 2), "half"), partial(Fraction(1, 4), "less")
    assert better(half, None) is half
    assert better(half, less) is half
    assert better(less, half) is half
    assert better(half, partial(Fraction(1, 2), "as much")) is half
    assert better(wrong("no"), correct()).share == 1
