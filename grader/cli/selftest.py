"""`grader selftest`: grade the grader on a course's own right and wrong answers and functions."""

from __future__ import annotations

import click

from grader.answers import count
from grader.cli.main import course_option
from grader.course import Course


@click.command()
@click.option("--topic", "topics", multiple=True, help="Try this topic only; may be given again.")
@click.option(
    "--seeds", type=click.IntRange(1, 10_000), default=5, show_default=True, help="Variants a topic and level."
)
@course_option
def selftest(topics: tuple[str, ...], seeds: int, course: Course) -> int:
    """Try the course on itself: keys and references earn everything, misconceptions are refused and named.

    Exit status: 0 every promise holds, 1 one is broken.
    """
    from grader.selftest import selftest as trials

    broken = checks = 0
    for trial in trials(course, topics, seeds=seeds):
        click.echo(f"{'ok    ' if not trial.broken else 'BROKEN'}  {trial.name}: {count(trial.checks, 'check')}")
        for sentence in trial.broken:
            click.echo(f"        {sentence}")
        broken += len(trial.broken)
        checks += trial.checks
    click.echo(f"{count(checks, 'check')}, {broken:,} broken")
    return 1 if broken else 0
