"""Windows on stacks of maps: the padding, the sliding views, and the reading of int-or-pair arguments."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Pair = int | tuple[int, int]


def pair(value: Any, name: str, least: int = 1) -> tuple[int, int]:
    """Return an int or a pair of ints as (height, width).

    Raises:
        ValueError: it is neither, or smaller than `least`.

    >>> pair(2, "stride"), pair((1, 3), "stride")
    ((2, 2), (1, 3))
    """
    try:
        items = [operator.index(value)] * 2
    except TypeError:
        items = _items(value, name)
    height, width = items
    if min(height, width) < least:
        raise ValueError(f"{name}={value} must be at least {least}")
    return height, width


def _items(value: Any, name: str) -> list[int]:
    try:
        items = [operator.index(item) for item in value]
    except TypeError:
        items = []
    if len(items) != 2:
        raise ValueError(f"{name}={value} must be a whole number or a pair of them (height, width)")
    return items


def stack(x: Any, name: str = "x") -> Array:
    """Return x as an array of four axes, (N, C, H, W), or raise ValueError."""
    array = np.asarray(x)
    if array.ndim != 4:
        raise ValueError(f"{name} has {array.ndim} axes; it must have four: (N, C, H, W)")
    return array


def pad(x: Array, padding: tuple[int, int]) -> Array:
    """Return x: (N, C, H, W) with `padding` rows and columns of zeros on each side; x itself without any."""
    height, width = padding
    if height == width == 0:
        return x
    n, c, h, w = x.shape
    padded = np.zeros((n, c, h + 2 * height, w + 2 * width), x.dtype)
    padded[:, :, height : height + h, width : width + w] = x
    return padded


def windows(x: Array, size: tuple[int, int], stride: tuple[int, int]) -> Array:
    """Return every window of x: (N, C, H, W) as a read-only view (N, C, OH, OW, KH, KW).

    Rows and columns that the last window does not reach are left out (floor).

    Raises:
        ValueError: the window is larger than the map.

    >>> windows(np.arange(20).reshape(1, 1, 4, 5), (2, 2), (2, 2))[0, 0, 1, 1].tolist()
    [[12, 13], [17, 18]]
    """
    if x.shape[2] < size[0] or x.shape[3] < size[1]:
        raise ValueError(f"a window of {size[0]} by {size[1]} does not fit into {x.shape[2]} by {x.shape[3]}")
    slid = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))
    return slid[:, :, :: stride[0], :: stride[1]]
