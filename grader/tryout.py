"""What a student may see at home: right or wrong for each answer, and nothing that gives the key away."""

from __future__ import annotations

from dataclasses import replace

from grader.outcome import Gradebook, Outcome, PartResult, StudentResult


def without_key(gradebook: Gradebook) -> Gradebook:
    """Return the gradebook with the messages of wrong answers cut to right or wrong."""
    return replace(gradebook, students=tuple(_student(student) for student in gradebook.students))


def _student(result: StudentResult) -> StudentResult:
    return replace(result, parts=tuple(_part(part) for part in result.parts))


def _part(part: PartResult) -> PartResult:
    """Keep a function's feedback: its cases are public. Keep an answer's only where it says nothing of the key."""
    if part.kind != "answer" or part.outcome in (Outcome.CORRECT, Outcome.MISSING):
        return part
    if part.outcome is Outcome.UNGRADABLE:
        return replace(part, message="marked by your instructor, who has the course key")
    if "expected" in part.message:  # not of the kind asked for
        return part
    return replace(part, message=f"{part.got} is not right", misconceptions=())
