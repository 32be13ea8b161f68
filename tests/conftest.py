"""What every test needs: a cache of its own, so that no earlier run lends its results; Ctrl-C; Python as it was."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import exercises  # noqa: F401 - the built-in course comes first, so that its names stay its own
import solutions  # noqa: F401 - the same

# A shell starts what runs in the background deaf to Ctrl-C, and so all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def recursion_limit() -> Iterator[None]:
    """Undo what a right module of the corpus did: with its limit nothing is nested too deeply for who comes next."""
    limit = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(limit)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep journals out of the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder
