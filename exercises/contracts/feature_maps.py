"""What is promised about feature_maps: convolution, sigmoid and mean pooling of one image."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from exercises.contracts._conv2d import unequal
from exercises.contracts._inside import Test, all_by_keyword, stored_as, told_inside
from exercises.contracts._maps import (
    CORNERS,
    Maps,
    anything,
    as_handed_out,
    biases,
    bright,
    bright_bytes,
    by_keyword,
    call,
    not_dividing,
    stored,
    typed,
    unfilled,
)
from exercises.contracts._scene import SHOWCASE
from grader.authoring import Call, Close, Contract, Pane, Regime, Twin, Window
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


DRAWN = (
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
    Regime("sizes, types and layouts are mixed", anything, "together", len(CORNERS) + 1),
)
# Which calls of other regimes are in these, too: the first round takes calls that are in many.
INSIDE: dict[str, Test] = {
    "there is one channel and one filter, without a bias": Maps.where(lambda v: v.c == v.f == 1 and not np.any(v.b)),
    "there are several channels": Maps.where(lambda v: v.c > 1),
    "there are several filters": Maps.where(lambda v: v.f > 1),
    "there are as many filters as channels": Maps.where(lambda v: v.f == v.c > 1),
    "there is a bias": Maps.where(lambda v: bool(np.all(v.b))),
    "every filter has a bias": Maps.where(lambda v: v.biased()),
    "the tiles do not divide the maps": Maps.where(lambda v: bool(v.oh % v.pool or v.ow % v.pool)),
    "a tile is one entry": Maps.where(lambda v: v.pool == 1),
    "a tile is as large as the map": Maps.where(lambda v: v.oh == v.ow == v.pool > 1),
    "the filters are not square": Maps.where(lambda v: v.kh != v.kw),
    "the image is not square": Maps.where(lambda v: v.h != v.width),
    "a filter is one pixel": Maps.where(lambda v: v.kh == v.kw == 1),
    "some sums are in the thousands": lambda given: Maps(given).extreme(),
    "the image is of whole numbers": Maps.where(lambda v: v.kinds[:2] == "if"),
    "all numbers are whole": Maps.where(lambda v: v.kinds == "iii"),
    "the image is of bytes (uint8)": Maps.where(lambda v: v.kinds[:2] == "uf" and v.largest()[0] > 127),
    "the input is float32": Maps.where(lambda v: v.all_are("float32")),
    "float64 numbers need full precision": Maps.where(lambda v: v.all_are("float64") and v.decimals()),
    "the arrays are Fortran-ordered": unfilled(stored_as("F")),
    "the arrays have negative strides": unfilled(stored_as("reversed")),
    "the arrays are not contiguous": unfilled(stored_as("gapped")),
    "the arrays are read-only": unfilled(stored_as("readonly")),
    "all arguments are given by keyword": unfilled(all_by_keyword),
}
REGIMES = told_inside(DRAWN, INSIDE)
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
