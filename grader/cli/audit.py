"""`grader audit`: measure a course's variants, and write a page with a contact sheet."""

from __future__ import annotations

from pathlib import Path

import click

from grader.answers import count
from grader.cli.main import course_option
from grader.course import Course


@click.command()
@click.option("--topic", "topics", multiple=True, help="Measure this topic only; may be given again.")
@click.option(
    "--draws", type=click.IntRange(10, 10**6), default=1000, show_default=True, help="Variants a topic and level."
)
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes; default: one a core.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("audit.html"),
    help="The page to write.",
)
@course_option
def audit(topics: tuple[str, ...], draws: int, jobs: int | None, output: Path, course: Course) -> int:
    """Measure variants: different, discriminating, equal in cost, unguessable, fast, free of machine residue.

    Exit status: 0 every promise holds, 1 one is broken.
    """
    from grader.audit import audit as levels
    from grader.audit import write_page
    from grader.cli.grading import writable

    for topic in topics:
        course.exercise(topic)
    writable(output.parent, "a page")
    found = []
    for level in levels(course, topics, draws=draws, jobs=jobs or 0):
        found.append(level)
        state = "ok    " if not level.broken else "BROKEN"
        click.echo(
            f"{state}  {level.topic}, {level.level}: {level.distinct:,} different of {level.draws:,},"
            f" misconceptions apart {level.pairwise:.1%}, cost within ±20 % {level.cost_within:.0%},"
            f" {level.speed:,.0f} a second"
        )
        for sentence in level.broken:
            click.echo(f"        {sentence}")
    write_page(course, found, output)
    broken = sum(len(level.broken) for level in found)
    click.echo(f"{count(broken, 'promise')} broken. The contact sheet is in {output}.")
    return 1 if broken else 0
