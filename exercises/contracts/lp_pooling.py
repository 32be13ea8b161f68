"""What is promised about Lp pooling and its gradient: regimes, wrong twins, and the picture of one entry."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from exercises.contracts import pooling_backward
from exercises.contracts._conv2d import unequal
from exercises.contracts._pooled import Norm, NormGradient, norm_forward_inside, norm_gradient_inside
from exercises.contracts._pooling import (
    LARGE_KERNELS,
    LARGE_MAPS,
    SHAPES,
    Mix,
    distinct,
    kernel_and_stride,
    larger_sizes,
    numpy_sizes,
    rest_left,
    sizes,
    unequally,
    upstream,
    with_mixed,
)
from exercises.contracts.pooling import DOC
from exercises.contracts.pooling_backward import GROUPS, made_twins
from grader.authoring import Call, Close, Contract, Draw, Pane, Regime, Twin, Window, integers, laid_out, reals
from solutions.pooling import lp_pool2d, lp_pool2d_backward
from solutions.twins import lp_pooling as twins
from solutions.twins import pooling_backward as backward_twins
from solutions.windows import Array, pair

NORM = """\
norm_type: the number p, such as 1, 2 or 3. Unless p is even, x holds no negative numbers. p = 2 is L2
    pooling, and p = 1 gives the sum. p may be a float (3.0, 2.5, 0.5). Whole numbers of any type (uint8,
    int32, int64) must not overflow when they are raised to p: compute in floating numbers.
"""
POWERS = (2, 3, 1)
Make = Callable[..., Call]


# Calls -----------------------------------------------------------------------------------------------------


def forward(up: tuple[int, ...] | Array, x: Array, p: Any, arguments: dict[str, Any]) -> Call:  # noqa: ARG001 - as backward
    """Return a call of lp_pool2d."""
    rest = {name: value for name, value in arguments.items() if name != "kernel_size"}
    return Call((x, p, arguments["kernel_size"]), rest)


def backward(up: Array, x: Array, p: Any, arguments: dict[str, Any]) -> Call:
    """Return a call of lp_pool2d_backward."""
    call = forward(up, x, p, arguments)
    return Call((up, *call.args), call.kwargs)


def whole(make: Make, rng: Draw, *, p: Any = None, low: int = 1, **wanted: Any) -> Call:
    """Return a call with different whole numbers in x, by default positive ones; none is 0."""
    up, shape, arguments = sizes(rng, **wanted)
    x = distinct(rng, shape, low)
    return make(upstream(rng, up), np.where(x >= 0, x + (low < 0), x), p or rng.choice(POWERS), arguments)


def single(make: Make, rng: Draw, **wanted: Any) -> Call:
    return whole(make, rng, n=1, c=1, **wanted)


def plain(make: Make, rng: Draw) -> Call:
    """Return a plain call: L2, windows side by side, and no zero in dy."""
    up, shape, arguments = sizes(rng, n=1, c=1, kernel=2, stride=2)
    dy = upstream(rng, up)
    return make(np.where(dy == 0, 6, dy), distinct(rng, shape), 2, arguments)


def larger(make: Make, rng: Draw) -> Call:
    return whole(make, rng, p=2, **larger_sizes(rng))


def large_kernel(make: Make, rng: Draw) -> Call:
    return single(make, rng, kernel=rng.choice(LARGE_KERNELS), stride=rng.choice((2, None)), outputs=(2, 2))


def high_norm(make: Make, rng: Draw) -> Call:
    """Return a call with p = 5, 6 or 7, and numbers of both signs where p is even."""
    up, shape, arguments = sizes(rng, n=1, c=1, stride=rng.integer(1, 2))
    p = rng.choice((5, 6, 7))
    x = distinct(rng, shape) / 4
    signs = 2 * integers(rng, shape, 0, 1) - 1
    return make(upstream(rng, up), x * signs if p == 6 else x, p, arguments)


def long_whole(make: Make, rng: Draw, dtype: str, low: int) -> Call:
    """Return a call with whole numbers whose powers need more bits than their type has."""
    up, shape, arguments = sizes(rng)
    x = integers(rng, shape, low, 2 * low, "int64").astype(dtype)
    return make(integers(rng, up, 1, 9), x, rng.choice((2, 3)), arguments)


def with_numpy_ints(make: Make, rng: Draw) -> Call:
    up, shape, arguments = sizes(rng, kernel=rng.choice((2, (2, 3))), stride=rng.choice((1, (1, 2))))
    return make(upstream(rng, up), distinct(rng, shape), rng.choice(POWERS), numpy_sizes(rng, arguments))


def none_given(make: Make, rng: Draw) -> Call:
    call = single(make, rng)
    return Call(call.args, {"stride": None}) if rng.boolean() else Call((*call.args, None))


def zeros_below_two(make: Make, rng: Draw) -> Call:
    """Return a call with zeros in x, but no window of zeros alone, and p between 1 and 2."""
    call = with_zeros(make, rng)
    return Call((*call.args[:-2], rng.choice((1.5, 1.25, 1.75)), call.args[-1]), call.kwargs)


def zero_windows(rng: Draw) -> Call:
    """Return a call of lp_pool2d with a window that holds nothing but zeros."""
    _, shape, arguments = sizes(rng, n=1, c=1, kernel=2, stride=2)
    x = integers(rng, shape, 0, 9, "float64")
    x[:, :, :2, :2] = 0
    return forward((), x, rng.choice((2, 3, 1, 2.5)), arguments)


def not_dividing(make: Make, rng: Draw) -> Call:
    return single(make, rng, **rest_left(rng))


def unequal_strides(make: Make, rng: Draw) -> Call:
    return single(make, rng, **unequally(rng))


def one_hot(make: Make, rng: Draw) -> Call:
    up, shape, arguments = sizes(rng, n=1, c=1, kernel=3, stride=rng.integer(1, 2), outputs=(3, 3))
    dy = np.zeros(up)
    dy[tuple(rng.integer(0, side - 1) for side in up)] = rng.integer(1, 3)
    return make(dy, distinct(rng, shape), rng.choice(POWERS), arguments)


def signed(make: Make, rng: Draw) -> Call:
    """Return a call with numbers of both signs, and so with an even p."""
    up, shape, arguments = sizes(rng, stride=rng.integer(1, 2))
    x = distinct(rng, shape, -(math.prod(shape) * 2 // 3))
    return make(upstream(rng, up), np.where(x >= 0, x + 1, x), rng.choice((2, 4)), arguments)


def negative(make: Make, rng: Draw) -> Call:
    up, shape, arguments = sizes(rng, stride=rng.integer(1, 2))
    return make(upstream(rng, up), distinct(rng, shape, -math.prod(shape)), 2, arguments)


def empty(make: Make, rng: Draw) -> Call:
    up, shape, arguments = sizes(rng, n=1)
    return make(np.zeros((0, *up[1:])), np.zeros((0, *shape[1:])), 2, arguments)


def typed(make: Make, rng: Draw, up: str, numbers: str, low: int = 1) -> Call:
    """Return a call with whole numbers for an integer dtype and any numbers for a floating one."""
    top, shape, arguments = sizes(rng, kernel=2, stride=rng.integer(1, 2), n=1, c=1)
    dy = reals(rng, top, up) if up.startswith("float") else upstream(rng, top, up)
    x = np.abs(reals(rng, shape, numbers)) if numbers.startswith("float") else distinct(rng, shape, low, numbers)
    return make(dy, x + np.asarray(numbers.startswith("float"), x.dtype), rng.choice((2, 3)), arguments)


def scaled(make: Make, rng: Draw, scale: float) -> Call:
    up, shape, arguments = sizes(rng)
    x = (np.abs(reals(rng, shape)) + 0.5) * scale
    return make(reals(rng, up, scale=scale), x, rng.choice((2, 3)), arguments)


def stored(make: Make, rng: Draw, layout: str) -> Call:
    call = whole(make, rng, kernel=3, stride=2)
    args = (laid_out(a, layout) if isinstance(a, np.ndarray) else a for a in call.args)
    return Call(tuple(args), call.kwargs)


def by_keyword(make: Make, rng: Draw) -> Call:
    call = whole(make, rng, kernel=3, stride=2)
    names = ("dy", "x", "norm_type", "kernel_size")[-len(call.args) :]
    return Call((), {**call.kwargs, **dict(zip(names[::-1], call.args[::-1], strict=True))})


def by_position(make: Make, rng: Draw) -> Call:
    call = whole(make, rng, kernel=3, stride=2)
    return Call((*call.args, call.kwargs["stride"]))


def as_lists(make: Make, rng: Draw) -> Call:
    call = whole(make, rng, kernel=unequal(rng, 2, 3), stride=unequal(rng, 1, 2))
    return Call((*call.args[:-1], list(call.args[-1])), {"stride": list(call.kwargs["stride"])})


def with_zeros(make: Make, rng: Draw) -> Call:
    """Return a call of p = 2 or 3 with zeros in x, but no window of zeros alone."""
    up, shape, arguments = sizes(rng, n=1, c=1, kernel=2, stride=2)
    x = integers(rng, shape, 0, 9, "float64")
    x[:, :, ::2, ::2] += 1
    x[:, :, 1::2, ::2] = 0
    return make(upstream(rng, up), x, rng.choice((2, 3)), arguments)


def regimes(make: Make) -> tuple[Regime, ...]:
    """Return the regimes that Lp pooling and its gradient have in common."""

    def of(draw: Callable[..., Call], *arguments: Any, **wanted: Any) -> Callable[[Draw], Call]:
        return lambda rng: draw(make, rng, *arguments, **wanted)

    return (
        Regime("p is 2 and the stride equals the kernel", of(plain)),
        Regime("p is 3", of(single, p=3), "norms"),
        Regime("p is 1", of(single, p=1), "norms"),
        Regime("p is not whole", of(single, p=2.5), "norms"),
        Regime("there are several channels", lambda rng: whole(make, rng, p=rng.integer(2, 3), n=1, c=2), "volumes"),
        Regime("there are several images", lambda rng: whole(make, rng, p=rng.integer(2, 3), n=2, c=1), "volumes"),
        Regime("the stride is left to its default", of(single), "stride"),
        Regime("the windows overlap", lambda rng: single(make, rng, kernel=3, stride=rng.integer(1, 2)), "stride"),
        Regime("the stride does not divide", of(not_dividing), "stride", 7),
        Regime("the strides are unequal", of(unequal_strides), "stride", 7),
        Regime("the stride is larger than the kernel", of(single, kernel=2, stride=3), "stride"),
        Regime("the kernel is not square", lambda rng: single(make, rng, kernel=unequal(rng, 1, 2, 3)), "shapes", 7),
        Regime("the map is not square", lambda r: single(make, r, kernel=2, outputs=unequal(r, 1, 2, 3)), "shapes"),
        Regime("the kernel is one pixel", lambda rng: single(make, rng, kernel=1, stride=rng.integer(1, 2)), "shapes"),
        Regime("the kernel is as large as the map", of(single, kernel=(3, 4), outputs=(1, 1)), "shapes"),
        Regime("the batch is empty", of(empty), "shapes"),
        Regime("images, channels, window and map are large at once", of(larger), "together"),
        Regime("p is 5, 6 or 7", of(high_norm), "norms", 8),
        Regime("p is whole and given as a float", lambda r: single(make, r, p=r.choice((3.0, 2.0, 1.0, 3.0))), "norms"),
        Regime("p is below 1 or not a half", lambda r: single(make, r, p=r.choice((0.5, 1.3, 2.2, 0.75))), "norms"),
        Regime(
            "kernel and stride are pairs, or one of them is",
            lambda rng: single(make, rng, **kernel_and_stride(rng)),
            "stride",
            9,
        ),
        Regime("the stride is given as None", of(none_given), "stride"),
        Regime("the stride is 5 or more", lambda r: single(make, r, kernel=2, stride=r.integer(5, 6)), "large"),
        Regime("the kernel is large", of(large_kernel), "large"),
        Regime(
            "the map has 13 rows or columns or more", lambda r: single(make, r, outputs=r.choice(LARGE_MAPS)), "large"
        ),
        Regime("there are four images or more", lambda r: whole(make, r, n=r.integer(4, 6), c=1, kernel=2), "large"),
        Regime("there are three channels or more", lambda r: whole(make, r, n=1, c=r.integer(3, 5), kernel=2), "large"),
        Regime("some numbers are zero and p is between 1 and 2", of(zeros_below_two), "numbers"),
        Regime("the powers of whole numbers do not fit into 32 bits", of(long_whole, "int32", 10**5), "types"),
        Regime("the powers of whole numbers do not fit into 64 bits", of(long_whole, "int64", 10**10), "types"),
        Regime("kernel and stride are NumPy's integers", of(with_numpy_ints), "arguments"),
        Regime("some numbers are negative", of(signed), "numbers"),
        Regime("all numbers are negative", of(negative), "numbers"),
        Regime("some numbers are zero", of(with_zeros), "numbers"),
        Regime("the numbers are huge", of(scaled, 1e30), "numbers"),
        Regime("the numbers are tiny", of(scaled, 1e-30), "numbers"),
        Regime("the input is of whole numbers", of(typed, "int64", "int64"), "types"),
        Regime("x is of bytes (uint8)", of(typed, "int64", "uint8", 90), "types"),
        Regime("the input is float32", of(typed, "float32", "float32"), "types"),
        Regime("float64 numbers need full precision", of(typed, "float64", "float64"), "types"),
        Regime("the arrays are Fortran-ordered", of(stored, "F"), "arguments"),
        Regime("the arrays have negative strides", of(stored, "reversed"), "arguments"),
        Regime("the arrays are not contiguous", of(stored, "gapped"), "arguments"),
        Regime("the arrays are read-only", of(stored, "readonly"), "arguments"),
        Regime("all arguments are given by keyword", of(by_keyword), "arguments"),
        Regime("all arguments are given by position", of(by_position), "arguments"),
        Regime("kernel and stride are lists", of(as_lists), "arguments"),
    )


FORWARD = (Regime("windows hold nothing but zeros", zero_windows, "numbers"),)
BACKWARD = (
    Regime("dy is float64 and x is float32", partial(typed, backward, up="float64", numbers="float32"), "types"),
    Regime("dy is zero but for one entry", partial(one_hot, backward), "upstream"),
    Regime("x is whole and dy is not", lambda rng: typed(backward, rng, "float64", "int64"), "types"),
)


MIXED = "sizes, norms and types are mixed"
KINDS = (
    ("whole", "ranks", (2, 3, 1)),
    ("whole", "quarters", (5, 7)),
    ("whole", "quarters of both signs", (6, 2)),
    ("whole", "nonzero", (2, 4)),
    ("whole", "negative", (2,)),
    ("float64", "ranks", (2.5, 1.5, 3.5)),
    ("whole", "ranks", (3.0, 1.0)),
    ("float64", "ranks", (0.5, 1.3, 2.2, 0.75)),
    ("whole", "some zeros", (2, 3)),
    ("whole", "some zeros", (1.5, 1.25, 1.75)),
    ("int64", "long int32", (2, 3)),
    ("int64", "long int64", (3, 2)),
    ("huge", "positive huge", (2,)),
    ("tiny", "positive tiny", (2,)),
    ("int64", "positive int64", (2, 3, 1)),
    ("int64", "large bytes", (2, 3)),
    ("float32", "positive float32", (2, 3)),
    ("float64", "positive float64", (3, 2, 1)),
    ("float64", "positive float32", (2, 3)),
    ("float64", "positive int64", (3, 2)),
)  # of dy and x, and the norms: a root of huge or tiny numbers that is no square root loses digits
NORMS: tuple[dict[str, Any], ...] = (
    *({"kernel": k, "stride": k, "spare": (0, 0), "outputs": (2, 3), "kind": KINDS[0]} for k in (2, 3)),
    *(
        {"kernel": kernel, "stride": stride, "outputs": (2, 2), "kind": ("whole", x, (p,))}
        for p, x, kernel, stride in (
            (1, "ranks", (3, 4), 2),
            (1, "ranks", 3, None),
            (2.5, "ranks", 2, None),
            (2.5, "ranks", (2, 3), 1),
            (0.5, "ranks", 2, 2),
            (0.75, "ranks", (3, 2), 1),
            (1.5, "some zeros", 2, 2),
            (1.5, "some zeros", (2, 3), 1),
            (4, "nonzero", 2, None),
            (4, "nonzero", 3, 2),
            (4, "thousandths", (2, 3), 1),
            (4, "thousandths", 2, None),
            (4, "thousandths", 3, 2),
            (6, "thousandths", 2, None),
            (3, "some zeros", 2, 1),
            (7, "quarters", (3, 2), None),
        )
    ),
)  # what is plain, and what the norms are for, each with windows that overlap and with others
CORNERS = (*({name: v for name, v in corner.items() if name not in ("x", "kind")} for corner in SHAPES), *NORMS)
NOTHING = tuple(
    {"kernel": 2, "stride": s, "kind": ("", "zeros in front", (p,))} for s, p in ((None, 2), (1, 2.5), (2, 1))
)
MIX, BACKWARD_MIX = Mix(Norm.names, (*CORNERS, *NOTHING), KINDS), Mix(NormGradient.names, CORNERS, KINDS)


# Twins -----------------------------------------------------------------------------------------------------

HINTS = {
    twins.root_forgotten: "The p-th root of the sum of powers is missing.",
    twins.always_square_root: "The root is the p-th one, ** (1/p), and not always the square root.",
    twins.always_two: "norm_type is not used: powers and root are those of p, not always of 2.",
    twins.mean_of_powers: "The powers are added, not averaged, before the root is taken.",
    twins.divided: "The norm is not divided by how many numbers the window has.",
    twins.power_of_sum: "Every number is raised to p first, then they are added: power and sum are exchanged.",
    twins.max_instead: "This is the largest number of the window.",
    twins.mean_instead: "This is the mean of the window.",
    twins.whole_norm: "p is cut to a whole number: it may be 2.5 or 0.5 as well.",
    twins.negative_left_out: "Negative numbers count too: (-3)**2 = 9.",
    twins.first_image: "All images get the first one's maps: let the first index run over x.shape[0].",
    twins.of_channels: "The norm runs over the channels too: every channel is pooled by itself.",
    twins.stride_one: "The stride is not used: the window moves by sh rows and sw columns.",
    twins.default_stride_one: "Without a stride the windows lie side by side: None means kernel_size, not 1.",
    twins.stride_is_kernel: "The stride is taken from the kernel even where it is given.",
    twins.stride_not_in_offset: (
        "The size is right, but the windows move by one pixel: window (i, j) starts at row i*sh and column j*sw."
    ),
    twins.stride_swapped: "The pair is (vertical, horizontal): rows move by stride[0].",
    twins.kernel_swapped: "The pair is (height, width): the window has kernel_size[0] rows.",
    twins.kernel_height_for_both: "The kernel's height is used as its width: the window has kernel_size[1] columns.",
    twins.rounded_up: "Windows that stand over the end are kept: the size is rounded down, and they are left out.",
    twins.truncated_to_input: "The result has the dtype of x, so decimals are cut off where x is whole.",
    twins.wraps_around: "Powers of bytes wrap around at 256: convert x to a wider dtype first.",
    twins.single_precision: "float64 numbers are computed in float32: half the digits are lost.",
}
TWINS = tuple(Twin(twin.__name__.replace("_", "-"), twin, hint) for twin, hint in HINTS.items())
BACKWARD_HINTS = {
    backward_twins.lp_root_forgotten: (
        "This is the gradient of the sum of powers: the outer root contributes y**(1-p) / p."
    ),
    backward_twins.lp_powers_only: "dy * x**(p-1) is not divided by y**(p-1), which comes from the root.",
    backward_twins.lp_inner_factor_left: "A factor p too much: the p of the power and the 1/p of the root cancel.",
    backward_twins.lp_outer_factor_only: "A factor p too little: the p of the power and the 1/p of the root cancel.",
    backward_twins.lp_always_two: "norm_type is not used: for p, each entry gets dy * (x / y)**(p-1).",
    backward_twins.lp_divided_by_sum: "Divide by y**(p-1), not by y**p, the sum under the root.",
    backward_twins.lp_sign_lost: ("For an even p a negative number has a share of its own sign: x**(p-1) is negative."),
    backward_twins.lp_power_below_zero: (
        "At x = 0 a power below 0 is infinite, and 0 times infinity is NaN: raise |x| to p - 1, then give it the sign."
    ),
    backward_twins.lp_mean_of_powers: "The powers are added in y, not averaged.",
    backward_twins.lp_upstream_ignored: "dy is not used: each window's part is multiplied by dy[i, j].",
    backward_twins.lp_spread_evenly: "dy is spread evenly: that is mean pooling; here x has its share.",
    backward_twins.lp_to_largest: "All of dy goes to the largest number: that is max pooling.",
    backward_twins.lp_overwritten: "Windows overlap: add what each gives back (+=), do not overwrite it (=).",
    backward_twins.lp_first_image: "The numbers of the first image are used for all images.",
    backward_twins.lp_first_channel: "The numbers of the first channel are used for all channels.",
    backward_twins.lp_truncated_to_input: "dx has the dtype of x, so decimals are cut off where x is whole.",
    backward_twins.lp_single_precision: "float64 numbers are computed in float32: half the digits are lost.",
    backward_twins.lp_left_over_dropped: (
        "dx must have the shape of x: entries that no window reaches have the gradient 0."
    ),
}


# Tolerance and picture -------------------------------------------------------------------------------------


def magnitude(x: Any, norm_type: Any, kernel_size: Any, stride: Any = None) -> Any:
    """Return the norms themselves: a sum of powers and its root err in proportion to them."""
    return lp_pool2d(np.abs(x.astype(np.float64)), norm_type, kernel_size, stride)


def backward_magnitude(dy: Any, x: Any, norm_type: Any, kernel_size: Any, stride: Any = None) -> Any:
    """Return the sums of the absolute values of what each window gives."""
    dy, x = np.abs(dy.astype(np.float64)), np.abs(x.astype(np.float64))
    return lp_pool2d_backward(dy, x, norm_type, kernel_size, stride)


ROOTS = 16  # further roundings of powers and roots: an exponent 1/p that is rounded costs ln(sum) / p of them


def terms(*arguments: Any, **named: Any) -> int:
    """Return the numbers of a window, and what powers and roots add to the rounding of their sum."""
    size = named["kernel_size"] if "kernel_size" in named else next(a for a in _sizes(arguments))
    return math.prod(pair(size, "kernel_size")) + ROOTS


def _sizes(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what follows the arrays and the norm."""
    return tuple(a for a in arguments if not isinstance(a, np.ndarray))[1:]


def window(call: Call, at: tuple[int, ...]) -> Window | None:
    """Return the map and the window that makes y[n, c, i, j]."""
    bound = inspect.signature(lp_pool2d).bind(*call.args, **call.kwargs)
    bound.apply_defaults()
    x, p, kernel_size, stride = bound.args
    (kh, kw), (sh, sw) = pair(kernel_size, "kernel_size"), pair(kernel_size if stride is None else stride, "stride")
    y = lp_pool2d(x, p, kernel_size, stride)
    if len(at) != y.ndim or any(not 0 <= index < size for index, size in zip(at, y.shape, strict=True)):
        return None
    n, c, i, j = at
    rows, columns = (i * sh, i * sh + kh), (j * sw, j * sw + kw)
    plane = tuple(tuple(row) for row in x[n, c].tolist())
    numbers = [f"{value:.6g}" for row in plane[slice(*rows)] for value in row[slice(*columns)]]
    powers = " + ".join(f"({v})^{p}" if v.startswith("-") else f"{v}^{p}" for v in numbers)
    label = (f"image {n}, " if len(x) > 1 else "") + f"channel {c}"
    sentence = f"y[{', '.join(map(str, at))}] = ({powers})^(1/{p}) = {y[at]:.6g}"
    return Window((Pane(label, plane, rows, columns),), sentence)


LP_POOL2D = Contract(
    name="lp_pool2d",
    signature="(x, norm_type, kernel_size, stride=None)",
    doc=DOC.format(
        what="the p-norm, (sum of x**p) ** (1/p),",
        kind="Whole numbers give floating norms; floating numbers keep at least their precision.",
    ).replace("kernel_size:", f"{NORM}kernel_size:", 1),
    reference=lp_pool2d,
    regimes=with_mixed((*regimes(forward), *FORWARD), MIX, norm_forward_inside(), MIXED),
    check=Close(magnitude, terms),
    twins=TWINS,
    groups={name: weight for name, weight in {**GROUPS, "norms": 2}.items() if name != "upstream"},
    window=window,
)
LP_POOL2D_BACKWARD = Contract(
    name="lp_pool2d_backward",
    signature="(dy, x, norm_type, kernel_size, stride=None)",
    doc=pooling_backward.DOC.format(
        forward="lp_pool2d",
        norm="norm_type, ",
        more=NORM + "    No window holds nothing but zeros, where there is no gradient, and unless p > 1 no x is 0.\n",
        rule="With p = norm_type, y is its\np-norm, (sum of x**p) ** (1/p).",
        kind="Whole numbers give floating gradients; floating numbers keep at least their precision.",
    ),
    reference=lp_pool2d_backward,
    regimes=with_mixed((*regimes(backward), *BACKWARD), BACKWARD_MIX, norm_gradient_inside(), MIXED),
    check=Close(backward_magnitude, terms),
    twins=made_twins("lp", BACKWARD_HINTS),
    groups={**GROUPS, "norms": 2},
    window=lambda call, at: pooling_backward.window(lp_pool2d_backward, call, at),
)
CONTRACTS = (LP_POOL2D, LP_POOL2D_BACKWARD)
