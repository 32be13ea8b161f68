"""The limits, and the system call filter of both architectures, run by a small interpreter of its own."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from grader.sandbox import contain
from grader.sandbox.host import Sandbox

ALLOW, EPERM, ENOSYS = contain.ALLOW, contain.ERRNO | 1, contain.ERRNO | 38
PID = 77
SPACES = ("mnt", "pid", "net", "ipc", "uts")


def verdict(
    machine: str, number: int, *arguments: int, monkeypatch: pytest.MonkeyPatch, arch: int | None = None
) -> int:
    """Run the filter on one call as the kernel would."""
    monkeypatch.setattr("platform.machine", lambda: machine)
    program = list(struct.iter_unpack("=HBBI", contain._filter(PID)))
    words = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("=IIQ6Q", number, contain.ARCHITECTURES[machine][1] if arch is None else arch, 0, *words)
    at = accumulator = 0
    while True:
        code, then, otherwise, value = program[at]
        at += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, value)
            case 0x06:
                return int(value)
            case 0x15:
                at += then if accumulator == value else otherwise
            case 0x35:
                at += then if accumulator >= value else otherwise
            case 0x45:
                at += then if accumulator & value else otherwise
            case _:
                raise AssertionError(f"code {code:#x} is not used")


@pytest.mark.parametrize(
    ("machine", "read", "execve", "clone", "kill", "socket", "fcntl"),
    [("x86_64", 0, 59, 56, 62, 41, 72), ("aarch64", 63, 221, 220, 129, 198, 25)],
)
def test_the_filter_decides_as_promised(
    monkeypatch: pytest.MonkeyPatch,
    machine: str,
    read: int,
    execve: int,
    clone: int,
    kill: int,
    socket: int,
    fcntl: int,
) -> None:
    """An entry of the wrong architecture's table would open what it should close."""

    def decide(number: int, *arguments: int) -> int:
        return verdict(machine, number, *arguments, monkeypatch=monkeypatch)

    assert decide(read) == ALLOW
    assert decide(execve) == decide(socket) == decide(9999) == EPERM
    assert decide(435) == ENOSYS
    assert decide(clone, 0x3D0F00) == ALLOW  # a thread, as the C library makes it
    assert decide(clone, 17) == decide(clone, 0x10000 | 0x10000000) == EPERM
    assert decide(kill, PID, 9) == ALLOW
    assert decide(kill, PID + 1, 0) == decide(kill, 2**32 - 1, 9) == decide(kill, 0, 9) == EPERM
    assert decide(fcntl, 3, 3) == ALLOW
    assert decide(fcntl, 3, 6) == EPERM
    assert decide(0x40000000 | read) == contain.KILL_PROCESS


def test_another_architectures_calls_end_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The 32-bit calls of a 64-bit kernel have other numbers."""
    assert verdict("x86_64", 11, monkeypatch=monkeypatch, arch=0x40000003) == contain.KILL_PROCESS


def test_other_machines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a table there is no filter, and without a filter no student's code."""
    with pytest.raises(OSError, match="no system call table"):
        verdict("riscv64", 0, monkeypatch=monkeypatch, arch=0)


def test_the_limits_are_these() -> None:
    """No large file, no core dump, no queue, few files, and nothing locked in memory; a little time to say its end."""
    program = (
        "import json, resource, sys; sys.path.insert(0, '.'); from grader.sandbox import contain\n"
        "contain.limit(1 << 32, 7, 64)\n"
        "names = 'CPU FSIZE CORE MSGQUEUE AS NOFILE MEMLOCK NPROC'.split()\n"
        "print(json.dumps({n: resource.getrlimit(getattr(resource, f'RLIMIT_{n}')) for n in names}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert json.loads(done.stdout) == {
        "CPU": [7, 8],
        "FSIZE": [64 << 20, 64 << 20],
        "CORE": [0, 0],
        "MSGQUEUE": [0, 0],
        "AS": [1 << 32, 1 << 32],
        "NOFILE": [64, 64],
        "MEMLOCK": [0, 0],
        "NPROC": [64, 64],
    }


@pytest.mark.parametrize("uid", [0, 1000])
def test_bubblewrap_is_told_of_every_wall(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, uid: int) -> None:
    """Behind Landlock and seccomp no attack shows that one of its namespaces was forgotten."""
    called: list[list[str]] = []
    program = tmp_path / "bwrap"
    program.touch(mode=0o755)
    monkeypatch.setattr(contain, "BUBBLEWRAP", (str(tmp_path / "no"), str(program)))
    monkeypatch.setattr("os.execv", lambda path, words: called.append([path, *words]))
    monkeypatch.setattr("os.getuid", lambda: uid)
    contain.wrap(["/usr/lib/x", "/dev/null", "/proc/cpuinfo"], ["/grader/worker.py"], ["worker.py", "inside"])
    (words,) = called
    before, after = words[: words.index("--")], words[words.index("--") + 1 :]
    assert before[:2] == [str(program)] * 2
    assert {f"--unshare-{name}" for name in ("pid", "net", "ipc", "uts")} | {"--as-pid-1"} <= set(before)
    assert ("--unshare-user" in before) == (uid != 0)
    assert ("--cap-add" in before) == (uid == 0)
    binds = [(kind, path) for kind, path in pairwise(before) if kind.endswith("-bind")]
    python = os.path.realpath(sys.executable)
    shown = [("--ro-bind", path) for path in ("/grader/worker.py", "/usr/lib/x", python)]
    assert sorted(binds) == sorted([("--dev-bind", "/dev/null"), *shown])
    assert " ".join(before).endswith("--remount-ro / --chdir /")
    assert after == [python, "-I", "-S", "-B", "worker.py", "inside"]


@pytest.mark.parametrize("tier", [contain.FULL, contain.BWRAP])
def test_the_worker_is_in_namespaces_of_its_own(tier: str) -> None:
    with Sandbox(tier=tier) as sandbox:
        outer = sandbox.worker_pid
        (inner,) = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
        try:
            theirs, ours = ([os.readlink(f"/proc/{pid}/ns/{name}") for name in SPACES] for pid in (inner, "self"))
        except PermissionError:
            pytest.skip("only root may look at a process that hides itself")
    assert not set(theirs) & set(ours)
