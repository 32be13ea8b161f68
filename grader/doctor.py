"""What this machine has for grading: Python, packages, isolation, device and formats, and how to get the rest.

What is reported on is not imported: versions are read from the metadata of what is installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from grader import __version__

PYTHON = (3, 11)
PROJECT = "convgrader"
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)\s*(?P<rest>[^;]*?)\s*(;.*extra\s*==\s*['\"](?P<extra>[\w-]+)['\"])?"
)

# format -> the command that writes it and the packages it takes
FORMATS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "md": ("generate", ("jinja2",)),
    "html": ("generate, check, report", ("jinja2", "markdown-it-py", "mdit-py-plugins", "latex2mathml")),
    "table": ("check", ("rich",)),
    "json": ("check, report, doctor", ()),
    "csv": ("report", ()),
    "junit": ("report", ()),
}


@dataclass(frozen=True)
class Item:
    """One thing looked for. `needed`: nothing can be graded without it. `fix` says how to get what is missing."""

    group: str
    name: str
    present: bool
    found: str
    fix: str = ""
    needed: bool = False

    @property
    def status(self) -> str:
        return "ok" if self.present else "missing"


@dataclass(frozen=True)
class Requirement:
    """A package that the project asks for: its name, the least version, and the extra it belongs to."""

    name: str
    least: tuple[int, ...] = ()
    extra: str = ""

    @property
    def text(self) -> str:
        return self.name + (f">={'.'.join(map(str, self.least))}" if self.least else "")


def examine() -> tuple[Item, ...]:
    """Look at this machine; takes well under a second."""
    return (python(), *packages(), *isolation(), *device(), *formats())


def can_grade(items: Sequence[Item]) -> bool:
    """Is everything there without which nothing could be graded?"""
    return all(item.present for item in items if item.needed)


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Item:
    """Return whether this Python is new enough."""
    least = ".".join(map(str, PYTHON))
    fix = f"Install Python {least} or newer, and convgrader into it."
    return Item("python", "Python", version >= PYTHON, ".".join(map(str, version)), fix, needed=True)


def packages() -> Iterator[Item]:
    """Yield convgrader itself, every package of the core, and the packages of the extra `torch`."""
    try:
        wanted = requirements(metadata.requires(PROJECT) or ())
    except metadata.PackageNotFoundError:
        fix = "Install it, so that its packages can be checked: pip install convgrader."
        yield Item("packages", PROJECT, present=False, found=f"{__version__}, running without being installed", fix=fix)
        return
    yield Item("packages", PROJECT, present=True, found=__version__)
    for wish in wanted:
        if wish.extra in ("", "torch"):
            yield package(wish)


def package(wish: Requirement) -> Item:
    """Return whether a package is installed in a version that is new enough."""
    core = not wish.extra
    fix = f"pip install '{wish.text}'" if core else f"pip install '{PROJECT}[{wish.extra}]'"
    found = installed(wish.name)
    if found is None:
        use = "" if core else f"; only needed where students may import {wish.name}"
        return Item("packages", wish.name, present=False, found=f"not installed{use}", fix=fix, needed=core)
    present = numbers(found) >= wish.least
    shown = found if present else f"{found}, older than {'.'.join(map(str, wish.least))}"
    return Item("packages", wish.name, present, shown, fix, needed=core)


def isolation() -> Iterator[Item]:
    """Start a process as for a student's work behind each kind of walls, and yield what holds here."""
    kernel = "Use Linux 5.13 or newer with Landlock and seccomp; in a container, allow these system calls."
    fixes = {
        "full": "Allow user namespaces: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        "bwrap": "Nothing to do where the tier full works. Else: sudo apt-get install bubblewrap",
    }
    try:
        from grader.sandbox.probe import survey
    except ImportError as error:
        fix = f"pip install {error.name}"
        yield Item("isolation", "sandbox", present=False, found=f"needs {error.name}", fix=fix, needed=True)
        return
    tiers = survey()
    best = next((tier.tier for tier in tiers if tier.works), "")
    found = f"students' code is contained, tier {best!r}" if best else "students' code cannot be contained here"
    yield Item("isolation", "sandbox", bool(best), found, kernel, needed=True)
    for tier in tiers:
        walls = ", ".join(tier.walls) if tier.works else tier.problem.partition("\n")[0]
        yield Item("isolation", tier.tier, tier.works, walls, fixes.get(tier.tier, kernel))


def device(root: Path = Path("/")) -> Iterator[Item]:
    """Yield the accelerators that the driver lists; torch is not asked, which would take seconds."""
    names = gpus(root)
    if not names:
        fix = "Nothing to do for NumPy exercises. To train on a GPU: its driver and a CUDA build of torch."
        yield Item("device", "GPU", present=False, found="none: everything runs on the CPU", fix=fix)
    for name in names:
        torch = "" if find_spec("torch") else ", but torch is not installed"
        yield Item("device", "GPU", present=True, found=name + torch)


def formats() -> Iterator[Item]:
    """Yield what can be written, and which command writes it."""
    for name, (commands, wanted) in FORMATS.items():
        absent = [package for package in wanted if installed(package) is None]
        found = f"grader {commands}" + (f"; lacks {', '.join(absent)}" if absent else "")
        yield Item("formats", name, not absent, found, f"pip install {' '.join(absent)}")


def requirements(lines: Sequence[str]) -> tuple[Requirement, ...]:
    """Return the requirements of a project's metadata.

    >>> requirements(["numpy>=1.26", 'torch>=2.4; extra == "torch"'])[1]
    Requirement(name='torch', least=(2, 4), extra='torch')
    """
    found = []
    for line in lines:
        match = _REQUIREMENT.fullmatch(line.strip())
        if match is None:
            continue
        least = re.search(r">=\s*([\d.]+)", match["rest"])
        found.append(Requirement(match["name"].lower(), numbers(least[1]) if least else (), match["extra"] or ""))
    return tuple(found)


def numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version.

    >>> numbers("2.13.0+cpu")
    (2, 13, 0)
    """
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def installed(name: str) -> str | None:
    """Return the version of a package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def gpus(root: Path = Path("/")) -> list[str]:
    """Return the names of the NVIDIA cards, from the driver's files, else from nvidia-smi."""
    folder = root / "proc/driver/nvidia/gpus"
    texts = [path.read_text(errors="replace") for path in sorted(folder.glob("*/information"))]
    names = [match[1].strip() for text in texts if (match := re.search(r"^Model:\s*(.+)$", text, re.MULTILINE))]
    program = shutil.which("nvidia-smi")
    if names or program is None or root != Path("/"):
        return names
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command, found on the path
            [program, "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []
