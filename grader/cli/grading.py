"""What `grader check` and `grader try` share: the progress bar, the printing, the files of a report."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from grader.answers import count
from grader.check import Grading, Settings
from grader.course import Course
from grader.errors import InputError, VariantError
from grader.journal import Journal
from grader.outcome import Gradebook, StudentResult
from grader.sandbox import contain, tiers
from grader.submission import Submission
from grader.variant import parse_id

if TYPE_CHECKING:
    from grader.models.data import OtherData

INTERRUPTED = 130


def chosen_data(
    course: Course, submissions: Sequence[Submission], settings: Settings, dataset: str | None, data_root: Path | None
) -> OtherData | None:
    """Load the data that models are trained on, before anything is graded; None for the topics' own.

    What they are, and what cannot be judged on them yet, is said once, on stderr.
    """
    if dataset is None and data_root is None:
        return None
    from grader.models.data import choose

    topics = [topic for topic in course.topics if topic in set(_named(submissions))]
    wanted = [topic for topic in topics if topic in settings.topics or not settings.topics]
    data = choose(course, wanted, dataset, data_root)
    if data:
        click.echo(data.told, err=True)
    for lack in data.lacks if data and not settings.quick else ():
        click.echo(f"warning: accuracy is not judged: {lack}", err=True)
    return data


def _named(submissions: Sequence[Submission]) -> Iterator[str]:
    """Yield the topics that variants name."""
    for submission in submissions:
        for module in submission.modules:
            with suppress(VariantError):
                yield parse_id(module.variant or "").topic


def grade(
    course: Course, settings: Settings, submissions: Sequence[Submission], journal: Journal | None = None
) -> Gradebook:
    """Grade with a progress bar on a terminal's stderr; what the journal knows is not graded again.

    Raises:
        InputError: a package that submissions were allowed to import is not installed.
    """
    if settings.allow:
        from grader.sandbox.host import place_of

        for package in sorted(settings.allow):
            place_of(package, otherwise=", or leave it out of --allow")
    known = {s.student: result for s in submissions if journal and (result := journal.get(s))}
    todo = [s for s in submissions if s.student not in known]
    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("Grading"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    console = Console(stderr=True)
    started = time.monotonic()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("grading", total=len(submissions), completed=len(known), rate="")

        def keep(submission: Submission, result: StudentResult) -> None:
            if journal:
                journal.put(submission, result)
            done = bar.tasks[task].completed + 1
            bar.update(task, completed=done, rate=f"{(done - len(known)) / (time.monotonic() - started):.1f} a second")

        grading = Grading(course, settings)
        book = grading.grade(todo, keep)
    if settings.tier == tiers.AUTO and grading.tier == tiers.LANDLOCK:
        click.echo(tiers.LESSER, err=True)
    if known:
        click.echo(
            f"{len(known)} of {len(submissions)} were graded before and have not changed; --fresh grades them again.",
            err=True,
        )
    students = sorted((*book.students, *known.values()), key=lambda result: result.student)
    return replace(book, students=tuple(students))


def chosen_device(name: str, tier: str) -> str:
    """Return the device that models are trained on: "cpu", or a GPU that PyTorch sees.

    A GPU's driver needs what the sandbox takes away (device files, addresses without limit): so with one, students'
    code runs with no walls, which has to be asked for.

    Raises:
        InputError: no such device, or none that can be used here.
    """
    if name == "cpu":
        return name
    if name != "auto" and not re.fullmatch(r"cuda(:\d+)?", name):
        raise InputError(f"--device {name}: no such device", hint="It is auto, cpu, cuda or cuda:N.")
    if find_spec("torch") is None:
        if name == "auto":
            return "cpu"
        raise InputError(f"--device {name}: PyTorch is not installed", hint='pip install "convgrader[models]"')
    import torch

    number, seen = int(name.partition(":")[2] or 0), torch.cuda.device_count() if torch.cuda.is_available() else 0
    if number < seen and tier == contain.NONE:
        return f"cuda:{number}"
    if name == "auto":
        return "cpu"
    if number < seen:
        raise InputError(
            f"--device {name}: a GPU cannot be used from inside the sandbox",
            hint="Add --sandbox none, in a container or a machine that holds nothing else; or use --device cpu.",
        )
    if seen:
        last = f"They are cuda:0 to cuda:{seen - 1}" if seen > 1 else "It is cuda:0"
        raise InputError(f"--device {name}: PyTorch sees {count(seen, 'GPU')} here", hint=f"{last}.")
    raise InputError(
        f"--device {name}: PyTorch {torch.__version__} sees no GPU here",
        hint="Install a build of PyTorch with CUDA and its driver, or use --device cpu.",
    )


def publish(gradebook: Gradebook, course: Course, form: str, output: Path | None) -> int:
    """Print a gradebook, write its report where one is wanted, and return the exit status."""
    from grader.report import document

    if form == "json":
        for piece in document.pieces(gradebook):
            click.echo(piece, nl=False)
    else:
        from grader.report.table import render

        Console().print(render(gradebook))
    if output is not None:
        written = write_report(gradebook, course, output)
        click.echo(f"The report is in {written}.", err=True)
    if gradebook.interrupted:
        click.echo("interrupted: only the students above were graded", err=True)
        return INTERRUPTED
    return document.status(gradebook)


def write_report(gradebook: Gradebook, course: Course, output: Path) -> Path:
    """Write the document and the pages into a folder; return the page to open."""
    from grader.report import formats

    writable(output)
    formats.write(gradebook, output, ("json", "csv", "html"), course.template_folders())
    return output / "index.html"


def writable(folder: Path, what: str = "a report", hint: str = "Choose another -o.") -> None:
    """Make a folder for what will be written, before an hour of work and not after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"{folder}: cannot write {what} there: {error.strerror}", hint=hint) from None
