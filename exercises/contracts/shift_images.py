"""What is promised about shift_images: images moved by whole pixels, with zeros moving in."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from grader.authoring import LAYOUTS, Call, Close, Contract, Draw, Pane, Regime, Twin, Window, integers, laid_out, reals
from solutions.shifts import shift_images
from solutions.twins import shifts as twins

DOC = """\
Return the images moved down by dy and to the right by dx pixels.

y[n, c, i, j] = x[n, c, i - dy, j - dx] where that pixel lies in the image, and 0 elsewhere: zeros move in, and what
has left the image does not come back at the other side.

x: (N, C, H, W), a NumPy array of whole or floating numbers; N may be 0. Leave it unchanged.
dy, dx: whole numbers, also NumPy's, of any size; negative ones move up and to the left. From H or W on nothing is
left.

Returns a new array y of x's shape. The numbers are copied, not changed: floating numbers keep at least the precision
of x.
"""
TYPES = ("int64", "int32", "uint8", "float32", "float64")


def images(rng: Draw, n: int = 1, c: int = 1, size: tuple[int, int] | None = None, dtype: str = "float64") -> Any:
    """Return images without a zero, so that every zero of a result has moved in."""
    h, w = size or rng.sample(range(4, 8), 2)
    if dtype.startswith("float"):
        return reals(rng, (n, c, h, w), dtype) + np.asarray(
            2.1, dtype
        )  # not even the simplest of them fits into fewer digits
    return integers(rng, (n, c, h, w), 1, 99, dtype)


def counted(rng: Draw, dy: int, dx: int, **sizes: Any) -> Call:
    """Return a call with whole numbers in float64."""
    return Call((images(rng, **sizes, dtype="int64").astype(np.float64), dy, dx))


def some(rng: Draw) -> int:
    return rng.integer(1, 3)


def two(rng: Draw) -> tuple[int, int]:
    """Return two different moves down and to the right."""
    first, second = rng.sample((1, 2, 3), 2)
    return first, second


def either(rng: Draw) -> tuple[int, int]:
    """Return two moves of different lengths in drawn directions."""
    dy, dx = two(rng)
    return dy * rng.choice((1, -1)), dx * rng.choice((1, -1))


def beyond(rng: Draw) -> Call:
    """Return a call in which nothing is left of the images, by one axis or by both.

    One pixel more than a side is the least that a slice counted from the other end takes for something.
    """
    h, w = rng.choice(((3, 4), (5, 4), (4, 3)))
    by = rng.choice(((h + 1, 1), (1, w + 1), (-h - 1, w + 1), (1, -w - 1), (h, -w), (-3 * h, 2 * w)))
    return counted(rng, *by, size=(h, w), c=2)


def typed(rng: Draw, dtype: str) -> Call:
    return Call((images(rng, 2, 2, dtype=dtype), *either(rng)))


def negative(rng: Draw) -> Call:
    """Return a call with numbers below zero, whole or not: what moves in is zero all the same."""
    x = images(rng, 2, 1, dtype=rng.choice(("float64", "int64", "float32", "int32")))
    return Call((-x, *either(rng)))


WIDE = (
    ("int64", -(2**52), 2**52),
    ("uint32", 2**31, 2**32 - 1),
    ("int32", 2**24, 2**31 - 1),
    ("int16", -(2**15), 2**15 - 1),
)


def of_many_digits(rng: Draw) -> Call:
    """Return a call with whole numbers that fit into their own dtype, float64 and few others."""
    dtype, low, high = rng.choice(WIDE)
    return Call((integers(rng, (2, 1, 4, 5), low, high, dtype), *either(rng)))


def far(rng: Draw) -> Call:
    """Return a call that moves by more pixels than 32 bits count: what is left in 32 bits is a move by few."""
    by = rng.choice((2**32 + 1, -(2**32) - 1, 2**40 + 2))
    return counted(rng, *rng.choice(((by, 1), (1, by), (by, -by))), n=2)


def bright_bytes(rng: Draw) -> Call:
    x = integers(rng, (2, 1, 4, 5), 128, 255, "uint8")
    return Call((x, *either(rng)))


def fractions_between(rng: Draw) -> Call:
    """Return greys from 0 to 1, as digits have: whole numbers of 1/16 below one, none of them 0."""
    return Call((integers(rng, (2, 1, 5, 4), 1, 15, "float64") / 16, *either(rng)))


def stored(rng: Draw, layout: str) -> Call:
    x, dy, dx = counted(rng, *either(rng), n=2, c=2).args
    return Call((laid_out(x, layout), dy, dx))


def by_keyword(rng: Draw) -> Call:
    x, dy, dx = counted(rng, *either(rng), n=2).args
    return Call((), {"dx": dx, "x": x, "dy": dy})


def numpys_integers(rng: Draw) -> Call:
    x, dy, dx = counted(rng, *either(rng)).args
    return Call((x, np.int64(dy), np.int64(dx)))


def anything(rng: Draw) -> Call:
    """Return a call in which everything varies at once: sizes, moves, dtypes, layouts."""
    size = rng.integer(1, 6), rng.integer(1, 6)
    x = images(rng, rng.integer(1, 3), rng.integer(1, 3), size, rng.choice(TYPES))
    return Call((laid_out(x, rng.choice(LAYOUTS)), rng.integer(-7, 7), rng.integer(-7, 7)))


def digits(rng: Draw) -> Call:
    """Return digits' sizes: some images of 28 by 28, moved by up to a tenth of it."""
    by = rng.sample((-2, -1, 1, 2), 2)
    return counted(rng, by[0], by[1], n=4, size=(28, 28))


REGIMES = (
    Regime("the images move down and to the right", lambda rng: counted(rng, *two(rng))),
    Regime("the images move down only", lambda rng: counted(rng, some(rng), 0)),
    Regime("the images move to the right only", lambda rng: counted(rng, 0, some(rng))),
    Regime("dy and dx are 0", lambda rng: counted(rng, 0, 0), "directions"),
    Regime("the images move up", lambda rng: counted(rng, -some(rng), 0), "directions"),
    Regime("the images move to the left", lambda rng: counted(rng, 0, -some(rng)), "directions"),
    Regime("dy and dx are negative", lambda rng: counted(rng, *(-by for by in two(rng))), "directions"),
    Regime("dy and dx have different signs", lambda rng: counted(rng, some(rng), -some(rng)), "directions"),
    Regime("nothing is left of the images", beyond, "beyond", 7),
    Regime("the images move by billions of pixels", far, "beyond"),
    Regime(
        "one row or column is left", lambda rng: counted(rng, *rng.choice(((3, 1), (-1, -4))), size=(4, 5)), "beyond"
    ),
    Regime("there are several images", lambda rng: counted(rng, *either(rng), n=rng.integer(2, 4)), "sizes"),
    Regime("there are several channels", lambda rng: counted(rng, *either(rng), c=rng.integer(2, 4)), "sizes"),
    Regime("the images are square", lambda rng: counted(rng, *either(rng), size=(5, 5)), "sizes"),
    Regime("an image is one row or one column", lambda rng: counted(rng, 0, 1, size=(1, rng.integer(3, 5))), "sizes"),
    Regime("the batch is empty", lambda rng: counted(rng, *either(rng), n=0), "sizes"),
    Regime("the images are of 28 by 28 pixels", digits, "sizes"),
    *(Regime(f"x is {dtype}", partial(typed, dtype=dtype), "types") for dtype in TYPES),
    Regime("x is of bright bytes", bright_bytes, "types"),
    Regime("the numbers are negative", negative, "types"),
    Regime("the whole numbers are large", of_many_digits, "types", 2 * len(WIDE) + 1),
    Regime("the numbers lie between 0 and 1", fractions_between, "types"),
    Regime("x is Fortran-ordered", lambda rng: stored(rng, "F"), "arguments"),
    Regime("x has negative strides", lambda rng: stored(rng, "reversed"), "arguments"),
    Regime("x is not contiguous", lambda rng: stored(rng, "gapped"), "arguments"),
    Regime("x is read-only", lambda rng: stored(rng, "readonly"), "arguments"),
    Regime("dy and dx are NumPy's integers", numpys_integers, "arguments"),
    Regime("all arguments are given by keyword", by_keyword, "arguments"),
    Regime("sizes, moves, types and layouts are mixed", anything, "together", 25),
)
HINTS: dict[Callable[..., Any], str] = {
    twins.wraps_around: "What leaves at one side comes back at the other, as np.roll has it: zeros move in.",
    twins.sign_swapped: "The images move the wrong way: a positive dy moves down, a positive dx to the right.",
    twins.axes_swapped: "dy and dx are exchanged: dy moves along the rows' axis, 2, and dx along the columns', 3.",
    twins.edge_repeated: "The outermost row or column is repeated: zeros move in.",
    twins.one_pixel_too_far: "The images move one pixel too far: pixel i goes to i + dy.",
    twins.rows_only: "dx is not used: the images move along both axes.",
    twins.columns_only: "dy is not used: the images move along both axes.",
    twins.sign_dropped: "The sign is lost: negative numbers move up and to the left.",
    twins.negative_ignored: "Negative numbers move nothing: they move up and to the left.",
    twins.first_image_only: "Only the first image moves: axis 0 counts images, and all of them move.",
    twins.first_channel_only: "Only the first channel moves: all channels of an image move together.",
    twins.channels_last: "The wrong axes move: the order is (N, C, H, W), so rows are axis 2 and columns axis 3.",
    twins.cropped: "The images become smaller: keep their shape, with zeros where nothing is left.",
    twins.last_pixel_stays: "A row or column stays that has left the image: from H or W on nothing is left.",
    twins.truncated: "What stands behind the point is lost: make the zeros with x's dtype.",
    twins.single_precision: "float64 numbers pass through float32, and lose half their digits: keep x's dtype.",
}


def window(given: Call, at: tuple[int, ...]) -> Window | None:
    """Return the pixel that an entry of the result comes from; None where a zero moved in."""
    bound = inspect.signature(shift_images).bind(*given.args, **given.kwargs)
    x, dy, dx = bound.args
    if len(at) != 4 or any(not 0 <= place < side for place, side in zip(at, x.shape, strict=True)):
        return None
    n, c, i, j = at
    row, column = i - int(dy), j - int(dx)
    if not (0 <= row < x.shape[2] and 0 <= column < x.shape[3]):
        return None
    plane = tuple(tuple(line) for line in x[n, c].tolist())
    pane = Pane(f"image {n}, channel {c}", plane, (row, row + 1), (column, column + 1))
    return Window((pane,), f"y[{n}, {c}, {i}, {j}] = x[{n}, {c}, {row}, {column}] = {x[n, c, row, column]:.6g}")


SHIFT_IMAGES = Contract(
    name="shift_images",
    signature="(x, dy, dx)",
    doc=DOC,
    reference=shift_images,
    regimes=REGIMES,
    check=Close(),
    twins=tuple(Twin(t.__name__.replace("_", "-"), t, hint) for t, hint in HINTS.items()),
    groups={"basics": 2, "directions": 2, "beyond": 1, "sizes": 2, "together": 1, "types": 1, "arguments": 1},
    window=window,
)
CONTRACTS = (SHIFT_IMAGES,)
