"""Wrong pooling layers, each with one mistake that students make: max_… for max_pool2d, avg_… for avg_pool2d."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from solutions.pooling import avg_pool2d, max_pool2d
from solutions.windows import Array, Pair, pair

Pool = Callable[[Any, Pair, Pair | None], Array]
Stride = Pair | None


def max_mean_instead(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The mean of the window."""
    return avg_pool2d(x, kernel_size, stride)


def max_smallest(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The smallest number of the window."""
    return -max_pool2d(-x.astype(np.float64), kernel_size, stride)


def max_starts_at_zero(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The running maximum starts at 0."""
    return np.maximum(max_pool2d(x, kernel_size, stride), 0)


def max_starts_too_high(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The running maximum starts at a number that is thought to be low enough."""
    return np.maximum(max_pool2d(x, kernel_size, stride), -1e9)


def max_largest_magnitude(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The largest absolute value of the window."""
    return max_pool2d(np.abs(x.astype(np.float64)), kernel_size, stride)


def max_of_channels(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The largest number over all channels, given for each."""
    y = max_pool2d(x, kernel_size, stride)
    return np.broadcast_to(y.max(axis=1, keepdims=True), y.shape).copy()


def max_first_channel(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The first channel's map given for every channel."""
    return _first_channel(max_pool2d, x, kernel_size, stride)


def max_first_image(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The first image's maps given for every image."""
    return _first_image(max_pool2d, x, kernel_size, stride)


def max_top_left(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The first number of every window: subsampling."""
    size, steps = _sizes(kernel_size, stride)
    rows, columns = x.shape[2] - size[0] + 1, x.shape[3] - size[1] + 1
    return np.array(x[:, :, : rows : steps[0], : columns : steps[1]])


def max_stride_one(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The window always moves by one pixel."""
    return _stride_one(max_pool2d, x, kernel_size, stride)


def max_default_stride_one(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Without a stride the window moves by one pixel."""
    return _default_stride_one(max_pool2d, x, kernel_size, stride)


def max_stride_is_kernel(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The windows lie side by side whatever the stride is."""
    return _stride_is_kernel(max_pool2d, x, kernel_size, stride)


def max_stride_not_in_offset(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The size is right, but window (i, j) starts at (i, j)."""
    return _stride_not_in_offset(max_pool2d, x, kernel_size, stride)


def max_stride_height_for_both(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The vertical stride used for both directions."""
    return _stride_height_for_both(max_pool2d, x, kernel_size, stride)


def max_stride_swapped(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The strides read as (horizontal, vertical)."""
    return _stride_swapped(max_pool2d, x, kernel_size, stride)


def max_kernel_height_for_both(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The window's height used as its width."""
    return _kernel_height_for_both(max_pool2d, x, kernel_size, stride)


def max_kernel_swapped(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The window's size read as (width, height)."""
    return _kernel_swapped(max_pool2d, x, kernel_size, stride)


def max_rounded_up(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Windows that stand over the end are kept, with the numbers that they have."""
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    return max_pool2d(_extended(x, kernel_size, stride, lowest), kernel_size, stride)


def max_rounded_up_as_slices(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Windows that stand over the end are kept as slices, with the numbers that they have; an error if none."""
    return _slices(np.max, x, kernel_size, stride)


def max_last_dropped(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Positions counted without the + 1: the last window is missing wherever the stride divides."""
    return _last_dropped(max_pool2d, x, kernel_size, stride)


def max_single_precision(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Computed in float32 whatever the input is."""
    with np.errstate(over="ignore"):
        return max_pool2d(x.astype(np.float32, order="C"), kernel_size, stride).astype(np.float64)


def avg_max_instead(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The largest number of the window."""
    return max_pool2d(x, kernel_size, stride)


def avg_sum_instead(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The sum of the window, not divided."""
    return _sums(x, kernel_size, stride)


def avg_divided_by_height(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The sum divided by the window's height: k, not k*k."""
    return _sums(x, kernel_size, stride) / pair(kernel_size, "kernel_size")[0]


def avg_divided_by_height_squared(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The sum divided as if the window were square: k*k, with the height for k."""
    return _sums(x, kernel_size, stride) / pair(kernel_size, "kernel_size")[0] ** 2


def avg_divided_by_stride(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The sum divided by the product of the strides."""
    steps = _sizes(kernel_size, stride)[1]
    return _sums(x, kernel_size, stride) / (steps[0] * steps[1])


def avg_zeros_not_counted(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The sum divided by how many numbers of the window are not zero."""
    numbers = _sums((x != 0).astype(np.float64), kernel_size, stride)
    return _sums(x, kernel_size, stride) / np.maximum(numbers, 1)


def avg_whole_division(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Whole numbers divided with //."""
    y = avg_pool2d(x, kernel_size, stride)
    return y if x.dtype.kind == "f" else np.floor(y)


def avg_of_channels(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The mean over all channels, given for each."""
    y = avg_pool2d(x, kernel_size, stride)
    return np.broadcast_to(y.mean(axis=1, keepdims=True), y.shape).copy()


def avg_first_channel(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The first channel's map given for every channel."""
    return _first_channel(avg_pool2d, x, kernel_size, stride)


def avg_first_image(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The first image's maps given for every image."""
    return _first_image(avg_pool2d, x, kernel_size, stride)


def avg_stride_one(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The window always moves by one pixel."""
    return _stride_one(avg_pool2d, x, kernel_size, stride)


def avg_default_stride_one(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Without a stride the window moves by one pixel."""
    return _default_stride_one(avg_pool2d, x, kernel_size, stride)


def avg_stride_is_kernel(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The windows lie side by side whatever the stride is."""
    return _stride_is_kernel(avg_pool2d, x, kernel_size, stride)


def avg_stride_not_in_offset(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The size is right, but window (i, j) starts at (i, j)."""
    return _stride_not_in_offset(avg_pool2d, x, kernel_size, stride)


def avg_stride_height_for_both(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The vertical stride used for both directions."""
    return _stride_height_for_both(avg_pool2d, x, kernel_size, stride)


def avg_stride_swapped(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The strides read as (horizontal, vertical)."""
    return _stride_swapped(avg_pool2d, x, kernel_size, stride)


def avg_kernel_height_for_both(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The window's height used as its width."""
    return _kernel_height_for_both(avg_pool2d, x, kernel_size, stride)


def avg_kernel_swapped(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The window's size read as (width, height)."""
    return _kernel_swapped(avg_pool2d, x, kernel_size, stride)


def avg_rounded_up(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Windows that stand over the end are kept, and what they lack counts as zero."""
    return avg_pool2d(_extended(x, kernel_size, stride, 0), kernel_size, stride)


def avg_rounded_up_as_slices(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Windows that stand over the end are kept as slices, and divided by how many numbers they have."""
    return _slices(lambda part: np.sum(part, dtype=np.float64) / part.size, x, kernel_size, stride)


def avg_last_dropped(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Positions counted without the + 1: the last window is missing wherever the stride divides."""
    return _last_dropped(avg_pool2d, x, kernel_size, stride)


def avg_wraps_around(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Added up in the input's own dtype, so that bytes wrap around at 256."""
    size = pair(kernel_size, "kernel_size")
    with np.errstate(invalid="ignore", over="ignore"):
        return _sums(x, kernel_size, stride).astype(x.dtype) / (size[0] * size[1])


def avg_single_precision(x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Computed in float32 whatever the input is."""
    with np.errstate(over="ignore"):
        return avg_pool2d(x.astype(np.float32, order="C"), kernel_size, stride).astype(np.float64)


def _sizes(kernel_size: Pair, stride: Stride) -> tuple[tuple[int, int], tuple[int, int]]:
    size = pair(kernel_size, "kernel_size")
    return size, size if stride is None else pair(stride, "stride")


def _sums(x: Any, kernel_size: Pair, stride: Stride) -> Array:
    size = pair(kernel_size, "kernel_size")
    return avg_pool2d(x, kernel_size, stride) * (size[0] * size[1])


def _first_channel(pool: Pool, x: Any, kernel_size: Pair, stride: Stride) -> Array:
    y = pool(x, kernel_size, stride)
    return np.repeat(y[:, :1], y.shape[1], axis=1)


def _first_image(pool: Pool, x: Any, kernel_size: Pair, stride: Stride) -> Array:
    y = pool(x, kernel_size, stride)
    return np.repeat(y[:1], len(y), axis=0)


def _stride_one(pool: Pool, x: Any, kernel_size: Pair, stride: Stride) -> Array:  # noqa: ARG001 - that is it
    return pool(x, kernel_size, 1)


def _default_stride_one(pool: Pool, x: Any, kernel_size: Pair, stride: Stride) -> Array:
    return pool(x, kernel_size, 1 if stride is None else stride)


def _stride_is_kernel(pool: Pool, x: Any, kernel_size: Pair, stride: Stride) -> Array:  # noqa: ARG001 - that is it
    return pool(x, kernel_size, None)


def _stride_not_in_offset(pool: Pool, x: Any, kernel_size: Pair, stride: Stride) -> Array:
    rows, columns = pool(x, kernel_size, stride).shape[2:]
    return pool(x, kernel_size, 1)[:, :, :rows, :columns]


def _stride_height_for_both(pool: Pool, x: Any, kernel_size: Pair, stride: Stride) -> Array:
    return pool(x, kernel_size, _sizes(kernel_size, stride)[1][0])


def _stride_swapped(pool: Pool, x: Any, kernel_size: Pair, stride: Stride) -> Array:
    return pool(x, kernel_size, _sizes(kernel_size, stride)[1][::-1])


def _kernel_height_for_both(pool: Pool, x: Any, kernel_size: Pair, stride: Stride) -> Array:
    return pool(x, pair(kernel_size, "kernel_size")[0], stride)


def _kernel_swapped(pool: Pool, x: Any, kernel_size: Pair, stride: Stride) -> Array:
    return pool(x, pair(kernel_size, "kernel_size")[::-1], stride)


def _extended(x: Any, kernel_size: Pair, stride: Stride, value: float) -> Array:
    """Return x with rows and columns of `value` at the end, so that the stride divides."""
    size, steps = _sizes(kernel_size, stride)
    missing = [-(side - k) % s for side, k, s in zip(x.shape[2:], size, steps, strict=True)]
    return np.pad(x, ((0, 0), (0, 0), (0, missing[0]), (0, missing[1])), constant_values=value)


def _last_dropped(pool: Pool, x: Any, kernel_size: Pair, stride: Stride) -> Array:
    size, steps = _sizes(kernel_size, stride)
    rows, columns = (len(range(0, side - k, s)) for side, k, s in zip(x.shape[2:], size, steps, strict=True))
    return pool(x, kernel_size, stride)[:, :, :rows, :columns]


def _slices(combine: Callable[[Array], Any], x: Array, kernel_size: Pair, stride: Stride) -> Array:
    """Return combine(window) for as many windows as begin inside, or one more where that is beyond the end."""
    size, steps = _sizes(kernel_size, stride)
    rows, columns = (-(-(side - k) // s) + 1 for side, k, s in zip(x.shape[2:], size, steps, strict=True))
    y = np.zeros((*x.shape[:2], rows, columns))
    with np.errstate(invalid="ignore"):
        for n, c, i, j in np.ndindex(y.shape):
            top, left = i * steps[0], j * steps[1]
            y[n, c, i, j] = combine(x[n, c, top : top + size[0], left : left + size[1]])
    return y
