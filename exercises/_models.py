"""What exercises on trained models share: the digits, the words for layers, slips in a loop, and how a loop is told."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from grader.authoring import InputError, Labelled, Measured, ModelTwin, StepTwin, read_measured
from solutions import datasets, training

CLASSES = datasets.DIGITS
EXAMPLE = (1, 28, 28)
LEARNED, HELD_OUT = 1497, 300  # of scikit-learn's digits: how many are given to learn from, and how many are kept back
FEW = 6000, 2000  # the same of the part of a large set that serves as well: a training takes seconds, not minutes
MEASURED = Path(__file__).parent / "measured"
WORDS = {
    "convolution": "convolution",
    "addmm": "dense layer",
    "mm": "dense layer without a bias",
    "max_pool2d_with_indices": "max pooling",
    "avg_pool2d": "mean pooling",
    "mean": "mean",
    "amax": "maximum",
    "bernoulli": "dropout",
}

Layers = Sequence[Mapping[str, Any]]


@cache
def digits() -> Labelled:
    """Return scikit-learn's digits: all but the test set to learn from, the test set held out."""
    with explained():
        return part_of(datasets.digits(), "scikit-learn's digits")


def mnist(root: Path | None) -> Labelled:
    """Return a part of MNIST, from its files or from openml.org."""
    with explained():
        return part_of(datasets.load("mnist", root), "MNIST", *FEW)


def all_mnist(root: Path | None) -> Labelled:
    """Return MNIST, all of it."""
    with explained():
        return part_of(datasets.load("mnist", root), "MNIST")


def cifar10(root: Path | None) -> Labelled:
    """Return a part of CIFAR-10 made grey and resized to 28 x 28: what networks for digits take."""
    with explained():
        if root is None:
            raise InputError("it is read from files: name their folder with --data-root")
        return part_of(datasets.cifar10(root, datasets.grey), "CIFAR-10 made grey and resized to 28 × 28", *FEW)


@contextmanager
def explained() -> Iterator[None]:
    """Tell whoever named the data what is wrong with them."""
    try:
        yield
    except datasets.DatasetError as error:
        raise InputError(str(error)) from None


def part_of(found: datasets.Dataset, name: str, learned: int | None = None, held: int | None = None) -> Labelled:
    """Return so many examples to learn from (None: all but the test set) and so many held out, of the test set.

    Which ones is always the same; of a smaller set it is all.
    """
    test = found.test[datasets.order(len(found.test), f"{found.name} held out")[:held]] if held else found.test
    x, y = (np.concatenate([getattr(part, n)[:learned] for part in (found.train, found.validation)]) for n in "xy")
    return Labelled(x[:learned], y[:learned], test.x, test.y, name, found.classes)


# What an instructor may have models trained on instead, by the name that --dataset gives; the usual one first.
OTHERS = {"mnist": mnist, "mnist-full": all_mnist, "cifar10": cifar10}


def measured(topic: str, key: str) -> Measured:
    """Return what `grader calibrate` wrote about one configuration."""
    return read_measured(MEASURED / f"{topic}.json", key)


# Models ----------------------------------------------------------------------------------------------------


def built(layers: Layers) -> Callable[[], Any]:
    """Return a function that builds the network of these layers."""
    return partial(training.sequential, tuple(layers))


def side_after(pools: Layers, padding: int = 0) -> int:
    """Return the side of the maps after convolutions of 5 x 5 with this padding, each followed by one of the poolings.

    >>> side_after([{"kernel_size": 2}, {"kernel_size": 2}])
    4
    """
    side = EXAMPLE[1]
    for pool in pools:
        side = (side + 2 * padding - 4) // pool["kernel_size"]
    return side


def twin(name: str, layers: Layers, hint: str) -> ModelTwin:
    """Return the wrong model of these layers."""
    return ModelTwin(name, built(layers), hint)


# Slips in a step -------------------------------------------------------------------------------------------

DEFAULT_RATES = {"SGD": 1e-3, "Adam": 1e-3, "AdamW": 1e-3, "RMSprop": 1e-2, "Adagrad": 1e-2}  # of torch.optim


@cache
def wrong_steps(loss: str = "cross_entropy") -> tuple[StepTwin, ...]:
    """Return the wrong ways to learn from a batch, whose gradients are those of `loss`."""
    found = (
        StepTwin(
            "no-zero-grad",
            "The gradients of earlier batches are still in .grad, and new ones are added to them: call zero_grad() "
            "once before every backward().",
            training.without_zero_grad(loss),
        ),
        StepTwin(
            "step-before-backward",
            "Call step() after backward(): the step uses the gradients that backward() has just made.",
            training.step_before_backward(loss),
        ),
        StepTwin(
            "zero-grad-before-step",
            "zero_grad() between backward() and step() forgets the gradients before they are used.",
            training.zero_grad_before_step(loss),
        ),
        StepTwin(
            "loss-summed",
            "The loss is the mean over the batch: with the sum, steps are as many times too long as a batch has "
            "examples.",
            training.summed(loss),
        ),
        StepTwin(
            "averaged-twice",
            "The loss is a mean already: dividing by the number of examples once more makes steps too short.",
            training.averaged_twice(loss),
        ),
    )
    if loss != "cross_entropy":
        return found
    softmaxed = StepTwin(
        "softmax-before-cross-entropy",
        "cross_entropy takes logits and a softmax itself: with one before it the gradients become small.",
        training.softmax_first(loss),
    )
    return (*found, softmaxed)


def wrong_starts(name: str, options: Mapping[str, Any], others: Sequence[str] = ()) -> tuple[StepTwin, ...]:
    """Return the wrong optimizers for torch.optim's `name` with these options: each left out, and `others` instead."""
    rate = options["lr"]
    found = []
    if rate != DEFAULT_RATES[name]:
        hint = f"The learning rate is {rate}; without one, {name} takes {DEFAULT_RATES[name]}."
        found.append(StepTwin("learning-rate-ignored", hint, start=without(name, options, "lr")))
    told = {
        "momentum": "The momentum is missing: pass momentum={} to the optimizer.",
        "weight_decay": "The weight decay is missing: pass weight_decay={} to the optimizer.",
    }
    for option, hint in told.items():
        if option in options:
            slug = f"{option.replace('_', '-')}-forgotten"
            found.append(StepTwin(slug, hint.format(options[option]), start=without(name, options, option)))
    for other in others:
        hint = f"These are the steps of {other}; the sheet asks for {name}."
        found.append(StepTwin(f"{other.lower()}-instead", hint, start=training.starter(other, {"lr": rate})))
    return tuple(found)


def without(name: str, options: Mapping[str, Any], left_out: str) -> training.Start:
    return training.starter(name, {key: value for key, value in options.items() if key != left_out})


# Learning curves -------------------------------------------------------------------------------------------

Curves = Mapping[str, Sequence[float]]  # shares 0 … 1, one an epoch, by "what is measured, in which training"
LEFT, TOP, ACROSS, HIGH, ROW = 40, 8, 320, 170, 20  # of a plot: where its axes begin, their size; a row of its legend
DASHES = ("", "6 4", "2 3", "9 3 2 3")


def curves_picture(curves: Curves, title: str, measured: str = "error") -> str:
    """Return what was `measured` after every epoch as lines over their epochs, as an SVG; "" where that is nothing."""
    if not curves:
        return ""
    shares = [100 * share for curve in curves.values() for share in curve]
    epochs = max(len(curve) for curve in curves.values())
    ceiling = max(1, -(-round(max(shares)) // 10)) * 10
    floor = 10 * int(min(shares) // 10) if measured == "accuracy" else 0  # where they are all high, more is seen so
    scale = HIGH / max(10, ceiling - floor)
    bottom = TOP + HIGH
    pieces = [
        f'<path d="M{LEFT} {TOP}V{bottom}H{LEFT + ACROSS}" stroke="currentColor" fill="none"/>',
        *(
            f'<text x="{LEFT - 6}" y="{bottom - scale * (share - floor) + 4:g}" fill="currentColor" '
            f'text-anchor="end">{share:g}</text>'
            for share in (floor, (floor + ceiling) / 2, ceiling)
        ),
        *(
            f'<text x="{_across(epoch, epochs):.5g}" y="{bottom + 17}" fill="currentColor" '
            f'text-anchor="middle">{epoch}</text>'
            for epoch in range(1, epochs + 1, -(-epochs // 8))
        ),
        f'<text x="{LEFT + ACROSS}" y="{bottom + 34}" fill="currentColor" text-anchor="end">{measured}, %, '
        "by epoch</text>",
    ]
    for row, ((name, curve), dash) in enumerate(zip(curves.items(), DASHES * len(curves), strict=False)):
        points = " ".join(
            f"{_across(epoch, epochs):.5g},{bottom - scale * (100 * share - floor):.5g}"
            for epoch, share in enumerate(curve, 1)
        )
        y = bottom + 52 + ROW * row
        style = f'stroke="currentColor" stroke-width="2" stroke-dasharray="{dash}" fill="none"'
        pieces += [
            f'<polyline points="{points}" {style}/>',
            f'<path d="M{LEFT} {y}h36" {style}/>',
            f'<text x="{LEFT + 44}" y="{y + 4}" fill="currentColor">{name}</text>',
        ]
    width, height = LEFT + ACROSS + 20, bottom + 52 + ROW * len(curves)
    return (
        f'<svg class="cg" role="img" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="system-ui, sans-serif" font-size="13">'
        f"<title>{title}</title>{''.join(pieces)}</svg>"
    )


def _across(epoch: int, epochs: int) -> float:
    return LEFT + 12 + (ACROSS - 24) * (epoch - 1) / max(1, epochs - 1)


def curves_text(curves: Curves) -> str:
    """Return the curves in words: what a picture of them shows."""
    return "; ".join(
        f"{name}: {', '.join(f'{100 * share:.1f}' for share in curve)} %" for name, curve in curves.items()
    )


# How a training is told ------------------------------------------------------------------------------------


DOC_WIDTH = 100  # of a docstring, in letters
DRAWN = re.compile(r"{{.*?}}")


def item(rule: str) -> str:
    """Return a rule as an item of a list, in lines as long as they are with numbers in place of their names."""
    names = DRAWN.findall(rule)
    lines = textwrap.fill(DRAWN.sub("{{0}}", rule), DOC_WIDTH, initial_indent="- ", subsequent_indent="  ")
    return DRAWN.sub(lambda _: names.pop(0), lines)


def span(values: Sequence[float], write: Callable[[float], str] = str) -> str:
    """Return in words between which numbers these lie: what sheets say of other variants.

    >>> span([25, 16, 20]), span([4, 4])
    ('16 to 25', '4')
    """
    least, most = min(values), max(values)
    return write(least) if least == most else f"{write(least)} to {write(most)}"


def power(number: float) -> str:
    """Write a power of ten as Python does, without zeros that lead: 1e-6."""
    return f"{number:.0e}".replace("e-0", "e-")


def training_doc(
    what: str, rules: Sequence[str], *, outputs: str = "logits (N, 10)", trained: str = "your model"
) -> str:
    """Return the docstring of train(model, x, y, *, seed, device), as Jinja; `rules` are sentences, one a line.

    They say the loss, the optimizer and what is held back; `p.setup` has `epochs` and `batch`;
    `trained` is the model in words.
    """
    always = (
        "{{ p.setup.epochs }} epochs in batches of {{ p.setup.batch }}. Every epoch has a new random order in which "
        "each example that is learned comes once; the last batch of an epoch may be smaller, and is learned too.",
        *rules,
        "Give the model rows of x as they are: not scaled, not normalised, not shifted.",
        "model.train() before it learns. Measuring on the way is allowed, in evaluation mode and without gradients.",
    )
    lines = "\n".join(map(item, always))
    return f"""\
{what}

Args:
    model: a torch.nn.Module that returns {outputs} for a batch. Train it in place, or
        return a trained copy.
    x: (N, 1, 28, 28) float32, from 0 to 1, on `device`.
    y: (N,) int64, the class of each example, 0 to 9, on `device`.
    seed: a whole number. All that is random is drawn from it: the same seed and model end with the
        same weights, another seed gives other orders.
    device: "cpu", or a GPU such as "cuda:0": where the model, x and y are.

Returns:
    nothing, or the trained model: with its weights after the last step.

{lines}

The loop is first watched step by step, on a small dense network and a few examples in float64: it
must not depend on one model, on the number of examples, or on float32. Then it trains {trained} on
{LEARNED:,} digits, and {HELD_OUT} others, which it never sees, are read with it. Your instructor may have it
trained on MNIST instead, or on CIFAR-10 in grey: more examples, of the same form."""
