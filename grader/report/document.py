"""The gradebook as one JSON document: stable, deterministic, and readable again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

from grader import __version__
from grader.errors import InputError
from grader.outcome import Counterexample, Finding, Gradebook, Outcome, PartResult, StudentResult
from grader.report import record
from grader.report.text import inert, number

ALL_CORRECT, SOMETHING_WRONG, NOT_GRADED = 0, 1, 3
# The line of a record: only fields of a part are indented like this. With a line a number it would be thrice as long.
_RECORD = re.compile(r'^( {3}"model": )(\d+)$', re.MULTILINE)
_DENOMINATORS = 10**6  # of marks: thirds and twelfths come back exactly


def status(gradebook: Gradebook) -> int:
    """Return the exit status: 0 all correct, 1 something wrong, 3 something could not be graded.

    An interrupted run and a run without students count as 3; 3 wins over 1.
    """
    outcomes = {part.outcome for student in gradebook.students for part in student.parts}
    if gradebook.interrupted or not gradebook.students or Outcome.UNGRADABLE in outcomes:
        return NOT_GRADED
    if any(student.problems for student in gradebook.students) or outcomes != {Outcome.CORRECT}:
        return SOMETHING_WRONG
    return ALL_CORRECT


def dumps(gradebook: Gradebook) -> str:
    """Return the document as text: the same bytes for the same gradebook, printable on any terminal."""
    return "".join(pieces(gradebook))


def pieces(gradebook: Gradebook) -> Iterator[str]:
    """Yield the document's text, a student at a time: a class of thousands takes no more memory than one student."""
    whole = _dumps(to_json(replace(gradebook, students=())))
    before, _, after = whole.rpartition("[]")
    if not gradebook.students:
        yield whole + "\n"
        return
    yield before + "["
    for place, student in enumerate(gradebook.students):
        yield ",\n  " if place else "\n  "
        yield _student_text(student).replace("\n", "\n  ")
    yield f"\n ]{after}\n"


def _student_text(student: StudentResult) -> str:
    """Return one student of the document, with records in one line each."""
    document = student_to_json(student)
    records = []
    for item in document["parts"]:
        if "model" in item:
            records.append(json.dumps(item["model"], ensure_ascii=False, allow_nan=False, separators=(",", ":")))
            item["model"] = len(records) - 1
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    return _escaped(_RECORD.sub(lambda match: match[1] + records[int(match[2])], text))


def _dumps(document: Mapping[str, Any]) -> str:
    return _escaped(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1))


def read(path: Path) -> Gradebook:
    """Return the gradebook of a file that `dumps` wrote, or raise InputError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(
            f"{path}: cannot be read: {reason}", hint="Give the folder that 'grader check -o' wrote."
        ) from error
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not JSON: {error}", hint="Give the report.json that 'grader check' wrote."
        ) from error
    return from_json(document, str(path))


# Writing ---------------------------------------------------------------------------------------------------


def to_json(gradebook: Gradebook) -> dict[str, Any]:
    """Return the document of DESIGN.md as plain data; how long the run took is left out, to stay the same."""
    return {
        "grader": __version__,
        "course": gradebook.course,
        "interrupted": gradebook.interrupted,
        "warnings": list(gradebook.warnings),
        "students": [student_to_json(student) for student in gradebook.students],
    }


def student_to_json(student: StudentResult) -> dict[str, Any]:
    """Return one student of the document."""
    return {
        "student": student.student,
        "score": float(student.score),
        "max_score": float(student.max_score),
        "problems": list(student.problems),
        "variants": list(student.variants),
        "parts": [_part(part) for part in student.parts],
    }


def _part(part: PartResult) -> dict[str, Any]:
    item = {
        "topic": part.topic,
        "part": part.part,
        "kind": part.kind,
        "outcome": str(part.outcome),
        "score": float(part.score),
        "max_score": float(part.max_score),
        "message": part.message,
        "misconceptions": [finding.name for finding in part.misconceptions],
        "hints": {finding.name: finding.hint for finding in part.misconceptions},
        "regimes": {name: list(counts) for name, counts in part.regimes.items()},
        "counterexample": _counterexample(part.counterexample),
        "got": part.got,
        "line": part.line,
        "credit": part.credit,
        "summary": part.summary,
    }
    return item | {"model": plain(part.record)} if part.record else item


def _counterexample(example: Counterexample | None) -> dict[str, Any] | None:
    if example is None:
        return None
    return {
        "arguments": plain(example.arguments),
        "got": plain(example.got),
        "want": plain(example.want),
        "at": list(example.at),
        "regime": example.regime,
        "call": example.call,
        "window": plain(example.window),
        "sentence": example.sentence,
    }


def plain(value: Any) -> Any:
    """Return data that JSON can hold: lists for tuples, "nan" and "inf" for floats that are not numbers."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 1000:
        return number(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return plain(float(value)) if isinstance(value, Fraction) else str(value)


def _escaped(text: str) -> str:
    """Write invisible characters as JSON escapes; they can only stand inside strings."""
    return "\n".join(line if line.isprintable() else _escaped_line(line) for line in text.split("\n"))


def _escaped_line(line: str) -> str:
    return "".join(c if inert(c) == c else _json_escape(c) for c in line)


def _json_escape(character: str) -> str:
    return json.dumps(character, ensure_ascii=True)[1:-1] if ord(character) != 0x7F else "\\u007f"


# Reading ---------------------------------------------------------------------------------------------------


def student_from_json(document: object, where: str = "student") -> StudentResult:
    """Return one student of a document, or raise InputError."""
    return _read_student(_Node(document, where))


def from_json(document: object, where: str = "report") -> Gradebook:
    """Return the gradebook of a document; fields that are not known are passed over.

    Raises:
        InputError: it is not such a document; the message names the field.
    """
    top = _Node(document, where)
    students = tuple(_read_student(node) for node in top.items("students"))
    try:
        return Gradebook(
            course=top.text("course"),
            students=students,
            interrupted=top.flag("interrupted"),
            warnings=top.texts("warnings"),
        )
    except ValueError as error:
        top.refuse(str(error))


def _read_student(node: _Node) -> StudentResult:
    student = StudentResult(
        student=node.text("student"),
        parts=tuple(_read_part(part) for part in node.items("parts")),
        problems=node.texts("problems"),
        variants=node.texts("variants"),
    )
    for field, total in (("score", student.score), ("max_score", student.max_score)):
        if abs(node.number(field) - total) > Fraction(1, _DENOMINATORS):
            node.refuse(f"{field} is {float(node.number(field)):g}, but its parts add up to {float(total):g}")
    return student


def _read_part(node: _Node) -> PartResult:
    outcome = node.text("outcome")
    if outcome not in set(Outcome):
        node.refuse(f"outcome {outcome!r} is not one of {', '.join(Outcome)}")
    hints = _Node(node.get("hints", {}), f"{node.where}.hints")
    names = node.texts("misconceptions")
    try:
        return PartResult(
            topic=node.text("topic"),
            part=node.text("part"),
            kind=node.text("kind"),
            outcome=Outcome(outcome),
            score=node.number("score"),
            max_score=node.number("max_score"),
            message=node.text("message"),
            misconceptions=tuple(Finding(name, hints.text(name, "")) for name in names),
            regimes=_read_regimes(_Node(node.get("regimes", {}), f"{node.where}.regimes")),
            counterexample=_read_counterexample(node),
            got=node.text("got", ""),
            line=_read_line(node),
            credit=node.text("credit", ""),
            summary=node.text("summary", ""),
            record=_read_record(node),
        )
    except ValueError as error:
        node.refuse(str(error))


def _read_regimes(node: _Node) -> dict[str, tuple[int, int]]:
    counts = {name: node.whole(name) for name in node.value}
    for name, pair in counts.items():
        if len(pair) != 2 or not 0 <= pair[0] <= pair[1]:
            node.refuse(f"{name!r} must be [passed, cases]")
    return {name: (pair[0], pair[1]) for name, pair in counts.items()}


def _read_counterexample(part: _Node) -> Counterexample | None:
    if part.get("counterexample", None) is None:
        return None
    node = _Node(part.get("counterexample"), f"{part.where}.counterexample")
    window = node.get("window", None)
    return Counterexample(
        arguments=_Node(node.get("arguments"), f"{node.where}.arguments").value,
        got=node.get("got"),
        want=node.get("want"),
        at=node.whole("at"),
        regime=node.text("regime", ""),
        call=node.text("call", ""),
        sentence=node.text("sentence", ""),
        window=None if window is None else _read_window(_Node(window, f"{node.where}.window")),
    )


def _read_window(node: _Node) -> Mapping[str, Any]:
    """Check what the drawing relies on: rows of equal length, and ranges inside them."""
    node.text("sentence")
    for pane in node.items("panes"):
        pane.text("label")
        height, width = pane.rows("plane")
        for field, size in (("rows", height), ("columns", width), ("padding", max(height, width))):
            pair = pane.whole(field)
            if len(pair) != 2 or not all(0 <= n <= size for n in pair):
                pane.refuse(f"{field} must be two whole numbers from 0 to {size}")
        if pane.get("weights", None) is not None:
            pane.rows("weights")
    return node.value


def _read_record(part: _Node) -> Mapping[str, Any]:
    node = _Node(part.get("model", {}), f"{part.where}.model")
    try:
        return record.check(node.value)
    except ValueError as error:
        node.refuse(str(error))


def _read_line(node: _Node) -> int | None:
    line = node.get("line", None)
    if line is not None and (not isinstance(line, int) or isinstance(line, bool)):
        node.refuse("line must be a whole number")
    return line


_REQUIRED = object()


class _Node:
    """One object of a document, with its place in it for the messages."""

    def __init__(self, value: object, where: str) -> None:
        self.where = where
        if not isinstance(value, dict):
            self.refuse("expected an object {…}")
        self.value: dict[str, Any] = value

    def refuse(self, problem: str) -> NoReturn:
        raise InputError(f"{self.where}: {problem}", hint="Give the report.json that 'grader check' wrote.")

    def get(self, field: str, default: object = _REQUIRED) -> Any:
        value = self.value.get(field, default)
        if value is _REQUIRED:
            self.refuse(f"the field {field!r} is missing")
        return value

    def text(self, field: str, default: object = _REQUIRED) -> str:
        value = self.get(field, default)
        if not isinstance(value, str):
            self.refuse(f"{field} must be a text")
        return value

    def flag(self, field: str) -> bool:
        value = self.get(field, False)
        if not isinstance(value, bool):
            self.refuse(f"{field} must be true or false")
        return value

    def number(self, field: str) -> Fraction:
        value = self.get(field)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.refuse(f"{field} must be a number")
        near = Fraction(value).limit_denominator(_DENOMINATORS)
        return near if float(near) == value else Fraction(value)

    def items(self, field: str) -> list[_Node]:
        return [_Node(item, f"{self.where}.{field}[{index}]") for index, item in enumerate(self._list(field))]

    def texts(self, field: str) -> tuple[str, ...]:
        values = self._list(field, [])
        if not all(isinstance(value, str) for value in values):
            self.refuse(f"{field} must be a list of texts")
        return tuple(values)

    def whole(self, field: str) -> tuple[int, ...]:
        values = self._list(field)
        if not all(isinstance(value, int) and not isinstance(value, bool) for value in values):
            self.refuse(f"{field} must be a list of whole numbers")
        return tuple(values)

    def rows(self, field: str) -> tuple[int, int]:
        rows = self._list(field)
        lengths = {len(row) if isinstance(row, list) else -1 for row in rows}
        if len(lengths) != 1 or min(lengths) < 1:
            self.refuse(f"{field} must be rows of equal length")
        return len(rows), lengths.pop()

    def _list(self, field: str, default: object = _REQUIRED) -> list[Any]:
        value = self.get(field, default)
        if not isinstance(value, list):
            self.refuse(f"{field} must be a list [...]")
        return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{re.sub('[^A-Za-z-]', '', name)} is not a JSON number")
