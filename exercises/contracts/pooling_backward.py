"""What is promised about the gradients of max and mean pooling: regimes, wrong twins, ties, and the picture."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exercises.contracts._conv2d import unequal
from exercises.contracts._pooled import Gradient, gradient_inside, ties_inside
from exercises.contracts._pooling import (
    LARGE_KERNELS,
    LARGE_MAPS,
    ONE,
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
from grader.authoring import (
    Call,
    Close,
    Contract,
    Draw,
    Pane,
    Regime,
    Twin,
    Verdict,
    Window,
    correct,
    count,
    integers,
    laid_out,
    reals,
    write_number,
    wrong,
)
from solutions import subgradients
from solutions.pooling import avg_pool2d_backward, max_pool2d_backward
from solutions.subgradients import Component
from solutions.twins import pooling_backward as twins
from solutions.windows import Array, pair

DOC = """\
Return the gradient of L = sum(dy * y) with y = {forward}(x, {norm}kernel_size, stride): how L changes with x.

The window (i, j) holds x[n, c, i*sh + u, j*sw + v] for u below KH and v below KW. {rule}

dy: (N, C, OH, OW), the gradient of L for y, as it comes from the layer above (upstream).
x: (N, C, H, W), a NumPy array of whole or floating numbers; N may be 0.
{more}kernel_size: an int (also NumPy's), or a pair (KH, KW) as a tuple or list; not larger than the map.
stride: an int (also NumPy's), or a pair (sh, sw) as a tuple or list; None (the default) means kernel_size.
Leave dy and x unchanged.

Returns dx: (N, C, H, W). What overlapping windows give to one entry is added, and entries that no whole
window reaches have the gradient 0.
{kind}
"""


# Calls -----------------------------------------------------------------------------------------------------


def make(dy: Array, x: Array, arguments: dict[str, Any]) -> Call:
    rest = {name: value for name, value in arguments.items() if name != "kernel_size"}
    return Call((dy, x, arguments["kernel_size"]), rest)


def whole(rng: Draw, low: int = 1, **wanted: Any) -> Call:
    """Return a call with different whole numbers in x, by default positive ones."""
    up, shape, arguments = sizes(rng, **wanted)
    return make(upstream(rng, up), distinct(rng, shape, low), arguments)


def single(rng: Draw, **wanted: Any) -> Call:
    """Return a call with one image of one channel."""
    return whole(rng, n=1, c=1, **wanted)


def same_stride(rng: Draw) -> Call:
    """Return a plain call: windows side by side, and no zero in dy."""
    side = rng.integer(2, 3)
    dy, x, *rest = single(rng, kernel=side, stride=side).args
    return Call((np.where(dy == 0, 6, dy), x, *rest), {"stride": side})


def not_dividing(rng: Draw) -> Call:
    return single(rng, **rest_left(rng))


def oblong(rng: Draw) -> Call:
    """Return a call with so many windows that in one the maximum lies outside of the kernel turned round, or cut."""
    return single(rng, kernel=unequal(rng, 1, 2, 3), outputs=(4, 4))


def unequal_strides(rng: Draw) -> Call:
    """Return a call with so many windows that one of them shows a wrong stride in every call."""
    return single(rng, outputs=(3, 3), **unequally(rng))


def one_hot(rng: Draw) -> Call:
    call = single(rng, kernel=3, stride=rng.integer(1, 2), outputs=(3, 3))
    dy = np.zeros_like(call.args[0])
    dy[tuple(rng.integer(0, side - 1) for side in dy.shape)] = rng.integer(1, 3)
    return Call((dy, *call.args[1:]), call.kwargs)


def signed(rng: Draw) -> Call:
    up, shape, arguments = sizes(rng, stride=rng.integer(1, 2))
    return make(upstream(rng, up), distinct(rng, shape, -(math.prod(shape) * 2 // 3)), arguments)


def negative(rng: Draw) -> Call:
    up, shape, arguments = sizes(rng, stride=rng.integer(1, 2))
    return make(upstream(rng, up), distinct(rng, shape, -math.prod(shape)), arguments)


def empty(rng: Draw) -> Call:
    call = whole(rng, n=1)
    dy, x, size = call.args
    return Call((dy[:0], x[:0], size), call.kwargs)


def typed(rng: Draw, up: str, numbers: str) -> Call:
    """Return a call with whole numbers for an integer dtype and any numbers for a floating one."""
    top, shape, arguments = sizes(rng, kernel=2, stride=rng.integer(1, 2), n=1, c=1)
    dy = reals(rng, top, up) if up.startswith("float") else upstream(rng, top, up)
    low = rng.choice((0, 256 - math.prod(shape))) if numbers == "uint8" else 1  # from either end of its range
    x = reals(rng, shape, numbers) if numbers.startswith("float") else distinct(rng, shape, low, numbers)
    return make(dy, x, arguments)


def both_whole(rng: Draw) -> Call:
    """Return a call with whole numbers only, and often with ties: an odd number has no whole halves to share."""
    top, shape, arguments = sizes(rng, kernel=2, stride=rng.integer(1, 2), n=1, c=1)
    dtype = rng.choice(("int64", "int32"))
    x = integers(rng, shape, 1, 2, dtype) if rng.integer(0, 3) else distinct(rng, shape, dtype=dtype)
    return make(upstream(rng.fork(), top, "int64"), x, arguments)


def last_digits(rng: Draw) -> Call:
    """Return a call in which all numbers are nearly equal: they differ by multiples of 2**-40."""
    up, shape, arguments = sizes(rng, stride=rng.integer(1, 2))
    return make(reals(rng, up), 1 + distinct(rng, shape) * 2.0**-40, arguments)


def scaled(rng: Draw, scale: float) -> Call:
    up, shape, arguments = sizes(rng)
    return make(reals(rng, up, scale=scale), reals(rng, shape, scale=scale), arguments)


def stored(rng: Draw, layout: str) -> Call:
    """Return a call with dy and x of a layout; one of their maps is contiguous only where there are no others."""
    sizes = rng.choice((1, 2))
    call = whole(rng, n=sizes, c=sizes, kernel=3, stride=2)
    return Call((*(laid_out(array, layout) for array in call.args[:2]), *call.args[2:]), call.kwargs)


def by_keyword(rng: Draw) -> Call:
    dy, x, size = whole(rng, kernel=3, stride=2).args
    return Call((), {"stride": 2, "kernel_size": size, "x": x, "dy": dy})


def by_position(rng: Draw) -> Call:
    call = whole(rng, kernel=3, stride=2)
    return Call((*call.args, call.kwargs["stride"]))


def as_lists(rng: Draw) -> Call:
    call = whole(rng, kernel=unequal(rng, 2, 3), stride=unequal(rng, 1, 2))
    dy, x, size = call.args
    return Call((dy, x, list(size)), {"stride": list(call.kwargs["stride"])})


def larger(rng: Draw) -> Call:
    return whole(rng, **larger_sizes(rng))


def large_kernel(rng: Draw) -> Call:
    """Return a call with a large window, in which all numbers are positive or all are negative."""
    sizes = {"kernel": rng.choice(LARGE_KERNELS), "stride": rng.choice((2, None)), "outputs": (2, 2)}
    return single(rng, low=rng.choice((1, -999)), **sizes)


def with_numpy_ints(rng: Draw) -> Call:
    up, shape, arguments = sizes(rng, kernel=rng.choice((2, (2, 3))), stride=rng.choice((1, (1, 2))))
    return make(upstream(rng, up), distinct(rng, shape), numpy_sizes(rng, arguments))


def none_given(rng: Draw) -> Call:
    """Return a call whose stride is given, as None, by position or by keyword."""
    call = single(rng)
    return Call(call.args, {"stride": None}) if rng.boolean() else Call((*call.args, None))


def up_to_zero(rng: Draw) -> Call:
    """Return a call in which no number is positive and one is zero."""
    up, shape, arguments = sizes(rng, n=1, c=1, stride=rng.integer(1, 2))
    dy = upstream(rng, up)
    return make(np.where(dy == 0, 6, dy), distinct(rng, shape, 1 - math.prod(shape)), arguments)


def next_numbers(rng: Draw) -> Call:
    """Return a call with numbers that are as near to each other as float64 allows, in windows of any size."""
    up, shape, arguments = sizes(rng, n=1, c=1, kernel=rng.choice((2, 4, 3, 4)), stride=rng.integer(1, 2))
    return make(reals(rng, up), 1 + distinct(rng, shape) * 2.0**-52, arguments)


def long_whole(rng: Draw) -> Call:
    """Return a call with whole numbers in dy that need more than 16 bits, and in x ones that need more than 24."""
    up, shape, arguments = sizes(rng, stride=rng.integer(1, 2))
    dy = integers(rng, up, -(10**6), 10**6)
    return make(
        np.where(dy == 0, 10**5, dy),
        distinct(rng, shape, rng.choice((2**25, -(2**26), 2**45))).astype(np.int64),
        arguments,
    )


COMMON = (
    Regime("the stride equals the kernel", same_stride),
    Regime("there are several channels", lambda rng: whole(rng, n=1, c=2, outputs=(3, 3)), "volumes"),
    Regime("there are several images", lambda rng: whole(rng, n=2, c=1, outputs=(3, 3)), "volumes"),
    Regime("the stride is left to its default", single, "stride"),
    Regime("the windows overlap", lambda rng: single(rng, kernel=3, stride=rng.integer(1, 2)), "stride"),
    Regime("the stride does not divide", not_dividing, "stride", 7),
    Regime("the strides are unequal", unequal_strides, "stride", 7),
    Regime("the stride is larger than the kernel", lambda rng: single(rng, kernel=2, stride=3), "stride"),
    Regime("dy is zero but for one entry", one_hot, "upstream"),
    Regime("the kernel is not square", oblong, "shapes", 7),
    Regime("the map is not square", lambda rng: single(rng, kernel=2, outputs=unequal(rng, 1, 2, 3)), "shapes"),
    Regime("the kernel is one pixel", lambda rng: single(rng, kernel=1, stride=rng.integer(1, 2)), "shapes"),
    Regime(
        "the kernel is as large as the map",
        lambda r: whole(r, n=1, c=r.choice((1, 2, 2)), kernel=(3, 4), outputs=(1, 1)),
        "shapes",
    ),
    Regime("the batch is empty", empty, "shapes"),
    Regime("images, channels, window and map are large at once", larger, "together"),
    Regime("kernel and stride are pairs, or one of them is", lambda r: single(r, **kernel_and_stride(r)), "stride", 9),
    Regime("the stride is given as None", none_given, "stride"),
    Regime("the stride is 5 or more", lambda rng: single(rng, kernel=2, stride=rng.integer(5, 6)), "large"),
    Regime("the kernel is large", large_kernel, "large"),
    Regime("the window has more than 256 entries", lambda rng: single(rng, kernel=(20, 26), outputs=(1, 2)), "large"),
    Regime("the map has 13 rows or columns or more", lambda r: single(r, outputs=r.choice(LARGE_MAPS)), "large"),
    Regime("there are four images or more", lambda r: whole(r, n=r.integer(4, 6), c=1, kernel=2), "large"),
    Regime("there are four channels or more", lambda r: whole(r, n=1, c=r.integer(4, 6), kernel=2), "large"),
    Regime("no number is positive and one is zero", up_to_zero, "numbers"),
    Regime("the numbers are next to each other in float64", next_numbers, "numbers"),
    Regime("the whole numbers are large", long_whole, "types"),
    Regime("dy is float64 and x is float32", lambda rng: typed(rng, "float64", "float32"), "types"),
    Regime("dy is whole and x is not", lambda rng: typed(rng, "int64", "float64"), "types"),
    Regime("kernel and stride are NumPy's integers", with_numpy_ints, "arguments", 7),
    Regime("some numbers are negative", signed, "numbers"),
    Regime("all numbers are negative", negative, "numbers"),
    Regime("the numbers differ in their last digits only", last_digits, "numbers"),
    Regime("the numbers are huge", lambda rng: scaled(rng, 1e30), "numbers"),
    Regime("the numbers are tiny", lambda rng: scaled(rng, 1e-30), "numbers"),
    Regime("dy and x are of whole numbers", both_whole, "types"),
    Regime("x is of bytes (uint8)", lambda rng: typed(rng, "int64", "uint8"), "types"),
    Regime("x is whole and dy is not", lambda rng: typed(rng, "float64", "int64"), "types"),
    Regime("the input is float32", lambda rng: typed(rng, "float32", "float32"), "types"),
    Regime("float64 numbers need full precision", lambda rng: typed(rng, "float64", "float64"), "types"),
    Regime("the arrays are Fortran-ordered", lambda rng: stored(rng, "F"), "arguments"),
    Regime("the arrays have negative strides", lambda rng: stored(rng, "reversed"), "arguments"),
    Regime("the arrays are not contiguous", lambda rng: stored(rng, "gapped"), "arguments"),
    Regime("the arrays are read-only", lambda rng: stored(rng, "readonly"), "arguments"),
    Regime("all arguments are given by keyword", by_keyword, "arguments"),
    Regime("all arguments are given by position", by_position, "arguments"),
    Regime("kernel and stride are lists", as_lists, "arguments"),
)
KINDS = (
    ("whole", "ranks"),
    ("whole", "signed"),
    ("whole", "negative"),
    ("whole", "up to zero"),
    ("float64", "digits"),
    ("float64", "next"),
    ("large", "large"),
    ("huge", "huge"),
    ("tiny", "tiny"),
    ("float64", "float64"),
    ("float32", "float32"),
    ("float64", "float32"),
    ("int64", "float64"),
    ("int64", "uint8"),
    ("float64", "int64"),
    ("float64", "int32"),
)  # of dy and x
GROUPS = {
    "basics": 2,
    "volumes": 2,
    "stride": 3,
    "upstream": 1,
    "shapes": 1,
    "large": 1,
    "together": 1,
    "numbers": 2,
    "types": 1,
    "arguments": 1,
}


def with_ties(rng: Draw, low: int = 0, high: int = 2, sign: int = 0, **wanted: Any) -> Call:
    """Return a call with few different numbers in x, and so with ties; with a sign, dy has only that sign."""
    up, shape, arguments = sizes(rng, **wanted)
    dy = integers(rng, up, 1, 6, "float64") * sign if sign else upstream(rng, up)
    return make(dy, integers(rng, shape, low, high, "float64"), arguments)


def zeros(rng: Draw) -> Call:
    """Return a call with a map as a ReLU leaves it: many windows hold nothing but 0."""
    call = with_ties(rng, -4, 2, n=1, c=1, kernel=2, stride=rng.integer(1, 2), outputs=(3, 3))
    dy, x, size = call.args
    return Call((np.where(dy == 0, 6, dy), np.maximum(x, 0), size), call.kwargs)


def constant(rng: Draw) -> Call:
    """Return a call with one number everywhere."""
    call = with_ties(rng, n=1, c=1, kernel=rng.integer(2, 3), stride=rng.integer(1, 2), outputs=(2, 2))
    dy, x, size = call.args
    return Call((np.where(dy == 0, 6, dy), np.full_like(x, rng.integer(-1, 1)), size), call.kwargs)


TIES = (
    Regime("the largest number occurs twice", lambda rng: with_ties(rng, n=1, c=1, kernel=2, sign=1), "ties"),
    Regime("windows with ties overlap", lambda rng: with_ties(rng, n=1, c=1, kernel=3, stride=2, sign=1), "ties"),
    Regime("all numbers are equal", constant, "ties"),
    Regime("windows hold nothing but zeros", zeros, "ties"),
    Regime("there are ties and dy has both signs", lambda rng: with_ties(rng, -2, -1, kernel=2, stride=1), "ties"),
)
TIED: tuple[dict[str, Any], ...] = (
    *({"kernel": 2, "stride": None, "outputs": (2, 3), "kind": ("positive", x)} for x in ("few", "zeros")),
    *({"kernel": 3, "stride": stride, "outputs": (2, 3), "kind": ("positive", "few")} for stride in (1, 2)),
    *({"kernel": k, "stride": 1, "outputs": (3, 2), "kind": ("whole", "few negative")} for k in (2, (2, 3))),
    *({"kernel": k, "stride": 2, "outputs": (2, 2), "kind": ("negative", "few")} for k in ((1, 4), (4, 1))),
    {"kernel": 2, "stride": 3, "outputs": (2, 2), "kind": ("float64", "few")},
    *({"kernel": 2, "stride": s, "outputs": (2, 3), "kind": ("int64", "few of int64")} for s in (1, 2)),
    {"kernel": (3, 2), "stride": (2, 1), "outputs": (2, 3), "kind": ("int64", "few of int32")},
    {"kernel": 2, "outputs": (2, 2), "kind": ("int32", "few of bytes")},
    {"kernel": (2, 3), "stride": 2, "outputs": (2, 2), "kind": ("float32", "few of float32")},
    {"kernel": (2, 3), "stride": 1, "outputs": (2, 2), "kind": ("whole", "zeros")},
    {**ONE, "kernel": 5, "stride": 2, "outputs": (2, 2), "kind": ("positive", "few")},
    {"n": 2, "c": 3, "kernel": (2, 3), "outputs": (1, 1), "spare": (0, 0), "kind": ("whole", "few")},
)  # where dy has one sign, or both; ties in rows, in columns, of several kinds of numbers, in many windows at once


BYTES = ({"kernel": k, "stride": s, "spare": (0, 0), "kind": ("int64", "uint8")} for k, s in ((2, 1), (3, 2)))
MAX_MIX = Mix(Gradient.names, (*SHAPES, *TIED, *BYTES), KINDS)
AVG_MIX = Mix(Gradient.names, SHAPES, (*KINDS, ("int64", "int64")))


# Ties ------------------------------------------------------------------------------------------------------

GRAINS = 1 << 20  # of the allowance for rounding: amounts are counted in whole grains, so that flows are exact


@dataclass(frozen=True)
class AnySubgradient:
    """A check of a gradient of max pooling: at ties, whatever the windows can give together is right.

    Entries outside all ties must be within `close`'s budget of what is forced. For each group of windows that
    share tied entries, the distance to the nearest attainable gradient must be within the sum of their budgets.
    So the first, the last, a split and a random choice pass, and nothing that is no subgradient does.
    """

    close: Close

    def expect(self, function: Callable[..., Any], call: Call) -> Any:
        return self.close.expect(function, call)

    def agrees(self, got: Any, expected: Any) -> bool:
        return self.close.agrees(got, expected)

    def compare(self, got: Any, expected: Any, call: Call) -> Verdict:
        arguments = inspect.signature(max_pool2d_backward).bind(*call.args, **call.kwargs).arguments
        if not subgradients.has_ties(**arguments):
            return self.close.compare(got, expected, call)
        anywhere = replace(expected, slack=np.full(expected.value.shape, np.inf))
        verdict = self.close.compare(got, anywhere, call)
        if verdict.share != 1:
            return verdict
        forced, components = subgradients.routes(**arguments)
        free = tuple(zip(*{spot for ties in components for tie in ties for spot in tie.spots}, strict=True))
        want = forced.astype(np.float64)
        want[free] = got[free]
        verdict = self.close.compare(got, replace(expected, value=want), call)
        if verdict.share != 1:
            return verdict
        slack = np.broadcast_to(expected.slack, expected.value.shape)
        problems = (shared_wrongly(ties, got, forced, slack) for ties in components)
        return next((problem for problem in problems if problem is not None), correct())


def shared_wrongly(ties: Component, got: Array, forced: Array, slack: Array) -> Verdict | None:
    """Return what is wrong with the shares of some ties, or None where they are attainable."""
    spots = sorted({spot for tie in ties for spot in tie.spots})
    shares = {spot: float(got[spot]) - float(forced[spot]) for spot in spots}
    allowed = sum(float(slack[spot]) for spot in spots)
    unit = max(allowed, float(np.finfo(np.float64).tiny) * GRAINS) / GRAINS
    counted = tuple(replace(tie, dy=round(tie.dy / unit)) for tie in ties)
    far = next((spot for spot, share in shares.items() if not math.isfinite(share / unit)), None)
    if far is not None:  # further than can be counted, and so further than allowed
        return wrong(f"entry {list(far)} is {float(got[far]):g}, far from all that dy can give", far)
    rest = subgradients.distance(counted, {spot: round(share / unit) for spot, share in shares.items()})
    if rest * unit <= allowed:
        return None
    total, given_back = sum(shares.values()), sum(tie.dy for tie in ties)
    named = ", ".join(str(list(spot)) for spot in spots)
    size = count(len(ties), "window")
    if abs(total - given_back) > allowed:
        reason = f"together they get {write_number(total, 6)}, should be {write_number(given_back, 6)}, the sum of dy"
    else:
        reason = "no sharing of dy among the largest numbers of each window gives these values"
    return wrong(f"entries {named} are equally large in {size}: {reason}", spots[0])


# Twins -----------------------------------------------------------------------------------------------------

WALK_HINTS = {
    "stride-not-in-offset": "dy[i, j] belongs to the window that starts at row i*sh and column j*sw, not at (i, j).",
    "default-stride-one": "Without a stride the windows lie side by side: None means kernel_size, not 1.",
    "stride-is-kernel": "The stride is taken from the kernel even where it is given.",
    "stride-height-for-both": "The first stride is used for both directions: columns move by stride[1].",
    "stride-swapped": "The pair is (vertical, horizontal): rows move by stride[0].",
    "kernel-height-for-both": "The kernel's height is used as its width: the window has kernel_size[1] columns.",
    "kernel-swapped": "The pair is (height, width): the window has kernel_size[0] rows.",
}
HINTS = {
    twins.max_all_ties: (
        "Where the largest number occurs twice, both get all of dy: give it to one of them, or share it."
    ),
    twins.max_near_ties: "Numbers that are nearly as large as the maximum get dy too: compare exactly, or use argmax.",
    twins.max_mask_returned: "dy is not used: the position of the maximum gets dy[i, j], not 1.",
    twins.max_times_number: "dy is multiplied by the maximum: y changes one for one with it, so it gets dy alone.",
    twins.max_overwritten: "Windows overlap: add what each gives back (+=); you overwrite the whole window (=).",
    twins.max_largest_overwritten: (
        "A number can be the largest of several windows: add what each gives back (+=), do not overwrite it (=)."
    ),
    twins.max_index_by_height: "The index in a flat window is row * KW + column: divide by KW, not by KH.",
    twins.max_index_transposed: "Row and column of the maximum are exchanged.",
    twins.max_to_smallest: "dy goes to the smallest number of the window; the largest made y.",
    twins.max_to_largest_magnitude: "dy goes to the largest absolute value: -7 is smaller than 2.",
    twins.max_starts_at_zero: "Windows of negative numbers give nothing back: their largest number is negative too.",
    twins.max_spread_evenly: "dy is spread over the window: that is mean pooling; the maximum alone made y.",
    twins.max_of_channels: "Only the largest of all channels gets dy: every channel is pooled by itself.",
    twins.max_first_image: "The maxima of the first image are used for all images.",
    twins.max_first_channel: "The maxima of the first channel are used for all channels.",
    twins.max_truncated_to_input: "dx has the dtype of x, so decimals of dy are cut off where x is whole.",
    twins.max_single_precision: "Numbers are compared in float32: those that differ in later digits become equal.",
    twins.max_left_over_dropped: "dx must have the shape of x: entries that no window reaches have the gradient 0.",
    twins.avg_not_divided: "Every entry gets all of dy: y is the mean, so each gets dy / (KH*KW).",
    twins.avg_divided_by_height: "dy is divided by KH; the window has KH*KW numbers.",
    twins.avg_divided_by_stride: "dy is divided by the strides' product; the window has KH*KW numbers.",
    twins.avg_whole_division: "dy is divided with //, which rounds down: divide with /.",
    twins.avg_overwritten: "Windows overlap: add what each gives back (+=), do not overwrite it (=).",
    twins.avg_repeated: "Repeating dy fits only windows that lie side by side: add each window's part where it stands.",
    twins.avg_times_number: "The numbers of x play no part: the mean changes by 1/(KH*KW) with each of them.",
    twins.avg_upstream_ignored: "dy is not used: each entry gets dy[i, j] / (KH*KW).",
    twins.avg_to_largest: "All of dy goes to the largest number: that is max pooling.",
    twins.avg_to_corner: "All of dy goes to the window's first number: all of them made the mean.",
    twins.avg_mean_of_windows: "Where windows overlap, their parts are added, not averaged.",
    twins.avg_first_image: "All images get the first one's dy.",
    twins.avg_of_channels: "Every channel is pooled by itself: its dx comes from its own dy.",
    twins.avg_truncated_to_input: "dx has the dtype of x, so decimals are cut off where x is whole.",
    twins.avg_single_precision: "float64 numbers are computed in float32: half the digits are lost.",
    twins.avg_left_over_dropped: "dx must have the shape of x: entries that no window reaches have the gradient 0.",
}


def made_twins(kind: str, hints: dict[Callable[..., Any], str], skip: tuple[str, ...] = ()) -> tuple[Twin, ...]:
    """Return the twins of "max", "avg" or "lp": its own, and those whose windows stand in the wrong place."""
    own = [
        Twin(twin.__name__.removeprefix(f"{kind}_").replace("_", "-"), twin, hint)
        for twin, hint in hints.items()
        if twin.__name__.startswith(kind)
    ]
    walks = [Twin(name, twins.astray(kind, name), hint) for name, hint in WALK_HINTS.items() if name not in skip]
    return (*own, *walks)


def magnitude(dy: Any, x: Any, kernel_size: Any, stride: Any = None) -> Any:
    """Return the mean of |dy| over each entry's windows' numbers, added up."""
    return avg_pool2d_backward(np.abs(dy.astype(np.float64)), x, kernel_size, stride)


def full_magnitude(dy: Any, x: Any, kernel_size: Any, stride: Any = None) -> Any:
    """Return the sum of |dy| of the windows that hold each entry."""
    return magnitude(dy, x, kernel_size, stride) * math.prod(pair(kernel_size, "kernel_size"))


def terms(dy: Any, x: Any, kernel_size: Any, stride: Any = None) -> int:  # noqa: ARG001 - the contract's signature
    """Return how many windows can hold an entry."""
    return math.prod(pair(kernel_size, "kernel_size"))


# The picture -----------------------------------------------------------------------------------------------


def window(function: Callable[..., Any], call: Call, at: tuple[int, ...]) -> Window | None:
    """Return x with the entry marked, and dy with the windows that hold it."""
    bound = inspect.signature(function).bind(*call.args, **call.kwargs)
    bound.apply_defaults()
    dy, x = bound.arguments["dy"], bound.arguments["x"]
    kernel_size, stride = bound.arguments["kernel_size"], bound.arguments["stride"]
    size, steps = pair(kernel_size, "kernel_size"), pair(kernel_size if stride is None else stride, "stride")
    if len(at) != x.ndim or any(not 0 <= index < side for index, side in zip(at, x.shape, strict=True)):
        return None
    n, c, row, column = at
    rows, columns = (holders(index, k, s, o) for index, k, s, o in zip(at[2:], size, steps, dy.shape[2:], strict=True))
    place, value = f"dx[{', '.join(map(str, at))}]", function(*bound.args)[at]
    label = (f"image {n}, " if len(x) > 1 else "") + f"channel {c}"
    panes = [Pane(f"x, {label}", _rows(x[n, c]), (row, row + 1), (column, column + 1))]
    if not rows or not columns:
        return Window(tuple(panes), f"{place} = 0: no window holds this entry")
    panes.append(Pane(f"dy, {label}", _rows(dy[n, c]), (rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1)))
    held = count(len(rows) * len(columns), "window")
    return Window(tuple(panes), f"{place} = {value:.6g}: {held} of dy hold this entry")


def holders(index: int, size: int, step: int, positions: int) -> list[int]:
    """Return which windows along an axis hold an index.

    >>> holders(4, 3, 2, 5)
    [1, 2]
    """
    return [i for i in range(positions) if 0 <= index - i * step < size]


def _rows(plane: Array) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(row) for row in plane.tolist())


MAX_POOL2D_BACKWARD = Contract(
    name="max_pool2d_backward",
    signature="(dy, x, kernel_size, stride=None)",
    doc=DOC.format(
        forward="max_pool2d",
        norm="",
        more="",
        rule="y is its largest number.",
        kind=(
            "Where the largest number occurs more than once in a window, you may give dy to any of them, or share\n"
            "it so that the parts add up to dy."
        ),
    ),
    reference=max_pool2d_backward,
    regimes=with_mixed((*COMMON, *TIES), MAX_MIX, gradient_inside() | ties_inside()),
    check=AnySubgradient(Close(full_magnitude, terms)),
    twins=made_twins("max", HINTS),
    groups={**GROUPS, "ties": 2},
    window=lambda call, at: window(max_pool2d_backward, call, at),
)
AVG_POOL2D_BACKWARD = Contract(
    name="avg_pool2d_backward",
    signature="(dy, x, kernel_size, stride=None)",
    doc=DOC.format(
        forward="avg_pool2d",
        norm="",
        more="",
        rule="y is its mean.",
        kind="Whole numbers give floating gradients; floating numbers keep at least their precision.",
    ),
    reference=avg_pool2d_backward,
    regimes=with_mixed(COMMON, AVG_MIX, gradient_inside()),
    check=Close(magnitude, terms),
    twins=made_twins("avg", HINTS),
    groups=GROUPS,
    window=lambda call, at: window(avg_pool2d_backward, call, at),
)
CONTRACTS = (MAX_POOL2D_BACKWARD, AVG_POOL2D_BACKWARD)
