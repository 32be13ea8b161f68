"""Which machine a figure was measured on."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path


def describe() -> str:
    """Return one line: processor, cores, memory, system, Python and NumPy."""
    return (
        f"{_field('/proc/cpuinfo', 'model name') or platform.machine()}, {len(os.sched_getaffinity(0))} cores, "
        f"{_memory()}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, NumPy {metadata.version('numpy')}"
    )


def load() -> str:
    """Return how many processes wanted a core, on average over the last 1, 5 and 15 minutes."""
    return ", ".join(f"{value:.1f}" for value in os.getloadavg())


def _memory() -> str:
    kilobytes = _field("/proc/meminfo", "MemTotal").split()
    return f"{int(kilobytes[0]) / 2**20:.0f} GiB" if kilobytes else "memory unknown"


def _field(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines() if Path(path).is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
