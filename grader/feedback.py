"""How much of the hidden cases a student gets to see: nothing, the verdict, the input, or everything."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from grader.errors import CourseError
from grader.outcome import Gradebook, Outcome, PartResult
from grader.report.record import KEYS

SETTINGS = "course.toml"


class Feedback(StrEnum):
    """none: outcome and marks. verdict: also where it fails, and the misconception. input: also a failing call.
    full: also what was got and wanted there."""

    NONE = "none"
    VERDICT = "verdict"
    INPUT = "input"
    FULL = "full"


# The keys of a trained model's record that a level hides. Counts over held-out data are a verdict, as the cases of a
# regime are; the held-out example is an input, and the maps of that example are what was got there.
HIDDEN = {Feedback.NONE: frozenset(KEYS), Feedback.VERDICT: {"input", "maps"}, Feedback.INPUT: {"maps"}}


@dataclass(frozen=True)
class Policy:
    """The feedback of a course: one level before the due date and one after it."""

    before: Feedback = Feedback.FULL
    after: Feedback = Feedback.FULL
    due: datetime | None = None

    def at(self, now: datetime) -> Feedback:
        """Return the level at a moment; without a due date there is no after."""
        return self.after if self.due is not None and now >= self.due else self.before


def course_policy(folder: Path) -> Policy:
    """Return what a course's course.toml says, or full feedback where it says nothing.

    Raises:
        CourseError: the file is not TOML, or a value is not one of those known.
    """
    path = folder / SETTINGS
    if not path.is_file():
        return Policy()
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8")).get("feedback", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CourseError(f"{path}: {error}") from error
    if unknown := set(table) - {"before", "after", "due"}:
        raise CourseError(f"{path}: [feedback] has no key {sorted(unknown)[0]!r}", hint="It has before, after and due.")
    before = _level(path, table.get("before", "full"))
    due = table.get("due")
    if due is not None and not isinstance(due, datetime):
        raise CourseError(f"{path}: due={due!r} is not a moment", hint="Write due = 2026-12-01T23:59:00+01:00.")
    if due is not None and due.tzinfo is None:
        due = due.replace(tzinfo=UTC)
    return Policy(before, _level(path, table.get("after", str(before))), due)


def limit(gradebook: Gradebook, feedback: Feedback) -> Gradebook:
    """Return the gradebook with only what the level of feedback shows; marks and outcomes stay."""
    if feedback is Feedback.FULL:
        return gradebook
    students = tuple(
        replace(student, parts=tuple(_limited(part, feedback) for part in student.parts))
        for student in gradebook.students
    )
    return replace(gradebook, students=students)


def _limited(part: PartResult, feedback: Feedback) -> PartResult:
    part = replace(part, record={key: value for key, value in part.record.items() if key not in HIDDEN[feedback]})
    if part.outcome is Outcome.UNGRADABLE:
        return part
    if feedback is Feedback.NONE:
        return replace(
            part, message=str(part.outcome), summary="", misconceptions=(), regimes={}, counterexample=None, credit=""
        )
    if part.kind == "answer":
        return part
    message = part.summary or part.message
    if feedback is Feedback.VERDICT or part.counterexample is None:
        return replace(part, message=message, counterexample=None)
    shown = replace(part.counterexample, got=None, want=None, at=(), window=None, sentence="")
    return replace(part, message=message, counterexample=shown)


def _level(path: Path, text: object) -> Feedback:
    if text not in set(Feedback):
        raise CourseError(f"{path}: feedback {text!r} is not one of {', '.join(Feedback)}")
    return Feedback(str(text))
