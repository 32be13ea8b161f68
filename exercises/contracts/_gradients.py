"""Calls of conv2d_backward: a way to draw them for each of its regimes. They share sizes and corners with conv2d's.

dy has no zeros but where a regime is about them, and what it adds up to for a filter is not zero: one of the three
gradients would tell nothing there.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from exercises.contracts import _conv2d as conv
from exercises.contracts._conv2d import (
    FORMS,
    FULL,
    LARGE_MAPS,
    MIXED,
    ONE,
    PLAIN,
    REAL,
    STORED,
    THICK,
    WAYS,
    WHOLE,
    Kind,
    all_stored,
    any_kinds,
    any_moves,
    case,
    enough,
    given,
    handed,
    large_map,
    many,
    of_kind,
    positions,
)
from exercises.contracts._inside import Look
from grader.authoring import Call, Draw, integers, laid_out, reals

NAMES = ("dy", "x", "w")


class Upstream(Look):
    """What a call conv2d_backward(dy, x, w, stride, padding) is made of."""

    names = (*NAMES, "stride", "padding")
    factors = NAMES

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.dy = self.named["dy"]

    def shows(self) -> bool:
        """Without a gradient from above there is nothing to see; where all but one of it is zero, less than else."""
        return int(np.count_nonzero(self.dy)) >= (1 if self.dy.size == 1 else 2)

    def left_over(self) -> bool:
        """Has the image itself, and not only its padding, rows or columns that no window reaches?"""
        return bool(self.room[0] % self.sh > self.ph or self.room[1] % self.sw > self.pw)


def one_entry(call: Call) -> bool:
    """Is one entry of dy not zero, where a kernel of several pixels shows which way round each gradient is?"""
    look = Upstream(call)
    return bool(look.dy.size > 1 == np.count_nonzero(look.dy) and min(look.kh, look.kw) > 1)


def zero_everywhere(call: Call) -> bool:
    look = Upstream(call)
    return bool(look.n and not look.dy.any())


def shapes(rng: Draw, **sizes: Any) -> tuple[tuple[tuple[int, ...], ...], tuple[Any, Any]]:
    """Return the shapes of dy, x and w, and (stride, padding); sizes as `case` takes them."""
    x, w, (stride, padding) = case(rng, **sizes)
    return ((x[0], w[0], *positions(x, w, stride, padding)), x, w), (stride, padding)


def filled(array: Any) -> Any:
    """Return an array with another number in place of its zeros."""
    array[array == 0] = 5
    return array


def dense(dy: Any) -> Any:
    """Return dy without zeros, and without a filter's sum of zero: db would say the same of a mean as of a sum."""
    filled(dy)
    for upstream in np.moveaxis(dy, 1, 0):
        if upstream.size and not upstream.sum():
            upstream[0, 0, 0] *= 2
    return dy


def whole(rng: Draw, **sizes: Any) -> Call:
    """Return a call with small whole numbers in float64, of both signs, and zeros among them but for dy."""
    (dy, *others), (stride, padding) = shapes(rng, **sizes)
    arrays = (dense(integers(rng, dy, dtype="float64")), *(integers(rng, shape, dtype="float64") for shape in others))
    return Call(arrays, given(stride, padding))


def single(rng: Draw, **sizes: Any) -> Call:
    """Return a call with one image, one channel and one filter."""
    return whole(rng, n=1, c=1, f=1, **sizes)


not_dividing = partial(conv.not_dividing, make=single)
beyond_kernel = partial(conv.beyond_kernel, make=single)
all_together = partial(conv.all_together, make=whole)
as_lists = partial(conv.as_lists, make=whole)
large_kernel = partial(conv.large_kernel, make=single)
with_numpy_ints = partial(conv.with_numpy_ints, make=single)
crowded = partial(conv.crowded, make=whole)


def plain(rng: Draw) -> Call:
    """Return the simplest call: one image, one channel, one filter, stride 1, no padding, and no zeros."""
    dy, x, w = single(rng).args
    return Call((dy, filled(x), filled(w)))


def one_hot(rng: Draw) -> Call:
    """Return a call whose dy has one entry that is not zero."""
    stride, padding = rng.integer(1, 2), rng.integer(0, 1)
    call = whole(rng, n=1, c=1, f=2, kernel=(3, 3), stride=stride, padding=padding)
    dy = np.zeros_like(call.args[0])
    dy[tuple(rng.integer(0, side - 1) for side in dy.shape)] = rng.integer(1, 3)
    return Call((dy, *call.args[1:]), call.kwargs)


def full_kernel(rng: Draw) -> Call:
    """Return a call with a kernel as large as the padded image."""
    side, padding = rng.choice(FULL)
    return single(rng, kernel=(side, side), padding=padding, outputs=(1, 1))


def empty(rng: Draw) -> Call:
    """Return a call without images. Shapes are always the same: who remembers windows by them has wrong ones."""
    stride, padding = rng.choice(((1, 0), (2, 1), (2, 0), (1, 1)))
    side = (5 + 2 * padding - 3) // stride + 1
    dy, x = (np.zeros((0, *shape)) for shape in ((2, side, side), (3, 5, 5)))
    return Call((dy, x, integers(rng, (2, 3, 3, 3), dtype="float64")), given(stride, padding))


def typed(rng: Draw, upstream: str, image: str, weights: str, **sizes: Any) -> Call:
    """Return a call with whole numbers for an integer dtype and any numbers for a floating one."""
    arrays, (stride, padding) = shapes(rng, **sizes)
    dy, x, w = (of_kind(rng, shape, kind) for shape, kind in zip(arrays, (upstream, image, weights), strict=True))
    return Call((dense(dy), x, w), given(stride, padding))


def scaled(rng: Draw, *scales: float) -> Call:
    """Return a call whose arrays are all far from 1, each at its own scale: any of them may be taken for zero."""
    return Call(tuple(reals(rng, shape, scale=scale) for shape, scale in zip(shapes(rng)[0], scales, strict=True)))


def stored(rng: Draw, layout: str) -> Call:
    call = whole(rng, padding=rng.integer(0, 1), kernel=(3, 3))
    return Call(tuple(laid_out(array, layout) for array in call.args), call.kwargs)


def by_keyword(rng: Draw) -> Call:
    call = whole(rng, stride=2, padding=1, kernel=(3, 3))
    return Call((), {**dict(zip(("w", "x", "dy"), call.args[::-1], strict=True)), **call.kwargs})


def by_position(rng: Draw) -> Call:
    call = whole(rng, stride=2, padding=1, kernel=(3, 3))
    return Call((*call.args, call.kwargs["stride"], call.kwargs["padding"]))


def larger(rng: Draw) -> Call:
    """Return a call with more of everything than elsewhere: images, channels, filters, taps and positions."""
    sizes = {"n": many(rng, 5, 4), "c": many(rng, 3, 4), "f": many(rng, 5, 4), "padding": rng.integer(0, 1)}
    kernel, outputs = rng.choice(((2, 2), (2, 5), (5, 2))), rng.choice(((2, 2), (1, 9), (9, 1)))
    return whole(rng, kernel=kernel, outputs=outputs, **sizes)


def large_stride(rng: Draw) -> Call:
    return single(rng, stride=rng.integer(5, 7), padding=rng.integer(0, 1), outputs=(2, 3))


def padding_beyond(rng: Draw) -> Call:
    """Return a call with more padding than the kernel is wide, and a stride beyond the kernel or 1."""
    side = rng.integer(1, 2)
    stride = rng.choice((1, side + 1))
    return single(rng, kernel=(side, side), stride=stride, padding=rng.integer(side + 1, 4), outputs=(9, 10))


def wide(rng: Draw) -> Call:
    return single(rng, outputs=large_map(rng))


def numerous(rng: Draw) -> Call:
    """Return a call whose dy has thousands of real numbers, or few, so that a counterexample can shrink to few.

    Loops over dy in Python take longest here, so of every four calls one is large, and no larger than it takes.
    """
    filters, side = rng.choice(((1, 1), (1, 8), (8, 1), (49, 8)))
    return typed(rng, *REAL, n=1, c=1, f=filters, kernel=(1, 1), outputs=(side, side))


def pointwise(rng: Draw) -> Call:
    number = rng.integer(2, 3)
    return whole(rng, n=1, c=number, f=number, kernel=(1, 1), outputs=(2, 2))


def zero_upstream(rng: Draw) -> Call:
    call = whole(rng, padding=rng.integer(0, 1), kernel=(2, 2), f=rng.integer(1, 3))
    return Call((np.zeros_like(call.args[0]), *call.args[1:]), call.kwargs)


def precise(rng: Draw) -> Call:
    sizes: dict[str, Any] = {"stride": rng.integer(1, 2), "padding": rng.integer(1, 2), "kernel": (3, 3), "c": 2}
    return typed(rng, *REAL, **sizes)


def less_precise(rng: Draw) -> Call:
    """Return a call whose dy is float64, and image, weights or both are float32."""
    others = rng.choice((("float32", "float32"), ("float32", "float64"), ("float64", "float32")))
    return typed(rng, "float64", *others)


def large_whole(rng: Draw) -> Call:
    """Return a call with whole numbers whose products need more than 32 bits and fewer than 53."""
    arrays, moves = shapes(rng)
    return Call(tuple(integers(rng, shape, -(10**6), 10**6) for shape in arrays), given(*moves))


KINDS: tuple[tuple[Kind, ...], ...] = (
    REAL,
    ("int64", "int32", "int64"),
    ("float32", "float32", "float32"),
    ("int64", "uint8", "int64"),
    ("float64", "int64", "int64"),
    ("int64", "float64", "float64"),
    ("float64", "float32", "float32"),
    ("float64", "float32", "float64"),
    ("int64", "uint8", "float64"),
    ("large", "large", "large"),
    (1e15, 1e20, 1e10),
    (1e-30, 1e-15, 1e-25),
    ("float64", "int32", "float64"),
    ("any", "any", "any"),
)  # of dy, x and w, as conv2d's
TYPES = (MIXED[1], MIXED[0], MIXED[1])  # of dy, x and w, where any will do
SMALL = {**ONE, "kernel": (2, 2), "outputs": (2, 2), "padding": 0}
SEEN = {**SMALL, "stride": 2, "spare": (1, 1), "kind": ("any", "whole", "any"), "stored": "C", "image": "counted"}
REMEMBERED: tuple[dict[str, Any], ...] = (
    SEEN,
    {**SEEN, "c": 2},
    {**SEEN, "spare": (0, 0)},
    {**SEEN, "kernel": (3, 3), "spare": (0, 0)},
    *({**SEEN, "kernel": kernel, "spare": spare} for kernel, spare in (((2, 3), (1, 0)), ((3, 2), (0, 1)))),
    {**SEEN, "stride": 3, "spare": (0, 0)},
    *({**SEEN, "stride": stride, "spare": spare} for stride, spare in (((2, 3), (1, 0)), ((3, 2), (0, 1)))),
    *(
        {**SEEN, "stride": 3, "padding": edges, "spare": spare}
        for edges, spare in ((1, (2, 2)), ((0, 1), (0, 2)), ((1, 0), (2, 0)))
    ),
    *({**SEEN, "padding": edges} for edges in (1, (0, 1), (1, 0))),
)  # calls like the first but for one thing (of the last three, the padded image is as large): who remembers without it
CORNERS: tuple[dict[str, Any], ...] = (
    {},
    # the kernels that fast ways are written for; of one of them, image and map are as large
    {"kernel": (3, 3), "stride": (1, 2), "outputs": (2, 3)},
    *({"kernel": (3, 3), "stride": 1, "padding": 1, "spare": (0, 0), "outputs": size} for size in ((3, 1), (1, 3))),
    {"kernel": (3, 3), "stride": 1, "padding": 1, "spare": (0, 0), "outputs": (3, 3), "n": 2, "c": 2, "f": 2},
    {"kernel": (3, 3), "stride": 2, "padding": 1, "outputs": (2, 3), "kind": ("int64", "uint8", "float64")},
    {"kernel": (3, 3), "stride": 2, "padding": 1, "outputs": (3, 2), "kind": REAL},
    {"n": 1, "kernel": (5, 5), "stride": 1, "padding": 2, "outputs": (3, 3)},
    # options left out
    PLAIN,
    # windows that overlap in one direction alone, or tile the image
    *({"kernel": kernel, "stride": 1, "outputs": (2, 2)} for kernel in ((1, 3), (3, 1))),
    *({"kernel": (2, 2), "stride": stride, "outputs": (2, 2)} for stride in ((1, 2), (2, 1))),
    {"kernel": (2, 2), "stride": 2, "padding": 0, "spare": (0, 0), "outputs": (2, 2)},
    {"kernel": (3, 2), "stride": (3, 2), "padding": 0, "spare": (0, 0), "outputs": (2, 3)},
    # rows and columns of the image that no window reaches, also beyond a padding
    {"stride": 3, "padding": 1, "spare": (2, 0), "outputs": (2, 2), "kind": REAL},
    {"stride": 3, "padding": 1, "spare": (0, 2), "outputs": (2, 2)},
    {"stride": (4, 3), "padding": (1, 0), "spare": (3, 1), "outputs": (2, 2)},
    # one pixel, and a window as large as the image
    {"kernel": (1, 1), **PLAIN, "spare": (0, 0), "outputs": (1, 1)},
    *(
        {"kernel": (1, 1), "c": c, "f": c, "stride": s, "padding": 0}
        for c, s in ((2, 2), (3, (1, 2)), (2, (2, 1)), (3, 1))
    ),
    *(
        {"n": n, "f": f, "kernel": kernel, "padding": padding, "spare": (0, 0), "outputs": (1, 1)}
        for n, f, kernel, padding in ((2, 2, (2, 3), 0), (1, 2, (3, 4), 1), (2, 3, (7, 5), (1, 2)), (1, 2, (2, 2), 0))
    ),
    {"n": 3, "f": 3, "kernel": (2, 2), "spare": (0, 0), "outputs": (1, 1), **PLAIN, "kind": WHOLE, "stored": "C"},
    # no image
    *({"n": 1, "empty": True} for _ in range(2)),
    # pairs
    {"n": 2, "c": 3, "f": 2, "kernel": (3, 2), "outputs": (2, 3), "stride": (1, 2), "padding": (1, 0)},
    {"n": 2, "c": 2, "f": 3, "kernel": (2, 3), "outputs": (3, 2), "stride": (2, 1), "padding": (0, 1)},
    {"n": 2, "c": 3, "f": 2, "kernel": (3, 3), "outputs": (2, 2), "stride": (3, 2), "padding": (1, 2), "kind": REAL},
    {"n": 3, "c": 2, "f": 2, "kernel": (2, 2), "outputs": (2, 3), "stride": (2, 3), "padding": (2, 1)},
    # something that is large
    *({"n": 1, "kernel": kernel, "outputs": (1, 2)} for kernel in ((5, 5), (7, 7), (8, 11))),
    *({"f": 1, "kernel": kernel, "padding": 1, "outputs": (2, 1)} for kernel in ((11, 1), (1, 11), (7, 2))),
    *({"n": 1, "stride": stride, "outputs": (2, 3)} for stride in (5, (6, 2), (2, 7), (7, 5))),
    *({**ONE, "kernel": (k, k), "padding": p, "stride": 1, "outputs": (7, 6)} for k, p in ((1, 2), (2, 3))),
    *({**ONE, "kernel": (k, k), "padding": p, "stride": 2, "outputs": (5, 4)} for k, p in THICK[:2]),
    *({**SMALL, **PLAIN, "outputs": outputs, "spare": (0, 0)} for outputs in LARGE_MAPS[::2]),
    *({**SMALL, **PLAIN, "outputs": outputs, "spare": (0, 0), "kind": REAL} for outputs in LARGE_MAPS[1::2]),
    {**SMALL, **PLAIN, "kernel": (1, 1), "outputs": (55, 55), "spare": (0, 0), "kind": REAL},
    {**SMALL, **PLAIN, "n": 2, "c": 2, "f": 2, "outputs": (8, 9), "spare": (0, 0), "kind": REAL},
    {**SMALL, **PLAIN, "n": 6, "c": 2, "outputs": (6, 8), "spare": (0, 0), "kind": REAL},
    *({"f": 1, **many, "outputs": (1, 2)} for many in ({"n": 5}, {"n": 9}, {"c": 5})),
    *({"n": 1, **many, "padding": 0, "outputs": (1, 2)} for many in ({"f": 8}, {"f": 17})),
    {**SMALL, "c": 258, "kernel": (1, 1), "outputs": (1, 2)},
    *({"n": 2, "c": 3, "f": 3, "kernel": kernel, "outputs": (2, 2)} for kernel in ((2, 5), (5, 2))),
    *REMEMBERED,
    # zeros, and numbers that are equal or of one sign; what is left of dy does not stand in the padding
    *(
        {"f": 2, "kernel": (3, 3), "padding": s - 1, "stride": s, "upstream": "one hot", "outputs": (2, 3)}
        for s in (1, 2)
    ),
    {"f": 3, "upstream": "last zero", "n": 2, "kernel": (2, 2), "padding": 0},
    {"upstream": "sparse", "stride": (1, 2), "padding": 0, "outputs": (3, 3)},
    {"upstream": "constant", "kernel": (3, 3), "outputs": (3, 3)},
    {"upstream": "negative", "image": "negative", "weights": "negative"},
    {"f": 3, "weights": "last zero"},
    {"f": 2, "kernel": (2, 3), "weights": "alike"},
)  # what a call has besides what is drawn: corners that invite short cuts, and something that is large


def anything(rng: Draw) -> Call:
    """Return a call in which things meet that are each right alone: sizes, numbers, types, layouts, ways to call.

    What matters most is drawn first and whatever comes of it, so that several calls have it spread evenly.
    """
    corner, kind, layout = rng.choice(CORNERS), rng.choice(KINDS), rng.choice(STORED)
    way, form = rng.choice(WAYS), rng.choice(FORMS)
    moves = any_moves(rng, 3)
    (up, x, w), (stride, padding) = shapes(rng, **moves | {name: v for name, v in corner.items() if name in moves})
    n, f = enough(up, corner)
    sizes = (n, f, *up[2:]), (n, *x[1:]), (f, *w[1:])
    kinds = any_kinds(rng, corner.get("kind", kind), TYPES)
    dy, x, w = (filled(of_kind(rng.fork(), *each)) for each in zip(sizes, kinds, strict=True))
    for name, array in (("upstream", dense(dy)), ("image", x), ("weights", w)):
        PATTERNS[corner.get(name, "drawn")](array)
    arrays = [dy[:0], x[:0], w] if corner.get("empty") else [dy, x, w]
    arrays = all_stored(rng, arrays, corner.get("stored", layout))
    return handed(rng, arrays, {"stride": stride, "padding": padding}, way, corner.get("form", form), NAMES)


def _one_hot(array: Any) -> None:
    kept = array.flat[array.size // 2]
    array[...] = 0
    array.flat[array.size // 2] = kept


def _negative(array: Any) -> None:
    if array.dtype.kind != "u":
        array[...] = -np.abs(array)


def _counted(image: Any) -> None:
    """Give an image numbers that its shape alone decides: calls for it differ in what is left."""
    places = np.arange(image.size)
    image.flat = np.where(places % 3, 1, -1) * (4 * places % 11 + 1)


PATTERNS = {**conv.PATTERNS, "one hot": _one_hot, "negative": _negative, "counted": _counted}
