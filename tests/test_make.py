"""The way in: `make` says what it can do, and in one line what is missing before it can."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_make_alone_lists_every_target() -> None:
    """Nobody reads a Makefile to find out what it does."""
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony is not None
    listing = make().stdout
    for target in set(phony[1].split()) - {"help", "lint"}:
        assert f"make {target} " in listing


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ('[ "$1" = -V ] && echo "Python 3.9.2" && exit 0; exit 1', "Python 3.9.2 is too old"),
        ('case "$2" in *ensurepip*) exit 1;; esac; exit 0', "sudo apt-get install python3-venv"),
    ],
    ids=["too old", "no venv"],
)
def test_an_unfit_python_is_one_line(tmp_path: Path, script: str, message: str) -> None:
    """The first thing a newcomer meets is their Python: say what is wrong with it, and the way out."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    done = make("demo", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}")
    assert done.returncode != 0
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert message in error
    assert not (tmp_path / "venv").exists()


def test_no_python_at_all(tmp_path: Path) -> None:
    """Without any Python the command that installs it is named."""
    done = make("demo", "PYTHON=no-such-python", f"VENV={tmp_path / 'venv'}")
    assert done.returncode != 0
    assert "error: no-such-python was not found. Install Python 3.11 or newer: sudo apt-get install" in done.stderr
