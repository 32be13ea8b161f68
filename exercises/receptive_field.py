"""Which pixels a unit sees after several layers, and how many layers it takes to see the whole image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Any

from grader.authoring import Carry, Draw, Exercise, Integer, Level, Matrix, Misconception, Part, Shape, count
from solutions import receptive
from solutions.receptive import Window

Pair = tuple[int, int]


@dataclass(frozen=True)
class Layer:
    """A convolution or a pooling along one axis."""

    is_pool: bool
    window: Window


@dataclass(frozen=True)
class Params:
    """Layers in a row, a unit of the last one, two neighbours to exchange, and a block to repeat."""

    layers: tuple[Layer, ...]
    unit: int
    swap: int  # this layer and the next one are exchanged
    length: int  # pixels that a unit shall see
    kernel: int  # of the repeated convolutions
    pool: int  # window and stride of the pooling after each of them, 0 for none
    growth: int  # by which the dilation grows from layer to layer, 1 for none

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        return tuple(layer.window for layer in self.layers)

    @cached_property
    def fields(self) -> tuple[receptive.Field, ...]:
        """The field after each layer."""
        return receptive.fields(self.windows)

    @cached_property
    def jumps(self) -> tuple[int, ...]:
        return tuple(field.jump for field in self.fields)

    @property
    def steps(self) -> tuple[int, ...]:
        """The jump before each layer."""
        return steps_before(self.windows)

    @property
    def field(self) -> receptive.Field:
        return self.fields[-1]

    @property
    def start(self) -> int:
        return self.field.start

    @property
    def exchanged_layers(self) -> tuple[Layer, ...]:
        layers = list(self.layers)
        layers[self.swap : self.swap + 2] = layers[self.swap + 1], layers[self.swap]
        return tuple(layers)

    @property
    def exchanged(self) -> tuple[Window, ...]:
        return tuple(layer.window for layer in self.exchanged_layers)

    @property
    def block(self) -> tuple[Window, ...]:
        pooling = (Window(self.pool, self.pool),) if self.pool else ()
        return Window(self.kernel), *pooling

    @property
    def each(self) -> int:
        """How many units of the layer before a block takes in besides one."""
        return self.kernel - 1 + (self.pool - 1 if self.pool else 0)

    @property
    def times(self) -> str:
        return times(self.growth)

    @property
    def table(self) -> str:
        return table(self)


# Drawing ---------------------------------------------------------------------------------------------------


def draw(rng: Draw, level: Level) -> Params:
    """Draw layers on which every mistake gives another answer."""
    while True:
        layers, swap = draw_layers(rng, level), rng.choice((0, 2))
        question = draw_question(rng, level)
        p = Params(layers, rng.integer(3, 12), swap, *question)
        fair = abs(cost(p) - COSTS[level]) <= COSTS[level] // 6
        if fair and p.field.size <= 160 and all(all_differ(part, p) for part in PARTS):
            return p


def all_differ(part: Part[Params], p: Params) -> bool:
    """Do the right answer and every mistake's differ from each other?"""
    answers = [part.solve(p), *part.distractors(p).values()]
    return len(set(answers)) == len(answers)


def draw_layers(rng: Draw, level: Level) -> tuple[Layer, ...]:
    """Draw (convolution, pooling) twice, with a convolution at the end from the standard level on."""
    hard = level is not Level.INTRO
    layers = []
    for place in range(2):
        stride = rng.integer(1, 2) if hard and place == 0 else 1
        layers.append(draw_conv(rng, level, stride, 3 if hard else 2))
        pool = rng.integer(2, 3)
        layers.append(Layer(True, Window(pool + rng.integer(0, 1) if hard else pool, pool)))
    return (*layers, draw_conv(rng, level, 1, 3)) if hard else tuple(layers)


def draw_conv(rng: Draw, level: Level, stride: int, low: int) -> Layer:
    if level is not Level.CHALLENGE:
        return Layer(False, Window(rng.integer(low, 9), stride))
    dilation = rng.integer(1, 3) if stride == 1 else 1
    return Layer(False, Window(rng.integer(low, 7), stride, rng.integer(1, 3), dilation))


def draw_question(rng: Draw, level: Level) -> tuple[int, int, int, int]:
    """Draw (length, kernel, pool, growth) of the block to repeat, and the length backwards from the answer."""
    if level is Level.INTRO:
        return rng.integer(60, 199), rng.integer(4, 8), 0, 1
    kernel, factor = rng.integer(3, 6), rng.integer(2, 3)
    pool, growth = (factor, 1) if level is Level.STANDARD else (0, factor)
    blocks = rng.integer(4, 8) if factor == 2 else rng.integer(3, 6)
    each = kernel - 1 + (factor - 1 if pool else 0)
    most = [1 + each * (factor**number - 1) // (factor - 1) for number in (blocks - 1, blocks)]
    return rng.integer(most[0] + 1, most[1]), kernel, pool, growth


def cost(p: Params) -> int:
    """Multiplications of the workings: jumps, reach of each layer, first pixel, the other order, the block."""
    strides = sum(window.stride > 1 for window in p.windows)
    dilated = sum(window.dilation > 1 for window in p.windows)
    padded = sum(window.padding > 0 for window in p.windows)
    grown = 2 * depth(p) if p.growth > 1 or p.pool else 1
    return strides + len(p.layers) + dilated + 1 + padded + 2 + grown


# Solvers ---------------------------------------------------------------------------------------------------


def steps_before(windows: Sequence[Window]) -> tuple[int, ...]:
    """The jump before each layer, 1 before the first."""
    return 1, *(field.jump for field in receptive.fields(windows)[:-1])


def without_pools(layers: Sequence[Layer]) -> int:
    """The field of someone for whom a pooling only makes the jumps longer."""
    steps = steps_before([layer.window for layer in layers])
    return 1 + sum(added(layer.window) * step for layer, step in zip(layers, steps, strict=True) if not layer.is_pool)


def size_of(reach: Callable[[Window], int], steps: Sequence[int], windows: Sequence[Window], first: int = 1) -> int:
    """Add up what each layer adds, its reach times the step before it."""
    return first + sum(reach(window) * step for window, step in zip(windows, steps, strict=True))


def added(window: Window) -> int:
    """How many units of the layer before a window takes in besides one."""
    return window.dilation * (window.kernel - 1)


def unless(wrong: Callable[[Params], int | None], right: Callable[[Params], bool]) -> Callable[[Params], int | None]:
    """Return the solver, or None where what it forgets is not there."""
    return lambda p: None if right(p) else wrong(p)


def has_no_dilation(p: Params) -> bool:
    return all(window.dilation == 1 for window in p.windows)


def has_no_padding(p: Params) -> bool:
    return p.start == 0


def jumps_of(stride: Callable[[Layer], int]) -> Callable[[Params], tuple[int, ...]]:
    """Return a solver of all jumps as products of something."""
    return lambda p: tuple(accumulate((stride(layer) for layer in p.layers), lambda a, b: a * b))


def conv_strides_forgotten(p: Params) -> tuple[int, ...] | None:
    if all(layer.is_pool or layer.window.stride == 1 for layer in p.layers):
        return None
    return jumps_of(lambda layer: layer.window.stride if layer.is_pool else 1)(p)


def unpadded(p: Params) -> receptive.Field:
    return receptive.Field(p.field.size, p.field.jump, 0)


def padded_in_pixels(p: Params) -> receptive.Field:
    return receptive.Field(p.field.size, p.field.jump, -sum(window.padding for window in p.windows))


def own_pixels_twice(p: Params) -> int | None:
    """What is shared if both ends belonged to one unit alone; None where that leaves nothing."""
    rest = p.field.size - 2 * p.field.jump
    return rest if rest > 0 else None


def exchanged_size(p: Params) -> int:
    return receptive.field(p.exchanged).size


def exchanged_layer(p: Params, place: int) -> str:
    """Write a layer and its number in the order as given."""
    return f"layer {place + 1} ({'pooling' if p.layers[place].is_pool else 'convolution'})"


def depth(p: Params) -> int:
    if p.growth > 1:
        return receptive.dilated_layers_to_see(p.length, p.kernel, p.growth)
    return receptive.blocks_to_see(p.length, p.block)


def growing(p: Params) -> int:
    """By what the step from block to block is multiplied."""
    return p.pool or p.growth


def grows(p: Params) -> bool:
    return growing(p) > 1


def no_growth(p: Params) -> int | None:
    """The blocks of someone for whom every block adds the same."""
    if growing(p) == 1:
        return None
    return -(-(p.length - 1) // p.each)


def pool_window_forgotten(p: Params) -> int | None:
    if not p.pool:
        return None
    seen, step, blocks = 1, 1, 0
    while seen < p.length:
        seen, step, blocks = seen + (p.kernel - 1) * step, step * p.pool, blocks + 1
    return None if blocks == depth(p) else blocks  # counting whole blocks may hide it


def only_growth(p: Params) -> int | None:
    """The blocks of someone for whom a unit sees a pixel times the growth of every block."""
    if growing(p) == 1:
        return None
    return next(number for number in range(1, p.length) if growing(p) ** number >= p.length)


def own_field(p: Params, earlier: Mapping[str, Any]) -> int:
    return int(size_of(added, (1, *earlier["jumps"][:-1]), p.windows))


def own_jumps_fit(p: Params, earlier: Mapping[str, Any]) -> bool:
    jumps = earlier["jumps"]
    return len(jumps) == len(p.layers) and all(jump == int(jump) >= 1 for jump in jumps)


def own_pixels(p: Params, earlier: Mapping[str, Any]) -> Pair:
    """The pixels by the student's own jumps and own field."""
    jumps = [int(jump) for jump in earlier["jumps"]]
    start = -sum(w.padding * step for w, step in zip(p.windows, (1, *jumps[:-1]), strict=True))
    return receptive.Field(earlier["field"], jumps[-1], start).pixels(p.unit)


def own_overlap(_: Params, earlier: Mapping[str, Any]) -> int:
    return receptive.overlap(receptive.Field(earlier["field"], int(earlier["jumps"][-1])))


def own_answers_fit(p: Params, earlier: Mapping[str, Any]) -> bool:
    return own_jumps_fit(p, earlier) and earlier["field"] >= 1


OWN_JUMPS = "your jumps are one whole number from 1 for each layer"
OWN_ANSWERS = f"{OWN_JUMPS}, and your receptive field is at least 1"


# Workings --------------------------------------------------------------------------------------------------


def table(p: Params) -> str:
    padded, dilated = not has_no_padding(p), not has_no_dilation(p)
    heads = ["layer", "", "kernel", "stride", *["padding"] * padded, *["dilation"] * dilated]
    rows = ["| " + " | ".join(heads) + " |", "|--:|:--|" + "--:|" * (len(heads) - 2)]
    for number, layer in enumerate(p.layers, 1):
        w = layer.window
        cells = [number, "max pooling" if layer.is_pool else "convolution", w.kernel, w.stride]
        cells += [w.padding] * padded + [w.dilation] * dilated
        rows.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(rows)


def jumps_workings(p: Params) -> str:
    lines = [
        rf"- Layer {number}: ${before} \cdot {window.stride} = {after}$"
        for number, (before, window, after) in enumerate(zip(p.steps, p.windows, p.jumps, strict=True), 1)
    ]
    return (
        "The pixels lie 1 apart. Neighbouring units of a layer look at windows that are its stride apart, counted in "
        "units of the layer before, so the jump is multiplied by the stride:\n\n" + "\n".join(lines)
    )


def times(factor: int) -> str:
    return {2: "twice", 3: "three times"}[factor]


def reach_text(window: Window, step: int) -> str:
    dilated = rf"{window.dilation} \cdot " if window.dilation > 1 else ""
    return rf"{dilated}({window.kernel} - 1) \cdot {step}"


def field_text(windows: Sequence[Window], steps: Sequence[int]) -> str:
    """Write the size of a field as a sum with its terms worked out."""
    terms = [reach_text(window, step) for window, step in zip(windows, steps, strict=True)]
    values = [str(added(window) * step) for window, step in zip(windows, steps, strict=True)]
    total = size_of(added, steps, windows)
    return f"$$r = 1 + {' + '.join(terms)}$$\n\n$$r = 1 + {' + '.join(values)} = {total}$$"


def field_workings(p: Params) -> str:
    dilation = "" if has_no_dilation(p) else ", with dilation $d$ taking $d(k-1)$ of them"
    return (
        "Start with one pixel. A window of $k$ takes in $k - 1$ units of the layer before besides one, and they lie "
        f"that layer's jump apart (1 for the image){dilation}:\n\n{field_text(p.windows, p.steps)}"
    )


def pixels_workings(p: Params) -> str:
    first, last = p.field.pixels(p.unit)
    start = "Unit 0 begins at pixel 0."
    if not has_no_padding(p):
        shifts = [(w.padding, step) for w, step in zip(p.windows, p.steps, strict=True) if w.padding]
        terms = " - ".join(rf"{padding} \cdot {step}" for padding, step in shifts)
        start = (
            "Every padding lets unit 0 begin that many units of the layer before earlier, each as wide as their jump: "
            f"$0 - {terms} = {p.start}$."
        )
    base = f"{p.start} + " if p.start else ""
    return (
        f"{start} Unit {p.unit} begins {p.unit} jumps further on: "
        rf"${base}{p.unit} \cdot {p.field.jump} = {first}$. It sees {p.field.size} pixels, the last of them "
        f"${first} + {p.field.size} - 1 = {last}$."
    )


def shared_workings(p: Params) -> str:
    return (
        f"The next unit's field begins {count(p.field.jump, 'pixel')} further on, so all but the first "
        f"{p.field.jump} of the {p.field.size} pixels are in both: "
        f"${p.field.size} - {p.field.jump} = {receptive.overlap(p.field)}$."
    )


def exchanged_workings(p: Params) -> str:
    steps = steps_before(p.exchanged)
    return (
        f"Now {exchanged_layer(p, p.swap + 1)} comes before {exchanged_layer(p, p.swap)}. The jumps before the layers "
        f"are {', '.join(str(step) for step in steps)}:\n\n{field_text(p.exchanged, steps)}\n\n"
        f"It was {p.field.size}: after the pooling, each step of the convolution's kernel is longer in pixels"
        f"{', and those of the pooling window are shorter' if p.windows[p.swap].stride > 1 else ''}."
    )


def depth_workings(p: Params) -> str:
    answer = depth(p)
    if growing(p) == 1:
        add = p.kernel - 1
        return (
            f"Every block adds ${p.kernel} - 1 = {add}$ pixels to the one that it starts with:\n\n"
            rf"$$1 + {add} n \ge {p.length} \quad\Rightarrow\quad n \ge \frac{{{p.length - 1}}}{{{add}}} "
            rf"\quad\Rightarrow\quad n = {answer}$$"
        )
    lines, seen, step, each = [], 1, 1, p.each
    for number in range(1, answer + 1):
        lines.append(rf"- Block {number}: ${seen} + {each} \cdot {step} = {seen + each * step}$")
        seen, step = seen + each * step, step * growing(p)
    reason = (
        f"A block adds ${p.kernel} - 1$ units by its convolution and ${p.pool} - 1$ by its pooling, "
        f"${p.kernel - 1} + {p.pool - 1} = {each}$ in all, and makes the jump {times(p.pool)} as long"
        if p.pool
        else f"A block adds ${p.kernel} - 1 = {each}$ times its dilation, which is {times(p.growth)} "
        "that of the block before"
    )
    return f"{reason}:\n\n" + "\n".join(lines) + f"\n\nThat is the first time that {p.length} are reached."


# The exercise ----------------------------------------------------------------------------------------------

PARTS: tuple[Part[Params], ...] = (
    Part(
        name="jumps",
        ask=(
            "By how many pixels of the image do the fields of neighbouring units lie apart (the **jump**), after each "
            "layer? Write a list of {{ p.layers | length }} numbers."
        ),
        solve=lambda p: p.jumps,
        answer=Matrix(depth=1),
        workings=jumps_workings,
        misconceptions=(
            Misconception(
                "strides-added",
                lambda p: tuple(accumulate((window.stride - 1 for window in p.windows), initial=1))[1:],
                "Each stride is taken in units of the layer before: multiply the strides.",
            ),
            Misconception(
                "own-stride-only",
                lambda p: tuple(window.stride for window in p.windows),
                "Those are steps in the layer before; its units already lie a jump apart.",
            ),
            Misconception(
                "kernels-multiplied",
                jumps_of(lambda layer: layer.window.kernel),
                "How far units lie apart is a matter of the strides, not of the kernels.",
            ),
            Misconception(
                "one-layer-late",
                lambda p: p.steps,
                "Those are the jumps before each layer; its own stride counts as well.",
            ),
            Misconception(
                "convolution-strides-forgotten",
                conv_strides_forgotten,
                "A convolution with a stride moves its units apart just as a pooling does.",
            ),
        ),
    ),
    Part(
        name="field",
        ask="How many pixels along the axis does one unit after the last layer see (its **receptive field**)?",
        solve=lambda p: p.field.size,
        answer=Integer(unit="pixels"),
        workings=field_workings,
        marks=2,
        carry=Carry(
            parts=("jumps",),
            solve=own_field,
            when=own_jumps_fit,
            condition=OWN_JUMPS,
        ),
        misconceptions=(
            Misconception(
                "jumps-forgotten",
                lambda p: size_of(added, (1,) * len(p.windows), p.windows),
                "After a stride, the units that a window takes in lie several pixels apart: multiply by the jump.",
            ),
            Misconception(
                "own-stride-first",
                lambda p: size_of(added, p.jumps, p.windows),
                "A window looks at units of the layer before: take the jump from before its own stride.",
            ),
            Misconception(
                "whole-kernels",
                lambda p: size_of(lambda w: added(w) + 1, p.steps, p.windows, 0),
                "One of the k units is there already: each layer adds k − 1 of them.",
            ),
            Misconception(
                "kernels-multiplied",
                lambda p: prod(added(window) + 1 for window in p.windows),
                "The windows overlap, so that the fields grow by sums, not by products.",
            ),
            Misconception(
                "pools-forgotten",
                lambda p: without_pools(p.layers),
                "A pooling window takes in further units as a kernel does, besides its stride.",
            ),
            Misconception(
                "dilation-forgotten",
                unless(lambda p: size_of(lambda w: w.kernel - 1, p.steps, p.windows), has_no_dilation),
                "The entries of a dilated kernel lie d units apart: it adds d(k − 1).",
            ),
        ),
    ),
    Part(
        name="pixels",
        ask=(
            "Which pixels does **unit {{ p.unit }}** of the last layer see, the first and the last? Pixels and units "
            "are counted from 0{% if p.start %}, and pixels in the padding before the image are negative{% endif %}."
        ),
        solve=lambda p: p.field.pixels(p.unit),
        answer=Shape(("first", "last")),
        workings=pixels_workings,
        marks=2,
        carry=Carry(
            parts=("jumps", "field"),
            solve=own_pixels,
            when=own_answers_fit,
            condition=OWN_ANSWERS,
        ),
        misconceptions=(
            Misconception(
                "counted-from-one",
                lambda p: p.field.pixels(p.unit - 1),
                "Unit 0 is the first one, so unit n begins n jumps further on.",
            ),
            Misconception(
                "one-pixel-more",
                lambda p: (p.field.pixels(p.unit)[0], p.field.pixels(p.unit)[1] + 1),
                "From the first pixel on, r pixels end at first + r − 1.",
            ),
            Misconception(
                "jump-forgotten",
                lambda p: (p.start + p.unit, p.start + p.unit + p.field.size - 1),
                "Neighbouring units lie a jump apart in the image, not one pixel.",
            ),
            Misconception(
                "fields-side-by-side",
                lambda p: (p.start + p.unit * p.field.size, p.start + (p.unit + 1) * p.field.size - 1),
                "The fields overlap: the next one begins a jump further on, not a whole field.",
            ),
            Misconception(
                "padding-forgotten",
                lambda p: None if has_no_padding(p) else unpadded(p).pixels(p.unit),
                "Padding moves the fields to the front: the first of them begins before the image.",
            ),
            Misconception(
                "padding-in-pixels",
                lambda p: None if has_no_padding(p) else padded_in_pixels(p).pixels(p.unit),
                "A later layer's padding is counted in its own units, which lie a jump apart in the image.",
            ),
        ),
    ),
    Part(
        name="shared",
        ask="How many pixels do two **neighbouring** units of the last layer both see?",
        solve=lambda p: receptive.overlap(p.field),
        answer=Integer(unit="pixels"),
        workings=shared_workings,
        carry=Carry(
            parts=("jumps", "field"),
            solve=own_overlap,
            when=own_answers_fit,
            condition=OWN_ANSWERS,
        ),
        misconceptions=(
            Misconception(
                "all-but-one",
                lambda p: p.field.size - 1,
                "Neighbours lie a jump apart in the image, not one pixel.",
            ),
            Misconception(
                "one-more",
                lambda p: receptive.overlap(p.field) + 1,
                "The first pixels that only one of them sees are as many as the jump.",
            ),
            Misconception(
                "both-ends",
                own_pixels_twice,
                "A field has only the pixels on one side for itself: take the jump off once.",
            ),
            Misconception(
                "last-window",
                lambda p: p.windows[-1].kernel * p.field.jump,
                "Work with the fields in the image: of r pixels, all but a jump are shared.",
            ),
        ),
    ),
    Part(
        name="exchanged",
        ask=(
            "Layers **{{ p.swap + 1 }} and {{ p.swap + 2 }}** are exchanged, so that the pooling comes first. "
            "How many pixels does a unit after the last layer see now?"
        ),
        solve=exchanged_size,
        answer=Integer(unit="pixels"),
        workings=exchanged_workings,
        misconceptions=(
            Misconception(
                "order-does-not-matter",
                lambda p: p.field.size,
                "After the pooling, each step of the kernel is longer in pixels: the order matters.",
            ),
            Misconception(
                "everything-scaled",
                lambda p: p.field.size * p.windows[p.swap + 1].stride,
                "Only what the moved convolution adds is multiplied by the pooling's stride.",
            ),
            Misconception(
                "pools-forgotten",
                lambda p: without_pools(p.exchanged_layers),
                "A pooling window takes in further units as a kernel does, besides its stride.",
            ),
            Misconception(
                "whole-kernels",
                lambda p: size_of(lambda w: added(w) + 1, steps_before(p.exchanged), p.exchanged, 0),
                "Each layer adds k − 1 units of the layer before to the one that is there.",
            ),
        ),
    ),
    Part(
        name="depth",
        ask=(
            "A unit shall see at least **{{ p.length }} pixels** along an axis. "
            "{% if p.pool %}A block is a convolution of kernel {{ p.kernel }}, stride 1, and a pooling of "
            "{{ p.pool }}, stride {{ p.pool }}. How many such blocks, one after the other, does it take?"
            "{% elif p.growth > 1 %}Convolutions of kernel {{ p.kernel }}, stride 1, follow each other, each of them a "
            "block; the first has dilation 1, and each has {{ p.times }} the dilation of the one before. How many "
            "blocks does it take?"
            "{% else %}Convolutions of kernel {{ p.kernel }}, stride 1, follow each other, each of them a block. "
            "How many blocks does it take?"
            "{% endif %}"
        ),
        solve=depth,
        answer=Integer(),
        workings=depth_workings,
        marks=2,
        misconceptions=(
            Misconception(
                "one-too-few",
                lambda p: depth(p) - 1,
                "With one block fewer a unit does not see enough yet: round up.",
            ),
            Misconception(
                "kernels-side-by-side",
                unless(lambda p: -(-p.length // p.kernel), grows),
                "The windows overlap: a further block adds k − 1 pixels to the field, not k.",
            ),
            Misconception(
                "half-kernels",
                unless(lambda p: -(-2 * (p.length - 1) // (p.kernel - 1)), grows),
                "A block adds half a kernel on both sides, k − 1 pixels in all.",
            ),
            Misconception(
                "every-block-adds-the-same",
                no_growth,
                "Each further block adds more pixels than the one before: its steps in the image are longer.",
            ),
            Misconception(
                "pool-window-forgotten",
                pool_window_forgotten,
                "The pooling of a block has a window too: it does not only make the steps longer, but "
                "takes in further units as well.",
            ),
            Misconception(
                "only-growth-counted",
                only_growth,
                "You multiplied 1 by the growth for every block. That is how long the steps become, not how much "
                "a unit sees: each block adds several such steps to the field.",
            ),
        ),
    ),
)


COSTS = {Level.INTRO: 10, Level.STANDARD: 21, Level.CHALLENGE: 26}

EXERCISE = Exercise(
    name="receptive_field",
    title="Receptive field",
    summary="which pixels a unit sees after several layers, where its field begins, and how deep is deep enough",
    draw=draw,
    intro="An image goes through these layers. Everything is asked along one axis.\n\n{{ p.table }}",
    conventions=(
        "Layers are numbered in the order in which the image goes through them.",
        "A window of kernel k looks at k units of the layer before, the first layer at k pixels.",
        "The receptive field counts every pixel from the first to the last that can change the unit, in the padding "
        "too, and gaps of a dilated kernel as well.",
    ),
    parts=PARTS,
    cost=cost,
    costs=COSTS,
    cost_unit="multiplications",
)
