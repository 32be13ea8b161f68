"""The roster: a CSV with a `student` column, and who is in it."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.errors import InputError, did_you_mean

COLUMN = "student"
MAX_BYTES = 200  # of a name; file systems take 255, and an ending must fit
_KIND = f"The roster is a CSV file: a header with a column {COLUMN!r}, and below it one student a line."
_JOINERS = "\u200c\u200d"  # invisible, but part of the spelling of Persian and Indic names


@dataclass(frozen=True)
class Student:
    """`id` names the folder and derives the variant; `name` stands on the sheet."""

    id: str
    name: str


def read_roster(path: Path) -> tuple[Student, ...]:
    """Return the students in the file's order, their ids in Unicode's composed form (NFC).

    The columns may be separated by commas, semicolons or tabs; `name` is optional.

    Raises:
        InputError: the file or a line cannot be used; the message names the line.
    """
    rows = _rows(path)
    _, header = next(rows, (0, []))
    columns = [cell.strip().casefold() for cell in header]
    if COLUMN not in columns:
        hint = _rename(columns, f"Its columns are: {', '.join(header)}.") if header else _KIND
        raise InputError(f"{path}: no column named {COLUMN!r}", hint=hint)
    students: list[Student] = []
    seen: dict[str, tuple[int, str]] = {}
    for line, row in rows:
        student = _student(f"{path}, line {line}", columns, row)
        other, name = seen.setdefault(folded(student.id), (line, student.id))
        if other != line:
            unlike = "Names must differ in more than capitals, accents' encoding and invisible characters."
            raise InputError(
                f"{path}, line {line}: the student {_quoted(student.id)} is on line {other} already",
                hint=unlike if name != student.id else "Name every student once, on a line of their own.",
            )
        students.append(student)
    if not students:
        raise InputError(f"{path}: no students below the header", hint="Write one student a line.")
    return tuple(students)


def folded(name: str) -> str:
    """Return what two names share that a person or a file system would take for one."""
    visible = "".join(ch for ch in unicodedata.normalize("NFC", name) if unicodedata.category(ch) != "Cf")
    return unicodedata.normalize("NFC", visible.casefold())


def folder_problem(name: str) -> str:
    """Return why a name cannot be a student's folder, or nothing.

    >>> folder_problem("ada"), folder_problem("../ada")
    ('', 'has a path separator')
    """
    categories = {unicodedata.category(ch) for ch in name if ch not in _JOINERS}
    problems = (
        (not name or not folded(name), "is empty"),
        ("/" in name or "\\" in name, "has a path separator"),
        (name in (".", ".."), "means a folder, not a student"),
        (name.startswith("."), "starts with a dot, which hides the folder"),
        (name.startswith("-"), "starts with a dash, which commands take for an option"),
        (categories & {"Cc", "Cf", "Zl", "Zp"}, "has a control character"),
        (categories & {"Cs", "Co", "Cn"}, "has a character that is not assigned"),
        (len(name.encode(errors="replace")) > MAX_BYTES, f"is longer than {MAX_BYTES} bytes"),
    )
    return next((problem for wrong, problem in problems if wrong), "")


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and cells of every line that is not blank."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: it cannot be read: {error.strerror}", hint=_KIND) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: it is not UTF-8", hint="Save it as 'CSV UTF-8'.") from error
    first = next((line for line in text.splitlines() if line.strip()), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}", hint="Look at the quotes.") from error


def _rename(columns: list[str], otherwise: str) -> str:
    near = did_you_mean(COLUMN, columns)
    if not near:
        return otherwise + f" Name the one with the students {COLUMN!r}."
    return f"Rename {near.removeprefix('Did you mean ').removesuffix('?')} to {COLUMN!r}."


def _student(where: str, columns: list[str], row: list[str]) -> Student:
    if len(row) > len(columns) and any(cell.strip() for cell in row[len(columns) :]):
        raise InputError(
            f"{where}: {len(row)} cells, where the header has {len(columns)}",
            hint="Put a name that has a separator in it between double quotes.",
        )
    cells = {column: unicodedata.normalize("NFC", cell.strip()) for column, cell in zip(columns, row, strict=False)}
    name = cells.get(COLUMN, "")
    if problem := folder_problem(name):
        shown = f" {_quoted(name)}" if name else ""
        raise InputError(f"{where}: the student's name{shown} {problem}", hint="A student's name becomes a folder.")
    return Student(name, cells.get("name") or name)


def _quoted(name: str) -> str:
    return repr(name if len(name) <= 60 else name[:59] + "…")
