"""Wrong gradients of a convolution, each with one mistake that students make. All have conv2d_backward's signature."""

from __future__ import annotations

from typing import Any

import numpy as np

from solutions.convolution import conv2d_backward
from solutions.windows import Array, Pair, pad, pair

Gradients = tuple[Array, Array, Array]


def kernel_not_rotated(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dx pasted with the kernels turned by 180 degrees: as if the full convolution did not flip them."""
    _, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return conv2d_backward(dy, x, w[:, :, ::-1, ::-1], stride, padding)[0], dw, db


def kernel_transposed(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dx from kernels with rows and columns exchanged, as .T in place of a rotation does; an error if not square."""
    _, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return conv2d_backward(dy, x, np.swapaxes(w, 2, 3), stride, padding)[0], dw, db


def kernel_gradient_rotated(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dw turned by 180 degrees: a true convolution of the input with dy."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return dx, dw[:, :, ::-1, ::-1].copy(), db


def stride_not_in_offset(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:  # noqa: ARG001 - that is it
    """dy[i, j] belongs to the window at (i, j), not at (i*sh, j*sw), in both gradients."""
    return _loops(dy, x, w, (1, 1), pair(padding, "padding", 0))


def stride_missing_in_image_gradient(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """The stride forgotten in dx alone: dy is not spread out before the full convolution."""
    dx, _, _ = _loops(dy, x, w, (1, 1), pair(padding, "padding", 0))
    return dx, *conv2d_backward(dy, x, w, stride, padding)[1:]


def stride_missing_in_kernel_gradient(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """The stride forgotten in dw alone: the input is correlated with dy without gaps."""
    dx, _, db = conv2d_backward(dy, x, w, stride, padding)
    return dx, _loops(dy, x, w, (1, 1), pair(padding, "padding", 0))[1], db


def stride_height_for_both(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """The vertical stride used for both directions."""
    height, _ = pair(stride, "stride")
    return _loops(dy, x, w, (height, height), pair(padding, "padding", 0))


def stride_swapped(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """The strides read as (horizontal, vertical)."""
    height, width = pair(stride, "stride")
    return _loops(dy, x, w, (width, height), pair(padding, "padding", 0))


def padding_ignored(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:  # noqa: ARG001 - that is it
    """No padding in either gradient: window (i, j) starts at (i*sh, j*sw) of the image itself."""
    return _loops(dy, x, w, pair(stride, "stride"), (0, 0))


def image_not_padded(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dw from the image without its zeros."""
    dx, _, db = conv2d_backward(dy, x, w, stride, padding)
    return dx, _loops(dy, x, w, pair(stride, "stride"), (0, 0))[1], db


def cropped_at_the_start(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """The first H rows and W columns of the padded gradient kept as dx, not the middle ones."""
    _, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return _padded_gradient(dy, x, w, stride, padding)[:, :, : x.shape[2], : x.shape[3]].copy(), dw, db


def not_cropped(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """The gradient of the padded image returned as dx."""
    _, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return _padded_gradient(dy, x, w, stride, padding), dw, db


def cropped_to_nothing(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """The padding cut off with [p:-p], which leaves nothing where p is 0."""
    _, dw, db = conv2d_backward(dy, x, w, stride, padding)
    ph, pw = pair(padding, "padding", 0)
    return _padded_gradient(dy, x, w, stride, padding)[:, :, ph:-ph, pw:-pw].copy(), dw, db


def padding_height_for_both(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """The vertical padding used for both directions."""
    height, _ = pair(padding, "padding", 0)
    return _loops(dy, x, w, pair(stride, "stride"), (height, height))


def padding_swapped(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """The paddings read as (left and right, above and below)."""
    height, width = pair(padding, "padding", 0)
    return _loops(dy, x, w, pair(stride, "stride"), (width, height))


def overwritten(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dx assigned with = for +=: each pixel keeps the last window that holds it."""
    _, dw, db = conv2d_backward(dy, x, w, stride, padding)
    (sh, sw), (ph, pw) = pair(stride, "stride"), pair(padding, "padding", 0)
    padded = np.zeros_like(pad(x, (ph, pw)), np.result_type(dy, x, w))
    for i, j in np.ndindex(dy.shape[2], dy.shape[3]):
        paste = np.einsum("nf,fcuv->ncuv", dy[:, :, i, j], w)
        padded[:, :, i * sh : i * sh + w.shape[2], j * sw : j * sw + w.shape[3]] = paste
    return padded[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]].copy(), dw, db


def left_over_in_front(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """The rows and columns that no window reaches left empty at the start of dx, not at its end."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    steps, edges = pair(stride, "stride"), pair(padding, "padding", 0)
    rest = [(x.shape[2 + a] + 2 * edges[a] - w.shape[2 + a]) % steps[a] for a in (0, 1)]
    return np.roll(dx, rest, axis=(2, 3)), dw, db


def left_over_dropped(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dx as large as what the windows reach, which is smaller than x where the stride does not divide."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    steps, edges = pair(stride, "stride"), pair(padding, "padding", 0)
    rows, columns = ((dy.shape[2 + a] - 1) * steps[a] + w.shape[2 + a] - 2 * edges[a] for a in (0, 1))
    return dx[:, :, : max(rows, 0), : max(columns, 0)].copy(), dw, db


def bias_gradient_averaged(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """db as the mean of dy."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return dx, dw, db / max(dy[:, 0].size, 1)


def bias_gradient_averaged_over_images(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """db averaged over the images, though added over the positions."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    with np.errstate(invalid="ignore"):
        return dx, dw, db / len(x)


def bias_gradient_of_first_image(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """db from the first image alone."""
    dx, dw, _ = conv2d_backward(dy, x, w, stride, padding)
    return dx, dw, dy[0].sum(axis=(1, 2))


def bias_gradient_per_image(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """db: (N, F), not added over the images."""
    dx, dw, _ = conv2d_backward(dy, x, w, stride, padding)
    return dx, dw, dy.sum(axis=(2, 3))


def bias_gradient_of_all_filters(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """All of dy added up, for every filter."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return dx, dw, np.full_like(db, db.sum())


def kernel_gradient_of_last_image(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dw assigned image by image, so that the last one stays."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return dx, conv2d_backward(dy[-1:], x[-1:], w, stride, padding)[1] if len(x) else dw, db


def averaged_over_images(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dw and db divided by the number of images."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return dx, dw / max(len(x), 1), db / max(len(x), 1)


def upstream_ignored(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """As if dy were 1 everywhere."""
    return conv2d_backward(np.ones_like(dy), x, w, stride, padding)


def upstream_transposed(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dy read column by column where it should be row by row: a reshape in the wrong order."""
    turned = np.swapaxes(dy, 2, 3).reshape(dy.shape)
    return conv2d_backward(turned, x, w, stride, padding)


def same_for_all_filters(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dw of every filter from the first map of dy."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return dx, np.repeat(dw[:1], len(dw), axis=0), db


def first_filter_only(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dx from the first filter alone."""
    _, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return conv2d_backward(dy[:, :1], x, w[:1], stride, padding)[0], dw, db


def last_filter_only(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dx started anew for every filter, so that the last one stays."""
    _, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return conv2d_backward(dy[:, -1:], x, w[-1:], stride, padding)[0], dw, db


def channels_averaged(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dx the same for all channels: the mean of what they should get."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return np.broadcast_to(dx.mean(axis=1, keepdims=True), dx.shape).copy(), dw, db


def another_order(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """The right gradients as (dw, db, dx)."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return dw, db, dx


def truncated_to_input(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dx kept in the image's dtype and dw in the kernel's, which cuts off decimals of whole inputs."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    with np.errstate(invalid="ignore"):
        return dx.astype(x.dtype), dw.astype(w.dtype), db


def single_precision(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """Computed in float32 whatever the input is, and however it lies in memory: sums in another order round unlike."""
    dy, x, w = (np.asarray(array, np.float32, order="C") for array in (dy, x, w))
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return dx.astype(np.float64), dw.astype(np.float64), db.astype(np.float64)


def _loops(dy: Any, x: Any, w: Any, steps: tuple[int, int], edges: tuple[int, int]) -> Gradients:
    """The gradients with these strides and paddings, whatever the shape of dy: what stands outside is zero."""
    kh, kw = w.shape[2:]
    reach = [(dy.shape[2 + a] - 1) * steps[a] + w.shape[2 + a] for a in (0, 1)]
    sides = [max(x.shape[2 + a] + 2 * edges[a], reach[a]) for a in (0, 1)]
    dtype = np.result_type(dy, x, w)
    canvas, pasted = np.zeros((*x.shape[:2], *sides), dtype), np.zeros((*x.shape[:2], *sides), dtype)
    inside = (..., slice(edges[0], edges[0] + x.shape[2]), slice(edges[1], edges[1] + x.shape[3]))
    canvas[inside] = x
    dw = np.zeros(w.shape, dtype)
    for i, j in np.ndindex(dy.shape[2], dy.shape[3]):
        window = (..., slice(i * steps[0], i * steps[0] + kh), slice(j * steps[1], j * steps[1] + kw))
        dw += np.einsum("nf,ncuv->fcuv", dy[:, :, i, j], canvas[window])
        pasted[window] += np.einsum("nf,fcuv->ncuv", dy[:, :, i, j], w)
    return pasted[inside].copy(), dw, dy.sum(axis=(0, 2, 3))


def _padded_gradient(dy: Any, x: Any, w: Any, stride: Pair, padding: Pair) -> Array:
    """The gradient of the image with its zeros."""
    return conv2d_backward(dy, pad(np.asarray(x), pair(padding, "padding", 0)), w, stride)[0]
