"""Convolution of one small image by hand: the size of the map, its entries, and what an activation makes of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property, partial
from typing import Any

from exercises import _steps
from exercises.contracts.conv2d import CONV2D
from grader.authoring import (
    Carry,
    Draw,
    Exercise,
    FunctionPart,
    Level,
    Matrix,
    Misconception,
    Number,
    Part,
    Shape,
    count,
    write_number,
)
from solutions import planes
from solutions.planes import Plane

Size = tuple[int, int]
Maps = tuple[Plane, ...]


@dataclass(frozen=True)
class Geometry:
    """Sizes as (rows, columns)."""

    image: Size
    kernel: Size
    stride: Size
    padding: Size

    def output(
        self, *, plus: int = 1, stride: Size | None = None, padding: Size | None = None, up: bool = False
    ) -> Size:
        """Return the size of a map; the options are what may go wrong with the formula."""
        pads = self.padding if padding is None else padding
        room = [i + 2 * p - k for i, p, k in zip(self.image, pads, self.kernel, strict=True)]
        steps = self.stride if stride is None else stride
        rows, columns = ((-(-r // s) if up else r // s) + plus for r, s in zip(room, steps, strict=True))
        return rows, columns

    @cached_property
    def uses(self) -> Plane:
        """How many pixels of the image every weight of a kernel meets; zeros of the padding cost nothing."""
        rows, columns = (
            [sum(0 <= start + u - p < i for start in planes.positions(i, k, s, p)) for u in range(k)]
            for i, k, s, p in zip(self.image, self.kernel, self.stride, self.padding, strict=True)
        )
        return tuple(tuple(row * column for column in columns) for row in rows)

    @cached_property
    def slips(self) -> dict[str, Size | None]:
        """The sizes that mistakes lead to; None where a mistake cannot show."""
        rows, columns = self.output()
        padded, strided = self.padding != (0, 0), self.stride != (1, 1)
        return {
            "no-plus-one": self.output(plus=0),
            "padding-ignored": self.output(padding=(0, 0)) if padded else None,
            "padding-once": self._padding_once() if padded else None,
            "stride-ignored": self.output(stride=(1, 1)) if strided else None,
            "rounded-up": self.output(up=True) if self.output(up=True) != (rows, columns) else None,
            "size-kept": self.image,
            "axes-swapped": (columns, rows) if rows != columns else None,
        }

    def _padding_once(self) -> Size:
        rows, columns = (
            (i + p - k) // s + 1 for i, p, k, s in zip(self.image, self.padding, self.kernel, self.stride, strict=True)
        )
        return rows, columns

    @property
    def tells(self) -> bool:
        """Do all mistakes that can show give different sizes, and is the map neither tiny nor large?"""
        sizes = [self.output(), *(size for size in self.slips.values() if size is not None)]
        in_range = all(2 <= side <= 6 for side in sizes[0]) and min(map(min, sizes)) >= 1
        return len(set(sizes)) == len(sizes) and in_range


@dataclass(frozen=True)
class Params:
    """An image and biases in tenths, kernels of whole numbers, and the two entries asked for (from 0).

    tenths: rows of 0 … 9; kernels: one or two, rows of -2 … 2; biases: one for each kernel, in tenths.
    entry, spot: (map, row, column) of the entry to write out, and of the one for the sigmoid.
    """

    geometry: Geometry
    tenths: Plane
    kernels: Maps
    biases: tuple[int, ...]
    entry: tuple[int, int, int] = (0, 0, 0)
    spot: tuple[int, int, int] = (0, 0, 0)

    @property
    def image(self) -> Plane:
        return tuple(tuple(Fraction(tenth, 10) for tenth in row) for row in self.tenths)

    @property
    def bias(self) -> tuple[Fraction, ...]:
        return tuple(Fraction(b, 10) for b in self.biases)

    @cached_property
    def maps(self) -> Maps:
        """The right maps, in tenths."""
        return self.correlated()

    def correlated(
        self,
        turn: Callable[[Plane], Plane] = lambda kernel: kernel,
        *,
        biases: tuple[int, ...] | None = None,
        stride: Size | None = None,
        padding: Size | None = None,
        image: Plane | None = None,
    ) -> Maps:
        """Return the maps in tenths; the options are what may go wrong."""
        g = self.geometry
        return tuple(
            planes.correlate(
                self.tenths if image is None else image,
                turn(kernel),
                bias,
                g.stride if stride is None else stride,
                g.padding if padding is None else padding,
            )
            for kernel, bias in zip(self.kernels, self.biases if biases is None else biases, strict=True)
        )

    @cached_property
    def slips(self) -> dict[str, Maps | None]:
        """The maps that mistakes lead to, in tenths; None where a mistake cannot show."""
        g = self.geometry
        (sh, sw), (ph, pw) = g.stride, g.padding
        padded, strided = g.padding != (0, 0), g.stride != (1, 1)
        fits = all(i >= k for i, k in zip(g.image, g.kernel, strict=True))
        return {
            "kernel-flipped": self.correlated(planes.rotate),
            "kernel-transposed": self.correlated(planes.transpose) if g.kernel[0] == g.kernel[1] else None,
            "bias-forgotten": self.correlated(biases=(0,) * len(self.biases)),
            "stride-not-in-offset": self._corner() if strided else None,
            "stride-swapped": self.correlated(stride=(sw, sh)) if sh != sw else None,
            "padding-ignored": self.correlated(padding=(0, 0)) if padded and fits else None,
            "padding-at-start": self.correlated(padding=(0, 0), image=_pad_at_start(self.tenths, ph, pw))
            if padded
            else None,
            "biases-exchanged": self.correlated(biases=self.biases[::-1]) if len(self.biases) > 1 else None,
        }

    def _corner(self) -> Maps:
        """The first rows and columns of the maps of stride 1."""
        rows, columns = self.geometry.output()
        return tuple(planes.window(plane, 0, 0, (rows, columns)) for plane in self.correlated(stride=(1, 1)))

    def value(self, at: tuple[int, int, int]) -> int:
        return int(self.maps[at[0]][at[1]][at[2]])


def _pad_at_start(plane: Plane, rows: int, columns: int) -> Plane:
    side = (0,) * (2 * columns)
    return (*((0,) * (len(plane[0]) + 2 * columns),) * (2 * rows), *((*side, *row) for row in plane))


def to_decimals(plane: Any) -> Any:
    """Return tenths, in rows or maps of any depth, as exact decimals."""
    return tuple([to_decimals(item) for item in plane]) if isinstance(plane, tuple) else tenth(plane)


@cache
def tenth(number: int) -> Fraction:
    return Fraction(number, 10)


# Drawing ---------------------------------------------------------------------------------------------------

COSTS = {Level.INTRO: 40, Level.STANDARD: 50, Level.CHALLENGE: 90}
FILTERS = {Level.INTRO: 1, Level.STANDARD: 1, Level.CHALLENGE: 2}
ZEROS = {(2, 2): 0, (2, 3): 1, (3, 2): 1, (3, 3): 3}  # weights of a kernel that are zero
WEIGHTS = (-2, -1, -1, 1, 1, 2)


def cost(p: Params) -> int:
    """Return how many products of a weight that is not zero with a pixel of the image the maps take."""
    pairs = [zip(planes.entries(kernel), planes.entries(p.geometry.uses), strict=True) for kernel in p.kernels]
    return sum(uses for pair in pairs for weight, uses in pair if weight)


@cache
def geometries(level: Level) -> tuple[Geometry, ...]:
    """Return all sizes of a level on which the mistakes show, and whose work is near the level's cost."""
    kernels: tuple[Size, ...] = ((2, 2),) if level is Level.INTRO else ((3, 3), (2, 3), (3, 2))
    found = []
    for image, kernel in itertools.product(itertools.product(range(3, 9), repeat=2), kernels):
        for stride, padding in _moves(level):
            g = Geometry((image[0], image[1]), kernel, stride, padding)
            if min(i + 2 * p - k for i, p, k in zip(image, padding, kernel, strict=True)) < 1 or not g.tells:
                continue
            if any(p >= k for p, k in zip(padding, kernel, strict=True)):
                continue  # a window of zeros alone
            share = 1 - ZEROS[kernel] / (kernel[0] * kernel[1])
            if abs(sum(planes.entries(g.uses)) * share * FILTERS[level] / COSTS[level] - 1) <= 0.2 - 0.06 * (
                ZEROS[kernel] > 0
            ):
                found.append(g)
    return tuple(found)


def _moves(level: Level) -> Iterator[tuple[Size, Size]]:
    """Return the strides and paddings of a level: none, some of each, or unequal pairs of both."""
    if level is Level.INTRO:
        yield (1, 1), (0, 0)
    elif level is Level.STANDARD:
        yield from itertools.product(((2, 2), (1, 2), (2, 1)), ((1, 1), (0, 1), (1, 0)))
    else:
        yield from itertools.product(((1, 2), (2, 1), (2, 3), (3, 2)), ((0, 1), (1, 0), (1, 2), (2, 1)))


def draw(rng: Draw, level: Level) -> Params:
    geometry = rng.choice(geometries(level))
    for _ in range(400):
        p = Params(
            geometry,
            rng.matrix(*geometry.image, 0 if level is Level.CHALLENGE else 1, 9),
            tuple(draw_kernel(rng, geometry.kernel) for _ in range(FILTERS[level])),
            tuple(rng.sample([b for b in range(-9, 10) if b], FILTERS[level])),
        )
        if not _has_both_signs(p):
            continue
        entries, spots = telling_entries(p), [at for at in places(p) if tells_sigmoid(p.value(at), p.biases[at[0]])]
        if entries and spots:
            entry = rng.choice(entries)
            return Params(p.geometry, p.tenths, p.kernels, p.biases, entry, rng.choice(spots))
    raise AssertionError(f"no numbers tell right from wrong for {geometry}")


def draw_kernel(rng: Draw, size: Size) -> Plane:
    """Return a kernel of both signs that no flip, turn or transposition leaves as it is."""
    rows, columns = size
    while True:
        weights = [rng.choice(WEIGHTS) for _ in range(rows * columns - ZEROS[size])]
        flat = rng.shuffled([*weights, *[0] * ZEROS[size]])
        kernel = tuple(tuple(flat[r * columns : (r + 1) * columns]) for r in range(rows))
        mirrored = (planes.rotate(kernel), kernel[::-1], tuple(row[::-1] for row in kernel), planes.transpose(kernel))
        if kernel not in mirrored and min(flat) < 0 < max(flat) and len({abs(w) for w in weights}) > 1:
            return kernel


def _has_both_signs(p: Params) -> bool:
    """Has every map at least a fifth of its entries below zero, and a fifth above?"""
    maps = [planes.entries(plane) for plane in p.maps]
    return all(5 * min(sum(v < 0 for v in values), sum(v > 0 for v in values)) >= len(values) for values in maps)


def places(p: Params) -> list[tuple[int, int, int]]:
    rows, columns = p.geometry.output()
    return list(itertools.product(range(len(p.kernels)), range(rows), range(columns)))


def telling_entries(p: Params) -> list[tuple[int, int, int]]:
    """Return the entries, beyond the first row and column, at which all mistakes give different numbers."""
    found = []
    for at in places(p):
        values = [p.value(at), *(v for v in entry_slips(p, at).values() if v is not None)]
        if min(at[1:]) > 0 and len(set(values)) == len(values):
            found.append(at)
    return found


def entry_slips(p: Params, at: tuple[int, int, int]) -> dict[str, int | None]:
    """Return what mistakes make of one entry, in tenths; None where their map has no such entry."""
    m, row, column = at

    def pick(maps: Maps | None) -> int | None:
        if maps is None or row >= len(maps[m]) or column >= len(maps[m][0]):
            return None
        return int(maps[m][row][column])

    return {name: pick(maps) for name, maps in p.slips.items()}


# The sigmoid -----------------------------------------------------------------------------------------------


def sigmoid_slips(z: Fraction | float, bias: Fraction | float) -> dict[str, float | None]:
    """Return what mistakes make of the sigmoid of z, where the bias is already in z."""
    return {
        "exponent-sign": planes.sigmoid(-z),
        "no-reciprocal": 1 + math.exp(-z),
        "exponential-only": math.exp(-z),
        "tanh": math.tanh(z) if abs(math.tanh(z) - z) > 0.01 else None,  # near 0 they are alike in two decimals
        "not-applied": float(z),
        "relu-first": 0.5 if z < 0 else None,
        "bias-forgotten": planes.sigmoid(z - bias),
    }


@cache
def tells_sigmoid(tenths: int, bias: int) -> bool:
    """Do the mistakes show in two decimals, and is the number one that a person can look up?"""
    if not 2 <= abs(tenths) <= 35:
        return False
    wrong = [v for v in sigmoid_slips(tenths / 10, bias / 10).values() if v is not None]
    return all(abs(v - planes.sigmoid(tenths / 10)) > 0.011 for v in wrong)


# Workings --------------------------------------------------------------------------------------------------


def tex(value: Any) -> str:
    return Matrix().tex(value) if isinstance(value, tuple) else write_number(value)


def signed(value: Any) -> str:
    """Write a number as a factor or a term: a negative one in brackets."""
    return f"({tex(value)})" if value < 0 else tex(value)


def size_workings(p: Params) -> str:
    g = p.geometry
    lines = [
        f"- {name}: ${_steps.size(i, k, s, pad)}$"
        for name, i, k, s, pad in zip(("rows", "columns"), g.image, g.kernel, g.stride, g.padding, strict=True)
    ]
    maps = f"Each kernel makes one map: {count(len(p.kernels), 'kernel')}, {count(len(p.kernels), 'map')}."
    return f"Along each axis:\n\n$${_steps.SIZE}$$\n\n" + "\n".join(lines) + f"\n\n{maps}"


def window_of(p: Params, at: tuple[int, int, int]) -> Plane:
    """Return the window of the padded image that makes an entry."""
    g = p.geometry
    padded = planes.pad(p.tenths, g.padding)
    return to_decimals(planes.window(padded, at[1] * g.stride[0], at[2] * g.stride[1], g.kernel))  # type: ignore[no-any-return]  # NumPy


def symbol(p: Params, at: tuple[int, int, int]) -> str:
    letter = f"z^{{({at[0] + 1})}}" if len(p.kernels) > 1 else "z"
    return f"{letter}_{{{at[1] + 1},{at[2] + 1}}}"


def sum_of_products(p: Params, at: tuple[int, int, int]) -> str:
    """Return one entry as LaTeX: the products of its window, the bias, and the sum."""
    values, weights = planes.entries(window_of(p, at)), planes.entries(p.kernels[at[0]])
    products = [rf"{tex(v)} \cdot {signed(w)}" for v, w in zip(values, weights, strict=True)]
    terms = " + ".join([*products, signed(p.bias[at[0]])])
    return f"{symbol(p, at)} = {terms} = {tex(Fraction(p.value(at), 10))}"


def entry_workings(p: Params) -> str:
    g, (m, row, column) = p.geometry, p.entry
    top, left = row * g.stride[0], column * g.stride[1]
    image = "padded image" if g.padding != (0, 0) else "image"
    moved = (
        f"The window moves by {g.stride[0]} down and {g.stride[1]} to the right, so for row {row + 1}, "
        f"column {column + 1} its first pixel is in row ${row} \\cdot {g.stride[0]} + 1 = {top + 1}$ and column "
        f"${column} \\cdot {g.stride[1]} + 1 = {left + 1}$ of the {image}."
    )
    laid = f"The window and the kernel laid over it:\n\n$${tex(window_of(p, p.entry))} \\quad {tex(p.kernels[m])}$$"
    added = f"Every number times the weight that lies on it, plus the bias:\n\n$${sum_of_products(p, p.entry)}$$"
    return f"{moved} {laid}\n\n{added}"


WRITTEN_OUT = 12  # entries of all maps; of more, the first two and the last of each map


def map_workings(p: Params) -> str:
    blocks = []
    every = len(places(p)) <= WRITTEN_OUT
    padded = p.geometry.padding != (0, 0)
    if padded:
        blocks.append(
            f"With its zeros around it the image is\n\n$${tex(to_decimals(planes.pad(p.tenths, p.geometry.padding)))}$$"
        )
    for m, plane in enumerate(p.maps):
        at = [place for place in places(p) if place[0] == m]
        shown = at if every else [at[0], at[1], at[-1]]
        lines = [f"- ${sum_of_products(p, place)}$" for place in shown]
        name = f"Map {m + 1}" if len(p.maps) > 1 else "The map"
        lead = "row by row" if every else "the first two entries and the last"
        blocks.append(f"{name}, {lead}:\n\n" + "\n".join(lines) + f"\n\n$${tex(to_decimals(plane))}$$")
    return "\n\n".join(blocks)


def relu_workings(p: Params) -> str:
    pairs = [rf"{tex(to_decimals(z))} \to {tex(to_decimals(planes.each(z, planes.relu)))}" for z in p.maps]
    return "Negative entries become 0, all others stay:\n\n" + "\n\n".join(f"$${pair}$$" for pair in pairs)


def sigmoid_workings(p: Params) -> str:
    z = Fraction(p.value(p.spot), 10)
    value = planes.sigmoid(z)
    return (
        rf"${symbol(p, p.spot)} = {tex(z)}$, so $\sigma({tex(z)}) = \frac{{1}}{{1 + e^{{{tex(-z)}}}}} = "
        rf"\frac{{1}}{{1 + {write_number(math.exp(-z), 3)}}} = {write_number(value, 2)}$."
    )


# What is asked ---------------------------------------------------------------------------------------------


def size_slip(name: str) -> Callable[[Params], tuple[int, int, int] | None]:
    def solve(p: Params) -> tuple[int, int, int] | None:
        size = p.geometry.slips[name]
        return None if size is None else (len(p.kernels), *size)

    return solve


def entry_slip(name: str) -> Callable[[Params], Fraction | None]:
    def solve(p: Params) -> Fraction | None:
        value = entry_slips(p, p.entry)[name]
        return None if value is None else Fraction(value, 10)

    return solve


def map_slip(name: str) -> Callable[[Params], Any]:
    def solve(p: Params) -> Any:
        maps = p.slips[name]
        return None if maps is None else to_decimals(maps)

    return solve


def sigmoid_slip(name: str) -> Callable[[Params], float | None]:
    return lambda p: sigmoid_slips(Fraction(p.value(p.spot), 10), p.bias[p.spot[0]])[name]


def activated(maps: Any, function: Callable[[Any], Any]) -> Any:
    """Return maps of any depth with the function applied to every number."""
    return tuple(activated(item, function) for item in maps) if isinstance(maps, tuple) else function(maps)


def _relu_before(bias: int, z: int) -> int:
    return max(z - bias, 0) + bias


def relu_before_bias(p: Params) -> Maps:
    return tuple(planes.each(plane, partial(_relu_before, bias)) for plane, bias in zip(p.maps, p.biases, strict=True))


def own_value(p: Params, earlier: Mapping[str, Any]) -> Any:
    """Return the student's own number at the place asked for, or None where there is none."""
    m, row, column = p.spot
    maps = earlier["map"]
    if m >= len(maps) or row >= len(maps[m]) or column >= len(maps[m][row]):
        return None
    return maps[m][row][column]


def usable(p: Params, earlier: Mapping[str, Any]) -> bool:
    value = own_value(p, earlier)
    return bool(value is not None and abs(value) <= 6)


def has_signs(_: Params, earlier: Mapping[str, Any]) -> bool:
    """Does the student's own map hold a negative and a positive number?"""
    values = [value for plane in earlier["map"] for row in plane for value in row]
    return any(v < 0 for v in values) and any(v > 0 for v in values)


INTRO = """\
A grey image of {{ p.geometry.image[0] }} by {{ p.geometry.image[1] }} pixels, from 0 (black) to 1 (white):
{% set padded = p.geometry.padding != (0, 0) %}
{{ drawn_grid(p.image, window=(0, 0) + p.geometry.kernel, padding=p.geometry.padding,
   note="The image" ~ (" in its zero padding" if padded else "") ~ "; the frame is the first window") }}
A convolutional layer with
{%- if p.kernels | length == 1 %} one kernel of {{ p.geometry.kernel[0] }} by {{ p.geometry.kernel[1] }}:
{{ grid(p.kernels[0]) }}
and the bias $b = {{ p.bias[0] | num }}$.
{%- else %} two kernels of {{ p.geometry.kernel[0] }} by {{ p.geometry.kernel[1] }}. Kernel 1, with the bias \
$b_1 = {{ p.bias[0] | num }}$:
{{ grid(p.kernels[0]) }}
Kernel 2, with the bias $b_2 = {{ p.bias[1] | num }}$:
{{ grid(p.kernels[1]) }}
{%- endif %}


{% if p.geometry.stride == (1, 1) %}The stride is 1
{%- elif p.geometry.stride[0] == p.geometry.stride[1] %}The stride is {{ p.geometry.stride[0] }} in both directions
{%- else %}The stride is {{ p.geometry.stride[0] }} downwards and {{ p.geometry.stride[1] }} to the right
{%- endif %}, and
{%- if p.geometry.padding == (0, 0) %} there is no padding.
{%- else %} the zero padding is
{%- if p.geometry.padding[0] %} {{ p.geometry.padding[0] | count("row") }} above and below
{%- if p.geometry.padding[1] %}, and{% else %}, with none left and right{% endif %}{% endif %}
{%- if p.geometry.padding[1] %} {{ p.geometry.padding[1] | count("column") }} left and right
{%- if not p.geometry.padding[0] %}, with none above and below{% endif %}{% endif %}.
{%- endif %}

"""

STARTS = "Window (row r, column c) starts (r − 1) strides down and (c − 1) strides to the right, in the padded image."
MAP_HINTS = {
    "kernel-flipped": (
        "You turned the kernel by 180 degrees, which is the true convolution. A layer lays it down as it is printed: "
        "its first weight meets the window's first pixel."
    ),
    "kernel-transposed": "You exchanged rows and columns of the kernel: row by row is how it is printed.",
    "bias-forgotten": "The bias is missing: after the sum of products, add b once.",
    "stride-not-in-offset": f"You moved the window by one pixel at a time. {STARTS}",
    "stride-swapped": "You exchanged the two strides: the first one moves down, the second one to the right.",
    "padding-ignored": f"You started inside the image: the zeros around it belong to the first windows. {STARTS}",
    "padding-at-start": "You put all the zeros above and to the left: half of them belong below and to the right.",
    "biases-exchanged": "You exchanged the biases: map 1 gets the bias of kernel 1, map 2 that of kernel 2.",
}
SIZE_HINTS = {
    "no-plus-one": "You counted the steps between the windows: there is one position more than there are steps.",
    "padding-ignored": "You left the padding out: the window moves over the image with its zeros, i + 2p pixels.",
    "padding-once": "Zeros stand at both ends of each axis, so the padded length is i + 2p, not i + p.",
    "stride-ignored": "You let the window move by one pixel: divide the room i + 2p − k by the stride.",
    "rounded-up": "A window that would stand over the end is left out: round down, not up.",
    "size-kept": "This is the image's own size: a map keeps it only with stride 1 and padding (k − 1)/2.",
    "axes-swapped": "Rows come first, then columns: you exchanged them.",
}
SIGMOID_HINTS = {
    "exponent-sign": "The exponent has the wrong sign: it is e to the minus z, so a large z gives nearly 1.",
    "no-reciprocal": "You stopped at 1 + e^(-z): the sigmoid is 1 divided by it.",
    "exponential-only": "You stopped at e^(-z): the sigmoid is 1 / (1 + e^(-z)).",
    "tanh": "This is tanh(z), which runs from −1 to 1; the sigmoid runs from 0 to 1.",
    "not-applied": "This is z itself: a sigmoid lies between 0 and 1.",
    "relu-first": "You set the negative number to 0 first: the sigmoid stands in place of the ReLU, not behind it.",
    "bias-forgotten": "You left the bias out: it is a part of z, and the sigmoid comes after it.",
}


def hinted(
    hints: Mapping[str, str], slip: Callable[[str], Callable[[Params], Any]]
) -> tuple[Misconception[Params], ...]:
    return tuple(Misconception(name, slip(name), hint) for name, hint in hints.items())


EXERCISE = Exercise(
    name="convolution",
    title="Convolution by hand",
    summary="one image, one or two kernels, bias, stride, padding; ReLU and sigmoid of the map",
    draw=draw,
    intro=INTRO,
    conventions=(
        "Convolution means cross-correlation, as in every deep-learning library: the kernel is not flipped.",
        "Sizes are given as rows by columns. A window that would stand over the end of the padded image is left out.",
        "Rows, columns and maps are counted from 1, from the top left. Padding is with zeros.",
    ),
    parts=(
        Part(
            name="size",
            ask="How large is the output of the layer?",
            solve=lambda p: (len(p.kernels), *p.geometry.output()),
            answer=Shape(("maps", "rows", "columns")),
            workings=size_workings,
            misconceptions=(
                *hinted(SIZE_HINTS, size_slip),
                Misconception(
                    "one-map",
                    lambda p: (1, *p.geometry.output()) if len(p.kernels) > 1 else None,
                    "Every kernel makes a map of its own: two kernels, two maps.",
                ),
            ),
        ),
        Part(
            name="entry",
            ask=(
                "Write the entry in row {{ p.entry[1] + 1 }}, column {{ p.entry[2] + 1 }}"
                "{% if p.kernels | length > 1 %} of map {{ p.entry[0] + 1 }}{% endif %} as a sum of products. "
                "What is it, before any activation?"
            ),
            solve=lambda p: Fraction(p.value(p.entry), 10),
            answer=Number(),
            workings=entry_workings,
            misconceptions=hinted(MAP_HINTS, entry_slip),
            marks=2,
        ),
        Part(
            name="map",
            ask=(
                "Work out {% if p.kernels | length > 1 %}both maps{% else %}the whole map{% endif %}, "
                "before any activation."
            ),
            solve=lambda p: to_decimals(p.maps),
            answer=Matrix(depth=3),
            workings=map_workings,
            misconceptions=hinted(MAP_HINTS, map_slip),
            marks=4,
        ),
        Part(
            name="relu",
            ask="What does a ReLU, $\\max(z, 0)$, make of the output?",
            solve=lambda p: to_decimals(activated(p.maps, planes.relu)),
            answer=Matrix(depth=3),
            workings=relu_workings,
            misconceptions=(
                Misconception(
                    "absolute",
                    lambda p: to_decimals(activated(p.maps, abs)),
                    "A negative number becomes 0, not positive.",
                ),
                Misconception(
                    "not-applied", lambda p: to_decimals(p.maps), "Negative numbers are still there: they become 0."
                ),
                Misconception(
                    "wrong-side",
                    lambda p: to_decimals(activated(p.maps, lambda z: min(z, 0))),
                    "You kept the negative numbers: a ReLU keeps the positive ones.",
                ),
                Misconception(
                    "step",
                    lambda p: activated(p.maps, lambda z: int(z > 0)),
                    "A ReLU does not turn numbers into 1: positive ones stay as they are.",
                ),
                Misconception(
                    "before-bias",
                    lambda p: to_decimals(relu_before_bias(p)),
                    "You applied the ReLU before adding the bias: the bias comes first.",
                ),
            ),
            carry=Carry(
                ("map",),
                lambda p, earlier: activated(earlier["map"], planes.relu),
                "your output holds a negative and a positive number",
                has_signs,
            ),
        ),
        Part(
            name="sigmoid",
            ask=(
                "With a sigmoid, $\\sigma(z) = 1 / (1 + e^{-z})$, in place of the ReLU: "
                "what becomes of the entry in row {{ p.spot[1] + 1 }}, column {{ p.spot[2] + 1 }}"
                "{% if p.kernels | length > 1 %} of map {{ p.spot[0] + 1 }}{% endif %}?"
            ),
            solve=lambda p: planes.sigmoid(Fraction(p.value(p.spot), 10)),
            answer=Number(places=2),
            workings=sigmoid_workings,
            misconceptions=hinted(SIGMOID_HINTS, sigmoid_slip),
            carry=Carry(
                ("map",),
                lambda p, earlier: planes.sigmoid(own_value(p, earlier)),
                "your output has a number from −6 to 6 in that place",
                usable,
            ),
        ),
    ),
    functions=(FunctionPart(CONV2D, marks=4),),
    cost=cost,
    costs=COSTS,
)
