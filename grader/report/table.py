"""The gradebook on the terminal: a table that fits its width, what could not be graded, and the class at a glance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.answers import count
from grader.outcome import Gradebook, Outcome, PartResult, StudentResult
from grader.report import training
from grader.report.summary import Summary, not_graded, summarise
from grader.report.text import SIGNS, WORDS, inert, marks, one_line, part_title, percent, place, written

PLAIN_SIGNS = {"✓": "+", "◐": "/", "✗": "x", "–": "-"}  # for terminals without Unicode
STYLES = {Outcome.CORRECT: "green", Outcome.PARTIAL: "yellow", Outcome.MISSING: "dim", Outcome.UNGRADABLE: "magenta"}
COMMONEST = 5


class GradebookTable:
    """A gradebook that rich can print, at any width. `details` lists what to do about each part."""

    def __init__(self, gradebook: Gradebook, *, details: bool) -> None:
        self.gradebook = gradebook
        self.details = details

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        pen = _Pen(options.ascii_only)
        table = _wide(self.gradebook, pen)
        if console.measure(table, options=options.update(width=10_000)).maximum > options.max_width:
            table = _narrow(self.gradebook, pen)
        yield table
        yield _legend(self.gradebook, pen)
        if self.details:
            for student in self.gradebook.students:
                yield from _details(student, pen)
        yield from _problems(self.gradebook, pen, told=self.details)
        yield from _totals(self.gradebook, summarise(self.gradebook), pen)


def render(gradebook: Gradebook, *, details: bool | None = None) -> GradebookTable:
    """Return what `Console.print` shows of a gradebook; details are shown by default for one student alone."""
    return GradebookTable(gradebook, details=len(gradebook.students) == 1 if details is None else details)


class _Pen:
    """Writes text for one terminal: inert, never markup, in ASCII where nothing else can be printed."""

    def __init__(self, ascii_only: bool) -> None:
        self.ascii_only = ascii_only

    def write(self, text: str, style: str = "") -> Text:
        return Text(self._shown(inert(text, keep="\n")), style=style)

    def name(self, text: str, style: str = "bold") -> Text:
        return Text(self._shown(one_line(text)), style=style, overflow="fold")

    def sign(self, outcome: Outcome) -> Text:
        sign = SIGNS[outcome]
        return Text(PLAIN_SIGNS.get(sign, sign) if self.ascii_only else sign, style=STYLES.get(outcome, "red"))

    def _shown(self, text: str) -> str:
        return text.encode("ascii", "backslashreplace").decode() if self.ascii_only else text


def _wide(gradebook: Gradebook, pen: _Pen) -> Table:
    """One row a student, one column a topic."""
    topics = list(dict.fromkeys(part.topic for student in gradebook.students for part in student.parts))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("student", overflow="fold", max_width=30)
    for topic in topics:
        table.add_column(pen.name(topic), no_wrap=True)
    table.add_column("total", justify="right", no_wrap=True)
    for student in gradebook.students:
        cells = [_topic(student, topic, pen) for topic in topics]
        table.add_row(pen.name(student.student), *cells, _total(student, pen))
    return table


def _narrow(gradebook: Gradebook, pen: _Pen) -> Table:
    """One row for each topic of a student."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("student", overflow="fold", max_width=22)
    table.add_column("topic", overflow="fold", max_width=20)
    table.add_column("parts")
    table.add_column("total", justify="right", no_wrap=True)
    for student in gradebook.students:
        topics = list(dict.fromkeys(part.topic for part in student.parts))
        table.add_row(pen.name(student.student), "", "", _total(student, pen))
        for topic in topics:
            table.add_row("", pen.name(topic, ""), _topic(student, topic, pen), "")
    return table


def _topic(student: StudentResult, topic: str, pen: _Pen) -> Text:
    parts = [part for part in student.parts if part.topic == topic]
    if not parts:
        return Text("")
    signs = Text(" ").join(pen.sign(part.outcome) for part in parts)
    graded = [part for part in parts if part.outcome is not Outcome.UNGRADABLE]
    if not graded:
        return signs
    return Text("  ").join([signs, Text(marks(sum((p.score for p in graded), start=graded[0].score * 0)))])


def _total(student: StudentResult, pen: _Pen) -> Text:
    if student.parts and not student.gradable:
        return pen.write("not graded", "magenta")
    if not student.parts:
        return pen.write("0 (unreadable)", "red")
    return Text(f"{marks(student.score)} of {marks(student.max_score)}", style="bold")


def _legend(gradebook: Gradebook, pen: _Pen) -> Text:
    present = {part.outcome for student in gradebook.students for part in student.parts}
    entries = [Text.assemble(pen.sign(outcome), f" {WORDS[outcome]}") for outcome in SIGNS if outcome in present]
    if not entries:
        return Text("")
    return Text("\n") + Text("   ", style="dim").join(entries) + Text("\n")


def _details(student: StudentResult, pen: _Pen) -> Iterator[Text | Padding]:
    said: list[str] = []
    for part in student.parts:
        earned = f", {marks(part.score)} of {marks(part.max_score)}"
        score = ", which costs no marks" if part.outcome is Outcome.UNGRADABLE else earned
        yield Text.assemble(pen.sign(part.outcome), " ", pen.name(part_title(part)), f": {WORDS[part.outcome]}{score}")
        lines = [*_explanation(part)]
        if lines and (lines != said or part.outcome not in (Outcome.MISSING, Outcome.UNGRADABLE)):
            yield Padding(pen.write("\n".join(lines)), (0, 0, 0, 4), expand=False)
        said = lines
    yield Text("")


def _explanation(part: PartResult) -> Iterator[str]:
    if (accuracy := training.accuracy(part)) and (part.outcome is Outcome.CORRECT or not training.is_said(part)):
        yield accuracy
    if part.outcome is Outcome.CORRECT:
        return
    if part.message != part.outcome:
        yield place(part) + part.message
    again = "Hint" if part.kind == "model" else "Or"  # a model may have several mistakes, which may give one answer
    for number, finding in enumerate(part.misconceptions):
        yield f"{again if number else 'Hint'}: {finding.hint}"
    if (example := part.counterexample) is not None:
        yield from filter(None, [example.call])
        if example.want is not None:  # withheld from feedback of the input alone
            yield f"got  {written(example.got, 70, 400)}"
            yield f"want {written(example.want, 70, 400)}"


def _problems(gradebook: Gradebook, pen: _Pen, *, told: bool) -> Iterator[Text]:
    """List the files that could not be read and, apart from them, what could not be graded, unless it was told."""
    unreadable = [(student.student, problem) for student in gradebook.students for problem in student.problems]
    yield from _listing("Problems with what was handed in:", unreadable, pen)
    students = () if told else gradebook.students
    ungradable = [(s.student, f"{parts}: {message}") for s in students for parts, message in not_graded(s)]
    yield from _listing("Not graded, through no fault of the student; it costs no marks:", ungradable, pen)
    yield from _listing("Warnings:", [("", warning) for warning in gradebook.warnings], pen)


def _listing(title: str, entries: Sequence[tuple[str, str]], pen: _Pen) -> Iterator[Text]:
    if entries:
        yield Text(title, style="bold")
        for name, text in entries:
            lead = Text.assemble(pen.name(name), ": ") if name else Text("")
            yield Text.assemble("  ", lead, pen.write(text))
        yield Text("")


def _totals(gradebook: Gradebook, summary: Summary, pen: _Pen) -> Iterator[Text]:
    if gradebook.interrupted:
        yield Text("Interrupted: only what was graded until then is shown.", style="bold yellow")
    if summary.misconceptions and len(gradebook.students) > 1:
        yield Text("Commonest misconceptions:", style="bold")
        for common in summary.misconceptions[:COMMONEST]:
            yield Text.assemble(
                "  ", pen.name(common.name), f" ({count(common.students, 'student')}): ", pen.write(common.hint)
            )
        yield Text("")
    if len(gradebook.students) == 1:
        return
    mean = f", mean {percent(summary.mean)}" if summary.mean is not None else ""
    yield Text(f"{count(summary.students, 'student')}{mean}, {summary.full} with full marks", style="bold")
