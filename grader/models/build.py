"""A function that builds a model: structure first, by name where it differs; then what the model computes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from grader.functions.arrays import reals
from grader.model import ModelTwin, Plan
from grader.models import harness
from grader.models.exam import FEW, Exam, Stopped
from grader.outcome import Finding

MOST_PARAMETERS = 1 << 24  # that weights are drawn for, in this process
HEART = 40  # steps to learn a batch by heart
PASSES = 100  # in training mode, to see how far outputs vary
# How many standard errors apart mean outputs may be, in the mean square, that vary in the same way. Two networks with
# dropout and the same weights were 1.40 apart at most in 432 pairs, spread as the root of a mean of 41 squares is: they
# are further apart than this about once in 100,000 times.
FAR = 1.5


BUILT = "it is built and takes a batch"
PARAMETERS = "the parameters of each layer"
OUTPUTS = "the same weights give the same outputs"
GRADIENTS = "the same weights give the same gradients"
START = "the loss starts near ln(classes)"
HEARTED = "a batch can be learned by heart"
EVALUATION = "in evaluation mode each example counts by itself"
TRAINING = "in training mode outputs vary as they should"

Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Candidate:
    """The reference or a wrong twin: its description, made on this side."""

    build: Callable[[], Any]
    described: dict[str, Any]
    finding: Finding | None = None

    @cached_property
    def parameters(self) -> list[tuple[str, tuple[int, ...]]]:
        return in_order(self.described)


def in_order(described: Mapping[str, Any]) -> list[tuple[str, tuple[int, ...]]]:
    """Return the parameters stage by stage, the larger first: the weights of a layer, then its biases."""
    shapes = {name: tuple(shape) for name, shape in described["parameters"]}
    found: list[tuple[str, tuple[int, ...]]] = []
    for stage in described["stages"]:
        own = [(name, shapes.pop(name)) for name in stage["parameters"] if name in shapes]
        found += sorted(own, key=lambda item: -math.prod(item[1]))
    return found + list(shapes.items())


def sheet(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a layer's weights as rows and columns: one row an output; biases are one row."""
    plain = tuple(side for side in shape if side != 1)
    return (plain[0], math.prod(plain[1:])) if len(plain) > 1 else plain


def fitted(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Do these hold the same weights: as they are, unrolled, transposed, or with sides of 1 more or less?"""
    own = sheet(shape)
    return own == sheet(other) or (len(own) == 2 and own[::-1] == sheet(other))


def turned(values: Any, shape: tuple[int, ...]) -> Any:
    """Return the weights of one layer in the shape that another style keeps them in."""
    own, wanted = sheet(values.shape), sheet(shape)
    if own != wanted:
        rows = values.reshape(own)
        return np.ascontiguousarray(rows.T.reshape(shape))
    return np.ascontiguousarray(values.reshape(shape))


class BuildExam(Exam):
    """Structure first, by name where it differs; then what it computes."""

    groups: ClassVar[Mapping[str, str]] = {
        BUILT: "structure",
        PARAMETERS: "structure",
        OUTPUTS: "function",
        GRADIENTS: "learning",
        START: "learning",
        HEARTED: "learning",
        EVALUATION: "behaviour",
        TRAINING: "behaviour",
    }

    alike: Sequence[Candidate] = ()  # those whose outputs in evaluation mode are the student's, for the same weights

    def run(self) -> None:
        x = self.images("batch", FEW)
        described = checked(self.ask("describe", self.how, x))
        wanted = Candidate(self.plan.build, harness.describe(self.own_names(), self.how, x))
        self._shape(described, wanted)
        own = in_order(described)
        twins = [candidate for twin in self.plan.wrong_models if (candidate := self._candidate(twin, x))]
        fitting = [c for c in (wanted, *twins) if self._fits(own, c)]
        self._parameters(described, own, wanted, fitting)
        same = False
        with self.at(OUTPUTS):
            same = self._outputs(described, own, wanted, fitting)
        y = self.labels("labels", FEW)
        with self.at(GRADIENTS):
            self._gradients(own, wanted, x, y, same=same)
        with self.at(START):
            self._start()
        with self.at(HEARTED):
            before, after = self.student.form(np.asarray(self.student.ask("by_heart", self.how, None, x, y, HEART)), 2)
            slow = not after < before / 2
            self.add(
                HEARTED,
                f"{HEART} steps on one batch bring the loss from {before:.3f} to {after:.3f} only" if slow else "",
            )
        with self.at(EVALUATION):
            self._evaluation(x)
        with self.at(TRAINING):
            self._training(own, wanted, x, same=same)

    def _candidate(self, twin: ModelTwin, x: Any) -> Candidate | None:
        """Return a wrong model as it is compared; None where it cannot take a batch, which `grader selftest` tells."""
        try:
            described = harness.describe(self.own_names(twin.build), self.how, x)
        except Exception:  # a wrong model may fail in any way
            return None
        return Candidate(twin.build, described, Finding(twin.name, twin.hint))

    def _shape(self, described: Mapping[str, Any], wanted: Candidate) -> None:
        got, want = described["output"], wanted.described["output"]
        if got != want:
            raise Stopped(
                f"for a batch of {shown(x_shape(self.plan))} it returns {shown(got)}, wanted {shown(want)}"
                + self._difference(described, wanted)
            )
        self.add(BUILT)

    def _fits(self, own: Sequence[tuple[str, tuple[int, ...]]], other: Candidate) -> bool:
        theirs = other.parameters
        return len(own) == len(theirs) and all(fitted(a, b) for (_, a), (_, b) in zip(own, theirs, strict=True))

    def _parameters(
        self, described: Mapping[str, Any], own: Any, wanted: Candidate, fitting: Sequence[Candidate]
    ) -> None:
        total, right = (sum(math.prod(shape) for _, shape in items) for items in (own, wanted.parameters))
        if described["unused"]:
            names = ", ".join(repr(name) for name, _ in described["unused"][:3])
            self.add(PARAMETERS, f"the forward pass does not use {names}")
        elif described["frozen"]:
            self.add(PARAMETERS, f"{described['frozen'][0]!r} does not learn: requires_grad is False")
        elif wanted in fitting:
            self.add(PARAMETERS)
        else:
            found = [c.finding for c in fitting if c.finding]
            self.add(
                PARAMETERS,
                f"{total:,} parameters in all, wanted {right:,}" + self._difference(described, wanted),
                found if len(fitting) == len(found) == 1 else (),
            )

    def _difference(self, described: Mapping[str, Any], wanted: Candidate) -> str:
        """Name the first layer that differs."""
        got, want = self._stages(described), self._stages(wanted.described)
        for number, (a, b) in enumerate(zip(got, want, strict=False), start=1):
            if a != b:
                return f"; the first difference is layer {number}: {self._layer(a)}, wanted {self._layer(b)}"
        if len(got) < len(want):
            return f"; after layer {len(got)} there is no {self._layer(want[len(got)])}"
        if len(got) > len(want):
            return f"; layer {len(got)} is one too many: {self._layer(got[len(want)])}"
        return ""

    def _stages(self, described: Mapping[str, Any]) -> list[tuple[str, tuple[int, ...], int]]:
        sizes = {name: math.prod(shape) for name, shape in described["parameters"]}
        return [
            (str(s["operation"]), tuple(s["shape"]), sum(sizes.get(n, 0) for n in s["parameters"]))
            for s in described["stages"]
        ]

    def _layer(self, stage: tuple[str, tuple[int, ...], int]) -> str:
        operation, shape, size = stage
        what = self.plan.words.get(operation, operation)
        return f"{what} to {shown(shape)}" + (f" with {size:,} parameters" if size else "")

    def _drawn(self, own: Sequence[tuple[str, tuple[int, ...]]], number: int) -> list[Any]:
        """Return weights for these shapes, of a size that keeps outputs near 1."""
        rng = self.rng.child("weights", number)
        return [
            reals(rng, shape) / math.sqrt(max(1.0, math.prod(shape[1:]))) if len(shape) > 1 else reals(rng, shape) / 4
            for _, shape in own
        ]

    def _outputs(self, described: Mapping[str, Any], own: Any, wanted: Candidate, fitting: Sequence[Candidate]) -> bool:
        """Compare outputs for the same weights, and name the twins that agree where the reference does not."""
        if not fitting:
            return self.add(OUTPUTS, "not compared: its parameters are others")
        left = list(fitting)
        shapes = [shape for _, shape in fitting[0].parameters]
        first = ""
        for number in range(3):
            weights = self._drawn([("", shape) for shape in shapes], number)
            theirs = {name: turned(w, shape) for (name, shape), w in zip(own, weights, strict=True)}
            xs = [self.images(f"outputs {number}", FEW), np.abs(self.images(f"one {number}", 1)) / 2]
            got = self.student.ask("outputs", self.how, theirs, xs)
            if not isinstance(got, list) or len(got) != len(xs):
                raise Stopped("its process sent something else than outputs")
            for candidate in tuple(left):
                loaded = {n: turned(w, s) for (n, s), w in zip(candidate.parameters, weights, strict=True)}
                want = harness.outputs(self.own_names(candidate.build), self.how, loaded, xs)
                if not all(self.agree(a, b) for a, b in zip(got, want, strict=True)):
                    left.remove(candidate)
                    if candidate is wanted:
                        first = f"it returns {row(got[0])} for an example, wanted {row(want[0])}"
        self.alike = left
        if wanted in left:
            return self.add(OUTPUTS)
        findings = [c.finding for c in left if c.finding]
        if wanted not in fitting:
            return self.add(OUTPUTS, "not compared: its parameters are others", findings)
        return self.add(OUTPUTS, f"with the same weights {first}" + self._difference(described, wanted), findings)

    def _gradients(self, own: Any, wanted: Candidate, x: Any, y: Any, *, same: bool) -> None:
        weights = self._drawn(wanted.parameters if same else own, 9)
        theirs = {name: turned(w, shape) for (name, shape), w in zip(own, weights, strict=True)}
        got = self.student.ask("gradients", self.how, theirs, x, y)
        found = got.get("gradients") if isinstance(got, dict) else None
        if not isinstance(found, dict):
            raise Stopped("its process sent no gradients")
        for name, _ in own:
            if found.get(name) is None or not np.any(found[name]):
                self.add(GRADIENTS, f"no gradient reaches {name!r}: is something detached, or its input always zero?")
                return
        if not same:
            self.add(GRADIENTS, "not compared: its outputs are others")
            return
        loaded = {n: turned(w, s) for (n, s), w in zip(wanted.parameters, weights, strict=True)}
        right = harness.gradients(self.own_names(), self.how, loaded, x, y)["gradients"]
        for (name, shape), (other, _) in zip(own, wanted.parameters, strict=True):
            if not self.agree(self.student.form(found[name], *shape), turned(right[other], shape)):
                self.add(GRADIENTS, f"the gradient of {name!r} differs: is something detached, or computed without it?")
                return
        self.add(GRADIENTS)

    def _start(self) -> None:
        x, y = np.abs(self.images("start", 64)) / 2, self.labels("start labels", 64)
        losses = self.student.form(np.asarray(self.student.ask("beginnings", self.how, x, y, [1, 2, 3])), 3)
        want, mean = math.log(len(self.plan.classes)), float(losses.mean())
        far = not abs(mean - want) < 0.5
        self.add(
            START,
            f"it starts with a loss of {mean:.2f}, wanted about ln({len(self.plan.classes)}) = {want:.2f}: "
            "are the weights too large, or the outputs no logits?"
            if far
            else "",
        )

    def _evaluation(self, x: Any) -> None:
        got = self.student.ask("outputs", self.how, None, [x, x, x[:1], x[::-1]])
        if not isinstance(got, list) or len(got) != 4:
            raise Stopped("its process sent something else than outputs")
        if not self.agree(got[0], got[1]):
            self.add(EVALUATION, "in evaluation mode the same batch gives other outputs the second time")
        elif not self.agree(got[2], got[0][:1]) or not self.agree(got[3], got[0][::-1]):
            self.add(EVALUATION, "in evaluation mode an example's outputs depend on the others of its batch")
        else:
            self.add(EVALUATION)

    def _training(self, own: Any, wanted: Candidate, x: Any, *, same: bool) -> None:
        weights = self._drawn(wanted.parameters if same else own, 10)
        theirs = {name: turned(w, shape) for (name, shape), w in zip(own, weights, strict=True)}
        passes = PASSES if self.plan.noisy else 3
        got = self.student.form(
            self.student.ask("spread", self.single, theirs, x, passes), 2, FEW, len(self.plan.classes)
        )
        varies = bool(got[1].max() > 1e-6)
        if not self.plan.noisy:
            self.add(TRAINING, "in training mode the same batch gives other outputs each time" if varies else "")
            return
        if varies and (not same or self._varies_as(got, wanted, weights, x)):
            self.add(TRAINING)
            return
        twins = [c for c in self.alike if c.finding and same and self._varies_as(got, c, weights, x)]
        self.add(
            TRAINING,
            "in training mode outputs vary otherwise than they should: look at what is dropped, how often, and where"
            if varies
            else "in training mode the same batch gives the same outputs: where is the dropout?",
            [c.finding for c in twins if c.finding],
        )

    @property
    def single(self) -> dict[str, Any]:
        """How to compute where chance is larger than rounding: twice as fast."""
        return {**self.how, "double": False}

    def _varies_as(self, got: Any, other: Candidate, weights: Sequence[Any], x: Any) -> bool:
        """Do outputs in training mode vary around the same means and as far, up to what chance does?"""
        loaded = {n: turned(w, s) for (n, s), w in zip(other.parameters, weights, strict=True)}
        want = harness.spread(self.own_names(other.build), self.single, loaded, x, PASSES)
        if not want[1].max() > 1e-6 or not got[1].max() > 1e-6:
            return bool(want[1].max() <= 1e-6 and got[1].max() <= 1e-6)
        far = (got[0] - want[0]) ** 2 / ((got[1] ** 2 + want[1] ** 2) / PASSES + 1e-12)
        return bool(0.8 < got[1].mean() / want[1].mean() < 1.25 and far.mean() < FAR**2)


def checked(found: Any) -> dict[str, Any]:
    """Return a description whose form is as agreed; it comes from a student's process."""
    try:
        parameters = [(str(n)[:200], _sides(shape)) for n, shape in found["parameters"]][:10_000]
        if sum(math.prod(shape) for _, shape in parameters) > MOST_PARAMETERS:
            raise Stopped(f"it has more than {MOST_PARAMETERS:,} parameters: far fewer are needed")
        return {
            "parameters": parameters,
            "unused": [[str(n)[:200], _sides(shape)] for n, shape in found["unused"]],
            "frozen": [str(n)[:200] for n in found["frozen"]],
            "stages": [
                {
                    "operation": str(s["operation"])[:60],
                    "shape": _sides(s["shape"]),
                    "parameters": [str(n)[:200] for n in s["parameters"]],
                }
                for s in found["stages"]
            ],
            "output": _sides(found["output"]),
        }
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError):
        raise Stopped("its process sent no description of a model") from None


def _sides(shape: Any) -> list[int]:
    """Return the sides of a tensor, whose number can be written and whose product counted."""
    sides = [int(side) for side in shape]
    if len(sides) > 8 or not all(0 <= side < 1 << 31 for side in sides):
        raise ValueError("no shape of a tensor")
    return sides


def x_shape(plan: Plan) -> list[int]:
    return [FEW, *plan.example]


def shown(shape: Sequence[int]) -> str:
    return "(" + ", ".join(str(side) for side in shape) + (",)" if len(shape) == 1 else ")")


def row(values: Any) -> str:
    """Write the first outputs of the first example."""
    if not isinstance(values, np.ndarray) or values.ndim < 2 or values.dtype.kind != "f":
        return "no numbers"
    return "[" + ", ".join(f"{float(v):.4g}" for v in values[0].ravel()[:3]) + ", …]"
