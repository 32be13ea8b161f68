"""Small test pictures: square planes of grey values from 0 (black) to 9 (white), the same for the same arguments."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from solutions.planes import Number, Plane, entries

BLACK, WHITE = 0, 9


def painted(size: int, value: Callable[[int, int], int]) -> Plane:
    """Return the picture with that value at each (row, column)."""
    return tuple(tuple(value(r, c) for c in range(size)) for r in range(size))


def square(size: int, top: int, left: int, side: int, grey: int = WHITE) -> Plane:
    """Return a filled square on black.

    >>> square(3, 1, 1, 2)
    ((0, 0, 0), (0, 9, 9), (0, 9, 9))
    """
    return painted(size, lambda r, c: grey if 0 <= r - top < side and 0 <= c - left < side else BLACK)


def line(size: int, at: int, first: int, last: int, grey: int = WHITE, *, upright: bool = False) -> Plane:
    """Return a line one pixel thin in row `at`, from column `first` to `last`; upright, with the two exchanged.

    >>> line(3, 0, 1, 2), line(3, 0, 1, 2, upright=True)
    (((0, 9, 9), (0, 0, 0), (0, 0, 0)), ((0, 0, 0), (9, 0, 0), (9, 0, 0)))
    """
    if upright:
        return painted(size, lambda r, c: grey if c == at and first <= r <= last else BLACK)
    return painted(size, lambda r, c: grey if r == at and first <= c <= last else BLACK)


def diagonal(size: int, top: int, left: int, length: int, grey: int = WHITE, *, rising: bool = False) -> Plane:
    """Return a diagonal line within the square of `length` pixels whose corner is (top, left).

    >>> diagonal(3, 0, 1, 2, rising=True)
    ((0, 0, 9), (0, 9, 0), (0, 0, 0))
    """

    def value(r: int, c: int) -> int:
        down, right = r - top, c - left
        inside = 0 <= down < length and 0 <= right < length
        return grey if inside and right == (length - 1 - down if rising else down) else BLACK

    return painted(size, value)


def blob(size: int, row: int, column: int, radius: int, grey: int = WHITE) -> Plane:
    """Return a round spot that fades from its centre on and ends at `radius`.

    >>> blob(3, 1, 1, 2, 8)
    ((4, 6, 4), (6, 8, 6), (4, 6, 4))
    """

    def value(r: int, c: int) -> int:
        far = (r - row) ** 2 + (c - column) ** 2
        return max(BLACK, grey - grey * far // (radius * radius))

    return painted(size, value)


def scattered(size: int, values: bytes, grey: int = WHITE) -> Plane:
    """Return noise: one byte a pixel, in reading order, each made a grey value of 0 … grey.

    >>> scattered(2, bytes((0, 5, 10, 255)))
    ((0, 5), (0, 5))
    """
    return painted(size, lambda r, c: values[r * size + c] % (grey + 1))


def overlaid(*planes: Plane) -> Plane:
    """Return the brightest of all pictures at each pixel."""
    return tuple(tuple(max(values) for values in zip(*rows, strict=True)) for rows in zip(*planes, strict=True))


def stretched(plane: Plane) -> Plane:
    """Return the picture as it is shown: its smallest value black, its largest white, rounded to 0 … 9 between.

    A flat picture has no contrast to stretch; it is shown as medium grey.

    >>> stretched(((-10, 0), (5, 10)))
    ((0, 5), (7, 9))
    """
    flat: list[Number] = entries(plane)
    low, high = min(flat), max(flat)
    if low == high:
        return tuple(tuple(WHITE // 2 for _ in row) for row in plane)
    span = high - low
    greys = {value: int((2 * WHITE * (value - low) + span) // (2 * span)) for value in set(flat)}
    return tuple(tuple([greys[value] for value in row]) for row in plane)


def differing(one: Plane, other: Plane, least: int = 3) -> int:
    """Return at how many pixels two pictures of one size differ by `least` grey values or more.

    >>> differing(((0, 5),), ((4, 4),))
    1
    """
    pairs = zip(chain.from_iterable(one), chain.from_iterable(other), strict=True)
    return len([None for a, b in pairs if abs(a - b) >= least])
