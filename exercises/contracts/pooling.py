"""What is promised about max_pool2d and avg_pool2d: regimes, wrong twins, and the picture of one output."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from exercises.contracts._conv2d import unequal
from exercises.contracts._pooled import Pooling, infinite_inside, pooling_inside
from exercises.contracts._pooling import (
    LARGE_KERNELS,
    LARGE_MAPS,
    SHAPES,
    Mix,
    from_both_ends,
    given,
    kernel_and_stride,
    larger_sizes,
    numpy_sizes,
    rest_left,
    unequally,
    with_mixed,
)
from grader.authoring import (
    Call,
    Close,
    Contract,
    Draw,
    Pane,
    Regime,
    Twin,
    Window,
    integers,
    laid_out,
    reals,
)
from solutions.pooling import avg_pool2d, max_pool2d
from solutions.twins import pooling as twins
from solutions.windows import pair

DOC = """\
Return {what} of every window of every map.

The window (i, j) holds x[n, c, i*sh + u, j*sw + v] for u below KH and v below KW.

x: (N, C, H, W), a NumPy array of whole or floating numbers; N may be 0. Leave it unchanged.
kernel_size: an int (also NumPy's), or a pair (KH, KW) as a tuple or list; not larger than the map.
stride: an int (also NumPy's), or a pair (sh, sw) as a tuple or list; None (the default) means kernel_size.

Returns y: (N, C, OH, OW) with OH = floor((H - KH) / sh) + 1, and OW likewise: rows and columns that
no whole window reaches are left out, and there is no padding.
{kind}
"""


def whole(rng: Draw, low: int = 1, high: int = 99, **sizes: Any) -> Call:
    """Return a call with whole numbers in float64, by default positive ones with few ties."""
    shape, arguments = given(rng, **sizes)
    return _call(integers(rng, shape, low, high, "float64"), arguments)


def single(rng: Draw, low: int = 1, high: int = 99, **sizes: Any) -> Call:
    """Return a call with one image of one channel."""
    return whole(rng, low, high, n=1, c=1, **sizes)


def same_stride(rng: Draw) -> Call:
    side = rng.integer(2, 3)
    return single(rng, kernel=side, stride=side)


def overlapping(rng: Draw) -> Call:
    return single(rng, kernel=3, stride=2)


def not_dividing(rng: Draw) -> Call:
    return single(rng, **rest_left(rng))


def beyond_kernel(rng: Draw) -> Call:
    return single(rng, kernel=2, stride=rng.integer(3, 4))


def unequal_strides(rng: Draw) -> Call:
    return single(rng, **unequally(rng))


def empty(rng: Draw) -> Call:
    call = whole(rng, n=1)
    return Call((call.args[0][:0], *call.args[1:]), call.kwargs)


def typed(rng: Draw, dtype: str, low: int = 1, high: int = 99) -> Call:
    """Return a call of that dtype: whole numbers for an integer one, all the bits of a floating one."""
    shape, arguments = given(rng, stride=rng.integer(1, 2), spare=(0, 0))
    return _call(
        reals(rng, shape, dtype) if dtype.startswith("float") else integers(rng, shape, low, high, dtype), arguments
    )


def scaled(rng: Draw, scale: float, sign: int = 0) -> Call:
    """Return a call with numbers of that magnitude; with sign -1, all of them negative."""
    shape, arguments = given(rng)
    numbers = reals(rng, shape, scale=scale)
    return _call(-np.abs(numbers) - scale if sign < 0 else numbers, arguments)


def stored(rng: Draw, layout: str) -> Call:
    """Return a call with x of a layout; one of its maps is contiguous only where there are no others."""
    sizes = rng.choice((1, 2))
    call = whole(rng, n=sizes, c=sizes, kernel=3, stride=2)
    return Call((laid_out(call.args[0], layout), *call.args[1:]), call.kwargs)


def by_keyword(rng: Draw) -> Call:
    shape, arguments = given(rng, kernel=3, stride=2)
    return Call((), {"stride": arguments["stride"], "kernel_size": 3, "x": integers(rng, shape, 1, 99, "float64")})


def by_position(rng: Draw) -> Call:
    shape, arguments = given(rng, kernel=3, stride=2)
    return Call((integers(rng, shape, 1, 99, "float64"), arguments["kernel_size"], arguments["stride"]))


def as_lists(rng: Draw) -> Call:
    shape, arguments = given(rng, kernel=unequal(rng, 2, 3), stride=unequal(rng, 1, 2))
    return _call(integers(rng, shape, 1, 99, "float64"), {name: list(value) for name, value in arguments.items()})


def ties(rng: Draw) -> Call:
    return whole(rng, 0, 2, kernel=3, stride=rng.integer(1, 2))


def _call(x: Any, arguments: dict[str, Any]) -> Call:
    rest = {name: value for name, value in arguments.items() if name != "kernel_size"}
    return Call((x, arguments["kernel_size"]), rest)


def larger(rng: Draw) -> Call:
    return whole(rng, -99, 99, **larger_sizes(rng))


def none_given(rng: Draw) -> Call:
    """Return a call whose stride is given, as None, by position or by keyword."""
    x, size = single(rng).args
    return Call((x, size), {"stride": None}) if rng.boolean() else Call((x, size, None))


def with_numpy_ints(rng: Draw) -> Call:
    shape, arguments = given(rng, kernel=rng.choice((2, (2, 3))), stride=rng.choice((1, (1, 2))))
    return _call(integers(rng, shape, 1, 99, "float64"), numpy_sizes(rng, arguments))


def large_kernel(rng: Draw) -> Call:
    return single(rng, -99, 99, kernel=rng.choice(LARGE_KERNELS), stride=rng.choice((2, None)), outputs=(2, 2))


def at_limits(rng: Draw, *dtypes: str) -> Call:
    shape, arguments = given(rng)
    return _call(from_both_ends(rng, shape, rng.choice(dtypes)), arguments)


def infinite(rng: Draw) -> Call:
    """Return a call with minus infinity in whole windows and, mostly, infinity in some place."""
    call = single(rng, -9, 9, kernel=2, stride=2)
    x = call.args[0]
    x[:, :, :2, : rng.integer(1, 2)] = -np.inf
    x[:, :, :2, :2] = -np.inf
    x[:, :, 2, rng.integer(0, 1)] = rng.choice((-np.inf, np.inf))
    return call


def large_whole(rng: Draw) -> Call:
    """Return a call with whole numbers, most of them negative, that need more than 32 bits and fewer than 53."""
    shape, arguments = given(rng)
    return _call(integers(rng, shape, -(2**45), 2**40), arguments)


COMMON = (
    Regime("the stride equals the kernel", same_stride),
    Regime("there are several channels", lambda rng: whole(rng, n=1, c=rng.integer(2, 3)), "volumes"),
    Regime("there are several images", lambda rng: whole(rng, n=rng.integer(2, 3), c=1), "volumes"),
    Regime("the stride is left to its default", single, "stride"),
    Regime("the stride is 1", lambda rng: single(rng, stride=1), "stride"),
    Regime("the windows overlap", overlapping, "stride"),
    Regime("the stride does not divide", not_dividing, "stride", 7),
    Regime("the strides are unequal", unequal_strides, "stride", 7),
    Regime("the stride is larger than the kernel", beyond_kernel, "stride"),
    Regime("the kernel is not square", lambda rng: single(rng, kernel=unequal(rng, 1, 2, 3)), "shapes", 7),
    Regime("the map is not square", lambda rng: single(rng, kernel=2, outputs=unequal(rng, 1, 2, 3)), "shapes"),
    Regime("the kernel is one pixel", lambda rng: single(rng, kernel=1, stride=rng.integer(1, 2)), "shapes"),
    Regime(
        "the kernel is as large as the map",
        lambda r: whole(r, n=1, c=r.choice((1, 2, 2)), kernel=(3, 4), outputs=(1, 1)),
        "shapes",
    ),
    Regime("the batch is empty", empty, "shapes"),
    Regime("some numbers are negative", lambda rng: whole(rng, -9, 9), "numbers"),
    Regime("all numbers are negative", lambda rng: whole(rng, -9, -1), "numbers"),
    Regime("the numbers are huge and negative", lambda rng: scaled(rng, 1e290, -1), "numbers"),
    Regime("the numbers are tiny", lambda rng: scaled(rng, 1e-30), "numbers"),
    Regime("there are ties and zeros", ties, "numbers"),
    Regime("images, channels, window and map are large at once", larger, "together"),
    Regime("kernel and stride are pairs, or one of them is", lambda r: single(r, **kernel_and_stride(r)), "stride", 9),
    Regime("the stride is given as None", none_given, "stride"),
    Regime("the stride is 5 or more", lambda rng: single(rng, kernel=2, stride=rng.integer(5, 6)), "large"),
    Regime("the kernel is large", large_kernel, "large"),
    Regime("the window has more than 256 entries", lambda rng: single(rng, kernel=(20, 26), outputs=(1, 2)), "large"),
    Regime("the map has 13 rows or columns or more", lambda r: single(r, outputs=r.choice(LARGE_MAPS)), "large"),
    Regime("there are four images or more", lambda r: whole(r, n=r.integer(4, 6), c=1, kernel=2), "large"),
    Regime("there are four channels or more", lambda r: whole(r, n=1, c=r.integer(4, 6), kernel=2), "large"),
    Regime("whole numbers are the largest or the least of 32 bits", lambda rng: at_limits(rng, "int32"), "types"),
    Regime(
        "whole numbers are the largest or the least of 16 or 8 bits", lambda r: at_limits(r, "int16", "uint8"), "types"
    ),
    Regime("kernel and stride are NumPy's integers", with_numpy_ints, "arguments", 7),
    Regime("the whole numbers are large", large_whole, "types"),
    Regime("the input is an integer array", lambda rng: typed(rng, rng.choice(("int64", "int32"))), "types"),
    Regime("the input is of bytes (uint8)", lambda rng: typed(rng, "uint8", 90, 255), "types"),
    Regime("the input is float32", lambda rng: typed(rng, "float32"), "types"),
    Regime("float64 numbers need full precision", lambda rng: typed(rng, "float64"), "types"),
    Regime("the array is Fortran-ordered", lambda rng: stored(rng, "F"), "arguments"),
    Regime("the array has negative strides", lambda rng: stored(rng, "reversed"), "arguments"),
    Regime("the array is not contiguous", lambda rng: stored(rng, "gapped"), "arguments"),
    Regime("the array is read-only", lambda rng: stored(rng, "readonly"), "arguments"),
    Regime("all arguments are given by keyword", by_keyword, "arguments"),
    Regime("all arguments are given by position", by_position, "arguments"),
    Regime("kernel and stride are lists", as_lists, "arguments"),
)
KINDS = tuple(
    ("", x)
    for x in (
        "ranks",
        "signed",
        "negative",
        "huge and negative",
        "tiny",
        "float64",
        "float32",
        "int64",
        "int32",
        "uint8",
        "limits of int32",
        "limits of int16",
        "limits of uint8",
        "beyond 32 bits",
    )
)  # of dy, which there is none of, and of x
TIED = tuple(
    {"kernel": k, "stride": s, "outputs": (2, 3), "kind": ("", x)}
    for k, s, x in (
        (3, 1, "few"),
        (3, 2, "few"),
        (2, None, "zeros"),
        ((2, 3), 2, "few of int64"),
        (2, 1, "few of bytes"),
    )
)
ENDLESS = tuple(
    {"kernel": k, "stride": s, "outputs": (2, 3), "kind": ("", "infinite")}
    for k, s in ((2, None), (2, 1), ((1, 2), 1), ((2, 1), (2, 1)), (1, 2))
)
MAX_MIX = Mix(Pooling.names, (*SHAPES, *TIED, *ENDLESS), KINDS)
# Who adds up all of a map and takes differences loses digits: no large numbers of one sign on large maps.
ADDED = tuple(kind for kind in KINDS if kind[1] not in ("huge and negative", "beyond 32 bits"))
PLACES = tuple({name: v for name, v in corner.items() if name not in ("x", "kind")} for corner in SHAPES)
AVG_MIX = Mix(Pooling.names, (*PLACES, *TIED), ADDED)
INFINITE = Regime("some numbers are infinite", infinite, "numbers")
GROUPS = {
    "basics": 2,
    "volumes": 2,
    "stride": 3,
    "shapes": 1,
    "large": 1,
    "together": 1,
    "numbers": 2,
    "types": 1,
    "arguments": 1,
}

HINTS = {
    twins.max_mean_instead: "This is the mean of the window; max pooling keeps its largest number.",
    twins.max_smallest: "This is the smallest number of the window; max pooling keeps the largest.",
    twins.max_starts_at_zero: (
        "A window of negative numbers gives 0: start from the window's first number (or minus infinity), not from 0."
    ),
    twins.max_starts_too_high: (
        "Some numbers are lower than the value you start from: start from the window's first number or minus infinity."
    ),
    twins.max_largest_magnitude: "The sign is lost: -7 is smaller than 2, so do not take absolute values.",
    twins.max_of_channels: "The maximum runs over the channels too: every channel is pooled by itself.",
    twins.max_top_left: "This keeps the first number of every window (subsampling), not its largest.",
    twins.avg_max_instead: "This is the largest number of the window; average pooling gives the mean.",
    twins.avg_sum_instead: "The sum of the window is not divided: divide by KH*KW.",
    twins.avg_divided_by_height: "The sum is divided by KH; the window has KH*KW numbers.",
    twins.avg_divided_by_height_squared: "The sum is divided by KH*KH; the window has KH*KW numbers.",
    twins.avg_divided_by_stride: "The sum is divided by the strides' product; the window has KH*KW numbers.",
    twins.avg_zeros_not_counted: "Zeros are numbers as well: divide by KH*KW, not by how many are not zero.",
    twins.avg_whole_division: "Decimals are cut off for whole numbers: divide with /, not with //.",
    twins.avg_of_channels: "The mean runs over the channels too: every channel is pooled by itself.",
    twins.max_rounded_up_as_slices: (
        "Windows that stand over the end are kept, cut off: the size is rounded down, and they are left out."
    ),
    twins.avg_rounded_up_as_slices: (
        "Windows that stand over the end are kept, cut off: the size is rounded down, and they are left out."
    ),
    twins.avg_wraps_around: "Bytes wrap around at 256 while they are added: convert x to a wider dtype first.",
}
COMMON_HINTS = {
    "first_channel": "All channels get the first one's map: let the second index run over x.shape[1].",
    "first_image": "All images get the first one's maps: let the first index run over x.shape[0].",
    "stride_one": "The stride is not used: the window moves by sh rows and sw columns.",
    "default_stride_one": "Without a stride the windows lie side by side: None means kernel_size, not 1.",
    "stride_is_kernel": "The stride is taken from the kernel even where it is given.",
    "stride_not_in_offset": (
        "The size is right, but the windows move by one pixel: window (i, j) starts at row i*sh and column j*sw."
    ),
    "stride_height_for_both": "The first stride is used for both directions: columns move by stride[1].",
    "stride_swapped": "The pair is (vertical, horizontal): rows move by stride[0].",
    "kernel_height_for_both": "The kernel's height is used as its width: the window has kernel_size[1] columns.",
    "kernel_swapped": "The pair is (height, width): the window has kernel_size[0] rows.",
    "rounded_up": "Windows that stand over the end are kept: the size is rounded down, and they are left out.",
    "last_dropped": "The last window is missing where the stride divides: count floor(room / stride) + 1 positions.",
    "single_precision": "float64 numbers are computed in float32: half the digits are lost.",
}


def made_twins(kind: str) -> tuple[Twin, ...]:
    """Return the twins of "max" or "avg"."""
    found = {twin: hint for twin, hint in HINTS.items() if twin.__name__.startswith(kind)}
    found |= {getattr(twins, f"{kind}_{name}"): hint for name, hint in COMMON_HINTS.items()}
    return tuple(Twin(t.__name__.removeprefix(f"{kind}_").replace("_", "-"), t, hint) for t, hint in found.items())


def magnitude(x: Any, kernel_size: Any, stride: Any = None) -> Any:
    """Return the mean of the absolute values of each window."""
    return avg_pool2d(np.abs(x.astype(np.float64)), kernel_size, stride)


def window(function: Callable[..., Any], call: Call, at: tuple[int, ...]) -> Window | None:
    """Return the map and the window that makes y[n, c, i, j]."""
    bound = inspect.signature(function).bind(*call.args, **call.kwargs)
    bound.apply_defaults()
    x, kernel_size, stride = bound.args
    (kh, kw), (sh, sw) = pair(kernel_size, "kernel_size"), pair(kernel_size if stride is None else stride, "stride")
    y = function(x, kernel_size, stride)
    if len(at) != y.ndim or any(not 0 <= index < size for index, size in zip(at, y.shape, strict=True)):
        return None
    n, c, i, j = at
    rows, columns = (i * sh, i * sh + kh), (j * sw, j * sw + kw)
    plane = tuple(tuple(row) for row in x[n, c].tolist())
    numbers = [f"{value:.6g}" for row in plane[slice(*rows)] for value in row[slice(*columns)]]
    label = (f"image {n}, " if len(x) > 1 else "") + f"channel {c}"
    place = f"y[{', '.join(map(str, at))}]"
    if function is max_pool2d:
        made = f"max({', '.join(numbers)})"
    else:
        made = f"({' + '.join(f'({v})' if v.startswith('-') else v for v in numbers)}) / {len(numbers)}"
    return Window((Pane(label, plane, rows, columns),), f"{place} = {made} = {y[at]:.6g}")


MAX_POOL2D = Contract(
    name="max_pool2d",
    signature="(x, kernel_size, stride=None)",
    doc=DOC.format(what="the largest number", kind="The numbers keep their precision; infinities are numbers as well."),
    reference=max_pool2d,
    regimes=with_mixed((*COMMON, INFINITE), MAX_MIX, pooling_inside() | infinite_inside()),
    check=Close(),
    twins=made_twins("max"),
    groups=GROUPS,
    window=lambda call, at: window(max_pool2d, call, at),
)
AVG_POOL2D = Contract(
    name="avg_pool2d",
    signature="(x, kernel_size, stride=None)",
    doc=DOC.format(
        what="the mean",
        kind=(
            "Whole numbers give floating means, also where their sum does not fit into the type of x; floating\n"
            "numbers keep at least their precision."
        ),
    ),
    reference=avg_pool2d,
    regimes=with_mixed(COMMON, AVG_MIX, pooling_inside()),
    check=Close(magnitude, terms=lambda x, kernel_size, stride=None: math.prod(pair(kernel_size, "kernel_size"))),
    twins=made_twins("avg"),
    groups=GROUPS,
    window=lambda call, at: window(avg_pool2d, call, at),
)
CONTRACTS = (MAX_POOL2D, AVG_POOL2D)
