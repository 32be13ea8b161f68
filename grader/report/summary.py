"""What a gradebook says about a class: totals, their spread, each part's facility, the commonest misconceptions."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from grader.outcome import Gradebook, Outcome, PartResult, StudentResult
from grader.report.text import one_line, part_title

ENOUGH = 10  # students; with fewer, a correlation says nothing
BINS = 10
HOW = (
    "Facility is the mean share of a part's marks, over the students for whom it could be graded. Discrimination is "
    "the correlation of that share with the share of all the student's other marks: near 1, those who know the rest "
    f"know this part; near 0 or below, look at the question. It is computed from {ENOUGH} students on."
)

Key = tuple[str, str]  # topic and part


@dataclass(frozen=True)
class PartSummary:
    """One part over the class. `facility` and `discrimination` are None where they cannot be computed."""

    topic: str
    part: str
    students: int
    correct: int
    facility: Fraction | None
    discrimination: float | None


@dataclass(frozen=True)
class Common:
    """A misconception and how many students have it, with the parts where it shows."""

    name: str
    hint: str
    students: int
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """A class at a glance.

    `full` counts those with full marks and nothing ungraded; `bins` counts students by tenths of the marks,
    the last with full marks included.
    """

    students: int
    marked: int
    mean: Fraction | None
    median: Fraction | None
    full: int
    bins: tuple[int, ...]
    parts: tuple[PartSummary, ...]
    misconceptions: tuple[Common, ...]


def summarise(gradebook: Gradebook) -> Summary:
    """Return the summary of a gradebook; a student without gradable marks counts in no mean."""
    shares = [share for student in gradebook.students if (share := share_of(student)) is not None]
    return Summary(
        students=len(gradebook.students),
        marked=len(shares),
        mean=sum(shares, Fraction(0)) / len(shares) if shares else None,
        median=Fraction(statistics.median(shares)) if shares else None,
        full=sum(share_of(s) == 1 and s.gradable == s.parts for s in gradebook.students),
        bins=tuple(_bins(shares)),
        parts=tuple(_part(key, gradebook.students) for key in part_keys(gradebook)),
        misconceptions=_misconceptions(gradebook),
    )


def share_of(student: StudentResult) -> Fraction | None:
    """Return the share of the marks earned, 0 … 1; None where nothing could be graded.

    Files that could not be read earn nothing, and nothing is 0, not unknown.
    """
    if student.max_score == 0:
        return Fraction(0) if student.problems and not student.parts else None
    return student.score / student.max_score


def not_graded(student: StudentResult) -> Iterator[tuple[str, str]]:
    """Yield parts that could not be graded, and why; what one topic's parts have in common is said once."""
    parts = [part for part in student.parts if part.outcome is Outcome.UNGRADABLE]
    for (_, message), group in groupby(parts, key=lambda part: (part.topic, part.message)):
        first, *others = group
        yield ", ".join([part_title(first), *(one_line(part.part) for part in others)]), message


def part_keys(gradebook: Gradebook) -> tuple[Key, ...]:
    """Return topic and part of all parts, topics in their order of appearance."""
    keys = dict.fromkeys((part.topic, part.part) for student in gradebook.students for part in student.parts)
    topics = list(dict.fromkeys(topic for topic, _ in keys))
    return tuple(sorted(keys, key=lambda key: topics.index(key[0])))


def _bins(shares: Sequence[Fraction]) -> list[int]:
    counts = Counter(min(int(share * BINS), BINS - 1) for share in shares)
    return [counts[index] for index in range(BINS)]


def _part(key: Key, students: Sequence[StudentResult]) -> PartSummary:
    pairs = [(part, student) for student in students for part in student.parts if (part.topic, part.part) == key]
    graded = [(p, s) for p, s in pairs if p.outcome is not Outcome.UNGRADABLE and p.max_score > 0]
    shares = [p.score / p.max_score for p, _ in graded]
    return PartSummary(
        topic=key[0],
        part=key[1],
        students=len(graded),
        correct=sum(p.outcome is Outcome.CORRECT for p, _ in graded),
        facility=sum(shares, Fraction(0)) / len(shares) if shares else None,
        discrimination=_discrimination(graded),
    )


def _discrimination(graded: Sequence[tuple[PartResult, StudentResult]]) -> float | None:
    """Return the correlation of a part's share with the share of the rest, or None where there is none."""
    points = [
        (float(part.score / part.max_score), float((student.score - part.score) / (student.max_score - part.max_score)))
        for part, student in graded
        if student.max_score > part.max_score
    ]
    if len(points) < ENOUGH or any(len(set(axis)) == 1 for axis in zip(*points, strict=True)):
        return None
    return statistics.correlation(*zip(*points, strict=True))


def _misconceptions(gradebook: Gradebook) -> tuple[Common, ...]:
    who: dict[str, set[int]] = {}
    where: dict[str, dict[str, None]] = {}
    hints: dict[str, str] = {}
    for index, student in enumerate(gradebook.students):
        for part in student.parts:
            for finding in part.misconceptions:
                who.setdefault(finding.name, set()).add(index)
                where.setdefault(finding.name, {})[part_title(part)] = None
                hints.setdefault(finding.name, finding.hint)
    names = sorted(who, key=lambda name: (-len(who[name]), name))
    return tuple(Common(name, hints[name], len(who[name]), tuple(where[name])) for name in names)
