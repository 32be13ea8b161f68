"""A mixed class through the grader and through what instructors use now: `python -m benchmarks.classes`.

Every figure is for one submission of conv2d on one core. The others run twelve fixed cases without isolation; the
grader runs all cases of the contract in its sandbox. Rounds are interleaved, so that a busy machine hits all alike.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.rivals import otter
from grader.check import Grading, Settings
from grader.course import load_course
from grader.functions.cases import fresh
from grader.submission import Submission, read_module

HERE = Path(__file__).resolve().parent
RIVALS = HERE / "rivals"
CLASS = 20  # submissions of a style in one run of ours
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


@dataclass
class Row:
    """Seconds for one submission of a style, by who graded it."""

    style: Style
    seconds: dict[str, list[float]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def further(self) -> float | None:
        """Return our seconds for each submission after the first of a class."""
        whole, alone = self.median("ours"), self.median("ours alone")
        return None if whole is None or alone is None else (CLASS * whole - alone) / (CLASS - 1)

    def median(self, who: str) -> float | None:
        return statistics.median(self.seconds[who]) if self.seconds.get(who) else None


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


def one_core() -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])


def timed(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[float, int, str]:
    """Return the seconds of a process on one core, its exit status, and its output."""
    start = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own words
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False, preexec_fn=one_core
    )
    return time.perf_counter() - start, done.returncode, done.stdout + done.stderr


class Contest:
    """The folders and commands of all graders, made once."""

    def __init__(self, place: Path, *, with_otter: bool = True) -> None:
        self.place = place
        self.cases = place / "cases.npz"
        write_cases(self.cases)
        self.environment = {**os.environ, "CASES": str(self.cases), "XDG_CACHE_HOME": str(place / "cache")}
        self.environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # as in an environment of its own
        (place / "otter").mkdir()
        self.no_otter = otter.prepare(place / "otter", self.cases, FIXED) if with_otter else "not asked for"

    def ours(self, style: Style, students: int = CLASS) -> tuple[float, str]:
        """Grade a class of one style; return the seconds of one submission, start and drawing of cases included."""
        with tempfile.TemporaryDirectory(dir=self.place) as name:
            for number in range(students):
                folder = Path(name) / "class" / f"student{number:03}"
                folder.mkdir(parents=True)
                (folder / "conv2d.py").write_text(style.source)
            words = [sys.executable, "-m", "grader", "check", "class", "--jobs", "1", "--format", "json", "--fresh"]
            words += ["--allow", "torch"] if style.torch else []
            seconds, status, output = timed(words, Path(name), {**self.environment, "XDG_CACHE_HOME": name})
        return seconds / students, "" if status == (0 if style.right else 1) else output[-200:] or OTHERWISE

    def theirs(self, who: str, style: Style) -> tuple[float, str]:
        """Grade one submission in a process of its own."""
        with tempfile.TemporaryDirectory(dir=self.place) as name:
            folder = Path(name)
            (folder / "conv2d.py").write_text(style.source)
            if who == "unittest":
                seconds, status, output = timed([sys.executable, str(RIVALS / "bare.py")], folder, self.environment)
                full = status == 0 and json.loads((folder / "results.json").read_text())["score"] == FIXED
            elif who == "pytest":
                (folder / "test_conv2d.py").write_bytes((RIVALS / "with_pytest.py").read_bytes())
                words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_conv2d.py"]
                seconds, status, output = timed(words, folder, self.environment)
                full = status == 0
            else:
                environment = {**otter.environment(), "CASES": str(self.cases)}
                seconds, status, output = timed(otter.command(self.place / "otter"), folder, environment)
                results = folder / "results.json"
                scores = json.loads(results.read_text())["tests"] if results.exists() else []
                full = any(test.get("score") == FIXED for test in scores)
                status = 0 if scores else 1
        return seconds, "" if full == style.right and (status == 0 or not full) else output[-200:] or OTHERWISE

    def grade(self, who: str, style: Style) -> tuple[float, str]:
        if who == "ours":
            return self.ours(style)
        if who == "ours alone":
            return self.ours(style, 1)
        if who == "otter" and (self.no_otter or style.torch):
            return 0.0, self.no_otter or "torch is not in its environment"
        return self.theirs(who, style)


GRADERS = ("ours", "ours alone", "unittest", "pytest", "otter")


def contest(rounds: int = ROUNDS) -> list[Row]:
    """Let all graders grade all styles, in turn, `rounds` times."""
    styles = [style for style in STYLES if not style.torch or find_spec("torch")]
    rows = [Row(style) for style in styles]
    with tempfile.TemporaryDirectory() as name:
        arena = Contest(Path(name))
        for number in range(rounds):
            for row in rows:
                for who in GRADERS if number == 0 else GRADERS[:-1]:  # otter-grader takes long: once
                    seconds, problem = arena.grade(who, row.style)
                    if problem:
                        row.problems[who] = problem
                    else:
                        row.seconds.setdefault(who, []).append(seconds)
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
    own = compute(style, grading)
    return {phase: seen.seconds.get(phase, 0.0) / students for phase in PHASES}, own


def compute(style: Style, grading: Grading) -> float:
    """Return the seconds that the student's function takes for all cases, called directly; the best of three."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "submitted.py"
        path.write_text(style.source)
        spec = spec_from_file_location("submitted", path)
        assert spec is not None and spec.loader is not None  # noqa: PT018 - for types
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    totals = []
    for _ in range(3):
        calls = [fresh(case.call) for case in grading.cases(grading.course.contracts["conv2d"]).cases]
        start = time.perf_counter()
        for call in calls:
            try:
                module.conv2d(*call.args, **call.kwargs)
            except Exception:  # noqa: S112 - a wrong one may; its time counts
                continue
        totals.append(time.perf_counter() - start)
    return min(totals)


# ---- large classes ----


@dataclass(frozen=True)
class Large:
    """A class of right submissions on all cores: seconds, and how the grader grew after its first quarter, bytes."""

    students: int
    seconds: float
    growth: int
    problem: str = ""


def large(students: int) -> Large:
    """Grade right submissions of conv2d with `grader check`, and watch its memory."""
    with tempfile.TemporaryDirectory() as name:
        for number in range(students):
            folder = Path(name) / "class" / f"student{number:05}"
            folder.mkdir(parents=True)
            (folder / "conv2d.py").write_text((WINDOWS, COLUMNS, LOOPS)[number % 3])
        words = [sys.executable, "-m", "grader", "check", "class", "--format", "json", "-o", "report", "--jobs", "2"]
        start = time.perf_counter()
        with subprocess.Popen(  # noqa: S603 - our own words
            words,
            cwd=name,
            env={**os.environ, "XDG_CACHE_HOME": name},
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


# ---- the page ----


def milliseconds(value: float | None) -> str:
    return "not measured" if value is None else f"{1000 * value:.0f} ms" if value >= 0.01 else f"{1000 * value:.1f} ms"


def ratio(row: Row, who: str) -> str:
    ours, theirs = row.median("ours"), row.median(who)
    return "" if ours is None or theirs is None else f" ({theirs / ours:.1f}×)"


INTRODUCTION = """\
Time for one submission of conv2d on one core; medians of {rounds} interleaved rounds, and how many times as long as
ours. Ours is `grader check` on a class of {students}, start and drawing of cases included, divided by {students}, with
{calls} calls each in the sandbox; `each further` is what one more submission costs. `own compute` is the student's
function called directly with the same arguments. The others run {fixed} fixed cases without isolation, one process a
submission: bare unittest as Gradescope's harness does it, pytest {pytest}, and `otter run`, once.
"""
TARGETS = {"unittest": (5, 25), "otter": (100, 100)}  # times as fast: NumPy, torch


def verdicts(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a line for each target, met or not; the slowest right style decides."""
    for who, targets in TARGETS.items():
        for torch, target in zip((False, True), targets, strict=True):
            pairs = [(r.median(who), r.median("ours")) for r in rows if r.style.torch is torch and r.style.right]
            found = [theirs / ours for theirs, ours in pairs if theirs and ours]
            name = f"{'torch' if torch else 'NumPy'}, right, against {who}"
            if not found:
                yield f"| {name} | {target}× | not measured | |"
            else:
                yield f"| {name} | {target}× | {min(found):.1f}× | {'yes' if min(found) >= target else '**no**'} |"


def section() -> str:
    """Measure everything and return the section of docs/benchmarks.md."""
    rows = contest()
    course = load_course()
    calls = len(Grading(course).cases(course.contracts["conv2d"]).cases)
    lines = [
        "## A class, beside what instructors use now",
        "",
        *INTRODUCTION.format(
            rounds=ROUNDS, students=CLASS, calls=calls, fixed=FIXED, pytest=metadata.version("pytest")
        ).splitlines(),
        f"Load average of the machine when it ended: {machine.load()}.",
        "",
        "| submission | ours | each further | own compute | bare unittest | pytest | otter-grader |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    parts: list[str] = []
    for row in rows:
        spent, own = breakdown(row.style)
        others = [milliseconds(row.median(who)) + ratio(row, who) for who in GRADERS[2:]]
        ours = [milliseconds(value) for value in (row.median("ours"), row.further(), own)]
        lines.append(f"| {' | '.join([row.style.name, *ours, *others])} |")
        figures = [milliseconds(spent[phase]) for phase in PHASES]
        parts.append(f"| {' | '.join([row.style.name, *figures[:2], milliseconds(own), *figures[2:]])} |")
    notes = {f"{row.style.name}, {who}: {text.splitlines()[-1]}" for row in rows for who, text in row.problems.items()}
    lines += [line for note in sorted(notes) for line in ("", f"Not measured: {note}.")]
    lines += ["", "| target | wanted | measured | met |", "|---|---:|---:|---|", *verdicts(rows)]
    lines += ["", "### Where the time of one submission goes", ""]
    lines += [
        "`calls` holds the transport and the student's own compute, which is given beside it as called directly.",
        "",
    ]
    head = [*PHASES[:2], "own compute", *PHASES[2:]]
    lines += [f"| submission | {' | '.join(head)} |", "|---|" + "---:|" * len(head), *parts]
    lines += [
        "",
        "### Large classes",
        "",
        "Right submissions of conv2d in turn as windows, im2col and loops, two jobs.",
        "",
    ]
    lines += ["| students | time | a second | budget | grew after its first quarter by |", "|---:|---:|---:|---:|---:|"]
    for students, budget in ((500, "30 s"), (2000, "–")):
        found = large(students)
        rate = f"{students / found.seconds:.0f}"
        grown = found.problem or f"{found.growth / 2**20:.1f} MiB"
        lines.append(f"| {students} | {found.seconds:.1f} s | {rate} | {budget} | {grown} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(section())  # noqa: T201 - its work
