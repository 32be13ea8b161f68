"""Baselines of a convolutional network: counted, resized and read by hand; then built, and the network trained."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, cached_property
from itertools import pairwise
from math import prod
from operator import mul
from pathlib import Path
from typing import Any

from exercises import _models, _steps
from exercises._baseline_models import (
    CNN_DOC,
    HALF,
    MLP_DOC,
    RESIZED_DOC,
    SETUPS,
    TOPIC,
    TRAIN_DOC,
    Setup,
    cnn_plans,
    mlp_plans,
    resized_plans,
)
from exercises._models import CLASSES, EXAMPLE, HELD_OUT, LEARNED
from exercises._nets import Net, Stage
from exercises.parameters import by_hand
from grader.authoring import (
    Carry,
    Draw,
    Exercise,
    Integer,
    Level,
    Matrix,
    Misconception,
    ModelPart,
    ModelTask,
    Number,
    Part,
    Plan,
    Shape,
    count,
    write_number,
)
from solutions import baselines, counting, losses
from solutions.planes import Plane

COEFFICIENTS = Path(__file__).parent / "measured" / "baselines_coefficients.json"
SIDE = 4  # pixels along a side of the digits that are read by hand
Row = tuple[int, ...]
Two = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Unit:
    """A dense unit without a bias after dropout.

    share: the probability with which each activation is dropped. inputs, weights: activations before dropout, and what
    they are multiplied by. dropped: which of the inputs are dropped in one pass.
    """

    share: Fraction
    inputs: Row
    weights: Row
    dropped: tuple[bool, ...]

    @property
    def whole(self) -> Fraction:
        """The response when nothing is dropped."""
        return Fraction(sum(x * w for x, w in zip(self.inputs, self.weights, strict=True)))

    @property
    def left(self) -> Fraction:
        """What the inputs that are not dropped add up to, as they are."""
        kept = [0 if gone else x for x, gone in zip(self.inputs, self.dropped, strict=True)]
        return Fraction(sum(x * w for x, w in zip(kept, self.weights, strict=True)))

    @property
    def scale(self) -> Fraction:
        return 1 / (1 - self.share)

    @property
    def table(self) -> str:
        """The activations, and what becomes of them, as a Markdown table."""
        lines = (
            ("activation", map(str, self.inputs)),
            ("weight", map(write_number, self.weights)),
            ("in the pass", ("dropped" if gone else "kept" for gone in self.dropped)),
        )
        head = "| input | " + " | ".join(map(str, range(1, len(self.inputs) + 1))) + " |\n"
        rule = "|:--|" + "--:|" * len(self.inputs) + "\n"
        return head + rule + "".join(f"| {name} | {' | '.join(cells)} |\n" for name, cells in lines)


@dataclass(frozen=True)
class Params:
    """Three models on paper, a unit after dropout, a batch, a confusion matrix, a small digit; and what is built.

    widths: units of the MLP's hidden layers; the last of `net.hidden` is the number of classes. powers: e to what the
    last layer gives, for every image of a batch; labels: their classes, from 0. confusion: rows are true classes.
    classes: those that the small digit is read by; pixels: its rows, one after another.
    """

    setup: Setup
    net: Net
    widths: Row
    unit: Unit
    powers: tuple[Row, ...]
    labels: Row
    confusion: tuple[Row, ...]
    classes: Row
    pixels: Row

    @property
    def inputs(self) -> int:
        """The numbers of an image."""
        return prod(self.net.image)

    @property
    def outputs(self) -> int:
        """The classes."""
        return self.net.hidden[-1]

    @property
    def layers(self) -> str:
        """The CNN as a Markdown table."""
        rows = ["| layer | | gives |", "|:--|:--|:--|"]
        for stage, shape in zip(self.net.stages, self.net.shapes, strict=True):
            name = "max pooling" if stage.is_pool else "convolution"
            size = f"{stage.kernel} × {stage.kernel}"
            rows.append(f"| {name} | {size if stage.is_pool else f'{stage.filters} filters {size}'} | {shape} |")
        rows += [
            f"| dense | {self.net.hidden[0]} units, then dropout | ({self.net.hidden[0]},) |",
            f"| dense | {self.outputs} units, one a class | ({self.outputs},) |",
        ]
        return "\n".join(rows)

    @property
    def hidden(self) -> str:
        """The widths of the MLP in words."""
        *first, last = (*self.widths, self.outputs)
        return f"{', '.join(map(str, first))} and {last}"

    @property
    def batch(self) -> str:
        """What the last layer gives for the batch, as a Markdown table."""
        classes = range(len(self.powers[0]))
        head = f"| image | class | {' | '.join(f'$z_{k}$' for k in classes)} |\n|--:|--:|{'--:|' * len(classes)}\n"
        return head + "".join(
            f"| {n} | {label} | {' | '.join(logarithm(power) for power in powers)} |\n"
            for n, (powers, label) in enumerate(zip(self.powers, self.labels, strict=True), 1)
        )

    @property
    def table(self) -> str:
        """The confusion matrix as a Markdown table."""
        classes = range(len(self.confusion))
        head = f"| true class | {' | '.join(f'read as {k}' for k in classes)} |\n|:--|{'--:|' * len(classes)}\n"
        return head + "".join(f"| {k} | {' | '.join(map(str, row))} |\n" for k, row in enumerate(self.confusion))

    @cached_property
    def logits(self) -> Row:
        """What the small logistic regression makes of the digit."""
        return logits(self, self.pixels)

    @property
    def digit(self) -> Plane:
        return plane(self.pixels)

    @property
    def planes(self) -> dict[int, Plane]:
        """The coefficients of each class that the digit is read by."""
        return {k: plane(small().weights[k]) for k in self.classes}

    @property
    def greys(self) -> dict[str, Plane]:
        """The digit and these coefficients in greys of 0 … 9."""
        white = small().white
        most = max(abs(weight) for weights in small().weights for weight in weights)
        shown = {"the digit in greys": tuple(tuple((9 * value) // white for value in row) for row in self.digit)}
        for k, rows in self.planes.items():
            shown[f"class {k} in greys"] = tuple(
                tuple((9 * (weight + most) + most) // (2 * most) for weight in row) for row in rows
            )
        return shown

    @property
    def offsets(self) -> str:
        """The intercepts in words."""
        *first, last = (f"${small().biases[k]}$ for class {k}" for k in self.classes)
        return f"{', '.join(first)} and {last}"

    @property
    def boxes(self) -> list[tuple[tuple[int, ...], str, str]]:
        """The CNN that is built, as volumes."""
        one, two = self.setup.filters
        return [
            (EXAMPLE, "image", "1 × 28 × 28"),
            ((one, 24, 24), "convolution", f"{one} filters 5 × 5"),
            ((one, 12, 12), "max pooling", "2 × 2"),
            ((two, 8, 8), "convolution", f"{two} filters 5 × 5"),
            ((two, 8, 8), "dropout", "of whole maps"),
            ((two, 4, 4), "max pooling", "2 × 2"),
            ((self.setup.features,), "flatten", "in a row"),
            ((self.setup.hidden,), "dense", f"{self.setup.hidden} units"),
            ((self.setup.hidden,), "dropout", "of units"),
            ((len(CLASSES),), "dense", f"{len(CLASSES)} log-probabilities"),
        ]

    @property
    def accuracies(self) -> Mapping[str, float]:
        found: Mapping[str, float] = measured()["accuracy"]
        return found

    @property
    def told(self) -> str:
        return measured_text()

    @property
    def pictures(self) -> dict[str, Plane]:
        """The coefficients of the logistic regression on whole digits, in greys of 0 … 9."""
        return {
            f"class {k}": tuple(tuple(map(int, row)) for row in rows) for k, rows in enumerate(measured()["pictures"])
        }

    @property
    def curves(self) -> str:
        return _models.curves_picture(cnn_plan(self).measured.curves, "Errors of the CNN after every epoch")

    @property
    def curves_alt(self) -> str:
        return _models.curves_text(cnn_plan(self).measured.curves)


def plane(values: Row) -> Plane:
    return tuple(values[start : start + SIDE] for start in range(0, len(values), SIDE))


def logarithm(power: int) -> str:
    return "0" if power == 1 else rf"$\ln {power}$"


# What was measured -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Small:
    """A logistic regression on small digits, in whole numbers, and the digits that it was not fitted to.

    weights, biases: one row, one number a class. digits: rows of pixels from 0 to `white`, by true class.
    """

    weights: tuple[Row, ...]
    biases: Row
    white: int
    digits: tuple[tuple[Row, ...], ...]

    @cached_property
    def positive(self) -> tuple[Row, ...]:
        """The weights, zeros in place of negative ones."""
        return tuple(tuple(max(0, weight) for weight in row) for row in self.weights)


@cache
def measured() -> dict[str, Any]:
    """Return what `python -m benchmarks.coefficients` has written."""
    found: dict[str, Any] = json.loads(COEFFICIENTS.read_text(encoding="utf-8"))
    return found


@cache
def small() -> Small:
    found = measured()
    weights = tuple(tuple(map(int, row.split())) for row in found["coefficients"])
    by_class: list[list[Row]] = [[] for _ in weights]
    for line in found["digits"]:
        label, pixels = line.split()
        by_class[int(label)].append(tuple(map(int, pixels)))
    biases = tuple(map(int, found["intercepts"].split()))
    return Small(weights, biases, found["white"], tuple(map(tuple, by_class)))


def measured_text() -> str:
    found = measured()
    data, right = found["data"], found["accuracy"]
    return (
        f"A logistic regression was fitted to {data['trained on']:,} of scikit-learn's digits in 28 × 28 pixels. It "
        f"has {found['parameters']['28 × 28 pixels']:,} parameters and reads {right['28 × 28 pixels']} % of "
        f"{data['tested on']} others rightly. These are its coefficients, in means over 4 × 4 pixels: a bright pixel "
        "speaks for the class where the picture is bright, and against it where the picture is dark. The one that "
        f"you have worked with sees 4 × 4 pixels and reads {right['4 × 4 pixels']} % rightly, "
        f"{right['4 × 4 pixels, rounded']} % with whole numbers. (scikit-learn {found['versions']['scikit-learn']}; "
        f"data {data['digest']}; `{found['command']}`)"
    )


# Drawing ---------------------------------------------------------------------------------------------------

COSTS = {Level.INTRO: 64, Level.STANDARD: 98, Level.CHALLENGE: 130}
SIDES = {Level.INTRO: (14, 22), Level.STANDARD: (18, 30), Level.CHALLENGE: (24, 40)}
KERNELS = {Level.INTRO: (3,), Level.STANDARD: (3, 5), Level.CHALLENGE: (3, 5)}
FILTERS = {Level.INTRO: (4, 9), Level.STANDARD: (6, 16), Level.CHALLENGE: (12, 32)}
HIDDEN = {Level.INTRO: (15, 40), Level.STANDARD: (30, 80), Level.CHALLENGE: (60, 120)}
OUTPUTS = {Level.INTRO: (4, 9), Level.STANDARD: (6, 15), Level.CHALLENGE: (11, 30)}
WIDTHS = {
    Level.INTRO: ((12, 40),),
    Level.STANDARD: ((60, 160), (20, 50)),
    Level.CHALLENGE: ((120, 300), (60, 110), (20, 50)),
}
SHARES = {
    Level.INTRO: (Fraction(1, 2), Fraction(3, 4), Fraction(4, 5)),
    Level.STANDARD: (Fraction(1, 4), Fraction(1, 5), Fraction(1, 2), Fraction(3, 4)),
    Level.CHALLENGE: (Fraction(1, 4), Fraction(1, 5), Fraction(2, 5), Fraction(3, 5)),
}
INPUTS = {Level.INTRO: 3, Level.STANDARD: 4, Level.CHALLENGE: 5}
READ = {Level.INTRO: 2, Level.STANDARD: 3, Level.CHALLENGE: 4}
IMAGES = {Level.INTRO: 2, Level.STANDARD: 2, Level.CHALLENGE: 3}


def draw(rng: Draw, level: Level) -> Params:
    """Draw numbers on which every mistake shows, and whose work by hand is that of the level."""
    while True:
        p = draw_once(rng, level)
        for names, redrawn in DRAWN:
            while not all(all_differ(EXERCISE.part(name), p) for name in names):
                p = replace(p, **redrawn(rng, level))
        if abs(cost(p) - COSTS[level]) <= COSTS[level] // 6:
            return p


def all_differ(part: Part[Params], p: Params) -> bool:
    """Are there mistakes enough, and do they and the right answer all differ, by more than rounding hides?"""
    answers = [part.solve(p), *part.distractors(p).values()]
    if len(answers) < 4:
        return False
    if isinstance(part.answer, Number):
        gap = 5 / 10 ** (part.answer.places or 0)
        return all(b - a > gap for a, b in pairwise(sorted(map(float, answers))))
    if isinstance(part.answer, Matrix):  # in more than one entry, which may be a slip
        right, *wrongs = answers
        differing = [sum(a != b for a, b in zip(right, wrong, strict=True)) for wrong in wrongs]
        return len(set(answers)) == len(answers) and min(differing) > 1
    return len(set(answers)) == len(answers)


def draw_once(rng: Draw, level: Level) -> Params:
    numbers: dict[str, Any] = {}
    for _, drawn in DRAWN:
        numbers |= drawn(rng, level)
    return Params(setup=rng.choice(SETUPS), **numbers)


def draw_networks(rng: Draw, level: Level) -> dict[str, Any]:
    return {"net": draw_net(rng, level), "widths": tuple(rng.integer(*bounds) for bounds in WIDTHS[level])}


def draw_net(rng: Draw, level: Level) -> Net:
    first, second = rng.sample(range(FILTERS[level][0], FILTERS[level][1] + 1), 2)
    sides = rng.sample(range(SIDES[level][0], SIDES[level][1] + 1), 2)
    height, width = (sides[0], sides[0]) if level is Level.INTRO else sides
    kernels = rng.choice(KERNELS[level]), rng.choice(KERNELS[level])
    stages = (Stage(first, kernels[0]), Stage(0, 2, 2), Stage(second, kernels[1]), Stage(0, 2, 2))
    image = (1 if level is Level.INTRO else 3, height, width)
    return Net(image, stages, (rng.integer(*HIDDEN[level]), rng.integer(*OUTPUTS[level])))


def draw_unit(rng: Draw, level: Level) -> Unit:
    """Draw a unit whose response after dropout is a whole number; at least one input is dropped, and two are kept."""
    share, size = rng.choice(SHARES[level]), INPUTS[level]
    gone = frozenset(rng.sample(range(size), rng.integer(1, size - 2)))
    while True:
        inputs = tuple(rng.integer(1, 9) for _ in range(size))
        weights = tuple(rng.choice((-4, -3, -2, 2, 3, 4, 5)) for _ in range(size))
        unit = Unit(share, inputs, weights, tuple(at in gone for at in range(size)))
        if (unit.left * unit.scale).denominator == 1:
            return unit


def draw_batch(rng: Draw, level: Level) -> dict[str, Any]:
    classes, images = READ[level] + 1, range(IMAGES[level])
    powers = tuple(tuple(rng.sample(range(1, 10), classes)) for _ in images)
    return {"powers": powers, "labels": tuple(rng.below(classes) for _ in images)}


def draw_confusion(rng: Draw, level: Level) -> dict[str, Any]:
    """Draw a matrix whose classes are of different sizes; most images of each are read rightly."""
    rows = []
    for k in range(READ[level] + 1):
        row = [rng.integer(0, 9) for _ in range(READ[level] + 1)]
        row[k] = rng.integer(10, 25) + rng.choice((0, 30))
        rows.append(tuple(row))
    return {"confusion": tuple(rows)}


def draw_small(rng: Draw, level: Level) -> dict[str, Any]:
    """Draw classes, and a digit of one of them."""
    classes = tuple(sorted(rng.sample(range(len(CLASSES)), READ[level])))
    return {"classes": classes, "pixels": rng.choice(small().digits[rng.choice(classes)])}


# What is drawn by itself, and for which parts; what hides a mistake in one of them is drawn again.
DRAWN: tuple[tuple[tuple[str, ...], Callable[[Draw, Level], dict[str, Any]]], ...] = (
    (("logistic", "mlp", "cnn", "resized"), draw_networks),
    (("dropout",), lambda rng, level: {"unit": draw_unit(rng, level)}),
    (("log_softmax",), draw_batch),
    (("accuracy",), draw_confusion),
    (("logits", "read"), draw_small),
)


def cost(p: Params) -> int:
    """One-digit multiplications of the workings; a digit of a quotient counts as one, and so does a logarithm."""
    net = p.net
    convs = [(s, seen) for s, seen in zip(net.stages, net.seen, strict=True) if not s.is_pool]
    dense = (*pairwise((p.inputs, *p.widths, p.outputs)), *pairwise(net.features))
    products = [
        by_hand(*net.image),
        by_hand(p.inputs + 1, p.outputs),
        *(by_hand(before + 1, after) for before, after in dense),
        *(by_hand(s.kernel, s.kernel, seen) + by_hand(seen * s.kernel**2 + 1, s.filters) for s, seen in convs),
    ]
    divided = len(str(resized(p))) * len(str(p.inputs)) + len(p.powers) + 3
    pixels = sum(pixel > 0 for pixel in p.pixels)
    return sum(products) + divided + len(p.unit.inputs) + 1 + pixels * len(p.classes)


# Solvers ---------------------------------------------------------------------------------------------------


def logistic(p: Params) -> int:
    return counting.linear_parameters(p.inputs, p.outputs)


def mlp_widths(p: Params) -> Row:
    return (p.inputs, *p.widths, p.outputs)


def mlp(p: Params, dense: Callable[[int, int], int] = counting.linear_parameters) -> int:
    return sum(dense(before, after) for before, after in pairwise(mlp_widths(p)))


def cnn_parts(
    p: Params,
    conv: Callable[[int, Stage], int] = lambda seen, s: counting.conv_parameters(seen, s.filters, s.kernel),
    dense: Callable[[int, int], int] = counting.linear_parameters,
    fed: int | None = None,
) -> Row:
    """Return the parameters of the convolutions and of the dense layers."""
    features = (p.net.features[0] if fed is None else fed, *p.net.hidden)
    convs = [conv(seen, s) for s, seen in zip(p.net.stages, p.net.seen, strict=True) if not s.is_pool]
    return (*convs, *(dense(a, b) for a, b in pairwise(features)))


def cnn(p: Params) -> int:
    return sum(cnn_parts(p))


def without_dropped(p: Params) -> int | None:
    """The count of someone for whom half of the weights after a dropout are none; None where that is not whole."""
    lost = p.net.hidden[0] * p.net.hidden[1]
    return None if lost % 2 else cnn(p) - lost // 2


def resized(p: Params, parameters: int | None = None) -> int:
    return baselines.resized(cnn(p) if parameters is None else parameters, p.inputs, p.outputs)


def nearest(number: Fraction) -> int:
    return int(number + Fraction(1, 2))


def other_side(p: Params) -> int:
    """The hidden units of someone who rounds the other way."""
    exact = Fraction(cnn(p) - p.outputs, p.inputs + p.outputs + 1)
    return resized(p) + (1 if exact > resized(p) else -1)


def another(p: Params, number: Fraction) -> int | None:
    """Round to hidden units; None where there are none, or where it makes no difference."""
    found = nearest(number)
    return None if found in (0, resized(p), other_side(p)) else found


def responses(p: Params) -> Two:
    """Return the unit's response in the pass, in training, and in evaluation."""
    return p.unit.left * p.unit.scale, p.unit.whole


def whole(*numbers: Fraction) -> Row | None:
    """Return whole numbers; None where one is not."""
    return tuple(map(int, numbers)) if all(number.denominator == 1 for number in numbers) else None


def in_whole(p: Params) -> Row:
    found = whole(*responses(p))
    assert found is not None, "units are drawn so that both responses are whole numbers"
    return found


def shares(p: Params) -> list[Fraction]:
    """Return what softmax gives to the class of each image."""
    return [losses.softmax(powers)[label] for powers, label in zip(p.powers, p.labels, strict=True)]


log = cache(losses.log)  # of few numbers, over and over


def loss(p: Params) -> Fraction:
    """Return the mean negative log-likelihood."""
    return -sum(map(log, shares(p)), Fraction(0)) / len(p.powers)


def unnormalised(p: Params) -> Fraction:
    """The loss of someone who gives the outputs themselves to nll_loss."""
    own = [log(Fraction(powers[label])) for powers, label in zip(p.powers, p.labels, strict=True)]
    return -sum(own, Fraction(0)) / len(own)


def diagonal(p: Params) -> Row:
    return tuple(row[k] for k, row in enumerate(p.confusion))


def total(p: Params) -> int:
    return sum(map(sum, p.confusion))


def accuracy(p: Params) -> Fraction:
    """In percent."""
    return Fraction(100 * sum(diagonal(p)), total(p))


def mean_of(lines: Sequence[Sequence[int]]) -> Fraction:
    """Return the mean over classes of the right ones among a line, in percent."""
    found = [Fraction(100 * line[k], sum(line)) for k, line in enumerate(lines)]
    return sum(found, Fraction(0)) / len(found)


def logits(p: Params, pixels: Row, *, biased: bool = True, positive: bool = False) -> Row:
    """Return the logit of each class: its intercept and the sum of pixels times coefficients.

    positive: whether negative coefficients are taken for zeros.
    """
    model = small()
    weights = model.positive if positive else model.weights
    return tuple([(model.biases[k] if biased else 0) + sum(map(mul, pixels, weights[k])) for k in p.classes])


def read(p: Params, found: Sequence[Fraction | int]) -> tuple[int, int]:
    """Return the class with the largest logit, and by how much it leads the next one."""
    first, second, *_ = sorted(found, reverse=True)
    return p.classes[list(found).index(first)], int(first - second)


def settled(p: Params, found: Sequence[Any]) -> bool:
    """Are these logits whole numbers, one for each class, and one of them the largest?"""
    fits = len(found) == len(p.classes) and all(Fraction(value).denominator == 1 for value in found)
    return fits and list(found).count(max(found)) == 1


# Workings --------------------------------------------------------------------------------------------------


def logistic_workings(p: Params) -> str:
    return (
        f"An image has ${_steps.product(*p.net.image)}$ numbers. Every class has a weight for each of them, and an "
        rf"intercept: ${p.outputs} \cdot ({_steps.tex(p.inputs)} + 1) = {_steps.tex(logistic(p))}$."
    )


def dense_lines(widths: Sequence[int]) -> list[str]:
    return [
        rf"- dense: $({_steps.tex(a)} + 1) \cdot {b} = {_steps.tex(counting.linear_parameters(a, b))}$"
        for a, b in pairwise(widths)
    ]


def added(numbers: Sequence[int]) -> str:
    return f"{' + '.join(map(_steps.tex, numbers))} = {_steps.tex(sum(numbers))}"


def mlp_workings(p: Params) -> str:
    numbers = [counting.linear_parameters(a, b) for a, b in pairwise(mlp_widths(p))]
    lines = "\n".join(dense_lines(mlp_widths(p)))
    return (
        "Every unit has a weight for each number that comes in, and a bias; what comes in are the units of the layer "
        f"before:\n\n{lines}\n\nIn all: ${added(numbers)}$."
    )


def cnn_workings(p: Params) -> str:
    lines = []
    for stage, seen in zip(p.net.stages, p.net.seen, strict=True):
        if not stage.is_pool:
            one = rf"{seen} \cdot {stage.kernel} \cdot {stage.kernel} + 1"
            every = _steps.tex(counting.conv_parameters(seen, stage.filters, stage.kernel))
            lines.append(rf"- convolution, {count(seen, 'channel')} in: ${stage.filters} \cdot ({one}) = {every}$")
    lines += dense_lines(p.net.features)
    return (
        "A filter has a weight for every entry of its patch in every channel that comes in, and a bias. Flattened, "
        f"the last maps are ${_steps.product(*p.net.shapes[-1])}$ numbers.\n\n"
        + "\n".join(lines)
        + f"\n\nPooling and dropout have nothing to learn. In all: ${added(cnn_parts(p))}$."
    )


def resized_workings(p: Params) -> str:
    units, wanted = resized(p), cnn(p)
    each = p.inputs + p.outputs + 1
    rows = [
        f"- {count(n, 'unit')}: {baselines.hidden_parameters(n, p.inputs, p.outputs):,} parameters, "
        f"{abs(baselines.hidden_parameters(n, p.inputs, p.outputs) - wanted):,} "
        f"{'more' if baselines.hidden_parameters(n, p.inputs, p.outputs) > wanted else 'fewer'} than the CNN"
        for n in sorted((units, other_side(p)))
    ]
    return (
        f"A hidden unit brings {p.inputs:,} weights from the image, a bias, and {p.outputs} weights to the classes: "
        f"${_steps.tex(each)}$. The {p.outputs} biases of the classes are there in any case, so that "
        rf"$({_steps.tex(wanted)} - {p.outputs}) / {_steps.tex(each)} = {(wanted - p.outputs) / each:.2f}$ units would "
        "have exactly as many parameters. The two whole numbers beside it:\n\n" + "\n".join(rows)
    )


def products(inputs: Sequence[int], weights: Sequence[int]) -> str:
    """Write a sum of products."""
    pairs = zip(inputs, weights, strict=True)
    return " + ".join(rf"{x} \cdot {f'({w})' if w < 0 else w}" for x, w in pairs)


def dropout_workings(p: Params) -> str:
    u = p.unit
    kept = [(x, w) for x, w, gone in zip(u.inputs, u.weights, u.dropped, strict=True) if not gone]
    share, scale = write_number(u.share), write_number(u.scale)
    trained, evaluated = in_whole(p)
    return (
        f"In training, what is kept is multiplied by $1 / (1 - {share}) = {scale}$: "
        rf"${scale} \cdot ({products(*zip(*kept, strict=True))}) = {scale} \cdot {bracketed(u.left)} = {trained}$."
        "\n\n"
        f"In evaluation nothing is dropped and nothing multiplied: ${products(u.inputs, u.weights)} = {evaluated}$. "
        f"That is the mean over all passes in training as well: each input is kept in a share $1 - {share}$ of them "
        "and counts for so much more there, which is what the factor is for."
    )


def bracketed(number: Fraction) -> str:
    return f"({write_number(number)})" if number < 0 else write_number(number)


def loss_workings(p: Params) -> str:
    lines = []
    for number, (powers, label) in enumerate(zip(p.powers, p.labels, strict=True), 1):
        share = losses.softmax(powers)[label]
        lines.append(
            rf"- image {number}: $\ln {powers[label]} - \ln({' + '.join(map(str, powers))}) = "
            rf"\ln \frac{{{powers[label]}}}{{{sum(powers)}}} = {float(losses.log(share)):.4f}$"
        )
    values = " + ".join(f"{-float(losses.log(share)):.4f}" for share in shares(p))
    return (
        r"Log-softmax takes $\ln \sum_k e^{z_k}$ from every output, and $e^{\ln a} = a$. At the right classes:"
        "\n\n" + "\n".join(lines) + "\n\nThe loss picks these, changes their signs and takes the mean: "
        rf"$({values}) / {len(p.powers)} = {float(loss(p)):.3f}$."
    )


def accuracy_workings(p: Params) -> str:
    return (
        f"Right are the images on the diagonal: ${added(diagonal(p))}$ of all ${total(p)}$. "
        rf"$100 \cdot {sum(diagonal(p))} / {total(p)} = {float(accuracy(p)):.2f}\,\%$."
    )


def logits_workings(p: Params) -> str:
    lines = []
    for k, value in zip(p.classes, p.logits, strict=True):
        met = [(x, w) for x, w in zip(p.pixels, small().weights[k], strict=True) if x and w]
        terms = " + ".join(rf"{x} \cdot {f'({w})' if w < 0 else w}" for x, w in met)
        lines.append(f"- class {k}: ${small().biases[k]} + {terms} = {value}$")
    return "The intercept, and every pixel times the coefficient at its place; zeros left out:\n\n" + "\n".join(lines)


def read_workings(p: Params) -> str:
    found = dict(zip(p.classes, p.logits, strict=True))
    (best, most), (other, next_one), *_ = sorted(found.items(), key=lambda item: -item[1])
    taken = f"- {bracketed(Fraction(next_one))}" if next_one < 0 else f"- {next_one}"
    return (
        f"The largest logit is that of class {best}, before that of class {other}: ${most} {taken} = "
        f"{most - next_one}$. Softmax and log-softmax keep the order, so that they need not be taken to read a digit."
    )


# The models ------------------------------------------------------------------------------------------------


def of_setup(plans: Callable[[], tuple[Plan, ...]]) -> Callable[[Params], Plan]:
    """Return the function that finds a variant's plan among these."""
    return lambda p: plans()[SETUPS.index(p.setup)]


cnn_plan = of_setup(cnn_plans)

MODELS: tuple[ModelPart[Params], ...] = (
    ModelPart("build_mlp", ModelTask.BUILD, of_setup(mlp_plans), mlp_plans, MLP_DOC, 2, "build_mlp"),
    ModelPart("build_cnn", ModelTask.BUILD, cnn_plan, cnn_plans, CNN_DOC, 4, "build_cnn"),
    ModelPart(
        "build_resized", ModelTask.BUILD, of_setup(resized_plans), resized_plans, RESIZED_DOC, 2, "build_resized"
    ),
    ModelPart("train", ModelTask.TRAIN, cnn_plan, cnn_plans, TRAIN_DOC, 4, "build_cnn"),
)

# Parts -----------------------------------------------------------------------------------------------------

INTRO = f"""\
**On paper**, images of shape **{{{{ p.net.image }}}}** (channels, height, width) belong to **{{{{ p.outputs }}}} \
classes**. Three models read them:

- a **logistic regression**: for each class the sum of all numbers of the image times its own weights, plus an intercept
- an **MLP**: dense layers of {{{{ p.hidden }}}} units, one after another
- a **CNN** of these layers, each convolution and the first dense layer followed by a ReLU:

{{{{ p.layers }}}}

**A small logistic regression** has learned digits of 4 × 4 pixels, from 0 (black) to 4 (white). Here are a digit \
that it has not learned, and the coefficients of {{{{ p.classes | length }}}} of its classes, bright where positive \
and dark where negative:
{{{{ drawn_greys(p.greys) }}}}
{{{{ drawn_grid(p.digit, "The digit") }}}}
{{% for k, rows in p.planes.items() %}}
{{{{ drawn_grid(rows, "Coefficients of class " ~ k) }}}}
{{% endfor %}}

Its intercepts are {{{{ p.offsets }}}}.

**As a program**, you build an MLP, a CNN and an MLP of the CNN's size for handwritten digits, and train the CNN:
{{{{ boxes(p.boxes) }}}}

The digits are scikit-learn's, enlarged from 8 × 8 to 28 × 28 pixels: {LEARNED:,} to learn from, and {HELD_OUT} that \
no training sees. On 60,000 digits a learning rate of 0.001 does; on so few it is {{{{ p.setup.rate }}}}, in batches \
of {{{{ p.setup.batch }}}}. Other variants have 8 to 12 and 16 to 24 filters, 40 to 64 units before the classes, and \
MLPs of 160 to 256, 100 to 128 and 50 to 80 units; they drop shares of 0.25 to 0.5, and learn at rates of 0.0025 to \
0.003 in batches of 25 to 40, for 4 or 5 epochs.
"""

WORKED = """\
{{ p.told }}

{{ drawn_greys(p.pictures) }}

{% if p.curves %}The errors of the CNN after every epoch, for one seed. Your report shows yours beside them, and the \
filters and maps of your model.

{{ picture(p.curves, p.curves_alt) }}{% endif %}"""

PARTS: tuple[Part[Params], ...] = (
    Part(
        name="logistic",
        ask="How many parameters has the logistic regression on paper, intercepts included?",
        solve=logistic,
        answer=Integer(),
        workings=logistic_workings,
        misconceptions=(
            Misconception(
                "no-intercepts", lambda p: p.inputs * p.outputs, "Every class has an intercept as well as its weights."
            ),
            Misconception(
                "one-intercept",
                lambda p: p.inputs * p.outputs + 1,
                "There is not one intercept but one for each class.",
            ),
            Misconception(
                "one-class",
                lambda p: p.inputs + 1,
                "These are the parameters of one class: each has weights and an intercept of its own.",
            ),
            Misconception(
                "first-class-left-out",
                lambda p: (p.outputs - 1) * (p.inputs + 1),
                "One set less would do for two classes; here each class has its own.",
            ),
            Misconception(
                "bias-a-pixel",
                lambda p: p.inputs * (p.outputs + 1),
                "Intercepts belong to the classes, not to the numbers of an image.",
            ),
        ),
    ),
    Part(
        name="mlp",
        ask="How many parameters has the MLP on paper, biases included?",
        solve=mlp,
        answer=Integer(),
        workings=mlp_workings,
        misconceptions=(
            Misconception("no-biases", lambda p: mlp(p, lambda a, b: a * b), "Every unit has a bias as well."),
            Misconception(
                "one-bias", lambda p: mlp(p, lambda a, b: a * b + 1), "A layer has not one bias but one for each unit."
            ),
            Misconception(
                "bias-an-input",
                lambda p: mlp(p, lambda a, b: a * (b + 1)),
                "The biases of a layer belong to its units, not to its inputs.",
            ),
            Misconception(
                "output-forgotten",
                lambda p: counting.mlp_parameters(mlp_widths(p)[:-1]),
                "The last layer, to the classes, has parameters as well.",
            ),
            Misconception(
                "image-into-every-layer",
                lambda p: sum(counting.linear_parameters(p.inputs, units) for units in mlp_widths(p)[1:]),
                "Only the first layer gets the image: the others get the units of the layer before.",
            ),
        ),
    ),
    Part(
        name="cnn",
        ask="How many parameters has the CNN on paper, biases included?",
        solve=cnn,
        answer=Integer(),
        workings=cnn_workings,
        misconceptions=(
            Misconception(
                "no-biases",
                lambda p: sum(cnn_parts(p, lambda seen, s: s.filters * seen * s.kernel**2, lambda a, b: a * b)),
                "Every filter and every unit has a bias as well.",
            ),
            Misconception(
                "one-channel",
                lambda p: sum(cnn_parts(p, lambda seen, s: s.filters * (s.kernel**2 + 1))),
                "A filter has weights for every channel that comes in.",
            ),
            Misconception(
                "before-pooling",
                lambda p: sum(cnn_parts(p, fed=prod(p.net.shapes[-2]))),
                "The dense layer gets the maps after the last pooling.",
            ),
            Misconception(
                "one-map",
                lambda p: sum(cnn_parts(p, fed=prod(p.net.shapes[-1][1:]))),
                "The dense layer gets all maps of the last pooling, not one.",
            ),
            Misconception(
                "dropout-counted",
                without_dropped,
                "Dropout takes no weights away: it sets activations to zero, other ones in every pass.",
            ),
        ),
    ),
    Part(
        name="resized",
        ask=(
            "An MLP with **one** hidden layer reads the same images. How many units must that layer have, so that the "
            "MLP has as nearly as possible as many parameters as the CNN, be it a few more or less?"
        ),
        solve=resized,
        answer=Integer(unit="units"),
        workings=resized_workings,
        carry=Carry(
            ("cnn",),
            lambda p, earlier: resized(p, int(earlier["cnn"])),
            "your number leaves at least one unit",
            lambda p, earlier: earlier["cnn"] >= p.inputs + 2 * p.outputs + 1,
        ),
        misconceptions=(
            Misconception(
                "rounded-the-other-way",
                other_side,
                "Work out the parameters for the whole numbers on both sides: the other one is nearer.",
            ),
            Misconception(
                "outputs-forgotten",
                lambda p: another(p, Fraction(cnn(p), p.inputs + 1)),
                "A hidden unit also has a weight to each class.",
            ),
            Misconception(
                "as-wide-as-the-cnn",
                lambda p: p.net.hidden[0],
                "That is the CNN's dense layer, which gets pooled maps: from a whole image it has far more weights.",
            ),
            Misconception(
                "in-proportion",
                lambda p: another(p, Fraction(p.widths[0] * cnn(p), mlp(p))),
                "The MLP's own first layer in proportion leaves out that its other layers are gone.",
            ),
            Misconception(
                "convolutions-left-out",
                lambda p: another(p, Fraction(sum(cnn_parts(p)[2:]) - p.outputs, p.inputs + p.outputs + 1)),
                "The parameters of the convolutions belong to the CNN as well.",
            ),
            Misconception(
                "one-channel",
                lambda p: another(p, Fraction(cnn(p) - p.outputs, prod(p.net.image[1:]) + p.outputs + 1)),
                "A hidden unit has a weight for every number of the image, in all channels.",
            ),
            Misconception(
                "a-unit-a-class",
                lambda p: another(p, Fraction(cnn(p), logistic(p))),
                "A hidden unit sees the image once, not once for each class.",
            ),
        ),
    ),
    Part(
        name="dropout",
        ask=(
            "A dense unit without a bias comes after a dropout with probability {{ p.unit.share | num }}. In one pass "
            "of training, inputs are dropped as it says here:\n\n{{ p.unit.table }}\n\nWhat is the unit's response in "
            "that pass, and what is it in evaluation mode, for the same activations? Dropout as in PyTorch."
        ),
        solve=in_whole,
        answer=Shape(("training", "evaluation")),
        workings=dropout_workings,
        misconceptions=(
            Misconception(
                "not-scaled",
                lambda p: whole(p.unit.left, p.unit.whole),
                "What is kept is multiplied by 1 / (1 - p) in training, so that the mean stays what it was.",
            ),
            Misconception(
                "dropped-in-evaluation",
                lambda p: whole(responses(p)[0], responses(p)[0]),
                "In evaluation mode nothing is dropped.",
            ),
            Misconception(
                "nothing-dropped",
                lambda p: whole(p.unit.whole, p.unit.whole),
                "In training the inputs that are dropped count as zero, and the others count for more.",
            ),
            Misconception(
                "scaled-in-evaluation-too",
                lambda p: whole(responses(p)[0], p.unit.whole * p.unit.scale),
                "In evaluation mode nothing is multiplied.",
            ),
            Misconception(
                "scaled-in-evaluation-instead",
                lambda p: whole(p.unit.left, p.unit.whole * (1 - p.unit.share)),
                "So it was in the first article on dropout; PyTorch scales in training, and leaves evaluation alone.",
            ),
            Misconception(
                "divided-by-p",
                lambda p: whole(p.unit.left / p.unit.share, p.unit.whole) if p.unit.share != HALF else None,
                "Divide by the share that is kept, 1 - p, not by the share that is dropped.",
            ),
        ),
    ),
    Part(
        name="log_softmax",
        ask=(
            "The last dense layer gives these outputs for {{ p.powers | length }} images; log-softmax comes next. What "
            "is the loss of the batch, `nll_loss` of that, with its mean?\n\n{{ p.batch }}"
        ),
        solve=loss,
        answer=Number(places=2),
        workings=loss_workings,
        misconceptions=(
            Misconception(
                "summed",
                lambda p: len(p.powers) * loss(p),
                "That is the sum: nll_loss takes the mean over the batch.",
            ),
            Misconception(
                "softmax-instead",
                lambda p: -sum(shares(p), Fraction(0)) / len(p.powers),
                "nll_loss of probabilities is minus their mean: it takes logarithms for granted.",
            ),
            Misconception(
                "no-softmax",
                unnormalised,
                "Log-softmax subtracts the logarithm of the sum over all classes from each output.",
            ),
            Misconception("sign", lambda p: -loss(p), "The loss is minus the log-probability of the right class."),
            Misconception(
                "log-base-ten",
                lambda p: loss(p) / log(Fraction(10)),
                "That is with the logarithm to base 10: log-softmax takes the natural one.",
            ),
        ),
    ),
    Part(
        name="accuracy",
        ask="Of some images this confusion matrix was counted. What is the accuracy, in percent?\n\n{{ p.table }}",
        solve=accuracy,
        answer=Number(places=1),
        workings=accuracy_workings,
        misconceptions=(
            Misconception(
                "errors",
                lambda p: 100 - accuracy(p),
                "That is the share of errors: the right ones are on the diagonal.",
            ),
            Misconception(
                "mean-over-classes",
                lambda p: mean_of(p.confusion),
                "Every image counts once: the mean over classes gives those of small classes more weight.",
            ),
            Misconception(
                "right-ones", lambda p: Fraction(sum(diagonal(p))), "These are images: take their share of all."
            ),
            Misconception(
                "first-class",
                lambda p: Fraction(100 * p.confusion[0][0], sum(p.confusion[0])),
                "This is the share of class 0 alone.",
            ),
        ),
    ),
    Part(
        name="logits",
        ask=(
            "What are the logits of the small logistic regression for the small digit? Write {{ p.classes | length }} "
            "numbers, in the order of the classes {{ p.classes | join(', ') }}."
        ),
        solve=lambda p: p.logits,
        answer=Matrix(depth=1),
        workings=logits_workings,
        marks=2,
        misconceptions=(
            Misconception(
                "intercepts-forgotten",
                lambda p: logits(p, p.pixels, biased=False),
                "The intercept of each class is added.",
            ),
            Misconception(
                "black-and-white",
                lambda p: logits(p, tuple(min(1, pixel) for pixel in p.pixels)),
                "A brighter pixel counts for more: multiply by its value.",
            ),
            Misconception(
                "columns-first",
                lambda p: logits(p, tuple(value for column in zip(*p.digit, strict=True) for value in column)),
                "Lay the coefficients on the digit as they are printed: rows on rows.",
            ),
            Misconception(
                "negative-left-out",
                lambda p: logits(p, p.pixels, positive=True),
                "Negative coefficients count too: a bright pixel can speak against a class.",
            ),
        ),
    ),
    Part(
        name="read",
        ask="Among these classes, which one is the digit read as, and by how much does its logit exceed the next one?",
        solve=lambda p: read(p, p.logits),
        answer=Shape(("class", "lead")),
        workings=read_workings,
        carry=Carry(
            ("logits",),
            lambda p, earlier: read(p, earlier["logits"]),
            "your logits are as many whole numbers, and one is the largest",
            lambda p, earlier: settled(p, earlier["logits"]),
        ),
        misconceptions=(
            Misconception(
                "lowest",
                lambda p: (p.classes[p.logits.index(min(p.logits))], read(p, p.logits)[1]),
                "The largest logit decides: a low one speaks against its class.",
            ),
            Misconception(
                "intercepts-forgotten",
                lambda p: read(p, logits(p, p.pixels, biased=False)),
                "The intercepts belong to the logits: without them other classes come first, or by another lead.",
            ),
            Misconception(
                "logit-itself",
                lambda p: (read(p, p.logits)[0], max(p.logits)),
                "This is the largest logit: take the next one away from it.",
            ),
            Misconception(
                "lead-over-the-last",
                lambda p: (read(p, p.logits)[0], max(p.logits) - min(p.logits)) if len(p.classes) > 2 else None,
                "This is the lead over the last one, not over the next.",
            ),
        ),
    ),
)

EXERCISE = Exercise(
    name=TOPIC,
    title="Baselines",
    summary="logistic regression, an MLP and a CNN with dropout: counted, resized, read by hand; then built",
    draw=draw,
    intro=INTRO,
    conventions=(
        "Filters move by 1, without padding. Tiles of a pooling lie side by side; what fills no whole one is left out.",
        "All layers with weights have biases, unless it says otherwise.",
        "Dropout with probability $p$ sets an activation to zero with probability $p$, in training alone.",
        "In a confusion matrix a row is a true class, a column what images were read as.",
    ),
    parts=PARTS,
    models=MODELS,
    cost=cost,
    costs=COSTS,
    cost_unit="one-digit multiplications",
    worked=WORKED,
)
