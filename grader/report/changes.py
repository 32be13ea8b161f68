"""What changed between two reports of the same class: who gained, who lost, and in which part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from grader.outcome import Gradebook, PartResult


@dataclass(frozen=True)
class Change:
    """One part of one student with other marks or another outcome than before; None where it was not there."""

    student: str
    topic: str
    part: str
    before: PartResult | None
    after: PartResult | None

    @property
    def gain(self) -> Fraction:
        """Marks gained; negative when lost."""
        return _score(self.after) - _score(self.before)

    def __str__(self) -> str:
        return f"{self.student}: {self.topic}, {self.part}: {_said(self.before)} before, {_said(self.after)} now"


def changes(before: Gradebook, after: Gradebook) -> Iterator[Change]:
    """Yield every part whose marks or outcome differ, by student."""
    old, new = _parts(before), _parts(after)
    for place in sorted(old | new):
        one, other = old.get(place), new.get(place)
        if one is None or other is None or (one.outcome, one.score) != (other.outcome, other.score):
            yield Change(*place, one, other)


def missing(before: Gradebook, after: Gradebook) -> list[str]:
    """Return the students of the first report who are not in the second."""
    there = {student.student for student in after.students}
    return [student.student for student in before.students if student.student not in there]


def _parts(gradebook: Gradebook) -> dict[tuple[str, str, str], PartResult]:
    return {(s.student, p.topic, p.part): p for s in gradebook.students for p in s.parts}


def _score(part: PartResult | None) -> Fraction:
    return part.score if part else Fraction(0)


def _said(part: PartResult | None) -> str:
    if part is None:
        return "not there"
    return f"{part.outcome} ({float(part.score):g} of {float(part.max_score):g})"
