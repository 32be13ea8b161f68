"""The grader graded: for any course, what is right earns everything and what is wrong is refused and named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from grader.answers import Choice, MultipleChoice, Value, count
from grader.contract import Contract
from grader.course import Course
from grader.exercise import AnyExercise, AnyPart, Level
from grader.functions.cases import CaseSet, Fault, case_set
from grader.functions.judge import judge
from grader.functions.local import LocalSession
from grader.functions.runner import Runner
from grader.marking import mark_answers
from grader.outcome import PartResult
from grader.surds import Surd
from grader.variant import AnyVariant, Seeded, draw_variant

T = TypeVar("T")


@dataclass(frozen=True)
class Trial:
    """One promise that was tried: what it is about, how often it was tried, and what broke it."""

    name: str
    checks: int
    broken: tuple[str, ...]


def selftest(
    course: Course, topics: tuple[str, ...] = (), *, seeds: int = 5, secret: bytes = b"selftest"
) -> Iterator[Trial]:
    """Yield a trial for every exercise and every contract of a course, or of the topics named."""
    for topic in topics or course.topics:
        exercise = course.exercise(topic)
        yield _tried(course, f"topic {topic}", lambda e: try_exercise(e, seeds), exercise)
        if exercise.models:
            yield _tried(course, f"models of {topic}", try_models, exercise)
    named = {part.name for topic in topics for part in course.exercise(topic).functions}
    for name, contract in course.contracts.items():
        if not topics or name in named:
            yield _tried(course, f"function {name}", lambda c: try_contract(c, secret), contract)


def _tried(course: Course, name: str, trial: Callable[[T], Trial], what: T) -> Trial:
    """Return a trial; where the course's own code fails, this is what is broken, and the others are still tried."""
    try:
        return trial(what)
    except Exception as error:  # an author's function may fail in any way
        return Trial(name, 1, (course.explained(error),))


def try_exercise(exercise: AnyExercise, seeds: int) -> Trial:
    """The key earns every mark, and every misconception is refused and named, at every level."""
    broken: list[str] = []
    checks = 0
    for level in Level:
        for seed in range(1, seeds + 1):
            variant = draw_variant(exercise, level, Seeded(seed))
            right = {part.name: handed_in(variant, part, variant.key[part.name]) for part in exercise.parts}
            checks += len(exercise.parts)
            broken += [
                f"{variant.id}: the key to {r.part!r} earns {r.score}: {r.message}" for r in lost(variant, right)
            ]
            for part in exercise.parts:
                for name, value in part.distractors(variant.p).items():
                    checks += 1
                    result = mark_one(variant, right, part, value)
                    if result.score == result.max_score:
                        broken.append(f"{variant.id}: {name!r} earns full marks in {part.name!r}")
                    elif name not in [finding.name for finding in result.misconceptions]:
                        broken.append(f"{variant.id}: {name!r} is not named in {part.name!r}")
    return Trial(f"topic {exercise.name}", checks, tuple(broken))


def try_models(exercise: AnyExercise) -> Trial:
    """The references of all plans earn everything but accuracy, which takes long; every twin is refused and named."""
    from grader.models.selftest import broken, wrong

    found: list[str] = []
    checks = 0
    for part in exercise.models:
        for plan in part.plans():
            checks += 1 + len(list(wrong(part, plan)))
            found += broken(part, plan)
    return Trial(f"models of {exercise.name}", checks, tuple(found))


def lost(variant: AnyVariant, raw: dict[str, object]) -> list[PartResult]:
    """Return the parts on which these answers lose marks."""
    return [result for result in mark_answers(variant, raw) if result.score < result.max_score]


def mark_one(variant: AnyVariant, right: dict[str, object], part: AnyPart, value: Value) -> PartResult:
    """Return the result of one part answered with `value`, the others answered rightly."""
    raw = {**right, part.name: handed_in(variant, part, value)}
    return next(result for result in mark_answers(variant, raw) if result.part == part.name)


def handed_in(variant: AnyVariant, part: AnyPart, value: Value) -> object:
    """Write a value as a student would hand it in: a choice by its letter, nested tuples as lists."""
    kind = variant.answer_kind(part)
    if isinstance(kind, MultipleChoice | Choice):
        return kind.show(value)
    return _lists(value)


def try_contract(contract: Contract, secret: bytes) -> Trial:
    """The reference and its alternatives earn everything; every twin is refused and named."""
    cases = case_set(contract, secret)
    broken: list[str] = []
    for function in (contract.reference, *contract.alternatives):
        result = run(cases, function)
        if result.score < result.max_score:
            who = "the reference itself" if function is contract.reference else f"{_called(function)}, an alternative,"
            broken.append(f"{contract.name}: {who} earns {result.score} of {result.max_score}: {result.message}")
    for twin in contract.twins:
        result = run(cases, twin.function)
        if result.score == result.max_score:
            broken.append(f"{contract.name}: the wrong twin {twin.name!r} earns full marks")
        elif twin.name not in [finding.name for finding in result.misconceptions]:
            broken.append(f"{contract.name}: the wrong twin {twin.name!r} is refused, but not named: {result.message}")
        elif all(isinstance(cases.twin_expects(twin, case), Fault) for case in cases.cases):
            broken.append(
                f"{contract.name}: the wrong twin {twin.name!r} raises on every case, as any broken code does"
            )
    checks = 1 + len(contract.alternatives) + len(contract.twins)
    rounds = "" if cases.opening == len(cases.cases) else f", {cases.opening} in the first round"
    return Trial(f"function {contract.name} ({count(len(cases.cases), 'case')}{rounds})", checks, tuple(broken))


def run(cases: CaseSet, function: Callable[..., Any]) -> PartResult:
    """Judge a course's own function in this process."""
    name = cases.contract.name
    return judge(cases, Runner(lambda: LocalSession({name: function})), name, Fraction(1), trials=0)


def _called(function: Callable[..., Any]) -> str:
    """Return a function's name and, since several may be lambdas, its line."""
    code = getattr(function, "__code__", None)
    place = f" ({Path(code.co_filename).name}:{code.co_firstlineno})" if code else ""
    return f"{getattr(function, '__name__', function)}{place}"


def _lists(value: Value) -> object:
    if isinstance(value, Surd):
        return str(value)
    return [_lists(item) for item in value] if isinstance(value, tuple) else value
