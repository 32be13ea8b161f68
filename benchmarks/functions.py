"""A class for every function that there is a right module of: `python -m benchmarks.functions [FUNCTION ...]`."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.classes import milliseconds, own_compute
from benchmarks.large import BUDGETS, put
from benchmarks.measure import children
from benchmarks.targets import Target, kept
from grader.check import Grading, Settings
from grader.course import load_course
from grader.outcome import Outcome
from grader.submission import Submission, read_module
from tests.corpus.snippets import Snippet, files, snippets

TITLE = "## One function each"
STUDENTS, JOBS = 500, 2
BUDGET = BUDGETS[STUDENTS]  # seconds
WAYS = 3  # of a function's right modules, the first ones: the corpora begin with plain ways
MEASURED = 15  # submissions of a way
INTRODUCTION = f"""\
Right submissions of every function, the first {WAYS} ways of it in `tests/corpus/right` that need no PyTorch, with
{JOBS} jobs; no two files are alike. `each further` is what one more submission costs, computed by all processes,
measured on {MEASURED} of each way; `own compute` is the function called directly with the same arguments, once. Both
are means of the ways. `{STUDENTS} on the clock` is what a class of {STUDENTS} that has the ways in turn takes by these
rates, drawing the cases included; the last two columns are the way that takes longest, if all had chosen it.
"""
HEAD = (
    f"| function | calls | each further | own compute | {STUDENTS} on the clock | within {BUDGET:.0f} s | slowest way "
    f"| {STUDENTS} of it |"
)


@dataclass(frozen=True)
class Way:
    """One right module: what one more submission of it takes, in seconds: on the clock, computed, and of its own."""

    name: str
    clock: float
    computed: float
    own: float


@dataclass(frozen=True)
class Found:
    """What was measured of a function: its calls, the seconds until its first submission was graded, its ways."""

    function: str
    calls: int
    first: float
    ways: tuple[Way, ...]
    problem: str = ""

    @property
    def slowest(self) -> Way:
        return max(self.ways, key=lambda way: way.clock)

    def clock(self, *ways: Way) -> float:
        """Return the seconds for a class of STUDENTS that has these ways in turn, by default all."""
        taken = ways or self.ways
        return self.first + (STUDENTS - 1) * sum(way.clock for way in taken) / len(taken)

    @property
    def met(self) -> bool:
        return not self.problem and self.clock() <= BUDGET

    def line(self) -> str:
        """Return the line of the table."""
        if self.problem:
            return f"| {self.function} | {self.calls} | – | – | – | **no**: {self.problem} | – | – |"
        means = [sum(getattr(way, name) for way in self.ways) / len(self.ways) for name in ("computed", "own")]
        figures = [str(self.calls), *map(milliseconds, means), f"{self.clock():.1f} s", "yes" if self.met else "**no**"]
        alone = [self.slowest.name, f"{self.clock(self.slowest):.1f} s"]
        return f"| {' | '.join([self.function, *figures, *alone])} |"


def plain(function: str) -> list[Snippet]:
    """Return the ways of a function that are measured."""
    return [snippet for snippet in snippets("right", function) if "torch" not in snippet.source][:WAYS]


def measured(function: str, students: int = MEASURED) -> Found:
    """Grade `students` right submissions of each way of a function, and one of each besides."""
    grading = Grading(load_course(), Settings(jobs=JOBS))
    first, ways, problems = 0.0, [], []
    for snippet in plain(function):
        clock, _, problem = graded(grading, function, snippet, "first", 1)
        first = first or clock
        one, few, _ = graded(grading, function, snippet, "one", 1)
        whole, many, other = graded(grading, function, snippet, "class", students + 1)
        own = own_compute(snippet.source, function, grading)
        ways.append(Way(snippet.name, max(whole - one, 0) / students, max(many - few, 0) / students, own))
        problems += [f"{snippet.name}: {said}" for said in (problem, other) if said]
    calls = grading.cases(grading.course.contracts[function]).opening
    return Found(function, calls, first, tuple(ways), problems[0] if problems else "")


def graded(grading: Grading, function: str, way: Snippet, label: str, number: int) -> tuple[float, float, str]:
    """Grade so many submissions of a way. Returns the seconds on the clock and computed, and what was not right."""
    sources = [f"{way.source}\n# {label} {n}\n".encode() for n in range(number)]
    handed_in = [Submission(f"s{n:03}", (read_module(f"{function}.py", text),)) for n, text in enumerate(sources)]
    before, start = computed(), time.perf_counter()
    book = grading.grade(handed_in)
    clock, spent = time.perf_counter() - start, computed() - before
    parts = [part for student in book.students for part in student.parts]
    wrong = [part.message for part in parts if part.outcome is not Outcome.CORRECT]
    problem = wrong[0][:100] if wrong else "" if len(parts) == number else "it was not graded"
    return clock, spent, problem


def computed() -> float:
    """Return the processor seconds of this process and all that it started and waited for."""
    mine = resource.getrusage(resource.RUSAGE_SELF)
    return mine.ru_utime + mine.ru_stime + children()


def promised(found: Sequence[Found]) -> Target:
    """Return what all functions are to keep to; the slowest one decides."""
    slowest = max(found, key=lambda one: (bool(one.problem), one.clock()))
    within = sum(one.met for one in found)
    return Target(
        f"{STUDENTS} right submissions of any one function on two cores, by the rate of {MEASURED} of each way",
        f"{BUDGET:.0f} s",
        f"{within} of {len(found)} functions; the slowest, {slowest.function}, {slowest.clock():.1f} s",
        met=within == len(found),
    )


def section(functions: Sequence[str]) -> str:
    """Measure these functions and return the section of docs/benchmarks.md."""
    found = []
    for function in functions:
        found.append(measured(function))
        print(found[-1].line(), file=sys.stderr)  # noqa: T201 - it takes minutes
    lines = [TITLE, "", *INTRODUCTION.splitlines(), f"Load average when it ended: {machine.load()}.", ""]
    lines += [HEAD, "|---|---:|---:|---:|---:|---|---|---:|", *(one.line() for one in found), *kept([promised(found)])]
    return "\n".join(lines)


if __name__ == "__main__":
    words = sys.argv[1:]
    page = Path(words[1]) if words[:1] == ["--into"] else None
    text = section(words[2 if page else 0 :] or files("right"))
    if page:
        put(page, TITLE, text)
    else:
        print(text)  # noqa: T201 - its work
