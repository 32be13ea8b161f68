"""Marking answers: read, compared, diagnosed, and carried forward from the student's own earlier answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from grader.answers import Answer, AnswerError, Value, excerpt
from grader.exercise import AnyExercise, AnyPart
from grader.outcome import Finding, Outcome, PartResult, Verdict, partial, wrong
from grader.variant import AnyVariant

_NONE: Mapping[str, Verdict] = MappingProxyType({})


def mark_answers(
    variant: AnyVariant, raw: Mapping[str, object], lost: Mapping[str, Verdict] = _NONE
) -> list[PartResult]:
    """Mark every part of a variant that asks for an answer.

    `raw` is plain data by the part's name, `lost` says the same of the answers that nobody could get at.
    """
    earlier: dict[str, Value] = {}
    results = []
    for part in variant.exercise.parts:
        kind = variant.answer_kind(part)
        read = _read(variant.exercise, part, kind, raw, lost)
        results.append(read if isinstance(read, PartResult) else _mark(variant, part, kind, read, earlier))
    return results


def mark_forms(
    exercise: AnyExercise, raw: Mapping[str, object], lost: Mapping[str, Verdict], said: str
) -> list[PartResult]:
    """Tell which answers are missing or of another form than asked for, where nobody knows the key.

    The others are ungradable, and `said` why.
    """
    results = []
    for part in exercise.parts:
        read = _read(exercise, part, part.answer, raw, lost)
        if not isinstance(read, PartResult):
            read = _result(exercise, part, Verdict(Outcome.UNGRADABLE, said), got=part.answer.quote(read))
        results.append(read)
    return results


def unknown_names(exercise: AnyExercise, raw: Mapping[str, object]) -> list[str]:
    """Return the names in a student's answers that no part has."""
    known = {part.name for part in exercise.parts}
    return sorted(str(name) for name in raw if name not in known)


def _read(
    exercise: AnyExercise, part: AnyPart, kind: Answer, answers: Mapping[str, object], lost: Mapping[str, Verdict]
) -> Value | PartResult:
    """Return what was answered, or the part's result where that is nothing of its kind: no key is needed to tell."""
    raw = answers.get(part.name)
    if part.name in lost:
        return _result(exercise, part, lost[part.name])
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return _result(exercise, part, Verdict(Outcome.MISSING, f"no answer to {part.name!r}"))
    try:
        return kind.read(raw)
    except AnswerError as error:
        return _result(exercise, part, wrong(str(error)), got=excerpt(raw))


def _mark(variant: AnyVariant, part: AnyPart, kind: Answer, value: Value, earlier: dict[str, Value]) -> PartResult:
    """Mark one part, and remember its value for the later ones."""
    verdict = kind.compare(value, variant.key[part.name])
    findings: tuple[Finding, ...] = ()
    if verdict.share != 1:
        findings = diagnose(variant, part, value)
        verdict = better(verdict, carried(variant, part, value, earlier))
    earlier[part.name] = value
    result = _result(variant.exercise, part, verdict, got=kind.quote(value))
    return replace(result, misconceptions=findings)


def diagnose(variant: AnyVariant, part: AnyPart, value: Value) -> tuple[Finding, ...]:
    """Return every misconception whose answer is the student's."""
    kind = variant.answer_kind(part)
    wrongs = part.distractors(variant.p)
    return tuple(
        Finding(m.name, m.hint) for m in part.misconceptions if m.name in wrongs and _same(kind, value, wrongs[m.name])
    )


def carried(variant: AnyVariant, part: AnyPart, value: Value, earlier: Mapping[str, Value]) -> Verdict | None:
    """Return the verdict against the student's own earlier answers, or None where it does not apply."""
    rule = part.carry
    if rule is None or any(name not in earlier for name in rule.parts):
        return None
    own = {name: earlier[name] for name in rule.parts}
    if all(_same(variant.answer_kind(variant.exercise.part(n)), own[n], variant.key[n]) for n in own):
        return None
    try:
        if not rule.when(variant.p, own):
            return None
        right = rule.solve(variant.p, own)
        verdict = variant.answer_kind(part).compare(value, right)
    except (ValueError, ArithmeticError, LookupError, TypeError):  # the student's own answer makes no sense here
        return None
    share = verdict.share * (1 - rule.penalty)
    if share == 0:
        return None
    names = " and ".join(repr(name) for name in rule.parts)
    cost = f", less {rule.penalty} of the marks" if rule.penalty else ""
    return partial(share, f"right with your own answer to {names}{cost}") if share < 1 else _follows(names)


def better(first: Verdict, second: Verdict | None) -> Verdict:
    """Return the verdict that earns more."""
    return second if second is not None and second.share > first.share else first


def _follows(names: str) -> Verdict:
    """Full marks by error carried forward."""
    return Verdict(Outcome.CORRECT, f"right with your own answer to {names}", Fraction(1))


def _same(kind: Any, value: Value, other: Value) -> bool:
    """Would this answer be right if `other` were the key? A value of another form is not."""
    try:
        return bool(kind.same(value, other))
    except (TypeError, ValueError):
        return False


def _result(exercise: AnyExercise, part: AnyPart, verdict: Verdict, got: str = "") -> PartResult:
    marks = Fraction(part.marks)
    return PartResult(
        topic=exercise.name,
        part=part.name,
        kind="answer",
        outcome=verdict.outcome,
        score=verdict.share * marks,
        max_score=marks,
        message=verdict.message or "right",
        got=got,
    )
