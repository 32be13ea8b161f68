"""The corpus again: two at a time, as root and as an ordinary user, with what it leaves behind counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.attacks.corpus import ATTACKS
from tests.sandbox import ordinary

GROWTH = 100 << 20  # bytes


def as_root(words: list[str]) -> subprocess.CompletedProcess[str]:
    if os.getuid() != 0:
        pytest.skip("these tests do not run as root")
    return subprocess.run(
        [sys.executable, *words], cwd=ordinary.ROOT, capture_output=True, text=True, check=False, timeout=170
    )


@pytest.mark.parametrize("tier", ["full", "bwrap", "landlock"])
@pytest.mark.parametrize("person", ["root", "ordinary user"])
def test_two_at_a_time_get_nothing_and_leave_nothing(person: str, tier: str) -> None:
    """Neighbours do not help each other, nor does it matter who grades: no canary, no process, little memory."""
    words = ["-m", "tests.attacks.sweep", tier]
    done = as_root(words) if person == "root" else ordinary.run(words)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["unexpected"] == {}
    assert result["tried"] == len(ATTACKS)
    assert not result["harmed"]
    assert result["left"] == 0
    assert result["growth"] < GROWTH
    assert {"limits", "landlock", "seccomp"} <= set(result["walls"])
    assert ("other user" in result["walls"]) == (person == "root")
