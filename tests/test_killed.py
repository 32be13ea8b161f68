"""A run that was killed: what it had found is kept, what it had started is gone, and the next one goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.journal import cache_folder

ROOT = Path(__file__).parents[1]
STUDENTS = 12
RIGHT = "import time\ntime.sleep(0.2)\ndef add(a, b):\n    return a + b\n"
WRONG = "import time\ntime.sleep(0.2)\ndef add(a, b):\n    return a - b\n"


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """Write a class that takes some seconds, and return the command that grades it."""
    for number in range(STUDENTS):
        folder = tmp_path / "class" / f"student{number:02}"
        folder.mkdir(parents=True)
        (folder / "add.py").write_text(WRONG if number % 3 else RIGHT)
    line = [sys.executable, "-m", "grader", "check", str(tmp_path / "class"), "--course", str(ROOT / "tests/toy")]
    return [*line, "--jobs", "1", "--format", "json"]


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.02)


def kept() -> int:
    """Return how many results are on the disk."""
    return sum(len(path.read_text().splitlines()) for path in cache_folder().glob("*.jsonl"))


def workers() -> set[str]:
    """Return the processes that run students' code."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"sandbox/worker.py" in path.read_bytes():
                found.add(path.parent.name)
        except OSError:
            continue
    return found


def marks(document: str) -> list[object]:
    """Return what the report says of the students."""
    students = json.loads(document)["students"]
    assert isinstance(students, list)
    assert len(students) == STUDENTS
    return students


def test_a_killed_run_goes_on_where_it_stopped(command: list[str]) -> None:
    """SIGKILL can be told nothing: results are on the disk before, and the second run grades only the rest."""
    others = workers()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        wait_until(lambda: kept() >= 3)
        own = {pid for pid in workers() - others if f"{run.pid}" in parents(pid)}
        assert own
        os.kill(run.pid, signal.SIGKILL)
    wait_until(lambda: not own & workers(), seconds=1)
    before = kept()
    assert 3 <= before < STUDENTS
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert f"{before} of {STUDENTS} were graded before and have not changed" in again.stderr
    assert kept() == STUDENTS
    fresh = subprocess.run([*command, "--fresh"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "graded before" not in fresh.stderr
    assert marks(again.stdout) == marks(fresh.stdout)
    assert again.returncode == fresh.returncode == 1


def test_an_interrupted_run_reports_what_is_done(command: list[str]) -> None:
    """Ctrl-C ends with a report of those who were graded, and those are not graded again."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        wait_until(lambda: kept() >= 2)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "interrupted: only the students above were graded" in err
    document = json.loads(out)
    assert 2 <= len(document["students"]) < STUDENTS
    assert kept() >= len(document["students"])


def parents(pid: str) -> list[str]:
    """Return the processes above one."""
    found = []
    while pid != "0":
        try:
            fields = (Path("/proc") / pid / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            break
        pid = fields[1]
        found.append(pid)
    return found
