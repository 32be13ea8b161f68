"""What every look at a function of models has in common: asking the student's process, and keeping what was seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import torch

from grader.contract import Call
from grader.draw import Draw
from grader.functions.arrays import reals
from grader.functions.runner import Runner
from grader.model import GROUPS, AnyModelPart, Plan
from grader.models import harness, reference
from grader.outcome import Finding, Outcome
from grader.sandbox.replies import Died, Raised, Reply, Returned

torch.set_num_threads(1)

REPLY = 1 << 26  # bytes
TIGHT, LOOSE = 1e-7, 5e-3  # relative differences of double and of single precision
UPDATE = "the weights after each step"
MODES = "training mode while it learns, evaluation mode while it measures"

Weights = dict[str, Any]
FEW = 8  # examples in a batch that outputs are compared on


@dataclass(frozen=True)
class Seen:
    """One thing that was looked at: which group of marks it belongs to, and what to say when it is wrong."""

    name: str
    group: str
    passed: bool
    message: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass
class Look:
    """All that was seen of one function."""

    groups: Mapping[str, int]
    seen: list[Seen] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)
    outcome: Outcome | None = None  # when the function never worked, or its process died
    line: int | None = None
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, group: str, problem: str = "", findings: Sequence[Finding] = ()) -> bool:
        self.seen.append(Seen(name, group, not problem and not findings, problem, tuple(findings)))
        return self.seen[-1].passed

    def passes(self, group: str) -> bool:
        own = [seen for seen in self.seen if seen.group == group]
        return bool(own) and all(seen.passed for seen in own)

    @property
    def share(self) -> Fraction:
        earned = sum(weight for group, weight in self.groups.items() if self.passes(group))
        return Fraction(earned, sum(self.groups.values()))


EARLY_STEP = Finding(
    "step-before-backward",
    "Call step() after backward(): the step uses the gradients that backward() has just made, and changes the weights "
    "that backward() still needs.",
)


class Stopped(Exception):  # noqa: N818 - not an error of ours: a look that ends early
    """The student's function failed in a way that ends what was being looked at."""

    def __init__(
        self,
        message: str,
        outcome: Outcome = Outcome.WRONG,
        line: int | None = None,
        findings: Sequence[Finding] = (),
    ) -> None:
        super().__init__(message)
        self.message, self.outcome, self.line, self.findings = message, outcome, line, findings


SIZE = r"([\d.]+) (bytes|[KMGT]iB)"
UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
BEYOND = ("per_process_memory_fraction limit", "exceed allowed memory", "more than 1EB")  # of what a process may have


def refuse_for_the_gpu(message: str, line: int | None) -> None:
    """Raise Stopped where an exception tells of the GPU itself: that it cannot be used, or that its memory is full.

    PyTorch says that a process would go beyond what it may have, or how much it was asked for, how much the process
    holds, and how much of that it may. Where it may have more than that, somebody else holds the memory, and nothing
    can be said of the student.
    """
    if message.startswith(harness.NO_GPU):
        raise Stopped(message, Outcome.UNGRADABLE)
    if "out of memory" not in message:
        return
    allowed, *held = (
        _size(pattern, message)
        for pattern in (f"{SIZE} allowed", f"allocate {SIZE}", f"{SIZE} is allocated by", f"{SIZE} is reserved by")
    )
    if not (any(words in message for words in BEYOND) or sum(held) >= 0.99 * allowed > 0):
        raise Stopped("the GPU's memory is full, and this submission had not yet had its share", Outcome.UNGRADABLE)
    place = f" in line {line}" if line else ""
    share = f" of {allowed / UNITS['GiB']:.1f} GB" if allowed else ""
    said = f"it needs more of the GPU's memory{place} than its share{share}"
    raise Stopped(said, Outcome.OUT_OF_MEMORY, line)


def _size(pattern: str, message: str) -> float:
    """Return the bytes that PyTorch names in a message, 0 where it does not."""
    found = re.search(pattern, message)
    return float(found[1]) * UNITS[found[2]] if found else 0.0


def is_numbers(value: Any, kinds: str = "fiub") -> bool:
    """Is this an array of real numbers?"""
    return isinstance(value, np.ndarray) and value.dtype.kind in kinds


def _are(value: Any, kind: type) -> bool:
    return type(value) is list and all(type(item) is kind for item in value)


def _is_gradients(value: Any) -> bool:
    found = value.get("gradients")
    return type(found) is dict and all(item is None or is_numbers(item) for item in found.values())


def _is_reading(value: Any) -> bool:
    """Is this what a trained model reads off examples: whole numbers, and pictures of its inside or none?"""
    maps = value.get("maps", [])
    curves = [value[name] for name in ("on_held", "on_learned") if name in value]
    return (
        is_numbers(value.get("classes"), "iu")
        and all(is_numbers(item, "iu") and item.ndim == 2 and 0 < len(item) <= MOST_EPOCHS for item in curves)
        and type(maps) is list
        and all(map(_is_picture, maps if "filters" not in value else [value["filters"], *maps]))
    )


def _is_picture(value: Any) -> bool:
    """Is this a name and planes?"""
    return type(value) is list and len(value) == 2 and type(value[0]) is str and is_numbers(value[1])


MOST_EPOCHS = 1000  # that a curve shows
# What the operations of `grader.models.harness` answer, as far as its readers rely on it: it is a student's word.
FORMS: Mapping[str, tuple[type, Callable[[Any], bool]]] = {
    "outputs": (list, lambda value: all(is_numbers(item) and item.ndim > 0 for item in value)),
    "beginnings": (list, lambda value: _are(value, float)),
    "by_heart": (list, lambda value: _are(value, float)),
    "gradients": (dict, _is_gradients),
    "rehearse": (dict, lambda value: True),
    "learn": (dict, lambda value: _is_reading(value) and {"on_held", "on_learned"} <= value.keys()),
    "weigh": (dict, _is_reading),
    "steps": (dict, lambda value: _are(value.get("modes"), bool) and type(value.get("losses")) is list),
    "evaluations": (
        dict,
        lambda value: (
            _are(value.get("training"), bool)
            and _are(value.get("gradients"), bool)
            and type(value.get("results")) is list
        ),
    ),
}


@dataclass
class Student:
    """What the operations on models answer in the student's process, checked for its form.

    `place` says on which device that process computes (see `grader.models.harness.settle`). The reference computes on
    the processor always: so a GPU's numbers are held against the processor's each time. What raises something on a GPU
    is asked for again on the processor, and that counts: code that takes arrays of NumPy on the way is right there.
    `notes` says so where it made a difference.
    """

    runner: Runner
    place: Mapping[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def ask(self, operation: str, *arguments: Any) -> Any:
        """Return what an operation answers; its first argument is how to compute, for all that need to know.

        Raises:
            Stopped: the student's function failed, or its process did.
        """
        first, *rest = arguments
        if not self.place or not isinstance(first, dict):
            return self._answer(operation, self._reply(operation, *arguments))
        reply = self._reply(operation, {**first, **self.place}, *rest)
        if not isinstance(reply, Raised):
            return self._answer(operation, reply)
        refuse_for_the_gpu(reply.message, reply.line)
        if reply.message.startswith("CUDA error"):  # after a fault on the GPU that process can compute no more
            self._reply("leave")
        answer = self._answer(operation, self._reply(operation, *arguments))
        said = reply.message.partition("\n")[0]
        self.notes.append(f"computed on the processor, since on the GPU it raises {reply.type}: {said}".rstrip(": "))
        self.place = {}
        return answer

    def _reply(self, operation: str, *arguments: Any) -> Reply:
        return self.runner.call(f"@{operation}", Call(arguments), REPLY)

    def _answer(self, operation: str, reply: Reply) -> Any:
        if isinstance(reply, Died):
            raise Stopped(reply.message, reply.outcome)
        if isinstance(reply, Raised):
            if reply.missing:
                raise Stopped(f"it imports {reply.missing!r}, which is not allowed here", Outcome.NOT_ALLOWED)
            place = f" in line {reply.line}" if reply.line else ""
            said = f": {reply.message}" if reply.message else ""
            outcome = Outcome.MISSING if reply.type == "NotImplementedError" else Outcome.WRONG
            findings = (EARLY_STEP,) if "modified by an inplace operation" in reply.message else ()
            raise Stopped(f"it raises {reply.type}{place}{said}", outcome, reply.line, findings)
        assert isinstance(reply, Returned)
        kind, holds = FORMS.get(operation, (object, lambda value: True))
        if not (isinstance(reply.value, kind) and holds(reply.value)):
            raise Stopped(f"its process sent something else than {operation.replace('_', ' ')}")
        return reply.value

    def form(self, value: Any, *shape: int | None) -> Any:
        """Return numbers of this shape (None: any) as float64."""
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub" or value.ndim != len(shape):
            raise Stopped("its process sent something else than numbers")
        if any(wanted not in (None, side) for side, wanted in zip(value.shape, shape, strict=True)):
            raise Stopped(f"its process sent numbers of shape {value.shape}")
        return value.astype(np.float64)


class Exam:
    """What is common to all: which names belong to which group of marks, and random numbers of our own."""

    groups: ClassVar[Mapping[str, str]] = {}  # what is looked at -> the group of marks

    def __init__(self, part: AnyModelPart, plan: Plan, student: Student, how: dict[str, Any], rng: Draw) -> None:
        self.part, self.plan, self.student, self.how, self.rng = part, plan, student, how, rng
        self.look = Look(GROUPS[part.task])
        self.stage = next(iter(self.groups))
        self.quick = False
        self.trusted = True
        self.weights: tuple[str, bytes] | None = None  # a file handed in instead of a function that trains

    def run(self) -> None:
        raise NotImplementedError

    @contextmanager
    def at(self, stage: str) -> Iterator[None]:
        """Name what is being looked at; a failure inside counts there, and the rest goes on.

        What cannot be judged is neither right nor wrong: it is said, and leaves the whole part ungradable.
        """
        self.stage = stage
        try:
            yield
        except Stopped as stop:
            said = f"{self.part.name}(): {stop.message}"
            if stop.outcome is Outcome.UNGRADABLE:
                self.look.notes.append(said)
            else:
                self.look.add(stage, self.groups[stage], said, stop.findings)
            if stop.outcome is not Outcome.WRONG and self.look.outcome is not Outcome.UNGRADABLE:
                self.look.outcome = stop.outcome
            self.look.line = self.look.line or stop.line

    def add(self, stage: str, problem: str = "", findings: Sequence[Finding] = ()) -> bool:
        return self.look.add(stage, self.groups[stage], problem, findings)

    def ask(self, operation: str, how: dict[str, Any], *arguments: Any) -> Any:
        """Ask in double precision, and in single where that fails: a student's code may insist on it.

        What was asked for in the end stands in `how`, and is asked for from then on.
        """
        try:
            return self.student.ask(operation, how, *arguments)
        except Stopped as stop:
            if stop.outcome is not Outcome.WRONG:
                raise
            how["double"] = self.how["double"] = False
            return self.student.ask(operation, how, *arguments)

    def images(self, label: str, number: int) -> Any:
        """Return so many examples, float32: reals of -2 … 2, no two alike."""
        return reals(self.rng.child(label), (number, *self.plan.example)).astype(np.float32)

    def labels(self, label: str, number: int) -> Any:
        rng = self.rng.child(label)
        return np.array([rng.below(len(self.plan.classes)) for _ in range(number)], np.int64)

    @property
    def near(self) -> float:
        return TIGHT if self.how["double"] else LOOSE

    def agree(self, got: Any, want: Any) -> bool:
        """Are these the same numbers, up to the precision that is computed with?"""
        got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
        if got.shape != want.shape or not np.isfinite(got).all():
            return False
        scale = float(np.abs(want).max(initial=0.0))
        return bool(np.abs(got - want).max(initial=0.0) <= self.near * (scale or 1.0))

    def own_names(self, twin: Callable[[], Any] | None = None) -> dict[str, Any]:
        return {**reference.names(self.plan), self.part.builder: twin or self.plan.build}
