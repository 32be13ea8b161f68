"""How long a submission takes to start, a call to cross, and a process to end: `python -m benchmarks.sandbox`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from benchmarks.targets import Target, kept
from grader.contract import Call, Limits
from grader.sandbox.host import Sandbox, Session
from grader.sandbox.replies import Died
from grader.sandbox.script import Script

SOURCE = b"import numpy as np\n\ndef double(x):\n    return x * 2\n"
TORCH = b"import torch\n\ndef double(x):\n    return (torch.from_numpy(x) * 2).numpy()\n"
SPIN = b"def spin():\n    while True:\n        pass\n"
X = np.random.default_rng(1).normal(size=(10, 3, 8, 8))  # 15 KB
IN_A_ROW = 400  # as many as a contract makes


def figures(tier: str, submissions: int = 60, calls: int = 32) -> dict[str, list[float]]:
    """Return the times of starts (fork, walls, module loaded), calls, ends, and whole submissions, seconds.

    A `call` is sent and answered alone; `in a row` is one of many that the process inherited, as in grading.
    """
    found: dict[str, list[float]] = {"start": [], "call": [], "end": [], "submission": [], "in a row": []}

    def timed(name: str, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        work()
        found[name].append(time.perf_counter() - start)

    def call(session: Session) -> None:
        session.call("double", Call((X,)), reply_bytes=X.nbytes)

    script = Script("double", [(Call((X,)), X.nbytes)] * IN_A_ROW)
    with Sandbox(tier=tier) as sandbox:
        for _ in range(submissions):
            begin = time.perf_counter()
            session = sandbox.open(SOURCE, "double.py", Limits(), b"seed")
            session.load()
            found["start"].append(time.perf_counter() - begin)
            for _ in range(calls):
                timed("call", lambda: call(session))  # noqa: B023 (called at once)
            timed("end", session.kill)
            found["submission"].append(time.perf_counter() - begin)
        for _ in range(submissions // 2):
            with sandbox.open(SOURCE, "double.py", Limits(), b"seed", [script]) as session:
                session.load()
                begin = time.perf_counter()
                answers = list(session.perform(script))
                found["in a row"].append((time.perf_counter() - begin) / len(answers))
    return found


def starts(packages: frozenset[str], source: bytes, submissions: int = 60) -> list[float]:
    """Return the seconds that submissions take to start with these packages imported."""
    found = []
    with Sandbox(packages) as sandbox:
        for _ in range(submissions):
            begin = time.perf_counter()
            with sandbox.open(source, "double.py", Limits(), b"seed") as session:
                session.load()
                found.append(time.perf_counter() - begin)
    return found


def reaped(submissions: int = 20) -> list[float]:
    """Return how long after its time was up each process that never returns was gone, seconds."""
    found, limits = [], Limits(call_seconds=0.05)
    with Sandbox() as sandbox:
        for _ in range(submissions):
            with sandbox.open(SPIN, "spin.py", limits, b"seed") as session:
                session.load()
                begin = time.perf_counter()
                reply = session.call("spin", Call(), reply_bytes=100)
                session.kill()
                found.append(time.perf_counter() - begin - limits.call_seconds)
                assert isinstance(reply, Died)
    return found


def own_time(times: int = 2000) -> float:
    """Return the seconds that the function itself takes."""
    start = time.perf_counter()
    for _ in range(times):
        X * 2
    return (time.perf_counter() - start) / times


def p95(times: list[float]) -> float:
    return sorted(times)[int(0.95 * len(times))]


def milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.2f} ms"


def limited(name: str, limit: float, seconds: float) -> Target:
    return Target(name, milliseconds(limit).replace(".00", ""), milliseconds(seconds), met=seconds <= limit)


def section(submissions: int = 60) -> str:
    """Return what was measured, in Markdown."""
    lines = ["```text"]
    every = {tier: figures(tier, submissions) for tier in ("full", "bwrap", "landlock", "none")}
    for tier, found in every.items():
        for name, times in found.items():
            lines.append(
                f"{tier:9} {name:11} median {1e3 * statistics.median(times):7.3f} ms   p95 {1e3 * p95(times):7.3f} ms"
            )
    torch = starts(frozenset({"numpy", "torch"}), TORCH, submissions) if find_spec("torch") else []
    if torch:
        median = 1e3 * statistics.median(torch)
        lines.append(f"{'full':9} {'start torch':11} median {median:7.3f} ms   p95 {1e3 * p95(torch):7.3f} ms")
    gone, beyond = reaped(submissions // 3), statistics.median(every["full"]["in a row"]) - own_time()
    lines.append(
        f"{'full':9} {'reaped':11} median {1e3 * statistics.median(gone):7.3f} ms   worst {1e3 * max(gone):5.3f} ms"
    )
    lines.append("```")
    start = "start of a submission, p95"
    lines += kept(
        [
            limited(f"{start}: NumPy", 0.025, p95(every["full"]["start"])),
            limited(f"{start}: torch", 0.060, p95(torch)) if torch else Target(f"{start}: torch", "60 ms"),
            limited(
                "a call with 15 KB both ways, beyond the function's own time, median of 400 in a row", 1e-4, beyond
            ),
            limited("killed and reaped, the slowest", 1.0, max(gone)),
        ]
    )
    return "\n".join(lines)


if __name__ == "__main__":
    print(section())  # noqa: T201 - its work
