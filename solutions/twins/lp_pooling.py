"""Wrong Lp poolings, each with one mistake that students make. All have the signature of lp_pool2d."""

from __future__ import annotations

from typing import Any

import numpy as np

from solutions.pooling import avg_pool2d, lp_pool2d, max_pool2d
from solutions.windows import Array, Pair, pair

Stride = Pair | None


def root_forgotten(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The sum of powers, without the root."""
    return lp_pool2d(x, norm_type, kernel_size, stride) ** norm_type


def always_square_root(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The square root of the sum of powers, whatever p is."""
    return np.sqrt(lp_pool2d(x, norm_type, kernel_size, stride) ** norm_type)


def always_two(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:  # noqa: ARG001 - that is it
    """p is taken as 2."""
    return lp_pool2d(x, 2, kernel_size, stride)


def mean_of_powers(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The p-th root of the mean of the powers, not of their sum."""
    kh, kw = pair(kernel_size, "kernel_size")
    return np.asarray(lp_pool2d(x, norm_type, kernel_size, stride) / (kh * kw) ** (1 / norm_type))


def divided(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The norm divided by how many numbers the window has."""
    kh, kw = pair(kernel_size, "kernel_size")
    return lp_pool2d(x, norm_type, kernel_size, stride) / (kh * kw)


def power_of_sum(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The sum raised to p and its root taken, which is the sum's magnitude."""
    kh, kw = pair(kernel_size, "kernel_size")
    sums = avg_pool2d(x.astype(np.float64), kernel_size, stride) * (kh * kw)
    return np.asarray(sums if norm_type == 1 else np.abs(sums))


def max_instead(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:  # noqa: ARG001 - that is it
    """The largest number of the window."""
    return max_pool2d(x, kernel_size, stride)


def mean_instead(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:  # noqa: ARG001 - that is it
    """The mean of the window."""
    return avg_pool2d(x, kernel_size, stride)


def whole_norm(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """p cut off to a whole number, and so nothing where it is below 1."""
    return lp_pool2d(x, int(norm_type), kernel_size, stride)


def negative_left_out(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """Negative numbers count as 0."""
    return lp_pool2d(np.maximum(x, 0), norm_type, kernel_size, stride)


def first_image(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The first image's maps given for every image."""
    y = lp_pool2d(x, norm_type, kernel_size, stride)
    return np.repeat(y[:1], len(y), axis=0)


def of_channels(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The norm over all channels, given for each."""
    y = lp_pool2d(x, norm_type, kernel_size, stride)
    joined = (y**norm_type).sum(axis=1, keepdims=True) ** (1 / norm_type)
    return np.broadcast_to(joined, y.shape).copy()


def stride_one(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:  # noqa: ARG001 - that is it
    """The window always moves by one pixel."""
    return lp_pool2d(x, norm_type, kernel_size, 1)


def default_stride_one(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """Without a stride the window moves by one pixel."""
    return lp_pool2d(x, norm_type, kernel_size, 1 if stride is None else stride)


def stride_is_kernel(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:  # noqa: ARG001 - that is it
    """The windows lie side by side whatever the stride is."""
    return lp_pool2d(x, norm_type, kernel_size)


def stride_not_in_offset(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The size is right, but window (i, j) starts at (i, j)."""
    rows, columns = lp_pool2d(x, norm_type, kernel_size, stride).shape[2:]
    return lp_pool2d(x, norm_type, kernel_size, 1)[:, :, :rows, :columns]


def stride_swapped(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The strides read as (horizontal, vertical)."""
    height, width = pair(kernel_size if stride is None else stride, "stride")
    return lp_pool2d(x, norm_type, kernel_size, (width, height))


def kernel_swapped(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The window's size read as (width, height)."""
    height, width = pair(kernel_size, "kernel_size")
    return lp_pool2d(x, norm_type, (width, height), kernel_size if stride is None else stride)


def kernel_height_for_both(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The window's height used as its width."""
    height = pair(kernel_size, "kernel_size")[0]
    return lp_pool2d(x, norm_type, height, kernel_size if stride is None else stride)


def rounded_up(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """Windows that stand over the end are kept, with the numbers that they have."""
    size, steps = pair(kernel_size, "kernel_size"), pair(kernel_size if stride is None else stride, "stride")
    missing = [-(side - k) % s for side, k, s in zip(x.shape[2:], size, steps, strict=True)]
    extended = np.pad(x, ((0, 0), (0, 0), (0, missing[0]), (0, missing[1])))
    return lp_pool2d(extended, norm_type, kernel_size, stride)


def truncated_to_input(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The result kept in the dtype of x, which cuts off decimals where x is whole."""
    with np.errstate(invalid="ignore"):
        return lp_pool2d(x, norm_type, kernel_size, stride).astype(x.dtype)


def wraps_around(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """Powers taken in the input's own dtype, so that bytes wrap around at 256."""
    kh, kw = pair(kernel_size, "kernel_size")
    with np.errstate(invalid="ignore", over="ignore"):
        powers = np.asarray(x**norm_type, x.dtype)
        return (avg_pool2d(powers, kernel_size, stride) * (kh * kw)) ** (1 / norm_type)


def single_precision(x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """Computed in float32 whatever the input is."""
    return lp_pool2d(x.astype(np.float32, order="C"), norm_type, kernel_size, stride).astype(np.float64)
