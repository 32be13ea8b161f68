"""Images moved by whole pixels, and what a move leaves of them."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from solutions.windows import Array, stack


def shift_images(x: Any, dy: int, dx: int) -> Array:
    """Return the images moved down by dy and to the right by dx pixels: zeros move in, and nothing comes back.

    y[n, c, i, j] = x[n, c, i - dy, j - dx] where that lies in the image, and 0 elsewhere.

    Args:
        x: (N, C, H, W), any numbers; dy, dx: whole numbers of any size; negative ones move up and to the left.

    Returns:
        a new array of x's shape and dtype.

    Raises:
        ValueError: x has not four axes.

    >>> shift_images(np.array([[[[1, 2], [3, 4]]]]), 1, 0).tolist()
    [[[[0, 0], [1, 2]]]]
    >>> shift_images(np.array([[[[1, 2], [3, 4]]]]), 0, -1).tolist()
    [[[[2, 0], [4, 0]]]]
    """
    x = stack(x)
    moved = np.zeros(x.shape, x.dtype)
    (to_rows, from_rows), (to_columns, from_columns) = _spans(x.shape[2], dy), _spans(x.shape[3], dx)
    moved[:, :, to_rows, to_columns] = x[:, :, from_rows, from_columns]
    return moved


def _spans(size: int, by: int) -> tuple[slice, slice]:
    """Return where along an axis of that size the pixels that stay go to, and where they come from."""
    by = max(-size, min(size, operator.index(by)))
    return slice(max(by, 0), size + min(by, 0)), slice(max(-by, 0), size - max(by, 0))


def positions(most: int) -> Iterator[tuple[int, int]]:
    """Yield every (dy, dx) with both from -most to most, row by row.

    >>> list(positions(1))[:4], len(list(positions(2)))
    ([(-1, -1), (-1, 0), (-1, 1), (0, -1)], 25)
    """
    for dy in range(-most, most + 1):
        for dx in range(-most, most + 1):
            yield dy, dx
