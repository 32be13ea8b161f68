"""otter-grader in a virtual environment of its own: its tests are the same twelve cases, run by `otter run`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

HEAD = """from otter.test_files import test_case

OK_FORMAT = False
name = "conv2d"
points = {number}
"""
TEST = """
@test_case(points=1)
def test_{number}(conv2d):
    import numpy as np
    cases = np.load({cases!r})
    x, w, b, (stride, padding), y = (cases[name + "{number}"] for name in ("x", "w", "b", "s", "y"))
    np.testing.assert_allclose(conv2d(x, w, b, int(stride), int(padding)), y)
"""


def folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "convgrader-bench" / "otter"


def environment() -> Mapping[str, str]:
    return {**os.environ, "PATH": f"{folder() / 'bin'}:{os.environ['PATH']}"}


def prepare(place: Path, cases: Path, number: int) -> str:
    """Install otter-grader where it is not yet, and write its autograder.zip; return why it cannot be measured."""
    try:
        if not (folder() / "bin" / "otter").exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder())], check=True, capture_output=True)  # noqa: S603 - our own words
            pip = [str(folder() / "bin" / "pip"), "install", "--quiet", "otter-grader", "ipykernel", "numpy"]
            subprocess.run(pip, check=True, capture_output=True, timeout=600)  # noqa: S603 - our own words
        (place / "tests").mkdir()
        text = HEAD.format(number=number) + "".join(TEST.format(number=n, cases=str(cases)) for n in range(number))
        (place / "tests" / "conv2d.py").write_text(text)
        words = [str(folder() / "bin" / "otter"), "generate", "-t", "tests", "-o", "grader.zip", "--no-environment"]
        subprocess.run(words, cwd=place, env=environment(), check=True, capture_output=True, timeout=120)  # noqa: S603 - our own words
    except (OSError, subprocess.SubprocessError) as error:
        return f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return ""


def command(place: Path) -> list[str]:
    return [str(folder() / "bin" / "otter"), "run", "conv2d.py", "-a", str(place / "grader.zip"), "-o", "."]
