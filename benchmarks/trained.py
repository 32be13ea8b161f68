"""Trained models, at home and in a class: `python -m benchmarks.trained --students 20`.

Submissions are right ones, each for the variant of its student: they build the network and train it as the sheet says.
`try --quick` and `try` are one submission, from the command to its end; `check` is a class with two jobs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks import machine
from benchmarks.large import put
from benchmarks.measure import environment
from grader.course import load_course
from grader.exercise import Level
from grader.variant import Seeded, draw_variant

HERE = Path(__file__).resolve().parent
TITLE = "## Trained models"
TOPICS = {"cnn_one_hidden": "one_hidden", "cnn_two_conv": "two_conv"}
BUDGETS = {"try --quick": 10.0, "try": 60.0, "check": 15 * 60.0}


@dataclass(frozen=True)
class Took:
    """Seconds on the clock for one command, and what went wrong."""

    topic: str
    what: str
    seconds: float
    problem: str = ""


def submission(topic: str, number: int) -> str:
    """Return a right module for the variant of this number."""
    variant: Any = draw_variant(load_course().exercise(topic), Level.STANDARD, Seeded(1, number))
    setup = variant.p.setup
    kind = "Avg" if getattr(setup, "mean", False) else "Max"
    source = (HERE / "submissions" / "models" / f"{TOPICS[topic]}.txt").read_text(encoding="utf-8")
    return source.format(s=setup, variant=variant.id, kind=kind)


def timed(topic: str, what: str, folder: Path, words: Sequence[str]) -> Took:
    """Run `grader` with these words in a folder, and look whether all that was trained and built earned its marks."""
    start = time.perf_counter()
    ended = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "grader", *words, "--format", "json"],
        cwd=folder,
        env=environment(XDG_CACHE_HOME=str(folder)),
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    try:
        students = json.loads(ended.stdout)["students"]
    except (ValueError, KeyError):
        return Took(topic, what, seconds, ended.stderr[-300:])
    models = [part for student in students for part in student["parts"] if part["kind"] == "model"]
    refused = [part["message"] for part in models if part["outcome"] != "correct"]
    return Took(topic, what, seconds, refused[0][:200] if refused else "" if models else "nothing was trained")


def measured(topic: str, students: int) -> list[Took]:
    """Time one submission at home, and a class of `students`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(1, students + 1):
            place = folder / "class" / f"student{number}" / f"{topic}.py"
            place.parent.mkdir(parents=True)
            place.write_text(submission(topic, number), encoding="utf-8")
        one = f"class/student1/{topic}.py"
        return [
            timed(topic, "try --quick", folder, ["try", one, "--quick"]),
            timed(topic, "try", folder, ["try", one]),
            timed(topic, "check", folder, ["check", "class", "--topic", topic, "--jobs", "2"]),
        ]


def section(students: int) -> str:
    """Return the section of docs/benchmarks.md."""
    lines = [
        TITLE,
        "",
        "Right submissions with PyTorch, each for its student's variant: the network is built and trained as the sheet",
        f"says. `try` is one submission, from the command to its end; `check` is a class of {students} with two jobs.",
        "An hour holds as many submissions of such a class as the last column says.",
        f"Load average when it began: {machine.load()}.",
        "",
        "| topic | command | time | budget | within | submissions an hour |",
        "|---|---|---:|---:|---|---:|",
    ]
    for topic in TOPICS:
        for took in measured(topic, students):
            budget = BUDGETS[took.what]
            within = "yes" if took.seconds <= budget and not took.problem else f"**no** {took.problem}".rstrip()
            hour = f"{3600 * students / took.seconds:.0f}" if took.what == "check" else "–"
            lines.append(f"| {topic} | {took.what} | {took.seconds:.1f} s | {budget:.0f} s | {within} | {hour} |")
    return "\n".join(lines)


@click.command()
@click.option("--students", type=click.IntRange(1), default=20, show_default=True, help="How many are in the class.")
@click.option("--into", type=click.Path(path_type=Path), help="A page whose section is written again.")
def main(students: int, into: Path | None) -> None:
    """Time the exercises that train networks."""
    found = section(students)
    if into:
        put(into, TITLE, found)
    else:
        click.echo(found)


if __name__ == "__main__":
    main()
