"""Arrays for the cases of a contract: drawn in bulk, exactly the same on every machine.

Under shrinking (`rng.plain()` is true) arrays hold counting numbers, so that a counterexample reads well.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.draw import Draw

Array = npt.NDArray[Any]
LAYOUTS = ("C", "F", "reversed", "gapped", "readonly")


def integers(rng: Draw, shape: tuple[int, ...], low: int = -4, high: int = 4, dtype: str = "int64") -> Array:
    """Return whole numbers of low … high; with a floating dtype, whole numbers still."""
    size, span = math.prod(shape), high - low + 1
    if rng.plain():
        ones = max(low, min(1, high))  # count from 1 where 1 is in range: 1, 2, …, high, low, …, 0
        offsets = (np.arange(size) + (ones - low)) % span
    else:
        offsets = (np.frombuffer(rng.bulk(8 * size), dtype=np.uint64) % np.uint64(span)).astype(np.int64)
    return (offsets + low).astype(dtype).reshape(shape)


def reals(rng: Draw, shape: tuple[int, ...], dtype: str = "float64", scale: float = 1.0) -> Array:
    """Return numbers spread evenly over -2 … 2 times `scale`, with all the bits of float64 in use."""
    if rng.plain():
        simple: Array = integers(rng, shape, dtype=dtype) * np.asarray(scale, dtype)
        return simple
    words = np.frombuffer(rng.bulk(8 * math.prod(shape)), dtype=np.uint64) >> np.uint64(11)
    values = words.astype(np.float64) * 2.0**-51 - 2.0
    return (values * scale).astype(dtype).reshape(shape)


def laid_out(array: Array, layout: str) -> Array:
    """Return an equal array with another memory layout: C, F, reversed (negative strides), gapped or readonly."""
    if layout == "F":
        return np.asfortranarray(array)
    if layout == "reversed":
        flipped = (slice(None, None, -1),) * array.ndim
        return np.ascontiguousarray(array[flipped])[flipped]
    if layout == "gapped":
        room = np.zeros(tuple(2 * n for n in array.shape), array.dtype)
        view = room[(slice(None, None, 2),) * array.ndim]
        view[...] = array
        return view
    copy = np.array(array, order="C")
    if layout == "readonly":
        copy.flags.writeable = False
    elif layout != "C":
        raise ValueError(f"layout={layout!r} must be one of {', '.join(LAYOUTS)}")
    return copy


def has_layout(array: Array, layout: str) -> bool:
    """Does an array have the layout that `laid_out` gives, and not C's? Where there is one entry, none can be told."""
    if layout == "readonly":
        return not array.flags.writeable
    if array.flags.c_contiguous:
        return False
    if layout == "F":
        return array.flags.f_contiguous
    if layout == "reversed":
        return any(step < 0 for step in array.strides)
    return not array.flags.f_contiguous and all(step >= 0 for step in array.strides)


def as_stored(array: Array, before: Array | None = None) -> Array:
    """Return a copy with the same strides and flags, in memory of its own, or in that of one like it from before."""
    if before is not None and (before.dtype, before.shape, before.strides) == (array.dtype, array.shape, array.strides):
        twin = before
        twin.flags.writeable = True
    elif array.size == 0:
        return array.copy()
    else:
        offsets = [step * (side - 1) for step, side in zip(array.strides, array.shape, strict=True)]
        low, high = sum(o for o in offsets if o < 0), sum(o for o in offsets if o > 0)
        room = np.zeros(high - low + array.itemsize, np.uint8)
        twin = np.ndarray(array.shape, array.dtype, room, -low, array.strides)
    twin[...] = array
    twin.flags.writeable = array.flags.writeable
    return twin
