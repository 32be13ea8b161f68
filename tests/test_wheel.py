"""What people install: a wheel that works from an empty folder, and leaves nothing but `grader` behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a virtual environment with the wheel alone in it, and this environment's packages in sight.

    The packages that the wheel asks for are lent by this environment, so that the test needs no network; its
    path comes last, and without its .pth files, so that neither this checkout nor its editable install is in sight.
    """
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True, timeout=120)
    install = [sys.executable, "-m", "pip", "--python", str(folder / "venv/bin/python"), "install", "--quiet"]
    subprocess.run([*install, "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True, timeout=120)
    (site_packages(folder / "venv") / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "venv"


def site_packages(environment: Path) -> Path:
    (found,) = environment.glob("lib/python*/site-packages")
    return found


def run(environment: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the installed `grader` in a folder, with nothing of this checkout in its environment."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    command = [str(environment / "bin/grader"), *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_only_grader_lands_in_site_packages(installed: Path) -> None:
    """A package called `exercises` or `solutions` in site-packages would shadow somebody's own course."""
    names = {path.name for path in site_packages(installed).iterdir()} - {"lent.pth", "__pycache__"}
    version = metadata.version("convgrader")
    assert names == {"grader", f"convgrader-{version}.dist-info"}


def test_the_built_in_course_is_inside(installed: Path) -> None:
    """All of the course travels: a topic, a solver or a template left out is found by a student otherwise."""
    builtin = site_packages(installed) / "grader/builtin"
    for part in ("exercises", "solutions", "templates"):
        want = {
            path.relative_to(ROOT)
            for path in (ROOT / part).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        got = {
            path.relative_to(builtin)
            for path in (builtin / part).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert want, f"{part}/ is empty"
        assert got == want


def test_the_core_brings_no_torch() -> None:
    """PyTorch weighs gigabytes: a course on NumPy must install without it."""
    core, todo = set[str](), ["convgrader"]
    while todo:
        if (name := todo.pop()) not in core:
            core.add(name)
            wanted = [line for line in metadata.requires(name) or [] if ";" not in line]
            todo += [re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0].lower() for line in wanted]
    assert {"numpy", "markupsafe"} <= core, "the walk over the requirements found too little"
    assert not core & {"torch", "scipy", "sympy", "pytest"}


def test_it_works_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    """The whole way of a student, in an empty folder: topics, a sheet, and the stub handed in as it is."""
    code = "import grader; print(grader.__file__)"
    where = subprocess.run(
        [str(installed / "bin/python"), "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert where.stdout.startswith(str(installed)), "another grader than the wheel's is in sight"

    topics = run(installed, tmp_path, "topics")
    assert topics.returncode == 0, topics.stderr
    assert "padding" in topics.stdout

    drawn = run(installed, tmp_path, "generate", "--topic", "padding", "--seed", "1")
    assert drawn.returncode == 0, drawn.stderr
    (stub,) = tmp_path.rglob("padding*.py")

    checked = run(installed, tmp_path, "check", str(stub), "--format", "json")
    assert checked.returncode == 1, checked.stderr
    assert '"outcome": "missing"' in checked.stdout


def test_it_uses_its_own_files(installed: Path, tmp_path: Path) -> None:
    """With the course taken out of the wheel it must fail: else the tests above looked at this checkout."""
    builtin = site_packages(installed) / "grader/builtin"
    aside = builtin.with_name("aside")
    builtin.rename(aside)
    try:
        result = run(installed, tmp_path, "generate", "--topic", "padding", "--seed", "1")
    finally:
        aside.rename(builtin)
    assert result.returncode == 2
    assert "no topic named 'padding'" in result.stderr
