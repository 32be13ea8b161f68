"""A network with two convolutions: shapes, parameters, split, steps and RMSprop by hand; then built and trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import prod

from exercises import _models, _steps
from exercises._models import CLASSES, EXAMPLE, HELD_OUT, LEARNED
from exercises._nets import Net, Stage, trace
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
    ModelTwin,
    Number,
    Part,
    Plan,
    Shape,
    StepTwin,
    count,
    write_number,
)
from solutions import counting, networks, training

TOPIC = "cnn_two_conv"
Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Setup:
    """A model that is built and how it is trained: one of few, since what is reached was measured for each."""

    key: str
    filters: tuple[int, int]
    hidden: int
    rate: float
    batch: int
    epochs: int
    parts: int  # one of so many parts of the examples is held back

    @property
    def features(self) -> int:
        """The numbers that the dense layers get."""
        return self.filters[1] * 4 * 4


@dataclass(frozen=True)
class Params:
    """A network on paper, its training, a weight under RMSprop, and accuracies; and the model that is built.

    examples, parts, batch, epochs: of the training on paper; one of `parts` parts is held back. start, gradients, keep,
    rate: of the weight; keep is the share of the mean square that is kept. accuracies: for every epoch the right ones
    of 1,000 training, validation and test images.
    """

    setup: Setup
    net: Net
    examples: int
    parts: int
    batch: int
    epochs: int
    start: int
    gradients: tuple[int, int]
    keep: Fraction
    rate: Fraction
    accuracies: tuple[Triple, ...]

    @property
    def table(self) -> str:
        """The accuracies as a Markdown table, in percent."""
        rows = ["| epoch | training | validation | test |", "|--:|--:|--:|--:|"]
        for epoch, row in enumerate(self.accuracies, 1):
            rows.append(f"| {epoch} | " + " | ".join(f"{right / 10:.1f} %" for right in row) + " |")
        return "\n".join(rows)

    @property
    def boxes(self) -> list[tuple[tuple[int, ...], str, str]]:
        """The network that is built, as volumes."""
        one, two = self.setup.filters
        return [
            (EXAMPLE, "image", "1 × 28 × 28"),
            ((one, 24, 24), "convolution", f"{one} filters 5 × 5"),
            ((one, 12, 12), "max pooling", "2 × 2"),
            ((two, 8, 8), "convolution", f"{two} filters 5 × 5"),
            ((two, 4, 4), "max pooling", "2 × 2"),
            ((self.setup.features,), "flatten", "in a row"),
            ((self.setup.hidden,), "dense", f"{self.setup.hidden} units"),
            ((len(CLASSES),), "dense", f"{len(CLASSES)} logits"),
        ]

    @property
    def curves(self) -> str:
        return _models.curves_picture(
            plan(self).measured.curves, "Accuracy of the reference after every epoch", "accuracy"
        )

    @property
    def curves_alt(self) -> str:
        return _models.curves_text(plan(self).measured.curves)


# Drawing ---------------------------------------------------------------------------------------------------

COSTS = {Level.INTRO: 35, Level.STANDARD: 49, Level.CHALLENGE: 61}
SIDES = {Level.INTRO: (18, 27), Level.STANDARD: (24, 39), Level.CHALLENGE: (32, 63)}
KERNELS = {Level.INTRO: (3, 5), Level.STANDARD: (3, 5, 7), Level.CHALLENGE: (3, 5, 7)}
FILTERS = {Level.INTRO: (4, 9), Level.STANDARD: (6, 16), Level.CHALLENGE: (12, 32)}
HIDDEN = {Level.INTRO: (20, 60), Level.STANDARD: (40, 120), Level.CHALLENGE: (90, 250)}
BATCHES = (16, 20, 25, 32, 40, 50, 64, 100, 128)
KEEPS = (Fraction(1, 2), Fraction(3, 5), Fraction(3, 4), Fraction(4, 5), Fraction(9, 10))
RATES = (Fraction(1, 10), Fraction(1, 5), Fraction(3, 10), Fraction(2, 5))
EPOCHS_SHOWN = {Level.INTRO: 6, Level.STANDARD: 8, Level.CHALLENGE: 10}


def draw(rng: Draw, level: Level) -> Params:
    """Draw numbers on which every mistake shows, whose work by hand is that of the level; no map is a single number."""
    while True:
        p = draw_once(rng, level)
        fair = abs(cost(p) - COSTS[level]) <= COSTS[level] // 6 and min(p.net.shapes[-1][1:]) > 1
        if fair and all(all_differ(part, p) for part in PARTS):
            return p


def all_differ(part: Part[Params], p: Params) -> bool:
    """Do the right answer and every mistake's differ from each other, by more than rounding hides?"""
    answers = [part.solve(p), *part.distractors(p).values()]
    if isinstance(part.answer, Number):
        return all(b - a > 0.02 for a, b in pairwise(sorted(map(float, answers))))
    if isinstance(part.answer, Matrix):  # in more than one entry, which may be a slip
        right, *wrongs = answers
        differing = [sum(a != b for a, b in zip(right, wrong, strict=True)) for wrong in wrongs]
        return len(set(answers)) == len(answers) and min(differing) > 1
    return len(set(answers)) == len(answers)


def draw_once(rng: Draw, level: Level) -> Params:
    parts, batch = rng.integer(4, 12), rng.choice(BATCHES)
    first, second = rng.sample(range(FILTERS[level][0], FILTERS[level][1] + 1), 2)
    sides = rng.sample(range(SIDES[level][0], SIDES[level][1] + 1), 2)
    height, width = (sides[0], sides[0]) if level is Level.INTRO else sides
    kernels = rng.choice(KERNELS[level]), rng.choice(KERNELS[level])
    stages = (Stage(first, kernels[0]), Stage(0, 2, 2), Stage(second, kernels[1]), Stage(0, 2, 2))
    image = (1 if level is Level.INTRO else 3, height, width)
    hidden = rng.integer(*HIDDEN[level]), rng.integer(5, 9) if level is Level.INTRO else rng.integer(11, 40)
    return Params(
        setup=rng.choice(SETUPS),
        net=Net(image, stages, hidden),
        examples=parts * batch * rng.integer(6, 40) + rng.integer(1, parts * batch - 1),
        parts=parts,
        batch=batch,
        epochs=rng.integer(3, 9) if level is Level.INTRO else rng.integer(12, 60),
        start=rng.integer(1, 9),
        gradients=(rng.choice((-5, -4, -3, -2, 2, 3, 4, 5)), rng.choice((-5, -4, -3, -2, 2, 3, 4, 5))),
        keep=rng.choice(KEEPS),
        rate=rng.choice(RATES),
        accuracies=draw_accuracies(rng, EPOCHS_SHOWN[level]),
    )


def draw_accuracies(rng: Draw, epochs: int) -> tuple[Triple, ...]:
    """Draw accuracies: those of training rise, those of validation and test fall again, each after its own epoch."""
    best, luckiest = rng.sample(range(2, epochs), 2)
    rows = []
    train, held, test = rng.integer(800, 860), rng.integer(790, 840), rng.integer(790, 840)
    for epoch in range(1, epochs + 1):
        rows.append((train, held, test))
        train += rng.integer(3, 14)
        held += rng.integer(5, 16) if epoch < best else -rng.integer(1, 6)
        test += rng.integer(5, 16) if epoch < luckiest else -rng.integer(1, 6)
    return tuple(rows)


def cost(p: Params) -> int:
    """One-digit multiplications of the workings; a digit of a quotient counts as one."""
    net = p.net
    convs = [(s, seen) for s, seen in zip(net.stages, net.seen, strict=True) if not s.is_pool]
    of_convs = sum(by_hand(s.kernel, s.kernel, seen) + by_hand(seen * s.kernel**2 + 1, s.filters) for s, seen in convs)
    of_dense = sum(by_hand(before + 1, after) for before, after in pairwise(net.features))
    quotients = len(str(held_back(p))) + len(str(steps_an_epoch(p)))
    return by_hand(*net.shapes[-1]) + of_convs + of_dense + quotients + by_hand(steps_an_epoch(p), p.epochs) + 8


# Solvers ---------------------------------------------------------------------------------------------------


def with_total(numbers: Sequence[int]) -> tuple[int, ...]:
    return *numbers, sum(numbers)


def parameter_list(
    p: Params,
    conv: Callable[[int, Stage], int] = lambda seen, s: counting.conv_parameters(seen, s.filters, s.kernel),
    dense: Callable[[int, int], int] = counting.linear_parameters,
    fed: int | None = None,
) -> tuple[int, ...]:
    """Return the parameters of the two convolutions, the two dense layers, and of all."""
    features = (p.net.features[0] if fed is None else fed, *p.net.hidden)
    convs = [conv(seen, s) for s, seen in zip(p.net.stages, p.net.seen, strict=True) if not s.is_pool]
    return with_total([*convs, *(dense(a, b) for a, b in pairwise(features))])


def by_sides(function: Callable[[int, Stage], int]) -> Callable[[Params], int]:
    """Return a solver of the flattened size by another rule for a side."""

    def solve(p: Params) -> int:
        _, height, width = p.net.image
        for stage in p.net.stages:
            height, width = function(height, stage), function(width, stage)
        return p.net.shapes[-1][0] * height * width

    return solve


def no_plus_one(p: Params) -> int | None:
    """The flattened size of someone who counts steps for positions; None where pooling hides it."""
    found = by_sides(lambda side, s: side // 2 if s.is_pool else side - s.kernel)(p)
    return None if found == p.net.features[0] else found


def held_back(p: Params) -> int:
    return p.examples // p.parts


def kept(p: Params) -> int:
    return p.examples - held_back(p)


def steps_an_epoch(p: Params, examples: int | None = None) -> int:
    return math.ceil((kept(p) if examples is None else examples) / p.batch)


def rmsprop(p: Params, keep: Fraction | None = None, add: Fraction | None = None) -> float:
    """Return the weight after two steps of RMSprop, whose mean square begins at 0."""
    keep = p.keep if keep is None else keep
    add = 1 - keep if add is None else add
    weight, square = float(p.start), Fraction(0)
    for gradient in p.gradients:
        square = keep * square + add * gradient**2
        weight -= float(p.rate) * gradient / math.sqrt(square)
    return weight


def without_root(p: Params) -> float:
    weight, square = float(p.start), Fraction(0)
    for gradient in p.gradients:
        square = p.keep * square + (1 - p.keep) * gradient**2
        weight -= float(p.rate * gradient / square)
    return weight


def best_epoch(p: Params, column: int) -> int:
    """Return the epoch, from 1, with the largest accuracy in a column."""
    rights = [row[column] for row in p.accuracies]
    return 1 + rights.index(max(rights))


def chosen(p: Params) -> tuple[int, int]:
    """Return the epoch to keep, by validation, and the errors of its model on 1,000 test images."""
    return errors_at(p, best_epoch(p, 1))


def errors_at(p: Params, epoch: int, column: int = 2) -> tuple[int, int]:
    return epoch, 1000 - p.accuracies[epoch - 1][column]


# Workings --------------------------------------------------------------------------------------------------


def features_workings(p: Params) -> str:
    lines = "\n".join(f"- {line[0].upper()}{line[1:]}" for line in trace(p.net))
    return (
        f"Each layer gets what the one before it gives:\n\n{lines}\n\nFlattened: ${_steps.product(*p.net.shapes[-1])}$."
    )


def parameters_workings(p: Params) -> str:
    lines = []
    for stage, seen in zip(p.net.stages, p.net.seen, strict=True):
        if not stage.is_pool:
            one = rf"{seen} \cdot {stage.kernel} \cdot {stage.kernel} + 1"
            total = _steps.tex(counting.conv_parameters(seen, stage.filters, stage.kernel))
            lines.append(rf"- convolution, {count(seen, 'channel')} in: ${stage.filters} \cdot ({one}) = {total}$")
    for before, after in pairwise(p.net.features):
        total = _steps.tex(counting.linear_parameters(before, after))
        lines.append(rf"- dense: $({_steps.tex(before)} + 1) \cdot {after} = {total}$")
    *numbers, total = (_steps.tex(number) for number in parameter_list(p))
    return (
        "A filter has a weight for every entry of its patch in every channel that comes in, and a bias; a unit has one "
        "for every input, and a bias:\n\n" + "\n".join(lines)
    ) + f"\n\nIn all: ${' + '.join(numbers)} = {total}$."


def split_workings(p: Params) -> str:
    held = held_back(p)
    return (
        rf"Held back: $\lfloor {_steps.tex(p.examples)} / {p.parts} \rfloor = {_steps.tex(held)}$. "
        f"Learned: ${_steps.tex(p.examples)} - {_steps.tex(held)} = {_steps.tex(kept(p))}$."
    )


def steps_workings(p: Params) -> str:
    each = steps_an_epoch(p)
    return (
        f"Only the {kept(p):,} training images are learned: "
        rf"$\lceil {_steps.tex(kept(p))} / {p.batch} \rceil = {each}$ steps an epoch, and "
        f"${_steps.product(p.epochs, each)}$ in all."
    )


def weight_workings(p: Params) -> str:
    weight, square, lines = float(p.start), Fraction(0), []
    keep, add, rate = (write_number(number) for number in (p.keep, 1 - p.keep, p.rate))
    for number, gradient in enumerate(p.gradients, 1):
        before, old = square, weight
        square = p.keep * square + (1 - p.keep) * gradient**2
        weight -= float(p.rate) * gradient / math.sqrt(square)
        signed = f"({gradient})" if gradient < 0 else str(gradient)
        lines.append(
            rf"{number}. $s = {keep} \cdot {float(before):.5g} + {add} \cdot {gradient**2} = {float(square):.5g}$, and "
            rf"$w = {old:.5g} - {rate} \cdot {signed} / \sqrt{{{float(square):.5g}}} = {weight:.5g}$"
        )
    return "The mean square $s$ begins at 0:\n\n" + "\n".join(lines)


def chosen_workings(p: Params) -> str:
    epoch, errors = chosen(p)
    _, held, test = p.accuracies[epoch - 1]
    return (
        f"The validation chooses: its accuracy is largest after epoch {epoch}, with {held / 10:.1f} %. The test is "
        f"asked once, of that model alone: {test / 10:.1f} % of 1,000 are {test} right ones, and there are "
        f"$1{{,}}000 - {test} = {errors}$ errors. "
        "To choose by the test's own figures would make them better than on new images."
    )


# The models ------------------------------------------------------------------------------------------------

SETUPS = (
    Setup("f10-f20-h100", (10, 20), 100, rate=0.001, batch=32, epochs=4, parts=6),
    Setup("f8-f24-h64", (8, 24), 64, rate=0.0012, batch=40, epochs=4, parts=5),
    Setup("f12-f16-h80", (12, 16), 80, rate=0.0006, batch=24, epochs=4, parts=8),
)
RELU: networks.Layer = {"type": "relu"}


def layers(s: Setup) -> list[networks.Layer]:
    """Return the network that is built: with 10 and 20 filters and 100 units, that of the handout."""
    return chain(s, [RELU, RELU, RELU], [networks.max_pool(2), networks.max_pool(2)])


def chain(
    s: Setup, activations: Sequence[networks.Layer | None], pools: Sequence[networks.Layer], padding: int = 0
) -> list[networks.Layer]:
    """Return it with these activations and poolings, and with this padding."""
    one, two = s.filters
    first, second = networks.dense(two * _models.side_after(pools, padding) ** 2, s.hidden, len(CLASSES))
    found = [
        *(networks.conv(1, one, 5, padding=padding), activations[0], pools[0]),
        *(networks.conv(one, two, 5, padding=padding), activations[1], pools[1]),
        *(networks.FLATTEN, first, activations[2], second),
    ]
    return [layer for layer in found if layer is not None]


def wrong_models(s: Setup) -> tuple[ModelTwin, ...]:
    """Return models that students build instead."""
    pool, mean = networks.max_pool(2), networks.avg_pool(2)
    pools, relus = [pool, pool], [RELU, RELU, RELU]
    whole = layers(s)
    swapped = Setup("", s.filters[::-1], s.hidden, s.rate, s.batch, s.epochs, s.parts)
    narrow = [layer | {"kernel_size": 3} if layer["type"] == "conv2d" else layer for layer in whole]
    narrow[7] = networks.dense(s.filters[1] * 25, s.hidden)[0]
    unbiased = [layer | {"bias": False} if layer["type"] == "conv2d" else layer for layer in whole]
    twins = [
        ("mean-pooling", chain(s, relus, [mean, mean]), "The sheet asks for max pooling, twice."),
        ("second-pooling-mean", chain(s, relus, [pool, mean]), "The second pooling takes the maximum as well."),
        ("first-relu-missing", chain(s, [None, RELU, RELU], pools), "There is a ReLU after the first convolution."),
        ("second-relu-missing", chain(s, [RELU, None, RELU], pools), "There is a ReLU after the second convolution."),
        ("dense-relu-missing", chain(s, [RELU, RELU, None], pools), "There is a ReLU between the dense layers."),
        ("no-activation", chain(s, [None, None, None], pools), "There is no ReLU at all: three are asked for."),
        ("sigmoid", chain(s, [{"type": "sigmoid"}] * 3, pools), "The activations are ReLUs, not sigmoids."),
        ("tanh", chain(s, [{"type": "tanh"}] * 3, pools), "The activations are ReLUs, not tanh."),
        (
            "softmax-at-the-end",
            [*whole, {"type": "softmax"}],
            "Return logits: the loss, cross_entropy, takes the softmax itself.",
        ),
        (
            "log-softmax-at-the-end",
            [*whole, {"type": "log_softmax"}],
            "Return logits: with cross_entropy, a log_softmax at the end is one too many.",
        ),
        ("relu-at-the-end", [*whole, RELU], "Logits may be negative: there is no ReLU after the last layer."),
        ("no-bias", unbiased, "The convolutions have a bias for every filter."),
        ("padded", chain(s, relus, pools, padding=2), "There is no padding: the maps are smaller than what comes in."),
        ("filters-swapped", layers(swapped), f"The first convolution has {s.filters[0]} filters, not the second."),
        ("kernel-three", narrow, "The filters are 5 × 5."),
        (
            "no-hidden-dense",
            [*whole[:7], *networks.dense(s.features, len(CLASSES))],
            f"Between the maps and the classes there is a dense layer of {s.hidden} units.",
        ),
    ]
    return tuple(_models.twin(*one) for one in twins)


@cache
def plans() -> tuple[Plan, ...]:
    return tuple(plan_of(s) for s in SETUPS)


def plan_of(s: Setup) -> Plan:
    told = {"lr": s.rate}
    keras = StepTwin(
        "alpha-0.9",
        "This RMSprop keeps 0.9 of its mean square, as other libraries do; PyTorch's, and the sheet's, keeps 0.99.",
        start=training.starter("RMSprop", {**told, "alpha": 0.9}),
    )
    centred = StepTwin(
        "centred",
        "This RMSprop subtracts the mean gradient (centered=True); the sheet's does not.",
        start=training.starter("RMSprop", {**told, "centered": True}),
    )
    starts = _models.wrong_starts("RMSprop", told, ("Adam", "SGD", "Adagrad"))
    return Plan(
        key=s.key,
        example=EXAMPLE,
        classes=CLASSES,
        build=_models.built(layers(s)),
        start=training.starter("RMSprop", told),
        step=training.step(),
        data=_models.digits,
        others=_models.OTHERS,
        wrong_models=wrong_models(s),
        wrong_steps=(*_models.wrong_steps(), *starts, keras, centred),
        batch=s.batch,
        epochs=s.epochs,
        drawn="accuracy",
        held_back=Fraction(1, s.parts),
        practice=(prod(EXAMPLE), 12, len(CLASSES)),
        measured=_models.measured(TOPIC, s.key),
        words=_models.WORDS,
    )


def plan(p: Params) -> Plan:
    return next(one for s, one in zip(SETUPS, plans(), strict=True) if s == p.setup)


BUILD_DOC = f"""\
Return a new network with two convolutions, freshly initialised as PyTorch does it.

Its layers, in this order:

1. a convolution of {{{{ p.setup.filters[0] }}}} filters 5 × 5 with biases, stride 1, no padding
2. ReLU, then max pooling of 2 × 2, tiles side by side
3. a convolution of {{{{ p.setup.filters[1] }}}} filters 5 × 5 with biases, stride 1, no padding
4. ReLU, then max pooling of 2 × 2
5. all maps flattened in a row, as torch.flatten does
6. a dense layer of {{{{ p.setup.hidden }}}} units with biases, then ReLU
7. a dense layer with biases, one unit a class

It takes a batch (N, 1, 28, 28) float32 and returns logits (N, {len(CLASSES)}): no softmax at the end, since
the loss takes it. A Sequential, a class of your own, functions: any torch.nn.Module that computes
this is right.

Returns:
    a torch.nn.Module"""

TRAIN_DOC = _models.training_doc(
    "Hold a part of the examples back, and train a model on the others by RMSprop.",
    (
        "First hold back len(x) // {{ p.setup.parts }} examples for validation, drawn from the seed. They are never "
        "learned; every epoch has each of the others once.",
        "The loss is the mean cross-entropy of a batch, of the logits.",
        "torch.optim.RMSprop with the learning rate {{ p.setup.rate }} and nothing else changed.",
        "What you do with the validation examples is up to you: measure the accuracy on them after every epoch, say, "
        "and look at it. All epochs are trained, and the model after the last one counts.",
    ),
)

MODELS: tuple[ModelPart[Params], ...] = (
    ModelPart(name="build_model", task=ModelTask.BUILD, plan=plan, plans=plans, doc=BUILD_DOC, marks=4),
    ModelPart(name="train", task=ModelTask.TRAIN, plan=plan, plans=plans, doc=TRAIN_DOC, marks=5),
)

# Parts -----------------------------------------------------------------------------------------------------


def ranges() -> str:
    """Return in words between which numbers the models of all variants lie."""
    names = ("hidden", "rate", "batch", "epochs", "parts")
    spans = {name: _models.span([getattr(s, name) for s in SETUPS]) for name in names}
    first, second = (_models.span([s.filters[place] for s in SETUPS]) for place in (0, 1))
    return (
        f"{first} and {second} filters, {spans['hidden']} units, learning rates of {spans['rate']}, batches of "
        f"{spans['batch']}, {spans['epochs']} epochs, one part of {spans['parts']} held back"
    )


INTRO = f"""\
**On paper**, images of shape **{{{{ p.net.image }}}}** (channels, height, width) go through these layers, each \
convolution and the first dense layer followed by a ReLU:

| layer | |
|:--|:--|
{{% for s in p.net.stages %}}
{{% if s.is_pool %}}
| max pooling | 2 × 2 |
{{% else %}}
| convolution | {{{{ s.filters }}}} filters {{{{ s.kernel }}}} × {{{{ s.kernel }}}} |
{{% endif %}}
{{% endfor %}}
| dense | {{{{ p.net.hidden[0] }}}} units |
| dense | {{{{ p.net.hidden[1] }}}} units, one a class |

Of **{{{{ "{{:,}}".format(p.examples) }}}} images**, one part of {{{{ p.parts }}}} (rounded down) is held back for \
validation; the network learns the others for {{{{ p.epochs }}}} epochs, in batches of {{{{ p.batch }}}}.

**As a program**, you build a network of the same kind for handwritten digits and train it:
{{{{ boxes(p.boxes) }}}}

The digits are scikit-learn's, enlarged from 8 × 8 to 28 × 28 pixels: {LEARNED:,} to learn from, and {HELD_OUT} that \
no training sees. On 50,000 digits for 50 epochs in batches of 128, a learning rate of 0.0001 does; on so few it is \
{{{{ p.setup.rate }}}}, in batches of {{{{ p.setup.batch }}}}. Your report draws the accuracy after every epoch, the \
filters that were learned, and what they make of a digit.

Variants differ: {ranges()}.
"""

WORKED = """\
{% if p.curves %}The accuracy of the reference after every epoch, for one seed. Your report shows yours beside it, \
and the filters and maps of your model.

{{ picture(p.curves, p.curves_alt) }}{% endif %}"""

PARTS: tuple[Part[Params], ...] = (
    Part(
        name="features",
        ask="On paper: how many numbers does the first dense layer get for one image (`in_features`)?",
        solve=lambda p: p.net.features[0],
        answer=Integer(),
        workings=features_workings,
        misconceptions=(
            Misconception(
                "size-kept",
                by_sides(lambda side, s: side // 2 if s.is_pool else side),
                "Without padding a convolution makes the maps smaller, by k - 1 rows and columns.",
            ),
            Misconception(
                "no-plus-one",
                no_plus_one,
                "A filter has one position more than steps: i - k + 1.",
            ),
            Misconception(
                "second-pooling-forgotten", lambda p: prod(p.net.shapes[2]), "The maps are pooled once more."
            ),
            Misconception(
                "one-map",
                lambda p: prod(p.net.shapes[3][1:]),
                "This is one map: every filter of the last convolution makes one, and all are flattened.",
            ),
            Misconception(
                "maps-multiplied",
                lambda p: p.net.features[0] * p.net.shapes[0][0],
                "A filter of the second convolution adds up all maps that come in: it makes one map.",
            ),
        ),
    ),
    Part(
        name="parameters",
        ask=(
            "How many parameters do the layers have, biases included? Write five numbers: of the two convolutions, of "
            "the two dense layers, and of all together."
        ),
        solve=parameter_list,
        answer=Matrix(depth=1),
        workings=parameters_workings,
        marks=2,
        carry=Carry(
            parts=("features",),
            solve=lambda p, earlier: parameter_list(p, fed=int(earlier["features"])),
            when=lambda p, earlier: earlier["features"] >= 1,
            condition="your number is at least 1",
        ),
        misconceptions=(
            Misconception(
                "no-biases",
                lambda p: parameter_list(
                    p, lambda seen, s: s.filters * seen * s.kernel**2, lambda before, after: before * after
                ),
                "Every filter and every unit has a bias as well.",
            ),
            Misconception(
                "one-bias",
                lambda p: parameter_list(
                    p, lambda seen, s: s.filters * seen * s.kernel**2 + 1, lambda before, after: before * after + 1
                ),
                "A layer has not one bias but one for each filter or unit.",
            ),
            Misconception(
                "one-channel",
                lambda p: parameter_list(p, lambda seen, s: s.filters * (s.kernel**2 + 1)),
                "A filter has weights for every channel that comes in.",
            ),
            Misconception(
                "bias-a-channel",
                lambda p: parameter_list(p, lambda seen, s: s.filters * seen * (s.kernel**2 + 1)),
                "A filter has one bias, not one a channel.",
            ),
            Misconception(
                "bias-an-input",
                lambda p: parameter_list(p, dense=lambda before, after: before * (after + 1)),
                "The biases of a dense layer belong to its units, not to its inputs.",
            ),
        ),
    ),
    Part(
        name="split",
        ask="How many images are learned from, and how many are held back for validation?",
        solve=lambda p: (kept(p), held_back(p)),
        answer=Shape(("learned", "held back")),
        workings=split_workings,
        misconceptions=(
            Misconception(
                "swapped", lambda p: (held_back(p), kept(p)), "Most of the images are learned; few are held back."
            ),
            Misconception(
                "still-learned",
                lambda p: (p.examples, held_back(p)),
                "What is held back must not be learned: subtract it.",
            ),
            Misconception(
                "rounded-up",
                lambda p: (kept(p) - 1, held_back(p) + 1) if p.examples % p.parts else None,
                "The part that is held back is rounded down.",
            ),
            Misconception(
                "one-to-so-many",
                lambda p: (p.examples - p.examples // (p.parts + 1), p.examples // (p.parts + 1)),
                "One part of so many is held back, not one beside so many.",
            ),
        ),
    ),
    Part(
        name="steps",
        ask="How many steps does the optimizer take in the whole training, the last batches included?",
        solve=lambda p: p.epochs * steps_an_epoch(p),
        answer=Integer(unit="steps"),
        workings=steps_workings,
        carry=Carry(
            parts=("split",),
            solve=lambda p, earlier: p.epochs * steps_an_epoch(p, int(earlier["split"][0])),
            when=lambda p, earlier: earlier["split"][0] >= 1,
            condition="you learn from at least one image",
        ),
        misconceptions=(
            Misconception(
                "all-learned",
                lambda p: p.epochs * steps_an_epoch(p, p.examples),
                "The images that are held back are not learned.",
            ),
            Misconception(
                "last-batch-dropped",
                lambda p: p.epochs * (kept(p) // p.batch) if kept(p) % p.batch else None,
                "What is left over is a batch too, a smaller one: round up.",
            ),
            Misconception("one-epoch", steps_an_epoch, "This is one epoch: multiply by their number."),
            Misconception(
                "step-an-example",
                lambda p: p.epochs * kept(p),
                "There is one step a batch, not one an example.",
            ),
            Misconception(
                "validation-only",
                lambda p: p.epochs * steps_an_epoch(p, held_back(p)),
                "These are the batches of the images that are held back.",
            ),
        ),
    ),
    Part(
        name="weight",
        ask=(
            "A weight is {{ p.start }}. RMSprop keeps {{ p.keep | num }} of its mean square $s$, which begins at 0: "
            "$s \\leftarrow {{ p.keep | num }} \\, s + {{ (1 - p.keep) | num }} \\, g^2$ and then "
            "$w \\leftarrow w - {{ p.rate | num }} \\, g / \\sqrt{s}$. The gradients of two steps are "
            "{{ p.gradients[0] | num }} and {{ p.gradients[1] | num }}. What is the weight after both?"
        ),
        solve=rmsprop,
        answer=Number(places=2),
        workings=weight_workings,
        misconceptions=(
            Misconception(
                "no-scaling",
                lambda p: float(p.start - p.rate * sum(p.gradients)),
                "This is plain gradient descent: divide by the root of the mean square.",
            ),
            Misconception("root-forgotten", without_root, "Divide by the root of s, not by s."),
            Misconception("uphill", lambda p: 2 * p.start - rmsprop(p), "A step goes against the gradient: subtract."),
            Misconception(
                "squares-summed",
                lambda p: rmsprop(p, Fraction(1), Fraction(1)),
                "This is Adagrad, which adds the squares up; RMSprop forgets a part of them in every step.",
            ),
            Misconception(
                "shares-swapped",
                lambda p: rmsprop(p, 1 - p.keep) if p.keep != Fraction(1, 2) else None,
                "The larger share is that of the mean square so far, and the new square has the rest.",
            ),
        ),
    ),
    Part(
        name="chosen",
        ask=(
            "The network was measured after every epoch, on 1,000 images each of the three kinds:\n\n{{ p.table }}\n\n"
            "Which epoch's model do you keep, and how many of the 1,000 test images does it get wrong?"
        ),
        solve=chosen,
        answer=Shape(("epoch", "errors")),
        workings=chosen_workings,
        misconceptions=(
            Misconception(
                "by-the-test",
                lambda p: errors_at(p, best_epoch(p, 2)),
                "The test set must not choose: then it is no longer unseen. The validation chooses.",
            ),
            Misconception(
                "by-the-training",
                lambda p: errors_at(p, best_epoch(p, 0)),
                "On images that it has learned a network gets better and better: the validation chooses.",
            ),
            Misconception(
                "validation-errors",
                lambda p: errors_at(p, best_epoch(p, 1), column=1),
                "These are the errors on the validation images, by which you chose: they flatter.",
            ),
            Misconception(
                "right-ones",
                lambda p: (best_epoch(p, 1), p.accuracies[best_epoch(p, 1) - 1][2]),
                "These are the right ones; the errors are asked for.",
            ),
        ),
    ),
)

EXERCISE = Exercise(
    name=TOPIC,
    title="A network with two convolutions",
    summary="10 and 20 filters, two dense layers: sizes, parameters, validation, RMSprop; then built and trained",
    draw=draw,
    intro=INTRO,
    conventions=(
        "Filters move by 1, without padding. Tiles of a pooling lie side by side; what fills no whole one is left out.",
        "All layers with weights have biases.",
        "An epoch has every image that is learned once. A batch that is smaller because no more are left counts too.",
    ),
    parts=PARTS,
    models=MODELS,
    cost=cost,
    costs=COSTS,
    cost_unit="one-digit multiplications",
    version=2,
    worked=WORKED,
)
