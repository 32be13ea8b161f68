"""Losses by hand: shares of a softmax, logarithms to any wanted precision, and the gradient of a dense weight."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache

Shares = tuple[Fraction, ...]
PRECISE = Context(prec=40)  # decimal's logarithm and powers are the same on every machine, unlike those of floats
# What is drawn has few different shares, so that most logarithms are asked for again and again.


@lru_cache(maxsize=4096)
def softmax(powers: tuple[int, ...]) -> Shares:
    """Return e^z over their sum, given the powers e^z of the logits z.

    >>> [str(share) for share in softmax((2, 5, 3))]
    ['1/5', '1/2', '3/10']
    """
    total = sum(powers)
    return tuple(Fraction(power, total) for power in powers)


@lru_cache(maxsize=4096)
def log(value: Fraction) -> Fraction:
    """Return the natural logarithm, to 38 digits or more.

    >>> round(float(log(Fraction(1, 2))), 6)
    -0.693147
    """
    return Fraction(PRECISE.ln(_decimal(value)))


@lru_cache(maxsize=4096)
def exp(value: Fraction) -> Fraction:
    """Return e to this power, to 38 digits or more.

    >>> round(float(exp(Fraction(1, 2))), 6)
    1.648721
    """
    return Fraction(PRECISE.exp(_decimal(value)))


def negative_log_likelihood(shares: Sequence[Fraction]) -> Fraction:
    """Return the mean of -ln over the shares that a model gives to the right classes, one an example."""
    return -sum((log(share) for share in shares), Fraction(0)) / len(shares)


def dense_gradient(
    shares: Sequence[Fraction], own: Sequence[bool], inputs: Sequence[Fraction], *, mean: bool = True
) -> Fraction:
    """Return the gradient of cross-entropy by the weight from one input to one class.

    Args:
        shares: what softmax gives to that class, one an example.
        own: whether it is the example's class.
        inputs: the value that the weight multiplies, one an example.
        mean: over the batch; else the sum.

    >>> str(dense_gradient([Fraction(1, 5), Fraction(1, 2)], [True, False], [Fraction(1), Fraction(2)]))
    '1/10'
    """
    total = sum(((p - y) * x for p, y, x in zip(shares, own, inputs, strict=True)), Fraction(0))
    return total / len(shares) if mean else total


def _decimal(value: Fraction) -> Decimal:
    return PRECISE.divide(Decimal(value.numerator), Decimal(value.denominator))
