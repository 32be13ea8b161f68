"""What is promised about conv2d: its regimes, its wrong twins, and the picture of one output."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from exercises.contracts._conv2d import (
    CORNERS,
    all_together,
    alone,
    anything,
    as_lists,
    beyond_kernel,
    bias_with_zero,
    biases,
    by_keyword,
    by_position,
    bytes_image,
    crowded,
    empty,
    fractional_bias,
    full_kernel,
    large_kernel,
    large_stride,
    large_whole,
    larger,
    many_terms,
    not_dividing,
    one_pixel,
    precise,
    scaled,
    single,
    stored,
    thick_padding,
    typed,
    unequal,
    unequal_floats,
    unequal_paddings,
    unequal_strides,
    weights_with_zeros,
    whole,
    whole_image,
    wide,
    wide_padding,
    with_numpy_ints,
)
from exercises.contracts._inside import (
    Test,
    told_inside,
    ways_to_call,
    where,
    with_lists,
    with_numpy_integers,
    without_images,
)
from grader.authoring import Call, Close, Contract, Pane, Regime, Twin, Window
from solutions.convolution import conv2d
from solutions.twins import conv2d as twins
from solutions.windows import pad, pair

DOC = """\
Return the cross-correlation of every image with every filter, plus the filter's bias.

y[n, f, i, j] = b[f] + sum over c, u, v of xp[n, c, i*sh + u, j*sw + v] * w[f, c, u, v]

xp is x with zeros around it: `padding` rows above and below, `padding` columns left and right.
As in every deep-learning library the kernel is not flipped.

x: (N, C, H, W), a NumPy array of whole or floating numbers; N may be 0. Leave it unchanged.
w: (F, C, KH, KW), not larger than the padded image.
b: (F,), or None for no bias.
stride: an int (also NumPy's), or a pair (sh, sw) as a tuple or list; at least 1.
padding: an int (also NumPy's), or a pair (ph, pw) as a tuple or list; at least 0.

Returns y: (N, F, OH, OW) with OH = floor((H + 2*ph - KH) / sh) + 1, and OW likewise: a window that
would stand over the end is left out. Whole numbers stay exact, and floating numbers keep at least
the precision of x. Whole numbers come only where NumPy's type for x * w holds the sums.
"""


def magnitude(x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0) -> Any:
    """Return the sum of the absolute values of each entry's terms."""
    with np.errstate(over="ignore"):
        x, w = np.abs(x.astype(np.float64)), np.abs(w.astype(np.float64))
        return conv2d(x, w, None if b is None else np.abs(b.astype(np.float64)), stride, padding)


def largest(x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0) -> float:  # noqa: ARG001 - the call's
    """Return a bound on the terms' sum of any window, also of one that the stride leaves out."""
    bound = float(np.max(np.abs(x), initial=0)) * float(np.abs(w.astype(np.float64)).sum(axis=(1, 2, 3)).max())
    return bound + (0.0 if b is None else float(np.max(np.abs(b))))


DRAWN = (
    Regime("stride, padding and bias are left out", alone),
    Regime("there are several channels", lambda rng: whole(rng, n=1, c=rng.integer(2, 3), f=1), "volumes"),
    Regime("there are several filters", lambda rng: whole(rng, n=1, c=1, f=rng.integer(2, 3)), "volumes"),
    Regime("there are as many filters as channels", lambda rng: whole(rng, n=1, c=2, f=2), "volumes"),
    Regime("there are several images", lambda rng: whole(rng, n=rng.integer(2, 3), c=1), "volumes"),
    Regime("there is a bias", biases, "bias"),
    Regime("the stride divides", lambda rng: single(rng, stride=rng.integer(2, 3)), "stride"),
    Regime("the stride does not divide", not_dividing, "stride"),
    Regime("the strides are unequal", unequal_strides, "stride"),
    Regime("the stride is larger than the kernel", beyond_kernel, "stride"),
    Regime("there is padding", lambda rng: single(rng, kernel=(3, 3), padding=1), "padding"),
    Regime("the paddings are unequal", unequal_paddings, "padding"),
    Regime("the padding is wider than half the kernel", wide_padding, "padding"),
    Regime("the kernel is not square", lambda rng: single(rng, kernel=unequal(rng, 1, 2, 3)), "shapes"),
    Regime("the image is not square", lambda rng: single(rng, kernel=(2, 2), outputs=unequal(rng, 2, 3, 4)), "shapes"),
    Regime("the kernel is one pixel", one_pixel, "shapes"),
    Regime("the kernel is as large as the padded image", full_kernel, "shapes"),
    Regime("the batch is empty", empty, "shapes"),
    Regime("stride and padding are pairs, with several images, channels and filters", all_together, "together"),
    Regime("images, channels, filters, kernel and map are large at once", larger, "together"),
    Regime("there are four images, four channels or eight filters, or more", crowded, "large"),
    Regime("the kernel is large", large_kernel, "large", 8),
    Regime("the stride is 5 or more", large_stride, "large"),
    Regime("the padding is 4 or more and wider than the kernel", thick_padding, "large"),
    Regime("the map has 17 rows or columns or more", wide, "large"),
    Regime("there are many numbers, and they are not whole", many_terms, "large"),
    Regime("the bias holds zeros or a number twice, or adds up to zero", bias_with_zero, "bias", 8),
    Regime("weights are zero", weights_with_zeros, "shapes"),
    Regime("stride and padding are NumPy's integers", with_numpy_ints, "arguments"),
    Regime("the input is an integer array", lambda rng: typed(rng, rng.choice(("int64", "int32")), "int64"), "types"),
    Regime("the whole numbers are large", large_whole, "types"),
    Regime("the weights are whole and the image is not", lambda rng: typed(rng, "float64", "int64"), "types"),
    Regime("the image is of bytes (uint8)", bytes_image, "types"),
    Regime("the image is whole and the weights are not", whole_image, "types"),
    Regime("image and weights are whole and the bias is not", fractional_bias, "types"),
    Regime("the input is float32", lambda rng: typed(rng, "float32", "float32", padding=1, kernel=(3, 3)), "types"),
    Regime("one of image and weights is float64, the other float32", unequal_floats, "types"),
    Regime("float64 numbers need full precision", lambda rng: typed(rng, "float64", "float64", c=3), "types"),
    Regime("full precision, padding and a stride come together", precise, "together"),
    Regime("the numbers are huge", lambda rng: scaled(rng, 1e20, 1e10), "types"),
    Regime("the numbers are tiny", lambda rng: scaled(rng, 1e-15, 1e-25), "types"),
    Regime("the arrays are Fortran-ordered", lambda rng: stored(rng, "F"), "arguments"),
    Regime("the arrays have negative strides", lambda rng: stored(rng, "reversed"), "arguments"),
    Regime("the arrays are not contiguous", lambda rng: stored(rng, "gapped"), "arguments"),
    Regime("the arrays are read-only", lambda rng: stored(rng, "readonly"), "arguments"),
    Regime("all arguments are given by keyword", by_keyword, "arguments"),
    Regime("all arguments are given by position", by_position, "arguments"),
    Regime("stride and padding are lists", as_lists, "arguments"),
    Regime("sizes, types, layouts and ways to call are mixed", anything, "together", len(CORNERS) + 1),
)
# Which calls of other regimes are in these, too: the first round takes calls that are in many.
INSIDE: dict[str, Test] = {
    "stride, padding and bias are left out": where(lambda v: v.b is None and not {"stride", "padding"} & set(v.named)),
    "there are several channels": where(lambda v: v.c > 1),
    "there are several filters": where(lambda v: v.f > 1),
    "there are as many filters as channels": where(lambda v: v.f == v.c > 1),
    "there are several images": where(lambda v: v.n > 1),
    "there is a bias": where(lambda v: v.b is not None and v.f > 1),
    "the stride divides": where(lambda v: min(v.sh, v.sw) > 1 and v.divides() and min(v.oh, v.ow) > 1),
    "the stride does not divide": where(lambda v: not v.divides()),
    "the strides are unequal": where(lambda v: v.sh != v.sw and min(v.oh, v.ow) > 1),
    "the stride is larger than the kernel": where(lambda v: (v.sh > v.kh and v.oh > 1) or (v.sw > v.kw and v.ow > 1)),
    "there is padding": where(lambda v: min(v.ph, v.pw) > 0),
    "the paddings are unequal": where(lambda v: v.ph != v.pw),
    "the padding is wider than half the kernel": where(lambda v: 2 * v.ph > v.kh and 2 * v.pw > v.kw),
    "the kernel is not square": where(lambda v: v.kh != v.kw),
    "the image is not square": where(lambda v: v.h != v.width),
    "the kernel is one pixel": where(lambda v: v.kh == v.kw == 1),
    "the kernel is as large as the padded image": where(lambda v: v.room == (0, 0)),
    "the batch is empty": without_images,
    "stride and padding are pairs, with several images, channels and filters": where(
        lambda v: v.sh != v.sw and v.ph != v.pw and min(v.n, v.c, v.f) > 1
    ),
    "images, channels, filters, kernel and map are large at once": where(
        lambda v: min(v.n, v.c, v.f) > 1 and v.n * v.c * v.f > 11 and v.kh * v.kw > 5 and v.oh * v.ow > 3
    ),
    "there are four images, four channels or eight filters, or more": where(lambda v: v.n > 3 or v.c > 3 or v.f > 7),
    "the kernel is large": where(lambda v: max(v.kh, v.kw) > 4),
    "the stride is 5 or more": where(lambda v: (v.sh > 4 and v.oh > 1) or (v.sw > 4 and v.ow > 1)),
    "the padding is 4 or more and wider than the kernel": where(
        lambda v: min(v.ph, v.pw) > 3 and v.ph > v.kh and v.pw > v.kw
    ),
    "the map has 17 rows or columns or more": where(lambda v: max(v.oh, v.ow) > 16),
    "there are many numbers, and they are not whole": where(lambda v: v.c * v.kh * v.kw > 64 and v.decimals()),
    "the bias holds zeros or a number twice, or adds up to zero": where(lambda v: v.f > 1 and v.bias_invites()),
    "weights are zero": where(lambda v: min(v.kh, v.kw) > 1 and v.zero_weights()),
    "stride and padding are NumPy's integers": with_numpy_integers,
    "the input is an integer array": where(lambda v: set(v.kinds) == {"i"}),
    "the whole numbers are large": where(lambda v: "f" not in v.kinds and v.largest()[0] * v.largest()[1] > 1e11),
    "the weights are whole and the image is not": where(lambda v: v.kinds.startswith("fi")),
    "the image is of bytes (uint8)": where(lambda v: v.kinds.startswith("ui")),
    "the image is whole and the weights are not": where(lambda v: v.kinds[:2] in ("if", "uf")),
    "image and weights are whole and the bias is not": where(lambda v: v.kinds in ("iif", "uif")),
    "the input is float32": where(lambda v: v.all_are("float32")),
    "one of image and weights is float64, the other float32": where(
        lambda v: v.kinds.startswith("ff") and v.x.dtype != v.w.dtype
    ),
    "float64 numbers need full precision": where(lambda v: v.all_are("float64") and v.decimals()),
    "full precision, padding and a stride come together": where(
        lambda v: v.all_are("float64") and v.decimals() and min(v.ph, v.pw) > 0 and max(v.sh, v.sw) > 1
    ),
    "the numbers are huge": where(lambda v: min(v.largest()) > 1e9),
    "the numbers are tiny": where(lambda v: 0 < max(v.largest()) < 1e-10),
    **ways_to_call(5),
    "stride and padding are lists": with_lists,
}
REGIMES = told_inside(DRAWN, INSIDE)

HINTS = {
    twins.kernel_flipped: (
        "This is the true convolution. A layer does not flip its kernel: w[f, c, 0, 0] meets the window's first pixel."
    ),
    twins.kernel_transposed: (
        "Rows and columns of the kernel are exchanged: w[f, c, u, v] belongs to row u and column v of the window."
    ),
    twins.kernel_height_for_both: "The kernel's height is used as its width: KH = w.shape[2], but KW = w.shape[3].",
    twins.bias_forgotten: "The bias is never added: every entry of map f needs + b[f].",
    twins.bias_of_first_filter: "All maps get b[0]; map f needs its own b[f].",
    twins.bias_per_channel: "The bias is added once for every channel: add it once, after the sum over the channels.",
    twins.bias_per_product: "The bias is added inside the sum of products: add it once, after the sum.",
    twins.first_channel_only: (
        "Only channel 0 is used: a filter has a slice for every channel, and their sums are added."
    ),
    twins.mean_over_channels: "The channels' sums are added, not averaged.",
    twins.mean_over_window: "The products are added, not averaged: that would be pooling.",
    twins.first_image_for_all: (
        "All images of the batch get the first one's map: let the first index run over x.shape[0]."
    ),
    twins.filters_added: "The sum goes on from one filter to the next: start it at zero again for every filter.",
    twins.stride_ignored: "The stride is not used: the window moves by sh rows and sw columns.",
    twins.stride_not_in_offset: (
        "The size is right, but the windows move by one pixel: window (i, j) starts at row i*sh and column j*sw."
    ),
    twins.stride_height_for_both: "The first stride is used for both directions: columns move by stride[1].",
    twins.stride_swapped: "The pair is (vertical, horizontal): rows move by stride[0].",
    twins.last_stride_dropped: (
        "The last window is missing wherever the stride divides: there are floor(room / stride) + 1 positions."
    ),
    twins.rounded_up: (
        "There is one window too many where the stride does not divide: the size is rounded down, not up."
    ),
    twins.padding_ignored: "The padding is not used: put the zeros around x first.",
    twins.padding_at_start: "All the padding stands above and to the left: half of it belongs below and to the right.",
    twins.padding_once: (
        "There is padding above and to the left only: below and to the right there is as much, so 2p in all."
    ),
    twins.padding_repeats_edge: "The padding repeats the outermost pixels; it is zero.",
    twins.padding_wraps: "The padding takes pixels from the opposite side, as negative indices do; it is zero.",
    twins.padding_height_for_both: (
        "The first padding is used for both directions: left and right there are padding[1] columns."
    ),
    twins.padding_swapped: "The pair is (rows, columns): above and below there are padding[0].",
    twins.truncated_to_input: (
        "The result has the image's dtype, so decimals are cut off: create it with a dtype that holds the products."
    ),
    twins.single_precision: "float64 numbers are computed in float32: half the digits are lost.",
    twins.relu_left_in: "Negative results are set to zero: the activation is not part of the layer.",
}
TWINS = tuple(Twin(twin.__name__.replace("_", "-"), twin, hint) for twin, hint in HINTS.items())


def window(call: Call, at: tuple[int, ...]) -> Window | None:
    """Return the padded planes of the image, the window that makes y[n, f, i, j], and the kernel over it."""
    bound = inspect.signature(conv2d).bind(*call.args, **call.kwargs)
    bound.apply_defaults()
    x, w, b, stride, padding = bound.args
    (sh, sw), edges = pair(stride, "stride"), pair(padding, "padding", 0)
    y = conv2d(x, w, b, stride, padding)
    if len(at) != y.ndim or any(not 0 <= index < size for index, size in zip(at, y.shape, strict=True)):
        return None
    n, f, i, j = at
    rows, columns = (i * sh, i * sh + w.shape[2]), (j * sw, j * sw + w.shape[3])
    padded = pad(x[n : n + 1], edges)[0]
    panes = tuple(
        Pane(_label(x, n, c), _rows(padded[c]), rows, columns, edges, _rows(w[f, c])) for c in range(len(padded))
    )
    return Window(panes, sum_sentence(panes, at, None if b is None else b[f], y[at]))


PRODUCTS = 18  # written out one by one; of more, only the sums of the channels


def sum_sentence(panes: tuple[Pane, ...], at: tuple[int, ...], bias: Any, value: Any) -> str:
    """Return how the panes add up to the entry `at`: its products, or the sums of its channels where they are many."""
    terms = [[f"{_number(a)}·{_number(k)}" for a, k in _products(pane)] for pane in panes]
    if sum(map(len, terms)) > PRODUCTS:
        terms = [[_number(sum(a * k for a, k in _products(pane)))] for pane in panes]
        note = "the sums of the channels"
    else:
        note = "the products of the window"
    if bias is not None:
        terms.append([_number(bias)])
        note += " and the bias"
    total = " + ".join(term for group in terms for term in group)
    return f"y[{', '.join(map(str, at))}] = {total} = {_number(value, bare=True)} ({note})"


def _products(pane: Pane) -> Iterator[tuple[Any, Any]]:
    for row, weights in zip(pane.plane[slice(*pane.rows)], pane.weights or (), strict=True):
        yield from zip(row[slice(*pane.columns)], weights, strict=True)


def _label(x: Any, n: int, c: int) -> str:
    image = f"image {n}, " if len(x) > 1 else ""
    return f"{image}channel {c}"


def _rows(plane: Any) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(row) for row in plane.tolist())


def _number(value: Any, *, bare: bool = False) -> str:
    text = f"{value:.6g}"
    return f"({text})" if text.startswith("-") and not bare else text


CONV2D = Contract(
    name="conv2d",
    signature="(x, w, b=None, stride=1, padding=0)",
    doc=DOC,
    reference=conv2d,
    regimes=REGIMES,
    check=Close(magnitude, terms=lambda x, w, *rest, **named: int(w[0].size) + 1, largest=largest),
    twins=TWINS,
    groups={
        "basics": 2,
        "volumes": 2,
        "bias": 1,
        "stride": 2,
        "padding": 2,
        "shapes": 1,
        "large": 1,
        "together": 1,
        "types": 1,
        "arguments": 1,
    },
    window=window,
)
CONTRACTS = (CONV2D,)
