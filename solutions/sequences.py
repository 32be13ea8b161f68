"""Convolution of short sequences by hand: tuples of whole numbers or Fractions, exact, without NumPy.

The solver behind the paper questions, where drawing a variant must be quick; `convolution.conv1d` takes arrays.
"""

from __future__ import annotations

from typing import Any, Literal

Row = tuple[Any, ...]  # of int | Fraction


def convolve(x: Row, w: Row) -> Row:
    """Return the full true convolution, y[n] = sum over k of x[n - k] * w[k]; len(x) + len(w) - 1 entries.

    >>> convolve((1, 2, 3, 4), (1, 0, -1))
    (1, 2, 2, 2, -3, -4)
    """
    y = [0] * (len(x) + len(w) - 1)
    for i, value in enumerate(x):
        for k, weight in enumerate(w):
            y[i + k] += value * weight
    return tuple(y)


def cut(full: Row, n: int, m: int, mode: Literal["same", "valid"]) -> Row:
    """Return the stretch of a full convolution of n and m numbers that a mode keeps, as np.convolve does.

    >>> cut((1, 2, 2, 2, -3, -4), 4, 3, "same"), cut((1, 2, 2, 2, -3, -4), 4, 3, "valid")
    ((2, 2, 2, -3), (2, 2))
    """
    long, short = max(n, m), min(n, m)
    if mode == "same":
        start = (short - 1) // 2
        return full[start : start + long]
    return full[short - 1 : long]
