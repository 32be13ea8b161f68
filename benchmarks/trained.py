"""Trained models, at home and in a class: `python -m benchmarks.trained --students 20`.

Submissions are right ones, each for the variant of its student: they build the network and train it as the sheet says.
`try --quick` and `try` are one submission, from the command to its end; `check` is a class. With `--device cuda` all is
timed twice, on the processor and on a GPU, both without walls, since a GPU has none.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from benchmarks import machine
from benchmarks.large import put
from benchmarks.measure import environment
from grader.cli.grading import chosen_device
from grader.course import load_course
from grader.errors import InputError
from grader.exercise import Level
from grader.variant import Seeded, draw_variant

HERE = Path(__file__).resolve().parent
TITLE, TITLE_GPU = "## Trained models", "## Trained models on a GPU"
TOPICS = {"cnn_one_hidden": "one_hidden", "cnn_two_conv": "two_conv", "training_loop": "loop"}
JOBS, JOBS_GPU = (2,), (2, 8)
BUDGETS = {"try --quick": 10.0, "try": 60.0, "check": 15 * 60.0}


@dataclass(frozen=True)
class Took:
    """Seconds on the clock for one command, and what went wrong."""

    topic: str
    what: str
    seconds: float
    problem: str = ""

    def hour(self, students: int) -> str:
        """Return how many submissions an hour holds, of a class that took so long and is right."""
        counts = self.what.startswith("check") and not self.problem
        return f"{3600 * students / self.seconds:.0f}" if counts else "–"


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
        return Took(topic, what, seconds, (ended.stderr.strip() or "no message").splitlines()[-1])
    models = [part for student in students for part in student["parts"] if part["kind"] == "model"]
    refused = [part["message"] for part in models if part["outcome"] != "correct"]
    return Took(topic, what, seconds, refused[0][:200] if refused else "" if models else "nothing was trained")


def measured(topic: str, students: int, jobs: Sequence[int] = JOBS, words: Sequence[str] = ()) -> Iterator[Took]:
    """Time one submission at home, and a class of `students`; `words` are given to every command."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(1, students + 1):
            place = folder / "class" / f"student{number}" / f"{topic}.py"
            place.parent.mkdir(parents=True)
            place.write_text(submission(topic, number), encoding="utf-8")
        one = f"class/student1/{topic}.py"
        yield timed(topic, "try --quick", folder, ["try", one, "--quick", *words])
        yield timed(topic, "try", folder, ["try", one, *words])
        for number in jobs:
            what = f"check, {number} jobs"
            given = ["check", "class", "--topic", topic, "--jobs", str(number), "--fresh", *words]
            yield timed(topic, what, folder, given)


def section(students: int) -> str:
    """Return the section of docs/benchmarks.md."""
    lines = [
        TITLE,
        "",
        "Right submissions with PyTorch, each for its student's variant: the network is built and trained as the sheet",
        f"says. `try` is one submission, from the command to its end; `check` is a class of {students}.",
        "An hour holds as many submissions of such a class as the last column says.",
        f"Load average when it began: {machine.load()}.",
        "",
        "| topic | command | time | budget | within | submissions an hour |",
        "|---|---|---:|---:|---|---:|",
    ]
    for topic in TOPICS:
        for took in measured(topic, students):
            budget = BUDGETS[took.what.partition(",")[0]]
            within = "yes" if took.seconds <= budget and not took.problem else f"**no** {took.problem}".rstrip()
            hour = took.hour(students)
            lines.append(f"| {topic} | {took.what} | {took.seconds:.1f} s | {budget:.0f} s | {within} | {hour} |")
    return "\n".join(lines)


def section_gpu(students: int, device: str) -> str:
    """Return the section that holds the processor beside a GPU."""
    import torch

    lines = [
        TITLE_GPU,
        "",
        f"Machine: one {torch.cuda.get_device_name(device)}, {len(os.sched_getaffinity(0))} cores, "
        f"Python {platform.python_version()}, PyTorch {metadata.version('torch')}.",
        f"The same submissions as above, on the processor and with `--device {device}`, both with `--sandbox none`;",
        f"`check` is a class of {students}; the last two columns say how many of its submissions an hour holds.",
        "",
        "| topic | command | processor | GPU | an hour, processor | an hour, GPU |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for topic in TOPICS:
        both = [measured(topic, students, JOBS_GPU, ["--sandbox", "none", "--device", d]) for d in ("cpu", device)]
        for here, there in zip(*both, strict=True):
            times = " | ".join(f"{took.seconds:.1f} s {took.problem}".rstrip() for took in (here, there))
            hours = " | ".join(took.hour(students) for took in (here, there))
            lines.append(f"| {topic} | {here.what} | {times} | {hours} |")
            click.echo(lines[-1], err=True)
    return "\n".join(lines)


@click.command()
@click.option("--students", type=click.IntRange(1), default=20, show_default=True, help="How many are in the class.")
@click.option("--device", default="cpu", show_default=True, help="cpu, or a GPU to hold beside it.")
@click.option("--into", type=click.Path(path_type=Path), help="A page whose section is written again.")
def main(students: int, device: str, into: Path | None) -> None:
    """Time the exercises that train networks."""
    try:
        device = chosen_device(device, "none")
    except InputError as error:
        raise click.UsageError(error.message) from None
    title, found = (TITLE, section(students)) if device == "cpu" else (TITLE_GPU, section_gpu(students, device))
    if into:
        put(into, title, found)
    else:
        click.echo(found)


if __name__ == "__main__":
    main()
