"""A mixed class through the grader and through what instructors use now: `python -m benchmarks.classes`.

Every figure is for one submission of conv2d. The others run twelve fixed cases without isolation; the grader runs in
its sandbox what the contract asks for: the first round, and all other cases where something fails there. Rounds are
interleaved, so that a busy machine hits all alike. Two figures count: what all processes together computed (user and
system), and the time on the clock with two cores, on which the grader has two jobs and the others grade two
submissions at a time.
"""

from __future__ import annotations

import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.measure import children, environment
from benchmarks.rivals import otter
from benchmarks.targets import NOT_MEASURED, Target, kept
from grader.check import Grading, Settings
from grader.contract import Call
from grader.course import load_course
from grader.functions.cases import fresh
from grader.submission import Submission, read_module

HERE = Path(__file__).resolve().parent
RIVALS = HERE / "rivals"
CLASS = 300  # submissions of a style in one run of ours
CORES = 2
ROUNDS = 3
FIXED = 12
OTHERWISE = "its verdict was not the expected one"
LOOPS, COLUMNS, WINDOWS = (
    (HERE / "submissions" / f"{name}.py").read_text() for name in ("loops", "columns", "windows")
)
TENSORS = (HERE / "submissions" / "torch" / "tensors.py").read_text()


def changed(source: str, old: str, new: str) -> str:
    assert old in source, old
    return source.replace(old, new)


@dataclass(frozen=True)
class Style:
    """One way to write conv2d; whether it is right, and whether it needs torch."""

    name: str
    source: str
    right: bool = True
    torch: bool = False


STYLES = (
    Style("naive loops", LOOPS),
    Style("im2col", COLUMNS),
    Style("windows", WINDOWS),
    Style("wrong: padding ignored", changed(LOOPS, "padded = np", "ph = pw = 0\n    padded = np"), right=False),
    Style("wrong: kernel flipped", changed(WINDOWS, "windows, w)", "windows, w[:, :, ::-1, ::-1])"), right=False),
    Style("wrong: raises", changed(COLUMNS, "y = y + b[None", "y = y + c[None"), right=False),
    Style("torch-backed", TENSORS, torch=True),
)


@dataclass(frozen=True)
class Spent:
    """What one submission took, in seconds: computed by all processes together, and on the clock with two cores."""

    computed: float
    clock: float


@dataclass
class Row:
    """What one submission of a style took, by who graded it, and what the student's function itself computes."""

    style: Style
    spent: dict[str, list[Spent]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    own: float = 0.0

    def computed(self, who: str) -> float | None:
        return statistics.median(s.computed for s in self.spent[who]) if self.spent.get(who) else None

    def clock(self, who: str) -> float | None:
        return statistics.median(s.clock for s in self.spent[who]) if self.spent.get(who) else None

    def further(self) -> float | None:
        """Return what is computed for each submission after the first of a class."""
        whole, alone = self.computed("ours"), self.computed("ours alone")
        return None if whole is None or alone is None else (CLASS * whole - alone) / (CLASS - 1)


def write_cases(path: Path) -> None:
    """Write twelve calls of conv2d and their right results."""
    rng = np.random.default_rng(7)
    reference = load_course().contracts["conv2d"].reference
    arrays: dict[str, Any] = {}
    for number in range(FIXED):
        stride, padding, kernel, channels = 1 + number % 3, number % 4, 2 + number % 2, 1 + number % 3
        x, w = rng.normal(size=(2, channels, 8, 7)), rng.normal(size=(3, channels, kernel, kernel))
        b = rng.normal(size=3)
        arrays |= {f"x{number}": x, f"w{number}": w, f"b{number}": b, f"s{number}": np.array([stride, padding])}
        arrays[f"y{number}"] = reference(x, w, b, stride, padding)
    np.savez(path, **arrays)


def two_cores() -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def timed(
    words: Sequence[str], folders: Sequence[Path], surroundings: Mapping[str, str]
) -> tuple[Spent, list[tuple[int, str]]]:
    """Run the command in every folder at the same time, on two cores.

    Returns what that took in all, and each one's exit status and output.
    """
    before, start = children(), time.perf_counter()
    running = [
        subprocess.Popen(  # noqa: S603 - our own words
            words,
            cwd=folder,
            env=surroundings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=two_cores,
        )
        for folder in folders
    ]
    ended = [(process.communicate()[0], process.returncode) for process in running]
    taken = time.perf_counter() - start
    return Spent(children() - before, taken), [(status, output) for output, status in ended]


class Contest:
    """The folders and commands of all graders, made once."""

    def __init__(self, place: Path, *, with_otter: bool = True) -> None:
        self.place = place
        self.cases = place / "cases.npz"
        write_cases(self.cases)
        self.environment = environment(CASES=str(self.cases), XDG_CACHE_HOME=str(place / "cache"))
        self.environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # as in an environment of its own
        (place / "otter").mkdir()
        self.no_otter = otter.prepare(place / "otter", self.cases, FIXED) if with_otter else "not asked for"

    def ours(self, style: Style, students: int = CLASS) -> tuple[Spent, str]:
        """Grade a class of one style; return what one submission took, start and drawing of cases included."""
        with tempfile.TemporaryDirectory(dir=self.place) as name:
            hand_in(Path(name) / "class", students, [style.source])
            words = [sys.executable, "-m", "grader", "check", "class", "--jobs", str(CORES), "--format", "json"]
            words += ["--allow", "torch"] if style.torch else []
            spent, [(status, output)] = timed(words, [Path(name)], {**self.environment, "XDG_CACHE_HOME": name})
        problem = "" if status == (0 if style.right else 1) else output[-200:] or OTHERWISE
        return Spent(spent.computed / students, spent.clock / students), problem

    def theirs(self, who: str, style: Style) -> tuple[Spent, str]:
        """Grade two submissions at a time, each in a process of its own; return what one took."""
        with ExitStack() as stack:
            folders = [Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self.place))) for _ in range(CORES)]
            for folder in folders:
                (folder / "conv2d.py").write_text(style.source)
                if who == "pytest":
                    (folder / "test_conv2d.py").write_bytes((RIVALS / "with_pytest.py").read_bytes())
            surroundings = self.environment
            if who == "unittest":
                words = [sys.executable, str(RIVALS / "bare.py")]
            elif who == "pytest":
                words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_conv2d.py"]
            else:
                words = otter.command(self.place / "otter")
                surroundings = {**otter.environment(), "CASES": str(self.cases)}
            spent, ended = timed(words, folders, surroundings)
            problems = [
                "" if agreed(who, folder, status, right=style.right) else output[-200:] or OTHERWISE
                for folder, (status, output) in zip(folders, ended, strict=True)
            ]
        return Spent(spent.computed / CORES, spent.clock / CORES), next(filter(None, problems), "")

    def grade(self, who: str, style: Style) -> tuple[Spent, str]:
        if who == "ours":
            return self.ours(style)
        if who == "ours alone":
            return self.ours(style, 1)
        if who == "otter" and self.no_otter:
            return Spent(0.0, 0.0), self.no_otter
        return self.theirs(who, style)


def hand_in(folder: Path, students: int, sources: Sequence[str], function: str = "conv2d") -> None:
    """Write a class whose students wrote these sources in turn; no two files have the same bytes."""
    for number in range(students):
        place = folder / f"student{number:05}"
        place.mkdir(parents=True)
        (place / f"{function}.py").write_text(f"{sources[number % len(sources)]}\n# student {number}\n")


def agreed(who: str, folder: Path, status: int, *, right: bool) -> bool:
    """Did one of the others find what is known of the submission? One that did not run found nothing."""
    if who == "pytest":
        return status == (0 if right else 1)
    results = folder / "results.json"
    if not results.exists() or (who == "unittest" and status):
        return False
    found = json.loads(results.read_text())
    scores = [found["score"]] if who == "unittest" else [test.get("score") for test in found["tests"]]
    return bool(scores) and (FIXED in scores) == right


GRADERS = ("ours", "ours alone", "unittest", "pytest", "otter")


def contest(rounds: int = ROUNDS) -> list[Row]:
    """Let all graders grade all styles, in turn, `rounds` times."""
    styles = [style for style in STYLES if not style.torch or find_spec("torch")]
    rows = [Row(style) for style in styles]
    with tempfile.TemporaryDirectory() as name:
        arena = Contest(Path(name))
        for _ in range(rounds):
            for row in rows:
                for who in GRADERS:
                    spent, problem = arena.grade(who, row.style)
                    if problem:
                        row.problems[who] = problem
                    else:
                        row.spent.setdefault(who, []).append(spent)
    return rows


# ---- where the time goes ----


class Phases:
    """Seconds spent in functions, without what the functions inside them take."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside: list[float] = []

    def watch(self, owner: Any, name: str, phase: str, undo: list[Callable[[], None]]) -> None:
        """Replace a function by one that notes its time; `undo` gets what puts it back."""
        original = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            self._inside.append(0.0)
            try:
                return original(*args, **kwargs)
            finally:
                taken = time.perf_counter() - start
                self.seconds[phase] = self.seconds.get(phase, 0.0) + taken - self._inside.pop()
                if self._inside:
                    self._inside[-1] += taken

        setattr(owner, name, watched)
        undo.append(lambda: setattr(owner, name, original))


@contextmanager
def phases() -> Iterator[Phases]:
    """Note where the trusted side spends its time; only with one job."""
    from grader.functions import judge
    from grader.sandbox import host

    seen, undo = Phases(), list[Callable[[], None]]()
    watched = (
        (host.Sandbox, "open", "start"), (host.Session, "load", "start"), (host.Session, "kill", "end"),
        (judge, "run_cases", "calls"), (judge, "verdict_of", "comparing"), (judge, "remembers", "looking again"),
        (judge, "reread", "looking again"), (judge, "compare_calls", "comparing"), (judge, "diagnose", "diagnosis"),
        (judge, "smallest_failure", "shrinking"), (Grading, "_student", "rest"),
    )  # fmt: skip
    try:
        for owner, name, phase in watched:
            seen.watch(owner, name, phase, undo)
        yield seen
    finally:
        for put_back in undo:
            put_back()


PHASES = ("start", "calls", "comparing", "looking again", "diagnosis", "shrinking", "end", "rest")


def breakdown(style: Style, students: int = 20) -> tuple[dict[str, float], float]:
    """Return the seconds of each phase for one submission, and the student's own compute on the same cases."""
    course = load_course()
    settings = Settings(jobs=1, topics=(), allow=frozenset({"torch"} if style.torch else ()))
    grading = Grading(course, settings)
    module = read_module("conv2d.py", style.source.encode())
    grading.grade([Submission("first", (module,))])  # cases drawn, twins computed
    with phases() as seen:
        grading.grade([Submission(f"student{number}", (module,)) for number in range(students)])
    own = statistics.median(compute(style, grading) for _ in range(5))
    return {phase: seen.seconds.get(phase, 0.0) / students for phase in PHASES}, own


def compute(style: Style, grading: Grading) -> float:
    """Return the processor seconds of a style's conv2d for the cases that it is asked, called directly, once."""
    return own_compute(style.source, "conv2d", grading, right=style.right)


def own_compute(source: str, function: str, grading: Grading, *, right: bool = True) -> float:
    """Return the processor seconds of a function for the cases that it is asked, called directly, once.

    In a process that was just forked, as the grader's are: what is there already has to be fetched all the same.
    """
    asked = grading.cases(grading.course.contracts[function])
    calls = [fresh(case.call) for case in asked.cases[: asked.opening if right else None]]
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, struct.pack("d", _called(source, function, calls)))
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        (seconds,) = struct.unpack("d", file.read())
    os.waitpid(child, 0)
    return float(seconds)


def _called(source: str, function: str, calls: Sequence[Call]) -> float:
    sys.modules["submitted"] = module = types.ModuleType("submitted")  # a dataclass looks its module up
    exec(compile(source, "submitted.py", "exec"), vars(module))  # noqa: S102 - our own submissions
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    start = time.process_time()
    for call in calls:
        with suppress(Exception):  # a wrong one may raise; its time counts
            getattr(module, function)(*call.args, **call.kwargs)
    return time.process_time() - start


# ---- the page ----


def milliseconds(value: float | None) -> str:
    return "not measured" if value is None else f"{1000 * value:.0f} ms" if value >= 0.01 else f"{1000 * value:.1f} ms"


def times(ours: float | None, theirs: float | None) -> str:
    return "" if not ours or theirs is None else f" ({theirs / ours:.1f}×)"


INTRODUCTION = """\
For one submission of conv2d; medians of {rounds} interleaved rounds. Ours is `grader check` on a class of {students}
in the sandbox, start and drawing of cases included, divided by {students}; no two files are alike. A right submission
makes {opening} calls, which visit every regime five times or more; one that fails there makes all {calls}.
`each further` is what one more submission costs. `own compute` is the student's function called directly with the
same arguments, once, in a process just forked. The others run {fixed} fixed cases without isolation, one process a
submission: bare unittest as Gradescope's harness does it, pytest {pytest}, and `otter run`; their times hold the
student's compute of these {fixed} calls. In brackets: how many times as long as ours. The targets are held
against what is computed, by the slowest right style: once with all that ours takes, the student's own compute of
{opening} calls in it, and once without that compute, which no grader can save.

Computed is what all processes of a grader computed together, user and system. On the clock is the time of the class
with two jobs on two cores, divided by its size; of the others, two submissions are graded at a time.
"""
TARGETS = {"unittest": (5, 25), "otter": (100, 100)}  # times as fast: NumPy, torch
COUNTED = ("all its calls", "without its own compute")


def ratios(rows: Sequence[Row], who: str, *, torch: bool) -> tuple[list[float], list[float]]:
    """Return how many times as fast ours is for each right style: in all, and without the student's own compute."""
    right = [row for row in rows if row.style.torch is torch and row.style.right]
    spent = [(row.computed(who), row.computed("ours"), row.own) for row in right]
    whole = [theirs / ours for theirs, ours, _ in spent if theirs and ours]
    harness = [theirs / (ours - own) for theirs, ours, own in spent if theirs and ours and ours > own]
    return whole, harness


def promised(rows: Sequence[Row]) -> Iterator[Target]:
    """Yield what is promised of speed; the slowest submission of a kind decides."""
    for who, wanted in TARGETS.items():
        for torch, times_as_fast in zip((False, True), wanted, strict=True):
            for what, found in zip(COUNTED, ratios(rows, who, torch=torch), strict=True):
                name = f"{'torch' if torch else 'NumPy'}, right, {what}, against {who}"
                measured = f"{min(found):.1f}×" if found else NOT_MEASURED
                yield Target(name, f"{times_as_fast}×", measured, met=bool(found) and min(found) >= times_as_fast)
    of_numpy = [row for row in rows if not row.style.torch]
    beyond = [extra - row.own for row in of_numpy if row.style.right and (extra := row.further()) is not None]
    wrong = [extra for row in of_numpy if not row.style.right and (extra := row.further()) is not None]
    for name, limit, taken in (
        ("one more right NumPy submission, computed beyond its own compute", 0.06, beyond),
        ("one more wrong NumPy submission, shrinking and diagnosis in it", 1.5, wrong),
    ):
        measured = milliseconds(max(taken)) if taken else NOT_MEASURED
        yield Target(name, milliseconds(limit), measured, met=bool(taken) and max(taken) <= limit)


def section() -> str:
    """Measure everything and return the section of docs/benchmarks.md."""
    rows = contest()
    course = load_course()
    asked = Grading(course).cases(course.contracts["conv2d"])
    parts: list[str] = []
    for row in rows:
        spent, row.own = breakdown(row.style)
        figures = [milliseconds(spent[phase]) for phase in PHASES]
        parts.append(f"| {' | '.join([row.style.name, *figures[:2], milliseconds(row.own), *figures[2:]])} |")
    lines = [
        "## A class, beside what instructors use now",
        "",
        *INTRODUCTION.format(
            rounds=ROUNDS,
            students=CLASS,
            opening=asked.opening,
            calls=len(asked.cases),
            fixed=FIXED,
            pytest=metadata.version("pytest"),
        ).splitlines(),
        "",
        f"Load average of the machine when it ended: {machine.load()}.",
        "",
        "| computed | ours | each further | own compute | bare unittest | pytest | otter-grader |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        ours = [milliseconds(value) for value in (row.computed("ours"), row.further(), row.own)]
        others = [milliseconds(row.computed(w)) + times(row.computed("ours"), row.computed(w)) for w in GRADERS[2:]]
        lines.append(f"| {' | '.join([row.style.name, *ours, *others])} |")
    lines += ["", "| on the clock | ours | bare unittest | pytest | otter-grader |", "|---|---:|---:|---:|---:|"]
    for row in rows:
        others = [milliseconds(row.clock(w)) + times(row.clock("ours"), row.clock(w)) for w in GRADERS[2:]]
        lines.append(f"| {' | '.join([row.style.name, milliseconds(row.clock('ours')), *others])} |")
    notes = {f"{row.style.name}, {who}: {text.splitlines()[-1]}" for row in rows for who, text in row.problems.items()}
    lines += [line for note in sorted(notes) for line in ("", f"Not measured: {note}.")]
    lines += ["", "### Where the time of one submission goes", ""]
    lines += [
        "On the clock, one job. `calls` holds the transport and the student's own compute, which is given beside it.",
        "",
    ]
    head = [*PHASES[:2], "own compute", *PHASES[2:]]
    lines += [f"| submission | {' | '.join(head)} |", "|---|" + "---:|" * len(head), *parts]
    lines += kept(promised(rows))
    return "\n".join(lines)


if __name__ == "__main__":
    print(section())  # noqa: T201 - its work
