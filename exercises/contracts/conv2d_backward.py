"""What is promised about conv2d_backward: its regimes and its wrong twins. It is judged without a forward pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from exercises.contracts.conv2d import case, given, remainder, unequal
from grader.authoring import Call, Close, Contract, Draw, Regime, Twin, integers, laid_out, reals
from solutions.convolution import conv2d_backward
from solutions.twins import conv2d_backward as twins
from solutions.windows import pair

DOC = """\
Return the gradients of sum(dy * y), where y = conv2d(x, w, b, stride, padding), for x, w and b.

y is the cross-correlation (no flip) of x, with zeros around it, and w, plus the bias; a window that
would stand over the end is left out. The bias itself is not needed.

dy: (N, F, OH, OW), the gradient of the output, of whole or floating numbers. Leave it unchanged.
x: (N, C, H, W), as given to conv2d; N may be 0.
w: (F, C, KH, KW), as given to conv2d.
stride: an int, or a pair (sh, sw) as a tuple or list; at least 1.
padding: an int, or a pair (ph, pw) as a tuple or list; at least 0.

Returns (dx, dw, db) with the shapes of x, w and (F,): sums over all images and positions, not means.
Pixels that no window reaches have the gradient 0. Floating numbers keep at least the precision of dy.
"""


def magnitude(dy: Any, x: Any, w: Any, stride: Any = 1, padding: Any = 0) -> Any:
    """Return the sums of the absolute values of each entry's terms."""
    dy, x, w = (np.abs(a.astype(np.float64)) for a in (dy, x, w))
    return conv2d_backward(dy, x, w, stride, padding)


def shapes(rng: Draw, **sizes: Any) -> tuple[tuple[tuple[int, ...], ...], dict[str, Any]]:
    """Return the shapes of dy, x and w, and the arguments that are not at their default."""
    x, w, (stride, padding) = case(rng, **sizes)
    rows, columns = (
        (i + 2 * p - k) // s + 1
        for i, k, s, p in zip(x[2:], w[2:], pair(stride, "stride"), pair(padding, "padding", 0), strict=True)
    )
    return ((x[0], w[0], rows, columns), x, w), given(stride, padding)


def whole(rng: Draw, dtype: str = "float64", **sizes: Any) -> Call:
    """Return a call with small whole numbers."""
    found, options = shapes(rng, **sizes)
    return Call(tuple(integers(rng, shape, dtype=dtype) for shape in found), options)


def single(rng: Draw, **sizes: Any) -> Call:
    """Return a call with one image, one channel and one filter."""
    return whole(rng, n=1, c=1, f=1, **sizes)


def fractional(rng: Draw, dtype: str, scale: float = 1.0) -> Call:
    found, options = shapes(rng, padding=rng.integer(0, 1), kernel=(3, 3))
    return Call(tuple(reals(rng, shape, dtype, scale) for shape in found), options)


def not_dividing(rng: Draw) -> Call:
    stride = rng.integer(2, 3)
    return single(rng, stride=stride, spare=remainder(rng, (stride, stride)))


def padded_and_strided(rng: Draw) -> Call:
    stride = rng.integer(2, 3)
    spare = remainder(rng, (stride, stride))
    return single(rng, kernel=(3, 3), stride=stride, padding=rng.integer(1, 2), spare=spare)


def all_together(rng: Draw) -> Call:
    stride, padding = unequal(rng, 1, 2, 3), unequal(rng, 0, 1, 2)
    sizes: dict[str, Any] = {"n": 2, "c": rng.integer(2, 3), "f": rng.integer(2, 3), "outputs": unequal(rng, 2, 3)}
    kernel = rng.choice(((3, 2), (2, 3)))
    return whole(rng, kernel=kernel, stride=stride, padding=padding, spare=remainder(rng, stride), **sizes)


def empty(rng: Draw) -> Call:
    call = whole(rng, n=1, f=2, kernel=(3, 3), padding=1)
    dy, x, w = call.args
    return Call((dy[:0], x[:0], w), call.kwargs)


def stored(rng: Draw, layout: str) -> Call:
    call = whole(rng)
    return Call(tuple(laid_out(array, layout) for array in call.args), call.kwargs)


def by_keyword(rng: Draw) -> Call:
    call = whole(rng, stride=2, padding=1, kernel=(3, 3))
    return Call((), {**dict(zip(("w", "x", "dy"), call.args[::-1], strict=True)), **call.kwargs})


def by_position(rng: Draw) -> Call:
    call = whole(rng, stride=2, padding=1, kernel=(3, 3))
    return Call((*call.args, 2, 1))


def as_lists(rng: Draw) -> Call:
    call = whole(rng, stride=unequal(rng, 1, 2), padding=unequal(rng, 0, 1), kernel=(3, 3))
    return Call(call.args, {name: list(value) for name, value in call.kwargs.items()})


REGIMES = (
    Regime("stride and padding are left out", single),
    Regime("there are several channels", lambda rng: whole(rng, n=1, c=rng.integer(2, 3), f=1), "volumes"),
    Regime("there are several filters", lambda rng: whole(rng, n=1, c=1, f=rng.integer(2, 3)), "volumes"),
    Regime("there are as many filters as channels", lambda rng: whole(rng, n=1, c=2, f=2), "volumes"),
    Regime("there are several images", lambda rng: whole(rng, n=rng.integer(2, 3), c=1, f=1), "volumes"),
    Regime("the stride divides", lambda rng: single(rng, stride=rng.integer(2, 3)), "stride"),
    Regime("the stride does not divide", not_dividing, "stride"),
    Regime("the strides are unequal", lambda rng: single(rng, stride=unequal(rng, 1, 2, 3)), "stride"),
    Regime("the stride is larger than the kernel", lambda rng: single(rng, kernel=(2, 2), stride=3), "stride"),
    Regime("there is padding", lambda rng: single(rng, kernel=(3, 3), padding=1), "padding"),
    Regime("the paddings are unequal", lambda rng: single(rng, padding=unequal(rng, 0, 1, 2)), "padding"),
    Regime("the padding is wider than half the kernel", lambda rng: single(rng, padding=2, outputs=(5, 5)), "padding"),
    Regime("there is padding and the stride does not divide", padded_and_strided, "padding"),
    Regime("the kernel is not square", lambda rng: single(rng, kernel=unequal(rng, 1, 2, 3)), "shapes"),
    Regime("the image is not square", lambda rng: single(rng, kernel=(2, 2), outputs=unequal(rng, 2, 3, 4)), "shapes"),
    Regime("the kernel is one pixel", lambda rng: single(rng, kernel=(1, 1), outputs=(3, 3)), "shapes"),
    Regime("the kernel is as large as the image", lambda rng: single(rng, outputs=(1, 1)), "shapes"),
    Regime("the batch is empty", empty, "shapes"),
    Regime("stride and padding are pairs, with several images, channels and filters", all_together, "together"),
    Regime("the numbers are integers", lambda rng: whole(rng, rng.choice(("int64", "int32"))), "types"),
    Regime("the numbers are float32", lambda rng: fractional(rng, "float32"), "types"),
    Regime("float64 numbers need full precision", lambda rng: fractional(rng, "float64"), "types"),
    Regime("the numbers are tiny", lambda rng: fractional(rng, "float64", 1e-20), "types"),
    Regime("the arrays are Fortran-ordered", lambda rng: stored(rng, "F"), "arguments"),
    Regime("the arrays have negative strides", lambda rng: stored(rng, "reversed"), "arguments"),
    Regime("the arrays are not contiguous", lambda rng: stored(rng, "gapped"), "arguments"),
    Regime("the arrays are read-only", lambda rng: stored(rng, "readonly"), "arguments"),
    Regime("all arguments are given by keyword", by_keyword, "arguments"),
    Regime("all arguments are given by position", by_position, "arguments"),
    Regime("stride and padding are lists", as_lists, "arguments"),
)

HINTS = {
    twins.kernel_not_rotated: (
        "dx is made with the kernel turned the wrong way: dy[n, f, i, j] * w[f] goes where the window of (i, j) stood, "
        "which is a full convolution with the kernel rotated by 180 degrees."
    ),
    twins.kernel_transposed: "dx is made with rows and columns of the kernel exchanged: rotate it instead.",
    twins.kernel_gradient_reversed: "dw comes out turned by 180 degrees: correlate the input with dy, unflipped.",
    twins.stride_forgotten: "The stride is missing: dy[i, j] belongs to the window that starts at (i*sh, j*sw).",
    twins.stride_height_for_both: "The first stride is used for both directions: columns move by stride[1].",
    twins.input_not_padded: "dw is made from x without its padding: put the zeros around x first.",
    twins.padding_not_cut_off: "dx is that of the padded input: cut the padding off, rows ph to ph + H.",
    twins.padding_cut_at_end: "dx is cut out from the corner on: the image starts at row ph and column pw.",
    twins.empty_without_padding: "dx is empty without padding, as [0:-0] is: cut out ph to ph + H.",
    twins.overlaps_overwritten: "Where windows overlap, dx keeps the last one only: add with +=.",
    twins.bias_gradient_averaged: "db is a mean over the positions: the bias is in each of them, so add them up.",
    twins.bias_gradient_of_first_image: "db is that of the first image: add up all images.",
    twins.bias_gradient_of_all_filters: "db is summed over the filters too: every filter has its own.",
    twins.kernel_gradient_of_last_image: "dw is that of the last image: add up all images with +=.",
    twins.divided_by_batch: "dw and db are divided by the number of images: a mean loss brings that in dy already.",
    twins.upstream_ignored: "dy is not used: every term is weighted by the gradient of its output.",
    twins.filters_added: "dw is the same for all filters: filter f gets the input correlated with dy[:, f].",
    twins.first_filter_only: "dx is made from the first filter: every filter passes its share back; add them up.",
    twins.single_precision: "float64 numbers are computed in float32: half the digits are lost.",
}

CONV2D_BACKWARD = Contract(
    name="conv2d_backward",
    signature="(dy, x, w, stride=1, padding=0)",
    doc=DOC,
    reference=conv2d_backward,
    regimes=REGIMES,
    check=Close(magnitude, names=("dx", "dw", "db")),
    twins=tuple(Twin(twin.__name__.replace("_", "-"), twin, hint) for twin, hint in HINTS.items()),
    groups={
        "basics": 2,
        "volumes": 2,
        "stride": 2,
        "padding": 2,
        "shapes": 1,
        "together": 1,
        "types": 1,
        "arguments": 1,
    },
)
CONTRACTS = (CONV2D_BACKWARD,)
