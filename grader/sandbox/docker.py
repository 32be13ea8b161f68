"""`grader check --sandbox docker`: the whole run in a container of Docker or Podman, with the landlock tier inside.

The engine's limits bound memory and processes and take the network away; between the students and the grader stand
the same walls as without a container. What is graded is mounted to be read only.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader import __version__
from grader.errors import InputError

IMAGE = f"convgrader:{__version__}"
ENGINES = ("docker", "podman")
BUILD = "{engine} build -t {image} -f Containerfile ."
NOT_RUN = range(125, 128)  # what an engine ends with when nothing ran
# To become another user and to end that user's processes; only where the grader runs as root.
FOR_ROOT = ("SETUID", "SETGID", "SETPCAP", "KILL")


@dataclass(frozen=True)
class Mount:
    """A file or folder of this machine, and where it is inside."""

    source: Path
    target: str
    writable: bool = False

    @property
    def words(self) -> list[str]:
        source = str(self.source.resolve())
        if "," in source or '"' in source:
            raise InputError(f"{source}: a container cannot be given a path with a comma or a quote", hint="Rename it.")
        access = "" if self.writable else ",readonly"
        return ["--mount", f"type=bind,source={source},target={self.target}{access}"]


def mounts_of(paths: Sequence[Path]) -> list[Mount]:
    """Return where the submissions are inside; each keeps its name and its folder's, which
    are those of students.

    Raises:
        InputError: one of them does not exist.
    """
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
    return [Mount(path, _inside(number, path.resolve())) for number, path in enumerate(paths)]


def _inside(number: int, path: Path) -> str:
    return f"/submissions/{number}/{path.parent.name or 'root'}/{path.name}"


def command(
    engine: str, mounts: Sequence[Mount], words: Sequence[str], *, jobs: int, user: tuple[int, int], terminal: bool
) -> list[str]:
    """Return the engine's command line; `words` follow `grader check --sandbox landlock` inside.

    Each of `jobs` students gets 2 GiB and 64 processes, the grader 1 GiB and 64. `user` is (uid, gid) inside.
    """
    capabilities = [word for name in FOR_ROOT for word in ("--cap-add", name)] if user[0] == 0 else []
    memory = f"{1 + 2 * jobs}g"
    return [
        *(engine, "run", "--rm", "--interactive", *(["--tty"] if terminal else [])),
        *("--network", "none", "--read-only", "--cap-drop", "ALL", *capabilities),
        *("--security-opt", "no-new-privileges", "--pids-limit", str(64 * (1 + jobs))),
        *("--memory", memory, "--memory-swap", memory),
        *("--tmpfs", "/tmp:rw,nosuid,nodev,size=256m,mode=1777"),  # noqa: S108 (the container's own)
        *("--user", f"{user[0]}:{user[1]}", "--workdir", "/tmp"),  # noqa: S108 (the same)
        *("--env", "HOME=/tmp", "--env", "XDG_CACHE_HOME=/cache"),
        *(word for mount in mounts for word in mount.words),
        *(IMAGE, "check", "--sandbox", "landlock", "--jobs", str(jobs), *words),
    ]


def engine() -> str:
    """Return the path of Docker or Podman; InputError where neither is."""
    for name in ENGINES:
        if path := shutil.which(name):
            return path
    raise InputError(
        "--sandbox docker: neither docker nor podman was found", hint="Install one, or see `grader doctor`."
    )


def run(mounts: Sequence[Mount], words: Sequence[str], *, jobs: int) -> int:
    """Grade in a container; return its exit status, which is that of `grader check`.

    Raises:
        InputError: the engine could not run the image.
    """
    program = engine()
    terminal = sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()
    line = command(
        program, mounts, words, jobs=jobs or os.cpu_count() or 1, user=(os.getuid(), os.getgid()), terminal=terminal
    )
    print(shlex.join(line), file=sys.stderr)  # noqa: T201 (so that it can be looked at and run by hand)
    process = subprocess.Popen(line)  # noqa: S603 (the engine, no shell)
    while True:
        try:
            status = process.wait()
            break
        except KeyboardInterrupt:  # the engine got it too, and passes it on
            continue
    if status in NOT_RUN:
        name = Path(program).name
        raise InputError(
            f"--sandbox docker: {name} could not run the image {IMAGE} (status {status})",
            hint=f"Is {name} running? Build the image: {BUILD.format(engine=name, image=IMAGE)}",
        )
    return status
