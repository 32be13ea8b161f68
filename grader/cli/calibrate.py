"""`grader calibrate`: train the reference many times, so that the bar of accuracy has a known error rate."""

from __future__ import annotations

import statistics
from pathlib import Path

import click

from grader.cli.main import course_option, data_options
from grader.course import Course
from grader.errors import InputError


@click.command()
@click.option("--topic", required=True, help="The topic whose trainings are measured.")
@click.option(
    "--runs", type=click.IntRange(2, 10_000), default=50, show_default=True, help="Trainings of each configuration."
)
@click.option("--verify", is_flag=True, help="Write nothing: count how many trainings with new seeds miss the bar.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes; default: one a core.")
@data_options
@course_option
def calibrate(
    topic: str,
    runs: int,
    verify: bool,
    jobs: int | None,
    dataset: str | None,
    data_root: Path | None,
    course: Course,
) -> int:
    """Train the reference of a topic again and again; write what it reads rightly into exercises/measured/.

    The lowest count becomes the bar for submissions. Run it after a change of the data, the model or the training;
    then `--verify` tells how often a right submission falls below the bar, once and in all of its trainings.
    On other data, what is measured is kept beside them, in measured/ below --data-root.
    """
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise InputError("PyTorch is not installed", hint='pip install "convgrader[models]"')
    from grader.cli.grading import writable
    from grader.models.accuracy import SEEDS, error_rate
    from grader.models.calibrate import NEW, bars, write
    from grader.models.calibrate import calibrate as trainings
    from grader.models.data import choose, place, training_parts

    if not training_parts(course, topic):
        raise InputError(f"topic {topic!r} trains no model", hint="Calibrate a topic that asks for a training.")
    other = choose(course, [topic], dataset, data_root)
    bar = bars(course, topic, other) if verify else {}
    if not verify:
        named = (other.name, other.root) if other else ()
        writable(place(course, topic, *named).parent, "what is measured", "Choose a folder that you may write into.")
    found = []
    for run in trainings(course, topic, runs, jobs or 0, first=NEW if verify else 0, other=other):
        found.append(run)
        click.echo(f"{run.key}, training {run.number + 1}: {run.right} of {run.of} in {run.seconds:.1f} s", err=True)
    if verify:
        below = [run for run in found if run.right < bar[run.key]]
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
    click.echo(f"Written to {write(course, topic, found, other)}.")
    return 0
