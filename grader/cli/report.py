"""`grader report`: write a graded class again, in other formats, without grading it again."""

from __future__ import annotations

from pathlib import Path

import click

from grader.answers import count
from grader.cli.main import course_option
from grader.course import Course
from grader.report import document, formats


def _names(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, ...]:
    """Return formats that were separated by commas."""
    names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    formats.check(names)
    return names


@click.command()
@click.argument("source", metavar="REPORT.json", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; default: that of REPORT.json.",
)
@click.option(
    "--format",
    "names",
    callback=_names,
    default="html",
    help=f"Of {', '.join(formats.FORMATS)}, separated by commas.",
)
@course_option
def report(source: Path, output: Path | None, names: tuple[str, ...], course: Course) -> None:
    """Write a report again from the REPORT.json of 'grader check', without grading again."""
    gradebook = document.read(source)
    folder = output if output is not None else source.parent
    written = formats.write(gradebook, folder, names, course.template_folders())
    click.echo(f"{count(len(gradebook.students), 'student')}, {count(len(written), 'file')} in {folder}")
    if "html" in names:
        click.echo(f"Open {folder / 'index.html'} in a browser.")
