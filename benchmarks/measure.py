"""Timing whole commands: medians over repeats, each in an empty folder and a process of its own."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

GRADER = [sys.executable, "-m", "grader"]


@dataclass(frozen=True)
class Benchmark:
    """A command with its budget: `words` after `grader`, seconds it may take, on how many cores, how often.

    `prepare` fills the folder that the command runs in. `status` is the exit status that shows that it did its work.
    """

    name: str
    words: Sequence[str]
    budget: float
    repeats: int = 5
    cores: int | None = None
    status: int = 0
    prepare: Callable[[Path], object] = lambda folder: None


@dataclass(frozen=True)
class Measurement:
    """The seconds that each repeat took, and those that its processes computed; or why nothing was measured."""

    benchmark: Benchmark
    seconds: tuple[float, ...] = ()
    computed: tuple[float, ...] = ()
    problem: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def passed(self) -> bool:
        return not self.problem and self.median <= self.benchmark.budget


def measure(benchmark: Benchmark) -> Measurement:
    """Run once to warm the file cache where that is cheap, then `repeats` times."""
    seconds: list[float] = []
    computed: list[float] = []
    warm_ups = 1 if benchmark.budget < 1 else 0
    for number in range(benchmark.repeats + warm_ups):
        before = children()
        taken, problem = _run(benchmark)
        if problem:
            return Measurement(benchmark, problem=problem)
        if number >= warm_ups:
            seconds.append(taken)
            computed.append(children() - before)
    return Measurement(benchmark, tuple(seconds), tuple(computed))


def environment(**more: str) -> dict[str, str]:
    """Return the environment of what is measured: compiled modules may be kept, as where they are installed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | more


def children() -> float:
    """Return the processor seconds of all child processes so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(benchmark: Benchmark) -> tuple[float, str]:
    """Return the seconds of one run, and what went wrong with it, if anything."""
    with tempfile.TemporaryDirectory() as name:
        benchmark.prepare(Path(name))
        mine = sorted(os.sched_getaffinity(0))

        def pin() -> None:
            os.sched_setaffinity(0, mine[: benchmark.cores])

        start = time.perf_counter()
        done = subprocess.run(  # noqa: S603 - our own command
            [*GRADER, *benchmark.words],
            cwd=name,
            env=environment(XDG_CACHE_HOME=f"{name}/cache"),  # nothing remembered from an earlier run
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=pin,
        )
        taken = time.perf_counter() - start
    if done.returncode != benchmark.status:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        return taken, f"exit status {done.returncode} instead of {benchmark.status}: {last}"
    return taken, ""
