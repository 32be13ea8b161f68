"""What a report says and shows of trained models: sentences with the numbers, and figures where matplotlib is there."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from grader.answers import count
from grader.outcome import Gradebook, PartResult
from grader.report.record import value_of
from grader.report.text import one_line, part_title

NO_PICTURES = 'The pictures need matplotlib. Install it with pip install "convgrader[models]", then run grader report.'


@dataclass(frozen=True)
class Shown:
    """One thing to look at: what it is, what is to be seen in it, and its SVG; "" without matplotlib.

    The lines of `said` are sentences that also say it without the picture.
    """

    title: str
    said: str
    svg: str = ""
    small: bool = False  # of interest to those who look closer


@cache
def pictures() -> Any | None:
    """Return the module that draws, or None where matplotlib is not installed; it takes a second to load."""
    try:
        return import_module("grader.report.figures")
    except ImportError:
        return None


def no_pictures(gradebook: Gradebook) -> str:
    """Return how to get pictures where there are models and no matplotlib, else ""."""
    models = any(part.record for student in gradebook.students for part in student.parts)
    return NO_PICTURES if models and pictures() is None else ""


# Sentences -------------------------------------------------------------------------------------------------


def accuracy(part: PartResult) -> str:
    """Return how many held-out examples are right, in one line, or "" where it is not known."""
    found = part.record.get("accuracy")
    if not found:
        return ""
    right, total = found["right"], found["of"]
    said = f"{right:,} of {total:,} held-out examples right, {_percent(right / total)}"
    if "interval" in found:
        low, high = found["interval"]
        said += f" (95 % interval {_percent(low)} to {_percent(high)})"
    if found.get("threshold"):
        said += f", {found['threshold']:,} needed"
    return said + (f", best of {found['seeds']} trainings" if found.get("seeds", 0) > 1 else "")


def error_rate(part: PartResult) -> str:
    """Return how often a right submission fails the test of its accuracy, or "" where it is not known."""
    found = part.record.get("accuracy", {})
    if not found.get("error_rate") or not found.get("threshold"):
        return ""
    sure = f", with {100 * found['confidence']:g} % confidence" if "confidence" in found else ""
    return f"A right submission falls below that in at most {100 * found['error_rate']:.2g} % of all cases{sure}."


def is_said(part: PartResult) -> bool:
    """Return whether the message of a part speaks of its accuracy already."""
    found = part.record.get("accuracy", {"right": "-", "of": "-"})
    return f"{found['right']} of {found['of']}" in part.message


def confused(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """Return the number of errors and the commonest one.

    >>> confused([[5, 0], [2, 3]], ["cat", "dog"])
    'Errs on 2 of 10; most often dog read as cat (2 times).'
    """
    total = sum(map(sum, counts))
    errors = [(n, i, j) for i, row in enumerate(counts) for j, n in enumerate(row) if i != j]
    wrong = sum(n for n, _, _ in errors)
    if not wrong:
        return f"Errs on none of {total:,}."
    most, true, read = max(errors, key=lambda error: error[0])
    times = "once" if most == 1 else f"{most:,} times"
    return f"Errs on {wrong:,} of {total:,}; most often {classes[true]} read as {classes[read]} ({times})."


def _learnt(own: Mapping[str, Sequence[Any]], reference: Mapping[str, Sequence[Any]]) -> str:
    """Return where the curves of each run end, the student's and the reference's."""
    said = []
    for run in dict.fromkeys([*own, *reference]):
        ends = [
            f"{whose} {_end(runs[run])}"
            for whose, runs in (("yours", own), ("the reference's", reference))
            if run in runs
        ]
        epochs = max(len(runs[run]) for runs in (own, reference) if run in runs)
        said.append(_capital(f"{run + ', ' if run else ''}after {count(epochs, 'epoch')}: {', '.join(ends)}."))
    return "\n".join(said)


def _class_learnt(students: Sequence[tuple[str, Mapping[str, Any]]], reference: Mapping[str, Any]) -> str:
    """Return for each run how the class ends, and whose end is lowest and highest."""
    said = []
    for run in dict.fromkeys([*reference, *(run for _, runs in students for run in runs)]):
        ends = [(value_of(runs[run][-1]), name) for name, runs in students if run in runs]
        pieces = [*_spread(ends), *([f"the reference's {_end(reference[run])}"] if run in reference else [])]
        said.append(_capital(f"{run + ', ' if run else ''}at the end: {', '.join(pieces)}."))
    return "\n".join(said)


def _spread(ends: Sequence[tuple[float, str]]) -> list[str]:
    pieces = []
    if finite := sorted(end for end in ends if math.isfinite(end[0])):
        middle = statistics.median(end for end, _ in finite)
        pieces.append(f"median of {count(len(finite), 'student')} {_percent(middle)}")
        if len(finite) > 1:
            (low, first), (high, last) = finite[0], finite[-1]
            pieces.append(f"from {_percent(low)} ({first}) to {_percent(high)} ({last})")
    if lost := len(ends) - len(finite):
        pieces.append(f"{lost} diverged")
    return pieces


def _filtered(values: Sequence[Sequence[Sequence[Any]]]) -> str:
    weights = [value_of(weight) for plane in values for row in plane for weight in row]
    finite = [weight for weight in weights if math.isfinite(weight)]
    said = f"{count(len(values), 'filter')} of {len(values[0])} × {len(values[0][0])}"
    if finite:
        said += f", weights from {_signed(min(finite))} to {_signed(max(finite))}"
    if lost := len(weights) - len(finite):
        said += f"; holes in the picture are not numbers: {count(lost, 'weight')}"
    return said + "."


def _mapped(stack: Sequence[Sequence[Sequence[int]]]) -> str:
    said = f"{count(len(stack), 'map')} of {len(stack[0])} × {len(stack[0][0])}"
    flat = sum(len({tone for row in plane for tone in row}) == 1 for plane in stack)
    return said + (f"; {flat} of them the same everywhere." if flat else ".")


def _end(curve: Sequence[Any]) -> str:
    last = value_of(curve[-1])
    return _percent(last) if math.isfinite(last) else "no number: it diverged"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _signed(number: float) -> str:
    return f"{number:.3g}".replace("-", "−")


# Figures ---------------------------------------------------------------------------------------------------


def of_part(part: PartResult) -> list[Shown]:
    """Return what there is to look at of one student's model, most telling first."""
    record, shown = part.record, []
    own, reference = _panels(record.get("curves", {})), _panels(record.get("reference", {}))
    for measured in dict.fromkeys([*own, *reference]):
        runs = own.get(measured, {}), reference.get(measured, {})
        shown.append(_shown(_capital(measured), _learnt(*runs), "learning", measured, *runs))
    if counts := record.get("confusion"):
        classes = [one_line(name) for name in record.get("classes", map(str, range(len(counts))))]
        said = confused(counts, classes)
        shown.append(_shown("Confusion matrix", said, "confusion", counts, classes))
    if filters := record.get("filters"):
        title = f"Filters, {one_line(filters['name'])}"
        shown.append(_shown(title, _filtered(filters["values"]), "filters", filters["values"], title, small=True))
    if example := record.get("input"):
        title = "A held-out example" if part.kind == "model" else "An example"
        size = f"{len(example)} × {len(example[0])} pixels."
        shown.append(_shown(title, size, "maps", [example], title, small=True))
    for name, stack in record.get("maps", {}).items():
        title = f"Its maps, {one_line(name)}" if part.kind == "model" else _capital(one_line(name))
        shown.append(_shown(title, _mapped(stack), "maps", stack, title, small=True))
    return shown


def of_class(gradebook: Gradebook) -> list[tuple[str, list[Shown]]]:
    """Return the learning curves of the class: for each part of that kind its title and figures."""
    parts: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for student in gradebook.students:
        for part in student.parts:
            if part.record.get("curves"):
                parts.setdefault(part_title(part), []).append((one_line(student.student), part.record))
    return [(title, list(_class_panels(records))) for title, records in parts.items()]


def _class_panels(records: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Shown]:
    """Return a figure for each thing measured; references differ where variants do, and then the first is shown."""
    own = [(name, _panels(record["curves"])) for name, record in records]
    reference = next((_panels(record["reference"]) for _, record in records if record.get("reference")), {})
    shown = []
    for measured in dict.fromkeys([*(panel for _, panels in own for panel in panels), *reference]):
        runs = [(name, panels[measured]) for name, panels in own if measured in panels]
        known = reference.get(measured, {})
        shown.append(_shown(_capital(measured), _class_learnt(runs, known), "class_learning", measured, runs, known))
    return shown


def _shown(title: str, said: str, figure: str, *data: Any, small: bool = False) -> Shown:
    draw = getattr(pictures(), figure, None)
    return Shown(title, said, draw(*data, said.replace("\n", " ")) if draw else "", small)


def _panels(curves: Mapping[str, Sequence[Any]]) -> dict[str, dict[str, Sequence[Any]]]:
    """Return curves by what was measured and in which run: "test error, with momentum" is a run of "test error"."""
    panels: dict[str, dict[str, Sequence[Any]]] = {}
    for name, curve in curves.items():
        measured, _, run = one_line(name).partition(", ")
        panels.setdefault(measured, {})[run] = curve
    return panels


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
