"""Wrong convolutions of sequences, each with one mistake that students make. All have the signature of conv1d."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from solutions.convolution import Mode, conv1d
from solutions.windows import Array

Twin = Callable[..., Array]


def turned(twin: Twin) -> Twin:
    """Return the twin of cross_correlate1d with the same mistake: the wrong convolution with w turned round."""

    @functools.wraps(twin)
    def correlate(x: Any, w: Any, mode: Mode = "valid") -> Array:
        return twin(x, w[::-1], mode)

    return correlate


def not_flipped(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """The cross-correlation in place of the convolution, and the other way round."""
    return conv1d(x, w[::-1], mode)


def both_flipped(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """The result the wrong way round, as when x is turned and not w."""
    return conv1d(x, w, mode)[::-1]


def valid_whatever_mode(x: Any, w: Any, mode: Mode = "valid") -> Array:  # noqa: ARG001 - that is it
    """The mode is not used: always valid."""
    return conv1d(x, w, "valid")


def full_whatever_mode(x: Any, w: Any, mode: Mode = "valid") -> Array:  # noqa: ARG001 - that is it
    """The mode is not used: always full."""
    return conv1d(x, w, "full")


def same_starts_late(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """For "same" the middle is taken one too late where the shorter length is even."""
    return _cut(x, w, mode, min(len(x), len(w)) // 2, max(len(x), len(w)))


def same_from_start(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """For "same" the first entries of "full", not the middle ones: all zeros stand before x."""
    return _cut(x, w, mode, 0, max(len(x), len(w)))


def same_from_end(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """For "same" the last entries of "full", not the middle ones: all zeros stand behind x."""
    return _cut(x, w, mode, min(len(x), len(w)) - 1, max(len(x), len(w)))


def same_padded_alike(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """For "same" as many zeros behind x as before it: one entry too many where the shorter length is even."""
    even = min(len(x), len(w)) % 2 == 0
    return _cut(x, w, mode, (min(len(x), len(w)) - 1) // 2, max(len(x), len(w)) + even)


def same_length_of_x(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """For "same" as long as x, also where w is longer, as MATLAB has it."""
    return _cut(x, w, mode, (len(w) - 1) // 2, len(x))


def full_without_plus_one(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """For "full" one entry short."""
    y = conv1d(x, w, mode)
    return y[:-1] if mode == "full" else y


def full_one_zero_too_many(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """For "full" as many entries as x and w have numbers together: the last one overlaps nothing."""
    y = conv1d(x, w, mode)
    return np.append(y, np.zeros(1, y.dtype)) if mode == "full" else y


def valid_without_plus_one(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """For "valid" one entry short."""
    y = conv1d(x, w, mode)
    return y[:-1] if mode == "valid" else y


def valid_needs_longer_x(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """For "valid" nothing at all where w is longer than x: len(x) - len(w) + 1 positions."""
    y = conv1d(x, w, mode)
    return y[:0] if mode == "valid" and len(w) > len(x) else y


def negative_indices(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """Before the start the last numbers are taken, as negative indices do."""
    return _edged(x, w, mode, "wrap", "constant")


def edges_repeated(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """Beyond the ends the outermost numbers are repeated; they should count as zero."""
    return _edged(x, w, mode, "edge", "edge")


def stepped_by_kernel(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """The kernel moves by its own length, so that windows do not overlap."""
    return conv1d(x, w, mode)[:: min(len(x), len(w))]


def averaged(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """The products averaged, not added."""
    return conv1d(x, w, mode) / min(len(x), len(w))


def truncated_to_input(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """The result kept in the dtype of x, which cuts off decimals or wraps around."""
    with np.errstate(invalid="ignore"):
        return conv1d(x, w, mode).astype(x.dtype)


def single_precision(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """Computed in float32 whatever the input is."""
    return conv1d(x.astype(np.float32, order="C"), w.astype(np.float32, order="C"), mode).astype(np.float64)


def _cut(x: Any, w: Any, mode: Mode, start: int, length: int) -> Array:
    """Return that stretch of "full" for "same", and the right result for the other modes."""
    if mode != "same":
        return conv1d(x, w, mode)
    return conv1d(x, w, "full")[start : start + length]


def _edged(x: Any, w: Any, mode: Mode, before: Any, behind: Any) -> Array:
    """Return the convolution with the longer sequence continued beyond its ends as np.pad does."""
    long, short = (x, w) if len(x) >= len(w) else (w, x)
    beyond = len(short) - 1
    if mode == "valid" or not beyond:
        return conv1d(x, w, mode)
    continued = np.pad(np.pad(long, (beyond, 0), mode=before), (0, beyond), mode=behind)
    full = conv1d(continued, short, "valid")
    start, length = ((len(short) - 1) // 2, len(long)) if mode == "same" else (0, len(full))
    return full[start : start + length]
