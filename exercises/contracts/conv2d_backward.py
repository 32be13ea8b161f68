"""What is promised about conv2d_backward: its regimes, its wrong twins, and the picture of one entry."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from exercises.contracts._conv2d import unequal
from exercises.contracts._gradients import (
    CORNERS,
    Upstream,
    all_together,
    anything,
    as_lists,
    beyond_kernel,
    by_keyword,
    by_position,
    crowded,
    empty,
    full_kernel,
    large_kernel,
    large_stride,
    large_whole,
    larger,
    less_precise,
    not_dividing,
    numerous,
    one_entry,
    one_hot,
    padding_beyond,
    plain,
    pointwise,
    precise,
    scaled,
    single,
    stored,
    typed,
    whole,
    wide,
    with_numpy_ints,
    zero_everywhere,
    zero_upstream,
)
from exercises.contracts._inside import (
    Test,
    told_inside,
    ways_to_call,
    with_lists,
    with_numpy_integers,
    without_images,
)
from exercises.contracts.conv2d import sum_sentence
from grader.authoring import Call, Close, Contract, Pane, Regime, Twin, Window
from solutions.convolution import conv2d_backward
from solutions.twins import conv2d_backward as twins
from solutions.windows import Array, pad, pair

DOC = """\
Return the gradients of L = sum(dy * y) with y = conv2d(x, w, b, stride, padding): how L changes with x, w and b.

y[n, f, i, j] = b[f] + sum over c, u, v of xp[n, c, i*sh + u, j*sw + v] * w[f, c, u, v]

xp is x with zeros around it: `padding` rows above and below, `padding` columns left and right.
As in every deep-learning library the kernel of y is not flipped.

dy: (N, F, OH, OW), the gradient of L for y, as it comes from the layer above (upstream).
x: (N, C, H, W), a NumPy array of whole or floating numbers; N may be 0.
w: (F, C, KH, KW), not larger than the padded image.
stride: an int (also NumPy's), or a pair (sh, sw) as a tuple or list; at least 1.
padding: an int (also NumPy's), or a pair (ph, pw) as a tuple or list; at least 0.
Leave dy, x and w unchanged.

Returns a tuple (dx, dw, db) with the shapes (N, C, H, W), (F, C, KH, KW) and (F,). Sums run over all
images and positions and are not averaged. Pixels that no window reaches have the gradient 0.
Whole numbers stay exact where NumPy's type for the products holds the sums, and floating numbers keep at least the
precision of dy.
"""


def magnitude(dy: Any, x: Any, w: Any, stride: Any = 1, padding: Any = 0) -> Any:
    """Return the sums of the absolute values of each entry's terms, as (dx, dw, db).

    A Fourier transform errs by the product of the arrays' norms, also where windows see nothing but padding.
    """
    dy, x, w = (np.abs(array.astype(np.float64)) for array in (dy, x, w))
    dx, dw, db = conv2d_backward(dy, x, w, stride, padding)
    up = np.linalg.norm(dy) / 8
    return np.maximum(dx, up * np.linalg.norm(w)), np.maximum(dw, up * np.linalg.norm(x)), db


DRAWN = (
    Regime("there is one of everything, stride 1 and no padding", plain),
    Regime("there are several channels", lambda rng: whole(rng, n=1, c=rng.integer(2, 3), f=1), "volumes"),
    Regime("there are several filters", lambda rng: whole(rng, n=1, c=1, f=rng.integer(2, 3)), "volumes"),
    Regime("there are as many filters as channels", lambda rng: whole(rng, n=1, c=2, f=2), "volumes"),
    Regime("there are several images", lambda rng: whole(rng, n=rng.integer(2, 3), c=1), "volumes"),
    Regime("the stride divides", lambda rng: single(rng, stride=rng.integer(2, 3)), "stride"),
    Regime("the stride does not divide", not_dividing, "stride"),
    Regime("the strides are unequal", lambda rng: single(rng, stride=unequal(rng, 1, 2, 3)), "stride"),
    Regime("the stride is larger than the kernel", beyond_kernel, "stride"),
    Regime("there is padding", lambda rng: single(rng, kernel=(3, 3), padding=1), "padding"),
    Regime("the paddings are unequal", lambda rng: single(rng, padding=unequal(rng, 0, 1, 2)), "padding"),
    Regime("dy is zero but for one entry", one_hot, "upstream"),
    Regime("the kernel is not square", lambda rng: single(rng, kernel=unequal(rng, 1, 2, 3)), "shapes"),
    Regime("the image is not square", lambda rng: single(rng, kernel=(2, 2), outputs=unequal(rng, 2, 3, 4)), "shapes"),
    Regime("the kernel is one pixel", lambda rng: single(rng, kernel=(1, 1), outputs=(3, 3)), "shapes"),
    Regime("the kernel is as large as the padded image", full_kernel, "shapes"),
    Regime("the batch is empty", empty, "shapes"),
    Regime("stride and padding are pairs, with several images, channels and filters", all_together, "together"),
    Regime("images, channels, filters, kernel and map are large at once", larger, "together"),
    Regime("there are four images, four channels or eight filters, or more", crowded, "large"),
    Regime("the kernel is large", large_kernel, "large", 7),
    Regime("the stride is 5 or more", large_stride, "large"),
    Regime("the padding is wider than the kernel", padding_beyond, "large"),
    Regime("the map has 17 rows or columns or more", wide, "large"),
    Regime("dy holds hundreds of numbers or more, and they are not whole", numerous, "large"),
    Regime("the kernel is one pixel, with as many filters as channels", pointwise, "shapes"),
    Regime("dy is zero everywhere", zero_upstream, "upstream"),
    Regime("dy is float64 and image, weights or both are float32", less_precise, "types", 7),
    Regime("stride and padding are NumPy's integers", with_numpy_ints, "arguments"),
    Regime("the whole numbers are large", large_whole, "types"),
    Regime("all arrays are of whole numbers", lambda rng: typed(rng, "int64", "int32", "int64"), "types"),
    Regime("the image is of bytes (uint8)", lambda rng: typed(rng, "int64", "uint8", "int64"), "types"),
    Regime("image and weights are whole and dy is not", lambda rng: typed(rng, "float64", "int64", "int64"), "types"),
    Regime("dy is whole and image and weights are not", lambda rng: typed(rng, "int64", "float64", "float64"), "types"),
    Regime("the input is float32", lambda rng: typed(rng, *["float32"] * 3, padding=1, kernel=(3, 3)), "types"),
    Regime("float64 numbers need full precision", lambda rng: typed(rng, *["float64"] * 3, c=3), "types"),
    Regime("full precision, padding and a stride come together", precise, "together"),
    Regime("the numbers are huge", lambda rng: scaled(rng, 1e15, 1e20, 1e10), "types"),
    Regime("the numbers are tiny", lambda rng: scaled(rng, 1e-30, 1e-15, 1e-25), "types"),
    Regime("the arrays are Fortran-ordered", lambda rng: stored(rng, "F"), "arguments"),
    Regime("the arrays have negative strides", lambda rng: stored(rng, "reversed"), "arguments"),
    Regime("the arrays are not contiguous", lambda rng: stored(rng, "gapped"), "arguments"),
    Regime("the arrays are read-only", lambda rng: stored(rng, "readonly"), "arguments"),
    Regime("all arguments are given by keyword", by_keyword, "arguments"),
    Regime("all arguments are given by position", by_position, "arguments"),
    Regime("stride and padding are lists", as_lists, "arguments"),
    Regime("sizes, types, layouts and ways to call are mixed", anything, "together", len(CORNERS) + 1),
)
where = Upstream.where
# Which calls of other regimes are in these, too: the first round takes calls that are in many.
INSIDE: dict[str, Test] = {
    "there are several channels": where(lambda v: v.c > 1),
    "there are several filters": where(lambda v: v.f > 1),
    "there are as many filters as channels": where(lambda v: v.f == v.c > 1),
    "there are several images": where(lambda v: v.n > 1),
    "the stride divides": where(lambda v: min(v.sh, v.sw) > 1 and v.divides() and min(v.oh, v.ow) > 1),
    "the stride does not divide": where(lambda v: v.left_over()),
    "the strides are unequal": where(lambda v: v.sh != v.sw and min(v.oh, v.ow) > 1),
    "the stride is larger than the kernel": where(lambda v: (v.sh > v.kh and v.oh > 1) or (v.sw > v.kw and v.ow > 1)),
    "there is padding": where(lambda v: min(v.ph, v.pw) > 0),
    "the paddings are unequal": where(lambda v: v.ph != v.pw),
    "dy is zero but for one entry": one_entry,
    "the kernel is not square": where(lambda v: v.kh != v.kw),
    "the image is not square": where(lambda v: v.h != v.width),
    "the kernel is one pixel": where(lambda v: v.kh == v.kw == 1),
    "the kernel is as large as the padded image": where(lambda v: v.room == (0, 0)),
    "the batch is empty": without_images,
    "stride and padding are pairs, with several images, channels and filters": where(
        lambda v: v.sh != v.sw and v.ph != v.pw and min(v.n, v.c, v.f, v.oh, v.ow) > 1
    ),
    "images, channels, filters, kernel and map are large at once": where(
        lambda v: min(v.n, v.c, v.f) > 1 and v.n * v.c * v.f > 11 and v.kh * v.kw > 5 and v.oh * v.ow > 3
    ),
    "there are four images, four channels or eight filters, or more": where(lambda v: v.n > 3 or v.c > 3 or v.f > 7),
    "the kernel is large": where(lambda v: max(v.kh, v.kw) > 4),
    "the stride is 5 or more": where(lambda v: (v.sh > 4 and v.oh > 1) or (v.sw > 4 and v.ow > 1)),
    "the padding is wider than the kernel": where(lambda v: v.ph > v.kh and v.pw > v.kw),
    "the map has 17 rows or columns or more": where(lambda v: max(v.oh, v.ow) > 16),
    "dy holds hundreds of numbers or more, and they are not whole": where(lambda v: v.dy.size > 256 and v.decimals()),
    "the kernel is one pixel, with as many filters as channels": where(lambda v: v.kh == v.kw == 1 and v.f == v.c > 1),
    "dy is zero everywhere": zero_everywhere,
    "dy is float64 and image, weights or both are float32": where(
        lambda v: v.kinds == "fff" and v.dy.dtype == "float64" and not v.all_are("float64")
    ),
    "stride and padding are NumPy's integers": with_numpy_integers,
    "the whole numbers are large": where(lambda v: "f" not in v.kinds and min(v.largest()) > 1e5),
    "all arrays are of whole numbers": where(lambda v: v.kinds == "iii"),
    "the image is of bytes (uint8)": where(lambda v: v.kinds == "iui"),
    "image and weights are whole and dy is not": where(lambda v: v.kinds in ("fii", "fui")),
    "dy is whole and image and weights are not": where(lambda v: v.kinds == "iff"),
    "the input is float32": where(lambda v: v.all_are("float32")),
    "float64 numbers need full precision": where(lambda v: v.all_are("float64") and v.decimals() and v.c > 1),
    "full precision, padding and a stride come together": where(
        lambda v: v.all_are("float64") and v.decimals() and min(v.ph, v.pw) > 0 and max(v.sh, v.sw) > 1
    ),
    "the numbers are huge": where(lambda v: min(v.largest()) > 1e9),
    "the numbers are tiny": where(lambda v: max(v.largest()) < 1e-10),
    **ways_to_call(5),
    "stride and padding are lists": with_lists,
}
REGIMES = told_inside(DRAWN, INSIDE)

HINTS = {
    twins.kernel_not_rotated: (
        "dx is pasted with rotated kernels: dy[i, j] * w[u, v] belongs to pixel (i*sh + u, j*sw + v). "
        "Written as a full convolution the kernel is rotated by 180 degrees; here that is missing or done twice."
    ),
    twins.kernel_transposed: "For dx the kernel is rotated by 180 degrees (both axes reversed), not transposed.",
    twins.kernel_gradient_rotated: (
        "dw comes out rotated by 180 degrees: dw[u, v] is the sum of dy[i, j] * xp[i*sh + u, j*sw + v], a "
        "cross-correlation without a flip."
    ),
    twins.stride_not_in_offset: (
        "The stride is missing: dy[i, j] belongs to the window that starts at row i*sh and column j*sw."
    ),
    twins.stride_missing_in_image_gradient: (
        "dx leaves the stride out: dy[i, j] is pasted at row i*sh and column j*sw (dy spread out by zeros)."
    ),
    twins.stride_missing_in_kernel_gradient: (
        "dw leaves the stride out: dy[i, j] meets the window that starts at row i*sh and column j*sw."
    ),
    twins.stride_height_for_both: "The first stride is used for both directions: columns move by stride[1].",
    twins.stride_swapped: "The pair is (vertical, horizontal): rows move by stride[0].",
    twins.padding_ignored: "The padding is not used: window (0, 0) starts ph rows above the image and pw left of it.",
    twins.image_not_padded: "dw is taken from x without its zeros: the windows lie in the padded image.",
    twins.cropped_at_the_start: (
        "The padding is cut off at one end only: dx is the middle of the padded gradient, from row ph to ph + H."
    ),
    twins.not_cropped: "dx still has the padding around it: cut it down to the shape of x.",
    twins.cropped_to_nothing: "Cutting with [p:-p] leaves nothing where p is 0: cut with [p : p + H].",
    twins.padding_height_for_both: "The first padding is used for both directions: columns have padding[1].",
    twins.padding_swapped: "The pair is (rows, columns): above and below there are padding[0].",
    twins.overwritten: "Windows overlap: add what each gives back (+=), do not overwrite it (=).",
    twins.left_over_in_front: (
        "Rows and columns that no window reaches are at the end of x: their zeros stand at the wrong end of dx."
    ),
    twins.left_over_dropped: "dx must have the shape of x: pixels that no window reaches have the gradient 0.",
    twins.bias_gradient_averaged: "db is the sum of dy over images and positions, not its mean.",
    twins.bias_gradient_averaged_over_images: "db is averaged over the images; it is added over them, as L is a sum.",
    twins.bias_gradient_of_first_image: "db is added over all images, not only the first.",
    twins.bias_gradient_per_image: "db has the shape (F,): add over the images, too.",
    twins.bias_gradient_of_all_filters: "Each filter has its own bias: db[f] adds up dy[:, f] only.",
    twins.kernel_gradient_of_last_image: "dw keeps the last image only: add over the images with +=.",
    twins.averaged_over_images: "dw and db are divided by the number of images: L is a sum, not a mean.",
    twins.upstream_ignored: "dy is not used: every product is weighted with the gradient from above.",
    twins.upstream_transposed: "The entries of dy are read column by column: row i, column j is dy[n, f, i, j].",
    twins.same_for_all_filters: "All filters get the gradient of the first: dw[f] is made with dy[:, f].",
    twins.first_filter_only: "dx comes from filter 0 alone: every filter saw x, so their parts are added.",
    twins.last_filter_only: "dx keeps the last filter's part only: add over the filters with +=.",
    twins.channels_averaged: "All channels get the same dx: channel c gets the part of w[:, c].",
    twins.another_order: "The gradients come in another order: return (dx, dw, db).",
    twins.truncated_to_input: (
        "The gradients have the dtype of x and w, so decimals are cut off: use one that holds the products."
    ),
    twins.single_precision: "float64 numbers are computed in float32: half the digits are lost.",
}
TWINS = tuple(Twin(twin.__name__.replace("_", "-"), twin, hint) for twin, hint in HINTS.items())


# The picture -----------------------------------------------------------------------------------------------


def window(call: Call, at: tuple[int, ...]) -> Window | None:
    """Return what makes the entry at = (0 for dx, 1 for dw, 2 for db; its index): a correlation of two planes.

    dx: dy spread out by the stride with zeros around it, under the rotated kernel; a pane for each filter.
    dw: the padded image under dy spread out by the stride; a pane for each image. db: dy itself.
    """
    bound = inspect.signature(conv2d_backward).bind(*call.args, **call.kwargs)
    bound.apply_defaults()
    dy, x, w, stride, padding = bound.args
    steps, edges = pair(stride, "stride"), pair(padding, "padding", 0)
    gradients = conv2d_backward(dy, x, w, stride, padding)
    if not at or not 0 <= at[0] < len(gradients) or dy.size > SHOWN:
        return None
    gradient, index = gradients[at[0]], at[1:]
    if len(index) != gradient.ndim or any(not 0 <= i < n for i, n in zip(index, gradient.shape, strict=True)):
        return None
    panes = (_image_panes, _kernel_panes, _bias_panes)[at[0]](dy, x, w, steps, edges, index)
    if at[0] == 2:
        return Window(panes, f"db[{index[0]}] = {gradient[index]:.6g}, the sum of all of dy[:, {index[0]}]")
    sentence = sum_sentence(panes, index, None, gradient[index])
    return Window(panes, ("dx", "dw")[at[0]] + sentence.removeprefix("y"))


SHOWN = 1000  # numbers of dy in a picture, at most
Panes = tuple[Pane, ...]
Two = tuple[int, int]


def spread(dy: Array, steps: Two) -> Array:
    """Return a plane with steps - 1 zeros between its numbers."""
    rows, columns = ((side - 1) * s + 1 for side, s in zip(dy.shape, steps, strict=True))
    wide = np.zeros((rows, columns), dy.dtype)
    wide[:: steps[0], :: steps[1]] = dy
    return wide


def _image_panes(dy: Array, x: Array, w: Array, steps: Two, edges: Two, index: tuple[int, ...]) -> Panes:
    n, c, row, column = index
    top, left = row + edges[0], column + edges[1]
    panes = []
    for f in range(len(w)):
        wide, (kh, kw) = spread(dy[n, f], steps), w.shape[2:]
        room = [
            (k - 1, max(i + 2 * p - side, k - 1))
            for k, i, p, side in zip((kh, kw), x.shape[2:], edges, wide.shape, strict=True)
        ]
        plane = np.pad(wide, room)
        label = f"dy of image {n}, filter {f}, with zeros between and around; the kernel rotated"
        panes.append(Pane(label, _rows(plane), (top, top + kh), (left, left + kw), (0, 0), _rows(w[f, c, ::-1, ::-1])))
    return tuple(panes)


def _kernel_panes(dy: Array, x: Array, w: Array, steps: Two, edges: Two, index: tuple[int, ...]) -> Panes:  # noqa: ARG001 - as the others
    f, c, u, v = index
    panes = []
    for n in range(len(x)):
        wide, plane = spread(dy[n, f], steps), pad(x[n : n + 1, c : c + 1], edges)[0, 0]
        rows, columns = (u, u + wide.shape[0]), (v, v + wide.shape[1])
        panes.append(Pane(f"image {n}, channel {c}, under dy", _rows(plane), rows, columns, edges, _rows(wide)))
    return tuple(panes)


def _bias_panes(dy: Array, x: Array, w: Array, steps: Two, edges: Two, index: tuple[int, ...]) -> Panes:  # noqa: ARG001 - as the others
    rows, columns = dy.shape[2:]
    return tuple(Pane(f"dy of image {n}", _rows(dy[n, index[0]]), (0, rows), (0, columns)) for n in range(len(dy)))


def _rows(plane: Array) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(row) for row in plane.tolist())


CONV2D_BACKWARD = Contract(
    name="conv2d_backward",
    signature="(dy, x, w, stride=1, padding=0)",
    doc=DOC,
    reference=conv2d_backward,
    regimes=REGIMES,
    check=Close(
        magnitude, terms=lambda dy, x, w, *rest, **named: int(max(dy[:, 0].size, w.size)), names=("dx", "dw", "db")
    ),
    twins=TWINS,
    groups={
        "basics": 2,
        "volumes": 2,
        "stride": 2,
        "padding": 2,
        "upstream": 1,
        "shapes": 1,
        "large": 1,
        "together": 1,
        "types": 1,
        "arguments": 1,
    },
    window=window,
)
CONTRACTS = (CONV2D_BACKWARD,)
