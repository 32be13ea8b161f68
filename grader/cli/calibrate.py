"""`grader calibrate`: train the reference many times, so that the bar of accuracy has a known error rate."""

from __future__ import annotations

import statistics

import click

from grader.cli.main import course_option
from grader.course import Course
from grader.errors import InputError


@click.command()
@click.option("--topic", required=True, help="The topic whose trainings are measured.")
@click.option(
    "--runs", type=click.IntRange(2, 10_000), default=50, show_default=True, help="Trainings of each configuration."
)
@click.option("--verify", is_flag=True, help="Write nothing: count how many trainings with new seeds miss the bar.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes; default: one a core.")
@course_option
def calibrate(
    topic: str,
    runs: int,
    verify: bool,
    jobs: int | None,
    course: Course,
) -> int:
    """Train the reference of a topic again and again; write what it reads rightly into exercises/measured/.

    The lowest count becomes the bar for submissions. Run it after a change of the data, the model or the training;
    then `--verify` tells how often a right submission falls below the bar, once and in all of its trainings.
    """
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise InputError("PyTorch is not installed", hint='pip install "convgrader[models]"')
    from grader.models.accuracy import SEEDS, error_rate
    from grader.models.calibrate import NEW, bars, write
    from grader.models.calibrate import calibrate as trainings

    found = []
    for run in trainings(course, topic, runs, jobs or 0, first=NEW if verify else 0):
        found.append(run)
        click.echo(f"{run.key}, training {run.number + 1}: {run.right} of {run.of} in {run.seconds:.1f} s", err=True)
    if verify:
        bar = bars(course, topic)
        below = [run for run in found if run.right < bar.get(run.key, 0)]
        click.echo(
            f"{topic}: {len(below)} of {len(found)} trainings of the reference with new seeds fall below the bar;"
            f" {SEEDS} in a row: about {(len(below) / len(found)) ** SEEDS:.4%} of right submissions"
        )
        return 0
    for key in sorted({run.key for run in found}):
        counts = [run.right for run in found if run.key == key]
        seconds = statistics.median(run.seconds for run in found if run.key == key)
        of = next(run.of for run in found if run.key == key)
        click.echo(
            f"{key}: {min(counts)} to {max(counts)} of {of} read rightly in {len(counts)} trainings, median"
            f" {statistics.median(counts):.0f}, {seconds:.1f} s each; a right submission fails in at most"
            f" {error_rate(len(counts)):.3%} of all cases"
        )
    click.echo(f"Written to {write(course, topic, found)}.")
    return 0
