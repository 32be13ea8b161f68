"""`grader generate`: draws variants and writes sheets, stubs and keys."""

from __future__ import annotations

import os
import secrets
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.answers import count
from grader.cli.main import course_option, course_words
from grader.errors import InputError, did_you_mean
from grader.exercise import Level
from grader.report.files import on_disk
from grader.variant import MAX_SEED, Keyed, Seeded, Source, draw_variant

if TYPE_CHECKING:
    from grader.course import Course
    from grader.exercise import AnyExercise
    from grader.images import Image
    from grader.roster import Student
    from grader.sheet import Medium

FORMATS: tuple[Medium, ...] = ("md", "html")
KEYS = "keys"  # the folder of the keys, which no student may be called
MAX_COUNT = 10_000


def seed_number(text: str) -> int:
    """Return a seed: a whole number from 0 on, whose length is looked at before it is converted."""
    shown = text if len(text) <= 30 else f"{text[:20]}… ({count(len(text), 'character')})"
    if not (text.isascii() and text.isdigit()):
        raise click.BadParameter(f"{shown} is not a whole number from 0 on.")
    if len(text.lstrip("0")) > len(str(MAX_SEED)):
        raise click.BadParameter(f"{shown} is too large: a seed has at most {len(str(MAX_SEED))} digits.")
    return int(text)


def format_names(text: str) -> tuple[Medium, ...]:
    """Return formats that are separated by commas."""
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names or [""]:
        if name not in FORMATS:
            hint = did_you_mean(name, FORMATS, otherwise=f"The formats are: {', '.join(FORMATS)}.")
            raise click.BadParameter(f"no format named {name!r}. {hint}")
    return tuple(known for known in FORMATS if known in names)


@dataclass(frozen=True)
class Order:
    """What to write, and how: the options of the command, checked."""

    course: Course
    exercises: tuple[AnyExercise, ...]
    level: Level
    formats: tuple[Medium, ...]
    with_key: bool
    folder: Path
    image: Image | None = None


@dataclass(frozen=True)
class Job:
    """One variant to write: whose it is, where its files go, and where its key goes."""

    source: Source
    student: str
    folder: Path
    keys: Path


@dataclass(frozen=True)
class File:
    path: Path
    text: str


@click.command()
@click.option("--topic", "topics", multiple=True, metavar="T", help="A topic; may be given more than once.")
@click.option(
    "--seed",
    type=seed_number,
    metavar="N",
    help="Draw the variants of this seed; default: a fresh one, which is printed.",
)
@click.option("--students", "roster", type=click.Path(path_type=Path), help="CSV with a `student` column.")
@click.option("--key-file", type=click.Path(path_type=Path), help="The course key; created where it does not exist.")
@click.option(
    "--level", type=click.Choice([str(level) for level in Level]), default=str(Level.STANDARD), show_default=True
)
@click.option(
    "--count",
    "copies",
    type=click.IntRange(1, MAX_COUNT),
    default=1,
    metavar="N",
    help="Variants 1 to N of each topic: numbers of the seed, or every student's attempts, each attempt "
    "of a class in a folder attempt-1, attempt-2 …. From the second on, files are called TOPIC-2 and so on.",
)
@click.option(
    "--format",
    "formats",
    type=format_names,
    metavar="LIST",
    default="md,html",
    show_default=True,
    help="Of the sheets.",
)
@click.option("--with-key", is_flag=True, help="Write keys too, into a folder keys/ of their own.")
@click.option(
    "--image",
    "picture",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A PNG, JPEG or PPM to show instead of the topic's own picture; no answer and no mark depends on it.",
)
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), default=Path(), help="Folder to write into.")
@click.option("--force", is_flag=True, help="Replace stubs that differ, which may hold somebody's work.")
@course_option
def generate(
    course: Course,
    topics: tuple[str, ...],
    seed: int | None,
    roster: Path | None,
    key_file: Path | None,
    level: str,
    copies: int,
    formats: tuple[Medium, ...],
    with_key: bool,
    picture: Path | None,
    folder: Path,
    force: bool,
) -> None:
    """Draw variants; write sheets, stubs and keys.

    One sheet and one stub for each topic and variant, into the current folder or -o. With --students, each student
    gets a folder with variants of their own, derived from the course key; keys never stand beside them.
    """
    if not topics:
        raise click.UsageError(f"no topic given: add --topic. The topics are: {', '.join(course.topics)}.")
    _check_options(seed, roster, key_file)
    exercises = tuple(course.exercise(topic) for topic in dict.fromkeys(topics))
    image = _image(picture, exercises)
    order = Order(course, exercises, Level(level), formats, with_key, folder, image)
    if roster is None:
        _generate_seeded(order, seed, copies, force)
    else:
        assert key_file is not None
        _generate_roster(order, roster, key_file, copies, force)


def _image(path: Path | None, exercises: Sequence[AnyExercise]) -> Image | None:
    """Return the picture to show, large enough for every topic that shows one."""
    if path is None:
        return None
    from grader.images import read_image

    least = [exercise.image for exercise in exercises if exercise.image]
    if not least:
        raise click.UsageError("--image: none of these topics shows a picture.")
    return read_image(path, (max(height for height, _ in least), max(width for _, width in least)))


def _check_options(seed: int | None, roster: Path | None, key_file: Path | None) -> None:
    """Raise click.UsageError where options contradict each other."""
    if roster is not None and seed is not None:
        raise click.UsageError("--seed and --students exclude each other: students' variants come from the course key.")
    if roster is not None and key_file is None:
        raise click.UsageError("--students needs --key-file: a file with the course key; it is created if need be.")
    if roster is None and key_file is not None:
        raise click.UsageError("--key-file needs --students: without a roster, variants come from --seed.")


def _generate_seeded(order: Order, seed: int | None, copies: int, force: bool) -> None:
    fresh = seed is None
    seed = secrets.randbelow(10**9) if seed is None else seed
    jobs = [Job(Seeded(seed, number), "", order.folder, order.folder / KEYS) for number in range(1, copies + 1)]
    files = _render(order, jobs)
    _write(files, force)
    shown = files if len(files) <= 12 else [file for file in files if file.path.suffix == ".py"][:6]
    for file in shown:
        click.echo(f"wrote {_shown(file.path)}")
    if len(shown) < len(files):
        click.echo(f"and {count(len(files) - len(shown), 'more file')} in {_shown(order.folder)}{os.sep}")
    if order.with_key:
        _tell_keys(order)
    click.echo(f"The seed is {seed}: --seed {seed} draws the same again." if fresh else f"The seed is {seed}.")
    stub = next(file.path for file in files if file.path.suffix == ".py")
    sheet = stub.with_suffix(f".{'html' if 'html' in order.formats else 'md'}")
    named = course_words(order.course)
    click.echo(f"Next: work on {_shown(sheet)}, fill in {_shown(stub)}, and run: grader try{named} {_quoted(stub)}")


def _generate_roster(order: Order, roster: Path, key_file: Path, copies: int, force: bool) -> None:
    students = _students(roster)
    key = _course_key(key_file)
    places = _places(copies)
    jobs = [
        Job(
            Keyed(key, student.id, attempt),
            student.name,
            on_disk(order.folder / place / student.id),
            on_disk(order.folder / KEYS / place / student.id),
        )
        for attempt, place in enumerate(places, start=1)
        for student in students
    ]
    files = _render(order, jobs)
    _write(files, force)
    variants = count(len(jobs) * len(order.exercises), "variant")
    topics = count(len(order.exercises), "topic")
    click.echo(
        f"wrote {variants} of {topics} for {count(len(students), 'student')}: "
        f"{_shown(order.folder / places[0] / 'STUDENT')}{os.sep} has sheets and stubs"
    )
    if order.with_key:
        _tell_keys(order)
    if copies > 1:
        last = _shown(order.folder / places[-1])
        click.echo(f"Each attempt has a folder, up to {last}{os.sep}: hand out one, collect it and grade it by itself.")
    click.echo("Next: hand out the students' folders. When they come back, grade them with:")
    click.echo(f"  grader check{course_words(order.course)} FOLDER --key-file {_quoted(key_file)}")


def _places(attempts: int) -> list[str]:
    """Return the folder of each attempt: of two side by side nobody could tell which one is handed in."""
    return [""] if attempts == 1 else [f"attempt-{number}" for number in range(1, attempts + 1)]


def _students(roster: Path) -> tuple[Student, ...]:
    from grader.roster import folded, read_roster

    students = read_roster(roster)
    for student in students:
        if folded(student.id) == KEYS:
            raise InputError(f"{roster}: no student can be called {student.id!r}", hint="The keys' folder is.")
    return students


def _course_key(path: Path) -> bytes:
    """Return the course key, created where there is none, and say so."""
    from grader.coursekey import create_key, is_private, read_key

    if not os.path.lexists(path):
        key = create_key(path)
        click.echo(f"created the course key {_shown(path)}: 32 random bytes, which only you can read.")
        click.echo("Keep it, and keep it secret: every student's variant is derived from it.")
        return key
    try:
        key = read_key(path)
    except InputError as error:
        raise InputError(error.message, hint="Give another file, or one that does not exist: it is created.") from error
    if not is_private(path):
        click.echo(f"warning: others can read the course key {_shown(path)}. Run: chmod 600 {_quoted(path)}", err=True)
    return key


def _tell_keys(order: Order) -> None:
    click.echo(f"The keys are in {_shown(order.folder / KEYS)}{os.sep}: keep that folder, hand out the others.")


# Rendering and writing -------------------------------------------------------------------------------------


def _render(order: Order, jobs: Sequence[Job]) -> list[File]:
    """Return every file, in memory, so that nothing is written when something is wrong."""
    hidden = len(jobs) < 50 or not sys.stderr.isatty()
    with click.progressbar(jobs, label="drawing", file=sys.stderr, hidden=hidden) as bar:
        return [file for job in bar for exercise in order.exercises for file in _files(order, job, exercise)]


def _files(order: Order, job: Job, exercise: AnyExercise) -> Iterator[File]:
    from grader import sheet

    folders = tuple(order.course.template_folders())
    variant = draw_variant(exercise, order.level, job.source)
    name = sheet.file_name(variant)
    stem = name.removesuffix(".py")
    for medium in order.formats:
        page = sheet.render_sheet(variant, student=job.student, medium=medium, folders=folders, image=order.image)
        yield File(job.folder / f"{stem}.{medium}", page)
        if order.with_key:
            page = sheet.render_key(variant, student=job.student, medium=medium, folders=folders, image=order.image)
            yield File(job.keys / f"{stem}.{medium}", page)
    yield File(job.folder / name, sheet.render_stub(variant, student=job.student, folders=folders))


def _write(files: Sequence[File], force: bool) -> None:
    """Write the files; before the first, make sure that no stub that differs would be lost."""
    stubs = [file for file in files if file.path.suffix == ".py"]
    try:
        taken = [] if force else [file.path for file in stubs if _differs(file)]
        if taken:
            more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
            raise InputError(
                f"{_shown(taken[0])}{more}: a stub is there that may hold somebody's work, so nothing was written",
                hint="Write elsewhere with -o DIR, or replace what is there with --force.",
            )
        for parent in dict.fromkeys(file.path.parent for file in files):
            parent.mkdir(parents=True, exist_ok=True)
        for file in files:
            file.path.write_text(file.text, encoding="utf-8")
    except OSError as error:
        place = _shown(Path(error.filename)) if error.filename else "the output"
        raise InputError(
            f"{place}: it cannot be written: {error.strerror}", hint="Choose another folder with -o DIR."
        ) from error


def _differs(file: File) -> bool:
    return os.path.lexists(file.path) and (not file.path.is_file() or file.path.read_bytes() != file.text.encode())


def _shown(path: Path) -> str:
    """Write a path for a message: nothing in it can move the cursor."""
    text = str(path)
    return text if text.isprintable() else ascii(text)


def _quoted(path: Path) -> str:
    """Write a path so that it can be pasted into a shell."""
    return shlex.quote(_shown(path))
