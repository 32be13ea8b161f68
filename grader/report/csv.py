"""The gradebook as CSV for a spreadsheet: one row a student, one column a part."""

from __future__ import annotations

import csv
import io
from fractions import Fraction

from grader.outcome import Gradebook, Outcome, PartResult
from grader.report.summary import part_keys
from grader.report.text import one_line

_FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"  # what a spreadsheet takes for a formula, or skips before one


def dumps(gradebook: Gradebook) -> str:
    """Return the CSV text: marks as decimals, zero as 0, a part that could not be graded as a word."""
    keys = part_keys(gradebook)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    header = ["student", "score", "max_score", *(f"{topic}.{part}" for topic, part in keys), "problems"]
    writer.writerow([cell(text) for text in header])
    for student in gradebook.students:
        parts = {(part.topic, part.part): part for part in student.parts}
        writer.writerow(
            [
                cell(student.student),
                _decimal(student.score),
                _decimal(student.max_score),
                *(_part(parts.get(key)) for key in keys),
                cell("; ".join((*gradebook.warnings, *student.problems))),
            ]
        )
    return file.getvalue()


def cell(text: str) -> str:
    """Return text as a cell that no spreadsheet takes for a formula.

    >>> cell("=1+1"), cell("ada")
    ("'=1+1", 'ada')
    """
    shown = one_line(text)
    return "'" + shown if text.lstrip(" ")[:1] in _FORMULA and text.strip(" ") else shown


def _part(part: PartResult | None) -> str:
    if part is None:
        return ""
    return str(part.outcome) if part.outcome is Outcome.UNGRADABLE else _decimal(part.score)


def _decimal(value: Fraction) -> str:
    return f"{float(value):.6g}"
