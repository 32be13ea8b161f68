"""Calls of feature_maps: a way to draw them for each of its regimes, and what tells which regimes a call is in."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from exercises.contracts._conv2d import MIXED, PATTERNS, STORED, Kind, all_stored, any_kinds
from exercises.contracts._inside import Look, Test
from grader.authoring import Call, Draw, integers, laid_out, reals
from solutions.convolution import conv2d


def quarters(rng: Draw, shape: tuple[int, ...], most: int = 3) -> Any:
    """Return small multiples of 1/4, of which few products fill the sigmoid."""
    return integers(rng, shape, -most, most, "float64") / 4


def case(
    rng: Draw,
    *,
    c: int = 1,
    f: int = 1,
    kernel: tuple[int, int] | None = None,
    pool: int = 2,
    tiles: tuple[int, int] | None = None,
    spare: tuple[int, int] = (0, 0),
) -> tuple[tuple[tuple[int, ...], ...], int]:
    """Return the shapes of image, filters and bias, and the pool; the image is built from its pooled map."""
    kernel = kernel or (rng.integer(2, 3),) * 2
    tiles = tiles or (rng.integer(2, 3),) * 2
    height, width = (pool * t + r + k - 1 for t, r, k in zip(tiles, spare, kernel, strict=True))
    return ((c, height, width), (f, c, *kernel), (f,)), pool


def call(rng: Draw, *, biased: bool = False, **sizes: Any) -> Call:
    """Return a call with multiples of 1/4; without a bias its numbers are zero."""
    (image, filters, _), pool = case(rng, **sizes)
    bias = np.array(rng.sample((2, 3, 5, -2, -3, -5), filters[0]), np.float64) / 4 if biased else np.zeros(filters[0])
    return Call((quarters(rng, image), quarters(rng, filters), bias, pool))


def biases(rng: Draw) -> Call:
    """Return a call whose maps have as many columns as there are filters, so that a bias along them shows."""
    filters, pool, tiles = rng.choice(((2, 2, 1), (3, 3, 1), (4, 2, 2)))
    return call(rng, biased=True, f=filters, pool=pool, tiles=(tiles, tiles))


def not_dividing(rng: Draw) -> Call:
    pool, *spare = rng.choice(((2, 0, 1), (3, 1, 2), (2, 1, 0), (3, 2, 1), (3, 0, 2), (2, 1, 1)))
    return call(rng, pool=pool, spare=(spare[0], spare[1]))


def numbers(rng: Draw, shape: tuple[int, ...], dtype: str) -> Any:
    if dtype.startswith("float"):
        return reals(rng, shape, dtype, 0.5)
    return integers(rng, shape, 0 if dtype == "uint8" else -2, 2, dtype)


def typed(rng: Draw, image: str, weights: str) -> Call:
    shapes, pool = case(rng, c=2, f=2)
    arrays = [numbers(rng, shape, dtype) for shape, dtype in zip(shapes, (image, weights, weights), strict=True)]
    return Call((*arrays, pool))


def bright_bytes(rng: Draw) -> Call:
    """Return a call with bytes that must not wrap around; the weights are small, so that the sigmoid is not full."""
    (image, filters, bias), pool = case(rng, c=2)
    return Call((integers(rng, image, 100, 255, "uint8"), quarters(rng, filters) / 256, quarters(rng, bias), pool))


def bright(rng: Draw) -> Call:
    """Return a call with bytes and such weights that sums reach thousands, where exp(z) or exp(-z) is infinite."""
    (image, filters, bias), pool = case(rng, kernel=(3, 3), f=2)
    weights = integers(rng, filters, 1, 3, "float64")
    weights[rng.integer(0, 1)] *= -1
    return Call((integers(rng, image, 100, 255, "uint8"), weights, quarters(rng, bias), pool))


def stored(rng: Draw, layout: str) -> Call:
    *arrays, pool = call(rng, biased=True, c=2, f=2).args
    return Call((*(laid_out(array, layout) for array in arrays), pool))


def by_keyword(rng: Draw) -> Call:
    image, filters, bias, pool = call(rng, biased=True, c=2, f=2).args
    return Call((), {"pool": pool, "bias": bias, "filters": filters, "image": image})


def as_handed_out(rng: Draw) -> Call:
    """Return a colour image with filters of 9 by 9 and one tile of 5 by 5: small, since loops in Python are slow."""
    sizes: dict[str, Any] = {"f": rng.choice((1, 1, 2)), "spare": rng.choice(((0, 1), (1, 0)))}
    (image, filters, bias), pool = case(rng, c=3, kernel=(9, 9), pool=5, tiles=(1, 1), **sizes)
    return Call((quarters(rng, image), quarters(rng, filters, 1) / 4, quarters(rng, bias), pool))


# Calls in which things meet --------------------------------------------------------------------------------

VOLUMES = ((1, 1), (1, 2), (2, 1), (2, 2), (2, 2), (2, 3), (3, 2))  # channels and filters
ONE = {"c": 1, "f": 1}
REAL: tuple[Kind, ...] = ("float64",) * 3
KINDS: tuple[tuple[Kind, ...], ...] = (
    REAL,
    ("int64", "int64", "int64"),
    ("float32", "float32", "float32"),
    ("int64", "float64", "float64"),
    ("float64", "int64", "int64"),
    ("float64", "float32", "float32"),
    ("float32", "float64", "float64"),
    ("int64", "int64", "float64"),
    ("float64", "int32", "float64"),
    ("int32", "float64", "int64"),
    ("uint8", "float64", "float64"),
    ("any", "any", "any"),
)  # dtypes of image, filters and bias
SQUARES = {**ONE, "kernel": (2, 2)}  # of a map of 5 by 5, which is pooled in several ways
TAILS = (
    {"c": 4, "f": 1, "kernel": (2, 2), "pool": 3, "tiles": (1, 1), "spare": (2, 0)},
    {"c": 5, "f": 1, "kernel": (3, 1), "pool": 3, "tiles": (1, 1), "spare": (0, 2)},
    {"c": 4, "f": 1, "kernel": (1, 3), "pool": 4, "tiles": (1, 1), "spare": (3, 2)},
    {"c": 1, "f": 4, "kernel": (2, 2), "pool": 4, "tiles": (1, 1), "spare": (2, 3)},
    {"c": 1, "f": 5, "kernel": (1, 3), "pool": 3, "tiles": (1, 2), "spare": (2, 2)},
    {"c": 2, "f": 2, "kernel": (2, 2), "pool": 5, "tiles": (1, 1), "spare": (0, 3)},
    {"c": 1, "f": 2, "kernel": (3, 1), "pool": 4, "tiles": (2, 1), "spare": (0, 2)},
    {"c": 2, "f": 1, "kernel": (1, 1), "pool": 5, "tiles": (1, 1), "spare": (4, 0)},
    {"c": 2, "f": 2, "kernel": (1, 1), "pool": 2, "tiles": (1, 2), "spare": (1, 1)},
    {"c": 8, "f": 1, "kernel": (1, 1), "pool": 2, "tiles": (2, 1), "spare": (0, 1)},
    {"c": 1, "f": 8, "kernel": (1, 1), "pool": 2, "tiles": (2, 1), "spare": (1, 0)},
)  # a tile more would nearly fit; and there are many channels or filters
LONG = ((1, (1, 5)), (1, (5, 1)), (2, (1, 4)), (2, (4, 1)), (1, (1, 17)), (1, (17, 1)), (2, (1, 9)), (3, (3, 1)))
FULL = ((2, 2, (1, 1)), (3, 3, (1, 1)), (4, 4, (1, 1)), (3, 1, (2, 3)), (2, 1, (3, 2)), (2, 2, (2, 1)))
CORNERS: tuple[dict[str, Any], ...] = (
    *({} for _ in range(3)),
    # the plain layer, and its parts one by one
    *({**ONE, "bias": "zeros", "pool": 2, "kernel": (side, side)} for side in (2, 3, 3)),
    *({"c": 2, "f": 2, "kernel": kernel} for kernel in ((3, 3), (2, 3), (3, 2))),
    *({**ONE, "kernel": kernel, "tiles": (2, 1), "pool": 2} for kernel in ((5, 5), (1, 7), (7, 1), (4, 6))),
    {"kernel": (1, 1)},
    # tiles that do not fit, that are one entry, or all of the map; maps that are long
    *TAILS,
    *({**ONE, "kernel": (2, 2), "pool": pool, "tiles": tiles, "spare": (0, 0)} for pool, tiles in LONG),
    *({**SQUARES, "pool": pool, "tiles": (5 // pool,) * 2, "spare": (5 % pool,) * 2} for pool in (1, 2, 3, 5)),
    {**ONE, "pool": 7, "tiles": (1, 1), "spare": (0, 0), "kernel": (1, 2)},
    *({"pool": 1, "tiles": (1, 1), "kernel": kernel} for kernel in ((3, 3), (2, 1))),  # one window
    # as many columns or rows as filters
    *({"c": 1, "f": f, "pool": pool, "tiles": tiles, "spare": (0, 0)} for f, pool, tiles in FULL),
    # numbers: bytes that wrap around, sums that are large, zeros, and numbers or filters that are equal
    *({"c": 1, "kernel": (2, 2), "image": "bright", "weights": "faint", "kind": REAL} for _ in range(4)),
    *({"c": 1, "f": 2, "kernel": (3, 3), "image": "bright", "weights": "heavy", "kind": REAL} for _ in range(3)),
    *({"c": 1, "f": 2, "kernel": (2, 2), "bias": "far", "kind": REAL} for _ in range(3)),
    *({"f": 3, "c": 1, "kernel": (2, 2), "bias": bias} for bias in ("last zero", "first again", "sum of zero")),
    *({"f": 2, "kernel": (2, 2), "weights": weights} for weights in ("last zero", "alike", "symmetric")),
    {"c": 2, "kernel": (2, 2), "image": "constant"},
    {"c": 2, "kernel": (2, 2), "image": "sparse"},
)  # what a call has besides what is drawn: corners that invite short cuts
WAYS = ("usual", "usual", "keyword")
BIAS = (2, 3, 5, -2, -3, -5, 4, -4, 1, -1)


def anything(rng: Draw) -> Call:
    """Return a call in which things meet that are each right alone: sizes, numbers, types, layouts, ways to call.

    What matters most is drawn first and whatever comes of it, so that several calls have it spread evenly. Sums stay
    small but in corners that are for large ones: where the sigmoid is full, nothing else shows.
    """
    corner, kind, layout, way = rng.choice(CORNERS), rng.choice(KINDS), rng.choice(STORED), rng.choice(WAYS)
    sizes = any_sizes(rng)
    shapes, pool = case(rng, **{name: corner.get(name, value) for name, value in sizes.items()})
    kinds = [str(each) for each in any_kinds(rng, corner.get("kind", kind), MIXED)]
    image, filters = numbers(rng.fork(), shapes[0], kinds[0]), weights_of(rng.fork(), shapes[1], kinds[1])
    image.flat[0] = image.flat[0] or 1
    arrays = {"image": image, "weights": filters, "bias": offsets(rng.fork(), shapes[2], kinds[2])}
    for name, array in arrays.items():
        if pattern := corner.get(name):
            arrays[name] = NUMBERS[pattern](rng, array) if pattern in NUMBERS else changed(array, PATTERNS[pattern])
    stored = dict(zip(("image", "filters", "bias"), all_stored(rng, list(arrays.values()), layout), strict=True))
    if way == "keyword":
        return Call((), {"pool": pool, **dict(reversed(stored.items()))})
    return Call((*stored.values(), pool))


def any_sizes(rng: Draw) -> dict[str, Any]:
    """Return sizes in which everything varies at once, as `case` takes them; not all of them are large at once."""
    pool, (channels, filters) = rng.integer(1, 4), rng.choice(VOLUMES)
    tiles = rng.choice(((1, 1), (1, 2), (2, 1)) if pool > 2 else ((1, 2), (2, 2), (3, 1), (2, 3)))
    spare = rng.integer(0, pool - 1), rng.integer(0, pool - 1)
    kernel = rng.integer(1, 3), rng.integer(1, 3)
    return {"c": channels, "f": filters, "kernel": kernel, "pool": pool, "tiles": tiles, "spare": spare}


def weights_of(rng: Draw, shape: tuple[int, ...], dtype: str) -> Any:
    """Return small numbers for filters, the smaller the more there are; no filter is zero by chance."""
    many = np.prod(shape[1:]) > 12
    if dtype.startswith("float"):
        weights = reals(rng, shape, dtype, 0.25 if many else 0.5)
    else:
        weights = integers(rng, shape, -1 if many else -2, 1 if many else 2, dtype)
    for weight in weights:
        weight.flat[0] = weight.flat[0] or 1
    return weights


def offsets(rng: Draw, shape: tuple[int, ...], dtype: str) -> Any:
    """Return a bias whose entries all differ, and differ from zero; with decimals, if it is of a floating type."""
    values = np.array(rng.sample(BIAS, shape[0]))
    if not dtype.startswith("float"):
        return values.astype(dtype)
    return (values / 4 + reals(rng, shape, "float64", 0.0625)).astype(dtype)


def changed(array: Any, change: Callable[[Any], None]) -> Any:
    change(array)
    return array


def _heavy(rng: Draw, weights: Any) -> Any:
    """Return weights that make sums of bytes large, of either sign."""
    heavy = integers(rng.fork(), weights.shape, 1, 3, "float64")
    heavy[rng.integer(0, 1)] *= -1
    return heavy


NUMBERS: dict[str, Callable[[Draw, Any], Any]] = {
    "bright": lambda rng, image: integers(rng.fork(), image.shape, 100, 255, "uint8"),
    "faint": lambda rng, weights: quarters(rng.fork(), weights.shape) / 256 + 1 / 4096,
    "heavy": _heavy,
    "far": lambda rng, bias: bias + 24 * (1 - 2 * (np.arange(bias.size) % 2)),
}  # besides PATTERNS: numbers that are not like the others


# Which regimes a call is in --------------------------------------------------------------------------------


class Maps(Look):
    """What a call of feature_maps is made of."""

    names = ("image", "filters", "bias", "pool")
    factors = ("image", "filters")
    b: Any  # always given

    def __init__(self, call: Call) -> None:
        self.named = {**dict(zip(self.names, call.args, strict=False)), **call.kwargs}
        self.x, self.w, self.b, self.pool = (self.named[name] for name in self.names)
        self.arrays = [self.x, self.w, self.b]
        self.kinds = "".join(array.dtype.kind for array in self.arrays)
        (self.c, self.h, self.width), (self.f, _, self.kh, self.kw) = self.x.shape, self.w.shape
        self.oh, self.ow = self.h - self.kh + 1, self.width - self.kw + 1

    def shows(self) -> bool:
        """Is the sigmoid far from full, at half of the entries or more? Else a wrong sum looks like a right one."""
        return bool((np.abs(self.sums) < 15).mean() >= 0.5)

    @cached_property
    def sums(self) -> Any:
        return conv2d(self.x[None].astype(np.float64), self.w.astype(np.float64), self.b.astype(np.float64))

    def biased(self) -> bool:
        """Has every filter a bias of its own, and the map as many columns?"""
        return bool(self.f > 1 and self.ow == self.f == len(set(self.b.tolist()) - {0}))

    def extreme(self) -> bool:
        """Is exp(z) infinite somewhere, and exp(-z) elsewhere?"""
        sums = self.sums
        return bool(sums.max() > 1000 and sums.min() < -1000)


def unfilled(test: Test) -> Test:
    """Return whether the test holds, of a call in which the sigmoid is far from full."""
    return lambda call: test(call) and Maps.at(call).shows()
