"""otter-grader in a virtual environment of its own: its tests are the same twelve cases, run by `otter run`.

PyTorch is borrowed from the environment that the benchmarks run in, where it is installed: it is large.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

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


def lend(package: str) -> None:
    """Let that environment import a package of this one, and all that it needs and has not got."""
    lent = folder() / "lent"
    lent.mkdir(exist_ok=True)
    for name in sorted(needed(package, set())):
        tops = {file.parts[0] for file in metadata.files(name) or ()} - {"..", "bin", "__pycache__"}
        for top in sorted(tops):
            if not (lent / top).exists():
                (lent / top).symlink_to(Path(str(metadata.distribution(name).locate_file(top))))
    for place in folder().glob("lib/python*/site-packages"):
        (place / "lent.pth").write_text(f"{lent}\n")  # read last: what is installed there comes first


def needed(package: str, seen: set[str]) -> Iterator[str]:
    """Yield the names of a distribution and of those that it requires, as far as they are installed."""
    if package in seen:
        return
    seen.add(package)
    try:
        words = metadata.requires(package) or []
    except metadata.PackageNotFoundError:
        return
    yield package
    for requirement in map(Requirement, words):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from needed(requirement.name, seen)


def prepare(place: Path, cases: Path, number: int) -> str:
    """Install otter-grader where it is not yet, and write its autograder.zip; return why it cannot be measured."""
    try:
        if not (folder() / "bin" / "otter").exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder())], check=True, capture_output=True)  # noqa: S603 - our own words
            pip = [str(folder() / "bin" / "pip"), "install", "--quiet", "otter-grader", "ipykernel", "numpy"]
            subprocess.run(pip, check=True, capture_output=True, timeout=600)  # noqa: S603 - our own words
        lend("torch")
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
