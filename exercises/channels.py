"""Convolution of a volume: several channels, two filters with biases, and the sums of the channels one by one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from exercises import _steps
from exercises.contracts.im2col import IM2COL
from grader.authoring import (
    Carry,
    Draw,
    Exercise,
    FunctionPart,
    Integer,
    Level,
    Matrix,
    Misconception,
    Part,
    Shape,
)
from solutions import counting, planes, shapes
from solutions.planes import Plane

Volume = tuple[Plane, ...]
Place = tuple[int, int, int]  # (filter, row, column), from 0

STRIDE, PADDING = (2, 2), (1, 1)


@dataclass(frozen=True)
class Layer:
    """A layer as in a real network: the input's channels, rows and columns; filters of square kernels."""

    channels: int
    size: tuple[int, int]
    filters: int
    kernel: int
    stride: int
    padding: int

    @property
    def output(self) -> Place:
        return self.filters, *self.positions()

    @property
    def parameters(self) -> int:
        return counting.conv_parameters(self.channels, self.filters, self.kernel)

    def positions(self, *, stride: int | None = None, padding: int | None = None) -> tuple[int, int]:
        """Return rows and columns of a map; the options are what may be left out."""
        kernel = (self.kernel, self.kernel)
        pads = self.padding if padding is None else padding
        return shapes.output_shape(self.size, kernel, self.stride if stride is None else stride, pads)

    @property
    def slips(self) -> dict[str, Place | None]:
        """The shapes that mistakes lead to; None where a mistake cannot show."""
        rows, columns = self.positions()
        up = tuple(-(-(i + 2 * self.padding - self.kernel) // self.stride) + 1 for i in self.size)
        return {
            "channels-kept": (self.channels, rows, columns),
            "channels-apart": (self.filters * self.channels, rows, columns),
            "one-map": (1, rows, columns),
            "stride-ignored": (self.filters, *self.positions(stride=1)),
            "padding-ignored": (self.filters, *self.positions(padding=0)),
            "no-plus-one": (self.filters, rows - 1, columns - 1),
            "rounded-up": None if up == (rows, columns) else (self.filters, up[0], up[1]),
            "axes-exchanged": (self.filters, columns, rows),
        }


@dataclass(frozen=True)
class Params:
    """A volume of C planes; two filters of C square kernels each; their biases; a larger layer; the place asked for.

    Pixels are 0 … 6, weights -1 … 1, biases whole and not zero.
    """

    volume: Volume
    filters: tuple[Volume, ...]
    biases: tuple[int, ...]
    layer: Layer
    at: Place = (0, 0, 0)

    @property
    def side(self) -> int:
        """Rows, and columns, of a kernel."""
        return len(self.filters[0][0])

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the volume."""
        return len(self.volume[0]), len(self.volume[0][0])

    @property
    def channels(self) -> int:
        return len(self.volume)

    @property
    def filters_tex(self) -> tuple[str, ...]:
        """The kernels of each filter, side by side."""
        return tuple(Matrix(depth=3).tex(kernels) for kernels in self.filters)

    @property
    def maps(self) -> tuple[int, int]:
        """Rows and columns of the output."""
        rows, columns = (len(planes.positions(i, self.side, 2, 1)) for i in self.size)
        return rows, columns

    @cached_property
    def slices(self) -> tuple[Volume, ...]:
        """For each filter, the map of each channel alone, without the bias."""
        return self.sliced()

    def sliced(
        self,
        change: Callable[[Plane], Plane] = lambda kernel: kernel,
        *,
        stride: tuple[int, int] = STRIDE,
        padding: tuple[int, int] = PADDING,
        volume: Volume | None = None,
    ) -> tuple[Volume, ...]:
        """Return the maps of the channels; the options are what may go wrong."""
        return tuple(
            tuple(
                planes.correlate(plane, change(kernel), 0, stride, padding)
                for plane, kernel in zip(self.volume if volume is None else volume, kernels, strict=True)
            )
            for kernels in self.filters
        )

    @cached_property
    def output(self) -> Volume:
        return self.added(self.slices)

    def added(self, slices: tuple[Volume, ...], biases: tuple[int, ...] | None = None) -> Volume:
        """Return the volume that the maps of the channels make: added up, plus the bias of the filter."""
        return tuple(
            plus(total(maps), bias)
            for maps, bias in zip(slices, self.biases if biases is None else biases, strict=True)
        )

    @cached_property
    def crooked(self) -> dict[str, tuple[Volume, ...]]:
        """What mistakes with the windows make of the maps of the channels; of the output's size."""
        rows, columns = self.maps
        shifted = tuple(
            ((0,) * (len(plane[0]) + 2),) * 2 + tuple((0, 0, *row) for row in plane) for plane in self.volume
        )
        stepped = self.sliced(stride=(1, 1))
        return {
            "kernels-flipped": self.sliced(planes.rotate),
            "stride-not-in-offset": tuple(
                tuple(planes.window(plane, 0, 0, (rows, columns)) for plane in maps) for maps in stepped
            ),
            "padding-at-start": self.sliced(padding=(0, 0), volume=shifted),
        }

    @cached_property
    def slips(self) -> dict[str, Volume]:
        """What mistakes make of the whole output."""
        channels = self.channels
        return {
            **{name: self.added(slices) for name, slices in self.crooked.items()},
            "first-channel-only": self.added(tuple(maps[:1] for maps in self.slices)),
            "mean-over-channels": tuple(
                planes.each(total(maps), lambda v, b=bias: Fraction(v, channels) + b)  # type: ignore[misc]  # default
                for maps, bias in zip(self.slices, self.biases, strict=True)
            ),
            "bias-forgotten": self.added(self.slices, (0,) * len(self.biases)),
            "bias-per-channel": self.added(self.slices, tuple(channels * b for b in self.biases)),
            "biases-exchanged": self.added(self.slices, self.biases[::-1]),
            "channels-apart": tuple(
                plus(plane, bias) for maps, bias in zip(self.slices, self.biases, strict=True) for plane in maps
            ),
        }

    def partial(self, slices: tuple[Volume, ...]) -> tuple[int, ...]:
        """Return what each channel adds to the entry asked for."""
        f, row, column = self.at
        return tuple(plane[row][column] for plane in slices[f])


def total(maps: Volume) -> Plane:
    return tuple(tuple(map(sum, zip(*rows, strict=True))) for rows in zip(*maps, strict=True))


def plus(plane: Plane, bias: int) -> Plane:
    return planes.each(plane, lambda value: value + bias)


# Drawing ---------------------------------------------------------------------------------------------------

# (channels, rows, columns) of the volume; the stride leaves a last row or column unused where a side is even.
VOLUMES: dict[Level, tuple[Place, ...]] = {
    Level.INTRO: ((2, 3, 4), (2, 4, 3), (2, 3, 3)),
    Level.STANDARD: ((3, 3, 5), (3, 5, 3), (3, 4, 5), (3, 5, 4)),
    Level.CHALLENGE: ((3, 5, 5), (3, 5, 6), (3, 6, 5)),
}
PIXELS = {Level.INTRO: (1, 6), Level.STANDARD: (0, 5), Level.CHALLENGE: (0, 3)}
SIDE, FILTERS, BLANKS = 3, 2, 3  # of each 3 by 3 kernel, three weights are zero
BIASES = (1, -1, 2, -2, 3, -3)


COSTS = {Level.INTRO: 50, Level.STANDARD: 125, Level.CHALLENGE: 215}
MOVES = ((5, 2, 2), (7, 2, 2), (7, 2, 3), (7, 3, 3), (9, 3, 3), (9, 2, 4))  # kernel, stride, padding of the layer


def draw(rng: Draw, level: Level) -> Params:
    """Draw numbers and a place inside which all mistakes show."""
    channels, rows, columns = rng.choice(VOLUMES[level])
    layer = draw_layer(rng)
    while True:
        p = Params(
            tuple(rng.matrix(rows, columns, *PIXELS[level]) for _ in range(channels)),
            tuple(tuple(draw_kernel(rng) for _ in range(channels)) for _ in range(FILTERS)),
            tuple(rng.sample(BIASES, FILTERS)),
            layer,
        )
        if abs(cost(p) - COSTS[level]) > COSTS[level] / 6:
            continue
        places = itertools.product(range(FILTERS), range(p.maps[0]), range(p.maps[1]))
        telling = [at for at in places if tells(replace_place(p, at))]
        if telling:
            return replace(p, at=rng.choice(telling))


def draw_layer(rng: Draw) -> Layer:
    """Return a layer on which all mistakes about its shape give different ones."""
    while True:
        channels, filters = rng.sample((3, 4, 6, 8, 10, 12, 16, 20, 24, 32), 2)
        kernel, stride, padding = rng.choice(MOVES)
        layer = Layer(channels, (rng.integer(20, 99), rng.integer(20, 99)), filters, kernel, stride, padding)
        answers = [layer.output, *(slip for slip in layer.slips.values() if slip is not None)]
        if len(set(answers)) == len(answers):
            return layer


def replace_place(p: Params, at: Place) -> Params:
    """Return the same with another place, and with the maps that are already known."""
    other = replace(p, at=at)
    other.__dict__["slices"], other.__dict__["crooked"] = p.slices, p.crooked
    return other


def draw_kernel(rng: Draw) -> Plane:
    """Return three rows of three weights -1, 0 and 1, of both signs, which turning by 180 degrees changes."""
    while True:
        weights = [rng.choice((1, -1)) for _ in range(SIDE * SIDE - BLANKS)]
        flat = rng.shuffled([*weights, *[0] * BLANKS])
        kernel = tuple(tuple(flat[r * SIDE : (r + 1) * SIDE]) for r in range(SIDE))
        if min(weights) < 0 < max(weights) and kernel != planes.rotate(kernel):
            return kernel


def tells(p: Params) -> bool:
    """Do all mistakes give other sums of the channels, and other entries, at this place beyond the corner?"""
    rows = [p.partial(p.slices), *partial_slips(p).values()]
    entries = [entry(p), *entry_slips(p).values()]
    return entry(p) != 0 < max(p.at[1:]) and len(set(rows)) == len(rows) and len(set(entries)) == len(entries)


# One entry -------------------------------------------------------------------------------------------------


def bias(p: Params) -> int:
    return p.biases[p.at[0]]


def entry(p: Params) -> int:
    return sum(p.partial(p.slices)) + bias(p)


def partial_slips(p: Params) -> dict[str, tuple[int, ...]]:
    """Return what mistakes make of the sums of the channels at the place asked for."""
    right = p.partial(p.slices)
    return {
        **{name: p.partial(slices) for name, slices in p.crooked.items()},
        "other-filter": replace_place(p, (1 - p.at[0], *p.at[1:])).partial(p.slices),
        "bias-in-each": tuple(value + bias(p) for value in right),
    }


def entry_slips(p: Params) -> dict[str, int | Fraction]:
    """Return what mistakes make of the entry, from the right sums of the channels."""
    sums, b = p.partial(p.slices), bias(p)
    return {
        "first-channel-only": sums[0] + b,
        "mean-over-channels": Fraction(sum(sums), p.channels) + b,
        "bias-forgotten": sum(sums),
        "bias-per-channel": sum(sums) + p.channels * b,
        "other-bias": sum(sums) + p.biases[1 - p.at[0]],
        "bias-subtracted": sum(sums) - b,
    }


def whole_entry_slip(name: str) -> Callable[[Params], int | None]:
    """Return the solver of a mistake; None where a whole number is asked for and this is none."""

    def solve(p: Params) -> int | None:
        value = Fraction(entry_slips(p)[name])
        return int(value) if value.denominator == 1 else None

    return solve


def cost(p: Params) -> int:
    """The products of a weight that is not zero with a pixel of the volume; the zeros of the padding cost nothing."""
    height, width = p.size
    products = 0
    for kernels in p.filters:
        for kernel in kernels:
            for u, v in itertools.product(range(p.side), repeat=2):
                if kernel[u][v]:
                    rows = sum(0 <= 2 * i + u - 1 < height for i in range(p.maps[0]))
                    products += rows * sum(0 <= 2 * j + v - 1 < width for j in range(p.maps[1]))
    return products


# Workings --------------------------------------------------------------------------------------------------


def tex(value: Any) -> str:
    return Matrix().tex(value)


def signed(value: int) -> str:
    return f"({value})" if value < 0 else str(value)


def shape_workings(p: Params) -> str:
    layer = p.layer
    lines = "\n".join(
        f"- {name}: ${_steps.size(i, layer.kernel, layer.stride, layer.padding)}$"
        for name, i in zip(("rows", "columns"), layer.size, strict=True)
    )
    return (
        f"Every filter adds its {layer.channels} channels up to one map, so there are as many maps as filters, "
        f"{layer.filters}. Along each axis:\n\n$${_steps.SIZE}$$\n\n{lines}"
    )


def parameters_workings(p: Params) -> str:
    layer, k = p.layer, p.layer.kernel
    each = layer.channels * k * k
    return (
        f"A filter has a kernel for each of the {layer.channels} channels, "
        f"${_steps.product(layer.channels, k, k)}$ weights, and one bias: ${_steps.tex(each)} + 1 = "
        f"{_steps.tex(each + 1)}$. All filters: ${_steps.product(layer.filters, each + 1)}$. "
        "The size of the image does not matter."
    )


def partial_workings(p: Params) -> str:
    f, row, column = p.at
    top, left = 2 * row, 2 * column
    lines = []
    for c, (plane, kernel) in enumerate(zip(p.volume, p.filters[f], strict=True)):
        window = planes.window(planes.pad(plane, PADDING), top, left, (p.side, p.side))
        pairs = zip(planes.entries(window), planes.entries(kernel), strict=True)
        terms = [rf"{v} \cdot {signed(w)}" for v, w in pairs if v and w]
        value = p.partial(p.slices)[c]
        total = f"$${' + '.join(terms)} = {value}$$" if terms else "All products are 0, and so is their sum."
        lines.append(f"Channel {c + 1}:\n\n$${tex(window)} \\quad {tex(kernel)}$$\n\n{total}")
    return (
        f"Row {row + 1}, column {column + 1}: the window starts in row $2 \\cdot {row} + 1 = {top + 1}$ and column "
        f"$2 \\cdot {column} + 1 = {left + 1}$ of the padded volume. Window and kernel of each channel, and the "
        "products that are not zero:\n\n" + "\n\n".join(lines)
    )


def sum_of_channels(p: Params, at: Place) -> str:
    """Write the sums of the channels and the bias, and what they add up to."""
    place = replace_place(p, at)
    terms = [signed(value) for value in (*place.partial(p.slices), bias(place))]
    return f"{' + '.join(terms)} = {entry(place)}"


def entry_workings(p: Params) -> str:
    return f"The channels are added, and then the bias of filter {p.at[0] + 1}, once: ${sum_of_channels(p, p.at)}$."


def volume_workings(p: Params) -> str:
    blocks = []
    for f, maps in enumerate(p.slices):
        parts = " + ".join(tex(plane) for plane in maps)
        blocks.append(
            f"Filter {f + 1}: the maps of the channels, the bias ${p.biases[f]}$ in every place, and the sum.\n\n"
            f"$${parts} + {signed(p.biases[f])}$$\n\n$$= {tex(p.output[f])}$$"
        )
    return "\n\n".join(blocks)


# What is asked ---------------------------------------------------------------------------------------------


def hinted(
    hints: Mapping[str, str], solver: Callable[[str], Callable[[Params], Any]]
) -> tuple[Misconception[Params], ...]:
    return tuple(Misconception(name, solver(name), hint) for name, hint in hints.items())


def partial_slip(name: str) -> Callable[[Params], Any]:
    return lambda p: partial_slips(p)[name]


def volume_slip(name: str) -> Callable[[Params], Any]:
    return lambda p: p.slips[name]


def has_all_channels(p: Params, earlier: Mapping[str, Any]) -> bool:
    own = earlier["channels"]
    return len(own) == p.channels and sum(own).denominator == 1


def shape_slip(name: str) -> Callable[[Params], Any]:
    return lambda p: p.layer.slips[name]


SHAPE_HINTS = {
    "channels-kept": "The depth of the output is the number of filters, not that of the channels.",
    "channels-apart": "A filter adds its channels up to one map; it does not make one for each.",
    "one-map": "Every filter makes a map of its own.",
    "stride-ignored": "You let the window move by one pixel: divide the room i + 2p − k by the stride.",
    "padding-ignored": "You left the padding out: the window moves over i + 2p rows and columns.",
    "no-plus-one": "You counted the steps between the windows: there is one position more than there are steps.",
    "rounded-up": "A window that would stand over the end is left out: round down, not up.",
    "axes-exchanged": "Rows come first, then columns: you exchanged them.",
}
WINDOW_HINTS = {
    "kernels-flipped": (
        "You turned the kernels by 180 degrees, which is the true convolution. A layer lays them down as they are."
    ),
    "stride-not-in-offset": "You moved the window by one: row r starts 2(r − 1) rows below the padding's top.",
    "padding-at-start": "You put all zeros above and to the left: one row and one column belong to every side.",
}
PARTIAL_HINTS = {
    **WINDOW_HINTS,
    "other-filter": "These are the sums of the other filter.",
    "bias-in-each": "You added the bias to each channel: it is added once, after the sum over the channels.",
}
ENTRY_HINTS = {
    "first-channel-only": "This is channel 1 with the bias: the sums of all channels are added.",
    "mean-over-channels": "You took the mean of the channels: they are added.",
    "bias-forgotten": "The bias is missing: it is added once, after the sum over the channels.",
    "bias-per-channel": "You added the bias once for each channel: it is added once, after the sum.",
    "other-bias": "You added the bias of the other filter.",
    "bias-subtracted": "You subtracted the bias: it is added.",
}
VOLUME_HINTS = {
    **WINDOW_HINTS,
    "first-channel-only": "Only channel 1 is in your maps: the maps of all channels are added.",
    "mean-over-channels": "You took the mean of the channels: they are added.",
    "bias-forgotten": "The biases are missing: each filter adds its own, once, in every place.",
    "bias-per-channel": "You added the bias once for each channel: it is added once, after the sum.",
    "biases-exchanged": "You exchanged the biases of the two filters.",
    "channels-apart": "You kept the channels apart: a filter adds them up to one map.",
}

INTRO = """\
A volume of {{ p.channels }} channels of {{ p.size[0] }} × {{ p.size[1] }} numbers:

{% for plane in p.volume %}
{{ drawn_grid(plane, "Channel " ~ loop.index, window=(0, 0, p.side, p.side), padding=(1, 1),
   note="Frame: first window" if loop.first else "") }}
{% endfor %}
A convolutional layer has **two filters**, each with a 3 × 3 kernel for every channel and one bias.
{% for kernels in p.filters_tex %}

Filter {{ loop.index }}, with its kernels for channels 1{% if p.channels == 3 %}, 2 and 3{% else %} and 2{% endif %}, \
and its bias $b_{{ loop.index }} = {{ p.biases[loop.index0] }}$:

$${{ kernels }}$$

{% endfor %}
The stride is **2** in both directions, and there is **one row or column of zeros on every side** of each channel.
"""

EXERCISE = Exercise(
    name="channels",
    title="Convolution over channels",
    summary="a volume, two filters with biases, stride 2, padding 1: sums of the channels, then the output",
    draw=draw,
    intro=INTRO,
    conventions=(
        "Convolution means cross-correlation, as in every deep-learning library: the kernels are not flipped.",
        "A window that would stand over the end of the padded volume is left out (round down).",
        "Filters, channels, rows and columns are counted from 1, from the top left. Sizes are rows × columns.",
    ),
    parts=(
        Part(
            name="shape",
            ask=(
                "First a layer of another size: {{ p.layer.channels }} channels of {{ p.layer.size[0] }} × "
                "{{ p.layer.size[1] }} meet {{ p.layer.filters }} filters of {{ p.layer.kernel }} × "
                "{{ p.layer.kernel }}, with stride {{ p.layer.stride }} and padding {{ p.layer.padding }} on every "
                "side. What is the shape of its output?"
            ),
            solve=lambda p: p.layer.output,
            answer=Shape(("maps", "rows", "columns")),
            workings=shape_workings,
            misconceptions=hinted(SHAPE_HINTS, shape_slip),
        ),
        Part(
            name="parameters",
            ask="How many parameters does that layer learn, biases included?",
            solve=lambda p: p.layer.parameters,
            answer=Integer(),
            workings=parameters_workings,
            misconceptions=(
                Misconception(
                    "biases-forgotten",
                    lambda p: p.layer.parameters - p.layer.filters,
                    "The biases are learned too: one for each filter.",
                ),
                Misconception(
                    "channels-forgotten",
                    lambda p: p.layer.filters * (p.layer.kernel**2 + 1),
                    "A filter has a kernel of its own for every channel.",
                ),
                Misconception(
                    "one-filter",
                    lambda p: p.layer.parameters // p.layer.filters,
                    "This is one filter; the layer has more.",
                ),
                Misconception(
                    "bias-per-kernel",
                    lambda p: p.layer.filters * p.layer.channels * (p.layer.kernel**2 + 1),
                    "A filter has one bias, not one for every channel.",
                ),
                Misconception(
                    "one-bias",
                    lambda p: p.layer.parameters - p.layer.filters + 1,
                    "Every filter has a bias of its own: the layer has as many as filters.",
                ),
            ),
        ),
        Part(
            name="channels",
            ask=(
                "Back to the volume above. Take **filter {{ p.at[0] + 1 }}** and the entry in **row {{ p.at[1] + 1 }}, "
                "column {{ p.at[2] + 1 }}** of its map. How much does each channel add to it? List the "
                "{{ p.channels }} sums of products, channel 1 first, without the bias."
            ),
            solve=lambda p: p.partial(p.slices),
            answer=Matrix(depth=1),
            workings=partial_workings,
            misconceptions=hinted(PARTIAL_HINTS, partial_slip),
            marks=2,
        ),
        Part(
            name="entry",
            ask="So what is this entry of the output?",
            solve=entry,
            answer=Integer(),
            workings=entry_workings,
            misconceptions=hinted(ENTRY_HINTS, whole_entry_slip),
            carry=Carry(
                ("channels",),
                lambda p, earlier: int(sum(earlier["channels"])) + bias(p),
                "your sums are one for each channel, and add up to a whole number",
                has_all_channels,
            ),
        ),
        Part(
            name="volume",
            ask="Work out the whole output: the map of filter 1, then the map of filter 2.",
            solve=lambda p: p.output,
            answer=Matrix(depth=3),
            workings=volume_workings,
            misconceptions=hinted(VOLUME_HINTS, volume_slip),
            marks=4,
        ),
    ),
    functions=(FunctionPart(IM2COL, marks=3),),
    cost=cost,
    costs=COSTS,
)
