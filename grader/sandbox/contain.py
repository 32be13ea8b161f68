"""The walls around a student's process: resource limits, no new privileges."""

from __future__ import annotations

import resource


class Walls:
    def __init__(self, names: list[str]) -> None:
        self.names = names


def prepare(mode: str) -> Walls:
    return Walls(["rlimits"])


def confine(walls: Walls, memory: int, cpu: int) -> None:
    """Close the walls around the calling process; there is no way back."""
    for name, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_FSIZE, 64 << 20),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(name, (limit, limit))
