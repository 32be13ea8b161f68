"""Exact numbers with square roots: sums of fractions times roots of square-free integers, such as 1/2 + 3√2.

They are closed under +, - and *, and have one normal form, so that equality is exact and needs no tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

MAX_RADICAND = 10**9  # factors are found by trial division
MAX_BITS = 4096  # of a numerator or denominator: nobody writes longer numbers, and they cost time
MAX_TERMS = 64  # of a sum: as many roots, each times each of another sum, cost time as well


class TooLargeError(ValueError):
    """A number that nobody can have worked out by hand."""


class UndefinedError(ValueError):
    """What is no real number."""


class Surd:
    """A number q1 + q2·√2 + q3·√3 + …, as a mapping from square-free radicands to fractions.

    >>> root(18) == 3 * root(2), root(2) * root(2) == 2, str(1 + Fraction(1, 2) * root(12))
    (True, True, '1 + sqrt(3)')
    """

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[int, Fraction]) -> None:
        self.terms: dict[int, Fraction] = {n: q for n, q in sorted(terms.items()) if q}
        if len(self.terms) > MAX_TERMS:
            raise TooLargeError(f"a sum of {len(self.terms)} different roots")
        for value in self.terms.values():
            if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
                raise TooLargeError("a number of more than a thousand digits")

    @property
    def is_rational(self) -> bool:
        return set(self.terms) <= {1}

    def __add__(self, other: Surd | Fraction | int) -> Surd:
        total = dict(self.terms)
        for n, q in surd(other).terms.items():
            total[n] = total.get(n, Fraction(0)) + q
        return Surd(total)

    def __mul__(self, other: Surd | Fraction | int) -> Surd:
        total: dict[int, Fraction] = {}
        for n, q in self.terms.items():
            for m, r in surd(other).terms.items():
                outside, inside = _extract(n * m)
                total[inside] = total.get(inside, Fraction(0)) + q * r * outside
        return Surd(total)

    def __neg__(self) -> Surd:
        return self * -1

    def __sub__(self, other: Surd | Fraction | int) -> Surd:
        return self + -surd(other)

    def __truediv__(self, other: Surd | Fraction | int) -> Surd:
        """Divide by a number of one term; roots in sums below the line are not for hand work.

        Raises:
            ZeroDivisionError: the divisor is zero.
            ValueError: the divisor is a sum.
        """
        divisor = surd(other).terms
        if not divisor:
            raise ZeroDivisionError("division by zero")
        if len(divisor) > 1:
            raise ValueError("a sum with a root below the line: multiply it out")
        ((n, q),) = divisor.items()
        return self * Surd({n: 1 / (q * n)})

    __radd__ = __add__
    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Surd):
            return self.terms == other.terms
        return isinstance(other, Fraction | int) and self.terms == surd(other).terms

    def __hash__(self) -> int:
        return hash(self.terms.get(1, Fraction(0)) if self.is_rational else tuple(self.terms.items()))

    def __float__(self) -> float:
        return math.fsum(float(q) * math.sqrt(n) for n, q in self.terms.items())

    def as_integer_ratio(self) -> tuple[int, int]:
        """Make Fraction(surd) work where the number is rational."""
        if not self.is_rational:
            raise ValueError(f"{self} is not rational")
        return self.terms.get(1, Fraction(0)).as_integer_ratio()

    def __str__(self) -> str:
        return " + ".join(_term(n, q) for n, q in self.terms.items()).replace("+ -", "- ") or "0"

    def __repr__(self) -> str:
        return f"Surd({str(self)!r})"


def surd(value: Surd | Fraction | int) -> Surd:
    """Return a number as a surd."""
    return value if isinstance(value, Surd) else Surd({1: Fraction(value)})


def root(value: Surd | Fraction | int) -> Surd:
    """Return the square root of a rational number that is not negative.

    Raises:
        ValueError: the number is negative, or itself a root.
        TooLargeError: its factors are out of reach.
    """
    number = surd(value)
    if not number.is_rational:
        raise ValueError("a root of a root: square first")
    exact = number.terms.get(1, Fraction(0))
    if exact < 0:
        raise UndefinedError("a root of a negative number")
    if exact == 0:
        return surd(0)
    outside, inside = _extract(exact.numerator * exact.denominator)
    return Surd({inside: Fraction(outside, exact.denominator)})


def _extract(number: int) -> tuple[int, int]:
    """Return (a, b) with number = a²·b and b square-free.

    Once all factors up to its cube root are divided out, what is left is a prime, a product of two, or a square.
    """
    if number > MAX_RADICAND:
        whole = math.isqrt(number)
        if whole * whole == number:
            return whole, 1
        raise TooLargeError(f"a root of a number of {len(str(number))} digits")
    outside, inside, factor, rest = 1, 1, 2, number
    while factor * factor * factor <= rest:
        while rest % (factor * factor) == 0:
            rest //= factor * factor
            outside *= factor
        if rest % factor == 0:
            rest //= factor
            inside *= factor
        factor += 1
    whole = math.isqrt(rest)
    return (outside * whole, inside) if whole * whole == rest else (outside, inside * rest)


def _term(radicand: int, coefficient: Fraction) -> str:
    if radicand == 1:
        return str(coefficient)
    sign = "-" if coefficient < 0 else ""
    top, bottom = abs(coefficient.numerator), coefficient.denominator
    text = f"sqrt({radicand})" if top == 1 else f"{top}*sqrt({radicand})"
    return sign + text + (f"/{bottom}" if bottom > 1 else "")
