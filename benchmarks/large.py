"""Large classes on all cores, with the grader's memory: `python -m benchmarks.large 500 2000 cheap:5000`."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.classes import COLUMNS, LOOPS, WINDOWS, hand_in
from benchmarks.measure import environment
from benchmarks.targets import Target, kept, refreshed

TITLE = "## Large classes"
BUDGETS = {500: 30.0}  # seconds
MEASURED, PLANNED = 2000, 10_000  # a class that is measured, and one that is planned by it
GROWTH = {5000: 50 << 20}  # bytes
CHEAP = """import numpy as np

def one_hot(labels, num_classes):
    return (labels[:, None] == np.arange(num_classes)).astype(float)
"""
INTRODUCTION = """\
`grader check` with two jobs. Right submissions of conv2d in turn as windows, im2col and loops; `cheap` are right ones
of one_hot, to see the memory of the grader over more students. No two files are alike.
"""


@dataclass(frozen=True)
class Large:
    """A class of right submissions on all cores: seconds, and how the grader grew after its first quarter, bytes."""

    students: int
    seconds: float
    growth: int
    problem: str = ""


def large(students: int, *, cheap: bool = False) -> Large:
    """Grade right submissions with `grader check`, and watch its memory."""
    with tempfile.TemporaryDirectory() as name:
        hand_in(
            Path(name) / "class",
            students,
            [CHEAP] if cheap else [WINDOWS, COLUMNS, LOOPS],
            "one_hot" if cheap else "conv2d",
        )
        words = [sys.executable, "-m", "grader", "check", "class", "--format", "json", "-o", "report", "--jobs", "2"]
        start = time.perf_counter()
        with subprocess.Popen(  # noqa: S603 - our own words
            words,
            cwd=name,
            env=environment(XDG_CACHE_HOME=name),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            samples: list[int] = []
            watcher = threading.Thread(target=watch, args=(process, samples, Path(name) / "convgrader"))
            watcher.start()
            said = process.communicate()[1]
            watcher.join()
        seconds = time.perf_counter() - start
    quarter = samples[len(samples) // 4 :]
    problem = "" if process.returncode == 0 else said.decode(errors="replace")[-200:]
    return Large(students, seconds, max(quarter, default=0) - min(quarter, default=0), problem)


def watch(process: subprocess.Popen[bytes], samples: list[int], journal: Path) -> None:
    """Note the memory of a process while it grades: from the first result kept until it ends."""
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        found = re.search(r"^VmRSS:\s+(\d+)", status, re.MULTILINE)
        if found and any(journal.glob("*.jsonl")):
            samples.append(int(found[1]) * 1024)
        time.sleep(0.1)


def section(classes: list[str]) -> str:
    """Measure classes, each given by its size, and return the section of docs/benchmarks.md."""
    lines = [TITLE, "", *INTRODUCTION.splitlines(), ""]
    lines += ["| students | time | a second | budget | grew after its first quarter by |", "|---|---:|---:|---:|---:|"]
    targets: list[Target] = []
    for word in classes:
        kind, _, number = word.rpartition(":")
        students = int(number)
        found = large(students, cheap=kind == "cheap")
        grown = found.problem or f"{found.growth / 2**20:.1f} MiB"
        limit = None if kind else BUDGETS.get(students)
        budget = f"{limit:.0f} s" if limit else "–"
        name = f"{students:,}{', cheap' if kind else ''}"
        lines.append(f"| {name} | {found.seconds:.1f} s | {students / found.seconds:.0f} | {budget} | {grown} |")
        targets += promised(found, limit)
    return "\n".join(lines + kept(targets))


def promised(found: Large, limit: float | None) -> Iterator[Target]:
    """Yield what a class of this size is to keep to."""
    good = not found.problem
    if limit:
        name = f"{found.students:,} right submissions of one function on two cores"
        yield Target(name, f"{limit:.0f} s", f"{found.seconds:.1f} s", met=good and found.seconds <= limit)
    if room := GROWTH.get(found.students):
        name = f"growth of the grader over {found.students:,} submissions"
        wanted, measured = f"{room >> 20} MiB", f"{found.growth / 2**20:.1f} MiB"
        yield Target(name, wanted, measured, met=good and found.growth <= room)
    if found.students == MEASURED:
        minutes = PLANNED * found.seconds / found.students / 60
        yield Target(f"{PLANNED:,} submissions, by the rate of {found.students:,}", "–", f"{minutes:.1f} min", met=good)


def put(page: Path, title: str, text: str) -> None:
    """Write a section of a page again, or as its last one where it is new."""
    before, found, rest = page.read_text(encoding="utf-8").partition(f"{title}\n")  # one may begin as another does
    later = rest[rest.index("\n## ") :] if found and "\n## " in rest else ""
    page.write_text(refreshed(f"{before.rstrip()}\n\n{text.strip()}\n{later}"), encoding="utf-8")


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[:1] == ["--into"]:
        put(Path(words[1]), TITLE, section(words[2:]))
    else:
        print(section(words))  # noqa: T201 - its work
