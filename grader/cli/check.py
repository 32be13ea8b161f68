"""`grader check`: grade submissions, print the table or the document, write the report."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from grader.cli.main import course_option
from grader.course import Course
from grader.exercise import Level
from grader.feedback import Feedback, course_policy, limit


@click.command()
@click.argument("submissions", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--topic", "topics", multiple=True, help="Grade this topic only; may be given again.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="What to print.")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder for the report.")
@click.option(
    "--key-file", type=click.Path(path_type=Path, dir_okay=False), help="The course key, for students' own variants."
)
@click.option("--seed", type=click.IntRange(min=0), help="Accept only variants of this seed.")
@click.option("--level", type=click.Choice([str(level) for level in Level]), help="Accept only variants of this level.")
@click.option("--allow", multiple=True, metavar="PACKAGE", help="Let submissions import this package too.")
@click.option("--jobs", type=click.IntRange(1, 256), help="How many students at a time; default: one a core.")
@click.option("--call-seconds", type=click.FloatRange(0.05, 3600), help="Seconds that one call of a function may take.")
@click.option(
    "--feedback",
    type=click.Choice([str(level) for level in Feedback]),
    help="What students see of hidden cases; default: as course.toml says, else full.",
)
@click.option("--fresh", is_flag=True, help="Grade everything again, also what has not changed since the last run.")
@course_option
def check(
    submissions: tuple[Path, ...],
    topics: tuple[str, ...],
    form: str,
    output: Path | None,
    key_file: Path | None,
    seed: int | None,
    level: str | None,
    allow: tuple[str, ...],
    jobs: int | None,
    call_seconds: float | None,
    feedback: str | None,
    fresh: bool,
    course: Course,
) -> int:
    """Grade SUBMISSIONS: folders of students, single files, notebooks or a zip.

    Exit status: 0 all correct, 1 something wrong, 2 bad usage, 3 something could not be graded.
    """
    from grader.check import Settings
    from grader.cli.grading import grade, publish, writable
    from grader.coursekey import read_key
    from grader.journal import Journal
    from grader.submission import find_submissions

    for topic in topics:
        course.exercise(topic)
    settings = Settings(
        key=read_key(key_file) if key_file else None,
        seed=seed,
        level=Level(level) if level else None,
        topics=topics,
        allow=frozenset(allow),
        jobs=jobs or 0,
        call_seconds=call_seconds,
    )
    if output is not None:
        writable(output)
    found = find_submissions(submissions, {*course.topics, *course.contracts})
    level_shown = Feedback(feedback) if feedback else course_policy(course.folder).at(datetime.now(UTC))
    journal = Journal(course, settings, fresh=fresh)
    return publish(limit(grade(course, settings, found, journal), level_shown), course, form, output)
