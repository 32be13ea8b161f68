"""Wrong gradients of pooling, each with one mistake that students make: max_… of max_pool2d, and so on.

Mistakes about where a window stands are the same for every kind of pooling: see `astray`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from solutions.pooling import avg_pool2d_backward, lp_pool2d_backward, max_pool2d_backward
from solutions.windows import Array, Pair, pair

Stride = Pair | None
Walk = Callable[[Pair, Stride], tuple[tuple[int, int], tuple[int, int]]]
Share = Callable[[Array, Any], Any]  # a window and its dy: what the window's entries get


def right_walk(kernel_size: Pair, stride: Stride) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the window's size and the strides as they should be."""
    size = pair(kernel_size, "kernel_size")
    return size, size if stride is None else pair(stride, "stride")


def scatter(
    dy: Any, x: Any, kernel_size: Pair, stride: Stride, share: Share, *, walk: Walk = right_walk, add: bool = True
) -> Array:
    """Return the gradient window by window; what stands over the end of the map is left out."""
    (kh, kw), (sh, sw) = walk(kernel_size, stride)
    x = np.asarray(x)
    floating = np.result_type(dy, x).kind == "f"
    dx = np.zeros(x.shape, np.result_type(dy, x) if floating else np.float64)
    for n, c, i, j in np.ndindex(*dy.shape):
        at = (n, c, slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw))
        if x[at].size == 0:
            continue
        part = share(x[at], dy[n, c, i, j])
        dx[at] = dx[at] + part if add else part
    return dx


# Shares ----------------------------------------------------------------------------------------------------


def to_first_largest(window: Array, dy: Any) -> Array:
    part = np.zeros(window.shape, np.float64)
    part[np.unravel_index(np.argmax(window), window.shape)] = dy
    return part


def evenly(window: Array, dy: Any) -> Array:
    return np.full(window.shape, dy / window.size, np.float64)


def by_norm(p: float) -> Share:
    def share(window: Array, dy: Any) -> Array:
        numbers = window.astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):  # a window in the wrong place may hold zeros only
            return np.asarray(dy * numbers ** (p - 1) * np.sum(numbers**p) ** (1 / p - 1))

    return share


# Windows in the wrong place --------------------------------------------------------------------------------

WALKS: dict[str, tuple[str, Walk]] = {
    "stride-not-in-offset": (
        "Window (i, j) starts at (i, j), not at (i*sh, j*sw).",
        lambda k, s: (pair(k, "kernel_size"), (1, 1)),
    ),
    "default-stride-one": (
        "Without a stride the window moves by one pixel.",
        lambda k, s: (pair(k, "kernel_size"), (1, 1) if s is None else pair(s, "stride")),
    ),
    "stride-is-kernel": (
        "The windows lie side by side whatever the stride is.",
        lambda k, s: (pair(k, "kernel_size"), pair(k, "kernel_size")),
    ),
    "stride-height-for-both": (
        "The vertical stride used for both directions.",
        lambda k, s: (pair(k, "kernel_size"), (right_walk(k, s)[1][0],) * 2),
    ),
    "stride-swapped": (
        "The strides read as (horizontal, vertical).",
        lambda k, s: (pair(k, "kernel_size"), (right_walk(k, s)[1][1], right_walk(k, s)[1][0])),
    ),
    "kernel-height-for-both": (
        "The window's height used as its width.",
        lambda k, s: ((pair(k, "kernel_size")[0],) * 2, right_walk(k, s)[1]),
    ),
    "kernel-swapped": (
        "The window's size read as (width, height).",
        lambda k, s: ((pair(k, "kernel_size")[1], pair(k, "kernel_size")[0]), right_walk(k, s)[1]),
    ),
}


def astray(kind: str, name: str) -> Callable[..., Array]:
    """Return the gradient of "max", "avg" or "lp" pooling with the windows of WALKS[name]."""
    doc, walk = WALKS[name]

    def plain(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
        share = to_first_largest if kind == "max" else evenly
        return scatter(dy, x, kernel_size, stride, share, walk=walk)

    def norm(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
        return scatter(dy, x, kernel_size, stride, by_norm(norm_type), walk=walk)

    function = norm if kind == "lp" else plain
    function.__name__, function.__doc__ = f"{kind}_{name.replace('-', '_')}", doc
    return function


# Max pooling -----------------------------------------------------------------------------------------------


def max_all_ties(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Every entry that equals the maximum gets all of dy: the mask of a comparison."""
    return scatter(dy, x, kernel_size, stride, lambda window, up: (window == window.max()) * up)


def max_near_ties(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Every entry close to the maximum gets dy: the mask of isclose."""
    return scatter(dy, x, kernel_size, stride, lambda window, up: np.isclose(window, window.max()) * up)


def max_mask_returned(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The mask of the maxima itself: dy is not used."""
    return scatter(dy, x, kernel_size, stride, lambda window, up: to_first_largest(window, 1))


def max_times_number(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """dy times the maximum."""
    with np.errstate(over="ignore"):
        return scatter(dy, x, kernel_size, stride, lambda window, up: to_first_largest(window, up * window.max()))


def max_overwritten(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Assigned with = for +=: a later window wipes out an earlier one."""
    return scatter(dy, x, kernel_size, stride, to_first_largest, add=False)


def max_largest_overwritten(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Assigned with = for += at the maximum alone: the last window that it is the largest of counts."""
    dx = np.zeros(x.shape, np.float64)
    (kh, kw), (sh, sw) = right_walk(kernel_size, stride)
    for n, c, i, j in np.ndindex(*dy.shape):
        window = x[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
        u, v = np.unravel_index(np.argmax(window), window.shape)
        dx[n, c, i * sh + u, j * sw + v] = dy[n, c, i, j]
    return dx


def max_index_by_height(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The position in the window computed with KH: (index // KH, index % KH)."""
    height = pair(kernel_size, "kernel_size")[0]

    def share(window: Array, up: Any) -> Array:
        part = np.zeros(window.shape, np.float64)
        part[divmod(int(np.argmax(window)), height)] = up
        return part

    return scatter(dy, x, kernel_size, stride, share)


def max_index_transposed(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Row and column of the maximum exchanged."""

    def share(window: Array, up: Any) -> Array:
        part = np.zeros(window.shape, np.float64)
        row, column = np.unravel_index(np.argmax(window), window.shape)
        part[column, row] = up
        return part

    return scatter(dy, x, kernel_size, stride, share)


def max_to_smallest(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """dy given to the smallest entry."""
    return scatter(dy, x, kernel_size, stride, lambda window, up: to_first_largest(-window.astype(np.float64), up))


def max_to_largest_magnitude(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """dy given to the largest absolute value."""
    return scatter(dy, x, kernel_size, stride, lambda window, up: to_first_largest(np.abs(window), up))


def max_starts_at_zero(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """A window without a positive number gives nothing back, as if the maximum started at 0."""
    return scatter(
        dy, x, kernel_size, stride, lambda window, up: to_first_largest(window, up) if window.max() > 0 else 0
    )


def max_spread_evenly(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """dy spread over the window: the gradient of the mean."""
    return avg_pool2d_backward(dy, x, kernel_size, stride)


def max_of_channels(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """dy given only where a channel's number is the largest over all channels, too."""
    dx = max_pool2d_backward(dy, x, kernel_size, stride)
    return np.where(x == x.max(axis=1, keepdims=True), dx, 0)


def max_first_image(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The maxima of the first image used for all images."""
    return max_pool2d_backward(dy, np.repeat(x[:1], len(x), axis=0), kernel_size, stride)


def max_first_channel(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The maxima of the first channel used for all channels."""
    return max_pool2d_backward(dy, np.repeat(x[:, :1], x.shape[1], axis=1), kernel_size, stride)


def max_truncated_to_input(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """dx in the dtype of x, which cuts off decimals of dy where x is whole."""
    with np.errstate(invalid="ignore"):
        return max_pool2d_backward(dy, x, kernel_size, stride).astype(x.dtype)


def max_single_precision(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Computed in float32 whatever the input is."""
    narrow = max_pool2d_backward(dy.astype(np.float32, order="C"), x.astype(np.float32, order="C"), kernel_size, stride)
    return narrow.astype(np.float64)


def max_left_over_dropped(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """dx as large as what the windows reach."""
    return _reached(max_pool2d_backward(dy, x, kernel_size, stride), dy, kernel_size, stride)


# Mean pooling ----------------------------------------------------------------------------------------------


def avg_not_divided(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Every entry gets all of dy."""
    return scatter(dy, x, kernel_size, stride, lambda window, up: np.full(window.shape, up))


def avg_divided_by_height(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """dy divided by the window's height: k, not k*k."""
    return scatter(dy, x, kernel_size, stride, lambda window, up: np.full(window.shape, up / len(window)))


def avg_divided_by_stride(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """dy divided by the product of the strides."""
    steps = right_walk(kernel_size, stride)[1]
    return scatter(dy, x, kernel_size, stride, lambda window, up: np.full(window.shape, up / (steps[0] * steps[1])))


def avg_whole_division(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """dy divided with //, which rounds down."""
    return scatter(dy, x, kernel_size, stride, lambda window, up: np.full(window.shape, up // window.size))


def avg_overwritten(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Assigned with = for +=: an entry keeps its last window."""
    return scatter(dy, x, kernel_size, stride, evenly, add=False)


def avg_repeated(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:  # noqa: ARG001 - that is it
    """dy / (KH*KW) repeated KH by KW times (np.repeat), then cut or filled up with zeros to the shape of x."""
    kh, kw = pair(kernel_size, "kernel_size")
    tiled = np.repeat(np.repeat(dy / (kh * kw), kh, axis=2), kw, axis=3)[:, :, : x.shape[2], : x.shape[3]]
    dx = np.zeros(x.shape, np.float64)
    dx[:, :, : tiled.shape[2], : tiled.shape[3]] = tiled
    return dx


def avg_times_number(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """dy spread in proportion to the numbers: x * dy / (KH*KW)."""
    return scatter(dy, x, kernel_size, stride, lambda window, up: window * up / window.size)


def avg_upstream_ignored(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """1 / (KH*KW) for every window: dy is not used."""
    return avg_pool2d_backward(np.ones_like(dy), x, kernel_size, stride)


def avg_to_largest(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """dy given to the largest entry: the gradient of the maximum."""
    return max_pool2d_backward(dy, x, kernel_size, stride)


def avg_to_corner(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """All of dy given to the window's first entry."""
    return scatter(dy, x, kernel_size, stride, lambda window, up: to_first_largest(window == window[0, 0], up))


def avg_mean_of_windows(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Where windows overlap, the mean of what they give back, not the sum."""
    times = scatter(np.ones(dy.shape), x, kernel_size, stride, lambda window, up: np.ones(window.shape))
    return avg_pool2d_backward(dy, x, kernel_size, stride) / np.maximum(times, 1)


def avg_first_image(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """The first image's dy used for all images."""
    return avg_pool2d_backward(np.repeat(dy[:1], len(dy), axis=0), x, kernel_size, stride)


def avg_of_channels(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Divided by the number of channels as well, and the same for all of them."""
    dx = avg_pool2d_backward(dy, x, kernel_size, stride)
    return np.broadcast_to(dx.mean(axis=1, keepdims=True), dx.shape).copy()


def avg_truncated_to_input(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """dx in the dtype of x, which cuts off decimals where x is whole."""
    with np.errstate(invalid="ignore"):
        return avg_pool2d_backward(dy, x, kernel_size, stride).astype(x.dtype)


def avg_single_precision(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """Computed in float32 whatever the input is."""
    narrow = avg_pool2d_backward(dy.astype(np.float32, order="C"), x.astype(np.float32, order="C"), kernel_size, stride)
    return narrow.astype(np.float64)


def avg_left_over_dropped(dy: Any, x: Any, kernel_size: Pair, stride: Stride = None) -> Array:
    """dx as large as what the windows reach."""
    return _reached(avg_pool2d_backward(dy, x, kernel_size, stride), dy, kernel_size, stride)


# Lp pooling ------------------------------------------------------------------------------------------------


def lp_root_forgotten(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The gradient of the sum of powers, p * x**(p-1), without the outer root."""
    p = norm_type
    return scatter(dy, x, kernel_size, stride, lambda window, up: up * p * window.astype(np.float64) ** (p - 1))


def lp_powers_only(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """dy * x**(p-1), not divided by y**(p-1)."""
    p = norm_type
    return scatter(dy, x, kernel_size, stride, lambda window, up: up * window.astype(np.float64) ** (p - 1))


def lp_inner_factor_left(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """p times too much: the root's 1/p is forgotten."""
    return np.asarray(norm_type * lp_pool2d_backward(dy, x, norm_type, kernel_size, stride))


def lp_outer_factor_only(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """p times too little: the power's p is forgotten."""
    return lp_pool2d_backward(dy, x, norm_type, kernel_size, stride) / norm_type


def lp_always_two(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:  # noqa: ARG001 - that is it
    """p is taken as 2."""
    return lp_pool2d_backward(dy, x, 2, kernel_size, stride)


def lp_divided_by_sum(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """dy * x**(p-1) divided by y**p, the sum under the root."""
    p = norm_type

    def share(window: Array, up: Any) -> Array:
        numbers = window.astype(np.float64)
        return np.asarray(up * numbers ** (p - 1) / np.sum(numbers**p))

    return scatter(dy, x, kernel_size, stride, share)


def lp_sign_lost(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """Absolute values kept: negative numbers get a gradient of the wrong sign."""
    return lp_pool2d_backward(dy, np.abs(x.astype(np.float64)), norm_type, kernel_size, stride)


def lp_mean_of_powers(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The gradient of (mean of x**p) ** (1/p)."""
    size = right_walk(kernel_size, stride)[0]
    return np.asarray(
        lp_pool2d_backward(dy, x, norm_type, kernel_size, stride) / (size[0] * size[1]) ** (1 / norm_type)
    )


def lp_power_below_zero(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """x * |x|**(p-2) for |x|**(p-1) with the sign of x: 0 times infinity at 0, where p is below 2."""
    given = lp_pool2d_backward(dy, x, norm_type, kernel_size, stride)
    held = avg_pool2d_backward(np.ones(np.shape(dy)), x, kernel_size, stride) > 0
    return np.where(held & (np.asarray(x) == 0) & (norm_type < 2), np.nan, given)


def lp_upstream_ignored(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """As if dy were 1 everywhere."""
    return lp_pool2d_backward(np.ones_like(dy), x, norm_type, kernel_size, stride)


def lp_spread_evenly(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:  # noqa: ARG001 - that is it
    """dy spread over the window: the gradient of the mean."""
    return avg_pool2d_backward(dy, x, kernel_size, stride)


def lp_to_largest(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:  # noqa: ARG001 - that is it
    """dy given to the largest entry: the gradient of the maximum."""
    return max_pool2d_backward(dy, x, kernel_size, stride)


def lp_overwritten(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """Assigned with = for +=: an entry keeps its last window."""
    return scatter(dy, x, kernel_size, stride, by_norm(norm_type), add=False)


def lp_first_image(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The first image used for all images."""
    return lp_pool2d_backward(dy, np.repeat(x[:1], len(x), axis=0), norm_type, kernel_size, stride)


def lp_first_channel(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """The first channel used for all channels."""
    return lp_pool2d_backward(dy, np.repeat(x[:, :1], x.shape[1], axis=1), norm_type, kernel_size, stride)


def lp_truncated_to_input(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """dx in the dtype of x, which cuts off decimals where x is whole."""
    with np.errstate(invalid="ignore"):
        return lp_pool2d_backward(dy, x, norm_type, kernel_size, stride).astype(x.dtype)


def lp_single_precision(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """Computed in float32 whatever the input is."""
    narrow = lp_pool2d_backward(
        dy.astype(np.float32, order="C"), x.astype(np.float32, order="C"), norm_type, kernel_size, stride
    )
    return narrow.astype(np.float64)


def lp_left_over_dropped(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Stride = None) -> Array:
    """dx as large as what the windows reach."""
    return _reached(lp_pool2d_backward(dy, x, norm_type, kernel_size, stride), dy, kernel_size, stride)


def _reached(dx: Array, dy: Any, kernel_size: Pair, stride: Stride) -> Array:
    (kh, kw), (sh, sw) = right_walk(kernel_size, stride)
    return np.array(dx[:, :, : (dy.shape[2] - 1) * sh + kh, : (dy.shape[3] - 1) * sw + kw])
