"""What a part earned and why: plain values that pass from the checks to the reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any


class Outcome(StrEnum):
    """How grading a part ended. `ungradable` is the grader's or the machine's fault and costs no mark."""

    CORRECT = "correct"
    PARTIAL = "partial"
    WRONG = "wrong"
    MISSING = "missing"
    NOT_ALLOWED = "not-allowed"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out-of-memory"
    UNGRADABLE = "ungradable"


@dataclass(frozen=True)
class Verdict:
    """The outcome of one comparison, with the sentence that the student reads.

    `share` is the part of the marks earned, 0 … 1; `at` the index of the first entry that differs. A verdict
    is never true or false by itself. `imprecise` is a wrong result that would be right in single precision.
    """

    outcome: Outcome
    message: str = ""
    share: Fraction = Fraction(0)
    at: tuple[int, ...] = ()
    imprecise: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share={self.share} must be from 0 to 1")
        if (self.outcome is Outcome.CORRECT) != (self.share == 1):
            raise ValueError(f"outcome={self.outcome} does not go with share={self.share}")
        if self.outcome is not Outcome.CORRECT and not self.message:
            raise ValueError(f"outcome={self.outcome} needs a message")

    def __bool__(self) -> bool:
        raise TypeError("a verdict is not a bool: look at its outcome")


_CORRECT = Verdict(Outcome.CORRECT, "", Fraction(1))  # by far the commonest


def correct(message: str = "") -> Verdict:
    return Verdict(Outcome.CORRECT, message, Fraction(1)) if message else _CORRECT


def partial(share: Fraction, message: str) -> Verdict:
    return Verdict(Outcome.PARTIAL, message, share)


def wrong(message: str, at: tuple[int, ...] = (), *, imprecise: bool = False) -> Verdict:
    return Verdict(Outcome.WRONG, message, at=at, imprecise=imprecise)


@dataclass(frozen=True)
class Finding:
    """A misconception that fits what was handed in: its name and its hint."""

    name: str
    hint: str


@dataclass(frozen=True)
class Counterexample:
    """The smallest input found on which a function is wrong.

    Everything is plain JSON data, ready for a report: arrays are nested lists, NaN and infinities are the
    strings "nan", "inf" and "-inf". `call` is a line that can be pasted into Python. `at` is the index of the
    first entry that differs, `window` the part of the input that makes that entry: the JSON of
    `grader.contract.Window`.
    """

    arguments: Mapping[str, Any]
    got: Any
    want: Any
    at: tuple[int, ...] = ()
    regime: str = ""
    call: str = ""
    window: Mapping[str, Any] | None = None
    sentence: str = ""  # how got and want differ


@dataclass(frozen=True)
class PartResult:
    """One part of one student, marked.

    `message` is what the student reads; `summary` is the part of it that holds no value, no input and no word of
    the student's, for feedback that must not give hidden cases away. `record` is what the training of a model left
    behind, or what a function made of its contract's showcase, for the figures of the reports: plain JSON data with
    the keys of `grader.report.record`, all optional.
    """

    topic: str
    part: str
    kind: str  # "answer" | "function" | "model"
    outcome: Outcome
    score: Fraction
    max_score: Fraction
    message: str
    misconceptions: tuple[Finding, ...] = ()
    regimes: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # name -> (passed, cases)
    counterexample: Counterexample | None = None
    got: str = ""  # what was handed in, for an answer
    line: int | None = None  # of the student's file
    summary: str = ""
    credit: str = ""  # how the marks come about, where only a part of them was earned
    record: Mapping[str, Any] = field(default_factory=dict)  # of a trained model or a showcase; empty for an answer

    def __post_init__(self) -> None:
        if not 0 <= self.score <= self.max_score:
            raise ValueError(f"score={self.score} must be from 0 to max_score={self.max_score}")
        if self.record and self.kind not in ("model", "function"):
            raise ValueError(f"kind={self.kind!r} has no record: only a model has one, or a function with a showcase")

    @property
    def is_of_another_form(self) -> bool:
        """Is this an answer of another form than asked for? Its message is an AnswerError's, which all begin alike."""
        return self.kind == "answer" and self.outcome is Outcome.WRONG and self.message.startswith("expected ")


@dataclass(frozen=True)
class StudentResult:
    """All parts of one student. `problems` are sentences about files that could not be read."""

    student: str
    parts: tuple[PartResult, ...]
    problems: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()

    @property
    def score(self) -> Fraction:
        return sum((p.score for p in self.gradable), Fraction(0))

    @property
    def max_score(self) -> Fraction:
        """The marks that could be earned; an ungradable part is left out, so that it costs nothing."""
        return sum((p.max_score for p in self.gradable), Fraction(0))

    @property
    def gradable(self) -> tuple[PartResult, ...]:
        return tuple(p for p in self.parts if p.outcome is not Outcome.UNGRADABLE)


@dataclass(frozen=True)
class Gradebook:
    """What one run of `grader check` found; it cannot be built without a verdict for every student."""

    course: str
    students: tuple[StudentResult, ...]
    interrupted: bool = False
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0

    def __post_init__(self) -> None:
        for student in self.students:
            if not student.parts and not student.problems:
                raise ValueError(f"student {student.student!r} has no verdict: that would be a silent pass")
