"""How many weights, biases, units and multiplications a layer has, and why sharing weights matters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from exercises import _steps
from exercises.contracts.count_parameters import COUNT_PARAMETERS
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
from solutions import counting, shapes

Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Params:
    """A convolution on an image, fully connected layers on the same image, and another layer's kernel tensor."""

    image: Triple  # channels, height, width
    filters: int
    kernel: tuple[int, int]
    stride: int
    padding: int
    groups: int
    hidden: tuple[int, ...]  # units of the fully connected layers
    tensor: tuple[int, int, int, int]  # F, C, KH, KW
    scale: int  # by how much height and width grow

    @property
    def seen(self) -> int:
        """How many channels a filter sees."""
        return self.image[0] // self.groups

    @property
    def area(self) -> int:
        return self.kernel[0] * self.kernel[1]

    @property
    def weights(self) -> int:
        return counting.conv_weights(self.image[0], self.filters, self.kernel, self.groups)

    @property
    def map(self) -> tuple[int, int]:
        return shapes.output_shape(self.image[1:], self.kernel, self.stride, self.padding)

    @property
    def units(self) -> int:
        return counting.units((self.filters, *self.map))

    @property
    def features(self) -> tuple[int, ...]:
        """The numbers that go into the fully connected layers, and their units."""
        return prod(self.image), *self.hidden

    @property
    def dense_boxes(self) -> list[tuple[tuple[int, ...], str, str]]:
        """The image, its numbers in a row, and the fully connected layers, as (size, what it is, its size)."""
        first, *hidden = self.features
        layers = [((units,), f"layer {n}", count(units, "unit")) for n, units in enumerate(hidden, 1)]
        return [(self.image, "image", " × ".join(map(str, self.image))), ((first,), "in a row", "? numbers"), *layers]


# Drawing ---------------------------------------------------------------------------------------------------


def draw(rng: Draw, level: Level) -> Params:
    """Draw numbers on which every mistake gives another answer, and whose work by hand is that of the level."""
    while True:
        p = draw_sizes(rng, level)
        if abs(cost(p) - COSTS[level]) <= COSTS[level] // 6 and all(all_differ(part, p) for part in PARTS):
            return p


def all_differ(part: Part[Params], p: Params) -> bool:
    """Do the right answer and every mistake's differ from each other?"""
    answers = [part.solve(p), *part.distractors(p).values()]
    return len(set(answers)) == len(answers)


def draw_sizes(rng: Draw, level: Level) -> Params:
    if level is Level.INTRO:
        side = rng.choice((3, 5))
        image = rng.integer(2, 4), *sides(rng, 8, 15)
        tensor = rng.integer(5, 12), rng.integer(2, 4), *sides(rng, 3, 7)
        return Params(image, rng.integer(5, 9), (side, side), 1, 0, 1, (rng.integer(5, 12),), tensor, 2)
    if level is Level.STANDARD:
        kernel = sides(rng, 3, 7)
        volume = rng.integer(3, 8), *sides(rng, 16, 30)
        two = rng.integer(20, 80), rng.integer(5, 12)
        tensor = rng.integer(12, 32), rng.integer(3, 9), *sides(rng, 3, 7)
        return Params(volume, rng.integer(10, 32), kernel, 1, rng.integer(1, 2), 1, two, tensor, rng.integer(2, 3))
    groups = rng.integer(3, 4)
    channels, filters = groups * rng.integer(2, 6), groups * rng.integer(6, 16)
    image = channels, *sides(rng, 24, 40)
    hidden = rng.integer(30, 99), rng.integer(12, 40), rng.integer(5, 12)
    tensor = rng.integer(24, 96), rng.integer(6, 24), *sides(rng, 3, 9)
    scale = rng.integer(2, 4)
    return Params(image, filters, sides(rng, 3, 7), rng.integer(2, 3), rng.integer(1, 3), groups, hidden, tensor, scale)


def sides(rng: Draw, low: int, high: int) -> tuple[int, int]:
    """Return two different numbers."""
    first = rng.integer(low, high)
    second = rng.integer(low, high - 1)
    return first, second + (second >= first)


def by_hand(*factors: int) -> int:
    """Return the one-digit multiplications of a product worked out by long multiplication from left to right.

    >>> by_hand(3, 5), by_hand(12, 34), by_hand(3, 5, 12)
    (1, 4, 5)
    """
    result, steps = factors[0], 0
    for factor in factors[1:]:
        steps += len(str(result)) * len(str(factor))
        result *= factor
    return steps


def cost(p: Params) -> int:
    """One-digit multiplications of the workings, each product once; a division by the stride counts two."""
    kernel = by_hand(*p.kernel, p.seen)
    sizes = 1 + (4 if p.stride > 1 else 0)
    dense = by_hand(*p.image, p.hidden[0]) + sum(by_hand(a, b) for a, b in pairwise(p.hidden))
    enlarged = by_hand(p.scale, p.scale) + by_hand(p.features[0] * p.hidden[0], p.scale**2)
    products = by_hand(p.seen * p.area, p.filters), by_hand(*p.map, p.filters), by_hand(p.units, p.seen * p.area)
    return kernel + sizes + sum(products) + dense + by_hand(*p.tensor) + enlarged


# Solvers ---------------------------------------------------------------------------------------------------


def grouped(solve: Callable[[Params], int]) -> Callable[[Params], int | None]:
    """Return the solver, or None where the layer has no groups that could be forgotten."""
    return lambda p: solve(p) if p.groups > 1 else None


def undersized(p: Params) -> int:
    """The units of someone who counts steps instead of positions."""
    return p.filters * (p.map[0] - 1) * (p.map[1] - 1)


def dense_with(biases: Callable[[int], int]) -> Callable[[Params], int]:
    """Return a solver for the fully connected layers, given the biases of a layer of so many units."""
    return lambda p: counting.mlp_weights(p.features) + sum(biases(units) for units in p.hidden)


def dense_on(pixels: Callable[[Params], int]) -> Callable[[Params], int]:
    """Return a solver for the fully connected layers on an input of so many numbers."""
    return lambda p: counting.mlp_parameters((pixels(p), *p.hidden))


def comparison(conv: Callable[[Params], int], dense: Callable[[Params], int]) -> Callable[[Params], str]:
    """Return a solver of the choice: by how much the weights of both layers are multiplied."""
    return lambda p: (
        f"convolution {p.weights * conv(p):,}, fully connected layer {p.features[0] * p.hidden[0] * dense(p):,}"
    )


# Workings --------------------------------------------------------------------------------------------------


def channels_seen(p: Params) -> str:
    if p.groups == 1:
        return f"{p.image[0]} channels"
    return f"$C/g = {p.image[0]}/{p.groups} = {p.seen}$ channels"


def weights_workings(p: Params) -> str:
    formula = "F C K_H K_W" if p.groups == 1 else r"F \frac{C}{g} K_H K_W"
    return (
        f"Every filter has a kernel of {p.kernel[0]} × {p.kernel[1]} weights for each of the {channels_seen(p)} that "
        f"it sees, and there are {p.filters} filters.\n\n"
        f"$${formula} = {_steps.product(p.filters, p.seen, *p.kernel)}$$"
    )


def parameters_workings(p: Params) -> str:
    total = p.weights + p.filters
    return (
        "A filter adds up all its products and then one bias, the same at every position: one bias a filter.\n\n"
        f"${_steps.tex(p.weights)} + {p.filters} = {_steps.tex(total)}$."
    )


def units_workings(p: Params) -> str:
    (_, h, w), (kh, kw) = p.image, p.kernel
    return (
        f"Height of a map: ${_steps.size(h, kh, p.stride, p.padding)}$.\n\n"
        f"Width of a map: ${_steps.size(w, kw, p.stride, p.padding)}$.\n\n"
        f"There is one map a filter: ${_steps.product(p.filters, *p.map)}$ units."
    )


def macs_workings(p: Params) -> str:
    each = p.seen * p.area
    return (
        f"A unit is one sum of products over a patch of {channels_seen(p)}: "
        f"${_steps.product(p.seen, *p.kernel)}$ multiplications. For all units:\n\n"
        f"$${_steps.product(p.units, each)}$$"
    )


def dense_workings(p: Params) -> str:
    lines = [f"The image has ${_steps.product(*p.image)}$ numbers, and each of them is joined to every unit."]
    for before, after in pairwise(p.features):
        total = counting.linear_parameters(before, after)
        lines.append(
            f"{count(before, 'input')} to {count(after, 'unit')}: "
            rf"$({_steps.tex(before)} + 1) \cdot {after} = {_steps.tex(total)}$, the + 1 for the bias of each unit."
        )
    if len(p.hidden) > 1:
        parts = [counting.linear_parameters(a, b) for a, b in pairwise(p.features)]
        lines.append(f"In all: ${' + '.join(_steps.tex(part) for part in parts)} = {_steps.tex(sum(parts))}$.")
    return "\n\n".join(lines)


def tensor_workings(p: Params) -> str:
    filters, channels, height, width = p.tensor
    return (
        f"The axes are (filters, channels, height, width). So {channels} channels go in and {filters} come out, one "
        f"for each filter; every entry is a weight: ${_steps.product(filters, channels, height, width)}$."
    )


def enlarged_workings(p: Params) -> str:
    before, factor = p.features[0] * p.hidden[0], p.scale**2
    return (
        f"The convolution uses the same {count(p.weights, 'weight')} at every position, however many positions "
        "there are. The fully connected layer has a weight for every pixel and unit, and there are "
        rf"${p.scale} \cdot {p.scale} = {factor}$ times as many pixels:"
        f"\n\n$${_steps.product(factor, before)}$$"
    )


PARTS: tuple[Part[Params], ...] = (
    Part(
        name="weights",
        ask="How many weights does the convolution have, **without biases**?",
        solve=lambda p: p.weights,
        answer=Integer(unit="weights"),
        workings=weights_workings,
        misconceptions=(
            Misconception(
                "channels-forgotten",
                lambda p: p.filters * p.area,
                "A filter reaches through its input channels: it has one kernel for each of them.",
            ),
            Misconception(
                "filters-forgotten",
                lambda p: p.seen * p.area,
                "Those are the weights of one filter; there are F of them.",
            ),
            Misconception(
                "side-for-area",
                lambda p: p.filters * p.seen * p.kernel[0],
                "A kernel has height times width weights, not just its height.",
            ),
            Misconception(
                "biases-counted",
                lambda p: p.weights + p.filters,
                "That counts the biases too; here the weights alone are asked for.",
            ),
            Misconception(
                "groups-forgotten",
                grouped(lambda p: p.weights * p.groups),
                "With g groups a filter sees only C/g of the C channels.",
            ),
        ),
    ),
    Part(
        name="parameters",
        ask="How many parameters does it have, **biases included**?",
        solve=lambda p: p.weights + p.filters,
        answer=Integer(unit="parameters"),
        workings=parameters_workings,
        carry=Carry(
            parts=("weights",),
            solve=lambda p, earlier: earlier["weights"] + p.filters,
            when=lambda p, earlier: earlier["weights"] >= 1,
            condition="your number of weights is at least 1",
        ),
        misconceptions=(
            Misconception("bias-forgotten", lambda p: p.weights, "Every filter has a bias: F more."),
            Misconception(
                "one-bias", lambda p: p.weights + 1, "One bias for each filter, not one for the whole layer."
            ),
            Misconception(
                "bias-per-channel",
                lambda p: p.weights + p.filters * p.seen,
                "A filter adds its channels up and then one bias: the channels have none of their own.",
            ),
            Misconception(
                "bias-per-position",
                lambda p: p.weights + p.units,
                "The bias is shared as the weights are: a filter uses the same one at every position.",
            ),
            Misconception(
                "weights-not-shared",
                lambda p: prod(p.map) * (p.weights + p.filters),
                "The same weights serve every position: do not multiply by the size of the map.",
            ),
        ),
    ),
    Part(
        name="units",
        ask="How many units (numbers) do its feature maps have together?",
        solve=lambda p: p.units,
        answer=Integer(unit="units"),
        workings=units_workings,
        misconceptions=(
            Misconception(
                "one-map-only", lambda p: prod(p.map), "That is one feature map; every filter makes one of its own."
            ),
            Misconception(
                "size-kept",
                lambda p: p.filters * p.image[1] * p.image[2],
                "That is the size of the image; the maps have another: work out their height and width first.",
            ),
            Misconception(
                "map-per-channel",
                lambda p: p.image[0] * p.units,
                "A filter adds its channels up into one map: do not multiply by the channels.",
            ),
            Misconception(
                "no-plus-one",
                undersized,
                "Height and width are each one too small: count positions, not steps.",
            ),
        ),
    ),
    Part(
        name="macs",
        ask="How many **multiplications** does the convolution take for one image?",
        solve=lambda p: p.units * p.seen * p.area,
        answer=Integer(unit="multiplications"),
        workings=macs_workings,
        carry=Carry(
            parts=("units",),
            solve=lambda p, earlier: earlier["units"] * p.seen * p.area,
            when=lambda p, earlier: earlier["units"] >= 1,
            condition="your number of units is at least 1",
        ),
        misconceptions=(
            Misconception(
                "each-weight-once",
                lambda p: p.weights,
                "That is the number of weights; each is used again at every position of the map.",
            ),
            Misconception(
                "filters-twice",
                lambda p: p.units * p.weights,
                "The units already count every filter: a unit takes the weights of its own filter only.",
            ),
            Misconception(
                "channels-forgotten",
                lambda p: p.units * p.area,
                "A unit sums over the channels of its filter: multiply by their number as well.",
            ),
            Misconception(
                "additions-counted",
                lambda p: 2 * p.units * p.seen * p.area,
                "Twice as many count the additions too; here only multiplications are asked for.",
            ),
            Misconception(
                "groups-forgotten",
                grouped(lambda p: p.units * p.image[0] * p.area),
                "With g groups a unit sums over C/g channels only.",
            ),
        ),
    ),
    Part(
        name="dense",
        ask=(
            "The same image goes instead, all its numbers in a row, into "
            "{% if p.hidden | length == 1 %}a fully connected layer of **{{ p.hidden[0] }} units**. "
            "How many parameters does that layer have{% else %}fully connected layers of "
            "**{{ p.hidden[:-1] | join(', ') }} and {{ p.hidden[-1] }} units**, one after the other. "
            "How many parameters do these layers have together{% endif %}, biases included?"
            "{{ boxes(p.dense_boxes) }}"
        ),
        solve=lambda p: counting.mlp_parameters(p.features),
        answer=Integer(unit="parameters"),
        workings=dense_workings,
        marks=2,
        misconceptions=(
            Misconception("bias-forgotten", dense_with(lambda units: 0), "Every unit has a bias of its own."),
            Misconception(
                "one-bias", dense_with(lambda units: 1), "Each unit of a layer has a bias, not each layer one."
            ),
            Misconception(
                "channels-forgotten",
                dense_on(lambda p: p.image[1] * p.image[2]),
                "Every channel of every pixel is an input: C·H·W numbers, not H·W.",
            ),
            Misconception(
                "bias-per-input",
                lambda p: counting.mlp_weights(p.features) + sum(p.features[:-1]),
                "Biases belong to the units of a layer, not to its inputs.",
            ),
        ),
    ),
    Part(
        name="tensor",
        ask=(
            "Another convolution (without groups) stores its kernels in a tensor of shape "
            "**({{ p.tensor | join(', ') }})**. From this alone: how many channels go in, how many come out, and how "
            "many weights are there?"
        ),
        solve=lambda p: counting.kernel_tensor(p.tensor),
        answer=Shape(("channels in", "channels out", "weights")),
        workings=tensor_workings,
        misconceptions=(
            Misconception(
                "in-and-out-swapped",
                lambda p: (p.tensor[0], p.tensor[1], prod(p.tensor)),
                "The first axis counts the filters, hence the channels that come out; the second those that go in.",
            ),
            Misconception(
                "channels-last",
                lambda p: (p.tensor[2], p.tensor[3], prod(p.tensor)),
                "Here channels come before height and width: (filters, channels, height, width).",
            ),
            Misconception(
                "one-filter",
                lambda p: (p.tensor[1], p.tensor[0], prod(p.tensor[1:])),
                "Those are the weights of one filter: multiply by the number of filters.",
            ),
            Misconception(
                "one-channel",
                lambda p: (p.tensor[1], p.tensor[0], p.tensor[0] * p.tensor[2] * p.tensor[3]),
                "A filter has a kernel for each input channel: every entry of the tensor is a weight.",
            ),
            Misconception(
                "biases-counted",
                lambda p: (p.tensor[1], p.tensor[0], prod(p.tensor) + p.tensor[0]),
                "The tensor holds the weights alone; the biases are stored apart.",
            ),
        ),
    ),
    Part(
        name="enlarged",
        ask=(
            "The image becomes **{{ p.scale }} times as high and {{ p.scale }} times as wide**. How many weights, "
            "without biases, do the convolution and the{% if p.hidden | length > 1 %} first{% endif %} fully connected "
            "layer of {{ p.hidden[0] }} units then need?"
        ),
        solve=comparison(lambda p: 1, lambda p: p.scale**2),
        answer=Choice(),
        workings=enlarged_workings,
        misconceptions=(
            Misconception(
                "convolution-grows",
                comparison(lambda p: p.scale**2, lambda p: p.scale**2),
                "More positions need no more weights: the convolution uses the same ones everywhere.",
            ),
            Misconception(
                "one-side-only",
                comparison(lambda p: 1, lambda p: p.scale),
                "Height and width both grow, so the pixels grow with the square.",
            ),
            Misconception(
                "dense-is-shared",
                comparison(lambda p: 1, lambda p: 1),
                "A fully connected layer has a weight of its own for every input, so more inputs need more weights.",
            ),
            Misconception(
                "layers-confused",
                comparison(lambda p: p.scale**2, lambda p: 1),
                "The other way round: the convolution shares its weights, the fully connected layer does not.",
            ),
        ),
    ),
)

COSTS = {Level.INTRO: 36, Level.STANDARD: 64, Level.CHALLENGE: 77}

EXERCISE = Exercise(
    name="parameters",
    title="Parameters",
    summary="weights, biases, units and multiplications of a convolution, against a fully connected layer",
    draw=draw,
    intro=(
        "An image of **{{ p.image[0] }} channels, {{ p.image[1] }} × {{ p.image[2] }}** pixels goes through a "
        "convolution of **{{ p.filters }} filters** with {{ p.kernel[0] }} × {{ p.kernel[1] }} kernels, "
        "stride {{ p.stride }}, "
        "{% if p.padding %}padding {{ p.padding }} on every side{% else %}no padding{% endif %}"
        "{% if p.groups > 1 %}, and **{{ p.groups }} groups**{% endif %}."
        "{{ boxes([(p.image, 'image', p.image | join(' × ')), "
        "((p.filters,) + p.map, 'convolution', p.filters ~ ' × ? × ?')]) }}"
    ),
    conventions=(
        "Sizes are height × width; kernel tensors are (filters, channels, height, width).",
        "A filter sees all input channels; with g groups, the C channels and the F filters are shared out among them.",
        "Padding is on both sides, and a position counts only where the whole kernel fits.",
        "Weights are counted with biases only where the question says so; a bias takes no multiplication.",
    ),
    parts=PARTS,
    functions=(FunctionPart(COUNT_PARAMETERS, marks=2),),
    cost=cost,
    costs=COSTS,
    cost_unit="one-digit multiplications",
)
