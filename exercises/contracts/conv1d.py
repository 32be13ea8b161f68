"""What is promised about conv1d and cross_correlate1d: their regimes, wrong twins, and the picture of an entry."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from exercises.contracts._conv2d import MIXED, numbers
from exercises.contracts.conv2d import sum_sentence
from grader.authoring import LAYOUTS, Call, Close, Contract, Draw, Pane, Regime, Twin, Window, integers, laid_out, reals
from solutions.convolution import conv1d, cross_correlate1d
from solutions.twins import conv1d as twins

CONVOLUTION_DOC = """\
Return the true convolution of two sequences: the kernel is flipped.

y[i] = sum over k of x[i - k] * w[k], where x counts as zero outside of its n numbers.

x: (n,), w: (m,), NumPy arrays of whole or floating numbers, each at least one number long; w may be
longer than x. Leave both unchanged.
mode: as in numpy.convolve,
    "full": every i at which x and w overlap, i = 0 … n+m-2, so n+m-1 entries;
    "same": the middle max(n, m) entries of "full"; they start at i = (min(n, m) - 1) // 2;
    "valid": the entries whose overlap is complete, max(n, m) - min(n, m) + 1 of them.

Returns y: one axis. Whole numbers stay exact, and floating numbers keep at least the precision of x.
Whole numbers come only where NumPy's type for x * w holds the sums.
"""
CORRELATION_DOC = """\
Return the cross-correlation of two sequences: the kernel is not flipped.

For "valid", and w no longer than x: y[i] = sum over k of x[i + k] * w[k]. In general it is the true
convolution of x with w turned round, so conv1d(x, w[::-1], mode); x counts as zero outside of its n numbers.

x: (n,), w: (m,), NumPy arrays of whole or floating real numbers, each at least one number long; w may be
longer than x. Leave both unchanged.
mode: as in numpy.convolve,
    "full": every position at which x and w overlap, n+m-1 entries; the first is x[0] * w[m-1];
    "same": the middle max(n, m) entries of "full"; they start at entry (min(n, m) - 1) // 2 of it;
    "valid": the entries whose overlap is complete, max(n, m) - min(n, m) + 1 of them.
("same" with w longer than an x of even length is not asked for: NumPy's own functions disagree about it.)

Returns y: one axis. Whole numbers stay exact, and floating numbers keep at least the precision of x.
Whole numbers come only where NumPy's type for x * w holds the sums.
"""
MODES = ("full", "same", "valid")


def magnitude(function: Callable[..., Any], x: Any, w: Any, mode: Any = "valid") -> Any:
    """Return the sum of the absolute values of each entry's terms."""
    with np.errstate(over="ignore"):
        return function(np.abs(x.astype(np.float64)), np.abs(w.astype(np.float64)), mode)


def terms(x: Any, w: Any, mode: Any = "valid") -> int:  # noqa: ARG001 - the function's signature
    return min(len(x), len(w))


def given(mode: str) -> dict[str, Any]:
    """Return the mode as an argument, where it is not the default."""
    return {} if mode == "valid" else {"mode": mode}


def whole(rng: Draw, n: int, m: int, mode: str = "valid") -> Call:
    """Return a call with small whole numbers in float64."""
    return Call((integers(rng, (n,), dtype="float64"), kernel(rng, m)), given(mode))


def kernel(rng: Draw, m: int, dtype: str = "float64") -> Any:
    """Return whole weights whose first and last differ, so that turning the kernel round shows."""
    w = integers(rng, (m,), 1, 9, dtype)
    if m > 1 and w[0] == w[-1]:
        w[-1] = w[0] % 9 + 1
    return w * np.where(integers(rng, (m,), 0, 2) == 0, -1, 1).astype(dtype)


def longer_x(rng: Draw, m: int, mode: str = "valid") -> Call:
    return whole(rng, m + rng.integer(1, 4), m, mode)


def any_mode(rng: Draw) -> str:
    return rng.choice(MODES)


def typed(rng: Draw, sequence: str, weights: str, mode: str = "valid") -> Call:
    """Return a call with whole numbers for an integer dtype and any numbers for a floating one.

    An even kernel in mode "same" is a regime of its own, and not mixed in here.
    """
    m = rng.integer(2, 4) if mode == "valid" else 3
    n = m + rng.integer(1, 4)
    x = reals(rng, (n,), sequence) if sequence.startswith("float") else integers(rng, (n,), 0, 9, sequence)
    w = reals(rng, (m,), weights) if weights.startswith("float") else kernel(rng, m, weights)
    return Call((x, w), given(mode))


def unequal_floats(rng: Draw) -> Call:
    """Return a call whose x and w are of unequal floating types."""
    return typed(rng, *rng.choice((("float64", "float32"), ("float32", "float64"))), any_mode(rng))


def as_bytes(rng: Draw, mode: str = "valid") -> Call:
    m = rng.integer(2, 3) if mode == "valid" else 3
    return Call((integers(rng, (m + 2,), 100, 255, "uint8"), kernel(rng, m, "int64")), given(mode))


def scaled(rng: Draw, sequence: float, weights: float) -> Call:
    """Return a call whose x and w are both far from 1, and from one another: either may be taken for zero."""
    m = rng.integer(2, 3)
    return Call((reals(rng, (m + 2,), scale=sequence), reals(rng, (m,), scale=weights)))


def long(rng: Draw) -> Call:
    """Return a call with more numbers than elsewhere, x or w the longer one; x has an odd length."""
    return whole(rng, rng.choice((9, 13, 21, 45, 301)), rng.choice((9, 12, 30)), any_mode(rng))


def precise(rng: Draw) -> Call:
    """Return a call whose float64 numbers use all their digits, few or many of them."""
    m = rng.integer(2, 4)
    return Call((reals(rng, (m + rng.choice((1, 3, 70, 90)),)), reals(rng, (m,))))


def large_whole(rng: Draw) -> Call:
    """Return a call with whole numbers whose products need more than 32 bits and fewer than 53."""
    m = rng.integer(2, 3)
    return Call((integers(rng, (m + 3,), -(10**6), 10**6), integers(rng, (m,), 10**5, 10**6)), given(any_mode(rng)))


def zeros_at_ends(rng: Draw) -> Call:
    """Return a call with zeros at the beginning or end of x or w; w is shorter and of odd length."""
    call = longer_x(rng, rng.choice((3, 5)), any_mode(rng))
    array, end = rng.choice(((1, 0), (0, 0), (1, -1), (0, -1)))
    call.args[array][end] = 0
    return call


def any_lengths(rng: Draw, lengths: tuple[int, ...]) -> Call:
    """Return a call with any lengths up to 12; for mode "same", with an x of an odd length or no longer w."""
    mode, n, m = any_mode(rng), rng.integer(1, 12), rng.integer(1, 12)
    if mode == "same" and m > n and n % 2 == 0 and 2 not in lengths:
        n += 1
    return whole(rng, n, m, mode)


def anything(rng: Draw, lengths: tuple[int, ...]) -> Call:
    """Return a call in which two things that are each right alone may meet: lengths, modes, dtypes and layouts."""
    call = any_lengths(rng, lengths)
    arrays = tuple(
        laid_out(numbers(rng.fork(), array.shape, rng.choice(options)), rng.choice(LAYOUTS))
        for array, options in zip(call.args, MIXED, strict=False)
    )
    return Call((*arrays, *call.kwargs.values())) if rng.boolean() else Call(arrays, call.kwargs)


def stored(rng: Draw, layout: str) -> Call:
    call = longer_x(rng, rng.integer(2, 3))
    return Call(tuple(laid_out(array, layout) for array in call.args), call.kwargs)


def by_keyword(rng: Draw) -> Call:
    x, w = longer_x(rng, rng.integer(2, 3)).args
    return Call((), {"mode": "valid", "w": w, "x": x})


def by_position(rng: Draw) -> Call:
    x, w = longer_x(rng, rng.integer(2, 3)).args
    return Call((x, w, "valid"))


def longer_w(rng: Draw, mode: str, lengths: tuple[int, ...]) -> Call:
    n = rng.choice(lengths)
    return whole(rng, n, n + rng.integer(1, 3), mode)


ENDS = ((1, 0, -1), (-1, 0, 1), (1, -1), (-1, 1), (2, 1, -1, -2), (1, 2, 3, 1), (3, 1, -2, 3), (1, -2, 2, 1))


def like_ends(rng: Draw) -> Call:
    """Return a call whose kernel finds edges, or begins and ends alike: it is not symmetric for that."""
    w = np.array(rng.choice(ENDS), "float64")
    mode = any_mode(rng) if len(w) == 3 else "valid"
    return Call(
        (integers(rng, (len(w) + rng.integer(1, 4),), dtype="float64") + 0.25 * rng.integer(0, 1), w), given(mode)
    )


def one_weight(rng: Draw) -> Call:
    """Return a call whose w is one number; in half of the calls it is not whole and x is, or the other way round."""
    n, mode = rng.integer(1, 4), any_mode(rng)
    kinds = rng.choice((("whole", "whole"), ("int64", "float64"), ("float64", "int64"), ("whole", "whole")))
    if kinds[0] == "whole":
        return whole(rng, n, 1, mode)
    x = numbers(rng.fork(), (n,), kinds[0])
    return Call((x, numbers(rng.fork(), (1,), kinds[1]) + (0.5 if kinds[1] == "float64" else 7)), given(mode))


def as_long(rng: Draw) -> Call:
    n = rng.choice((3, 5))
    return whole(rng, n, n, any_mode(rng))


def regimes(lengths: tuple[int, ...]) -> tuple[Regime, ...]:
    """Return the regimes; `lengths` are those of x for mode "same" where w is longer."""
    return (
        Regime("the mode is 'valid' and w has an even length", lambda rng: longer_x(rng, rng.choice((2, 4)))),
        Regime("the mode is 'valid' and w has an odd length", lambda rng: longer_x(rng, rng.choice((3, 5)))),
        Regime("the mode is 'full'", lambda rng: longer_x(rng, rng.integer(2, 4), "full"), "modes"),
        Regime(
            "the mode is 'same' and w has an odd length", lambda rng: longer_x(rng, rng.choice((3, 5)), "same"), "modes"
        ),
        Regime(
            "the mode is 'same' and w has an even length",
            lambda rng: longer_x(rng, rng.choice((2, 4)), "same"),
            "modes",
        ),
        Regime(
            "the mode is 'full' or 'same' and x is whole but w is not",
            lambda rng: typed(rng, "int64", "float64", rng.choice(("full", "same"))),
            "modes",
        ),
        Regime(
            "the mode is 'full' or 'same' and x holds bytes (uint8)",
            lambda rng: as_bytes(rng, rng.choice(("full", "same"))),
            "modes",
        ),
        Regime(
            "the mode is 'full' or 'same' and float64 numbers need full precision",
            lambda rng: typed(rng, "float64", "float64", rng.choice(("full", "same"))),
            "modes",
        ),
        Regime("w is longer than x and the mode is 'valid'", lambda rng: longer_w(rng, "valid", (2, 3, 4)), "lengths"),
        Regime("w is longer than x and the mode is 'same'", lambda rng: longer_w(rng, "same", lengths), "lengths", 17),
        Regime("w is longer than x and the mode is 'full'", lambda rng: longer_w(rng, "full", (2, 3, 4)), "lengths"),
        Regime("w is as long as x", as_long, "lengths", 7),
        Regime("w is one number", one_weight, "lengths", 7),
        Regime("w begins and ends alike, or with opposite numbers", like_ends, "lengths", len(ENDS) + 1),
        Regime("x is one number", lambda rng: whole(rng, 1, rng.integer(2, 4), any_mode(rng)), "lengths"),
        Regime(
            "the input is an integer array", lambda rng: typed(rng, rng.choice(("int64", "int32")), "int64"), "types"
        ),
        Regime("both are long", long, "lengths"),
        Regime("the lengths are any up to 12", lambda rng: any_lengths(rng, lengths), "lengths", 25),
        Regime("x or w begins or ends with zero", zeros_at_ends, "lengths", 12),
        Regime("the whole numbers are large", large_whole, "types"),
        Regime("x holds bytes (uint8)", as_bytes, "types"),
        Regime("x is whole and w is not", lambda rng: typed(rng, "int64", "float64"), "types"),
        Regime("w is whole and x is not", lambda rng: typed(rng, "float64", "int64"), "types"),
        Regime("the input is float32", lambda rng: typed(rng, "float32", "float32"), "types"),
        Regime("one of x and w is float64, the other float32", unequal_floats, "types"),
        Regime("float64 numbers need full precision", precise, "types"),
        Regime("the numbers are huge", lambda rng: scaled(rng, 1e20, 1e10), "types"),
        Regime("the numbers are tiny", lambda rng: scaled(rng, 1e-15, 1e-25), "types"),
        Regime("the arrays have negative strides", lambda rng: stored(rng, "reversed"), "arguments"),
        Regime("the arrays are not contiguous", lambda rng: stored(rng, "gapped"), "arguments"),
        Regime("the arrays are read-only", lambda rng: stored(rng, "readonly"), "arguments"),
        Regime("all arguments are given by keyword", by_keyword, "arguments"),
        Regime("all arguments are given by position", by_position, "arguments"),
        Regime("lengths, modes, types and layouts are mixed", lambda rng: anything(rng, lengths), "together", 17),
    )


HINTS = {
    twins.valid_whatever_mode: "The mode is not used: the result is always the one of 'valid'.",
    twins.full_whatever_mode: "The mode is not used: the result is always the one of 'full'.",
    twins.same_starts_late: (
        "Where the shorter length is even, 'same' starts one entry too late: it starts at entry "
        "(min(n, m) - 1) // 2 of 'full'."
    ),
    twins.same_from_start: "'same' is the middle of 'full', not its beginning: cut as much off both ends.",
    twins.same_from_end: "'same' is the middle of 'full', not its end: cut as much off both ends.",
    twins.same_padded_alike: (
        "Where the shorter length is even, 'same' is one entry too long: it has max(n, m) entries, so the zeros "
        "at the two ends cannot be as many."
    ),
    twins.same_length_of_x: "'same' has the length of x even where w is longer: it is max(n, m), as in numpy.convolve.",
    twins.full_without_plus_one: "'full' lacks its last entry: there are n + m - 1.",
    twins.full_one_zero_too_many: "'full' has one entry too many: where x ends and w begins they share one position.",
    twins.valid_without_plus_one: "'valid' lacks its last entry: there are max(n, m) - min(n, m) + 1.",
    twins.valid_needs_longer_x: (
        "'valid' is empty where w is longer than x: then x moves along w, in m - n + 1 positions, as in numpy.convolve."
    ),
    twins.negative_indices: (
        "Before the start of x its last numbers are taken: a negative index counts from the end. Outside it is zero."
    ),
    twins.edges_repeated: "Beyond its ends x is continued with its outermost numbers; it is zero there.",
    twins.stepped_by_kernel: "The kernel moves by its own length; it moves by one number at a time.",
    twins.averaged: "The products are averaged; they are added.",
    twins.truncated_to_input: (
        "The result has the dtype of x, so decimals are cut off: create it with a dtype that holds the products."
    ),
    twins.single_precision: "float64 numbers are computed in float32: half the digits are lost.",
}
FLIP_HINT = (
    "This is the cross-correlation: the true convolution flips the kernel, so that w[0] meets the last number of "
    "the window."
)
NO_FLIP_HINT = (
    "This is the true convolution: the cross-correlation does not flip the kernel, so w[0] meets the first number of "
    "the window."
)
ORDER_HINTS = {
    "conv1d": "The result is the wrong way round: turn w round, not x.",
    "cross_correlate1d": "The result is the wrong way round: that is the cross-correlation of w with x, in that order.",
}


def window(function: Callable[..., Any], turn: bool, call: Call, at: tuple[int, ...]) -> Window | None:
    """Return x with the zeros it counts as having, the window that makes y[i], and the weights over it."""
    bound = inspect.signature(function).bind(*call.args, **call.kwargs)
    bound.apply_defaults()
    x, w, mode = bound.args
    y = function(x, w, mode)
    if len(at) != 1 or not 0 <= at[0] < len(y):
        return None
    n, m = len(x), len(w)
    zeros = 0 if mode == "valid" and m <= n else m - 1
    first = {"full": 0, "same": (min(n, m) - 1) // 2, "valid": min(n, m) - 1}[mode]
    start = first + at[0] - (m - 1 - zeros)
    row = (*[0] * zeros, *x.tolist(), *[0] * zeros)
    weights = w[::-1] if turn else w
    label = "x, and w turned round over it" if turn else "x, and w over it"
    pane = Pane(label, (row,), (0, 1), (start, start + m), (0, zeros), (tuple(weights.tolist()),))
    return Window((pane,), sum_sentence((pane,), at, None, y[at]))


def contract(function: Callable[..., Any], doc: str, wrong: tuple[Twin, ...], lengths: tuple[int, ...]) -> Contract:
    return Contract(
        name=function.__name__,
        signature='(x, w, mode="valid")',
        doc=doc,
        reference=function,
        regimes=regimes(lengths),
        check=Close(partial(magnitude, function), terms=terms),
        twins=wrong,
        groups={"basics": 4, "modes": 3, "lengths": 2, "types": 1, "arguments": 1, "together": 1},
        window=partial(window, function, function is conv1d),
    )


def named(function: Callable[..., Any]) -> str:
    return function.__name__.replace("_", "-")


CONV1D = contract(
    conv1d,
    CONVOLUTION_DOC,
    (
        Twin("not-flipped", twins.not_flipped, FLIP_HINT),
        Twin("wrong-way-round", twins.both_flipped, ORDER_HINTS["conv1d"]),
        *(Twin(named(twin), twin, hint) for twin, hint in HINTS.items()),
    ),
    (2, 3, 4),
)
CROSS_CORRELATE1D = contract(
    cross_correlate1d,
    CORRELATION_DOC,
    (
        Twin("flipped", twins.turned(twins.not_flipped), NO_FLIP_HINT),
        Twin("wrong-way-round", twins.turned(twins.both_flipped), ORDER_HINTS["cross_correlate1d"]),
        *(Twin(named(twin), twins.turned(twin), hint) for twin, hint in HINTS.items()),
    ),
    (3, 1, 5),
)
CONTRACTS = (CONV1D, CROSS_CORRELATE1D)
