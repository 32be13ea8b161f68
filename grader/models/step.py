"""A function that takes one step, and one that evaluates: beside the reference's and the wrong twins'."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np

from grader.model import StepTwin
from grader.models import harness
from grader.models.exam import MODES, UPDATE, Exam, Stopped, Weights
from grader.outcome import Finding

STEPPED = "it takes a step"
LOSS = "it returns the loss of the batch"
VALUE = "it returns the share that is read rightly"
FREE = "it measures without gradients"
UNTOUCHED = "the model stays as it was"
CLOSE = 1e-5  # relative: what a student returns may be held in single precision


class StepExam(Exam):
    """train_step on a few batches, its weights and losses beside the reference's and the twins'."""

    groups: ClassVar[Mapping[str, str]] = {STEPPED: "update", UPDATE: "update", MODES: "update", LOSS: "loss"}

    def run(self) -> None:
        how = {**self.how, "builder": "", "optimizer": [self.plan.optimizer[0], dict(self.plan.optimizer[1])]}
        start = harness.weights_of(harness.make({}, how, self.rng.child("practice").below(2**31)))
        batches = [
            [self.images(f"step {n}", size), self.labels(f"label {n}", size)] for n, size in enumerate((8, 8, 5, 8))
        ]
        found = self.ask("steps", how, self.part.name, start, batches)
        if not isinstance(found, dict):
            raise Stopped("its process sent no steps")
        size = sum(w.size for w in start.values())
        weights = self.student.form(found.get("weights"), len(batches), size)
        self.add(STEPPED)
        right = harness.steps({self.part.name: self.plan.step}, how, self.part.name, start, batches)
        modes = found.get("modes")
        evaluating = isinstance(modes, list) and not all(modes)
        finding = Finding(
            "evaluation-mode-in-training",
            "Call model.train() before the forward pass: in evaluation mode nothing is dropped, and averages are not "
            "learned.",
        )
        self.add(MODES, "the model learns in evaluation mode" if evaluating else "", [finding] if evaluating else ())
        got = [number(value) for value in found.get("losses", ())]
        want = [number(value) for value in right["losses"]]
        moved, returned = self._moves(weights, right["weights"], start), near(got, want)
        twins = [] if moved and returned else list(self._twins(how, start, batches))
        if moved:
            self.add(UPDATE)
        else:
            same = [Finding(t.name, t.hint) for t, other in twins if self._moves(weights, other["weights"], start)]
            self.add(UPDATE, "after its steps the weights are others than the reference's", same)
        if returned:
            self.add(LOSS)
        else:
            first = 1 if not near(got[:1], want[:1]) else None  # later losses depend on the weights as well
            returns = [(t, [number(value) for value in other["losses"]]) for t, other in twins]
            like = [Finding(t.name, t.hint) for t, losses in returns if near(got[:first], losses[:first])]
            self.add(LOSS, f"it returns {_listed(got)} for the first batches, wanted {_listed(want)}", like)

    def _moves(self, got: Any, want: Any, start: Weights) -> bool:
        """Do these lead from the start to the same weights? Steps are short, so their differences are compared."""
        begin = np.concatenate([np.ravel(w) for w in start.values()]).astype(np.float64)
        return self.agree(got - begin, np.asarray(want, np.float64) - begin)

    def _twins(self, how: Any, start: Weights, batches: Any) -> Iterator[tuple[StepTwin, dict[str, Any]]]:
        for twin in self.plan.wrong_steps:
            if twin.step:
                with suppress(Exception):  # a wrong step may fail in any way
                    yield twin, harness.steps({self.part.name: twin.step}, how, self.part.name, start, batches)


class EvaluateExam(Exam):
    """evaluate on batches of several sizes, the model in training mode before."""

    groups: ClassVar[Mapping[str, str]] = {VALUE: "value", MODES: "manner", FREE: "manner", UNTOUCHED: "manner"}

    def run(self) -> None:
        how = {**self.how, "builder": ""}
        start = harness.weights_of(harness.make({}, how, self.rng.child("practice").below(2**31)))
        sets = [self._set(how, start, n, size) for n, size in enumerate((1, 7, 64, 130))]
        found = self.ask("evaluations", how, self.part.name, start, sets)
        if not isinstance(found, dict):
            raise Stopped("its process sent no results")
        right = self._results(self.plan.evaluate, how, start, sets)
        got = [number(value) for value in found.get("results", ())]
        if near(got, right):
            self.add(VALUE)
        else:
            fitting = [t for t in self.plan.wrong_evaluations if self._fits(t.function, how, start, sets, got)]
            self.add(
                VALUE,
                _first_difference(got, right, [len(labels) for _, labels in sets]),
                [Finding(t.name, t.hint) for t in fitting],
            )
        modes = found.get("training")
        finding = Finding(
            "training-mode-in-evaluation",
            "Call model.eval() before you measure: in training mode units are dropped while you do.",
        )
        bad = isinstance(modes, list) and any(modes)
        self.add(MODES, "the model is measured in training mode" if bad else "", [finding] if bad else ())
        kept = isinstance(found.get("gradients"), list) and any(found["gradients"])
        self.add(FREE, "it measures with gradients: do so inside torch.no_grad()" if kept else "")
        self.add(UNTOUCHED, "" if found.get("unchanged") is True else "it changes the model's weights")

    def _set(self, how: Any, start: Weights, number: int, size: int) -> list[Any]:
        """Return examples and classes of which about half are read rightly, the last two among them.

        A last batch that is read unlike the others tells means of batches from the mean of all.
        """
        x = self.images(f"set {number}", size)
        (outputs,) = harness.outputs({}, how, start, [x])
        rng = self.rng.child(f"right {number}")
        right = np.array([rng.below(2) == 1 for _ in range(size)]) | (np.arange(size) >= size - 2)
        return [x, np.where(right, outputs.argmax(1), self.labels(f"classes {number}", size))]

    def _results(self, function: Any, how: Any, start: Weights, sets: Any) -> list[float | None]:
        found = harness.evaluations({"evaluate": function}, how, "evaluate", start, sets)
        return [number(value) for value in found["results"]]

    def _fits(self, function: Any, how: Any, start: Weights, sets: Any, got: Any) -> bool:
        try:
            return near(got, self._results(function, how, start, sets))
        except Exception:  # a wrong evaluation may fail in any way
            return False


def number(value: Any) -> float | None:
    """Return a number that a function returned: a float, an int, or an array of one; None for anything else."""
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "fiu":
        return float(value.reshape(()))
    if type(value) is int:
        return float(value) if value.bit_length() < 1000 else None
    return value if type(value) is float else None


def near(got: Sequence[float | None], want: Sequence[float | None]) -> bool:
    """Are these the same numbers, as far as single precision tells?"""
    if len(got) != len(want):
        return False
    pairs = [(g, w) for g, w in zip(got, want, strict=True) if g is not None and w is not None]
    return len(pairs) == len(got) and all(math.isclose(g, w, rel_tol=CLOSE, abs_tol=CLOSE) for g, w in pairs)


def _first_difference(got: Sequence[float | None], want: Sequence[float | None], sizes: Sequence[int]) -> str:
    for a, b, size in zip(got, want, sizes, strict=False):
        if not near([a], [b]):
            return f"it returns {_listed([a])} for a set of {size}, wanted {_listed([b])}"
    return f"it returns {len(got)} numbers for {len(want)} sets"


def _listed(values: Sequence[float | None]) -> str:
    return ", ".join("no number" if value is None else f"{value:.4g}" for value in values[:3]) or "nothing"
