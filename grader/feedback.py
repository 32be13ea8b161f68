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


def settings_files(*folders: Path) -> list[Path]:
    """Return the course.toml of each of the folders that has one; one folder under two names counts once."""
    places = dict.fromkeys(folder.resolve() / SETTINGS for folder in folders)
    return [path for path in places if path.is_file()]


def course_policy(*folders: Path) -> Policy:
    """Return what the course.toml in one of the folders says, or full feedback where there is none.

    Raises:
        CourseError: the file is not TOML, or a value is not one of those known, or there is more than one file.
    """
    paths = settings_files(*folders)
    if len(paths) > 1:
        raise CourseError(f"{paths[0]} and {paths[1]} both say what students see", hint="Keep one, or say --feedback.")
    if not paths:
        return Policy()
    path = paths[0]
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CourseError(f"{path}: {error}") from error
    if unknown := set(tables) - {"feedback"}:
        raise CourseError(f"{path}: nothing is known of {sorted(unknown)[0]!r}", hint="It has one table, [feedback].")
    table = tables.get("feedback", {})
    if not isinstance(table, dict):
        raise CourseError(f"{path}: feedback={table!r} is not a table", hint="Begin it with a line [feedback].")
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
