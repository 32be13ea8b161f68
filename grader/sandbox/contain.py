"""The walls around students' processes: namespaces for the zygote, then Landlock, seccomp and limits for each child.

Everything is done with plain system calls, so nothing has to be installed. `enclose` is called once by the zygote,
`prepare` once after its imports, `confine` in every child; a wall that was asked for and cannot be built is an
OSError. The tables know x86_64 and aarch64.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import random
import resource
import stat
import struct
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path

FULL, BWRAP, LANDLOCK, NONE = "full", "bwrap", "landlock", "none"
INSIDE = "inside bwrap"  # the tier of a worker that bubblewrap has put into its namespaces

# x86_64, aarch64; None where the architecture has no such call.
NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63), "write": (1, 64), "open": (2, None), "close": (3, 57), "stat": (4, None), "fstat": (5, 80),
    "lstat": (6, None), "poll": (7, None), "lseek": (8, 62), "mmap": (9, 222), "mprotect": (10, 226),
    "munmap": (11, 215), "brk": (12, 214), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139), "ioctl": (16, 29), "pread64": (17, 67), "pwrite64": (18, 68), "readv": (19, 65),
    "writev": (20, 66), "access": (21, None), "pipe": (22, None), "select": (23, None), "sched_yield": (24, 124),
    "mremap": (25, 216), "msync": (26, 227), "mincore": (27, 232), "madvise": (28, 233), "dup": (32, 23),
    "dup2": (33, None), "pause": (34, None), "nanosleep": (35, 101), "getitimer": (36, 102), "alarm": (37, None),
    "setitimer": (38, 103), "getpid": (39, 172), "sendto": (44, 206), "recvfrom": (45, 207), "sendmsg": (46, 211),
    "recvmsg": (47, 212), "clone": (56, 220), "exit": (60, 93), "wait4": (61, 260), "kill": (62, 129),
    "uname": (63, 160), "fcntl": (72, 25), "ftruncate": (77, 46), "getcwd": (79, 17), "readlink": (89, None),
    "gettimeofday": (96, 169), "getrlimit": (97, 163), "getrusage": (98, 165), "sysinfo": (99, 179),
    "times": (100, 153), "getuid": (102, 174), "getgid": (104, 176), "geteuid": (107, 175), "getegid": (108, 177),
    "getppid": (110, 173), "getpgrp": (111, None), "getgroups": (115, 158), "getresuid": (118, 148),
    "getresgid": (120, 150), "getpgid": (121, 155), "getsid": (124, 156), "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137), "rt_sigsuspend": (130, 133), "sigaltstack": (131, 132), "prctl": (157, 167),
    "arch_prctl": (158, None), "gettid": (186, 178), "time": (201, None), "futex": (202, 98),
    "sched_getaffinity": (204, 123), "epoll_create": (213, None), "getdents64": (217, 61),
    "set_tid_address": (218, 96), "restart_syscall": (219, 128), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "exit_group": (231, 94), "epoll_wait": (232, None),
    "epoll_ctl": (233, 21), "tgkill": (234, 131), "openat": (257, 56), "newfstatat": (262, 79),
    "readlinkat": (267, 78), "faccessat": (269, 48), "pselect6": (270, 72), "ppoll": (271, 73),
    "set_robust_list": (273, 99), "epoll_pwait": (281, 22), "eventfd2": (290, 19), "epoll_create1": (291, 20),
    "dup3": (292, 24), "pipe2": (293, 59), "prlimit64": (302, 261), "getcpu": (309, 168), "getrandom": (318, 278),
    "membarrier": (324, 283), "statx": (332, 291), "rseq": (334, 293), "close_range": (436, 436),
    "faccessat2": (439, 439), "getdents": (78, None), "epoll_pwait2": (441, 441), "get_mempolicy": (239, 236),
    "sched_getparam": (143, 121), "sched_getscheduler": (145, 120), "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126), "statfs": (137, 43), "fstatfs": (138, 44), "shutdown": (48, 210),
    "getsockopt": (55, 209), "getsockname": (51, 204), "getpeername": (52, 205),
}  # fmt: skip
ABSENT = {
    "clone3": (435, 435),
    "openat2": (437, 437),
    "futex_waitv": (449, 449),
}  # a C library that sees none uses the older
ARGUMENT_LISTS: dict[str, tuple[int, ...]] = {
    "ioctl": (0x5401, 0x541B, 0x5421, 0x5450, 0x5451),  # TCGETS, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
    "fcntl": (0, 1, 2, 3, 4, 1030),  # duplicates and flags; no locks, leases, owners or seals
    "prctl": (15, 16),  # a thread's name
}
FIRST_ARGUMENT = frozenset({"prctl"})
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
OTHER_CALLS = {  # used here, not allowed inside
    "x86_64": {"pivot_root": 155, "capset": 126, "seccomp": 317},
    "aarch64": {"pivot_root": 41, "capset": 91, "seccomp": 277},
}
CLONE_THREAD = 0x10000
ALLOW, KILL_PROCESS, ERRNO = 0x7FFF0000, 0x80000000, 0x50000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 8, 24, 38
CAP_DAC_READ_SEARCH = 2
NEW_MOUNTS, NEW_UTS, NEW_IPC, NEW_USER, NEW_PIDS, NEW_NET = (
    0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
)  # fmt: skip
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
LIBRARIES = (
    "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
    "/lib64", "/usr/lib64", "/usr/local/lib64",
)  # fmt: skip
READABLE_FILES = (
    "/etc/ld.so.cache", "/dev/null", "/dev/zero", "/dev/urandom", "/etc/localtime", "/proc/cpuinfo", "/proc/meminfo",
)  # fmt: skip
HIDDEN = ("site-packages", "dist-packages", "ensurepip", "test")  # of the standard library's folder
LINKS = ("/lib", "/lib64", "/bin", "/usr/lib64")  # that stand for folders in /usr
BUBBLEWRAP = ("/usr/bin/bwrap", "/usr/local/bin/bwrap")
READABLE_FOLDERS = ("/sys/devices/system/cpu", "/usr/share/zoneinfo")

_libc = ctypes.PyDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _call(number: int, what: str, *arguments: object) -> int:
    _libc.syscall.restype = ctypes.c_long
    words = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    return _check(_libc.syscall(ctypes.c_long(number), *words), what)


def _prctl(option: int, argument: int = 0) -> None:
    words = (ctypes.c_ulong(word) for word in (argument, 0, 0, 0))
    _check(_libc.prctl(ctypes.c_int(option), *words), f"prctl {option}")


def _machine() -> str:
    machine = platform.machine()
    if machine not in ARCHITECTURES or sys.platform != "linux":
        raise OSError(errno.ENOSYS, f"no system call table for {sys.platform} on {machine}")
    return machine


# ---- what may be read ----


def readable_paths(folder: str) -> list[str]:
    """Return the real paths that a child may read: standard library, shared libraries, packages linked in `folder`."""
    found = [folder]
    for name in os.listdir(folder):
        found.append(os.path.realpath(os.path.join(folder, name)))
    found += standard_library()
    found += [os.path.realpath(path) for path in (*LIBRARIES, *_mapped_folders()) if os.path.isdir(path)]
    found += [path for path in (*READABLE_FILES, *READABLE_FOLDERS) if os.path.exists(path)]
    return list(dict.fromkeys(found))


def standard_library() -> list[str]:
    """Return every entry of the standard library but its site-packages, where other people's packages are."""
    paths = []
    for key in ("stdlib", "platstdlib"):
        root = os.path.realpath(sysconfig.get_path(key))
        for name in sorted(os.listdir(root)):
            if name not in HIDDEN:
                paths.append(os.path.join(root, name))
    return list(dict.fromkeys(paths))


def _mapped_folders() -> list[str]:
    """Return the folders of the shared libraries that the interpreter itself has loaded."""
    folders = []
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        for line in file:
            path = line.split(maxsplit=5)[-1].strip()
            if path.startswith("/") and ".so" in os.path.basename(path):
                folders.append(os.path.dirname(path))
    stdlib = os.path.realpath(sysconfig.get_path("platstdlib"))
    return [path for path in dict.fromkeys(folders) if not path.startswith(stdlib)]


# ---- namespaces, once a zygote ----


def wrap(paths: list[str], files: list[str], command: list[str]) -> None:
    """Become this Python command as process 1 of bubblewrap's namespaces, where it sees `paths` and its own `files`.

    Where only bubblewrap may make namespaces (Ubuntu from 24.04 on, as shipped) this is how to have them.
    """
    program = next((path for path in BUBBLEWRAP if os.access(path, os.X_OK)), None)
    if program is None:
        raise OSError(errno.ENOENT, "bubblewrap is not installed: sudo apt-get install bubblewrap")
    python = os.path.realpath(sys.executable)
    words = [program, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--as-pid-1"]
    if os.getuid():
        words += ["--unshare-user", "--uid", "1000", "--gid", "1000"]
    else:  # which `enclose` gives up, as in the other tiers
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_DAC_READ_SEARCH"):
            words += ["--cap-add", capability]
    words += ["--proc", "/proc", "--dir", "/tmp"]  # noqa: S108 (empty, and not to be written)
    for path in sorted({*paths, *files, python}):
        if not path.startswith("/proc/"):
            words += ["--dev-bind" if path.startswith("/dev/") else "--ro-bind", path, path]
    for link in LINKS:
        if os.path.islink(link):
            words += ["--symlink", os.readlink(link), link]
    os.execv(program, [*words, "--remount-ro", "/", "--chdir", "/", "--", python, "-I", "-S", "-B", *command])  # noqa: S606 (no shell)


def enclose(tier: str, paths: list[str], root: str) -> tuple[list[str], int]:
    """Give up root and, in the full tier, go into namespaces whose only files are those that may be read.

    Returns the names of the walls built and a descriptor of this process in /proc. The calling process continues
    as process 1 of its own tree; the original one only waits for it.
    """
    walls: list[str] = []
    outer_uid, outer_gid = os.getuid(), os.getgid()
    if tier == FULL:
        spaces = NEW_MOUNTS | NEW_UTS | NEW_IPC | NEW_PIDS | NEW_NET
        if outer_uid == 0:
            _check(_libc.unshare(spaces), "unshare")
        else:
            _check(_libc.unshare(spaces | NEW_USER), "unshare")
            Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
            Path("/proc/self/uid_map").write_text(f"1000 {outer_uid} 1", encoding="ascii")
            Path("/proc/self/gid_map").write_text(f"1000 {outer_gid} 1", encoding="ascii")
        _become_first_process()
        process = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY)
        _change_root(root, paths)
        walls.append("namespaces")
    else:
        process = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY)
        walls += ["namespaces"] if tier == INSIDE else []
    for capability in range(41):
        with suppress(OSError):
            _prctl(PR_CAPBSET_DROP, capability)
    if outer_uid == 0:
        _become_nobody()
        walls.append("other user")
    _keep_capabilities(0 if os.access(os.__file__, os.R_OK) else 1 << CAP_DAC_READ_SEARCH)
    if tier in (FULL, INSIDE):  # elsewhere the parent is a thread of the grader, whose end must not be ours
        _prctl(PR_SET_PDEATHSIG, 9)
    _prctl(PR_SET_DUMPABLE, 0)
    return walls, process


def _become_first_process() -> None:
    pid = os.fork()
    if pid:
        os.closerange(3, 1024)
        _, status = os.waitpid(pid, 0)
        os._exit(1 if status else 0)
    _prctl(PR_SET_PDEATHSIG, 9)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode() if kind else None, ctypes.c_ulong(flags), data.encode()
    )
    _check(result, f"mount {target}")


def _change_root(root: str, paths: list[str]) -> None:
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    _mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,mode=755")
    for path in sorted(paths):
        _show(path, root + path)
    os.makedirs(root + "/tmp", exist_ok=True)  # noqa: S108 (empty, and not to be written)
    for link in LINKS:
        if os.path.islink(link) and not os.path.lexists(root + link):
            os.symlink(os.readlink(link), root + link)
    _mount("none", root, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
    os.chdir(root)
    _call(OTHER_CALLS[_machine()]["pivot_root"], "pivot_root", b".", b".")
    _check(_libc.umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")


def _show(path: str, target: str) -> None:
    """Make a file or folder of the old root visible at the same place of the new one, to be read only."""
    if os.path.lexists(target):  # inside a folder that is shown already
        return
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    if os.path.isdir(path):
        os.mkdir(target, 0o755)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    try:
        _mount(path, target, None, MS_BIND)
    except OSError:
        if path.startswith(("/proc/", "/sys/")):  # hidden in some containers, and nothing depends on it
            return
        raise
    kept = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | 8 | 1024 | 2048)  # flags that may not be taken away
    device = stat.S_ISCHR(os.stat(target).st_mode)
    flags = MS_REMOUNT | MS_BIND | MS_NOSUID | kept | (0 if device else MS_RDONLY | MS_NODEV)
    _mount("none", target, None, flags)


def _become_nobody() -> None:
    """Stop being root: take a user id that nobody else has, out of the range that systemd gives to such users."""
    uid = random.SystemRandom().randrange(61184, 65520)
    _prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _keep_capabilities(mask: int) -> None:
    """Give up all capabilities but these: none, or the one to read a library in a folder that only root enters."""
    header = struct.pack("=Ii", 0x20080522, 0)
    _check(_libc.capset(header, struct.pack("=6I", mask, mask, 0, 0, 0, 0)), "capset")


# ---- Landlock and seccomp, for each child ----


def landlock_version() -> int:
    """Return the version of Landlock that the kernel offers, 0 for none."""
    try:
        return _call(444, "landlock", None, 0, 1)
    except OSError:
        return 0


def _ruleset(paths: list[str]) -> int:
    """Return a ruleset that lets nothing be written, run, connected or signalled, and only these paths be read."""
    version = landlock_version()
    if not version:
        raise OSError(errno.ENOSYS, "the kernel has no Landlock")
    files = (1 << (13 if version < 2 else 14 if version < 3 else 15 if version < 5 else 16)) - 1
    nets, scopes = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _call(444, "landlock_create_ruleset", struct.pack("=QQQ", files, nets, scopes)[:size], size, 0)
    for path in paths:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        access = 4 | (8 if os.path.isdir(path) else 0) | (2 if path == "/dev/null" else 0)  # read, list, write
        _call(445, "landlock_add_rule", ruleset, 1, struct.pack("=Qi", access, descriptor), 0)
        os.close(descriptor)
    return ruleset


def _line(code: int, then: int, otherwise: int, value: int | None) -> bytes:
    assert value is not None
    return struct.pack("=HBBI", code, then, otherwise, value)


def _filter(pid: int) -> bytes:
    """Return the seccomp program: the calls of NUMBERS, with their conditions; every other one fails with EPERM."""
    column, architecture = ARCHITECTURES[_machine()]
    program: list[tuple[int, int, int, int | None]] = [
        (0x20, 0, 0, 4),
        (0x15, 1, 0, architecture),
        (0x06, 0, 0, KILL_PROCESS),
        (0x20, 0, 0, 0),
    ]
    program += [(0x35, 0, 1, 0x40000000), (0x06, 0, 0, KILL_PROCESS)]  # the x32 calls of x86_64
    special = {"clone", "kill", "tgkill", "prlimit64", *ARGUMENT_LISTS}
    for name, numbers in NUMBERS.items():
        if numbers[column] is not None and name not in special:
            program += [(0x15, 0, 1, numbers[column]), (0x06, 0, 0, ALLOW)]
    for numbers in ABSENT.values():
        program += [(0x15, 0, 1, numbers[column]), (0x06, 0, 0, ERRNO | errno.ENOSYS)]
    for name in sorted(special):
        body = _condition(name, pid)
        program += [(0x15, 0, len(body), NUMBERS[name][column]), *body]
    program.append((0x06, 0, 0, ERRNO | errno.EPERM))
    return b"".join(_line(*line) for line in program)


def _condition(name: str, pid: int) -> list[tuple[int, int, int, int]]:
    """Return the lines that decide one call by an argument: its low half is at 16 + 8 n, its high half 4 further."""
    allow, refuse = (0x06, 0, 0, ALLOW), (0x06, 0, 0, ERRNO | errno.EPERM)
    if name == "clone":  # threads of this process only, in no new namespace
        return [
            (0x20, 0, 0, 16), (0x45, 1, 0, 0x7E020000), (0x45, 1, 0, CLONE_THREAD), refuse, allow,
        ]  # fmt: skip
    at = 16 if name in FIRST_ARGUMENT or name not in ARGUMENT_LISTS else 24
    values = ARGUMENT_LISTS.get(name, (0, pid) if name == "prlimit64" else (pid,))
    lines = [(0x20, 0, 0, at)]
    for value in values:
        lines += [(0x15, 0, 1, value), allow]
    return [*lines, refuse]


class Walls:
    """What the zygote prepares once, for all its children."""

    def __init__(self, tier: str, names: list[str], paths: list[str]) -> None:
        self.tier = tier
        self.names = ["limits", *names]
        self.ruleset = -1
        self.processes = 64 if {"namespaces", "other user"} & set(names) else 0
        if tier != NONE:
            self.ruleset = _ruleset(paths)
            _filter(1)
            self.names += ["landlock", "seccomp"]


def limit(memory: int, cpu: int, processes: int) -> None:
    """Limit memory (bytes), processor time (seconds), files, threads and what can be written.

    With a negative memory nothing of it is limited, nor files and locked pages: a GPU's driver reserves tens of
    gigabytes of addresses and opens many files of its own.
    """
    limits = [
        (resource.RLIMIT_CPU, cpu, cpu + 1),
        (resource.RLIMIT_FSIZE, 64 << 20, 64 << 20),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
    ]
    if memory >= 0:
        limits += [
            (resource.RLIMIT_AS, memory, memory),
            (resource.RLIMIT_NOFILE, 64, 64),
            (resource.RLIMIT_MEMLOCK, 0, 0),
        ]
    if processes:
        limits.append((resource.RLIMIT_NPROC, processes, processes))
    for name, soft, hard in limits:
        resource.setrlimit(name, (soft, hard))


def confine(walls: Walls, memory: int, cpu: int) -> None:
    """Close the walls around the calling process; there is no way back."""
    limit(memory, cpu, walls.processes)
    _prctl(PR_SET_PDEATHSIG, 9)
    if walls.tier == NONE:
        return
    _prctl(PR_SET_DUMPABLE, 0)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _call(446, "landlock_restrict_self", walls.ruleset, 0)
    os.close(walls.ruleset)
    program = _filter(os.getpid())
    lines = ctypes.create_string_buffer(program)
    header = struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(lines))
    _call(OTHER_CALLS[_machine()]["seccomp"], "seccomp", 1, 0, header)
