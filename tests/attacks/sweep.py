"""The whole corpus in one process, two at a time: `python -m tests.attacks.sweep TIER` prints what it saw."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path

from grader.sandbox.host import Sandbox
from tests.attacks.corpus import ATTACKS, Attack
from tests.attacks.test_attacks import LIMITS, Canaries, planted, run, seen, source_of

CONTROL = ATTACKS[0]


def attempt(attack: Attack, sandbox: Sandbox, canaries: Canaries) -> str:
    """Return what was seen instead of the expected, or ''."""
    start = time.monotonic()
    with sandbox.open(source_of(attack, canaries), "attack.py", LIMITS, b"seed") as session:
        reply = run(session)
        printed = session.output()
    late = time.monotonic() - start > 5
    problems = [str(reply)[:200]] * (not seen(reply) & set(attack.expected)) + ["late"] * late
    return ", ".join([*problems, *["long output"] * (len(printed) > 1 << 16)])


def work(todo: deque[Attack], last: bool, sandbox: Sandbox, canaries: Canaries, found: dict[str, str]) -> None:
    """Take attacks from one end, each followed by a control, until none is left."""
    while todo:
        try:
            attack = todo.pop() if last else todo.popleft()
        except IndexError:
            return
        for one in (attack, CONTROL):
            if problem := attempt(one, sandbox, canaries):
                found[f"{one.name} ({attack.name})"] = problem


def memory(field: str) -> int:
    """Return a figure of this process's memory, bytes."""
    found = re.search(rf"^{field}:\s+(\d+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024


def left_behind(folders: list[str]) -> int:
    """Return how many processes of these sandboxes there are; a forked one keeps the words it was started with."""
    count = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        count += any(folder in words for folder in folders)
    return count


def sweep(tier: str) -> dict[str, object]:
    """Run everything and return what was unexpected, what was harmed, what is left, and how the grader grew."""
    found: dict[str, str] = {}
    todo = deque(ATTACKS)
    with tempfile.TemporaryDirectory() as folder, planted(Path(folder)) as canaries:
        with Sandbox(tier=tier) as one, Sandbox(tier=tier) as other:
            folders = [str(sandbox.folder) for sandbox in (one, other)]
            walls = one.walls
            attempt(CONTROL, one, canaries)
            assert left_behind(folders) >= 2
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
            before = memory("VmRSS")
            threads = [
                threading.Thread(target=work, args=(todo, last, sandbox, canaries, found))
                for last, sandbox in ((False, one), (True, other))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            growth = memory("VmHWM") - before
        time.sleep(1)
        harmed = not canaries.unharmed()
    return {
        "unexpected": found, "harmed": harmed, "left": left_behind(folders), "growth": growth, "walls": walls,
        "tried": len(ATTACKS) - len(todo),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(sweep(sys.argv[1])))  # noqa: T201 (its work)
