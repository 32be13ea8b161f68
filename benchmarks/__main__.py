"""`python -m benchmarks`: measures, prints, and writes docs/benchmarks.md."""

from __future__ import annotations

import datetime
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from benchmarks import classes, machine, targets
from benchmarks.measure import Benchmark, Measurement, measure

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
STYLES = sorted((HERE / "submissions").glob("*.py"))
STUDENTS = 100
CLASSES = ("500", "cheap:5000")


def hand_in(folder: Path) -> None:
    """Write the class's submissions: correct functions in turn as columns, loops and windows."""
    classes.hand_in(folder / "submissions", STUDENTS, [path.read_text() for path in STYLES])


def bulk(topic: str, form: str, budget: float, repeats: int = 3) -> Benchmark:
    words = [
        "generate",
        "--topic",
        topic,
        "--seed",
        "1",
        "--count",
        "1000",
        "--format",
        form,
        "--with-key",
        "-o",
        "out",
    ]
    return Benchmark(
        f"1,000 variants of {topic}, sheet and key as {form}, one core", words, budget, repeats=repeats, cores=1
    )


BENCHMARKS = (
    Benchmark("grader --help", ["--help"], 0.15, repeats=9),
    Benchmark("grader generate --topic padding", ["generate", "--topic", "padding"], 0.7, repeats=9),
    bulk("padding", "md", 10),
    bulk("padding", "html", 20, 1),
    bulk("convolution", "md", 10, 1),
    bulk("convolution", "html", 20, 1),
    Benchmark(
        f"grader check, {STUDENTS} correct NumPy submissions of conv2d, two cores",
        ["check", "submissions", "--format", "json"],
        15,
        repeats=3,
        cores=2,
        prepare=hand_in,
    ),
)


def rows(measurements: Sequence[Measurement]) -> Iterator[str]:
    """Yield the table's lines, in Markdown."""
    yield "| what | median | fastest … slowest | processor | repeats | budget | within |"
    yield "|---|---:|---:|---:|---:|---:|---|"
    for m in measurements:
        if m.problem:
            yield f"| {m.benchmark.name} | – | – | – | – | {seconds(m.benchmark.budget)} | no: {m.problem} |"
            continue
        spread = f"{seconds(min(m.seconds))} … {seconds(max(m.seconds))}"
        verdict = "yes" if m.passed else "**no**"
        figures = [seconds(m.median), spread, seconds(statistics.median(m.computed)), str(len(m.seconds))]
        yield f"| {' | '.join([m.benchmark.name, *figures, seconds(m.benchmark.budget), verdict])} |"


def seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def printed(module: str, *words: str) -> str:
    """Return what a benchmark in a module of its own prints."""
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own
    return done.stdout.strip()


def page(measurements: Sequence[Measurement], rest: Sequence[str], when: datetime.date) -> str:
    """Return the page, in Markdown."""
    table, (sandboxed, contest, large) = "\n".join(rows(measurements)), rest
    text = f"""# Benchmarks

Made by `make bench` on {when.isoformat()}; every run is a whole process, started in an empty folder.

Machine: {machine.describe()}.
"Median" is time on the clock, held against the budget; "processor" is what the processes computed, on all cores.
Load average when it ended: {machine.load()}.

{targets.TITLE}

## Commands

{table}

## One submission in its sandbox

Starting a process for it, one call with 15 KB each way, ending it, and a submission of 32 calls in all, in every tier.
`in a row` is one of 400 such calls that the process inherited, as calls are made in grading; `reaped` is how long
after its time was up a process that never returns was gone.

{sandboxed}

{contest}

{large}
"""
    return targets.refreshed(text)


def elsewhere(old: str, new: str) -> str:
    """Return the sections of an old page that a new one does not have: other commands measure them."""
    sections = old.split("\n## ")[1:]
    return "".join(f"\n## {text}" for text in sections if f"\n## {text.splitlines()[0]}\n" not in new)


@click.command()
@click.option(
    "--only", metavar="TEXT", default="", help="Only the benchmarks whose name contains this; writes nothing."
)
@click.option("-o", "output", type=click.Path(path_type=Path), default=PAGE, show_default=True, help="Where to write.")
def main(only: str, output: Path) -> None:
    """Measure the grader against its budgets; exit status 1 when one is missed."""
    chosen = [b for b in BENCHMARKS if only in b.name]
    if not chosen:
        raise click.UsageError(f"no benchmark's name contains {only!r}")
    measurements: list[Measurement] = []
    for benchmark in chosen:
        measurements.append(measure(benchmark))
        click.echo(list(rows(measurements))[-1])
    if not only:
        today = datetime.datetime.now(tz=datetime.UTC).date()
        rest = [printed("benchmarks.sandbox"), printed("benchmarks.classes"), printed("benchmarks.large", *CLASSES)]
        text = page(measurements, rest, today)
        text += elsewhere(output.read_text() if output.exists() else "", text)
        output.write_text(text)
        click.echo(targets.table(text))
        click.echo(f"Written to {output}.")
    sys.exit(0 if all(m.passed for m in measurements) else 1)


main()
