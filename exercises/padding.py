"""How much padding a convolution needs, and what a padding does to the size of its output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from exercises import _steps
from exercises.contracts.output_size import OUTPUT_SIZE
from grader.authoring import (
    Carry,
    Choice,
    Draw,
    Exercise,
    FunctionPart,
    Integer,
    Level,
    Misconception,
    Part,
    Shape,
    count,
)
from solutions import shapes

Pair = tuple[int, int]


@dataclass(frozen=True)
class Params:
    """All in pixels, (height, width): the image, the kernel, the padding that is given; one stride for both axes."""

    image: Pair
    kernel: Pair
    stride: int
    padding: Pair
    stack: Pair  # another image, for layers in a row
    stack_kernel: int
    dilation: int = 1

    @property
    def spans(self) -> Pair:
        """How far the dilated kernel reaches."""
        return shapes.span(self.kernel[0], self.dilation), shapes.span(self.kernel[1], self.dilation)

    @property
    def same(self) -> Pair:
        return (self.spans[0] - 1) // 2, (self.spans[1] - 1) // 2

    def stands(self, padding: int) -> dict[str, range]:
        """The pixels that the kernel looks at along the padded width, at its first and last position."""
        length, span = self.image[1] + 2 * padding, self.spans[1]
        return {"first": range(0, span, self.dilation), "last": range(length - span, length, self.dilation)}

    @property
    def is_square(self) -> bool:
        return self.kernel[0] == self.kernel[1]


def draw(rng: Draw, level: Level) -> Params:
    """Draw a kernel of odd sides and an image of which the stride divides exactly one side.

    So "size over stride" is right along one side and wrong along the other, and passes neither for the right
    answer nor for another mistake; nor does a forgotten padding, since the stride is at most that padding.
    """
    if level is Level.INTRO:
        side = rng.choice((5, 7, 9, 11))
        kernel, dilation, low, high = (side, side), 1, 14, 64
    elif level is Level.STANDARD:
        height, width = rng.sample((3, 5, 7, 9), 2)
        kernel, dilation, low, high = (height, width), 1, 20, 80
    else:
        height, width = rng.sample((3, 5, 7), 2)
        kernel, dilation, low, high = (height, width), rng.integer(2, 3), 40, 99
    reach = (dilation * (kernel[0] - 1), dilation * (kernel[1] - 1))
    stride = rng.integer(2, min(5, max(reach) // 2))
    divided = stride * rng.integer(-(-low // stride), high // stride)
    other = rng.integer(low, high - 1)
    other += other % stride == 0
    image = (divided, other) if rng.boolean() else (other, divided)
    top = rng.integer(2, reach[0])
    padding = (top, top if level is Level.INTRO else rng.integer(1, reach[1]))
    return Params(image, kernel, stride, padding, *draw_stack(rng, level), dilation)


def draw_stack(rng: Draw, level: Level) -> tuple[Pair, int]:
    """Draw an image and a small kernel of which so many layers fit that every wrong count is another number."""
    kernel = {Level.INTRO: 3, Level.STANDARD: rng.integer(3, 4), Level.CHALLENGE: rng.integer(4, 5)}[level]
    lost = kernel - 1
    fit = rng.integer(2 * kernel + 2, 2 * kernel + 8)
    shorter = fit * lost + 1 + rng.integer(0, lost - 1)
    longer = shorter + 2 * lost + rng.integer(0, 12)
    return ((shorter, longer) if rng.boolean() else (longer, shorter)), kernel


def per_axis(function: Callable[[int, int], int]) -> Callable[[Params], Pair]:
    """Return a solver that applies a formula of (size, span) to both axes."""
    return lambda p: (function(p.image[0], p.spans[0]), function(p.image[1], p.spans[1]))


def undilated(function: Callable[[int, int], int]) -> Callable[[Params], Pair | None]:
    """Return the solver of someone who takes a dilated kernel for a plain one; None where it is plain."""

    def solve(p: Params) -> Pair | None:
        if p.dilation == 1:
            return None
        return function(p.image[0], p.kernel[0]), function(p.image[1], p.kernel[1])

    return solve


def crossed(function: Callable[[int, int], int]) -> Callable[[Params], Pair | None]:
    """Return the solver of someone who lays the kernel on its side; None for a square one."""

    def solve(p: Params) -> Pair | None:
        return None if p.is_square else (function(p.image[0], p.spans[1]), function(p.image[1], p.spans[0]))

    return solve


def dilation_ignored(function: Callable[[int, int], int]) -> Misconception[Params]:
    """Return the misconception about dilation, for a formula of (size, span)."""
    return Misconception(
        "dilation-ignored",
        undilated(function),
        "You used the k pixels of the kernel; dilated, it reaches across 1 + d(k−1) pixels. Use that for k.",
    )


SWAPPED = "You used the kernel's width for the height and the other way round: rows go with rows."


# The map after the same padding and a stride ---------------------------------------------------------------


def strided(p: Params, padding: Pair) -> Pair:
    return shapes.output_shape(p.image, p.kernel, p.stride, padding, p.dilation)


def can_carry(p: Params, earlier: Mapping[str, Pair]) -> bool:
    """Is the student's own padding one that a layer can have, and large enough for the kernel to fit?"""
    own = earlier["same"]
    return all(
        0 <= pad < size and size + 2 * pad >= span for pad, size, span in zip(own, p.image, p.spans, strict=True)
    )


def strided_room(p: Params) -> Pair:
    return p.image[0] - 1, p.image[1] - 1  # the same padding makes up for the kernel but for one pixel


# The change that a padding makes ---------------------------------------------------------------------------


def change_text(rows: int, columns: int) -> str:
    """Say by how much the map differs from the image.

    >>> change_text(2, -1), change_text(0, 3)
    ('2 rows more and 1 column fewer', 'as many rows and 3 columns more')
    """
    return f"{_compared(rows, 'row')} and {_compared(columns, 'column')}"


def _compared(number: int, noun: str) -> str:
    if number == 0:
        return f"as many {noun}s"
    return f"{count(abs(number), noun)} {'more' if number > 0 else 'fewer'}"


def change(function: Callable[[int, int], int]) -> Callable[[Params], str]:
    """Return a solver of the choice, from a formula of (padding, span) for how much a side grows."""
    return lambda p: change_text(function(p.padding[0], p.spans[0]), function(p.padding[1], p.spans[1]))


# How many layers fit ---------------------------------------------------------------------------------------


def layers(p: Params) -> int:
    return shapes.max_valid_layers(p.stack, p.stack_kernel)


def layers_by(function: Callable[[int, int], int]) -> Callable[[Params], int]:
    """Return a solver that applies a formula of (size, kernel) to the shorter side."""
    return lambda p: function(min(p.stack), p.stack_kernel)


# Workings --------------------------------------------------------------------------------------------------


def spans_first(p: Params) -> str:
    """Return the sentence that turns a dilated kernel into a plain one; nothing where it is plain."""
    if p.dilation == 1:
        return ""
    high, wide = (_steps.reach(k, p.dilation) for k in p.kernel)
    return (
        f"With dilation $d = {p.dilation}$ the kernel reaches across $d(k-1)+1$ pixels: "
        f"${high}$ rows and ${wide}$ columns. Use these for $k$.\n\n"
    )


def valid_workings(p: Params) -> str:
    (h, w), (kh, kw) = p.image, p.spans
    return (
        spans_first(p)
        + "The kernel must stay inside the image. Its first row can stand in row 1, 2, … as long as its last row is "
        "still in the image, so $o = i - k + 1$.\n\n"
        f"Height: ${_steps.size(h, kh)}$. Width: ${_steps.size(w, kw)}$."
    )


def same_workings(p: Params) -> str:
    (kh, kw), (ph, pw) = p.spans, p.same
    lines = spans_first(p) + (
        "The output is as large as the input, $i + 2p - k + 1 = i$, when $2p = k - 1$, so $p = \\frac{k-1}{2}$.\n\n"
    )
    if p.is_square:
        return lines + rf"Both ways: $p = \frac{{{kh} - 1}}{{2}} = {ph}$."
    return lines + rf"Vertically: $\frac{{{kh} - 1}}{{2}} = {ph}$. Horizontally: $\frac{{{kw} - 1}}{{2}} = {pw}$."


def strided_workings(p: Params) -> str:
    (h, w), (kh, kw), (ph, pw) = p.image, p.spans, p.same
    return (
        "The last position must fit whole into the padded image, so the quotient is rounded down:\n\n"
        f"$${_steps.SIZE}$$\n\nThe padding is {ph} for the rows and {pw} for the columns"
        f"{_reaches(p)}. Height:\n\n$${_steps.size(h, kh, p.stride, ph)}$$\n\n"
        f"Width:\n\n$${_steps.size(w, kw, p.stride, pw)}$$"
    )


def _reaches(p: Params) -> str:
    return "" if p.dilation == 1 else f", and the dilated kernel reaches across {p.spans[0]} rows, {p.spans[1]} columns"


def full_workings(p: Params) -> str:
    (h, w), (kh, kw) = p.image, p.spans
    return (
        spans_first(p)
        + "The kernel may hang over each edge until only its last row (or column) is still on the image. That takes "
        "$k - 1$ rows of padding on each side, $p = k - 1$, so $o = i + 2(k-1) - k + 1 = i + k - 1$.\n\n"
        rf"Height: ${h} + {kh} - 1 = {h + kh - 1}$. Width: ${w} + {kw} - 1 = {w + kw - 1}$."
    )


def change_workings(p: Params) -> str:
    (kh, kw), (ph, pw) = p.spans, p.padding
    return (
        spans_first(p)
        + "At stride 1 the map has $i + 2p - k + 1$ rows: $2p - (k - 1)$ more than the image (fewer, if negative). "
        "The size of the image does not matter.\n\n"
        rf"Rows: $2 \cdot {ph} - ({kh} - 1) = {2 * ph - kh + 1}$. "
        rf"Columns: $2 \cdot {pw} - ({kw} - 1) = {2 * pw - kw + 1}$. Hence {CHANGE(p)}."
    )


def layers_workings(p: Params) -> str:
    size, kernel, fit = min(p.stack), p.stack_kernel, layers(p)
    left = size - fit * (kernel - 1)
    return (
        "Every layer takes $k - 1$ pixels off each axis, and at least 1 pixel must be left: $L(k-1) \\le i - 1$. "
        f"The shorter side, {size} pixels, runs out first.\n\n"
        rf"$$L = \left\lfloor \frac{{i-1}}{{k-1}} \right\rfloor = "
        rf"\left\lfloor \frac{{{size} - 1}}{{{kernel} - 1}} \right\rfloor = {fit}$$"
        "\n\n"
        rf"Then ${size} - {fit} \cdot {kernel - 1} = {left}$: along this side the last map has {_steps.pixels(left)}, "
        f"too few for a kernel of {kernel}."
    )


def cost(p: Params) -> int:
    """Multiplications and divisions of the workings, each formula once for a square kernel."""
    axes = 1 if p.is_square else 2
    dilated = axes if p.dilation > 1 else 0
    same, doubled, divided, full, given, stack = axes, axes, 2, axes, axes, 1
    return dilated + same + doubled + divided + full + given + stack


CHANGE = change(lambda pad, k: 2 * pad - (k - 1))

PARTS: tuple[Part[Params], ...] = (
    Part(
        name="valid",
        ask="The kernel moves **without padding** (“valid”), stride 1. How large is the output?",
        solve=per_axis(lambda i, k: i - k + 1),
        answer=Shape(("height", "width")),
        workings=valid_workings,
        misconceptions=(
            Misconception(
                "no-plus-one",
                per_axis(lambda i, k: i - k),
                "i − k counts the steps from the first position to the last; the positions are one more.",
            ),
            Misconception(
                "size-kept",
                lambda p: p.image,
                "The size is kept only with padding. Without it, the kernel cannot be centred on the border pixels.",
            ),
            Misconception(
                "lost-twice",
                per_axis(lambda i, k: i - 2 * (k - 1)),
                "The kernel takes k−1 positions away in all: half of them at each end.",
            ),
            Misconception("axes-swapped", crossed(lambda i, k: i - k + 1), SWAPPED),
            dilation_ignored(lambda i, k: i - k + 1),
        ),
    ),
    Part(
        name="same",
        ask=(
            "How many rows of zeros must be added at the top *and* at the bottom, and how many columns at the left "
            "*and* at the right, so that at stride 1 the output is as large as the image (“same”)? Give the number "
            "for one side of each."
        ),
        solve=lambda p: p.same,
        answer=Shape(("rows on each side", "columns on each side")),
        workings=same_workings,
        misconceptions=(
            Misconception(
                "both-sides-together",
                per_axis(lambda i, k: k - 1),
                "k−1 is what both sides need together; each side gets half of it.",
            ),
            Misconception(
                "half-rounded-up",
                per_axis(lambda i, k: (k + 1) // 2),
                "Half of k−1, not half of k+1: a kernel centred on a border pixel hangs over by (k−1)/2.",
            ),
            Misconception(
                "whole-kernel",
                per_axis(lambda i, k: k),
                "The kernel hangs over the edge by only half of what it has besides its centre: (k−1)/2.",
            ),
            Misconception("axes-swapped", crossed(lambda i, k: (k - 1) // 2), SWAPPED),
            dilation_ignored(lambda i, k: (k - 1) // 2),
        ),
    ),
    Part(
        name="strided",
        ask=(
            "The padding of the part before stays, and the **stride becomes {{ p.stride }}** both ways. "
            "How large is the output now?"
        ),
        solve=lambda p: strided(p, p.same),
        answer=Shape(("height", "width")),
        workings=strided_workings,
        marks=2,
        carry=Carry(
            parts=("same",),
            solve=lambda p, earlier: strided(p, earlier["same"]),
            when=can_carry,
            condition=("your padding of part “same” is at least 0, is smaller than the image, and lets the kernel fit"),
            penalty=Fraction(0),
        ),
        misconceptions=(
            Misconception(
                "size-over-stride",
                lambda p: (p.image[0] // p.stride, p.image[1] // p.stride),
                "i/s rounded down is right only where the stride divides the size; count the positions instead.",
            ),
            Misconception(
                "rounded-up",
                lambda p: (-(-strided_room(p)[0] // p.stride) + 1, -(-strided_room(p)[1] // p.stride) + 1),
                "A last window that hangs over the padded edge does not count: round the quotient down.",
            ),
            Misconception(
                "no-plus-one",
                lambda p: (strided_room(p)[0] // p.stride, strided_room(p)[1] // p.stride),
                "The quotient counts steps; the positions are one more.",
            ),
            Misconception(
                "padding-forgotten",
                lambda p: strided(p, (0, 0)),
                "That is the size without padding: the kernel moves over the padded image, of i + 2p pixels.",
            ),
            Misconception(
                "same-at-any-stride",
                lambda p: p.image,
                "“Same” padding keeps the size at stride 1 only; a stride s leaves about one position in s.",
            ),
        ),
    ),
    Part(
        name="full",
        ask=(
            "At stride 1 again: the kernel takes **every position at which it still touches at least one pixel** of "
            "the image (“full”). How large is the output?"
        ),
        solve=per_axis(lambda i, k: i + k - 1),
        answer=Shape(("height", "width")),
        workings=full_workings,
        misconceptions=(
            Misconception(
                "padded-image",
                per_axis(lambda i, k: i + 2 * (k - 1)),
                "That is the size of the padded image; the kernel takes k−1 positions fewer than it has pixels.",
            ),
            Misconception(
                "padded-by-kernel",
                per_axis(lambda i, k: i + k + 1),
                "With k rows of padding the outermost position touches no pixel at all: k−1 are enough.",
            ),
            Misconception(
                "no-plus-one",
                per_axis(lambda i, k: i + k - 2),
                "Count positions, not the steps between them: i + 2(k−1) − k, and then + 1.",
            ),
            Misconception(
                "one-side-padded",
                lambda p: p.image,
                "The kernel may hang over on both sides: k−1 at the top and k−1 at the bottom.",
            ),
            Misconception("axes-swapped", crossed(lambda i, k: i + k - 1), SWAPPED),
            dilation_ignored(lambda i, k: i + k - 1),
        ),
    ),
    Part(
        name="change",
        ask=(
            "{% if p.padding[0] == p.padding[1] %}A layer has padding {{ p.padding[0] }} on every side"
            "{% else %}A layer has padding {{ p.padding[0] }} at the top and at the bottom and "
            "{{ p.padding[1] }} at the left and at the right{% endif %}, and stride 1. "
            "How does its output compare with the image?"
            "{{ drawn_axis(p.image[1], 'The width with this padding, to scale: first and last position of the kernel', "
            "padding=p.padding[1], stands=p.stands(p.padding[1])) }}"
        ),
        solve=CHANGE,
        answer=Choice(),
        workings=change_workings,
        misconceptions=(
            Misconception(
                "padding-once",
                change(lambda pad, k: pad - (k - 1)),
                "The padding is added on both sides: + 2p.",
            ),
            Misconception(
                "no-plus-one",
                change(lambda pad, k: 2 * pad - k),
                "A kernel takes k−1 positions away, not k.",
            ),
            Misconception(
                "kernel-forgotten",
                change(lambda pad, k: 2 * pad),
                "That is how much the padded image is larger; the kernel takes k−1 away again.",
            ),
            Misconception(
                "padding-forgotten",
                change(lambda pad, k: -(k - 1)),
                "That is the loss without padding; the padding makes up for 2p of it.",
            ),
        ),
    ),
    Part(
        name="layers",
        ask=(
            "Another image, of {{ p.stack[0] }} × {{ p.stack[1] }} pixels, passes through layers that follow each "
            "other, each with a plain {{ p.stack_kernel }} × {{ p.stack_kernel }} kernel, **stride 1 and no padding**. "
            "How many such layers fit, until the map is too small for a further one?"
        ),
        solve=layers,
        answer=Integer(unit="layers"),
        workings=layers_workings,
        marks=2,
        misconceptions=(
            Misconception(
                "divided-by-kernel",
                layers_by(lambda i, k: i // k),
                "A layer takes away k−1, not k: neighbouring windows overlap.",
            ),
            Misconception(
                "until-nothing-is-left",
                layers_by(lambda i, k: -(-i // (k - 1))),
                "One too many: the last map still has a pixel at least, so L(k−1) is at most i − 1.",
            ),
            Misconception(
                "first-layer-forgotten",
                layers_by(lambda i, k: (i - k) // (k - 1)),
                "The layer that takes the first k pixels counts as well: one more.",
            ),
            Misconception(
                "longer-side",
                lambda p: (max(p.stack) - 1) // (p.stack_kernel - 1),
                "The side that runs out first ends it: count along the shorter one.",
            ),
        ),
    ),
)


EXERCISE = Exercise(
    name="padding",
    title="Padding",
    summary="valid, same and full padding: how much each needs, and the size that comes out",
    draw=draw,
    intro=(
        "A grey image of **{{ p.image[0] }} × {{ p.image[1] }}** pixels (height × width) meets a kernel of "
        "**{{ p.kernel[0] }} × {{ p.kernel[1] }}**"
        "{% if p.dilation > 1 %} with **dilation {{ p.dilation }}**, so that neighbouring kernel pixels look at "
        "image pixels {{ p.dilation }} apart, both ways{% endif %}."
        "{{ drawn_axis(p.image[1], 'The width without padding, to scale: first and last position of the kernel', "
        "stands=p.stands(0)) }}"
    ),
    conventions=(
        "Sizes are (height, width): rows first.",
        "Padding adds zeros on both sides: padding p makes an axis 2p pixels longer.",
        "A position counts only where the whole kernel lies in the padded image (round down).",
    ),
    parts=PARTS,
    functions=(FunctionPart(OUTPUT_SIZE, marks=2),),
    cost=cost,
    costs={Level.INTRO: 7, Level.STANDARD: 11, Level.CHALLENGE: 13},
    cost_unit="multiplications and divisions",
)
