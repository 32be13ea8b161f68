"""Wrong gradients of a convolution layer, each with one mistake. All have the signature of conv2d_backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from solutions.convolution import conv2d_backward
from solutions.windows import Array, Pair, pad, pair, windows

Gradients = tuple[Array, Array, Array]


def kernel_not_rotated(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dx made with the kernel turned by 180 degrees once too often (or not at all)."""
    dx, _, _ = conv2d_backward(dy, x, w[:, :, ::-1, ::-1], stride, padding)
    return (dx, *conv2d_backward(dy, x, w, stride, padding)[1:])


def kernel_transposed(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dx made with rows and columns of the kernel exchanged."""
    dx, _, _ = conv2d_backward(dy, x, np.swapaxes(w, 2, 3), stride, padding)
    return (dx, *conv2d_backward(dy, x, w, stride, padding)[1:])


def kernel_gradient_reversed(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dw turned by 180 degrees."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return dx, dw[:, :, ::-1, ::-1].copy(), db


def stride_forgotten(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dy[i, j] taken to the window at (i, j), not at (i*sh, j*sw)."""
    (ph, pw), (rows, columns) = pair(padding, "padding", 0), dy.shape[2:]
    shape = (x.shape[2] + 2 * ph - w.shape[2] + 1, x.shape[3] + 2 * pw - w.shape[3] + 1)
    close = np.zeros((*dy.shape[:2], *shape), dy.dtype)
    close[:, :, :rows, :columns] = dy
    return (*conv2d_backward(close, x, w, 1, padding)[:2], conv2d_backward(dy, x, w, stride, padding)[2])


def stride_height_for_both(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """The vertical stride used for both directions."""
    return conv2d_backward(dy, x, w, pair(stride, "stride")[0], padding)


def input_not_padded(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dw made from x in the corner of the padded plane, so that the windows are shifted by the padding."""
    ph, pw = pair(padding, "padding", 0)
    corner = np.pad(x, ((0, 0), (0, 0), (0, 2 * ph), (0, 2 * pw)))
    dx, _, db = conv2d_backward(dy, x, w, stride, padding)
    return dx, conv2d_backward(dy, corner, w, stride)[1], db


def padding_not_cut_off(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dx of the padded input."""
    padded = pad(x, pair(padding, "padding", 0))
    return conv2d_backward(dy, padded, w, stride)


def padding_cut_at_end(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dx cut out of the padded one from the corner on, not from row ph and column pw on."""
    dxp, dw, db = padding_not_cut_off(dy, x, w, stride, padding)
    return dxp[:, :, : x.shape[2], : x.shape[3]].copy(), dw, db


def empty_without_padding(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dx cut out as [p:-p], which is empty where p is 0."""
    dxp, dw, db = padding_not_cut_off(dy, x, w, stride, padding)
    ph, pw = pair(padding, "padding", 0)
    return dxp[:, :, ph:-ph, pw:-pw].copy(), dw, db


def overlaps_overwritten(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """Where windows overlap, dx keeps the last one's share: = for +=."""
    (sh, sw), (ph, pw) = pair(stride, "stride"), pair(padding, "padding", 0)
    _, dw, db = conv2d_backward(dy, x, w, stride, padding)
    dxp = np.zeros(pad(x, (ph, pw)).shape, dw.dtype)
    for i, j in np.ndindex(*dy.shape[2:]):
        rows, columns = slice(i * sh, i * sh + w.shape[2]), slice(j * sw, j * sw + w.shape[3])
        dxp[:, :, rows, columns] = np.tensordot(dy[:, :, i, j], w, axes=(1, 0))
    return dxp[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]].copy(), dw, db


def bias_gradient_averaged(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """db as a mean over the positions, not their sum."""
    dx, dw, _ = conv2d_backward(dy, x, w, stride, padding)
    return dx, dw, dy.mean(axis=(2, 3)).sum(axis=0)


def bias_gradient_of_first_image(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """db of the first image only."""
    dx, dw, _ = conv2d_backward(dy, x, w, stride, padding)
    return dx, dw, dy[:1].sum(axis=(0, 2, 3))


def bias_gradient_of_all_filters(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """db summed over the filters too, and given for each."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return dx, dw, np.full_like(db, db.sum())


def kernel_gradient_of_last_image(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dw of the last image only: = for += over the batch."""
    dx, _, db = conv2d_backward(dy, x, w, stride, padding)
    return dx, conv2d_backward(dy[-1:], x[-1:], w, stride, padding)[1], db


def divided_by_batch(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dw and db divided by the number of images."""
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return dx, dw / max(len(x), 1), db / max(len(x), 1)


def upstream_ignored(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dy taken for ones: the gradient of the plain sum of the output."""
    return conv2d_backward(np.ones_like(dy), x, w, stride, padding)


def filters_added(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dw made from the sum of dy over the filters, the same for each."""
    dx, _, db = conv2d_backward(dy, x, w, stride, padding)
    view = windows(pad(x, pair(padding, "padding", 0)), w.shape[2:], pair(stride, "stride"))
    one = np.tensordot(dy.sum(axis=1), view, axes=((0, 1, 2), (0, 2, 3)))
    return dx, np.repeat(one[None], len(w), axis=0), db


def first_filter_only(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """dx made from the first filter only."""
    _, dw, db = conv2d_backward(dy, x, w, stride, padding)
    return conv2d_backward(dy[:, :1], x, w[:1], stride, padding)[0], dw, db


def single_precision(dy: Any, x: Any, w: Any, stride: Pair = 1, padding: Pair = 0) -> Gradients:
    """Computed in float32 whatever the input is."""
    narrow = [a.astype(np.float32) for a in (dy, x, w)]
    dx, dw, db = conv2d_backward(narrow[0], narrow[1], narrow[2], stride, padding)
    return dx.astype(np.float64), dw.astype(np.float64), db.astype(np.float64)
