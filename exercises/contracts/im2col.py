"""What is promised about im2col: its regimes, its wrong twins, and the picture of one entry."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from exercises.contracts._conv2d import (
    any_moves,
    case,
    given,
    large_map,
    many,
    numbers,
    numpy_moves,
    remainder,
    unequal,
)
from grader.authoring import (
    LAYOUTS,
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
from solutions.convolution import im2col
from solutions.twins import im2col as twins
from solutions.windows import pad, pair

DOC = """\
Return the windows of every image as the columns of a matrix, as torch.nn.functional.unfold does.

Column l is window l, counted in reading order: along a row of windows first, then down. In a column stand
the numbers of the window: channel by channel, in each channel row by row. So with xp, which is x with zeros
around it, and OW windows in a row,

y[n, (c*KH + u)*KW + v, i*OW + j] = xp[n, c, i*sh + u, j*sw + v]

x: (N, C, H, W), a NumPy array of whole or floating numbers; N may be 0. Leave it unchanged.
kernel_size: an int (also NumPy's), or a pair (KH, KW) as a tuple or list; not larger than the padded image.
stride: an int (also NumPy's), or a pair (sh, sw) as a tuple or list; at least 1.
padding: an int (also NumPy's), or a pair (ph, pw) as a tuple or list; at least 0.

Returns y: (N, C*KH*KW, L) with L = OH*OW, OH = floor((H + 2*ph - KH) / sh) + 1, and OW likewise.
The numbers (infinities as well) are copied, not changed: floating numbers keep at least the precision of x.
"""


def call_with(x: Any, kernel: tuple[int, int], moves: tuple[Any, Any]) -> Call:
    """Return a call; a square kernel is given as one number."""
    size = kernel[0] if kernel[0] == kernel[1] else kernel
    return Call((x, size), given(*moves))


def counted(rng: Draw, **sizes: Any) -> Call:
    """Return a call with whole numbers in float64, none of them zero; the options are those of `case`."""
    x, w, moves = case(rng, f=1, **sizes)
    numbers = integers(rng, x, 1, 99, "float64")
    return call_with(numbers, (w[2], w[3]), moves)


def typed(rng: Draw, dtype: str) -> Call:
    x, w, moves = case(rng, f=1, kernel=(2, 3), padding=rng.integer(0, 1))
    numbers = reals(rng, x, dtype) if dtype.startswith("float") else integers(rng, x, 1, 99, dtype)
    return call_with(numbers, (w[2], w[3]), moves)


def not_dividing(rng: Draw) -> Call:
    stride = (rng.integer(2, 3), rng.integer(2, 3))
    return counted(rng, stride=stride[0] if stride[0] == stride[1] else stride, spare=remainder(rng, stride))


def beyond_kernel(rng: Draw) -> Call:
    return counted(rng, kernel=(rng.integer(1, 2), rng.integer(1, 2)), stride=rng.integer(3, 4), outputs=(2, 2))


def all_unequal(rng: Draw) -> Call:
    stride, padding = unequal(rng, 1, 2, 3), unequal(rng, 0, 1, 2)
    return counted(rng, kernel=(3, 2), stride=stride, padding=padding, spare=remainder(rng, stride), outputs=(3, 3))


def wide_padding(rng: Draw) -> Call:
    return counted(rng, kernel=(2, 2), padding=rng.choice((2, (2, 3), 4, (5, 3))), outputs=(5, 6))


def full_kernel(rng: Draw) -> Call:
    kernel = (rng.integer(2, 4), rng.integer(2, 4))
    return counted(rng, kernel=kernel, outputs=(1, 1), stride=rng.integer(1, 2))


def empty(rng: Draw) -> Call:
    call = counted(rng, n=1, kernel=(3, 3), stride=rng.integer(1, 2), padding=rng.integer(0, 1))
    return Call((call.args[0][:0], *call.args[1:]), call.kwargs)


def stored(rng: Draw, layout: str) -> Call:
    call = counted(rng, kernel=rng.choice(((2, 3), (1, 1), (1, 1))))
    return Call((laid_out(call.args[0], layout), *call.args[1:]), call.kwargs)


def by_keyword(rng: Draw) -> Call:
    x, w, _ = case(rng, f=1, kernel=(3, 3), stride=2, padding=1)
    return Call((), {"padding": 1, "stride": 2, "kernel_size": w[2], "x": integers(rng, x, 1, 99, "float64")})


def by_position(rng: Draw) -> Call:
    x, w, _ = case(rng, f=1, kernel=(3, 3), stride=2, padding=1)
    return Call((integers(rng, x, 1, 99, "float64"), w[2], 2, 1))


def as_lists(rng: Draw) -> Call:
    kernel = rng.choice(((3, 2), (2, 2)))
    x, w, (stride, padding) = case(rng, f=1, kernel=kernel, stride=unequal(rng, 1, 2), padding=unequal(rng, 0, 1))
    pairs = {"stride": list(stride), "padding": list(padding)}
    return Call((integers(rng, x, 1, 99, "float64"), [w[2], w[3]]), pairs)


def anything(rng: Draw) -> Call:
    """Return a call in which two things that are each right alone may meet: sizes, dtypes, layouts, infinities."""
    x, w, moves = case(rng, **any_moves(rng))
    dtype = rng.choice(("float64", "float32", "int64", "int32", "uint8", "int8"))
    array = numbers(rng, x, dtype)
    if dtype.startswith("float") and rng.boolean():
        array[..., [0, -1], [0, -1]] = np.inf, -np.inf  # at corners, where a border is next
    return call_with(laid_out(array, rng.choice(LAYOUTS)), (w[2], w[3]), moves)


def larger(rng: Draw) -> Call:
    """Return a call with more of everything than elsewhere: images, channels, window and positions."""
    kernel, outputs = rng.choice(((2, 2), (2, 5), (5, 2))), rng.choice(((2, 2), (4, 9), (9, 4)))
    sizes = {"n": many(rng, 5, 4), "c": many(rng, 5, 4), "padding": rng.integer(0, 1)}
    return counted(rng, kernel=kernel, outputs=outputs, **sizes)


def large_kernel(rng: Draw) -> Call:
    kernel = rng.choice(((5, 5), (7, 7), (11, 1), (5, 5), (8, 11), (1, 11)))
    return counted(rng, n=1, c=1, kernel=kernel, padding=rng.integer(0, 1), outputs=(2, 2))


def large_stride(rng: Draw) -> Call:
    return counted(rng, n=1, c=1, stride=rng.integer(5, 7), padding=rng.integer(0, 1), outputs=(2, 3))


def square_image(rng: Draw) -> Call:
    """Return a call with a square image, and kernel, stride and padding of which some are unequal pairs."""
    side = rng.integer(6, 8)
    kernel, stride, padding = unequal(rng, 2, 3), rng.choice((unequal(rng, 1, 2, 3), 2)), unequal(rng, 0, 1, 2)
    return Call((integers(rng, (1, 1, side, side), 1, 99, "float64"), kernel), given(stride, padding))


def infinite(rng: Draw) -> Call:
    """Return a call with infinity and minus infinity among the numbers."""
    call = counted(rng, kernel=(2, 2), stride=rng.integer(1, 2))
    x = call.args[0]
    x[0, 0, 0, rng.integer(0, 1)] = np.inf
    x[0, 0, 1, rng.integer(0, 1)] = -np.inf
    return call


def all_scales(rng: Draw) -> Call:
    """Return a call with float64 numbers of all magnitudes: they are copied, so none is lost beside another."""
    call = typed(rng, "float64")
    x = call.args[0] * 10.0 ** integers(rng, call.args[0].shape, -30, 30)
    return Call((x, *call.args[1:]), call.kwargs)


def crowded(rng: Draw) -> Call:
    """Return a call with many images and channels; a counterexample can shrink to many of one of them."""
    n, c = many(rng, 4, 5, 6), many(rng, 4, 5, 6)
    return counted(rng, n=4 if n == c == 1 else n, c=c, kernel=(2, 2))


def with_numpy_ints(rng: Draw) -> Call:
    stride, padding = rng.choice((2, (2, 1))), rng.choice((1, (0, 1)))
    call = numpy_moves(rng, counted(rng, kernel=(3, 3), stride=stride, padding=padding))
    return Call((call.args[0], np.int64(call.args[1])), call.kwargs)


def large_whole(rng: Draw) -> Call:
    x, w, moves = case(rng, f=1)
    return call_with(integers(rng, x, -(2**40), 2**45), (w[2], w[3]), moves)


REGIMES = (
    Regime("there is one image with one channel", lambda rng: counted(rng, n=1, c=1, kernel=(2, 2))),
    Regime("there are several channels", lambda rng: counted(rng, n=1, c=rng.integer(2, 3), kernel=(2, 2))),
    Regime("there are several images", lambda rng: counted(rng, n=rng.integer(2, 3), kernel=(2, 2))),
    Regime("the stride divides", lambda rng: counted(rng, stride=rng.integer(2, 3)), "stride"),
    Regime("the stride does not divide", not_dividing, "stride"),
    Regime("the strides are unequal", lambda rng: counted(rng, stride=unequal(rng, 1, 2, 3)), "stride"),
    Regime("the stride is larger than the kernel", beyond_kernel, "stride"),
    Regime("there is padding", lambda rng: counted(rng, kernel=(3, 3), padding=1), "padding"),
    Regime("the paddings are unequal", lambda rng: counted(rng, padding=unequal(rng, 0, 1, 2)), "padding"),
    Regime("stride and padding are unequal pairs", all_unequal, "padding"),
    Regime("the padding is as wide as the kernel or wider", wide_padding, "padding"),
    Regime("the kernel is not square", lambda rng: counted(rng, kernel=unequal(rng, 1, 2, 3)), "shapes"),
    Regime("the image is not square", lambda rng: counted(rng, kernel=(2, 2), outputs=unequal(rng, 2, 3, 4)), "shapes"),
    Regime("the kernel is one pixel", lambda rng: counted(rng, kernel=(1, 1), stride=rng.integer(1, 2)), "shapes"),
    Regime("the kernel is as large as the image", full_kernel, "shapes"),
    Regime("the batch is empty", empty, "shapes"),
    Regime("images, channels, window and map are large at once", larger, "together"),
    Regime("there are four images or four channels, or more", crowded, "large"),
    Regime("the kernel is large", large_kernel, "large", 8),
    Regime("the stride is 5 or more", large_stride, "large"),
    Regime("there are 17 windows in a row or a column or more", lambda r: counted(r, outputs=large_map(r)), "large"),
    Regime("the image is square, and kernel and padding are unequal pairs", square_image, "shapes", 7),
    Regime("some numbers are infinite", infinite, "types"),
    Regime("the sizes are NumPy's integers", with_numpy_ints, "arguments"),
    Regime("the whole numbers are large", large_whole, "types"),
    Regime("x is an integer array", lambda rng: typed(rng, rng.choice(("int64", "int32"))), "types"),
    Regime("x is of bytes (uint8)", lambda rng: typed(rng, "uint8"), "types"),
    Regime("x is float32", lambda rng: typed(rng, "float32"), "types"),
    Regime("x is float64 with all its digits, large and small", all_scales, "types"),
    Regime("x is Fortran-ordered", lambda rng: stored(rng, "F"), "arguments"),
    Regime("x has negative strides", lambda rng: stored(rng, "reversed"), "arguments"),
    Regime("x is not contiguous", lambda rng: stored(rng, "gapped"), "arguments"),
    Regime("x is read-only", lambda rng: stored(rng, "readonly"), "arguments"),
    Regime("all arguments are given by keyword", by_keyword, "arguments"),
    Regime("all arguments are given by position", by_position, "arguments"),
    Regime("the pairs are lists", as_lists, "arguments"),
    Regime("sizes, types and layouts are mixed", anything, "together", 25),
)

HINTS = {
    twins.channels_last: (
        "The numbers of a column go through the channels first: it is channel by channel, each row by row."
    ),
    twins.columns_before_rows: "Each window is read down its columns: read it row by row.",
    twins.windows_down_columns: (
        "The windows are counted down first: column l is window i*OW + j, along a row of windows first."
    ),
    twins.window_turned: "Each window is turned by 180 degrees: its first pixel comes first, nothing is flipped.",
    twins.windows_as_rows: "A window is a column, not a row: exchange the last two axes.",
    twins.reshaped_not_transposed: (
        "The shape is right but the windows lie in rows: reshape does not exchange axes; transpose first."
    ),
    twins.one_matrix_for_all_images: "All images are in one matrix: the result keeps the images apart, (N, …, L).",
    twins.channels_as_images: "The channels of a window belong into one column, below one another: C*KH*KW numbers.",
    twins.first_channel_only: "Only channel 0 is taken: a column holds the windows of all channels.",
    twins.first_image_for_all: "All images give the first one's matrix: let the first index run over x.shape[0].",
    twins.kernel_swapped: "The pair is (height, width): KH = kernel_size[0].",
    twins.stride_ignored: "The stride is not used: the window moves by sh rows and sw columns.",
    twins.stride_not_in_offset: (
        "There are as many windows as there should be, but they move by one pixel: window (i, j) starts at i*sh, j*sw."
    ),
    twins.stride_swapped: "The pair is (vertical, horizontal): rows move by stride[0].",
    twins.stride_of_kernel: "The window moves by its own size, as in pooling; here the stride is 1 unless it is given.",
    twins.padding_ignored: "The padding is not used: put the zeros around x first.",
    twins.padding_at_start: "All the padding stands above and to the left: half of it belongs below and to the right.",
    twins.padding_swapped: "The pair is (rows, columns): above and below there are padding[0].",
    twins.padding_repeats_edge: "The padding repeats the outermost pixels; it is zero.",
    twins.last_stride_dropped: (
        "The last window is missing wherever the stride divides: there are floor(room / stride) + 1 positions."
    ),
    twins.rounded_up: (
        "There is one window too many where the stride does not divide: the size is rounded down, not up."
    ),
    twins.single_precision: "float64 numbers are copied into float32: half the digits are lost.",
}
TWINS = tuple(Twin(twin.__name__.replace("_", "-"), twin, hint) for twin, hint in HINTS.items())


def window(call: Call, at: tuple[int, ...]) -> Window | None:
    """Return the padded plane and the window in which the number of y[n, row, l] stands."""
    bound = inspect.signature(im2col).bind(*call.args, **call.kwargs)
    bound.apply_defaults()
    x, kernel_size, stride, padding = bound.args
    (kh, kw), (sh, sw), edges = pair(kernel_size, "kernel_size"), pair(stride, "stride"), pair(padding, "padding", 0)
    y = im2col(x, kernel_size, stride, padding)
    if len(at) != y.ndim or any(not 0 <= index < size for index, size in zip(at, y.shape, strict=True)):
        return None
    n, row, place = at
    (c, u, v), columns = np.unravel_index(row, (x.shape[1], kh, kw)), (x.shape[3] + 2 * edges[1] - kw) // sw + 1
    top, left = place // columns * sh, place % columns * sw
    plane = pad(x[n : n + 1], edges)[0, c].tolist()
    pane = Pane(f"image {n}, channel {c}", tuple(map(tuple, plane)), (top, top + kh), (left, left + kw), edges)
    return Window(
        (pane,),
        f"y[{n}, {row}, {place}] is row {u}, column {v} of window {place} in channel {c} (all counted from 0): "
        f"{y[at]:.6g}",
    )


IM2COL = Contract(
    name="im2col",
    signature="(x, kernel_size, stride=1, padding=0)",
    doc=DOC,
    reference=im2col,
    regimes=REGIMES,
    check=Close(),
    twins=TWINS,
    groups={"basics": 4, "stride": 2, "padding": 2, "shapes": 1, "large": 1, "together": 1, "types": 1, "arguments": 1},
    window=window,
)
CONTRACTS = (IM2COL,)
