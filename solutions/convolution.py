"""Convolution layers: forward, backward, along one axis, and as columns of a matrix.

As in every deep-learning library, "convolution" of a layer is cross-correlation: the kernel is not flipped.
Only `conv1d` is the true one. Whole numbers and Fractions (arrays of dtype object) are computed exactly.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from solutions.windows import Array, Pair, pad, pair, stack, windows

Mode = Literal["valid", "same", "full"]


def conv2d(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """Return the cross-correlation of every image with every filter, plus the filter's bias.

    y[n, f, i, j] = b[f] + sum over c, u, v of xp[n, c, i*sh + u, j*sw + v] * w[f, c, u, v], where xp is x with
    `padding` zeros on each side. OH = floor((H + 2*ph - KH) / sh) + 1, and OW likewise.

    Args:
        x: (N, C, H, W) of any real dtype; N may be 0. It is not changed.
        w: (F, C, KH, KW), not larger than the padded image.
        b: (F,), or None for no bias.
        stride: int or (sh, sw), at least 1.
        padding: int or (ph, pw), at least 0.

    Returns:
        (N, F, OH, OW) of the arguments' common dtype; integers of any width become int64, and object arrays
        (Fractions) stay exact.

    Raises:
        ValueError: shapes that do not go together, or a kernel larger than the padded image.

    >>> x = np.array([[[[1, 2, 0], [0, 3, 1], [4, 0, 2]]]])
    >>> w = np.array([[[[1, 0], [0, -1]]]])
    >>> conv2d(x, w, b=[10])[0, 0].tolist()
    [[8, 11], [10, 11]]
    """
    x, w = stack(x), stack(w, "w")
    bias = None if b is None else np.asarray(b)
    _fit(x, w, bias)
    steps = pair(stride, "stride")
    dtype = _dtype(x, w, *(() if bias is None else (bias,)))
    x, w = x.astype(_wide(dtype)), w.astype(_wide(dtype))
    view = windows(pad(x, pair(padding, "padding", 0)), (w.shape[2], w.shape[3]), steps)
    with np.errstate(invalid="ignore", over="ignore"):
        y = np.tensordot(view, w, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)
        if bias is not None:
            y = y + bias.astype(_wide(dtype))[:, None, None]
        return np.ascontiguousarray(y, dtype)


def conv2d_backward(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> tuple[Array, Array, Array]:
    """Return the gradients of sum(dy * conv2d(x, w, b, stride, padding)) for x, w and b.

    dw correlates the padded input with dy; dx pastes dy[n, f, i, j] * w[f] where the window of (i, j) stood,
    which is a full convolution with the kernels rotated by 180 degrees; db sums dy.

    Args:
        dy: (N, F, OH, OW), the gradient of the output.
        x, w, stride, padding: as given to conv2d.

    Returns:
        dx: (N, C, H, W), dw: (F, C, KH, KW), db: (F,), of the dtype that conv2d would return.

    Raises:
        ValueError: as conv2d, or dy has not the shape of the output.

    >>> dx, dw, db = conv2d_backward(np.ones((1, 1, 1, 2), int), np.array([[[[1, 2, 3]]]]), np.array([[[[4, 5]]]]))
    >>> dx.tolist(), dw.tolist(), db.tolist()
    ([[[[4, 9, 5]]]], [[[[3, 5]]]], [2])
    """
    dy, x, w = stack(dy, "dy"), stack(x), stack(w, "w")
    _fit(x, w, None)
    (sh, sw), (ph, pw) = pair(stride, "stride"), pair(padding, "padding", 0)
    dtype = _dtype(dy, x, w)
    dy, x, w = (array.astype(_wide(dtype)) for array in (dy, x, w))
    padded = pad(x, (ph, pw))
    view = windows(padded, (w.shape[2], w.shape[3]), (sh, sw))
    if dy.shape != (len(x), len(w), *view.shape[2:4]):
        raise ValueError(f"dy has the shape {dy.shape}; the output's is {(len(x), len(w), *view.shape[2:4])}")
    with np.errstate(invalid="ignore", over="ignore"):
        dw = np.tensordot(dy, view, axes=((0, 2, 3), (0, 2, 3)))
        dxp = np.zeros(padded.shape, padded.dtype)
        for u, v in np.ndindex(w.shape[2], w.shape[3]):
            rows, columns = slice(u, u + sh * dy.shape[2], sh), slice(v, v + sw * dy.shape[3], sw)
            dxp[:, :, rows, columns] += np.tensordot(dy, w[:, :, u, v], axes=((1,), (0,))).transpose(0, 3, 1, 2)
        dx = dxp[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]]
        return dx.astype(dtype), dw.astype(dtype), dy.sum(axis=(0, 2, 3)).astype(dtype)


def conv1d(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """Return the true convolution of two sequences, y[n] = sum over k of x[n - k] * w[k], as np.convolve.

    Args:
        x: (n,) and w: (m,), both at least one number long.
        mode: "full": all n + m - 1 positions where they overlap; "same": the middle max(n, m) of them;
            "valid": the max(n, m) - min(n, m) + 1 where they overlap completely.

    Returns:
        (length,) of the common dtype; integers become int64, and object arrays (Fractions) stay exact.

    Raises:
        ValueError: an empty sequence, more than one axis, or another mode.

    >>> conv1d([1, 2, 3, 4], [1, 0, -1], "full").tolist()
    [1, 2, 2, 2, -3, -4]
    """
    x, w = np.asarray(x), np.asarray(w)
    if x.ndim != 1 or w.ndim != 1 or not len(x) or not len(w):
        raise ValueError(f"x and w must be sequences of at least one number, not of shapes {x.shape} and {w.shape}")
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"mode={mode!r} must be 'valid', 'same' or 'full'")
    dtype = _dtype(x, w)
    long, short = sorted((x.astype(_wide(dtype)), w.astype(_wide(dtype))), key=len, reverse=True)
    full = np.zeros(len(long) + len(short) - 1, long.dtype)
    with np.errstate(invalid="ignore", over="ignore"):
        for k, weight in enumerate(short):
            full[k : k + len(long)] += weight * long
    start, length = {
        "full": (0, len(full)),
        "same": ((len(short) - 1) // 2, len(long)),
        "valid": (len(short) - 1, len(long) - len(short) + 1),
    }[mode]
    return full[start : start + length].astype(dtype)


def cross_correlate1d(x: Any, w: Any, mode: Mode = "valid") -> Array:
    """Return the cross-correlation, "valid": y[n] = sum over k of x[n + k] * w[k]; otherwise as conv1d.

    It is the true convolution with the kernel turned round, so "full" starts with the last weight on the
    first number.

    >>> cross_correlate1d([1, 2, 3, 4], [1, 0, -1]).tolist()
    [-2, -2]
    """
    return conv1d(x, np.asarray(w)[::-1], mode)


def im2col(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """Return the windows of x as columns: conv2d is then one matrix product with w.reshape(F, -1).

    Args:
        x: (N, C, H, W); kernel_size, stride, padding: int or pair.

    Returns:
        (N, C*KH*KW, OH*OW) of x's dtype; the windows in reading order, each with channel, row, column.

    >>> im2col(np.arange(9).reshape(1, 1, 3, 3), 2)[0].tolist()
    [[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]
    """
    x = stack(x)
    kh, kw = pair(kernel_size, "kernel_size")
    view = windows(pad(x, pair(padding, "padding", 0)), (kh, kw), pair(stride, "stride"))
    n, c, oh, ow = view.shape[:4]
    return view.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, oh * ow).copy()


def _fit(x: Array, w: Array, b: Array | None) -> None:
    """Raise ValueError unless image, filters and bias go together."""
    if x.shape[1] != w.shape[1]:
        raise ValueError(f"x has {x.shape[1]} channels and w has {w.shape[1]}; they must have as many")
    if 0 in w.shape or x.shape[1] == 0:
        raise ValueError(f"w has the shape {w.shape}; every axis needs at least one entry")
    if b is not None and b.shape != (len(w),):
        raise ValueError(f"b has the shape {b.shape}; it must be ({len(w)},), one number a filter")


def _dtype(*arrays: Array) -> np.dtype[Any]:
    """Return the result's dtype: the common one, and int64 for whole numbers of any width."""
    common = np.result_type(*(array.dtype for array in arrays))
    return np.dtype(np.int64) if common.kind in "biu" else common


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype to add up in: half precision would lose what the result can hold."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype
