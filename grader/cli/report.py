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


def document_of(_ctx: click.Context, _param: click.Parameter, value: Path) -> Path:
    """Return the document of a report: the file itself, or that in the folder which 'grader check -o' wrote."""
    return value / formats.SINGLE["json"][-1] if value.is_dir() else value


@click.command()
@click.argument("source", metavar="REPORT", type=click.Path(path_type=Path), callback=document_of)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; default: that of REPORT.",
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
    """Write a report again, in other formats, without grading again.

    REPORT is the folder that 'grader check -o' wrote, or the report.json in it.
    """
    gradebook = document.read(source)
    folder = output if output is not None else source.parent
    written = formats.write(gradebook, folder, names, course.template_folders())
    click.echo(f"{count(len(gradebook.students), 'student')}, {count(len(written), 'file')} in {folder}")
    if "html" in names:
        click.echo(f"Open {folder / 'index.html'} in a browser.")
