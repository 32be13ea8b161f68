"""A worksheet through one network: from its shapes to its receptive field, and a definition with a mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import prod

from exercises import _steps
from exercises._nets import (
    Definition,
    Net,
    Pair,
    Rows,
    Rule,
    Stage,
    drawn,
    keep_in_convs,
    places,
    positions,
    suspicions,
    trace,
    walk,
)
from exercises.parameters import by_hand
from exercises.receptive_field import Layer, added, field_text, size_of, steps_before, without_pools
from grader.authoring import Carry, Draw, Exercise, Integer, Level, Matrix, Misconception, Part, Shape, count
from solutions import counting, receptive

BYTES = 4  # of a float32


@dataclass(frozen=True)
class Params:
    """The network of the worksheet, and what is asked about it."""

    base: str  # the network that it is made after, or nothing
    net: Net
    last_only: bool  # whether multiplications are asked of the last convolution only
    kept: int  # how many outputs are kept in memory
    batch: int
    printed: Definition
    small: int  # side of the shrunken image that the fully connected network gets
    deep: int  # the layer, from 1, whose receptive field is asked for
    row: int  # of its output, from 0: which rows of the image does it depend on?

    @property
    def about(self) -> str:
        return f", which {BASES[self.base]}" if self.base else ""

    @property
    def table(self) -> str:
        return places(self.net)

    @property
    def boxes(self) -> list[tuple[tuple[int, ...], str, str]]:
        return drawn(self.net)

    @cached_property
    def total(self) -> int:
        """All parameters."""
        return counting.count_parameters(self.net.layers)

    @property
    def seeing(self) -> tuple[Stage, ...]:
        """The layers between the image and the output whose receptive field is asked for."""
        return self.net.stages[: self.deep]

    @cached_property
    def windows(self) -> tuple[receptive.Window, ...]:
        return tuple(stage.window for stage in self.seeing)

    @cached_property
    def field(self) -> receptive.Field:
        """What the numbers of that output see along the height."""
        return receptive.field(self.windows)

    @property
    def inputs(self) -> int:
        """How many numbers the fully connected network gets."""
        return self.net.image[0] * self.small**2

    @property
    def counted(self) -> tuple[int, ...]:
        """The places of the convolutions whose multiplications are asked for."""
        places = [place for place, stage in enumerate(self.net.stages) if not stage.is_pool]
        return tuple(places[-1:] if self.last_only else places)


# Drawing ---------------------------------------------------------------------------------------------------

BASES = {
    "LeNet-5": "is built as LeNet-5 was (LeCun and others, 1998), but pools by the maximum and has other numbers",
    "AlexNet": "begins as AlexNet does (Krizhevsky and others, 2012), with fewer filters and a smaller image",
    "VGG-16": "begins as VGG-16 does (Simonyan and Zisserman, 2014), with fewer filters and a smaller image",
    "LargeNet": "is made after LargeNet, a course's network for the images of CIFAR-10, with other numbers",
    "MNIST": "is made after a course's network for the digits of MNIST (10 and 20 filters, 38,390 parameters), with "
    "other numbers",
}
KNOWN = {  # the networks that those of a level are made after; the empty name is for those made after none
    Level.INTRO: ("",),
    Level.STANDARD: ("", "", "", "LargeNet", "MNIST"),  # the windows of the last two are always the same
    Level.CHALLENGE: ("LeNet-5", "AlexNet", "VGG-16"),
}


def draw(rng: Draw, level: Level) -> Params:
    """Draw a network on which every mistake gives another answer, and whose work by hand is that of the level."""
    while True:
        p = draw_params(rng, level)
        if abs(cost(p) - COSTS[level]) <= COSTS[level] // 6 and all(all_differ(part, p) for part in PARTS):
            return p


def all_differ(part: Part[Params], p: Params) -> bool:
    """Do the right answer and every mistake's differ from each other, a list in more than a slip?"""
    key, wrongs = part.solve(p), list(part.distractors(p).values())
    if len({key, *wrongs}) != len(wrongs) + 1:
        return False
    if part.name not in ("shapes", "parameters"):
        return True
    return all(len(flat(wrong)) != len(flat(key)) or differing(flat(wrong), flat(key)) > 1 for wrong in wrongs)


def flat(rows: Sequence[int | Sequence[int]]) -> list[int]:
    return [number for row in rows for number in (row if isinstance(row, tuple) else (row,))]


def differing(first: Sequence[int], second: Sequence[int]) -> int:
    return sum(a != b for a, b in zip(first, second, strict=True))


def draw_params(rng: Draw, level: Level) -> Params:
    while True:
        base = rng.choice(KNOWN[level])
        net = draw_named(rng, base) if base else draw_net(rng, level)
        if leaves_a_rest(net) and (inner := inner_rows(net)):
            break
    kept = 1 if level is Level.INTRO else len(net.stages)
    batch = 1 if level is Level.STANDARD else rng.choice((10, 16, 32, 64))
    printed = draw_definition(rng, level)
    deep = rng.choice(sorted({deep for deep, _ in inner}))
    row = rng.choice([row for of, row in inner if of == deep])
    return Params(base, net, level is not Level.CHALLENGE, kept, batch, printed, rng.integer(6, 9), deep, row)


def inner_rows(net: Net) -> list[Pair]:
    """Return (layer, row) of every output, but its first row, that depends on rows of the image and of no padding.

    Only layers are among them before which the rows have moved apart, so that the strides matter.
    """
    found = []
    for deep in range(2, len(net.stages) + 1):
        windows = [stage.window for stage in net.stages[:deep]]
        field = receptive.field(windows)
        if steps_before(windows)[-1] > 1:
            rows = range(1, net.shapes[deep - 1][1])
            inside = (r for r in rows if field.pixels(r)[0] >= 0 and field.pixels(r)[1] < net.image[1])
            found += [(deep, row) for row in inside]
    return found


def leaves_a_rest(net: Net) -> bool:
    """Does some window not divide what it moves over, on both axes, so that rounding shows?"""
    before = (net.image, *net.shapes)
    return any(
        (h + 2 * s.padding - s.kernel) % s.stride and (w + 2 * s.padding - s.kernel) % s.stride
        for s, (_, h, w) in zip(net.stages, before, strict=False)
    )


def draw_net(rng: Draw, level: Level) -> Net:
    """Draw a convolution, a pooling, a convolution and a pooling; then two fully connected layers."""
    if level is Level.INTRO:
        side = rng.integer(18, 27)
        first, second = (Stage(rng.integer(*filters), rng.choice((3, 5))) for filters in ((5, 9), (10, 16)))
        hidden = rng.integer(12, 40), rng.integer(4, 12)
        return Net((rng.integer(1, 3), side, side), (first, Stage(0, 2, 2), second, Stage(0, 2, 2)), hidden)
    side = rng.integer(20, 32)
    kernels = rng.choice((3, 5)), rng.choice((3, 5))
    first = Stage(rng.integer(5, 12), kernels[0], 1, rng.integer(1, 2))
    second = Stage(rng.integer(13, 24), kernels[1], 1, rng.integer(0, 2))
    pools = Stage(0, rng.integer(2, 3), 2), Stage(0, rng.integer(2, 3), 2)
    hidden = rng.integer(40, 99), rng.integer(5, 12)
    return Net((rng.integer(1, 3), side, side), (first, pools[0], second, pools[1]), hidden)


def draw_named(rng: Draw, base: str) -> Net:
    """Draw a network that is made after a known one: published ones for an image that is not square."""
    if base in KNOWN[Level.STANDARD]:
        side, channels = (rng.integer(27, 36), 3) if base == "LargeNet" else (rng.integer(23, 32), 1)
        fives = Stage(rng.integer(5, 12), 5), Stage(0, 2, 2), Stage(rng.integer(13, 24), 5), Stage(0, 2, 2)
        return Net((channels, side, side), fives, (rng.integer(30, 99), rng.integer(5, 12)))
    first, second = rng.integer(6, 16), rng.integer(17, 32)
    if base == "LeNet-5":
        three = rng.integer(60, 99), rng.integer(20, 59), rng.integer(5, 12)
        stages = (Stage(first, 5), Stage(0, 2, 2), Stage(second, 5), Stage(0, 2, 2))
        return Net((rng.integer(1, 3), *sides(rng, 26, 38)), stages, three)
    hidden = rng.integer(60, 99), rng.integer(5, 12)
    if base == "AlexNet":
        stages = (Stage(first, 11, 4), Stage(0, 3, 2), Stage(second, 5, 1, 2), Stage(0, 3, 2))
        return Net((3, *sides(rng, 75, 127)), stages, hidden)
    block = Stage(first, 3, 1, 1), Stage(first, 3, 1, 1), Stage(0, 2, 2)
    return Net((3, *sides(rng, 13, 23)), (*block, Stage(second, 3, 1, 1), Stage(0, 2, 2)), hidden)


def sides(rng: Draw, low: int, high: int) -> Pair:
    """Return two different numbers."""
    first = rng.integer(low, high)
    second = rng.integer(low, high - 1)
    return first, second + (second >= first)


def draw_definition(rng: Draw, level: Level) -> Definition:
    """Draw a definition, and a wrong number in it that someone might have written."""
    while True:
        right = draw_right_definition(rng, level)
        guesses = [guess for guess in suspicions(right).values() if guess is not None]
        if len(set(guesses)) == len(guesses):
            return Definition(right.net, *rng.choice(guesses))


def draw_right_definition(rng: Draw, level: Level) -> Definition:
    side = rng.integer(18, 33)
    channels = 3 if rng.boolean() else 1
    stages = (
        Stage(rng.integer(4, 9), 5, 1, 0 if level is Level.INTRO else rng.integer(0, 1)),
        Stage(0, 2, 2),
        Stage(rng.integer(10, 16), 3, 1, 0 if level is not Level.CHALLENGE else rng.integer(0, 1)),
        Stage(0, 2, 2),
    )
    hidden = rng.integer(30, 90), rng.integer(5, 12)
    return Definition(Net((channels, side, side), stages, hidden), 1, 0)


def cost(p: Params) -> int:
    """One-digit multiplications of the workings; a division by a stride counts two for each axis."""
    net, printed = p.net, p.printed.net
    axes = 1 if net.image[1] == net.image[2] else 2
    divisions = 2 * axes * sum(stage.stride > 1 for stage in net.stages)
    parameters = sum(
        by_hand(s.kernel, s.kernel, seen) + by_hand(seen * s.kernel**2 + 1, s.filters)
        for s, seen in zip(net.stages, net.seen, strict=True)
        if not s.is_pool
    ) + sum(by_hand(before + 1, after) for before, after in pairwise(net.features))
    macs = sum(
        by_hand(prod(net.shapes[place][1:]), net.seen[place] * net.stages[place].kernel ** 2 * net.shapes[place][0])
        for place in p.counted
    )
    numbers = sum(prod(shape) for shape in net.shapes[: p.kept])
    memory = sum(by_hand(*shape) for shape in net.shapes[: p.kept]) + by_hand(numbers, BYTES, p.batch)
    apart = [(w, step) for w, step in zip(p.windows, steps_before(p.windows), strict=True) if step > 1]
    seen = len(apart) + sum(w.padding > 0 for w, _ in apart) + by_hand(p.row, p.field.jump)
    definition = 4 + by_hand(*printed.shapes[-1])
    budget = by_hand(p.small, p.small, net.image[0]) + len(str(p.inputs)) * len(str(budget_units(p)))
    return divisions + by_hand(*net.shapes[-1]) + parameters + macs + memory + seen + definition + budget


# Solvers: shapes -------------------------------------------------------------------------------------------


def by_rule(rule: Rule, applies: Callable[[Params], bool] = lambda p: True) -> Callable[[Params], Rows | None]:
    """Return a solver of all shapes by a wrong rule; None where it does not apply."""
    return lambda p: walk(p.net, rule) if applies(p) else None


def padded(p: Params) -> bool:
    return any(stage.padding for stage in p.net.stages)


def maps_for_each_channel(p: Params) -> Rows:
    """The shapes of someone for whom a filter makes a map of every channel."""
    channels, rows = p.net.image[0], []
    for stage, (_, height, width) in zip(p.net.stages, p.net.shapes, strict=True):
        channels *= stage.filters or 1
        rows.append((channels, height, width))
    return tuple(rows)


def last(of: Callable[[Params], Rows | None]) -> Callable[[Params], int | None]:
    """Return a solver of the flattened size: the last shape's numbers; None where that is the right one."""

    def solve(p: Params) -> int | None:
        rows = of(p)
        return None if rows is None or rows[-1] == p.net.shapes[-1] else prod(rows[-1])

    return solve


def pool_first(p: Params) -> Rows | None:
    """The shapes with every pooling before the convolution that it follows."""
    stages = list(p.net.stages)
    for place in range(len(stages) - 1):
        if stages[place + 1].is_pool and not stages[place].is_pool:
            stages[place : place + 2] = stages[place + 1], stages[place]
    return walk(p.net, positions, stages)


def own_shapes_fit(p: Params, earlier: Mapping[str, Rows]) -> bool:
    """Are these as many rows of three whole numbers from 1 as there are layers?"""
    rows = earlier["shapes"]
    return len(rows) == len(p.net.stages) and all(
        len(row) == 3 and all(number == int(number) >= 1 for number in row) for row in rows
    )


OWN_SHAPES = "your shapes are one row of three whole numbers from 1 for each layer"


# Solvers: counts -------------------------------------------------------------------------------------------

ConvCount = Callable[[int, Stage], int]


def parameter_list(
    p: Params,
    conv: ConvCount,
    dense: Callable[[int, int], int] = counting.linear_parameters,
    pool: Callable[[Stage], int] = lambda stage: 0,
    fed: int | None = None,
) -> tuple[int, ...]:
    """Return the parameters of every layer and of all, given those of a layer; `fed` numbers are flattened."""
    features = (p.net.features[0] if fed is None else fed, *p.net.hidden)
    found = [pool(s) if s.is_pool else conv(seen, s) for s, seen in zip(p.net.stages, p.net.seen, strict=True)]
    found += [0, *(dense(before, after) for before, after in pairwise(features))]
    return *found, sum(found)


def conv_parameters(seen: int, stage: Stage) -> int:
    return counting.conv_parameters(seen, stage.filters, stage.kernel)


def right_parameters(p: Params) -> tuple[int, ...]:
    return *counting.parameters_by_layer(p.net.layers), p.total


def macs(
    p: Params, conv: Callable[[int, Stage, int, int], int], dense: Callable[[int, int], int] = lambda a, b: a * b
) -> int:
    """Add up conv(channels seen, stage, positions before, positions after) and the fully connected layers asked for."""
    before = (p.net.image, *p.net.shapes)
    found = sum(
        conv(p.net.seen[place], p.net.stages[place], prod(before[place][1:]), prod(before[place + 1][1:]))
        for place in p.counted
    )
    return found if p.last_only else found + sum(dense(a, b) for a, b in pairwise(p.net.features))


def of_image_channels(p: Params) -> tuple[int, ...] | None:
    """The parameters if every convolution saw the image; None for a single channel, which is not to see any."""
    channels = p.net.image[0]
    return parameter_list(p, lambda seen, s: s.filters * (each(channels, s) + 1)) if channels > 1 else None


def on_input_positions(p: Params) -> int | None:
    """The multiplications if a kernel were laid on every input pixel; None where maps keep their size."""
    found = macs(p, lambda seen, s, before, after: before * s.filters * each(seen, s))
    return None if found == right_macs(p) else found


def right_macs(p: Params) -> int:
    if not p.last_only:
        return counting.count_macs(p.net.layers, p.net.image)
    place = p.counted[0]
    return counting.layer_macs(p.net.layers[place], (p.net.image, *p.net.shapes)[place])


def each(seen: int, stage: Stage) -> int:
    """The weights of one filter."""
    return seen * stage.kernel**2


def own_macs(p: Params, earlier: Mapping[str, Rows]) -> int:
    """The multiplications on the student's own shapes."""
    rows = earlier["shapes"]
    found = sum(
        prod(rows[place][1:]) * each(p.net.seen[place], p.net.stages[place]) * p.net.stages[place].filters
        for place in p.counted
    )
    features = (prod(rows[-1]), *p.net.hidden)
    return int(found if p.last_only else found + sum(a * b for a, b in pairwise(features)))


def numbers_kept(p: Params) -> int:
    return counting.activation_units(p.net.layers[: p.kept], p.net.image)


def own_memory(p: Params, earlier: Mapping[str, Rows]) -> int:
    return BYTES * p.batch * sum(int(prod(row)) for row in earlier["shapes"][: p.kept])


# Solvers: the receptive field ------------------------------------------------------------------------------


def field_by(
    reach: Callable[[receptive.Window], int], *, late: bool = False, first: int = 1
) -> Callable[[Params], int]:
    """Return a solver that adds up reach times step; `late` takes the step after each layer's own stride."""

    def solve(p: Params) -> int:
        steps = steps_before(p.windows)
        jumps = (*steps[1:], p.field.jump) if late else steps
        return size_of(reach, jumps, p.windows, first)

    return solve


def rows_of(field: Callable[[Params], receptive.Field]) -> Callable[[Params], Pair | None]:
    """Return a solver of the rows by another field; None where it is the right one."""
    return lambda p: None if field(p) == p.field else field(p).pixels(p.row)


def own_rows(p: Params, earlier: Mapping[str, int]) -> Pair:
    return receptive.Field(earlier["field"], p.field.jump, p.field.start).pixels(p.row)


# Solvers: the budget ---------------------------------------------------------------------------------------


def budget_units(p: Params) -> int:
    return counting.hidden_units_within(p.total, p.inputs, p.net.hidden[-1])


def units_on(inputs: Callable[[Params], int]) -> Callable[[Params], int | None]:
    """Return the solver of someone who gives the fully connected network so many inputs; None where few units fit."""

    def solve(p: Params) -> int | None:
        units = (p.total - p.net.hidden[-1]) // (inputs(p) + 1 + p.net.hidden[-1])
        return units if units > 1 else None

    return solve


def own_total_is_enough(p: Params, earlier: Mapping[str, Sequence[int]]) -> bool:
    numbers = earlier["parameters"]
    return len(numbers) > 0 and numbers[-1] >= p.inputs + 1 + 2 * p.net.hidden[-1]


# Workings --------------------------------------------------------------------------------------------------


def numbered(lines: Sequence[str]) -> str:
    return "\n".join(f"{number}. {line[0].upper()}{line[1:]}" for number, line in enumerate(lines, 1))


def shapes_workings(p: Params) -> str:
    return f"Every layer gets what the one before it gives:\n\n$${_steps.SIZE}$$\n\n{numbered(trace(p.net))}"


def features_workings(p: Params) -> str:
    return f"Flattening writes all numbers of the last maps in a row: ${_steps.product(*p.net.shapes[-1])}$."


def parameters_workings(p: Params) -> str:
    lines = []
    for stage, seen in zip(p.net.stages, p.net.seen, strict=True):
        if stage.is_pool:
            lines.append("max pooling has nothing to learn: 0.")
            continue
        total = _steps.tex(conv_parameters(seen, stage))
        one = rf"{seen} \cdot {stage.kernel} \cdot {stage.kernel} + 1"
        lines.append(f"convolution, {count(seen, 'channel')} in: ${stage.filters} \\cdot ({one}) = {total}$.")
    lines.append("flattening has nothing to learn: 0.")
    for before, after in pairwise(p.net.features):
        total = _steps.tex(counting.linear_parameters(before, after))
        lines.append(f"fully connected: $({_steps.tex(before)} + 1) \\cdot {after} = {total}$.")
    terms = " + ".join(_steps.tex(number) for number in right_parameters(p)[:-1] if number)
    return (
        "A filter has a weight for every entry of its patch in every channel that comes in, and a bias; a unit has a "
        f"weight for every input, and a bias.\n\n{numbered(lines)}\n\nIn all: ${terms} = {_steps.tex(p.total)}$."
    )


def macs_workings(p: Params) -> str:
    lines, terms = [], []
    for place in p.counted:
        stage, (_, height, width) = p.net.stages[place], p.net.shapes[place]
        factors = height, width, stage.filters, p.net.seen[place], stage.kernel, stage.kernel
        lines.append(f"Layer {place + 1}: ${_steps.product(*factors)}$")
        terms.append(prod(factors))
    intro = (
        "Every position of every map multiplies all weights of its filter: height · width · filters · channels in · "
        "kernel height · kernel width."
    )
    if p.last_only:
        return f"{intro}\n\n{lines[0]}."
    for place, (before, after) in enumerate(pairwise(p.net.features), len(p.net.stages) + 2):
        lines.append(f"Layer {place}: ${_steps.product(before, after)}$")
        terms.append(before * after)
    total = f"${' + '.join(_steps.tex(term) for term in terms)} = {_steps.tex(sum(terms))}$"
    return (
        f"{intro} A fully connected layer uses each weight once.\n\n" + "\n".join(f"- {line}" for line in lines)
    ) + f"\n\nIn all: {total}."


def memory_workings(p: Params) -> str:
    parts = [prod(shape) for shape in p.net.shapes[: p.kept]]
    if len(parts) == 1:
        lines = [f"Numbers for one image: ${_steps.product(*p.net.shapes[0])}$."]
    else:
        lines = [f"- Layer {place}: ${_steps.product(*row)}$" for place, row in enumerate(p.net.shapes, 1)]
        lines = ["Numbers that come out, layer by layer:", "\n".join(lines)]
        sums = " + ".join(_steps.tex(part) for part in parts)
        lines.append(f"Numbers for one image: ${sums} = {_steps.tex(sum(parts))}$.")
    factors = (sum(parts), BYTES) if p.batch == 1 else (sum(parts), BYTES, p.batch)
    images = "" if p.batch == 1 else f", and there are {p.batch} images"
    lines.append(f"Each takes {BYTES} bytes{images}: ${_steps.product(*factors)}$.")
    return "\n\n".join(lines)


def field_workings(p: Params) -> str:
    steps = steps_before(p.windows)
    return (
        "Start with one row. A window of $k$ rows takes in $k - 1$ rows of the layer before besides one, and these lie "
        f"as far apart in the image as the strides before them multiply to, for the layers 1 to {p.deep}: "
        f"{', '.join(map(str, steps))}.\n\n{field_text(p.windows, steps)}"
    )


def rows_workings(p: Params) -> str:
    first, last = p.field.pixels(p.row)
    shifts = [(w.padding, step) for w, step in zip(p.windows, steps_before(p.windows), strict=True) if w.padding]
    start = "Row 0 begins at row 0 of the image."
    if shifts:
        terms = " - ".join(rf"{padding} \cdot {step}" for padding, step in shifts)
        start = (
            "Every padding lets row 0 begin that many rows of the layer before earlier, and these lie as far apart in "
            f"the image as the strides before them multiply to: at $0 - {terms} = {p.field.start}$, above the image."
        )
    strides = [stage.stride for stage in p.seeing if stage.stride > 1]
    jump = f"${_steps.product(*strides)}$" if len(strides) > 1 else str(strides[0])
    base = f"{p.field.start} + " if p.field.start else ""
    return (
        f"{start} The strides up to layer {p.deep} multiply to {jump}, so row {p.row} begins "
        rf"at row ${base}{p.row} \cdot {p.field.jump} = {first}$ of the image. With {p.field.size} "
        f"rows, the last of them is ${first} + {p.field.size} - 1 = {last}$."
    )


def definition_workings(p: Params) -> str:
    printed = p.printed
    net = printed.net
    reasons = {
        printed.conv: f"a convolution takes the channels that the one before it makes, here {net.shapes[0][0]}",
        printed.linears[0]: f"what is flattened is ${_steps.product(*net.shapes[-1])}$ numbers",
        printed.linears[-1]: f"a fully connected layer takes the units of the one before it, here {net.features[-2]}",
    }
    lines = "\n".join(f"- {line[0].upper()}{line[1:]}" for line in trace(net))
    return (
        f"Follow the shapes from the image {net.image} on:\n\n{lines}\n\nSo line {printed.line} is wrong: "
        f"{reasons[printed.line]}. It says {printed.wrong:,} and must say **{printed.right:,}**."
    )


def budget_workings(p: Params) -> str:
    inputs, outputs, total = p.inputs, p.net.hidden[-1], p.total
    units, unit = budget_units(p), inputs + 1 + outputs
    more = counting.mlp_parameters((inputs, units + 1, outputs))
    fits = counting.mlp_parameters((inputs, units, outputs))
    return (
        f"There are ${_steps.product(p.net.image[0], p.small, p.small)}$ inputs. A hidden unit brings "
        f"{inputs} weights, its bias, and a weight for each of the {outputs} outputs: "
        f"${inputs} + 1 + {outputs} = {unit}$ parameters. "
        f"The biases of the {outputs} outputs are there anyway:\n\n"
        rf"$${unit} \cdot h + {outputs} \le {_steps.tex(total)} \quad\Rightarrow\quad "
        rf"h \le \frac{{{_steps.tex(total - outputs)}}}{{{unit}}} \quad\Rightarrow\quad h = {_steps.tex(units)}$$"
        f"\n\nCheck: {units:,} units make {fits:,} parameters, {units + 1:,} would make {more:,}."
    )


# The exercise ----------------------------------------------------------------------------------------------


def suspects(name: str) -> Callable[[Params], Pair | None]:
    """Return the solver of someone who wants another number in the definition; None where it is printed already."""

    def solve(p: Params) -> Pair | None:
        guess = p.printed.suspected[name]
        return None if guess == (p.printed.line, p.printed.wrong) else guess

    return solve


PARTS: tuple[Part[Params], ...] = (
    Part(
        name="shapes",
        ask=(
            "What is the shape after each of the layers 1 to {{ p.net.stages | length }}? Write one row "
            "`[channels, height, width]` for each of them, in order."
        ),
        solve=lambda p: p.net.shapes,
        answer=Matrix(),
        workings=shapes_workings,
        marks=3,
        misconceptions=(
            Misconception(
                "padding-once",
                by_rule(lambda i, s: (i + s.padding - s.kernel) // s.stride + 1, padded),
                "You added the padding on one side only: both sides count, so 2p.",
            ),
            Misconception(
                "padding-forgotten",
                by_rule(lambda i, s: (i - s.kernel) // s.stride + 1, padded),
                "Add the padding of both sides to the input before the kernel moves over it.",
            ),
            Misconception(
                "no-plus-one",
                by_rule(lambda i, s: (i + 2 * s.padding - s.kernel) // s.stride),
                "Count positions, not steps: one more than the quotient.",
            ),
            Misconception(
                "rounded-up",
                by_rule(lambda i, s: -(-(i + 2 * s.padding - s.kernel) // s.stride) + 1),
                "A window that does not fit whole is dropped: round the quotient down.",
            ),
            Misconception(
                "pool-stride-one",
                by_rule(lambda i, s: i - s.kernel + 1 if s.is_pool else positions(i, s)),
                "A pooling window moves by its stride, not pixel by pixel.",
            ),
            Misconception(
                "map-per-channel",
                maps_for_each_channel,
                "A filter adds its channels up into one map: as many maps come out as there are filters.",
            ),
        ),
    ),
    Part(
        name="features",
        ask="How many numbers does the flattening hand on: what is `in_features` of the first `nn.Linear`?",
        solve=lambda p: p.net.features[0],
        answer=Integer(),
        workings=features_workings,
        carry=Carry(
            parts=("shapes",),
            solve=lambda p, earlier: int(prod(earlier["shapes"][-1])),
            when=own_shapes_fit,
            condition=OWN_SHAPES,
        ),
        misconceptions=(
            Misconception(
                "before-the-last-pool",
                lambda p: prod(p.net.shapes[-2]),
                "That is what goes into the last pooling; what comes out of it is flattened.",
            ),
            Misconception(
                "channels-forgotten",
                lambda p: prod(p.net.shapes[-1][1:]),
                "That is one map; all maps are flattened, one after the other.",
            ),
            Misconception(
                "one-side-only",
                lambda p: prod(p.net.shapes[-1][:2]),
                "A map has height times width numbers: multiply by its other side too.",
            ),
            Misconception(
                "pool-before-convolution",
                last(pool_first),
                "That is the size with each pooling before its convolution; here the convolution comes first.",
            ),
            Misconception(
                "kernel-forgotten",
                last(by_rule(keep_in_convs)),
                "The convolutions make the maps smaller too, not the poolings alone.",
            ),
        ),
    ),
    Part(
        name="parameters",
        ask=(
            "How many parameters (weights and biases) does each layer have? Write one number a layer, in order, 0 "
            "where there are none, and **all together at the end**: "
            "{{ p.net.stages | length + p.net.hidden | length + 2 }} numbers."
        ),
        solve=right_parameters,
        answer=Matrix(depth=1),
        workings=parameters_workings,
        marks=3,
        carry=Carry(
            parts=("features",),
            solve=lambda p, earlier: parameter_list(p, conv_parameters, fed=earlier["features"]),
            when=lambda p, earlier: earlier["features"] >= 1,
            condition="your number of features is at least 1",
        ),
        misconceptions=(
            Misconception(
                "pool-counted",
                lambda p: parameter_list(p, conv_parameters, pool=lambda s: s.kernel**2),
                "A pooling window has no weights: taking the largest needs nothing learned.",
            ),
            Misconception(
                "biases-forgotten",
                lambda p: parameter_list(p, lambda seen, s: s.filters * each(seen, s), counting.linear_weights),
                "Every filter and every unit has a bias of its own.",
            ),
            Misconception(
                "image-channels",
                of_image_channels,
                "A later convolution sees the maps of the layer before it, not the channels of the image.",
            ),
            Misconception(
                "channels-forgotten",
                lambda p: parameter_list(p, lambda seen, s: s.filters * (s.kernel**2 + 1)),
                "A filter has a kernel for every channel that comes in.",
            ),
            Misconception(
                "one-bias",
                lambda p: parameter_list(p, lambda seen, s: s.filters * each(seen, s) + 1, lambda a, b: a * b + 1),
                "Each filter or unit of a layer has a bias, not each layer one.",
            ),
            Misconception(
                "before-the-last-pool",
                lambda p: parameter_list(p, conv_parameters, fed=prod(p.net.shapes[-2])),
                "The first fully connected layer gets the numbers after the last pooling.",
            ),
        ),
    ),
    Part(
        name="macs",
        ask=(
            "How many **multiplications** {% if p.last_only %}does the last convolution take{% else %}do the "
            "convolutions and the fully connected layers take together{% endif %} for one image?"
        ),
        solve=right_macs,
        answer=Integer(unit="multiplications"),
        workings=macs_workings,
        carry=Carry(parts=("shapes",), solve=own_macs, when=own_shapes_fit, condition=OWN_SHAPES),
        misconceptions=(
            Misconception(
                "each-weight-once",
                lambda p: macs(p, lambda seen, s, before, after: s.filters * each(seen, s)),
                "Those are the weights; a convolution uses each of them again at every position of its map.",
            ),
            Misconception(
                "input-positions",
                on_input_positions,
                "The kernel is laid down once for every entry of the map that comes out, not of the one that goes in.",
            ),
            Misconception(
                "channels-forgotten",
                lambda p: macs(p, lambda seen, s, before, after: after * s.filters * s.kernel**2),
                "Every entry sums over all channels that come in.",
            ),
            Misconception(
                "filters-forgotten",
                lambda p: macs(p, lambda seen, s, before, after: after * each(seen, s)),
                "That is one filter's map; every filter makes one.",
            ),
            Misconception(
                "additions-counted",
                lambda p: 2 * right_macs(p),
                "Twice as many count the additions too; here only multiplications are asked for.",
            ),
            Misconception(
                "biases-counted",
                lambda p: macs(
                    p, lambda seen, s, before, after: after * s.filters * (each(seen, s) + 1), lambda a, b: (a + 1) * b
                ),
                "A bias is added, not multiplied.",
            ),
        ),
    ),
    Part(
        name="field",
        ask=(
            "On how many **rows of the image** does a number in the output of **layer {{ p.deep }}** depend (its "
            "receptive field along the height)?"
        ),
        solve=lambda p: p.field.size,
        answer=Integer(unit="rows"),
        workings=field_workings,
        misconceptions=(
            Misconception(
                "strides-forgotten",
                lambda p: size_of(added, (1,) * len(p.windows), p.windows),
                "After a stride, neighbouring rows lie several rows of the image apart: multiply by that distance.",
            ),
            Misconception(
                "own-stride-first",
                field_by(added, late=True),
                "A window looks at the layer before: its own stride moves its outputs apart, not what it looks at.",
            ),
            Misconception(
                "whole-windows",
                field_by(lambda w: w.kernel, first=0),
                "One of the k rows is there already: each layer adds k − 1 of them.",
            ),
            Misconception(
                "kernels-multiplied",
                lambda p: prod(w.kernel for w in p.windows),
                "The windows overlap, so that the field grows by sums, not by products.",
            ),
            Misconception(
                "pools-forgotten",
                lambda p: without_pools([Layer(stage.is_pool, stage.window) for stage in p.seeing]),
                "A pooling window takes in further rows as a kernel does, besides its stride.",
            ),
        ),
    ),
    Part(
        name="rows",
        ask=(
            "Which rows of the image are these for a number in **row {{ p.row }}** of the output of layer "
            "{{ p.deep }}: the first and the last? Rows are counted from 0, from the top, there and in the image."
        ),
        solve=lambda p: p.field.pixels(p.row),
        answer=Shape(("first", "last")),
        workings=rows_workings,
        carry=Carry(
            parts=("field",),
            solve=own_rows,
            when=lambda p, earlier: earlier["field"] >= 1,
            condition="your receptive field is at least 1 row",
        ),
        misconceptions=(
            Misconception(
                "counted-from-one",
                lambda p: p.field.pixels(p.row - 1),
                "Row 0 is the first one, so row n begins n times as far down as all strides multiply to.",
            ),
            Misconception(
                "one-row-more",
                lambda p: (p.field.pixels(p.row)[0], p.field.pixels(p.row)[1] + 1),
                "From the first row on, r rows end at first + r − 1.",
            ),
            Misconception(
                "strides-forgotten",
                rows_of(lambda p: receptive.Field(p.field.size, 1, p.field.start)),
                "Each further row begins as many rows of the image further down as all strides multiply to, not one.",
            ),
            Misconception(
                "fields-side-by-side",
                rows_of(lambda p: receptive.Field(p.field.size, p.field.size, p.field.start)),
                "The fields overlap: the next one begins as far down as all strides multiply to, not a whole field.",
            ),
            Misconception(
                "padding-forgotten",
                rows_of(lambda p: receptive.Field(p.field.size, p.field.jump, 0)),
                "Padding moves the fields up: the first of them begins above the image.",
            ),
            Misconception(
                "padding-in-image-rows",
                rows_of(
                    lambda p: receptive.Field(p.field.size, p.field.jump, -sum(window.padding for window in p.windows))
                ),
                "A later padding is counted in rows of the layer before, which lie several rows of the image apart.",
            ),
        ),
    ),
    Part(
        name="memory",
        ask=(
            "The output{% if p.kept == 1 %} of layer 1 is kept{% else %}s of the layers 1 to {{ p.kept }} are kept"
            "{% endif %} as float32 numbers{% if p.batch > 1 %}, for a batch of **{{ p.batch }} images**"
            "{% else %}, for one image{% endif %}. How many bytes is that, without the image itself?"
        ),
        solve=lambda p: BYTES * p.batch * numbers_kept(p),
        answer=Integer(unit="bytes"),
        workings=memory_workings,
        carry=Carry(parts=("shapes",), solve=own_memory, when=own_shapes_fit, condition=OWN_SHAPES),
        misconceptions=(
            Misconception(
                "numbers-not-bytes",
                lambda p: p.batch * numbers_kept(p),
                "That is how many numbers there are; a float32 takes 4 bytes.",
            ),
            Misconception(
                "bits",
                lambda p: 8 * BYTES * p.batch * numbers_kept(p),
                "A float32 has 32 bits, which are 4 bytes.",
            ),
            Misconception(
                "one-image",
                lambda p: BYTES * numbers_kept(p) if p.batch > 1 else None,
                "Every image of the batch has outputs of its own.",
            ),
            Misconception(
                "image-counted",
                lambda p: BYTES * p.batch * (numbers_kept(p) + prod(p.net.image)),
                "That counts the image too; only the outputs of layers are asked for.",
            ),
            Misconception(
                "one-map-only",
                lambda p: BYTES * p.batch * sum(prod(shape[1:]) for shape in p.net.shapes[: p.kept]),
                "That is one map a layer; every channel has a map.",
            ),
            Misconception(
                "parameters-counted",
                lambda p: BYTES * p.total,
                "Those are the bytes of the parameters; the outputs of the layers are asked for.",
            ),
        ),
    ),
    Part(
        name="definition",
        ask=(
            "Another network, for images of shape {{ p.printed.net.image }}, was written in PyTorch:\n\n"
            "{{ p.printed.listing }}\n\n"
            "**One layer is told a wrong number of inputs** (its first argument); everything else is as it should be. "
            "On which line, and what must that number be?"
        ),
        solve=lambda p: (p.printed.line, p.printed.right),
        answer=Shape(("line", "right number")),
        workings=definition_workings,
        marks=2,
        misconceptions=(
            Misconception(
                "before-the-last-pool",
                suspects("before-the-last-pool"),
                "That many numbers go into the last pooling; fewer come out of it.",
            ),
            Misconception(
                "channels-forgotten",
                suspects("channels-forgotten"),
                "Flattening takes all maps, not one.",
            ),
            Misconception(
                "kernel-forgotten",
                suspects("kernel-forgotten"),
                "A convolution makes the maps smaller unless its padding makes up for the kernel.",
            ),
            Misconception(
                "image-channels",
                suspects("image-channels"),
                "The second convolution sees the maps of the first, not the image.",
            ),
            Misconception(
                "own-filters",
                suspects("own-filters"),
                "The first argument is what comes in; the second is how many filters the layer has.",
            ),
            Misconception(
                "layer-skipped",
                suspects("layer-skipped"),
                "A fully connected layer takes what the layer just before it gives.",
            ),
        ),
    ),
    Part(
        name="budget",
        ask=(
            "For comparison, a network with **one hidden layer**, fully connected throughout, gets the same images "
            "shrunk to {{ p.small }} × {{ p.small }} pixels ({{ p.net.image[0] | count('channel') }} as before) and "
            "has {{ p.net.hidden[-1] }} outputs. How many hidden units can it have at most without having more "
            "parameters than the network above?"
        ),
        solve=budget_units,
        answer=Integer(unit="units"),
        workings=budget_workings,
        marks=2,
        carry=Carry(
            parts=("parameters",),
            solve=lambda p, earlier: counting.hidden_units_within(
                int(earlier["parameters"][-1]), p.inputs, p.net.hidden[-1]
            ),
            when=own_total_is_enough,
            condition="your last number of parameters is enough for one hidden unit",
        ),
        misconceptions=(
            Misconception(
                "rounded-up",
                lambda p: budget_units(p) + 1,
                "One unit more needs more parameters than there are: round down.",
            ),
            Misconception(
                "outputs-forgotten",
                lambda p: p.total // (p.inputs + 1),
                "A hidden unit also has a weight to each output, and the outputs have biases.",
            ),
            Misconception(
                "not-shrunk",
                units_on(lambda p: prod(p.net.image)),
                "Its inputs are the numbers of the shrunken image.",
            ),
            Misconception(
                "flattened-maps",
                units_on(lambda p: p.net.features[0]),
                "It has no maps to flatten: its inputs are the numbers of the image.",
            ),
            Misconception(
                "channels-forgotten",
                lambda p: units_on(lambda p: p.small**2)(p) if p.net.image[0] > 1 else None,
                "Every channel of every pixel is an input.",
            ),
        ),
    ),
)

COSTS = {Level.INTRO: 75, Level.STANDARD: 104, Level.CHALLENGE: 136}

EXERCISE = Exercise(
    name="architecture",
    title="Architecture",
    summary="a whole network: shapes, parameters, multiplications, receptive field, memory, and a wrong definition",
    draw=draw,
    intro=(
        "An image of shape **{{ p.net.image }}** goes through this network{{ p.about }}.\n\n{{ p.table }}\n\n"
        "{{ boxes(p.boxes) }}"
    ),
    conventions=(
        "Shapes are (channels, height, width).",
        "Padding is on both sides, and a window counts only where it fits whole, in poolings too (round down).",
        "A receptive field reaches from the first row to the last that can change a number, away from the border.",
        "Every filter sees all channels that come in. Convolutions and fully connected layers have biases.",
        "A ReLU follows every convolution and every fully connected layer but the last; it works in place, changes no "
        "shape and has no parameters.",
        "In PyTorch, `nn.Conv2d(in_channels, out_channels, …)`, `nn.Linear(in_features, out_features)`, and "
        "`nn.MaxPool2d(2)` moves by 2.",
    ),
    parts=PARTS,
    cost=cost,
    costs=COSTS,
    cost_unit="one-digit multiplications",
    version=3,
)
