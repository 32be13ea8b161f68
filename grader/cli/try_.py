"""`grader try`: a student checks one file at home; functions run on public cases, the key stays hidden."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from grader.cli.main import course_option, data_options
from grader.course import Course
from grader.sandbox import tiers


@click.command("try")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="What to print.")
@click.option("--allow", multiple=True, metavar="PACKAGE", help="Let the file import this package too.")
@click.option("--call-seconds", type=click.FloatRange(0.05, 3600), help="Seconds that one call of a function may take.")
@click.option("--quick", is_flag=True, help="Train models on a few examples only; their accuracy is not judged.")
@click.option(
    "--sandbox",
    "tier",
    metavar="TIER",
    default=tiers.AUTO,
    show_default=True,
    callback=lambda ctx, param, word: tiers.named(word, tiers.AT_HOME),
    help="How the file's code is contained: auto, full, landlock, or none, which a GPU needs.",
)
@click.option("--device", default="cpu", metavar="auto|cpu|cuda[:N]", help="Where models are trained.  [default: cpu]")
@data_options
@course_option
def try_(
    file: Path,
    form: str,
    allow: tuple[str, ...],
    call_seconds: float | None,
    quick: bool,
    tier: str,
    device: str,
    dataset: str | None,
    data_root: Path | None,
    course: Course,
) -> int:
    """Check FILE at home: answers are marked right or wrong, functions run on public cases.

    The mark that counts comes from 'grader check', with cases that are not public. Of numbers drawn with a course
    key only the form of the answers is checked.
    Exit status: 0 all that can be told at home is right, 1 something is wrong, 2 bad usage, 3 something could not be
    graded.
    """
    for warning in tiers.warnings(tier):
        click.echo(f"warning: {warning}", err=True)
    from grader.check import Settings
    from grader.cli.grading import chosen_data, chosen_device, grade, publish
    from grader.report.document import NOT_GRADED
    from grader.submission import find_submissions
    from grader.tryout import needs_key, status, without_key

    known = {*course.topics, *course.contracts}
    settings = Settings(
        public=True,
        jobs=1,
        allow=frozenset(allow),
        call_seconds=call_seconds,
        quick=quick,
        tier=tier,
        device=chosen_device(device, tier),
    )
    found = find_submissions([file], known)
    settings = replace(settings, data=chosen_data(course, found, settings, dataset, data_root))
    gradebook = without_key(grade(course, settings, found))
    parts = [part for student in gradebook.students for part in student.parts]
    found_out = publish(gradebook, course, form, None)
    if any(needs_key(part) for part in parts):
        click.echo("The answers are judged by your course: here only their form is checked.", err=True)
    if form == "table" and any(part.kind == "function" for part in parts):
        click.echo("These are public cases; your mark comes from others.", err=True)
    return status(gradebook) if found_out == NOT_GRADED else found_out
