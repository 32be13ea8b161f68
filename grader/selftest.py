"""The grader graded: for any course, what is right earns everything and what is wrong is refused and named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from grader.answers import Choice, MultipleChoice, Value, count
from grader.contract import Contract
from grader.course import Course
from grader.exercise import AnyExercise, AnyPart, Level
from grader.functions.cases import CaseSet, case_set
from grader.functions.judge import judge
from grader.functions.local import LocalSession
from grader.functions.runner import Runner
from grader.marking import mark_answers
from grader.outcome import PartResult
from grader.surds import Surd
from grader.variant import AnyVariant, Seeded, draw_variant


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
        yield try_exercise(course.exercise(topic), seeds)
        if course.exercise(topic).models:
            yield try_models(course.exercise(topic))
    named = {part.name for topic in topics for part in course.exercise(topic).functions}
    for name, contract in course.contracts.items():
        if not topics or name in named:
            yield try_contract(contract, secret)


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
            broken.append(f"{contract.name}: {_called(function)} is right and earns {result.score}: {result.message}")
    for twin in contract.twins:
        result = run(cases, twin.function)
        if result.score == result.max_score:
            broken.append(f"{contract.name}: the wrong twin {twin.name!r} earns full marks")
        elif twin.name not in [finding.name for finding in result.misconceptions]:
            broken.append(f"{contract.name}: the wrong twin {twin.name!r} is refused, but not named")
    checks = 1 + len(contract.alternatives) + len(contract.twins)
    return Trial(f"function {contract.name} ({count(len(cases.cases), 'case')})", checks, tuple(broken))


def run(cases: CaseSet, function: Callable[..., Any]) -> PartResult:
    """Judge a course's own function in this process."""
    name = cases.contract.name
    return judge(cases, Runner(lambda: LocalSession({name: function})), name, Fraction(1), trials=0)


def _called(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", function))


def _lists(value: Value) -> object:
    if isinstance(value, Surd):
        return str(value)
    return [_lists(item) for item in value] if isinstance(value, tuple) else value
