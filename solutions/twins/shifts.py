"""Wrong shifts of images, each with one mistake that students make. All have the signature of shift_images."""

from __future__ import annotations

import numpy as np

from solutions.shifts import shift_images
from solutions.windows import Array


def wraps_around(x: Array, dy: int, dx: int) -> Array:
    """np.roll: what leaves at one side comes back at the other."""
    return np.roll(x, (dy, dx), axis=(2, 3))


def sign_swapped(x: Array, dy: int, dx: int) -> Array:
    """Up for down and left for right."""
    return shift_images(x, -dy, -dx)


def axes_swapped(x: Array, dy: int, dx: int) -> Array:
    """dy moves columns, and dx rows."""
    return shift_images(x, dx, dy)


def edge_repeated(x: Array, dy: int, dx: int) -> Array:
    """The outermost row or column moves in, over and over."""
    rows = np.clip(np.arange(x.shape[2]) - dy, 0, x.shape[2] - 1)
    columns = np.clip(np.arange(x.shape[3]) - dx, 0, x.shape[3] - 1)
    return np.asarray(x[:, :, rows][:, :, :, columns])


def one_pixel_too_far(x: Array, dy: int, dx: int) -> Array:
    """Every move that is not zero is one pixel too long."""
    return shift_images(x, dy + int(np.sign(dy)), dx + int(np.sign(dx)))


def rows_only(x: Array, dy: int, dx: int) -> Array:  # noqa: ARG001 - that is it
    """dx is forgotten."""
    return shift_images(x, dy, 0)


def columns_only(x: Array, dy: int, dx: int) -> Array:  # noqa: ARG001 - that is it
    """dy is forgotten."""
    return shift_images(x, 0, dx)


def sign_dropped(x: Array, dy: int, dx: int) -> Array:
    """Always down and to the right."""
    return shift_images(x, abs(dy), abs(dx))


def negative_ignored(x: Array, dy: int, dx: int) -> Array:
    """A negative number moves nothing."""
    return shift_images(x, max(dy, 0), max(dx, 0))


def first_image_only(x: Array, dy: int, dx: int) -> Array:
    """The other images of the batch stay where they are."""
    moved = np.array(x)
    moved[:1] = shift_images(x[:1], dy, dx)
    return moved


def first_channel_only(x: Array, dy: int, dx: int) -> Array:
    """The other channels stay where they are."""
    moved = np.array(x)
    moved[:, :1] = shift_images(x[:, :1], dy, dx)
    return moved


def channels_last(x: Array, dy: int, dx: int) -> Array:
    """The axes read as (N, H, W, C): dy moves channels, dx rows."""
    return np.asarray(shift_images(x.transpose(0, 3, 1, 2), dy, dx).transpose(0, 2, 3, 1))


def cropped(x: Array, dy: int, dx: int) -> Array:
    """What is left of the image, without the zeros."""
    h, w = x.shape[2:]
    return np.array(x[:, :, max(-dy, 0) : max(h - dy, 0), max(-dx, 0) : max(w - dx, 0)])


def last_pixel_stays(x: Array, dy: int, dx: int) -> Array:
    """A move is cut so that one row and one column always stay in the image."""
    h, w = x.shape[2:]
    return shift_images(x, max(1 - h, min(h - 1, dy)), max(1 - w, min(w - 1, dx)))


def truncated(x: Array, dy: int, dx: int) -> Array:
    """Moved as whole numbers of 64 bits: what stands behind the point is lost."""
    return shift_images(x.astype(np.int64), dy, dx).astype(np.result_type(x.dtype, np.float32))


def single_precision(x: Array, dy: int, dx: int) -> Array:
    """Moved in float32, and returned as float64."""
    return shift_images(x.astype(np.float32), dy, dx).astype(np.float64)
