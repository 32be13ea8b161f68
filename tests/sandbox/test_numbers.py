"""What the kernel calls its calls and rights, copied from its own headers: nothing here is taken from our tables.

One digit off, the filter opens another call than it names; no test of the walls on one machine sees that of the other.
"""

from __future__ import annotations

import ctypes
import fcntl
import struct
import termios
from pathlib import Path

import pytest

from grader.sandbox import contain

# Linux 6.1, asm/unistd_64.h and asm-generic/unistd.h: a call's number on x86_64 and on aarch64, - where it has none.
HEADERS = """
read 0 63, write 1 64, open 2 -, close 3 57, stat 4 -, fstat 5 80, lstat 6 -, poll 7 -, lseek 8 62, mmap 9 222,
mprotect 10 226, munmap 11 215, brk 12 214, rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139,
ioctl 16 29, pread64 17 67, pwrite64 18 68, readv 19 65, writev 20 66, access 21 -, pipe 22 -, select 23 -,
sched_yield 24 124, mremap 25 216, msync 26 227, mincore 27 232, madvise 28 233, dup 32 23, dup2 33 -, pause 34 -,
nanosleep 35 101, getitimer 36 102, alarm 37 -, setitimer 38 103, getpid 39 172, sendto 44 206, recvfrom 45 207,
sendmsg 46 211, recvmsg 47 212, shutdown 48 210, getsockname 51 204, getpeername 52 205, getsockopt 55 209,
clone 56 220, exit 60 93, wait4 61 260, kill 62 129, uname 63 160, fcntl 72 25, ftruncate 77 46, getdents 78 -,
getcwd 79 17, readlink 89 -, gettimeofday 96 169, getrlimit 97 163, getrusage 98 165, sysinfo 99 179,
times 100 153, getuid 102 174, getgid 104 176, geteuid 107 175, getegid 108 177, getppid 110 173, getpgrp 111 -,
getgroups 115 158, getresuid 118 148, getresgid 120 150, getpgid 121 155, getsid 124 156, capset 126 91,
rt_sigpending 127 136, rt_sigtimedwait 128 137, rt_sigsuspend 130 133, sigaltstack 131 132, statfs 137 43,
fstatfs 138 44, sched_getparam 143 121, sched_getscheduler 145 120, sched_get_priority_max 146 125,
sched_get_priority_min 147 126, pivot_root 155 41, prctl 157 167, arch_prctl 158 -, gettid 186 178, time 201 -,
futex 202 98, sched_getaffinity 204 123, epoll_create 213 -, getdents64 217 61, set_tid_address 218 96,
restart_syscall 219 128, clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115, exit_group 231 94,
epoll_wait 232 -, epoll_ctl 233 21, tgkill 234 131, get_mempolicy 239 236, openat 257 56, newfstatat 262 79,
readlinkat 267 78, faccessat 269 48, pselect6 270 72, ppoll 271 73, set_robust_list 273 99, epoll_pwait 281 22,
eventfd2 290 19, epoll_create1 291 20, dup3 292 24, pipe2 293 59, prlimit64 302 261, getcpu 309 168,
seccomp 317 277, getrandom 318 278, membarrier 324 283, statx 332 291, rseq 334 293, clone3 435 435,
close_range 436 436, openat2 437 437, faccessat2 439 439, epoll_pwait2 441 441, landlock_create_ruleset 444 444,
landlock_add_rule 445 445, landlock_restrict_self 446 446, futex_waitv 449 449
"""
MACHINES = ("x86_64", "aarch64")
KERNEL = {
    name: tuple(None if number == "-" else int(number) for number in numbers)
    for name, *numbers in (entry.split() for entry in HEADERS.replace("\n", " ").strip(", ").split(","))
}
LANDLOCK = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")


def test_every_call_has_the_kernels_number() -> None:
    ours: dict[str, tuple[int | None, ...]] = {**contain.NUMBERS, **contain.ABSENT}
    for name in contain.OTHER_CALLS["x86_64"]:
        ours[name] = tuple(contain.OTHER_CALLS[machine][name] for machine in MACHINES)
    assert ours == {name: numbers for name, numbers in KERNEL.items() if name not in LANDLOCK}


def test_calls_that_do_many_things_do_those_few() -> None:
    """Not, as ioctl may, write into somebody's terminal."""
    assert contain.ARGUMENT_LISTS == {
        "ioctl": (termios.TCGETS, termios.FIONREAD, termios.FIONBIO, termios.FIONCLEX, termios.FIOCLEX),
        "fcntl": (
            fcntl.F_DUPFD, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL, fcntl.F_DUPFD_CLOEXEC,
        ),
        "prctl": (15, 16),  # PR_SET_NAME and PR_GET_NAME
    }  # fmt: skip


# include/uapi/linux/landlock.h: the rights to files, those to networks, and the scopes that each version knows, and how
# long its attribute is. 13 rights to files at first; then to link between folders, truncate, and ioctl.
RIGHTS = [
    (1, 0x1FFF, 0, 0, 8),
    (2, 0x3FFF, 0, 0, 8),
    (3, 0x7FFF, 0, 0, 8),
    (4, 0x7FFF, 3, 0, 16),
    (5, 0xFFFF, 3, 0, 16),
    (6, 0xFFFF, 3, 3, 24),
    (7, 0xFFFF, 3, 3, 24),
]


@pytest.mark.parametrize(("version", "files", "nets", "scopes", "size"), RIGHTS)
def test_landlock_handles_every_right_that_a_version_knows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: int, files: int, nets: int, scopes: int, size: int
) -> None:
    """A right that is not handled is granted; one that is not known makes the kernel refuse the ruleset."""
    (tmp_path / "file").touch()
    asked: list[tuple[int, tuple[object, ...]]] = []

    def call(number: int, _: str, *arguments: object) -> int:
        asked.append((number, arguments))
        return 3

    monkeypatch.setattr(contain, "landlock_version", lambda: version)
    monkeypatch.setattr(contain, "_call", call)
    assert contain._ruleset([str(tmp_path), str(tmp_path / "file"), "/dev/null", "/not/there"]) == 3
    (number, (attribute, length, flags)), *rules = asked
    assert (number, length, flags) == (KERNEL["landlock_create_ruleset"][0], size, 0)
    assert attribute == struct.pack("=QQQ", files, nets, scopes)[:size]
    assert {number for number, _ in rules} == {KERNEL["landlock_add_rule"][0]}
    granted = [struct.unpack_from("=Q", rule)[0] for _, (_, _, rule, _) in rules if isinstance(rule, bytes)]
    assert granted == [4 | 8, 4, 4 | 2]  # a folder is read and listed, a file is read, only /dev/null is written


def test_this_kernel_takes_the_rights_of_its_version() -> None:
    version = contain.landlock_version()
    if not version:
        pytest.skip("the kernel has no Landlock")
    _, files, nets, scopes, size = RIGHTS[min(version, len(RIGHTS)) - 1]
    attribute = struct.pack("=QQQ", files, nets, scopes)[:size]
    descriptor = ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(444), attribute, ctypes.c_size_t(size), 0)
    assert descriptor >= 0
    ctypes.CDLL(None).close(descriptor)
