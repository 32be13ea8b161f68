"""A function that takes one step, and one that evaluates: beside the reference's and the wrong twins'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from grader.model import StepTwin
from grader.models import harness
from grader.models.exam import MODES, UPDATE, Exam, Stopped, Weights
from grader.outcome import Finding, Outcome

STEPPED = "it takes a step"
LOSS = "it returns the loss of the batch"
VALUE = "it returns the share that is read rightly"
UNTOUCHED = "the model stays as it was"


class StepExam(Exam):
    """train_step on a few batches, its weights and losses beside the reference's and the twins'."""

    groups: ClassVar[Mapping[str, str]] = {STEPPED: "update", UPDATE: "update", MODES: "update", LOSS: "loss"}

    def run(self) -> None:
        how = {**self.how, "builder": "", "optimizer": [self.plan.optimizer[0], dict(self.plan.optimizer[1])]}
        start = harness.weights_of(harness.make({}, how, self.rng.child("practice").below(2**31)))
        batches = [
            [self.images(f"step {n}", size), self.labels(f"label {n}", size)] for n, size in enumerate((8, 8, 5, 8))
        ]
        found = self._taken(how, start, batches)
        size = sum(w.size for w in start.values())
        weights = self.student.form(found.get("weights"), len(batches), size)
        self.add(STEPPED)
        right = harness.steps({self.part.name: self.plan.step}, how, self.part.name, start, batches)
        modes = found.get("modes")
        evaluating = isinstance(modes, list) and not all(modes)
        self.add(MODES, "the model learns in evaluation mode: call model.train() first" if evaluating else "")
        if self.agree(weights - weights[0] * 0, right["weights"]):
            self.add(UPDATE)
        else:
            fitting = [t for t in self.plan.wrong_steps if t.step and self._fits(t, how, start, batches, weights)]
            self.add(
                UPDATE,
                "after its steps the weights are others than the reference's",
                [Finding(t.name, t.hint) for t in fitting],
            )
        got = [number(value) for value in found.get("losses", ())]
        want = [number(value) for value in right["losses"]]
        self.add(
            LOSS,
            ""
            if None not in got and self.agree(got, want)
            else f"it returns {_listed(got)} for the first batches, wanted {_listed(want)}",
        )

    def _taken(self, how: dict[str, Any], start: Weights, batches: Any) -> dict[str, Any]:
        try:
            found = self.student.ask("steps", how, self.part.name, start, batches)
        except Stopped as stop:
            if stop.outcome is not Outcome.WRONG:
                raise
            how["double"] = self.how["double"] = False
            found = self.student.ask("steps", how, self.part.name, start, batches)
        if not isinstance(found, dict):
            raise Stopped("its process sent no steps")
        return found

    def _fits(self, twin: StepTwin, how: Any, start: Weights, batches: Any, weights: Any) -> bool:
        try:
            other = harness.steps({self.part.name: twin.step}, how, self.part.name, start, batches)
        except Exception:  # a wrong step may fail in any way
            return False
        return self.agree(weights, other["weights"])


class EvaluateExam(Exam):
    """evaluate on batches of several sizes, the model in training mode before."""

    groups: ClassVar[Mapping[str, str]] = {VALUE: "value", MODES: "manner", UNTOUCHED: "manner"}

    def run(self) -> None:
        how = {**self.how, "builder": ""}
        start = harness.weights_of(harness.make({}, how, self.rng.child("practice").below(2**31)))
        sizes = (1, 7, 64, 130)
        sets = [[self.images(f"set {n}", size), self.labels(f"classes {n}", size)] for n, size in enumerate(sizes)]
        try:
            found = self.student.ask("evaluations", how, self.part.name, start, sets)
        except Stopped as stop:
            if stop.outcome is not Outcome.WRONG:
                raise
            how["double"] = self.how["double"] = False
            found = self.student.ask("evaluations", how, self.part.name, start, sets)
        if not isinstance(found, dict):
            raise Stopped("its process sent no results")
        right = self._results(self.plan.evaluate, how, start, sets)
        got = [number(value) for value in found.get("results", ())]
        if None not in got and self.agree(got, right):
            self.add(VALUE)
        else:
            fitting = [t for t in self.plan.wrong_evaluations if self._fits(t.function, how, start, sets, got)]
            self.add(
                VALUE,
                f"it returns {_listed(got)} for {len(sets)} sets, wanted {_listed(right)}",
                [Finding(t.name, t.hint) for t in fitting],
            )
        modes = found.get("training")
        finding = Finding(
            "training-mode-in-evaluation",
            "Call model.eval() before you measure: in training mode units are dropped while you do.",
        )
        bad = isinstance(modes, list) and any(modes)
        self.add(MODES, "the model is measured in training mode" if bad else "", [finding] if bad else ())
        self.add(UNTOUCHED, "" if found.get("unchanged") is True else "it changes the model's weights")

    def _results(self, function: Any, how: Any, start: Weights, sets: Any) -> list[float | None]:
        found = harness.evaluations({"evaluate": function}, how, "evaluate", start, sets)
        return [number(value) for value in found["results"]]

    def _fits(self, function: Any, how: Any, start: Weights, sets: Any, got: Any) -> bool:
        try:
            return None not in got and self.agree(got, self._results(function, how, start, sets))
        except Exception:  # a wrong evaluation may fail in any way
            return False


def number(value: Any) -> float | None:
    """Return a number that a function returned: a float, an int, or an array of one; None for anything else."""
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "fiu":
        return float(value.reshape(()))
    return float(value) if type(value) in (int, float) else None


def _listed(values: Sequence[float | None]) -> str:
    return ", ".join("no number" if value is None else f"{value:.4g}" for value in values[:3]) or "nothing"
