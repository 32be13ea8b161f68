"""A control group around a worker and everything that it starts, where the kernel lets us make one.

The limits of a single process do not add up: this one holds for all processes of a worker together, their shared and
locked memory too. It is a second fence. The first one, each process's own limits, is lower, so that this one ends
nobody, but where those are off: models on a GPU.

Version 1 needs root, or a folder that root gave away; version 2 a folder that is delegated to the user, as in
`systemd-run --user --scope -p Delegate=yes`.
"""

from __future__ import annotations

import itertools
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MEMORY = 6 << 30  # bytes: more than one process of a submission and the libraries need at the same time
PROCESSES = 256  # threads count as well
NAME = "convgrader"
KEEPER = f"{NAME}-keeper"  # in version 2 a group with groups inside has no processes: the grader itself moves here
MOUNT, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")

_numbers = itertools.count()


@dataclass(frozen=True)
class Group:
    """The folders of one group: one, or with version 1 one for each kind of limit."""

    folders: tuple[Path, ...]

    def take(self, pid: int) -> bool:
        """Put a process and those that it has started into the group; later ones are born there. Did it work?"""
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
            for number in (str(pid), *children):
                for folder in self.folders:
                    (folder / "cgroup.procs").write_text(number, encoding="ascii")
        except OSError:
            return False
        return True

    def killed(self) -> int:
        """Return how many processes the kernel has ended because all together held too much memory."""
        for file in (folder / name for folder in self.folders for name in ("memory.events", "memory.oom_control")):
            with suppress(OSError):
                if found := re.search(r"^oom_kill (\d+)", file.read_text(), re.MULTILINE):
                    return int(found[1])
        return 0

    def remove(self) -> None:
        """Remove the group, whose processes have ended; the kernel may take a moment to see that."""
        for folder in self.folders:
            for _ in range(20):
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.005)
                else:
                    break


def make(mount: Path = MOUNT, own: Path = OWN) -> Group | None:
    """Return a new group with limits, or None where none can be made. Groups that a killed run left are removed."""
    name = f"{NAME}-{os.getpid()}-{next(_numbers)}"
    made: list[Path] = []
    try:
        places = dict(_places(own.read_text(encoding="ascii")))
        for folder, limits in _wanted(mount, places):
            _sweep(folder)
            (folder / name).mkdir()
            made.append(folder / name)
            for file, value in limits.items():
                (made[-1] / file).write_text(str(value))
            with suppress(OSError):  # not every kernel counts swap
                (made[-1] / "memory.swap.max").write_text("0")
    except OSError:
        Group(tuple(made)).remove()
        return None
    return Group(tuple(made)) if made else None


def _places(text: str) -> list[tuple[str, str]]:
    """Return controller and path from the lines of /proc/self/cgroup; version 2 has the controller "".

    >>> _places("4:memory:/a\\n3:cpu,cpuacct:/\\n0::/user.slice\\n")
    [('memory', 'a'), ('cpu', ''), ('cpuacct', ''), ('', 'user.slice')]
    """
    fields = (line.split(":", 2) for line in text.splitlines())
    return [(name, path.lstrip("/")) for _, names, path in fields for name in names.split(",")]


def _wanted(mount: Path, places: dict[str, str]) -> list[tuple[Path, dict[str, int]]]:
    """Return the folders in which a group is to be made, and what is to be written there."""
    if "memory" in places and "pids" in places:
        return [
            (mount / "memory" / places["memory"], {"memory.limit_in_bytes": MEMORY}),
            (mount / "pids" / places["pids"], {"pids.max": PROCESSES}),
        ]
    if "" not in places:
        return []
    folder = mount / places[""]
    if folder.name == KEEPER:
        folder = folder.parent
    if not {"memory", "pids"} <= set((folder / "cgroup.controllers").read_text().split()):
        return []
    if not {"memory", "pids"} <= set((folder / "cgroup.subtree_control").read_text().split()):
        keeper = folder / KEEPER
        keeper.mkdir(exist_ok=True)
        (keeper / "cgroup.procs").write_text(str(os.getpid()))
        (folder / "cgroup.subtree_control").write_text("+memory +pids")
    return [(folder, {"memory.max": MEMORY, "pids.max": PROCESSES})]


def _sweep(folder: Path) -> None:
    """Remove the groups of runs that were killed."""
    for left in folder.glob(f"{NAME}-*-*"):
        number = left.name.split("-")[1]
        if number.isdigit() and not Path("/proc", number).exists():
            with suppress(OSError):
                left.rmdir()
