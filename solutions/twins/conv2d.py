"""Wrong convolution layers, each with one mistake that students make. All have the signature of conv2d."""

from __future__ import annotations

from typing import Any

import numpy as np

from solutions.convolution import conv2d
from solutions.windows import Array, Pair, pair


def kernel_flipped(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The true convolution: the kernel turned by 180 degrees."""
    return conv2d(x, w[:, :, ::-1, ::-1], b, stride, padding)


def kernel_transposed(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """Rows and columns of the kernel exchanged."""
    return conv2d(x, np.swapaxes(w, 2, 3), b, stride, padding)


def kernel_height_for_both(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The kernel's height taken for its width: columns beyond it are left out, missing ones count as zero."""
    height, width = w.shape[2:]
    square = np.zeros((*w.shape[:2], height, height), w.dtype)
    square[..., : min(height, width)] = w[..., :height]
    return conv2d(x, square, b, stride, padding)


def bias_forgotten(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:  # noqa: ARG001 - that is it
    """No bias at all."""
    return conv2d(x, w, None, stride, padding)


def bias_of_first_filter(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The first filter's bias added to every map."""
    return conv2d(x, w, None if b is None else np.full_like(b, b[0]), stride, padding)


def bias_per_channel(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The bias added once for every input channel."""
    return conv2d(x, w, None if b is None else b * w.shape[1], stride, padding)


def bias_per_product(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The bias added to every product, not to their sum."""
    return conv2d(x, w, None if b is None else b * w[0].size, stride, padding)


def first_channel_only(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """Only the first input channel is seen."""
    return conv2d(x[:, :1], w[:, :1], b, stride, padding)


def mean_over_channels(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The channels averaged, not added."""
    return _plus(conv2d(x, w, None, stride, padding) / w.shape[1], b)


def mean_over_window(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The products averaged, not added."""
    return _plus(conv2d(x, w, None, stride, padding) / w[0].size, b)


def first_image_for_all(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The first image's map given for every image of the batch."""
    y = conv2d(x, w, b, stride, padding)
    return np.repeat(y[:1], len(y), axis=0)


def filters_added(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """Every map is the sum of the maps of its filter and of all filters before it: a sum that is not reset."""
    return np.cumsum(conv2d(x, w, b, stride, padding), axis=1)


def stride_ignored(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:  # noqa: ARG001 - that is it
    """The kernel always moves by one pixel."""
    return conv2d(x, w, b, 1, padding)


def stride_not_in_offset(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The size is right, but window (i, j) starts at (i, j) and not at (i*sh, j*sw)."""
    height, width = conv2d(x, w, b, stride, padding).shape[2:]
    return conv2d(x, w, b, 1, padding)[:, :, :height, :width]


def stride_height_for_both(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The vertical stride used for both directions."""
    return conv2d(x, w, b, pair(stride, "stride")[0], padding)


def stride_swapped(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The strides read as (horizontal, vertical)."""
    return conv2d(x, w, b, pair(stride, "stride")[::-1], padding)


def last_stride_dropped(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """Positions counted without the + 1 wherever the stride divides: range(0, room, stride)."""
    y = conv2d(x, w, b, stride, padding)
    (sh, sw), (ph, pw) = pair(stride, "stride"), pair(padding, "padding", 0)
    rows = len(range(0, x.shape[2] + 2 * ph - w.shape[2], sh))
    columns = len(range(0, x.shape[3] + 2 * pw - w.shape[3], sw))
    return y[:, :, :rows, :columns]


def rounded_up(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """One more window at the end where the stride does not divide, filled up with zeros."""
    (sh, sw), (ph, pw) = pair(stride, "stride"), pair(padding, "padding", 0)
    down = -(x.shape[2] + 2 * ph - w.shape[2]) % sh
    right = -(x.shape[3] + 2 * pw - w.shape[3]) % sw
    return conv2d(np.pad(x, ((0, 0), (0, 0), (ph, ph + down), (pw, pw + right))), w, b, (sh, sw))


def padding_ignored(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:  # noqa: ARG001 - that is it
    """No padding at all."""
    return conv2d(x, w, b, stride, 0)


def padding_at_start(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """All the padding above and to the left, none below and to the right."""
    ph, pw = pair(padding, "padding", 0)
    return conv2d(np.pad(x, ((0, 0), (0, 0), (2 * ph, 0), (2 * pw, 0))), w, b, stride)


def padding_once(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """Padding above and to the left only: p added to the size, not 2p."""
    ph, pw = pair(padding, "padding", 0)
    return conv2d(np.pad(x, ((0, 0), (0, 0), (ph, 0), (pw, 0))), w, b, stride)


def padding_repeats_edge(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The padding repeats the outermost pixels."""
    ph, pw = pair(padding, "padding", 0)
    return conv2d(np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), mode="edge"), w, b, stride)


def padding_wraps(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The padding continues at the other side, as negative indices do."""
    ph, pw = pair(padding, "padding", 0)
    return conv2d(np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), mode="wrap"), w, b, stride)


def padding_height_for_both(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The vertical padding used for both directions."""
    return conv2d(x, w, b, stride, pair(padding, "padding", 0)[0])


def padding_swapped(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The paddings read as (left and right, above and below)."""
    return conv2d(x, w, b, stride, pair(padding, "padding", 0)[::-1])


def truncated_to_input(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """The result kept in the image's dtype, which cuts off decimals or wraps around."""
    with np.errstate(invalid="ignore"):
        return conv2d(x, w, b, stride, padding).astype(x.dtype)


def single_precision(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """Computed in float32 whatever the input is."""
    narrow = None if b is None else b.astype(np.float32, order="C")
    return conv2d(x.astype(np.float32, order="C"), w.astype(np.float32, order="C"), narrow, stride, padding).astype(
        np.float64
    )


def relu_left_in(x: Any, w: Any, b: Any = None, stride: Pair = 1, padding: Pair = 0) -> Array:
    """Negative results set to zero."""
    return np.maximum(conv2d(x, w, b, stride, padding), 0)


def _plus(y: Array, b: Any) -> Array:
    return y if b is None else y + b[:, None, None]
