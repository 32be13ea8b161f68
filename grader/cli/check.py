"""`grader check`: grade submissions, print the table or the document, write the report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from grader.cli.main import course_option, data_options
from grader.course import Course, builtin_folder
from grader.errors import InputError, did_you_mean
from grader.exercise import Level
from grader.feedback import Feedback, course_policy, limit, settings_files
from grader.sandbox import tiers


@click.command()
@click.argument("submissions", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--topic", "topics", multiple=True, help="Grade this topic only; may be given again.")
@click.option(
    "--format",
    "form",
    metavar="[table|json]",
    default="table",
    callback=lambda ctx, param, word: printed(word),
    help="What to print.",
)
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
@click.option(
    "--sandbox",
    "tier",
    metavar="TIER",
    default=tiers.AUTO,
    show_default=True,
    callback=lambda ctx, param, word: tiers.named(word),
    help="How students' code is contained: full (namespaces), bwrap (the same, by bubblewrap), landlock, docker, none "
    "(for your own files only), or auto: full, else bwrap, else landlock, else nothing is graded.",
)
@click.option("--device", default="cpu", metavar="auto|cpu|cuda[:N]", help="Where models are trained.  [default: cpu]")
@data_options
@course_option
@click.pass_context
def check(
    ctx: click.Context,
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
    tier: str,
    device: str,
    dataset: str | None,
    data_root: Path | None,
    course: Course,
) -> int:
    """Grade SUBMISSIONS: folders of students, single files, notebooks or a zip.

    Exit status: 0 all correct, 1 something wrong, 2 bad usage, 3 something could not be graded.
    """
    if tier == tiers.DOCKER:
        return _in_container(ctx)
    for warning in tiers.warnings(tier):
        click.echo(f"warning: {warning}", err=True)
    from grader.check import Settings
    from grader.cli.grading import chosen_data, chosen_device, grade, publish, writable
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
        tier=tier,
        device=chosen_device(device, tier),
    )
    found = find_submissions(submissions, {*course.topics, *course.contracts}, without=output)
    if output is not None:
        writable(output)
    level_shown = shown(feedback, course, submissions)
    settings = replace(settings, data=chosen_data(course, found, settings, dataset, data_root))
    journal = Journal(course, settings, fresh=fresh)
    return publish(limit(grade(course, settings, found, journal), level_shown), course, form, output)


def shown(asked: str | None, course: Course, submissions: tuple[Path, ...]) -> Feedback:
    """Return how much students see: what was asked for, else what course.toml says.

    It lies in the course's folder or, as the built-in course has none of yours, where the command is given. What lies
    among submissions may be a student's, so that it is named and not read.
    """
    if asked:
        return Feedback(asked)
    here = Path.cwd()
    folders = [] if any(here.is_relative_to(given.resolve()) for given in submissions) else [here]
    folders += [] if course.folder == builtin_folder() else [course.folder]
    read = settings_files(*folders)
    for path in settings_files(*(place for given in submissions for place in (given, given.absolute().parent))):
        if path not in read:
            click.echo(f"warning: {path} is not read; `grader check` reads the one where it is called", err=True)
    return course_policy(*folders).at(datetime.now(UTC))


def printed(word: str) -> str:
    """Return the form to print: of those that a report is written in, the way to them is named."""
    from grader.report.formats import FORMATS

    if word in ("table", "json"):
        return word
    hint = f"Grade with -o FOLDER, then run `grader report FOLDER --format {word}`." if word in FORMATS else ""
    raise InputError(
        f"--format {word}: `grader check` prints a table or json", hint=hint or did_you_mean(word, ("table", "json"))
    )


def _in_container(ctx: click.Context) -> int:
    """Run this very command in a container, with its files mounted there."""
    from grader.cli.grading import writable
    from grader.journal import cache_folder
    from grader.sandbox import docker

    given = dict(ctx.params)
    given["feedback"] = str(shown(given["feedback"], given["course"], given["submissions"]))
    mounts = docker.mounts_of(given.pop("submissions"))
    places = [mount.target for mount in mounts]
    words: list[str] = []
    course: Course = given.pop("course")
    if course.folder != builtin_folder():
        mounts.append(docker.Mount(course.folder, f"/courses/{course.name}"))
        words += ["--course", mounts[-1].target]
    if (key := given.pop("key_file")) is not None:
        mounts.append(docker.Mount(key, "/course.key"))
        words += ["--key-file", mounts[-1].target]
    if (root := given.pop("data_root")) is not None:
        mounts.append(docker.Mount(root, f"/data{root.resolve()}"))
        words += ["--data-root", mounts[-1].target]
    if (output := given.pop("output")) is not None:
        writable(output)
        mounts.append(docker.Mount(output, "/report", writable=True))
        words += ["--output", mounts[-1].target]
    kept = cache_folder() / "container"
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    mounts.append(docker.Mount(kept, "/cache", writable=True))
    jobs = given.pop("jobs")
    del given["tier"]
    return docker.run(mounts, [*words, *_spelled(ctx.command, given), "--", *places], jobs=jobs or 0)


def _spelled(command: click.Command, given: dict[str, object]) -> list[str]:
    """Return options as words of a command line; those without a value are left out."""
    words: list[str] = []
    names = {param.name: param.opts[0] for param in command.params}
    for name, value in given.items():
        if value is True:
            words.append(names[name])
        elif value is not None and value is not False:
            for item in value if isinstance(value, tuple) else (value,):
                words += [names[name], str(item)]
    return words
