"""The contract of output_size: the size of an output along one axis, for every valid combination."""

from __future__ import annotations

from grader.authoring import Call, Contract, Draw, Exact, Regime, Twin
from solutions import shapes
from solutions.alternatives import output_size as alternatives
from solutions.twins import output_size as twins

DOC = """Return how many positions a kernel takes along one axis of an input, as an int.

input_size:  pixels of the input along the axis, at least 1
kernel_size: pixels of the kernel, at least 1
stride:      step from one position to the next, at least 1
padding:     zeros added at each of the two ends, at least 0
dilation:    step from one kernel pixel to the next, at least 1

All are whole numbers (int, or NumPy's integers), and the dilated kernel fits into the padded input: you need
not check that. They may be large: an input of two million pixels, a dilation or padding of hundreds. A
position counts only where the whole kernel lies in the padded input, so round down.

Example: output_size(227, 11, stride=4) is 55."""

BASICS, PADDING, STRIDE, DILATION, TOGETHER, CALLING = (
    "kernel and input",
    "padding",
    "stride",
    "dilation",
    "together",
    "ways to call",
)


def given(input_size: int, kernel_size: int, **others: int) -> Call:
    """Return a call with the first two by position and the others by keyword."""
    return Call((input_size, kernel_size), others)


def from_room(rng: Draw, room: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Call:
    """Return a call whose kernel can move by `room` pixels, or by a few more where that leaves no input.

    A padding or dilation of its default is left out in half of the calls; leaving the stride out is a regime of
    its own, since a wrong default for it is one mistake and must not cost the marks for all the others.
    """
    size = room + dilation * (kernel - 1) + 1 - 2 * padding
    if size < 1:
        size += -(-(1 - size) // stride) * stride  # keeps the remainder
    others = {"padding": padding} if padding or rng.boolean() else {}
    if dilation > 1 or rng.boolean():
        others["dilation"] = dilation
    return given(size, kernel, stride=stride, **others)


def plain(rng: Draw) -> Call:
    return from_room(rng, rng.integer(0, 24), rng.integer(1, 9))


def one_pixel(rng: Draw) -> Call:
    return from_room(rng, rng.integer(0, 59), 1)


def whole_input(rng: Draw) -> Call:
    return from_room(rng, 0, rng.integer(1, 60))


def defaults(rng: Draw) -> Call:
    kernel = rng.integer(1, 9)
    return given(kernel + rng.integer(0, 24), kernel)


def padded(rng: Draw) -> Call:
    kernel = rng.integer(2, 9)
    return from_room(rng, rng.integer(0, 30), kernel, padding=rng.integer(1, max(1, kernel // 2)))


def padded_much(rng: Draw) -> Call:
    kernel = rng.integer(1, 7)
    return from_room(rng, rng.integer(0, 30), kernel, padding=rng.integer(kernel // 2 + 1, kernel + 3))


def filled(rng: Draw) -> Call:
    """The kernel is as large as the padded input: one position, whatever the stride."""
    padding = rng.integer(1, 6)
    size = rng.integer(1, 20)
    return given(size, size + 2 * padding, padding=padding, stride=rng.integer(1, 4))


def dividing(rng: Draw) -> Call:
    stride = rng.integer(2, 6)
    return from_room(rng, stride * rng.integer(0, 12), rng.integer(stride, stride + 5), stride)


RECIPROCALS = (49, 41, 61, 98, 103, 107, 82, 109)  # of these, n times 1 / n is less than 1, in 64 or 32 bits


def dividing_far(rng: Draw) -> Call:
    """The stride divides, but the room times its reciprocal is less than a whole number: such a product is cut off."""
    stride = rng.choice(RECIPROCALS)
    return from_room(rng, stride * rng.choice((1, 2, 4)), rng.integer(1, 7), stride, rng.integer(0, 3))


def not_dividing(rng: Draw) -> Call:
    stride = rng.integer(2, 6)
    room = stride * rng.integer(0, 12) + rng.integer(1, stride - 1)
    return from_room(rng, room, rng.integer(stride, stride + 5), stride)


def striding_over(rng: Draw) -> Call:
    """The stride exceeds the kernel, so that pixels between two windows are never seen."""
    kernel = rng.integer(1, 5)
    return from_room(rng, rng.integer(0, 40), kernel, kernel + rng.integer(1, 5))


def overshooting(rng: Draw) -> Call:
    """The stride exceeds the room: one position."""
    stride = rng.integer(3, 12)
    return from_room(rng, rng.integer(0, stride - 1), rng.integer(1, 9), stride)


def dilated(rng: Draw) -> Call:
    return from_room(rng, rng.integer(0, 25), rng.integer(2, 6), dilation=rng.integer(2, 24))


def dilated_point(rng: Draw) -> Call:
    return from_room(rng, rng.integer(0, 30), 1, dilation=rng.integer(2, 24))


def stride_and_padding(rng: Draw) -> Call:
    stride, kernel = rng.integer(2, 5), rng.integer(2, 7)
    return from_room(rng, rng.integer(stride, 40), kernel, stride, rng.integer(1, kernel))


def halves(rng: Draw) -> Call:
    """Stride 2 with a remainder of 1: the half at which rounding to nearest goes either way."""
    kernel = rng.integer(2, 7)
    return from_room(rng, 2 * rng.integer(1, 20) + 1, kernel, 2, rng.integer(0, 3))


def everything(rng: Draw) -> Call:
    stride, kernel, dilation = rng.integer(2, 12), rng.integer(2, 5), rng.integer(2, 24)
    return from_room(rng, rng.integer(stride, 60), kernel, stride, rng.integer(1, 5), dilation)


def large(rng: Draw) -> Call:
    stride, kernel, padding = rng.integer(2, 40), rng.integer(3, 999), rng.integer(0, 400)
    return from_room(rng, rng.integer(500, 90_000), kernel, stride, padding, rng.integer(1, 5))


def huge(rng: Draw) -> Call:
    """An axis of a million pixels, as of a recording; the stride is large, so that counting one by one ends soon.

    One pixel more would mostly make one position more: what is rounded before it is cut shows there.
    """
    stride = rng.integer(300, 999)
    room = (2**20 + rng.integer(0, 10**6)) // stride * stride + rng.choice((stride // 2, stride - 1, stride - 1))
    return from_room(rng, room, rng.integer(1, 99), stride, rng.integer(0, 99), rng.integer(1, 24))


def padded_a_lot(rng: Draw) -> Call:
    """The padding is more than any kernel here asks for; the input may be small."""
    stride, kernel, padding = rng.integer(1, 9), rng.integer(1, 7), rng.integer(40, 400)
    return from_room(rng, 2 * padding + rng.integer(0, 60), kernel, stride, padding)


def dilated_a_lot(rng: Draw) -> Call:
    return from_room(rng, rng.integer(0, 60), rng.integer(2, 9), rng.integer(1, 12), dilation=rng.integer(25, 400))


def simple_values(rng: Draw) -> dict[str, int]:
    """Return all five arguments, such that only the way to call is hard: no padding, the stride divides."""
    stride, kernel = rng.integer(2, 4), rng.integer(2, 5)
    size = kernel + stride * rng.integer(1, 9)
    return {"input_size": size, "kernel_size": kernel, "stride": stride, "padding": 0, "dilation": 1}


def by_keyword(rng: Draw) -> Call:
    values = simple_values(rng)
    return Call((), {name: values[name] for name in rng.shuffled(list(values))})


def by_position(rng: Draw) -> Call:
    return Call(tuple(simple_values(rng).values())[: rng.integer(3, 5)])


def all_by_position(rng: Draw) -> Call:
    """All five are needed, and no two of the last three are alike."""
    stride, padding, dilation = rng.sample(range(2, 8), 3)
    call = from_room(rng, rng.integer(stride, 60) + 2 * padding, rng.integer(2, 5), stride, padding, dilation)
    return Call((*call.args, stride, padding, dilation))


def as_numpy(rng: Draw) -> Call:
    import numpy as np

    kind = rng.choice((np.int64, np.int32))
    size, kernel, stride, *_ = (kind(value) for value in simple_values(rng).values())
    return Call((size, kernel), {"stride": stride})


OUTPUT_SIZE = Contract(
    name="output_size",
    signature="(input_size, kernel_size, stride=1, padding=0, dilation=1)",
    doc=DOC,
    reference=shapes.output_size,
    check=Exact(),
    alternatives=(alternatives.walks, alternatives.lists_starts, alternatives.floors_a_float),
    groups={BASICS: 2, PADDING: 2, STRIDE: 2, DILATION: 1, TOGETHER: 2, CALLING: 1},
    regimes=(
        Regime("the kernel just slides, pixel by pixel", plain, BASICS, 70),
        Regime("the kernel is a single pixel", one_pixel, BASICS, 21),
        Regime("the kernel is as large as the input", whole_input, BASICS, 21),
        Regime("there is padding", padded, PADDING, 84),
        Regime("the padding exceeds half the kernel", padded_much, PADDING, 84),
        Regime("the kernel is as large as the padded input", filled, PADDING, 56),
        Regime("the stride divides", dividing, STRIDE, 70),
        Regime("the stride is large and divides", dividing_far, STRIDE, len(RECIPROCALS) + 1),
        Regime("the stride does not divide", not_dividing, STRIDE, 98),
        Regime("the stride is larger than the kernel", striding_over, STRIDE, 84),
        Regime("the stride is larger than what is left to move", overshooting, STRIDE, 70),
        Regime("the kernel is dilated", dilated, DILATION, 84),
        Regime("a kernel of one pixel is dilated", dilated_point, DILATION, 42),
        Regime("a stride and padding come together", stride_and_padding, TOGETHER, 112),
        Regime("the division leaves exactly a half", halves, TOGETHER, 56),
        Regime("stride, padding and dilation come together", everything, TOGETHER, 112),
        Regime("the sizes are large", large, TOGETHER, 42),
        Regime("the input has a million pixels and more", huge, TOGETHER),
        Regime("the padding is more than 40 pixels", padded_a_lot, TOGETHER, 14),
        Regime("the dilation is more than 24 pixels", dilated_a_lot, TOGETHER, 14),
        Regime("only the input and the kernel are given", defaults, CALLING, 28),
        Regime("all arguments are passed by keyword", by_keyword, CALLING, 28),
        Regime("the arguments are passed by position", by_position, CALLING, 28),
        Regime("all five arguments are passed by position, each of its own", all_by_position, TOGETHER, 28),
        Regime("the arguments are NumPy integers", as_numpy, CALLING, 14),
    ),
    twins=(
        Twin("rounds-up", twins.rounds_up, "A window that hangs over the edge does not count: round down."),
        Twin(
            "rounds-to-nearest",
            twins.rounds_to_nearest,
            "round() goes up from more than a half; the last position must fit whole, so divide with //.",
        ),
        Twin("padding-once", twins.pads_one_side, "The padding is added at both ends, so 2p."),
        Twin("padding-ignored", twins.ignores_padding, "The kernel moves over the padded input, of i + 2p pixels."),
        Twin("no-plus-one", twins.counts_steps, "Positions are one more than the steps between them: + 1 at the end."),
        Twin("plus-one-inside", twins.adds_one_inside, "Add 1 after dividing: the first position needs no step."),
        Twin(
            "range-stops-early",
            twins.stops_before_last,
            "range(0, room, s) leaves out the last position when the stride divides: use room + 1.",
        ),
        Twin(
            "dilation-times-kernel",
            twins.dilates_every_pixel,
            "Between k pixels lie k - 1 gaps: a dilated kernel spans d(k-1) + 1, not dk.",
        ),
        Twin("dilation-ignored", twins.ignores_dilation, "A dilated kernel spans 1 + d(k-1) pixels, not k."),
        Twin("stride-ignored", twins.ignores_stride, "The kernel moves s pixels at a time: divide the room by s."),
        Twin(
            "input-over-stride",
            twins.divides_input_by_stride,
            "i // s is right only for one choice of padding: the kernel's size and the padding matter too.",
        ),
        Twin(
            "input-over-stride-up",
            twins.divides_input_by_stride_rounding_up,
            'i / s rounded up is what TensorFlow calls "SAME"; here the padding is given, so use it.',
        ),
        Twin(
            "padding-after-division",
            twins.pads_after_dividing,
            "The padding is part of the input that the stride steps over: add 2p before dividing.",
        ),
        Twin("padding-subtracted", twins.subtracts_padding, "Padding makes the input larger: + 2p, not - 2p."),
        Twin("kernel-halved", twins.halves_kernel, "The kernel takes k - 1 positions away: half of them at each end."),
        Twin(
            "remainder-refused",
            twins.refuses_remainder,
            "A stride that does not divide is fine: the pixels that are left over are simply not visited.",
        ),
        Twin("returns-float", twins.returns_float, "A size is a whole number: divide with //, not with /."),
        Twin(
            "stride-defaults-to-kernel",
            twins.defaults_stride_to_kernel,
            "Here the stride is 1 where none is given; only pooling steps by its kernel.",
        ),
        Twin(
            "arguments-swapped",
            twins.swaps_stride_and_padding,
            "The third argument is the stride and the fourth the padding: keep the order of the stub.",
        ),
    ),
)

CONTRACTS = (OUTPUT_SIZE,)
