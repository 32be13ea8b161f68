"""Which containment works on this machine, found out by trying to break out of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grader.contract import Call, Limits
from grader.errors import SandboxError
from grader.sandbox import contain
from grader.sandbox.replies import Returned

if TYPE_CHECKING:
    from grader.sandbox.host import Sandbox

ATTEMPTS = {
    "kill": "signal the worker process",
    "fork": "start a process",
    "run": "run a program",
    "connect": "open a network socket",
    "read": "read a file that is not its own",
    "write": "write a file",
    "trace": "look into another process",
    "root": "be root",
}
# Runs inside, as a student's module would; each attempt returns whether it worked.
SOURCE = b"""
import ctypes, os, socket

def kill(secret):
    os.kill(os.getppid() or 1, 0)
    return os.getppid() != 0

def fork(secret):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return True

def run(secret):
    os.execv("/bin/true", ["true"])

def connect(secret):
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
    return True

def read(secret):
    with open(secret) as file:
        return file.read() == "secret"

def write(secret):
    for path in (secret, "/tmp/left-behind", "/left-behind", "/dev/shm/left-behind"):
        try:
            open(path, "a").close()
            return True
        except OSError:
            pass
    return False

def trace(secret):
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.ptrace(16, os.getppid() or 1, 0, 0) == 0

def root(secret):
    return os.getuid() == 0
"""


@dataclass(frozen=True)
class TierReport:
    """One tier on this machine: whether it works, its walls, and what is missing."""

    tier: str
    works: bool
    walls: tuple[str, ...] = ()
    problem: str = ""


def breaches(sandbox: Sandbox) -> tuple[str, ...]:
    """Return what a student's process could do in this sandbox though it must not: names of ATTEMPTS."""
    secret = Path(sandbox.folder, "secret")
    secret.write_text("secret", encoding="ascii")
    secret.chmod(0o666)
    return tuple(_attempt_all(sandbox, str(secret)))


def _attempt_all(sandbox: Sandbox, secret: str) -> list[str]:
    """Try everything in one process; after an attempt that ended it, the others go on in a new one."""
    worked, todo = [], list(ATTEMPTS)
    while todo:
        with sandbox.open(SOURCE, "probe.py", Limits(call_seconds=5.0), b"probe") as session:
            session.load()
            for name in tuple(todo):
                todo.remove(name)
                reply = session.call(name, Call((secret,)), reply_bytes=8)
                if isinstance(reply, Returned) and reply.value is True:
                    worked.append(name)
                if session.died:  # nothing but a program that took its place ends it
                    worked.append(name)
                    break
    return worked


def survey() -> tuple[TierReport, ...]:
    """Start every tier, try to break out of it, and say how that went; best first."""
    from grader.sandbox.host import Sandbox

    reports = []
    for tier in (contain.FULL, contain.BWRAP, contain.LANDLOCK):
        try:
            with Sandbox(tier=tier) as sandbox:
                reports.append(TierReport(tier, True, tuple(sandbox.walls)))
        except SandboxError as error:
            reports.append(TierReport(tier, False, problem=error.message))
    return tuple(reports)
