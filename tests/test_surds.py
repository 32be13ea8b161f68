"""Exact numbers with roots: one normal form, closed under the arithmetic of hand work, bounded in cost."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
import sympy

from grader.draw import Draw
from grader.surds import MAX_BITS, MAX_RADICAND, Surd, TooLargeError, root, surd

NUMBERS = [surd(0), surd(1), surd(Fraction(-3, 4)), root(2), Fraction(1, 3) * root(12), root(8) - 1, -root(3) + root(2)]


def exact(value: Surd) -> sympy.Expr:
    """Return the number as a computer algebra system has it."""
    return sum((sympy.Rational(q.numerator, q.denominator) * sympy.sqrt(n) for n, q in value.terms.items()), sympy.S(0))


@pytest.mark.parametrize(("one", "other"), list(itertools.product(NUMBERS, NUMBERS)))
def test_arithmetic_is_sympys(one: Surd, other: Surd) -> None:
    """An independent route over all pairs."""
    assert sympy.expand(exact(one + other) - exact(one) - exact(other)) == 0
    assert sympy.expand(exact(one - other) - exact(one) + exact(other)) == 0
    assert sympy.expand(exact(one * other) - exact(one) * exact(other)) == 0
    if len(other.terms) == 1:
        assert sympy.expand(exact(one / other) * exact(other) - exact(one)) == 0
    assert (one == other) == (sympy.expand(exact(one) - exact(other)) == 0)
    assert float(one) == pytest.approx(float(exact(one)), abs=1e-12)


def test_equal_numbers_have_one_hash_and_work_with_fractions() -> None:
    """They stand in sets beside ints and fractions: 2 is in {√4}."""
    assert hash(root(4)) == hash(2) == hash(surd(Fraction(2)))
    assert hash(surd(0)) == hash(0) == hash(root(2) - root(2))
    assert hash(root(8)) == hash(2 * root(2))
    assert len({hash(number) for number in NUMBERS}) == len(NUMBERS)
    assert Fraction(*root(Fraction(9, 4)).as_integer_ratio()) == Fraction(3, 2)
    assert Fraction(*surd(0).as_integer_ratio()) == 0
    assert surd(2) != "2"
    assert (surd(2) == 2.0) is False


def test_what_is_not_rational_has_no_ratio() -> None:
    with pytest.raises(ValueError, match=r"sqrt\(2\) is not rational"):
        root(2).as_integer_ratio()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (surd(0), "0"),
        (root(2), "sqrt(2)"),
        (-root(2), "-sqrt(2)"),
        (root(Fraction(1, 2)), "sqrt(2)/2"),
        (Fraction(3, 4) * root(5), "3*sqrt(5)/4"),
        (1 + -2 * root(3), "1 - 2*sqrt(3)"),
        (root(2) + root(3), "sqrt(2) + sqrt(3)"),
        (Fraction(-1, 2) * root(2) - Fraction(1, 2), "-1/2 - sqrt(2)/2"),
    ],
)
def test_a_number_is_written_as_by_hand(value: Surd, text: str) -> None:
    assert str(value) == text
    assert repr(value) == f"Surd({text!r})"


@pytest.mark.parametrize("number", range(200))
def test_roots_square_to_their_number(number: int) -> None:
    """Squares included, of which nothing is left below the root; zero too."""
    value = root(number)
    assert value * value == number
    assert value.is_rational == sympy.integer_nthroot(number, 2)[1]
    assert all(max(sympy.factorint(n).values(), default=1) == 1 for n in value.terms)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: root(-1), ValueError, "a root of a negative number"),
        (lambda: root(root(2)), ValueError, "a root of a root"),
        (lambda: surd(1) / 0, ZeroDivisionError, "division by zero"),
        (lambda: surd(1) / (root(2) + 1), ValueError, "a sum with a root below the line"),
        (lambda: root(MAX_RADICAND + 1), TooLargeError, "a root of a number of 10 digits"),
        (lambda: math.prod(root(p) + 1 for p in (2, 3, 5, 7, 11, 13, 17)), TooLargeError, "different roots"),
        (lambda: surd(1 << MAX_BITS), TooLargeError, "more than a thousand digits"),
        (lambda: surd(Fraction(1, 1 << MAX_BITS)), TooLargeError, "more than a thousand digits"),
    ],
)
def test_what_nobody_can_work_out_is_refused(make: object, error: type[Exception], message: str) -> None:
    """In time that does not depend on how long the number is."""
    assert callable(make)
    with pytest.raises(error, match=message):
        make()


def test_the_limits_themselves_are_allowed() -> None:
    """A square beyond the limit needs no factors; the largest number has exactly so many bits."""
    assert root(MAX_RADICAND) == 10_000 * root(10)
    assert root((MAX_RADICAND + 1) ** 2) == MAX_RADICAND + 1
    assert surd((1 << MAX_BITS) - 1).is_rational
    assert MAX_RADICAND == 10**9


def test_sums_of_the_same_root_cancel() -> None:
    """One normal form: no term of coefficient zero is left."""
    rng = Draw("cancel")
    for _ in range(50):
        a, b = rng.integer(1, 40), rng.integer(1, 40)
        assert (root(a) + root(b) - root(a) - root(b)).terms == {}
