"""The loop that trains: its steps counted, a batch's loss and a weight's step by hand; then written, and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property, partial
from itertools import pairwise
from typing import Any

from exercises import _models, _steps
from grader.authoring import (
    Carry,
    Choice,
    Draw,
    EvaluationTwin,
    Exercise,
    Integer,
    Level,
    Misconception,
    ModelPart,
    ModelTask,
    Number,
    Part,
    Plan,
    StepTwin,
    count,
    write_number,
)
from solutions import losses, networks, training

TOPIC = "training_loop"
WIDTHS = (28 * 28, 32, 10)  # of the network that is trained
Powers = tuple[int, ...]  # e to each logit of an example


@dataclass(frozen=True)
class Setup:
    """How a training is set up; `held` means that one of so many examples is held back."""

    key: str
    optimizer: str
    options: tuple[tuple[str, float], ...]
    batch: int
    epochs: int
    held: int

    @property
    def call(self) -> str:
        """The optimizer as it is written in Python."""
        options = "".join(f", {name}={value:g}" for name, value in self.options)
        return f"torch.optim.{self.optimizer}(model.parameters(){options})"


SETUPS = (
    Setup("sgd", "SGD", (("lr", 0.1),), batch=32, epochs=10, held=5),
    Setup("momentum", "SGD", (("lr", 0.05), ("momentum", 0.9)), batch=50, epochs=8, held=10),
    Setup("decay", "SGD", (("lr", 0.05), ("momentum", 0.8), ("weight_decay", 0.001)), batch=40, epochs=8, held=8),
    Setup("adam", "Adam", (("lr", 0.003),), batch=64, epochs=8, held=6),
)


@dataclass(frozen=True)
class Params:
    """What is drawn.

    setup: of the training that is written. examples, held, batch, epochs: of the training on paper; `held` are held
    back. powers: e to each logit, for every example of a small batch; labels: its classes; inputs: its values of one
    input. to: the class that the weight leads to from this input; weight, rate: before the step, and of it; left: what
    earlier batches left in the weight's .grad. slip: of the printed loop; offered: the slips to choose from.
    """

    setup: Setup
    examples: int
    held: int
    batch: int
    epochs: int
    powers: tuple[Powers, ...]
    labels: tuple[int, ...]
    inputs: tuple[Fraction, ...]
    to: int
    weight: Fraction
    rate: Fraction
    left: Fraction
    slip: str
    offered: tuple[str, ...]

    @property
    def learned(self) -> int:
        """Examples that an epoch learns."""
        return self.examples - self.held

    @property
    def size(self) -> int:
        return len(self.powers)

    @cached_property
    def shares(self) -> tuple[losses.Shares, ...]:
        return tuple(losses.softmax(powers) for powers in self.powers)

    @cached_property
    def loss(self) -> Fraction:
        """The loss of the small batch."""
        return losses.negative_log_likelihood(self.right)

    @cached_property
    def gradient(self) -> Fraction:
        """What backward() leaves in the weight's .grad."""
        return losses.dense_gradient(self.to_class, self.own, self.inputs)

    @property
    def right(self) -> losses.Shares:
        """What softmax gives to the class of each example."""
        return tuple(shares[label] for shares, label in zip(self.shares, self.labels, strict=True))

    @property
    def own(self) -> tuple[bool, ...]:
        """Is the weight's class that of the example?"""
        return tuple(label == self.to for label in self.labels)

    @property
    def to_class(self) -> losses.Shares:
        """What softmax gives to the weight's class, for each example."""
        return tuple(shares[self.to] for shares in self.shares)

    @property
    def table(self) -> str:
        """The small batch as a Markdown table."""
        classes = range(len(self.powers[0]))
        head = f"| example | $x$ | class | {' | '.join(f'$z_{k}$' for k in classes)} |\n"
        rule = f"|--:|--:|--:|{'--:|' * len(classes)}\n"
        rows = [
            f"| {n} | {write_number(x)} | {label} | {' | '.join(logit(power) for power in powers)} |\n"
            for n, (x, label, powers) in enumerate(zip(self.inputs, self.labels, self.powers, strict=True), 1)
        ]
        return head + rule + "".join(rows)

    @property
    def listing(self) -> str:
        """The loop with its slip, as a fenced block."""
        return "\n".join(["```python", *SLIPS[self.slip].lines(self.epochs, self.batch), "```"])

    @property
    def curves(self) -> str:
        return _models.curves_picture(plan(self.setup.key).measured.curves, "Error after every epoch")

    @property
    def curves_told(self) -> str:
        return "Curves of the reference. " + _models.curves_text(plan(self.setup.key).measured.curves)


def logit(power: int) -> str:
    return "0" if power == 1 else rf"$\ln {power}$"


# Slips in a printed loop -------------------------------------------------------------------------------------

LOSS = "loss = F.cross_entropy(model(x[rows]), y[rows])"
ZERO, BACKWARD, STEP = "optimizer.zero_grad()", "loss.backward()", "optimizer.step()"
RIGHT = (LOSS, ZERO, BACKWARD, STEP)


@dataclass(frozen=True)
class Slip:
    """A wrong loop: what its batches do, what they are, and what comes of it."""

    effect: str
    hint: str
    body: tuple[str, ...] = RIGHT
    order: str = "torch.randperm(len(x))"
    mode: str = "train"

    def lines(self, epochs: int, batch: int) -> list[str]:
        return [
            "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)",
            f"for epoch in range({epochs}):",
            f"    model.{self.mode}()",
            f"    for rows in {self.order}.split({batch}):",
            *(f"        {line}" for line in self.body),
        ]


SLIPS: Mapping[str, Slip] = {
    "no-zero-grad": Slip(
        "Each step uses the gradients of all the batches so far, added up.",
        "zero_grad() stands in this loop: it starts every batch's gradients from zero.",
        (LOSS, BACKWARD, STEP),
    ),
    "step-before-backward": Slip(
        "Each step comes before its own batch's gradients are there.",
        "step() comes after backward() in this loop.",
        (LOSS, STEP, ZERO, BACKWARD),
    ),
    "zero-grad-before-step": Slip(
        "The gradients are forgotten before they are used: no weight ever changes.",
        "In this loop no zero_grad() stands between backward() and step().",
        (LOSS, BACKWARD, ZERO, STEP),
    ),
    "softmax-before-cross-entropy": Slip(
        "The softmax is taken twice, which makes the gradients small.",
        "cross_entropy is given logits in this loop: the softmax is taken once, inside it.",
        ("loss = F.cross_entropy(model(x[rows]).softmax(1), y[rows])", *RIGHT[1:]),
    ),
    "loss-summed": Slip(
        "The loss is a sum: steps are as many times too long as the batch has examples.",
        "cross_entropy takes the mean unless it is told to sum.",
        ('loss = F.cross_entropy(model(x[rows]), y[rows], reduction="sum")', *RIGHT[1:]),
    ),
    "no-shuffling": Slip(
        "Every epoch brings the same batches in the same order.",
        "torch.randperm draws a new order each time that it is called: here once an epoch.",
        order="torch.arange(len(x))",
    ),
    "evaluation-mode-in-training": Slip(
        "The model learns with its dropout switched off.",
        "The model learns in training mode here.",
        mode="eval",
    ),
}
OFFERED = 5


# Drawing ---------------------------------------------------------------------------------------------------

EXAMPLES = {Level.INTRO: (300, 3000), Level.STANDARD: (3000, 20_000), Level.CHALLENGE: (20_000, 99_000)}
BATCHES = {Level.INTRO: (16, 20, 25, 30, 32), Level.STANDARD: (32, 48, 50, 64, 100), Level.CHALLENGE: (96, 128, 200)}
SMALL = {Level.INTRO: 2, Level.STANDARD: 4, Level.CHALLENGE: 5}  # examples in the small batch
TOTALS = (4, 5, 10, 20)  # of powers: shares of two decimals
CLASSES = 3
COSTS = {level: 2 * size + 6 for level, size in SMALL.items()}


def draw(rng: Draw, level: Level) -> Params:
    """Draw numbers on which every mistake shows, by more than rounding hides."""
    while True:
        p = draw_once(rng, level)
        if 0 < sum(p.own) < p.size and p.gradient and all(told_apart(part, p) for part in PARTS):
            return p


def told_apart(part: Part[Params], p: Params) -> bool:
    """Do the right answer and all mistakes' differ?"""
    if isinstance(part.answer, Choice):
        return True
    answers = sorted(Fraction(value) for value in (part.solve(p), *part.distractors(p).values()))
    least = Fraction(1, 500) if isinstance(part.answer, Number) else 0
    return all(b - a > least for a, b in pairwise(answers))


def draw_once(rng: Draw, level: Level) -> Params:
    examples = rng.integer(*EXAMPLES[level])
    powers = tuple(drawn_powers(rng) for _ in range(SMALL[level]))
    offered = tuple(rng.sample(tuple(SLIPS), OFFERED))
    return Params(
        setup=rng.choice(SETUPS),
        examples=examples,
        held=examples // rng.integer(4, 10),
        batch=rng.choice(BATCHES[level]),
        epochs=rng.integer(3, 30),
        powers=powers,
        labels=tuple(rng.below(CLASSES) for _ in powers),
        inputs=tuple(rng.decimal(Fraction(1, 10), 1) for _ in powers),
        to=rng.below(CLASSES),
        weight=rng.choice((-1, 1)) * rng.decimal(Fraction(1, 5), 2, 2),
        rate=rng.choice((Fraction(1, 10), Fraction(1, 5), Fraction(1, 2))),
        left=rng.choice((-1, 1)) * rng.decimal(Fraction(1, 10), 1, 2),
        slip=offered[0],
        offered=offered,
    )


def drawn_powers(rng: Draw) -> Powers:
    """Draw positive whole numbers of a round sum, no two of them alike in more than one place."""
    total = rng.choice(TOTALS)
    first = rng.integer(1, total - 2)
    second = rng.integer(1, total - first - 1)
    return tuple(rng.shuffled((first, second, total - first - second)))


# Solvers ---------------------------------------------------------------------------------------------------


def rounded_up(examples: int, batch: int) -> int:
    return -(-examples // batch)


def steps(p: Params) -> int:
    return rounded_up(p.learned, p.batch)


def last(p: Params) -> int:
    """Examples in the last batch of an epoch."""
    return p.learned - (steps(p) - 1) * p.batch


def softmax_twice(p: Params) -> Fraction:
    """The loss of someone who gives cross-entropy a softmax."""
    found = []
    for shares, label in zip(p.shares, p.labels, strict=True):
        powers = [losses.exp(share) for share in shares]
        found.append(powers[label] / sum(powers))
    return losses.negative_log_likelihood(found)


def unnormalised(p: Params) -> Fraction:
    """The loss of someone who takes the logit itself for the logarithm of its softmax."""
    pairs = zip(p.powers, p.labels, strict=True)
    return losses.negative_log_likelihood([Fraction(powers[label]) for powers, label in pairs])


def without_own(p: Params) -> Fraction:
    return losses.dense_gradient(p.to_class, [False] * p.size, p.inputs)


def without_input(p: Params) -> Fraction:
    return losses.dense_gradient(p.to_class, p.own, [Fraction(1)] * p.size)


def stepped(p: Params, slope: Fraction) -> Fraction:
    return p.weight - p.rate * slope


# Workings --------------------------------------------------------------------------------------------------


def steps_workings(p: Params) -> str:
    whole = p.learned // p.batch  # variants on which nothing is left over are not drawn
    return (
        f"Learned are ${_steps.tex(p.examples)} - {_steps.tex(p.held)} = {_steps.tex(p.learned)}$ examples. "
        rf"${_steps.tex(p.learned)} / {p.batch}$ is more than {whole:,} and less than {whole + 1:,}: "
        f"{count(whole, 'whole batch', 'whole batches')} and a smaller one, **{steps(p):,}** steps."
    )


def last_workings(p: Params) -> str:
    before = steps(p) - 1
    return (
        rf"The first ${_steps.tex(before)}$ batches hold ${_steps.tex(before)} \cdot {p.batch} = "
        rf"{_steps.tex(before * p.batch)}$ examples; ${_steps.tex(p.learned)} - {_steps.tex(before * p.batch)} = "
        f"{last(p)}$ are left."
    )


def updates_workings(p: Params) -> str:
    return (
        rf"Each batch is one update: ${p.epochs} \cdot {_steps.tex(steps(p))} = {_steps.tex(p.epochs * steps(p))}$. "
        "An epoch does not begin in the middle of a batch, so the smaller last one comes in each of them."
    )


def loss_workings(p: Params) -> str:
    lines = []
    for n, (powers, label, share) in enumerate(zip(p.powers, p.labels, p.right, strict=True), 1):
        added = " + ".join(map(str, powers))
        lines.append(
            rf"- example {n}: $e^{{z_{label}}} / \sum_k e^{{z_k}} = {powers[label]} / ({added}) = "
            rf"{write_number(share)}$, and $-\ln {write_number(share)} = {write_number(-losses.log(share), 3)}$"
        )
    total = -sum((losses.log(share) for share in p.right), Fraction(0))
    mean = rf"{write_number(total, 3)} / {p.size} = {write_number(p.loss, 3)}"
    return (
        "Softmax gives to the right classes, and the loss takes of it:\n\n"
        + "\n".join(lines)
        + f"\n\nThe mean of these is ${mean}$. (Rounded here, but not on the way.)"
    )


def gradient_workings(p: Params) -> str:
    terms = []
    for share, own, x in zip(p.to_class, p.own, p.inputs, strict=True):
        difference = f"({write_number(share)} - 1)" if own else write_number(share)
        terms.append(rf"{difference} \cdot {write_number(x)}")
    total = losses.dense_gradient(p.to_class, p.own, p.inputs, mean=False)
    return (
        rf"Logit $z_{p.to}$ is the weight times $x$, and more that does not hold the weight: each example gives its "
        rf"$(p_{p.to} - 1)\,x$ where class {p.to} is its own, else $p_{p.to}\,x$. Added up:"
        f"\n\n$${' + '.join(terms)} = {write_number(total)}$$\n\n"
        f"The loss is a mean over {p.size} examples, and so is its gradient: "
        f"${write_number(total)} / {p.size} = {write_number(p.gradient)}$. What stood in `.grad` before plays no part."
    )


def step_workings(p: Params) -> str:
    slope = p.gradient
    shown = write_number(slope)
    return (
        rf"$w - a \cdot g = {write_number(p.weight)} - {write_number(p.rate)} \cdot "
        rf"{f'({shown})' if slope < 0 else shown} = {write_number(stepped(p, slope))}$"
    )


def slip_workings(p: Params) -> str:
    slip = SLIPS[p.slip]
    right = "\n".join(["```python", *Slip("", "").lines(p.epochs, p.batch), "```"])
    return f"{slip.effect} As it should be:\n\n{right}"


def slip_misconception(name: str) -> Misconception[Params]:
    """Return the choice of this slip where another one is printed."""
    return Misconception(
        name, lambda p: SLIPS[name].effect if name in p.offered and name != p.slip else None, SLIPS[name].hint
    )


# Paper parts -----------------------------------------------------------------------------------------------


def ranges() -> str:
    """Return in words between which numbers the trainings of all variants lie."""
    spans = {name: _models.span([getattr(s, name) for s in SETUPS]) for name in ("batch", "epochs", "held")}
    rates = _models.span([dict(s.options)["lr"] for s in SETUPS])
    optimizers = " or ".join(sorted({s.optimizer for s in SETUPS}))
    return (
        f"{optimizers} with learning rates of {rates}, with or without momentum and weight decay, batches of "
        f"{spans['batch']}, {spans['epochs']} epochs, one part of {spans['held']} held back"
    )


INTRO = f"""\
**On paper**, a training set has **{{{{ p.examples | count("example") }}}}**. Of these, \
**{{{{ "{{:,}}".format(p.held) }}}}** are held back for validation and never learned. The others are learned for \
**{{{{ p.epochs | count("epoch") }}}}** in batches of **{{{{ p.batch }}}}**; the last batch of an epoch may be \
smaller, and is learned as well. Each batch is one update.

At one of these steps the batch is a small one, of {{{{ p.size }}}} examples. For each there are the value $x$ of one \
input, its class, and the logits $z_0, z_1, z_2$ that the network has just returned:

{{{{ p.table }}}}

The network's last layer is dense. Its weight $w = {{{{ p.weight | num }}}}$ leads from the input $x$ to the logit \
$z_{{{{ p.to }}}}$. Earlier batches have left ${{{{ p.left | num }}}}$ in its `.grad`. The loop is right: with the \
loss `cross_entropy` it calls zero_grad(), backward() and step(), in this order; the optimizer is plain gradient \
descent with learning rate $a = {{{{ p.rate | num }}}}$.

Somebody else's loop has one mistake:

{{{{ p.listing }}}}

**As a program**, you write one step, an evaluation, and the whole loop. Your loop trains a dense network of \
{WIDTHS[0]} inputs, {WIDTHS[1]} units with tanh and {WIDTHS[2]} logits on scikit-learn's digits, enlarged from 8 × 8 \
to 28 × 28 pixels: {_models.LEARNED:,} are given to it, and {_models.HELD_OUT} are not seen by any training. Your \
report draws the errors after every epoch.

Variants differ: {ranges()}.
"""

WORKED = """\
{% if p.curves %}\
Errors of the reference's training, in percent, on what it learns from and on digits that it never sees:

{{ picture(p.curves, p.curves_told) }}
{% endif %}"""

PARTS: tuple[Part[Params], ...] = (
    Part(
        name="steps",
        ask="How many batches, and so updates, has one epoch?",
        solve=steps,
        answer=Integer(),
        workings=steps_workings,
        misconceptions=(
            Misconception(
                "last-batch-dropped",
                lambda p: p.learned // p.batch,
                "The examples left over are a batch as well: round up.",
            ),
            Misconception(
                "held-back-learned",
                lambda p: rounded_up(p.examples, p.batch),
                "The examples held back are in no batch: take them away first.",
            ),
            Misconception("examples", lambda p: p.learned, "An update takes a whole batch, not one example."),
            Misconception(
                "only-held-back",
                lambda p: rounded_up(p.held, p.batch),
                "These are the batches of the examples held back: learned are the others.",
            ),
        ),
    ),
    Part(
        name="last",
        ask="How many examples has the last batch of an epoch?",
        solve=last,
        answer=Integer(),
        workings=last_workings,
        misconceptions=(
            Misconception(
                "whole", lambda p: p.batch, "The batches do not divide the examples: the last one is smaller."
            ),
            Misconception(
                "held-back-learned",
                lambda p: p.examples % p.batch,
                "The examples held back are in no batch: take them away first.",
            ),
            Misconception(
                "missing", lambda p: p.batch - last(p), "So many are missing from a whole batch: these are the others."
            ),
            Misconception("of-held-back", lambda p: p.held % p.batch, "Those held back are not the ones in batches."),
        ),
    ),
    Part(
        name="updates",
        ask="How many updates has the whole training?",
        solve=lambda p: p.epochs * steps(p),
        answer=Integer(),
        workings=updates_workings,
        carry=Carry(
            ("steps",),
            lambda p, earlier: p.epochs * earlier["steps"],
            "your number of batches is positive",
            lambda p, earlier: earlier["steps"] >= 1,
        ),
        misconceptions=(
            Misconception(
                "last-batch-dropped",
                lambda p: p.epochs * (p.learned // p.batch),
                "The smaller batch at the end of each epoch is an update as well.",
            ),
            Misconception(
                "one-long-epoch",
                lambda p: rounded_up(p.epochs * p.learned, p.batch),
                "Epochs do not share a batch: round up within each, then multiply.",
            ),
            Misconception(
                "examples", lambda p: p.epochs * p.learned, "These are the examples seen: an update takes a batch."
            ),
            Misconception(
                "held-back-learned",
                lambda p: p.epochs * rounded_up(p.examples, p.batch),
                "The examples held back are never learned.",
            ),
        ),
    ),
    Part(
        name="loss",
        ask="What is the loss of the small batch?",
        solve=lambda p: p.loss,
        answer=Number(places=3),
        workings=loss_workings,
        misconceptions=(
            Misconception(
                "summed", lambda p: p.size * p.loss, "That is the sum: cross-entropy takes the mean over the batch."
            ),
            Misconception(
                "softmax-twice",
                softmax_twice,
                "You took the softmax of a softmax: cross-entropy is given logits and takes it once.",
            ),
            Misconception(
                "log-base-ten",
                lambda p: p.loss / losses.log(Fraction(10)),
                "That is with the logarithm to base 10: the loss takes the natural one.",
            ),
            Misconception(
                "no-softmax",
                unnormalised,
                "You took the logit for the logarithm of its softmax: the sum over all classes is missing.",
            ),
            Misconception("sign", lambda p: -p.loss, "A loss is minus the logarithm: shares below 1 make it positive."),
        ),
    ),
    Part(
        name="gradient",
        ask="What does backward() leave in the weight's `.grad`?",
        solve=lambda p: p.gradient,
        answer=Number(places=3),
        workings=gradient_workings,
        misconceptions=(
            Misconception(
                "not-zeroed",
                lambda p: p.left + p.gradient,
                "zero_grad() has cleared what earlier batches had left: do not add to it.",
            ),
            Misconception(
                "summed",
                lambda p: p.size * p.gradient,
                "The loss is a mean over the batch, and so is its gradient: divide by the number of examples.",
            ),
            Misconception(
                "averaged-twice",
                lambda p: p.gradient / p.size,
                "You divided by the number of examples twice: the mean is taken once.",
            ),
            Misconception("label-forgotten", without_own, "Where the class is the example's own, it is p - 1, not p."),
            Misconception("input-forgotten", without_input, "Each example's p - y is multiplied by its input x."),
            Misconception("sign", lambda p: -p.gradient, "It is p - y, not y - p: the gradient points uphill."),
        ),
    ),
    Part(
        name="weight",
        ask="What is the weight after step()?",
        solve=lambda p: stepped(p, p.gradient),
        answer=Number(places=3),
        workings=step_workings,
        carry=Carry(
            ("gradient",),
            lambda p, earlier: stepped(p, Fraction(earlier["gradient"])),
            "your gradient is a number without a root",
            lambda p, earlier: isinstance(earlier["gradient"], int | Fraction),
        ),
        misconceptions=(
            Misconception(
                "learning-rate-ignored",
                lambda p: p.weight - p.gradient,
                "Multiply the gradient by the learning rate before you subtract it.",
            ),
            Misconception(
                "uphill", lambda p: stepped(p, -p.gradient), "A step goes down: subtract the gradient, do not add it."
            ),
            Misconception(
                "not-zeroed",
                lambda p: stepped(p, p.left + p.gradient),
                "zero_grad() has cleared what earlier batches had left in .grad.",
            ),
            Misconception(
                "step-before-backward",
                lambda p: stepped(p, p.left),
                "step() comes after backward(): it uses this batch's gradient, not what was left before.",
            ),
        ),
    ),
    Part(
        name="slip",
        ask="What comes of the mistake in somebody else's loop?",
        solve=lambda p: SLIPS[p.slip].effect,
        answer=Choice(),
        workings=slip_workings,
        misconceptions=tuple(slip_misconception(name) for name in SLIPS),
    ),
)


def cost(p: Params) -> int:
    """Divisions and products: three for the counts, a logarithm and a product an example, two means and a step."""
    return 2 * p.size + 6


# Models ----------------------------------------------------------------------------------------------------

LAYERS = (
    networks.FLATTEN,
    *networks.dense(*WIDTHS[:2]),
    {"type": "tanh"},
    *networks.dense(*WIDTHS[1:]),
)


@cache
def plan(key: str) -> Plan:
    setup = next(setup for setup in SETUPS if setup.key == key)
    options = dict(setup.options)
    return Plan(
        key=key,
        example=_models.EXAMPLE,
        classes=_models.CLASSES,
        build=_models.built(LAYERS),
        start=training.starter(setup.optimizer, options),
        step=training.step(),
        data=_models.digits,
        others=_models.OTHERS,
        wrong_steps=(*_models.wrong_steps(), *OWN_STEPS, *wrong_starts(setup)),
        evaluate=training.accuracy,
        wrong_evaluations=wrong_evaluations(setup.batch),
        optimizer=(setup.optimizer, options),
        batch=setup.batch,
        epochs=setup.epochs,
        held_back=Fraction(1, setup.held),
        practice=WIDTHS,
        measured=_models.measured(TOPIC, key),
        words=_models.WORDS,
    )


def wrong_starts(setup: Setup) -> tuple[StepTwin, ...]:
    others = ("Adam",) if setup.optimizer == "SGD" else ("SGD",)
    return _models.wrong_starts(setup.optimizer, dict(setup.options), others)


OWN_STEPS = (
    StepTwin(
        "optimizer-not-used",
        "Your weights move by the gradient itself: let the optimizer take the step, it knows the learning rate.",
        training.without_rate(),
    ),
    StepTwin("uphill", "Your steps climb the loss: a minus is one too many, or missing.", training.uphill()),
)


def wrong_evaluations(batch: int) -> tuple[EvaluationTwin, ...]:
    """Return the wrong evaluations; those in batches for the sheet's size and others that are common."""
    found = [
        EvaluationTwin(
            "training-mode-in-evaluation",
            training.accuracy_in_training,
            "Call model.eval() before you measure: in training mode units are dropped while you do.",
        ),
        EvaluationTwin(
            "count-for-share", training.right_ones, "That is how many are right: divide by how many there are."
        ),
        EvaluationTwin("percent", training.percent, "That is in percent: return the share, from 0 to 1."),
        EvaluationTwin("error-for-accuracy", training.error, "That is the share of errors: count those that agree."),
        EvaluationTwin("loss-for-accuracy", training.mean_loss, "That is the loss: count the classes read rightly."),
    ]
    for size in sorted({batch, 32, 64, 100, 128}):
        found += [
            EvaluationTwin(
                "mean-of-batches",
                partial(training.mean_of_batches, batch=size),
                "The mean of the batches' shares counts the last, smaller batch for too much: count the right ones of "
                "all batches, and divide once.",
            ),
            EvaluationTwin(
                "whole-batches-assumed",
                partial(training.over_whole_batches, batch=size),
                "You divide by the examples that whole batches would have: the last batch is smaller, so divide by "
                "len(x).",
            ),
        ]
    return tuple(found)


STEP_DOC = """\
Learn from one batch: one update of the model by the optimizer. Return the loss.

Args:
    model: a torch.nn.Module that returns logits (N, 10) for x. It may be in evaluation mode.
    optimizer: a torch.optim.Optimizer of the model's parameters: use it as it is.
    x: (N, 1, 28, 28) floating, of the model's dtype and on its device.
    y: (N,) int64, the class of each example, 0 to 9.

Returns:
    the loss of this batch before the update: torch.nn.functional.cross_entropy of the logits as
    they are, the mean over the batch; a number, or a tensor of one.

- The model learns in training mode.
- The gradients of earlier batches are forgotten: the step uses those of this batch."""

EVALUATE_DOC = """\
Return the share of examples whose class the model reads rightly: a number from 0 to 1.

Args:
    model: a torch.nn.Module that returns logits (N, 10). It may be in training mode.
    x: (N, 1, 28, 28) floating, of the model's dtype and on its device; N is 1 or more.
    y: (N,) int64, the class of each example, 0 to 9.

- The class read is the one with the largest logit.
- The model is measured in evaluation mode, without gradients, and its weights stay as they were.
- You may go through x in batches, and leave the model in either mode."""

TRAIN_DOC = _models.training_doc(
    "Train a model: the whole loop. It may use your train_step.",
    (
        "First hold back int(len(x) / {{ p.setup.held }}) of the examples for validation: drawn at random from the "
        "seed, once, and never learned. The epochs go through all the others.",
        "Loss: torch.nn.functional.cross_entropy of the logits as they are, the mean over the batch.",
        "Optimizer: {{ p.setup.call }}",
        "Make the optimizer once, before the epochs, and leave its learning rate as it is.",
    ),
    trained="a dense network",
)


def part(name: str, task: ModelTask, doc: str, marks: int) -> ModelPart[Params]:
    plans: Callable[[], tuple[Plan, ...]] = lambda: tuple(plan(setup.key) for setup in SETUPS)  # noqa: E731 - one value
    return ModelPart(name, task, lambda p: plan(p.setup.key), plans, doc, marks, builder="")


EXERCISE: Exercise[Any] = Exercise(
    name=TOPIC,
    title="The training loop",
    summary="batches, updates, loss and one step of a weight by hand; train_step, evaluate and train written",
    draw=draw,
    intro=INTRO,
    conventions=(
        "Softmax gives class k the share p_k = exp(z_k) / (exp(z_0) + exp(z_1) + exp(z_2)).",
        "The loss of an example is -ln of the share of its class, with the natural logarithm; the loss of a batch is "
        "the mean.",
        "The gradient of an example's loss by the logit of class k is p_k - 1 where k is its class, and p_k elsewhere.",
    ),
    parts=PARTS,
    models=(
        part("train_step", ModelTask.STEP, STEP_DOC, 2),
        part("evaluate", ModelTask.EVALUATE, EVALUATE_DOC, 1),
        part("train", ModelTask.TRAIN, TRAIN_DOC, 4),
    ),
    cost=cost,
    costs=COSTS,
    worked=WORKED,
)
