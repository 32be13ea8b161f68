"""Running something of the grader as an ordinary user though the tests run as root, who may do too much."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USER = 4242  # nobody's
PROOF = "import click, numpy, grader.sandbox.host"


def run(words: Sequence[str], *, timeout: float = 170) -> subprocess.CompletedProcess[str]:
    """Run Python with these words as an ordinary user, in the checkout."""
    return _run([python(), *words], timeout, root=False)


def run_reduced(privileges: Sequence[str], words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run Python with these words as what setpriv leaves of root."""
    return _run(["setpriv", *privileges, python(), *words], 60, root=True)


@functools.cache
def python() -> str:
    """Return a Python that an ordinary user may run with our packages; skip the test where there is none."""
    for path in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        try:
            if _run([path, "-c", PROOF], 60, root=False).returncode == 0:
                return path
        except OSError:
            continue
    pytest.skip("no ordinary user can run this Python, or read this folder")


def _run(line: Sequence[str], timeout: float, *, root: bool) -> subprocess.CompletedProcess[str]:
    site = sysconfig.get_path("purelib")
    other = os.getuid() == 0 and not root
    return subprocess.run(
        line,
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": "/nowhere",
            "PYTHONPATH": f"{ROOT}:{site}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        user=USER if other else None,
        group=USER if other else None,
        extra_groups=[] if other else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
