"""The gradebook as web pages: one for the class, one for each student that can be sent alone."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from grader import __version__, drawing
from grader.answers import count
from grader.course import builtin_folder
from grader.markup import to_html
from grader.outcome import Counterexample, Gradebook, Outcome, PartResult, StudentResult
from grader.report import files, summary, training
from grader.report.text import SIGNS, WORDS, marks, neutral, number, one_line, part_title, percent, place, written

GENERATOR = b'<meta name="generator" content="convgrader">'  # in every page: only those are ever removed
BEGINNING = 2048  # bytes of a page in which it stands
FIRST_STEPS = 5  # parts named under "what to do next"
MANY = 6  # failing regimes shown; the rest is folded
# outcome -> tone of its badge; the others are "bad"
TONES = {Outcome.CORRECT: "good", Outcome.PARTIAL: "half", Outcome.UNGRADABLE: "none"}


def write(gradebook: Gradebook, folder: Path, templates: Sequence[Path] | None = None) -> list[Path]:
    """Write students/NAME.html for each student and index.html for the class; return index.html and the others.

    It is written last, so that no link of it is dead where writing is cut short. Pages of ours for students who are no
    longer there are removed then; those of a run that was interrupted say nothing about who is missing.
    `templates` is where templates are looked up, first to last; by default the built-in ones.

    Raises:
        InputError: the folder cannot be written to.
    """
    pages = environment(templates)
    names = list(files.safe_names(student.student for student in gradebook.students))
    shown = neutral(gradebook)
    written = []
    for student, name in zip(shown.students, names, strict=True):
        page = student_page(shown.course, student, pages, shown.warnings)
        written.append(files.write_text(folder / "students" / f"{name}.html", page))
    index = files.write_text(folder / "index.html", class_page(shown, names, pages))
    if not gradebook.interrupted:
        _remove_others(folder / "students", written)
    return [index, *written]


def _remove_others(folder: Path, written: Sequence[Path]) -> None:
    """Remove the pages in a folder that earlier runs wrote; what cannot be removed stays."""
    kept = {_as_any_system_calls(page) for page in written}
    for page in files.on_disk(folder).glob("*.html"):
        if _as_any_system_calls(page) not in kept and not page.is_symlink():
            with contextlib.suppress(OSError):
                with page.open("rb") as file:
                    ours = GENERATOR in file.read(BEGINNING)
                if ours:
                    page.unlink()


def _as_any_system_calls(page: Path) -> str:
    """Return a name that is the same for all those that some file system takes for one."""
    return unicodedata.normalize("NFC", page.name).casefold()


def environment(templates: Sequence[Path] | None = None) -> Environment:
    """Return the Jinja environment of reports: everything is escaped, and nothing undefined passes."""
    folders = templates if templates is not None else [builtin_folder() / "templates"]
    pages = Environment(
        autoescape=True,
        loader=FileSystemLoader([str(folder) for folder in folders]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "marks": marks,
        "percent": percent,
        "one_line": one_line,
        "title": part_title,
        "place": place,
        "count": count,
        "written": written,
        "hint": lambda text: Markup(to_html(_literal_signs(text))),  # noqa: S704 - raw HTML is off in it
        "drawing": lambda example: Markup(drawing.failing_case(example)),  # noqa: S704 - its texts are escaped
        "unbroken": lambda text: text.replace(" %", "\u00a0%"),
        "drawn": lambda svg: Markup(svg),  # noqa: S704 - a figure; its texts are escaped
        "figures": training.of_part,
        "accuracy": lambda part: "" if training.is_said(part) else training.accuracy(part),
        "error_rate": training.error_rate,
        "word": WORDS.__getitem__,
        "badge": lambda outcome: (SIGNS[outcome], TONES.get(outcome, "bad")),
    }
    pages.globals["version"] = __version__
    return pages


_SPANS = re.compile(r"(`[^`]*`|\$[^$]*\$)")


def _literal_signs(hint: str) -> str:
    """Keep the sign of a product, as in i*s, from starting emphasis; code and formulas are left alone."""
    pieces = _SPANS.split(hint)
    return "".join(piece if _SPANS.fullmatch(piece) else re.sub(r"(?<=\w)\*(?=\w)", r"\*", piece) for piece in pieces)


def class_page(gradebook: Gradebook, names: Sequence[str], pages: Environment) -> str:
    """Return the page of the class; `names` are the file names of the students' pages, without suffix."""
    rows = [_row(student, name) for student, name in zip(gradebook.students, names, strict=True)]
    found = summary.summarise(gradebook)
    return pages.get_template("report.html.j2").render(
        gradebook=gradebook,
        summary=found,
        how=summary.HOW,
        legend=", ".join(f"{sign}\u00a0{WORDS[outcome]}" for outcome, sign in SIGNS.items()),
        tallest=max(found.bins),
        rows=rows,
        by_marks=sorted(rows, key=lambda row: (row["share"] is None, row["share"] or 0)),
        problems=[(student, problem) for student in gradebook.students for problem in student.problems],
        ungradable=_ungradable(gradebook),
        not_graded=[(s, *told) for s in gradebook.students for told in summary.not_graded(s)],
        learning=training.of_class(gradebook),
        no_pictures=training.no_pictures(gradebook),
    )


def student_page(course: str, student: StudentResult, pages: Environment, warnings: tuple[str, ...] = ()) -> str:
    """Return the page of one student, which needs nothing else to be read."""
    return pages.get_template("report_student.html.j2").render(
        course=course,
        student=student,
        warnings=warnings,
        share=summary.share_of(student),
        steps=_steps(student),
        first=FIRST_STEPS,
        many=MANY,
        first_of=lambda regimes, length: dict(list(regimes.items())[:length]),
        rest_of=lambda regimes, length: dict(list(regimes.items())[length:]),
        topics=_by_topic(student),
        failing=_failing,
        passing=_passing,
        entry=_entry,
    )


def _steps(student: StudentResult) -> list[PartResult]:
    """Return the parts to work on; what is missing because of an unreadable file is not among them."""
    todo = [part for part in student.parts if part.outcome not in (Outcome.CORRECT, Outcome.UNGRADABLE)]
    return [part for part in todo if not any(problem in part.message for problem in student.problems)]


def _row(student: StudentResult, name: str) -> dict[str, object]:
    return {
        "student": student,
        "href": "students/" + quote(f"{name}.html"),
        "share": summary.share_of(student),
        "topics": _by_topic(student),
    }


def _by_topic(student: StudentResult) -> Mapping[str, list[PartResult]]:
    topics: dict[str, list[PartResult]] = {}
    for part in student.parts:
        topics.setdefault(part.topic, []).append(part)
    return topics


def _ungradable(gradebook: Gradebook) -> list[tuple[StudentResult, PartResult]]:
    return [(s, p) for s in gradebook.students for p in s.parts if p.outcome is Outcome.UNGRADABLE]


def _failing(part: PartResult) -> dict[str, tuple[int, int]]:
    """Return the regimes with a wrong case, those with the smallest share of right ones first."""
    failing = [(name, counts) for name, counts in part.regimes.items() if counts[0] < counts[1]]
    return dict(sorted(failing, key=lambda item: item[1][0] / item[1][1]))


def _passing(part: PartResult) -> dict[str, tuple[int, int]]:
    """Return the regimes whose cases are all right."""
    return {name: counts for name, counts in part.regimes.items() if name not in _failing(part)}


def _entry(example: Counterexample) -> tuple[str, str] | None:
    """Return what was got and wanted at the first entry that differs, where both are one value."""
    values = [drawing.entry(value, example.at) for value in (example.got, example.want)]
    if not example.at or any(value is None or isinstance(value, list | tuple | dict) for value in values):
        return None
    return number(values[0]), number(values[1])
