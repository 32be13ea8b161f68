"""Wrong im2col, each with one mistake that students make. All have the signature of im2col."""

from __future__ import annotations

from typing import Any

import numpy as np

from solutions.convolution import im2col
from solutions.windows import Array, Pair, pair


def channels_last(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The rows go through the channels first: row, column, channel."""
    y = _split(x, kernel_size, stride, padding)
    return np.moveaxis(y, 1, 3).reshape(_shape(y))


def columns_before_rows(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """Each window read down its columns, not along its rows."""
    y = _split(x, kernel_size, stride, padding)
    return np.swapaxes(y, 2, 3).reshape(_shape(y))


def windows_down_columns(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The windows in the order of columns: down first, then to the right."""
    y = _split(x, kernel_size, stride, padding)
    return np.swapaxes(y, 4, 5).reshape(_shape(y))


def window_turned(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """Each window turned by 180 degrees, as for the true convolution."""
    y = _split(x, kernel_size, stride, padding)
    return y[:, :, ::-1, ::-1].reshape(_shape(y))


def windows_as_rows(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """One row a window: (N, L, C*KH*KW)."""
    return np.swapaxes(im2col(x, kernel_size, stride, padding), 1, 2)


def reshaped_not_transposed(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The windows put into the right shape one after the other, so that each fills a row and not a column."""
    y = im2col(x, kernel_size, stride, padding)
    return np.swapaxes(y, 1, 2).reshape(y.shape)


def one_matrix_for_all_images(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The images side by side in one matrix: (C*KH*KW, L*N), as CS231n has it."""
    y = im2col(x, kernel_size, stride, padding)
    return y.transpose(1, 2, 0).reshape(y.shape[1], y.shape[2] * len(y))


def channels_as_images(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """A matrix for every channel: (N*C, KH*KW, L)."""
    y = im2col(x, kernel_size, stride, padding)
    n, c = x.shape[:2]
    return y.reshape(n * c, y.shape[1] // c, y.shape[2])


def first_channel_only(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """Only the first channel is taken."""
    return im2col(x[:, :1], kernel_size, stride, padding)


def first_image_for_all(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The first image's matrix given for every image of the batch."""
    y = im2col(x, kernel_size, stride, padding)
    return np.repeat(y[:1], len(y), axis=0)


def kernel_swapped(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The kernel's size read as (width, height); a side that does not fit is cut."""
    kh, kw = pair(kernel_size, "kernel_size")
    ph, pw = pair(padding, "padding", 0)
    return im2col(x, (min(kw, x.shape[2] + 2 * ph), min(kh, x.shape[3] + 2 * pw)), stride, padding)


def stride_ignored(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:  # noqa: ARG001 - that is it
    """The window always moves by one pixel."""
    return im2col(x, kernel_size, 1, padding)


def stride_not_in_offset(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """As many windows as there should be, but each one pixel from the one before."""
    rows, columns = _split(x, kernel_size, stride, padding).shape[4:]
    y = _split(x, kernel_size, 1, padding)[..., :rows, :columns]
    return y.reshape(_shape(y))


def stride_swapped(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The strides read as (horizontal, vertical)."""
    return im2col(x, kernel_size, pair(stride, "stride")[::-1], padding)


def stride_of_kernel(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:  # noqa: ARG001 - that is it
    """The window moves by its own size, as in pooling."""
    return im2col(x, kernel_size, kernel_size, padding)


def padding_ignored(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:  # noqa: ARG001 - that is it
    """No padding at all; a kernel that does not fit then is cut."""
    kh, kw = pair(kernel_size, "kernel_size")
    return im2col(x, (min(kh, x.shape[2]), min(kw, x.shape[3])), stride, 0)


def padding_at_start(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """All the padding above and to the left, none below and to the right."""
    ph, pw = pair(padding, "padding", 0)
    return im2col(np.pad(x, ((0, 0), (0, 0), (2 * ph, 0), (2 * pw, 0))), kernel_size, stride)


def padding_swapped(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The paddings read as (left and right, above and below); a kernel that does not fit then is cut."""
    kh, kw = pair(kernel_size, "kernel_size")
    pw, ph = pair(padding, "padding", 0)
    return im2col(x, (min(kh, x.shape[2] + 2 * ph), min(kw, x.shape[3] + 2 * pw)), stride, (ph, pw))


def padding_repeats_edge(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The padding repeats the outermost pixels."""
    ph, pw = pair(padding, "padding", 0)
    return im2col(np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), mode="edge"), kernel_size, stride)


def last_stride_dropped(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """Positions counted without the + 1 wherever the stride divides: range(0, room, stride)."""
    (kh, kw), (sh, sw) = pair(kernel_size, "kernel_size"), pair(stride, "stride")
    ph, pw = pair(padding, "padding", 0)
    rows, columns = len(range(0, x.shape[2] + 2 * ph - kh, sh)), len(range(0, x.shape[3] + 2 * pw - kw, sw))
    y = _split(x, kernel_size, stride, padding)[..., :rows, :columns]
    return y.reshape(_shape(y))


def rounded_up(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """One more window at the end where the stride does not divide, filled up with zeros."""
    (kh, kw), (sh, sw) = pair(kernel_size, "kernel_size"), pair(stride, "stride")
    ph, pw = pair(padding, "padding", 0)
    down, right = -(x.shape[2] + 2 * ph - kh) % sh, -(x.shape[3] + 2 * pw - kw) % sw
    return im2col(np.pad(x, ((0, 0), (0, 0), (ph, ph + down), (pw, pw + right))), kernel_size, (sh, sw))


def single_precision(x: Any, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The matrix created in float32 whatever the input is."""
    return im2col(x, kernel_size, stride, padding).astype(np.float32).astype(np.float64)


def _split(x: Any, kernel_size: Pair, stride: Pair, padding: Pair) -> Array:
    """Return the right result with its axes apart: (N, C, KH, KW, OH, OW)."""
    (kh, kw), (sh, sw) = pair(kernel_size, "kernel_size"), pair(stride, "stride")
    ph, pw = pair(padding, "padding", 0)
    rows, columns = (x.shape[2] + 2 * ph - kh) // sh + 1, (x.shape[3] + 2 * pw - kw) // sw + 1
    return im2col(x, kernel_size, stride, padding).reshape(*x.shape[:2], kh, kw, rows, columns)


def _shape(y: Array) -> tuple[int, int, int]:
    n, c, kh, kw, rows, columns = y.shape
    return n, c * kh * kw, rows * columns
