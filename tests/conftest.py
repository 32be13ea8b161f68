"""What every test needs: a cache folder of its own, so that no earlier run can lend its results; and Ctrl-C."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import exercises  # noqa: F401 - the built-in course comes first, so that its names stay its own
import solutions  # noqa: F401 - the same

# A shell starts what runs in the background deaf to Ctrl-C, and so all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep journals out of the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder
