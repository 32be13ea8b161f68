"""What a student may see at home: right or wrong for each answer, and nothing that gives the key away."""

from __future__ import annotations

from dataclasses import replace

from grader.outcome import Gradebook, Outcome, PartResult, StudentResult
from grader.report import document

UNKEYED = "your course judges this: it has the key to your numbers"
FORM_ONLY = "the form is right; your course judges the value"


def without_key(gradebook: Gradebook) -> Gradebook:
    """Return the gradebook with the messages of wrong answers cut to right or wrong."""
    return replace(gradebook, students=tuple(_student(student) for student in gradebook.students))


def _student(result: StudentResult) -> StudentResult:
    return replace(result, parts=tuple(_part(part) for part in result.parts))


def _part(part: PartResult) -> PartResult:
    """Keep a function's feedback: its cases are public. Keep an answer's only where it says nothing of the key."""
    if part.kind != "answer" or part.outcome in (Outcome.CORRECT, Outcome.MISSING, Outcome.UNGRADABLE):
        return part
    if part.is_of_another_form:
        return part
    return replace(part, message=f"{part.got} is not right", misconceptions=())


def status(gradebook: Gradebook) -> int:
    """Return the exit status at home: as that of the document, but what needs the key counts as right.

    No student can mend that, and what they can must not hide behind it.
    """
    students = (replace(student, parts=tuple(map(_given, student.parts))) for student in gradebook.students)
    return document.status(replace(gradebook, students=tuple(students)))


def needs_key(part: PartResult) -> bool:
    """Is there nothing left to tell of this part without the course key?"""
    return part.outcome is Outcome.UNGRADABLE and part.message in (UNKEYED, FORM_ONLY)


def _given(part: PartResult) -> PartResult:
    return replace(part, outcome=Outcome.CORRECT) if needs_key(part) else part
