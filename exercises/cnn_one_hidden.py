"""A network with one convolution: sizes and steps by hand; then built, and trained without and with momentum."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import prod
from typing import Any

from exercises import _models, _steps
from exercises._models import CLASSES, EXAMPLE, HELD_OUT, LEARNED
from exercises.parameters import by_hand
from grader.authoring import (
    Carry,
    Draw,
    Exercise,
    Integer,
    Level,
    Misconception,
    ModelPart,
    ModelTask,
    ModelTwin,
    Number,
    Part,
    Plan,
    StepTwin,
    count,
    write_number,
)
from solutions import counting, networks, training

TOPIC = "cnn_one_hidden"
Pair = tuple[int, int]
Triple = tuple[int, int, int]
MOMENTUM = Fraction(1, 2)


@dataclass(frozen=True)
class Setup:
    """A model that is built and how it is trained: one of few, since what is reached was measured for each."""

    key: str
    filters: int
    kernel: int
    pool: int
    mean: bool  # whether pooling takes means; else it takes the largest
    rate: float
    decay: float
    batch: int
    epochs: int

    @property
    def pooling(self) -> str:
        return "mean" if self.mean else "max"

    @property
    def pooled(self) -> int:
        """The side of a pooled map."""
        return (EXAMPLE[1] - self.kernel + 1) // self.pool

    @property
    def features(self) -> int:
        return self.filters * self.pooled**2

    @property
    def written_decay(self) -> str:
        return _models.power(self.decay)


@dataclass(frozen=True)
class Params:
    """A network on paper, its training and a weight with momentum; and the model that is built and trained.

    image: (channels, height, width). examples, batch, epochs: of the training on paper. start, gradients: of the
    weight, which moves with momentum 1/2 and the learning rate `tenths` / 10.
    """

    setup: Setup
    image: Triple
    filters: int
    kernel: int
    pool: int
    classes: int
    examples: int
    batch: int
    epochs: int
    start: int
    gradients: tuple[int, ...]
    tenths: int

    @property
    def map(self) -> Pair:
        return self.image[1] - self.kernel + 1, self.image[2] - self.kernel + 1

    @property
    def pooled(self) -> Pair:
        return self.map[0] // self.pool, self.map[1] // self.pool

    @property
    def features(self) -> int:
        """The numbers that the dense layer gets."""
        return self.filters * prod(self.pooled)

    @property
    def seen(self) -> int:
        """The weights of a filter."""
        return self.image[0] * self.kernel**2

    @property
    def rate(self) -> Fraction:
        return Fraction(self.tenths, 10)

    @property
    def pulls(self) -> str:
        """The gradients in words."""
        *first, last = map(write_number, self.gradients)
        return f"{', '.join(first)} and {last}"

    @property
    def boxes(self) -> list[tuple[tuple[int, ...], str, str]]:
        """The network that is built, as volumes."""
        s = self.setup
        side = EXAMPLE[1] - s.kernel + 1
        return [
            (EXAMPLE, "image", "1 × 28 × 28"),
            ((s.filters, side, side), "convolution", f"{s.filters} filters {s.kernel} × {s.kernel}"),
            ((s.filters, s.pooled, s.pooled), f"{s.pooling} pooling", f"{s.pool} × {s.pool}"),
            ((s.features,), "flatten", "in a row"),
            ((len(CLASSES),), "dense", f"{len(CLASSES)} logits"),
        ]

    @property
    def curves(self) -> str:
        return _models.curves_picture(curves(self.setup), CURVES_TITLE)

    @property
    def curves_alt(self) -> str:
        return _models.curves_text(curves(self.setup))


CURVES_TITLE = "Errors of the reference after every epoch"

# Drawing ---------------------------------------------------------------------------------------------------

COSTS = {Level.INTRO: 25, Level.STANDARD: 41, Level.CHALLENGE: 46}
SIDES = {Level.INTRO: (16, 40), Level.STANDARD: (30, 80), Level.CHALLENGE: (64, 160)}
KERNELS = {Level.INTRO: (3, 5), Level.STANDARD: (5, 7, 9), Level.CHALLENGE: (5, 7, 9, 11)}
POOLS = {Level.INTRO: (2, 3), Level.STANDARD: (2, 3, 4), Level.CHALLENGE: (3, 4, 5)}
FILTERS = {Level.INTRO: (4, 12), Level.STANDARD: (8, 32), Level.CHALLENGE: (12, 64)}
STEPS = {Level.INTRO: 2, Level.STANDARD: 3, Level.CHALLENGE: 3}
BATCHES = (16, 20, 25, 32, 40, 50, 64, 100, 128)


def draw(rng: Draw, level: Level) -> Params:
    """Draw numbers on which every mistake shows, and whose work by hand is that of the level."""
    while True:
        p = draw_once(rng, level)
        if abs(cost(p) - COSTS[level]) <= COSTS[level] // 6 and all(all_differ(part, p) for part in PARTS):
            return p


def all_differ(part: Part[Params], p: Params) -> bool:
    """Do the right answer and every mistake's differ from each other, by more than rounding hides?"""
    answers = [part.solve(p), *part.distractors(p).values()]
    if isinstance(part.answer, Number):
        return all(b - a > 0.02 for a, b in pairwise(sorted(map(float, answers))))
    return len(set(answers)) == len(answers)


def draw_once(rng: Draw, level: Level) -> Params:
    height, width = rng.sample(range(SIDES[level][0], SIDES[level][1] + 1), 2)
    batch = rng.choice(BATCHES)
    steps = rng.integer(4, 60)
    return Params(
        setup=rng.choice(SETUPS),
        image=(1 if level is Level.INTRO else 3, height, width),
        filters=rng.integer(*FILTERS[level]),
        kernel=rng.choice(KERNELS[level]),
        pool=rng.choice(POOLS[level]),
        classes=rng.integer(5, 9) if level is Level.INTRO else rng.integer(11, 60),
        examples=batch * steps + rng.integer(1, batch - 1),
        batch=batch,
        epochs=rng.integer(3, 9) if level is Level.INTRO else rng.integer(12, 60),
        start=rng.integer(2, 9),
        gradients=tuple(rng.choice((-6, -4, -3, -2, 2, 3, 4, 6)) for _ in range(STEPS[level])),
        tenths=rng.integer(1, 5),
    )


def cost(p: Params) -> int:
    """One-digit multiplications of the workings; a digit of a quotient counts as one."""
    quotients = sum(len(str(side)) for side in p.pooled) + len(str(steps_an_epoch(p)))
    parameters = by_hand(p.kernel, p.kernel, p.image[0]) + by_hand(p.seen + 1, p.filters)
    dense = by_hand(*p.pooled, p.filters) + by_hand(p.features + 1, p.classes)
    return quotients + parameters + dense + by_hand(steps_an_epoch(p), p.epochs) + 2 * len(p.gradients)


# Solvers ---------------------------------------------------------------------------------------------------


def conv_parameters(p: Params) -> int:
    return counting.conv_parameters(p.image[0], p.filters, p.kernel)


def dense_parameters(p: Params, inputs: int | None = None) -> int:
    return counting.linear_parameters(p.features if inputs is None else inputs, p.classes)


def parameters(p: Params) -> int:
    return conv_parameters(p) + dense_parameters(p)


def steps_an_epoch(p: Params) -> int:
    return math.ceil(p.examples / p.batch)


def moved(p: Params, velocity: Callable[[Fraction, Fraction], Fraction]) -> Fraction:
    """Return the weight after its steps, each by the rate times velocity(the one before, gradient)."""
    weight, before = Fraction(p.start), Fraction(0)
    for gradient in p.gradients:
        before = velocity(before, Fraction(gradient))
        weight -= p.rate * before
    return weight


def heavy(before: Fraction, gradient: Fraction) -> Fraction:
    return MOMENTUM * before + gradient


def last_only(p: Params) -> Fraction:
    """The weight of someone for whom momentum adds half of the gradient before, and no more of the past."""
    earlier = (0, *p.gradients)
    return p.start - p.rate * sum((g + MOMENTUM * e for e, g in zip(earlier, p.gradients, strict=False)), Fraction(0))


def last_only_differs(p: Params) -> Fraction | None:
    return last_only(p) if len(p.gradients) > 2 else None


def nesterov(p: Params) -> Fraction:
    weight, velocity = Fraction(p.start), Fraction(0)
    for gradient in p.gradients:
        velocity = heavy(velocity, Fraction(gradient))
        weight -= p.rate * (gradient + MOMENTUM * velocity)
    return weight


def own_features(p: Params, earlier: Mapping[str, Any]) -> int:
    return conv_parameters(p) + dense_parameters(p, int(earlier["features"]))


# Workings --------------------------------------------------------------------------------------------------


def features_workings(p: Params) -> str:
    (_, h, w), k, q = p.image, p.kernel, p.pool
    lines = [
        rf"- {name}: ${_steps.size(side, k)}$, and $\lfloor {there} / {q} \rfloor = {tiles}$ whole tiles"
        for name, side, there, tiles in zip(("height", "width"), (h, w), p.map, p.pooled, strict=True)
    ]
    return (
        "Positions of a filter, then whole tiles:\n\n"
        + "\n".join(lines)
        + (
            f"\n\nEach of the {p.filters} filters makes one map, so that flattening gives "
            f"${_steps.product(p.filters, *p.pooled)}$ numbers."
        )
    )


def parameters_workings(p: Params) -> str:
    conv, dense = conv_parameters(p), dense_parameters(p)
    factors = rf"{p.image[0]} \cdot {p.kernel} \cdot {p.kernel}" if p.image[0] > 1 else rf"{p.kernel} \cdot {p.kernel}"
    return (
        "Two layers have something to learn:\n\n"
        f"- convolution: a filter has ${factors} = {p.seen}$ weights and a bias, so "
        rf"${p.filters} \cdot ({p.seen} + 1) = {_steps.tex(conv)}$"
        "\n"
        f"- dense layer: a unit has a weight for each of {p.features:,} numbers and a bias, so "
        rf"${p.classes} \cdot ({_steps.tex(p.features)} + 1) = {_steps.tex(dense)}$"
        f"\n\nPooling has nothing to learn. In all: ${_steps.tex(conv)} + {_steps.tex(dense)} = "
        f"{_steps.tex(conv + dense)}$."
    )


def steps_workings(p: Params) -> str:
    whole, rest = divmod(p.examples, p.batch)
    return (
        f"An epoch has {count(whole, 'whole batch', 'whole batches')} of {p.batch} and one of {rest}: "
        rf"$\lceil {_steps.tex(p.examples)} / {p.batch} \rceil = {whole + 1}$ steps. "
        f"In {p.epochs} epochs: ${_steps.product(p.epochs, whole + 1)}$."
    )


def weight_workings(p: Params) -> str:
    rows = ["| step | gradient | velocity | weight |", "|--:|--:|:--|:--|"]
    weight, velocity, rate = Fraction(p.start), Fraction(0), write_number(p.rate)
    for number, gradient in enumerate(p.gradients, 1):
        before, velocity = velocity, heavy(velocity, Fraction(gradient))
        old, weight = weight, weight - p.rate * velocity
        rows.append(
            rf"| {number} | {write_number(gradient)} | $0.5 \cdot {bracketed(before)} {signed(gradient)} = "
            rf"{write_number(velocity)}$ | ${write_number(old)} - {rate} \cdot {bracketed(velocity)} = "
            f"{write_number(weight)}$ |"
        )
    return "The velocity begins at 0, and each step takes the rate times the new velocity:\n\n" + "\n".join(rows)


def bracketed(number: Fraction) -> str:
    return f"({write_number(number)})" if number < 0 else write_number(number)


def signed(number: int) -> str:
    return f"- {-number}" if number < 0 else f"+ {number}"


def loss_workings(p: Params) -> str:
    return (
        f"Every class has the probability $1 / {p.classes}$, the right one too, and the loss is the negative natural "
        rf"logarithm of that: $-\ln(1 / {p.classes}) = \ln {p.classes} = {math.log(p.classes):.3f}$."
    )


# The models ------------------------------------------------------------------------------------------------

SETUPS = (
    Setup("f25-k9-max", 25, 9, 4, mean=False, rate=0.05, decay=1e-6, batch=32, epochs=4),
    Setup("f20-k9-mean", 20, 9, 5, mean=True, rate=0.08, decay=1e-4, batch=25, epochs=4),
    Setup("f16-k7-max", 16, 7, 4, mean=False, rate=0.08, decay=1e-5, batch=24, epochs=4),
)


def layers(s: Setup) -> list[networks.Layer]:
    """Return the network that is built."""
    pool = networks.avg_pool(s.pool) if s.mean else networks.max_pool(s.pool)
    return [
        networks.conv(1, s.filters, s.kernel),
        {"type": "relu"},
        pool,
        networks.FLATTEN,
        *networks.dense(s.features, len(CLASSES)),
    ]


def wrong_models(s: Setup) -> tuple[ModelTwin, ...]:
    """Return models that students build instead."""
    conv, relu, pool, flat, dense = layers(s)
    other = replace(s, mean=not s.mean)
    twins = [
        ("max-pooling" if s.mean else "mean-pooling", layers(other), f"The sheet asks for {s.pooling} pooling."),
        ("no-activation", [conv, pool, flat, dense], "The ReLU after the convolution is missing."),
        ("sigmoid", [conv, {"type": "sigmoid"}, pool, flat, dense], "The activation is a ReLU, not a sigmoid."),
        ("tanh", [conv, {"type": "tanh"}, pool, flat, dense], "The activation is a ReLU, not tanh."),
        (
            "softmax-at-the-end",
            [*layers(s), {"type": "softmax"}],
            "Return logits: the loss, cross_entropy, takes the softmax itself.",
        ),
        (
            "log-softmax-at-the-end",
            [*layers(s), {"type": "log_softmax"}],
            "Return logits: with cross_entropy, a log_softmax at the end is one too many.",
        ),
        ("relu-at-the-end", [*layers(s), relu], "Logits may be negative: there is no ReLU after the dense layer."),
        (
            "no-bias",
            [conv | {"bias": False}, relu, pool, flat, dense],
            "The convolution has a bias for every filter.",
        ),
        (
            "padded",
            padded(s),
            "There is no padding: the maps are smaller than the image.",
        ),
        (
            "hidden-layer",
            [conv, relu, pool, flat, *networks.dense(s.features, 100), relu, *networks.dense(100, len(CLASSES))],
            "There is one hidden layer, the convolution; the dense layer gives the logits.",
        ),
        ("kernel-five", layers(replace(s, kernel=5)), f"The filters are {s.kernel} × {s.kernel}."),
        ("one-filter-more", layers(replace(s, filters=s.filters + 1)), f"There are {s.filters} filters."),
    ]
    if (side := EXAMPLE[1] // s.pool - s.kernel + 1) > 0:
        first = [{"type": pool["type"], "kernel_size": s.pool}, conv, relu, flat]
        after = networks.dense(s.filters * side**2, len(CLASSES))
        twins.append(("pooling-first", [*first, *after], "The convolution comes first, then pooling."))
    if s.mean:
        twins.append(
            ("pooled-before-relu", [conv, pool, relu, flat, dense], "The ReLU comes before the means are taken.")
        )
    if (EXAMPLE[1] - s.kernel + 1) % s.pool:
        wide = networks.dense(s.filters * (s.pooled + 1) ** 2, len(CLASSES))
        hint = "Tiles that would reach beyond the map are left out: ceil_mode=False."
        twins.append(("rest-pooled", [conv, relu, pool | {"ceil_mode": True}, flat, *wide], hint))
    return tuple(_models.twin(*one) for one in twins)


def padded(s: Setup) -> list[networks.Layer]:
    tiles = EXAMPLE[1] // s.pool
    _, relu, pool, flat, _ = layers(s)
    conv = networks.conv(1, s.filters, s.kernel, padding=s.kernel // 2)
    return [conv, relu, pool, flat, *networks.dense(s.filters * tiles**2, len(CLASSES))]


def options(s: Setup, *, momentum: bool) -> dict[str, float]:
    """Return what the optimizer of torch.optim is told."""
    plain = {"lr": s.rate}
    return {**plain, "momentum": float(MOMENTUM), "weight_decay": s.decay} if momentum else plain


@cache
def plans(*, momentum: bool) -> tuple[Plan, ...]:
    return tuple(plan_of(s, momentum=momentum) for s in SETUPS)


def plan_of(s: Setup, *, momentum: bool) -> Plan:
    told = options(s, momentum=momentum)
    starts = _models.wrong_starts("SGD", told, ("Adam", "RMSprop"))
    if momentum:
        swapped = training.starter("SGD", {"lr": s.rate, "momentum": s.decay, "weight_decay": float(MOMENTUM)})
        ahead = training.starter("SGD", {**told, "nesterov": True})
        starts += (
            StepTwin("momentum-and-decay-swapped", "Momentum and weight decay are exchanged.", start=swapped),
            StepTwin("nesterov", "This is Nesterov's momentum; the sheet asks for the plain one.", start=ahead),
        )
    else:
        spoken = training.starter("SGD", options(s, momentum=True))
        hint = "This training has neither momentum nor weight decay; train_with_momentum has."
        starts += (StepTwin("momentum-too-early", hint, start=spoken),)
    key = f"{s.key}-momentum" if momentum else s.key
    return Plan(
        key=key,
        example=EXAMPLE,
        classes=CLASSES,
        build=_models.built(layers(s)),
        start=training.starter("SGD", told),
        step=training.step(),
        data=_models.digits,
        others=_models.OTHERS,
        wrong_models=wrong_models(s),
        wrong_steps=(*_models.wrong_steps(), *starts),
        batch=s.batch,
        epochs=s.epochs,
        practice=(prod(EXAMPLE), 12, len(CLASSES)),
        measured=_models.measured(TOPIC, key),
        words=_models.WORDS,
        run="with momentum" if momentum else "plain SGD",
    )


def plan(p: Params, *, momentum: bool) -> Plan:
    return next(one for s, one in zip(SETUPS, plans(momentum=momentum), strict=True) if s == p.setup)


def curves(s: Setup) -> dict[str, tuple[float, ...]]:
    """Return the errors of both trainings of the reference, by what they are and the training."""
    found: dict[str, tuple[float, ...]] = {}
    for momentum in (False, True):
        one = plan_of(s, momentum=momentum)
        found |= {f"{name}, {one.run}": values for name, values in one.measured.curves.items()}
    return found


BUILD_DOC = f"""\
Return a new network with one hidden layer, freshly initialised as PyTorch does it.

Its layers, in this order:

1. a convolution of {{{{ p.setup.filters }}}} filters {{{{ p.setup.kernel }}}} × {{{{ p.setup.kernel }}}} with biases, \
stride 1, no padding
2. ReLU
3. {{{{ p.setup.pooling }}}} pooling of {{{{ p.setup.pool }}}} × {{{{ p.setup.pool }}}}, tiles side by side
4. all maps flattened in a row, as torch.flatten does
5. a dense layer with biases, one unit a class

It takes a batch (N, 1, 28, 28) float32 and returns logits (N, {len(CLASSES)}): no softmax at the end, since
the loss takes it. A Sequential, a class of your own, functions: any torch.nn.Module that computes
this is right.

Returns:
    a torch.nn.Module"""

LOSS = "The loss is the mean cross-entropy of a batch, of the logits."
PLAIN_DOC = _models.training_doc(
    "Train a model by plain stochastic gradient descent.",
    (LOSS, "Plain SGD, learning rate {{ p.setup.rate }}: no momentum, no weight decay."),
)
MOMENTUM_DOC = _models.training_doc(
    "Train a model as before, but with momentum and weight decay.",
    (
        LOSS,
        "SGD, learning rate {{ p.setup.rate }}, momentum 0.5, weight decay {{ p.setup.written_decay }}: a weight's "
        "velocity v begins at 0; then v = 0.5 v + (gradient + decay w) and w = w - rate v, as in torch.optim.SGD.",
    ),
)

MODELS: tuple[ModelPart[Params], ...] = (
    ModelPart(
        name="build_model",
        task=ModelTask.BUILD,
        plan=lambda p: plan(p, momentum=False),
        plans=lambda: plans(momentum=False),
        doc=BUILD_DOC,
        marks=3,
    ),
    ModelPart(
        name="train",
        task=ModelTask.TRAIN,
        plan=lambda p: plan(p, momentum=False),
        plans=lambda: plans(momentum=False),
        doc=PLAIN_DOC,
        marks=4,
    ),
    ModelPart(
        name="train_with_momentum",
        task=ModelTask.TRAIN,
        plan=lambda p: plan(p, momentum=True),
        plans=lambda: plans(momentum=True),
        doc=MOMENTUM_DOC,
        marks=3,
    ),
)

# Parts -----------------------------------------------------------------------------------------------------


def ranges() -> str:
    """Return in words between which numbers the models of all variants lie."""
    spans = {name: _models.span([getattr(s, name) for s in SETUPS]) for name in ("filters", "rate", "batch", "epochs")}
    kernels, pools = (
        " or ".join(f"{side} × {side}" for side in sorted({getattr(s, name) for s in SETUPS}))
        for name in ("kernel", "pool")
    )
    decays = _models.span([s.decay for s in SETUPS], _models.power)
    return (
        f"{spans['filters']} filters of {kernels}, max or mean pooling of {pools}, learning rates of {spans['rate']}, "
        f"weight decays of {decays}, batches of {spans['batch']}, {spans['epochs']} epochs"
    )


INTRO = f"""\
**On paper**, images of **{{{{ p.image[0] }}}} × {{{{ p.image[1] }}}} × {{{{ p.image[2] }}}}** (channels, height, \
width) go through a convolution of **{{{{ p.filters }}}} filters {{{{ p.kernel }}}} × {{{{ p.kernel }}}}**, ReLU, max \
pooling of {{{{ p.pool }}}} × {{{{ p.pool }}}}, and a dense layer of **{{{{ p.classes }}}} units**, one a class. It is \
trained on {{{{ "{{:,}}".format(p.examples) }}}} images for {{{{ p.epochs }}}} epochs, in batches of {{{{ p.batch }}}}.

**As a program**, you build a network of the same kind for handwritten digits and train it twice, without and with \
momentum:
{{{{ boxes(p.boxes) }}}}

The digits are scikit-learn's, enlarged from 8 × 8 to 28 × 28 pixels: {LEARNED:,} to learn from, and {HELD_OUT} that \
no training sees. On 60,000 digits a learning rate of 0.001 in batches of 128 does; on so few it is \
{{{{ p.setup.rate }}}}, in batches of {{{{ p.setup.batch }}}}. Your report draws the errors of both trainings after \
every epoch in one plot, the filters that were learned, and what they make of a digit.

Variants differ: {ranges()}.
"""

WORKED = """\
{% if p.curves %}The errors of the reference after every epoch of both trainings, for one seed. Your report shows \
yours beside them, and the filters and maps of your model.

{{ picture(p.curves, p.curves_alt) }}{% endif %}"""

PARTS: tuple[Part[Params], ...] = (
    Part(
        name="features",
        ask="On paper: how many numbers does the dense layer get for one image (`in_features`)?",
        solve=lambda p: p.features,
        answer=Integer(),
        workings=features_workings,
        misconceptions=(
            Misconception(
                "size-kept",
                lambda p: p.filters * (p.image[1] // p.pool) * (p.image[2] // p.pool),
                "Without padding a map is smaller than the image, before it is pooled.",
            ),
            Misconception(
                "no-plus-one",
                lambda p: (
                    p.filters * ((p.map[0] - 1) // p.pool) * ((p.map[1] - 1) // p.pool) if differs_by_one(p) else None
                ),
                "A filter has one position more than steps: i - k + 1.",
            ),
            Misconception("not-pooled", lambda p: p.filters * prod(p.map), "The maps are pooled before they go on."),
            Misconception(
                "one-map", lambda p: prod(p.pooled), "This is one map: every filter makes one, and all are flattened."
            ),
            Misconception(
                "stride-one",
                lambda p: p.filters * prod(side - p.pool + 1 for side in p.map),
                "Tiles lie side by side, they do not overlap.",
            ),
            Misconception(
                "channels-multiplied",
                lambda p: p.features * p.image[0] if p.image[0] > 1 else None,
                "A filter adds up all channels: it makes one map, not one a channel.",
            ),
        ),
    ),
    Part(
        name="parameters",
        ask="How many parameters does this network have in all, biases included?",
        solve=parameters,
        answer=Integer(),
        workings=parameters_workings,
        carry=Carry(
            parts=("features",),
            solve=own_features,
            when=lambda p, earlier: earlier["features"] >= 1,
            condition="your number is at least 1",
        ),
        misconceptions=(
            Misconception(
                "no-biases",
                lambda p: p.filters * p.seen + p.features * p.classes,
                "Every filter and every unit has a bias as well.",
            ),
            Misconception(
                "one-bias",
                lambda p: p.filters * p.seen + 1 + p.features * p.classes + 1,
                "A layer has not one bias but one for each filter or unit.",
            ),
            Misconception("convolution-only", conv_parameters, "The dense layer has parameters too, and most of them."),
            Misconception("dense-only", dense_parameters, "The convolution has parameters too: weights and biases."),
            Misconception(
                "one-channel",
                lambda p: p.filters * (p.kernel**2 + 1) + dense_parameters(p) if p.image[0] > 1 else None,
                "A filter has weights for every channel that comes in.",
            ),
            Misconception(
                "pooling-counted",
                lambda p: parameters(p) + p.filters * p.pool**2,
                "Pooling has no weights to learn.",
            ),
        ),
    ),
    Part(
        name="steps",
        ask="How many steps does the optimizer take in the whole training on paper, the last batches included?",
        solve=lambda p: p.epochs * steps_an_epoch(p),
        answer=Integer(unit="steps"),
        workings=steps_workings,
        misconceptions=(
            Misconception(
                "last-batch-dropped",
                lambda p: p.epochs * (p.examples // p.batch),
                "What is left over is a batch too, a smaller one: round up.",
            ),
            Misconception("one-epoch", steps_an_epoch, "This is one epoch: multiply by their number."),
            Misconception(
                "step-an-example",
                lambda p: p.epochs * p.examples,
                "There is one step a batch, not one an example.",
            ),
            Misconception("step-an-epoch", lambda p: p.epochs, "An epoch has many steps, one a batch."),
            Misconception(
                "rounded-at-the-end",
                lambda p: -(-p.epochs * p.examples // p.batch),
                "Batches do not go across epochs: round up in each epoch, then multiply.",
            ),
        ),
    ),
    Part(
        name="weight",
        ask=(
            "A weight is {{ p.start }}, its velocity 0. Its gradients in {{ p.gradients | length }} steps are "
            "{{ p.pulls }}. The learning rate is {{ p.rate | num }}, the momentum 0.5, without weight decay; as in "
            "PyTorch, $v \\leftarrow 0.5 \\, v + g$ and then $w \\leftarrow w - \\text{rate} \\cdot v$. What is the "
            "weight after these steps?"
        ),
        solve=lambda p: moved(p, heavy),
        answer=Number(places=2),
        workings=weight_workings,
        misconceptions=(
            Misconception(
                "no-momentum",
                lambda p: moved(p, lambda before, gradient: gradient),
                "Half of the velocity before is added to each gradient.",
            ),
            Misconception(
                "averaged",
                lambda p: moved(p, lambda before, gradient: (before + gradient) / 2),
                "The new gradient counts whole, not by half.",
            ),
            Misconception(
                "velocity-not-damped",
                lambda p: moved(p, lambda before, gradient: before + gradient),
                "Only half of the velocity before is kept.",
            ),
            Misconception(
                "uphill",
                lambda p: 2 * p.start - moved(p, heavy),
                "A step goes against the gradient: subtract.",
            ),
            Misconception(
                "one-step-back", last_only_differs, "The velocity remembers all steps before, not only the last one."
            ),
            Misconception("nesterov", nesterov, "This is Nesterov's momentum, which looks one step ahead."),
        ),
    ),
    Part(
        name="loss",
        ask=(
            "Before it has learned anything, the network on paper gives all {{ p.classes }} classes about the same "
            "probability. What is the cross-entropy then, as torch.nn.functional.cross_entropy gives it?"
        ),
        solve=lambda p: math.log(p.classes),
        answer=Number(places=2),
        workings=loss_workings,
        misconceptions=(
            Misconception(
                "base-two", lambda p: math.log2(p.classes), "Take the natural logarithm, not that of base 2."
            ),
            Misconception(
                "base-ten", lambda p: math.log10(p.classes), "Take the natural logarithm, not that of base 10."
            ),
            Misconception(
                "probability", lambda p: 1 / p.classes, "This is the probability; the loss is its negative logarithm."
            ),
            Misconception(
                "over-the-classes",
                lambda p: math.log(p.classes) / p.classes,
                "The mean is taken over the examples; an example's loss is not divided by the number of classes.",
            ),
            Misconception(
                "negative", lambda p: -math.log(p.classes), "The loss is the negative logarithm: it is positive."
            ),
        ),
    ),
)


def differs_by_one(p: Params) -> bool:
    """Does it show in the number of tiles when the map is taken one row and column too small?"""
    return tuple((side - 1) // p.pool for side in p.map) != p.pooled


EXERCISE = Exercise(
    name=TOPIC,
    title="A network with one convolution",
    summary="25 filters and pooling: sizes, parameters, steps, momentum; then built, trained twice, and compared",
    draw=draw,
    intro=INTRO,
    conventions=(
        "Filters move by 1, without padding. Tiles of a pooling lie side by side; what fills no whole one is left out.",
        "All layers with weights have biases.",
        "An epoch has every image once. A batch that is smaller because no more images are left is learned too.",
    ),
    parts=PARTS,
    models=MODELS,
    cost=cost,
    costs=COSTS,
    cost_unit="one-digit multiplications",
    version=2,
    worked=WORKED,
)
