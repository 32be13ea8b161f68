"""What an exercise says about a model that students build and train: the reference, wrong twins, the data, limits.

Everything that needs PyTorch is behind a function, so that a course can be listed and its sheets drawn without it.
A `Plan` belongs to one configuration of an exercise; a course has few of them, because the marks of a training rest
on how often the reference was right with that very configuration (see `counts`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, Generic, TypeVar

from grader.errors import CourseError

P = TypeVar("P")


class ModelTask(StrEnum):
    """What a function for models does, and how it is called."""

    BUILD = "build"  # build_model() -> torch.nn.Module
    TRAIN = "train"  # train(model, x, y, *, seed, device): trains the model in place, or returns a trained one
    STEP = "step"  # train_step(model, optimizer, x, y) -> the loss
    EVALUATE = "evaluate"  # evaluate(model, x, y) -> the share of x whose class is read rightly


SIGNATURES = {
    ModelTask.BUILD: "()",
    ModelTask.TRAIN: "(model, x, y, *, seed, device)",
    ModelTask.STEP: "(model, optimizer, x, y)",
    ModelTask.EVALUATE: "(model, x, y)",
}


# How the marks of each are shared out: a group counts when all of it is right.
GROUPS: Mapping[ModelTask, Mapping[str, int]] = {
    ModelTask.BUILD: {"structure": 3, "function": 4, "learning": 2, "behaviour": 1},
    ModelTask.TRAIN: {"loop": 3, "update": 3, "accuracy": 4},
    ModelTask.STEP: {"update": 3, "loss": 1},
    ModelTask.EVALUATE: {"value": 3, "manner": 1},
}


@dataclass(frozen=True)
class ModelTwin:
    """A wrong model: `build()` returns it. A student's model that computes the same is told the hint."""

    name: str
    build: Callable[[], Any]
    hint: str


@dataclass(frozen=True)
class StepTwin:
    """A wrong way to learn from a batch, or (`start`) to set the optimizer up; see `Plan.step` and `Plan.start`."""

    name: str
    hint: str
    step: Callable[[Any, Any, Any, Any], Any] | None = None
    start: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class EvaluationTwin:
    """A wrong evaluation: function(model, x, y), in training mode when it is called."""

    name: str
    function: Callable[[Any, Any, Any], Any]
    hint: str


@dataclass(frozen=True, eq=False)
class Labelled:
    """What is learned from and what is held out: x (N, ...) float32, y (N,) int64. No label of `held` leaves.

    Reports call it `name`; `classes` are the names of its classes where they are others than the plan's.
    """

    x: Any
    y: Any
    held_x: Any
    held_y: Any
    name: str = ""
    classes: tuple[str, ...] = ()


Loader = Callable[[Path | None], Labelled]


@dataclass(frozen=True)
class Measured:
    """How the reference did: how many of the `of` held-out examples it read rightly, with one seed after another.

    `curves` are its errors after every epoch, by name, for a seed of the middle: those that reports draw. Without
    counts, `lack` says why and what to do.
    """

    counts: tuple[int, ...] = ()
    of: int = 0
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    lack: str = "how often the reference is right was never measured"


@dataclass(frozen=True)
class Plan:
    """One configuration of a model and of its training.

    `build()` returns the reference, whose outputs go with `loss`, a function of torch.nn.functional: logits with
    "cross_entropy". `start(model)` returns an optimizer, `step(model, optimizer, x, y)` learns from one batch and
    returns the loss. An epoch has every example once, in a new order, in batches of `batch`, the last one smaller;
    a share `held_back` of the examples, drawn with the seed, is never learned. `practice` are the widths of a small
    dense network that training is watched on, `last` the module of torch.nn that ends it ("" for logits).

    `others` are sets of the same form that an instructor may have it trained on instead, by the name that
    `--dataset` gives, the usual one first: functions of the folder `--data-root`, or of None without it, which raise
    InputError where files are missing or damaged. Nothing is loaded before it is asked for.
    """

    key: str
    example: tuple[int, ...]
    classes: tuple[str, ...]
    build: Callable[[], Any]
    start: Callable[[Any], Any]
    step: Callable[[Any, Any, Any, Any], Any]
    data: Callable[[], Labelled]
    loss: str = "cross_entropy"
    last: str = ""
    noisy: bool = False  # in training mode the model's outputs vary
    wrong_models: tuple[ModelTwin, ...] = ()
    wrong_steps: tuple[StepTwin, ...] = ()
    evaluate: Callable[[Any, Any, Any], Any] | None = None
    wrong_evaluations: tuple[EvaluationTwin, ...] = ()
    optimizer: tuple[str, Mapping[str, Any]] = ("SGD", {"lr": 0.1})  # of torch.optim: what a step is given
    batch: int = 32
    epochs: int = 1
    held_back: Fraction = Fraction(0)
    practice: tuple[int, ...] = ()
    measured: Measured = Measured()
    seconds: float = 60.0  # for a whole training
    memory: int = 2 << 30
    words: Mapping[str, str] = field(default_factory=dict)  # what students call torch's operations
    others: Mapping[str, Loader] = field(default_factory=dict)
    run: str = ""  # names this training in plots that it shares with those before it in the exercise
    drawn: str = "error"  # what learning curves show: "error" or "accuracy"

    def learned(self, number: int) -> int:
        """Return how many of so many examples an epoch learns: all but those held back."""
        return number - int(number * self.held_back)

    def curves(self, held: Any, learned: Any) -> dict[str, list[float]]:
        """Return learning curves, shares 0 … 1, by name.

        Args:
            held, learned: (epochs, N) bool, whether an example held out, or learned, is read rightly after an epoch.
        """
        rights = {"test": held, "training": learned}
        counted = {which: right if self.drawn == "accuracy" else ~right for which, right in rights.items()}
        return {
            f"{which} {self.drawn}": [round(float(share), 4) for share in examples.mean(1)]
            for which, examples in counted.items()
        }


@dataclass(frozen=True)
class ModelPart(Generic[P]):
    """A function of an exercise that builds a model, trains one, takes one step, or evaluates.

    `doc` is Jinja (the parameters are `p`): the docstring of the stub, shown on the sheet too. `plan(p)` is one of
    `plans()`, all configurations that can be drawn. A part that trains uses the model that the function `builder`
    makes, or the practice model where that is "".
    """

    name: str
    task: ModelTask
    plan: Callable[[P], Plan]
    plans: Callable[[], tuple[Plan, ...]]
    doc: str
    marks: Fraction | int = 1
    builder: str = "build_model"

    @property
    def signature(self) -> str:
        return SIGNATURES[self.task]

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise CourseError(f"model part {self.name!r}: the name is not a function's name")
        if self.marks <= 0:
            raise CourseError(f"model part {self.name!r}: marks={self.marks} must be positive")


AnyModelPart = ModelPart[Any]


def read_measured(path: Path, key: str) -> Measured:
    """Return what `grader calibrate` wrote about one configuration; nothing measured where the file lacks it."""
    if not path.is_file():
        return Measured()
    entry = json.loads(path.read_text(encoding="utf-8"))["plans"].get(key)
    if entry is None:
        return Measured()
    curves = {name: tuple(values) for name, values in entry["curves"].items()}
    return Measured(tuple(entry["counts"]), entry["of"], curves)
