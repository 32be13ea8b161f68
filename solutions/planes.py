"""Convolution and pooling of one small map by hand: rows of whole numbers or Fractions, exact, without NumPy.

A plane is a tuple of rows. These are the solvers behind the paper questions, where drawing a variant must be
quick and every sum of products is written out; the layers of whole stacks are in `convolution` and `pooling`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

Number = Any  # int | Fraction
Row = tuple[Number, ...]
Plane = tuple[Row, ...]


def pad(plane: Plane, padding: tuple[int, int]) -> Plane:
    """Return the plane with (rows, columns) of zeros on each side.

    >>> pad(((1, 2),), (0, 1))
    ((0, 1, 2, 0),)
    """
    rows, columns = padding
    edge, side = ((0,) * (len(plane[0]) + 2 * columns),) * rows, (0,) * columns
    return (*edge, *((*side, *row, *side) for row in plane), *edge)


def positions(length: int, size: int, stride: int, padding: int = 0) -> range:
    """Return where a window starts along one axis of the padded plane: 0, s, 2s, … as long as it fits.

    >>> list(positions(6, 3, 2))
    [0, 2]
    """
    return range(0, length + 2 * padding - size + 1, stride)


def window(plane: Plane, top: int, left: int, size: tuple[int, int]) -> Plane:
    """Return the window of (rows, columns) whose first entry is (top, left)."""
    return tuple(row[left : left + size[1]] for row in plane[top : top + size[0]])


def windows(plane: Plane, size: tuple[int, int], stride: tuple[int, int]) -> tuple[tuple[Plane, ...], ...]:
    """Return every window that fits, row by row."""
    columns = positions(len(plane[0]), size[1], stride[1])
    return tuple(
        tuple(window(plane, top, left, size) for left in columns) for top in positions(len(plane), size[0], stride[0])
    )


def correlate(
    plane: Plane, kernel: Plane, bias: Number = 0, stride: tuple[int, int] = (1, 1), padding: tuple[int, int] = (0, 0)
) -> Plane:
    """Return the map of one kernel: the sum of products of every window, plus the bias (no flip).

    >>> correlate(((1, 2, 0), (0, 3, 1), (4, 0, 2)), ((1, 0), (0, -1)), bias=10)
    ((8, 11), (10, 11))
    """
    padded = pad(plane, padding)
    taps = [(u, v, weight) for u, row in enumerate(kernel) for v, weight in enumerate(row) if weight]
    columns = positions(len(padded[0]), len(kernel[0]), stride[1])
    return tuple(
        tuple(bias + sum([padded[top + u][left + v] * weight for u, v, weight in taps]) for left in columns)
        for top in positions(len(padded), len(kernel), stride[0])
    )


def rotate(kernel: Plane) -> Plane:
    """Return the kernel turned by 180 degrees, which a true convolution uses."""
    return tuple(row[::-1] for row in kernel[::-1])


def transpose(kernel: Plane) -> Plane:
    return tuple(zip(*kernel, strict=True))


def pool(
    plane: Plane, size: tuple[int, int], stride: tuple[int, int], combine: Callable[[list[Number]], Number]
) -> Plane:
    """Return the map of `combine(numbers of the window)` of every window that fits.

    >>> pool(((1, 5, 2), (4, 3, 8)), (2, 2), (1, 1), max)
    ((5, 8),)
    """
    return tuple(
        tuple(combine([value for row in one for value in row]) for one in line) for line in windows(plane, size, stride)
    )


def mean(values: Sequence[Number]) -> Fraction:
    """Return the exact mean.

    >>> mean([1, 2, 2])
    Fraction(5, 3)
    """
    return Fraction(sum(values), len(values))


def entries(plane: Plane) -> list[Number]:
    """Return all numbers in reading order."""
    return [value for row in plane for value in row]


def each(plane: Plane, function: Callable[[Number], Number]) -> Plane:
    """Return the plane with the function applied to every number."""
    return tuple(tuple(function(value) for value in row) for row in plane)


def relu(value: Number) -> Number:
    return max(value, 0)


def sigmoid(value: Number) -> float:
    """Return 1 / (1 + exp(-value)), without overflow.

    >>> sigmoid(0)
    0.5
    """
    small = math.exp(-abs(value))
    return 1 / (1 + small) if value >= 0 else small / (1 + small)
