"""Pooling layers: the largest number, the mean and the p-norm of every window, and their gradients.

Windows that would stand over the edge are left out (floor), and `stride=None` means the window's size. Whole
numbers and Fractions (arrays of dtype object) are computed exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from solutions.windows import Array, Pair, pair, stack, windows


def max_pool2d(x: Any, kernel_size: Pair, stride: Pair | None = None) -> Array:
    """Return the largest number of every window, channel by channel.

    y[n, c, i, j] = max over u, v of x[n, c, i*sh + u, j*sw + v], with OH = floor((H - KH) / sh) + 1.

    Args:
        x: (N, C, H, W) of any real dtype; N and C may be 0. It is not changed.
        kernel_size: int or (KH, KW), not larger than the map.
        stride: int or (sh, sw); None for kernel_size.

    Returns:
        (N, C, OH, OW) of x's dtype. A window with a NaN gives NaN.

    Raises:
        ValueError: the window does not fit, or a size is not positive.

    >>> max_pool2d(np.array([[[[1, 5, 2], [4, 3, 8], [7, 0, 6]]]]), 2, stride=1)[0, 0].tolist()
    [[5, 8], [7, 8]]
    """
    flat = _flat_windows(stack(x), kernel_size, stride)
    return np.asarray(np.max(flat, axis=-1), flat.dtype)


def avg_pool2d(x: Any, kernel_size: Pair, stride: Pair | None = None) -> Array:
    """Return the mean of every window, channel by channel.

    Args:
        x, kernel_size, stride: as for max_pool2d.

    Returns:
        (N, C, OH, OW): floats keep their dtype, integers give float64, and object arrays (integers or
        Fractions) give exact Fractions.

    Raises:
        ValueError: as max_pool2d.

    >>> avg_pool2d(np.array([[[[1, 5, 2], [4, 3, 8], [7, 0, 6]]]]), 2, stride=1)[0, 0].tolist()
    [[3.25, 4.5], [3.5, 4.25]]
    """
    flat = _flat_windows(stack(x), kernel_size, stride)
    if flat.dtype == object:
        return np.asarray(flat.sum(axis=-1) * Fraction(1, flat.shape[-1]), object)
    if flat.dtype.kind in "biu":
        if flat.dtype.itemsize == 8:  # the sum of large ones may not fit into 64 bits
            return np.asarray(flat.sum(axis=-1, dtype=object) / flat.shape[-1], np.float64)
        return np.asarray(flat.sum(axis=-1, dtype=np.int64) / flat.shape[-1])
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(flat.mean(axis=-1), flat.dtype)


def lp_pool2d(x: Any, norm_type: float, kernel_size: Pair, stride: Pair | None = None) -> Array:
    """Return (sum of x**p) ** (1/p) of every window with p = norm_type: p = 2 is L2 pooling, p = 1 the sum.

    As PyTorch does, x is raised to p with its sign, so that an odd p and a negative sum give NaN (p = 1 apart).

    Args:
        x, kernel_size, stride: as for max_pool2d, x of numbers that are not objects.
        norm_type: p, a positive number.

    Returns:
        (N, C, OH, OW): floats keep their dtype, integers give float64.

    Raises:
        ValueError: as max_pool2d, or p is not positive and finite.

    >>> lp_pool2d(np.array([[[[3, 4], [0, 0]]]]), 2, 2).tolist()
    [[[[5.0]]]]
    """
    p = _norm(norm_type)
    x = stack(x)
    flat = _flat_windows(x if x.dtype.kind == "f" else x.astype(np.float64), kernel_size, stride)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        return np.asarray((flat**p).sum(axis=-1) ** (1 / p), flat.dtype)


def max_pool2d_backward(dy: Any, x: Any, kernel_size: Pair, stride: Pair | None = None) -> Array:
    """Return the gradient of sum(dy * max_pool2d(x, ...)) for x: each dy goes to its window's largest number.

    At ties it goes to the first in reading order, as in PyTorch; any other split of it would be a subgradient too.

    Args:
        dy: (N, C, OH, OW); x, kernel_size, stride: as given to max_pool2d.

    Returns:
        (N, C, H, W) of the common dtype of dy and x.

    >>> max_pool2d_backward([[[[10, 20]]]], [[[[1, 5, 2]]]], (1, 2), 1).tolist()
    [[[[0, 30, 0]]]]
    """

    def share(flat: Array, upstream: Array) -> Array:
        first = np.argmax(flat, axis=-1)[..., None] == np.arange(flat.shape[-1])
        return np.where(first, upstream[..., None], upstream.dtype.type(0) if upstream.dtype != object else 0)

    return _scatter(dy, x, kernel_size, stride, share)


def avg_pool2d_backward(dy: Any, x: Any, kernel_size: Pair, stride: Pair | None = None) -> Array:
    """Return the gradient of sum(dy * avg_pool2d(x, ...)) for x: each dy is spread evenly over its window.

    Args:
        dy: (N, C, OH, OW); x, kernel_size, stride: as given to avg_pool2d (of x only the shape and dtype matter).

    Returns:
        (N, C, H, W): floats keep the common dtype, integers give float64, object arrays exact Fractions.

    >>> avg_pool2d_backward([[[[10, 20]]]], [[[[1, 5, 2]]]], (1, 2), 1).tolist()
    [[[[5.0, 15.0, 10.0]]]]
    """

    def share(flat: Array, upstream: Array) -> Array:
        each = upstream * Fraction(1, flat.shape[-1]) if upstream.dtype == object else upstream / flat.shape[-1]
        return np.broadcast_to(each[..., None], flat.shape)

    return _scatter(dy, x, kernel_size, stride, share)


def lp_pool2d_backward(dy: Any, x: Any, norm_type: float, kernel_size: Pair, stride: Pair | None = None) -> Array:
    """Return the gradient of sum(dy * lp_pool2d(x, p, ...)) for x: dy * (x / y)**(p - 1), and 0 where y is 0.

    Args:
        dy: (N, C, OH, OW); x, norm_type, kernel_size, stride: as given to lp_pool2d.

    Returns:
        (N, C, H, W): floats keep the common dtype, integers give float64.

    >>> lp_pool2d_backward([[[[10.0]]]], [[[[3, 4]]]], 2, (1, 2)).tolist()
    [[[[6.0, 8.0]]]]
    """
    p = _norm(norm_type)

    def share(flat: Array, upstream: Array) -> Array:
        with np.errstate(invalid="ignore", over="ignore", under="ignore", divide="ignore"):
            y = ((flat**p).sum(axis=-1) ** (1 / p))[..., None]
            ratio = np.divide(flat, y, out=np.zeros(flat.shape, flat.dtype), where=y != 0)
            return np.where(y == 0, 0, upstream[..., None] * ratio ** (p - 1))

    x = stack(x)
    return _scatter(dy, x if x.dtype.kind == "f" else x.astype(np.float64), kernel_size, stride, share)


def _norm(norm_type: float) -> float:
    p = float(norm_type)
    if not 0 < p < np.inf:
        raise ValueError(f"norm_type={norm_type} must be positive and finite")
    return p


def _sizes(kernel_size: Pair, stride: Pair | None) -> tuple[tuple[int, int], tuple[int, int]]:
    size = pair(kernel_size, "kernel_size")
    return size, size if stride is None else pair(stride, "stride")


def _flat_windows(x: Array, kernel_size: Pair, stride: Pair | None) -> Array:
    """Return the windows of x as (N, C, OH, OW, KH*KW)."""
    view = windows(x, *_sizes(kernel_size, stride))
    return view.reshape(*view.shape[:4], view.shape[4] * view.shape[5])


def _scatter(dy: Any, x: Any, kernel_size: Pair, stride: Pair | None, share: Callable[[Array, Array], Array]) -> Array:
    """Return the sum of what every window gives back: share(windows of x, dy) is (N, C, OH, OW, KH*KW)."""
    dy, x = stack(dy, "dy"), stack(x)
    (kh, kw), (sh, sw) = _sizes(kernel_size, stride)
    flat = _flat_windows(x, kernel_size, stride)
    if dy.shape != flat.shape[:4]:
        raise ValueError(f"dy has the shape {dy.shape}; the output's is {flat.shape[:4]}")
    parts = share(flat, dy.astype(np.result_type(dy, x)))
    dx = np.zeros(x.shape, parts.dtype)
    for index, (u, v) in enumerate(np.ndindex(kh, kw)):
        dx[:, :, u : u + sh * dy.shape[2] : sh, v : v + sw * dy.shape[3] : sw] += parts[..., index]
    return dx
