"""Formulas: any equivalent form is right, anything else is not, and nothing a student writes is run."""

from __future__ import annotations

import time

import pytest
import sympy

from grader.draw import Draw
from grader.expressions import MAX_DEPTH, FormulaError, agree, parse
from grader.surds import surd

NAMES = ("X11", "X12", "dh11", "dh12", "x", "y")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("X11*dh11 + X12*dh12", "dh12 X12 + dh11 × X11"),
        ("(x + y)^2", "x**2 + 2xy*1 + y^2".replace("xy", "x y")),
        ("x/2 + y/2", "0.5(x + y)"),
        ("-(x - y)", "y − x"),
        ("x^-1", "1/x"),
        ("sqrt(x)*sqrt(x)", "x"),
        ("√18", "3√2"),
        ("2[x + 1]", "2x + 2"),
    ],
)
def test_equivalent_forms_agree(one: str, other: str) -> None:
    """A right formula is right however it is arranged."""
    assert agree(parse(one, NAMES), parse(other, NAMES), Draw("t")) is True


@pytest.mark.parametrize(
    ("one", "other"),
    [("x + y", "x - y"), ("x^2", "x"), ("x*y", "x + y"), ("√2", "1.4142135623730951"), ("x", "x + 1/10^12")],
)
def test_different_formulas_do_not(one: str, other: str) -> None:
    """Nearly equal is not equal."""
    assert agree(parse(one, NAMES), parse(other, NAMES), Draw("t")) is False


def test_agreement_matches_sympys_over_many_formulas() -> None:
    """An independent route: expanding by a computer algebra system."""
    rng = Draw("formulas")
    verdicts = set()
    for trial in range(100):
        terms = [f"{rng.integer(-2, 2)}*{rng.choice(NAMES)}*({rng.choice(NAMES)} - {rng.choice(NAMES)})" for _ in "abc"]
        one, other = " + ".join(terms), " + ".join(rng.shuffled(terms) if trial % 2 else terms[:2])
        mine = agree(parse(one, NAMES), parse(other, NAMES), Draw("p"))
        verdicts.add(mine)
        assert mine == (sympy.expand(f"({one}) - ({other})") == 0), (one, other)
    assert verdicts == {True, False}


def test_what_is_nowhere_defined_is_undecided() -> None:
    """An undecided answer is not a wrong one."""
    assert agree(parse("1/(x - x)", NAMES), parse("1/(y - y)", NAMES), Draw("t")) is None
    assert agree(parse("1/(1 + sqrt(2))", NAMES), parse("y", NAMES), Draw("t")) is None


@pytest.mark.parametrize("text", ["1/(x - x)", "y/0", "sqrt(-1)", "y + sqrt(-x)"])
def test_what_is_a_number_nowhere_is_not_what_is_one_everywhere(text: str) -> None:
    """Or nobody who has no answer would lose a mark: undecided parts do not count."""
    assert agree(parse(text, NAMES), parse("y", NAMES), Draw("t")) is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it ends too early"),
        ("x +", "it ends too early"),
        ("(x", "a bracket is not closed"),
        ("x)", "is not expected there"),
        ("x,y", "',' is not part of a formula"),
        ("1,5 x", "write a decimal point"),
        ("2 3", "two numbers stand side by side"),
        ("x + 1 1/2", "two numbers stand side by side"),
        ("z", "unknown name 'z'; the names are"),
        ("__import__('os')", "is not part of a formula"),
        ("x.__class__", "is not part of a formula"),
        ("x^y", "an exponent must be a whole number"),
        ("9^9^9", "is not expected there"),
        ("x^99999999999999999999", "an exponent must be a whole number"),
        ("(" * 200 + "x" + ")" * 200, "too many brackets or roots"),
        ("x" * 3000, "too long"),
        ("x + " * 400 + "√" * 60 + "x", "too many brackets"),
    ],
)
def test_what_is_no_formula_is_refused_with_its_reason(text: str, message: str) -> None:
    """The student learns what cannot be read; no text is ever evaluated as Python."""
    with pytest.raises(FormulaError, match=message):
        parse(text, NAMES)


@pytest.mark.parametrize(
    "text", ["(" * 40 + "x" + "^12)" * 40, "*".join(["x^12"] * 300), "+".join(["x^12/7^12"] * 180)]
)
def test_a_formula_made_to_take_long_does_not(text: str) -> None:
    """A bomb costs a fraction of a second and is undecided at worst."""
    started = time.monotonic()
    assert agree(parse(text, NAMES), parse("x", NAMES), Draw("t")) is not True
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("sqrt(", ")"), ("√", "")])
def test_the_limit_of_depth_counts_brackets_and_roots(opening: str, closing: str) -> None:
    """One more than the limit is refused before Python's own stack is."""
    assert parse(opening * MAX_DEPTH + "1" + closing * MAX_DEPTH).evaluate({}) == 1
    with pytest.raises(FormulaError, match="too many brackets or roots"):
        parse(opening * (MAX_DEPTH + 1) + "1" + closing * (MAX_DEPTH + 1))
    assert MAX_DEPTH == 50


@pytest.mark.parametrize(("text", "value"), [("2^12", 4096), ("2^012", 4096), ("2^0", 1), ("2^-2", surd(1) / 4)])
def test_exponents_are_short_whole_numbers(text: str, value: object) -> None:
    assert parse(text).evaluate({}) == value


@pytest.mark.parametrize("text", ["2^13", "2^-13", "2^0012", "2^2.0", "2^x", "2^(2)", "2^"])
def test_other_exponents_are_refused(text: str) -> None:
    with pytest.raises(FormulaError, match="an exponent must be a whole number of at most 12"):
        parse(text, NAMES)
