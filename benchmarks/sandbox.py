"""How long a submission takes to start, a call to cross, and a process to end: `python -m benchmarks.sandbox`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from grader.contract import Call, Limits
from grader.sandbox.host import Sandbox, Session

SOURCE = b"import numpy as np\n\ndef double(x):\n    return x * 2\n"
X = np.random.default_rng(1).normal(size=(10, 3, 8, 8))  # 15 KB


def figures(tier: str, submissions: int = 60, calls: int = 32) -> dict[str, list[float]]:
    """Return the times of starts (fork, walls, module loaded), calls, ends, and whole submissions, seconds."""
    found: dict[str, list[float]] = {"start": [], "call": [], "end": [], "submission": []}

    def timed(name: str, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        work()
        found[name].append(time.perf_counter() - start)

    def call(session: Session) -> None:
        session.call("double", Call((X,)), reply_bytes=X.nbytes)

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
    return found


def main() -> None:
    for tier in ("full", "landlock", "none"):
        for name, times in figures(tier).items():
            p95 = sorted(times)[int(0.95 * len(times))]
            print(f"{tier:9} {name:11} median {1e3 * statistics.median(times):7.3f} ms   p95 {1e3 * p95:7.3f} ms")  # noqa: T201 - its work


if __name__ == "__main__":
    main()
