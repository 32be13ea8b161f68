"""What is promised about feature_maps: convolution, sigmoid and mean pooling of one image."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from exercises.contracts._conv2d import MIXED, unequal
from exercises.contracts._scene import SHOWCASE
from grader.authoring import LAYOUTS, Call, Close, Contract, Draw, Pane, Regime, Twin, Window, integers, laid_out, reals
from solutions.convolution import conv2d
from solutions.feature_maps import feature_maps
from solutions.pooling import avg_pool2d
from solutions.twins import feature_maps as twins

DOC = """\
Return the feature maps of one image, and the same maps pooled.

maps[f, i, j] = sigmoid(bias[f] + sum over c, u, v of image[c, i + u, j + v] * filters[f, c, u, v])
pooled[f, i, j] = mean over u, v below pool of maps[f, i*pool + u, j*pool + v]

sigmoid(z) = 1 / (1 + exp(-z)); where z is in the thousands, of either sign, it is 1 or 0. There is no padding, the
stride is 1, and the filters are not flipped.

image: (C, H, W), a NumPy array of whole or floating numbers. Leave it unchanged.
filters: (F, C, KH, KW), not larger than the image.
bias: (F,), one number a filter.
pool: a whole number, the side of the tiles and their stride; not larger than the maps.

Returns a tuple (maps, pooled) of floating arrays: maps has the shape (F, H-KH+1, W-KW+1), and pooled
(F, (H-KH+1)//pool, (W-KW+1)//pool): rows and columns at the end that fill no tile are left out.
Floating numbers keep at least their precision.
"""


def magnitude(image: Any, filters: Any, bias: Any, pool: int) -> tuple[Any, Any]:
    """Return how much an entry is made of: the sigmoid's slope is at most 1/4, and itself at most 1."""
    z = conv2d(np.abs(image)[None], np.abs(filters), np.abs(bias)) / 4 + 1.0
    return z[0], avg_pool2d(z, pool)[0]


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


VOLUMES = ((1, 1), (1, 2), (2, 1), (2, 2), (1, 4), (4, 1), (2, 3), (3, 2), (3, 3))  # channels and filters


def anything(rng: Draw) -> Call:
    """Return a call in which everything varies at once: sizes, dtypes, layouts. Not all of them are large at once."""
    dtypes = [rng.choice(options) for options in MIXED]
    pool, (channels, filters) = rng.integer(1, 4), rng.choice(VOLUMES)
    shapes, pool = case(
        rng,
        c=channels,
        f=filters,
        kernel=(rng.integer(1, 4), rng.integer(1, 4)),
        pool=pool,
        tiles=rng.choice(((1, 1), (1, 2), (2, 1), (2, 2)) if pool > 2 else ((1, 2), (2, 3), (3, 1), (3, 2))),
        spare=(rng.integer(0, pool - 1), rng.integer(0, pool - 1)),
    )
    arrays = [numbers(rng, shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    return Call((*(laid_out(array, rng.choice(LAYOUTS)) for array in arrays), pool))


def as_handed_out(rng: Draw) -> Call:
    """Return a colour image with filters of 9 by 9 and one tile of 5 by 5: small, since loops in Python are slow."""
    sizes: dict[str, Any] = {"f": rng.choice((1, 2)), "spare": rng.choice(((0, 1), (1, 0)))}
    (image, filters, bias), pool = case(rng, c=3, kernel=(9, 9), pool=5, tiles=(1, 1), **sizes)
    return Call((quarters(rng, image), quarters(rng, filters, 1) / 4, quarters(rng, bias), pool))


REGIMES = (
    Regime("there is one channel and one filter, without a bias", call),
    Regime("there are several channels", lambda rng: call(rng, c=rng.integer(2, 3)), "volumes"),
    Regime("there are several filters", lambda rng: call(rng, f=rng.integer(2, 3)), "volumes"),
    Regime("there are as many filters as channels", lambda rng: call(rng, c=2, f=2), "volumes"),
    Regime("there is a bias", lambda rng: call(rng, biased=True), "bias"),
    Regime("every filter has a bias", biases, "bias"),
    Regime("the tiles do not divide the maps", not_dividing, "pooling"),
    Regime("a tile is one entry", lambda rng: call(rng, pool=1), "pooling"),
    Regime("a tile is as large as the map", lambda rng: call(rng, pool=3, tiles=(1, 1)), "pooling"),
    Regime("the filters are not square", lambda rng: call(rng, kernel=unequal(rng, 1, 2, 3)), "shapes"),
    Regime("the image is not square", lambda rng: call(rng, kernel=(2, 2), tiles=unequal(rng, 1, 2, 3)), "shapes"),
    Regime("a filter is one pixel", lambda rng: call(rng, kernel=(1, 1)), "shapes"),
    Regime("the image has colours, the filters are 9 by 9 and the tiles 5 by 5", as_handed_out, "together"),
    Regime("some sums are in the thousands", bright, "numbers"),
    Regime("the image is of whole numbers", lambda rng: typed(rng, "int64", "float64"), "types"),
    Regime("all numbers are whole", lambda rng: typed(rng, "int64", "int64"), "types"),
    Regime("the image is of bytes (uint8)", bright_bytes, "types"),
    Regime("the input is float32", lambda rng: typed(rng, "float32", "float32"), "types"),
    Regime("float64 numbers need full precision", lambda rng: typed(rng, "float64", "float64"), "types"),
    Regime("the arrays are Fortran-ordered", lambda rng: stored(rng, "F"), "arguments"),
    Regime("the arrays have negative strides", lambda rng: stored(rng, "reversed"), "arguments"),
    Regime("the arrays are not contiguous", lambda rng: stored(rng, "gapped"), "arguments"),
    Regime("the arrays are read-only", lambda rng: stored(rng, "readonly"), "arguments"),
    Regime("all arguments are given by keyword", by_keyword, "arguments"),
    Regime("sizes, types and layouts are mixed", anything, "together", 17),
)
HINTS: dict[Callable[..., Any], str] = {
    twins.no_sigmoid: "The sigmoid is missing: maps = 1 / (1 + exp(-z)), and those are pooled.",
    twins.sigmoid_after_pooling: "You pooled the responses and then took the sigmoid: the sigmoid comes first.",
    twins.sigmoid_only_before_pooling: "The pooled maps are right, but the maps are returned without the sigmoid.",
    twins.exponent_sign: "The sigmoid is mirrored: it is 1 / (1 + exp(-z)), with a minus sign.",
    twins.exponential_over_itself: (
        "exp(z) is infinite for large z, and infinity by infinity is NaN: write 1 / (1 + exp(-z)), which is 1 there."
    ),
    twins.hyperbolic_tangent: "This is the hyperbolic tangent; the sigmoid is 1 / (1 + exp(-z)).",
    twins.first_channel_only: "Only the first channel is seen: add up the products of all channels.",
    twins.mean_over_channels: "The channels are averaged: their products are added up.",
    twins.kernel_flipped: "The filters are flipped: filters[f, c, 0, 0] meets the window's first pixel.",
    twins.kernel_transposed: "Rows and columns of the filters are exchanged: u goes with rows, v with columns.",
    twins.first_filter_for_all: "All maps are made by the first filter: map f is made by filters[f].",
    twins.bias_forgotten: "The bias is not added: each map has its own, bias[f].",
    twins.bias_of_first_filter: "All maps get the first filter's bias: map f gets bias[f].",
    twins.bias_after_sigmoid: "The bias is added after the sigmoid: it belongs to the sum inside.",
    twins.padded_to_same: "The image is padded with zeros: here the filter stays inside, and the maps are smaller.",
    twins.pooling_stride_one: "The pooling window moves by one entry: tiles lie side by side, at a stride of pool.",
    twins.max_pooled: "These are the largest entries of the tiles; mean pooling averages them.",
    twins.sum_pooled: "These are the sums of the tiles: divide by pool*pool.",
    twins.rest_pooled: "Tiles that stand over the end are kept: they are left out.",
    twins.rest_averaged: "Tiles that stand over the end are kept: they are left out.",
    twins.single_precision: "float64 numbers are computed in float32: half the digits are lost.",
}


def window(given: Call, at: tuple[int, ...]) -> Window | None:
    """Return the channels with the window that makes an entry of the maps; None for a pooled one."""
    bound = inspect.signature(feature_maps).bind(*given.args, **given.kwargs)
    image, filters, bias, pool = bound.args
    maps = feature_maps(image, filters, bias, pool)[0]
    if len(at) != 4 or at[0] != 0 or any(not 0 <= i < n for i, n in zip(at[1:], maps.shape, strict=True)):
        return None
    f, i, j = at[1:]
    spans = (i, i + filters.shape[2]), (j, j + filters.shape[3])
    panes = tuple(
        Pane(f"channel {c}", _rows(plane), *spans, weights=_rows(filters[f, c])) for c, plane in enumerate(image)
    )
    z = conv2d(image[None], filters, bias)[0, f, i, j]
    return Window(panes, f"maps[{f}, {i}, {j}] = sigmoid({z:.6g}) = {maps[f, i, j]:.6g}")


def _rows(plane: Any) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(row) for row in plane.tolist())


FEATURE_MAPS = Contract(
    name="feature_maps",
    signature="(image, filters, bias, pool)",
    doc=DOC,
    reference=feature_maps,
    regimes=REGIMES,
    check=Close(
        magnitude,
        terms=lambda image, filters, bias, pool: int(filters[0].size) + pool**2,
        names=("maps", "pooled"),
    ),
    twins=tuple(Twin(t.__name__.replace("_", "-"), t, hint) for t, hint in HINTS.items()),
    groups={
        "basics": 2,
        "volumes": 2,
        "bias": 1,
        "pooling": 2,
        "shapes": 1,
        "together": 1,
        "numbers": 1,
        "types": 1,
        "arguments": 1,
    },
    window=window,
    showcase=SHOWCASE,
)
CONTRACTS = (FEATURE_MAPS,)
