"""The trusted side of the sandbox: starts zygotes, opens sessions, turns what a process does into replies.

Nothing that a session's process sends or does may raise here: it becomes Raised or Died. SandboxError means that
the grader's own worker could not be started or kept.
"""

from __future__ import annotations

import array
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from grader.contract import Call, Limits
from grader.errors import InputError, SandboxError
from grader.outcome import Outcome
from grader.sandbox import cgroups, contain, probe, protocol
from grader.sandbox.replies import Died, Junk, Raised, Reply, Returned
from grader.sandbox.script import Script

START_SECONDS = 60.0  # importing torch from a cold disk takes long
ANSWER_SECONDS = 5.0  # for the zygote, which does no work of its own
SESSIONS_PER_ZYGOTE = 500
ARGUMENT_LIMIT = 1 << 30
OUTPUT_LIMIT = 1 << 16
CALLS_KEPT = 10_000  # calls kept as they go over the wire
_Packed = tuple[bytes, Sequence[bytes]]
AHEAD = 16  # calls sent before the first of them is answered
AHEAD_BYTES = 1 << 15  # of them together, well below what a socket holds
SCRIPT_LIMIT = 1 << 26  # bytes of a script that every process may inherit
NAP, SHORT_NAP = 0.003, 0.0002  # seconds; answers to a script are fetched several at a time
NAME_LIMIT = 200  # characters of a file's name: a zip can hold one that the zygote could not be told
CHUNK = 1 << 16  # bytes; well below what a socket holds
WORKER = Path(__file__).with_name("worker.py")
# What a package needs beside itself to be imported; nothing else of the site-packages is visible inside.
COMPANIONS = {
    "numpy": ("numpy.libs",),
    "torch": (
        "torchgen", "functorch", "typing_extensions.py", "sympy", "mpmath", "networkx", "filelock", "fsspec", "jinja2",
        "markupsafe", "nvidia",  # the libraries of a build for CUDA, which it cannot be imported without
    ),
    "scipy": ("scipy.libs",),
}  # fmt: skip
INSTALL = {"torch": 'with pip install "convgrader[models]"'}  # what exercises need and `pip install .` does not bring
GPU_VARIABLES = ("CUDA_", "NVIDIA_", "LD_LIBRARY_PATH")
NO_TIER = "`grader doctor` names what is missing; it needs Linux 5.13 or later with Landlock and seccomp."
SIGNALS = {
    signal.SIGSEGV: "a segmentation fault",
    signal.SIGABRT: "an abort",
    signal.SIGBUS: "a bus error",
    signal.SIGFPE: "an arithmetic fault",
}


class Sandbox:
    """One zygote with the allowed packages imported; `tier` names how its children are contained.

    Raises:
        SandboxError: no worker can be started here, or not with the containment that was asked for.
    """

    def __init__(self, packages: frozenset[str] = frozenset({"numpy"}), tier: str = "auto") -> None:
        self.packages = packages | {"numpy"}
        self.tier = tier
        self.walls: tuple[str, ...] = ()
        self.folder = Path(tempfile.mkdtemp(prefix="sandbox-"))
        self._packages = self.folder / "packages"
        self._live: set[Session] = set()
        self._calls: dict[int, tuple[Call, str, _Packed]] = {}
        self._scripts: dict[Script, int] = {}  # what the zygote has learnt, and how it is called there
        self._zygote: _Zygote | None = None
        self._opened = 0
        self._closed = False
        try:
            self._fill_folder()
            self._start()
            self._prove()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def worker_pid(self) -> int:
        """The process to look at when something is wrong; 0 after closing."""
        return self._zygote.process.pid if self._zygote else 0

    def open(
        self, source: bytes, filename: str, limits: Limits, seed: bytes, scripts: Iterable[Script] = ()
    ) -> Session:
        """Fork a process for one submission; its module is loaded by `Session.load`.

        `scripts` are those that `Session.perform` will be asked for: the process inherits them.
        """
        self._refuse_when_closed()
        if (
            self._zygote is None
            or self._zygote.process.poll() is not None
            or (self._opened >= SESSIONS_PER_ZYGOTE and not self._live)
        ):
            self._restart()
        try:
            session = self._open(source, filename, limits, seed, scripts)
        except (OSError, SandboxError):
            self._restart()
            session = self._open(source, filename, limits, seed, scripts)
        self._live.add(session)
        self._refuse_when_closed()
        return session

    def close(self) -> None:
        """End the zygote and every process it made; another thread that still works with it gets a SandboxError."""
        self._closed = True
        for session in tuple(self._live):
            session.kill()
        if self._zygote is not None:
            self._zygote.close()
            self._zygote = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _refuse_when_closed(self) -> None:
        """End what was started while another thread closed the sandbox: it would outlive everything."""
        if self._closed:
            self.close()
            raise SandboxError("the sandbox is closed")

    def _fill_folder(self) -> None:
        self.folder.chmod(0o755)
        self._packages.mkdir()
        (self.folder / "root").mkdir()
        for package in sorted(self.packages):
            spec = place_of(package)
            if not (self._packages / spec.name).is_symlink():
                (self._packages / spec.name).symlink_to(spec)
            for companion in COMPANIONS.get(package, ()):
                if (spec.parent / companion).exists() and not (self._packages / companion).is_symlink():
                    (self._packages / companion).symlink_to(spec.parent / companion)

    def _start(self) -> None:
        tiers = (contain.FULL, contain.BWRAP, contain.LANDLOCK) if self.tier == "auto" else (self.tier,)
        problems = []
        for tier in tiers:
            try:
                self._zygote = _Zygote(self.folder, self.packages, tier)
            except SandboxError as error:
                problems.append(f"{tier}: {error.message}")
                continue
            self.tier = tier
            self.walls = tuple(self._zygote.walls)
            self._scripts = {}
            self._opened = 0
            self._refuse_when_closed()
            return
        raise SandboxError(f"no student's code can be run safely here: {'; '.join(problems)}", hint=NO_TIER)

    def _prove(self) -> None:
        """Try to break out; a wall that does not hold means that no student's code may run."""
        if self.tier == contain.NONE:
            return
        if worked := probe.breaches(self):
            deeds = ", ".join(probe.ATTEMPTS[name] for name in worked)
            raise SandboxError(f"the sandbox does not hold here: inside it a process could {deeds}", hint=NO_TIER)

    def _restart(self) -> None:
        self._refuse_when_closed()
        for session in tuple(self._live):
            session.kill()
        if self._zygote is not None:
            self._zygote.close()
            self._zygote = None
        self._start()

    def _open(self, source: bytes, filename: str, limits: Limits, seed: bytes, scripts: Iterable[Script]) -> Session:
        assert self._zygote is not None
        for script in scripts:
            if script not in self._scripts:
                self._teach(self._zygote, script)
        self._opened += 1
        return Session(self, self._zygote, source, filename, limits, seed)

    def _teach(self, zygote: _Zygote, script: Script) -> None:
        """Give a script to the zygote, whose children then have it without being told; a large one is not given."""
        frames, left = [], SCRIPT_LIMIT
        for call, reply_bytes in script.calls:
            argument = (tuple(call.args), dict(call.kwargs))
            packed = protocol.encode(argument, ARGUMENT_LIMIT, layouts=True)
            frames.append(protocol.frame({"limit": _reply_limit(reply_bytes)}, *packed))
            left -= len(frames[-1])
            if left < 0:
                return
        with os.fdopen(os.memfd_create("script", os.MFD_CLOEXEC), "wb") as file:
            file.write(b"".join(frames))
            file.flush()
            answer, _ = zygote.ask({"learn": script.function}, file.fileno())
        self._scripts[script] = answer["learnt"]

    def _packed(self, function: str, call: Call) -> _Packed:
        """Return a call as it goes over the wire; the calls of a case set are the same for every student."""
        known = self._calls.get(id(call))
        if known is None or known[0] is not call or known[1] != function:
            argument = (function, tuple(call.args), dict(call.kwargs))
            if len(self._calls) >= CALLS_KEPT:
                self._calls.clear()
            known = self._calls[id(call)] = call, function, protocol.encode(argument, ARGUMENT_LIMIT, layouts=True)
        return known[2]

    def _forget(self, session: Session) -> None:
        self._live.discard(session)


def place_of(package: str, *, otherwise: str = "") -> Path:
    """Return the folder of an installed package, or of the one that a module is in, without importing it.

    `otherwise` is what else can be done about one that is not installed, after a comma.

    Raises:
        InputError: it is not installed.
    """
    root = package.partition(".")[0]
    for folder in dict.fromkeys([sysconfig.get_path("platlib"), sysconfig.get_path("purelib"), *sys.path]):
        place = Path(folder or ".") / root
        if (place / "__init__.py").is_file():
            return place.resolve()
    raise InputError(
        f"submissions may import {package!r}, which is not installed here",
        hint=f"Install it {INSTALL.get(root, 'for the Python that runs `grader`')}{otherwise}.",
    )


def _gpu_environment() -> dict[str, str]:
    """Return what tells PyTorch where a GPU's libraries are and which GPUs it may use, under which number."""
    return {name: value for name, value in os.environ.items() if name.startswith(GPU_VARIABLES)}


class _Zygote:
    """A running worker process and its control socket."""

    def __init__(self, folder: Path, packages: frozenset[str], tier: str) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control = ours
        threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB")}
        python = getattr(sys, "_base_executable", None) or sys.executable
        command = [python, "-I", "-S", "-B", str(WORKER), str(folder / "packages"), str(folder / "root")]
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 (our own file, no shell)
                [*command, ",".join(sorted(packages)), str(theirs.fileno()), tier],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={
                    **(_gpu_environment() if tier == contain.NONE else {}),
                    **threads,
                    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it a GPU's sums are not the same every time
                    "TORCHINDUCTOR_CACHE_DIR": str(folder / "packages"),
                    "LC_ALL": "C.UTF-8",
                    "PATH": "/usr/bin:/bin",
                    "HOME": "/",
                },
                cwd="/",
            )
        self.group = cgroups.make()
        self.starved = 0  # processes that the group's limit has ended so far
        try:
            self.walls: list[str] = self.listen(START_SECONDS)[0]["walls"]
        except (OSError, SandboxError, KeyError) as error:
            problem = self.problem()
            self.close()
            raise SandboxError(f"the sandbox did not start: {problem or error}") from error
        if self.group is not None and self.group.take(self.process.pid):
            self.walls.append("control group")

    def problem(self) -> str:
        """Return the last line that the worker wrote when it failed."""
        self.process.kill()
        assert self.process.stderr is not None
        lines = self.process.stderr.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:500] if lines else ""

    def starves(self) -> bool:
        """Has the group's limit ended a process since this was asked last?"""
        before, self.starved = self.starved, self.group.killed() if self.group is not None else 0
        return self.starved > before

    def ask(self, request: dict[str, Any], *descriptors: int) -> tuple[dict[str, Any], list[int]]:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        self.control.settimeout(ANSWER_SECONDS)
        self.control.sendmsg([json.dumps(request).encode()], rights)
        return self.listen(ANSWER_SECONDS)

    def listen(self, seconds: float) -> tuple[dict[str, Any], list[int]]:
        self.control.settimeout(seconds)
        data, descriptors, _, _ = socket.recv_fds(self.control, 1 << 16, 1)
        if not data:
            raise SandboxError("the worker process has ended")
        return json.loads(data), descriptors

    def close(self) -> None:
        self.control.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1.0)
        self.process.kill()
        self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()
        if self.group is not None:
            self.group.remove()


@dataclass(frozen=True)
class _End:
    """How a process ended: its wait status, largest memory in bytes, and processor time."""

    status: int = 0
    peak: int = 0
    seconds: float = 0.0
    lost: bool = False  # the zygote could not be asked


class Session:
    """One process with one student's module. Calls are numbered from 0; after a Died every reply is that Died."""

    def __init__(
        self, sandbox: Sandbox, zygote: _Zygote, source: bytes, filename: str, limits: Limits, seed: bytes
    ) -> None:
        self._sandbox, self._zygote = sandbox, zygote
        self._scripts = dict(sandbox._scripts)
        self._source, self._limits = source, limits
        self._left = limits.total_seconds
        self._died: Died | None = None
        self._requests = 0
        self._answers = 0
        self._calls = 0
        self._since = time.monotonic()  # when the request that runs now was sent, or the one before it answered
        self._buffer = bytearray()
        self._closed = False
        self._closing = threading.Lock()
        self._nap = NAP
        self._socket, theirs = socket.socketpair()
        self._output = _output_file()
        request = {
            "filename": filename[-NAME_LIMIT:],
            "seed": (seed or b"\0").hex(),
            "memory": limits.memory,
            "cpu": int(limits.total_seconds) + 1,
        }
        try:
            with theirs:
                made, descriptors = zygote.ask(request, theirs.fileno(), self._output)
            self._pid = made["pid"]
            (self._pidfd,) = descriptors
        except BaseException:
            self._socket.close()
            os.close(self._output)
            raise
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._socket.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def died(self) -> bool:
        """Whether the process is gone; every further reply is then the Died that said why."""
        return self._died is not None

    def load(self) -> Reply:
        """Run the module: Returned with the names of the functions it defines, Raised, or Died."""
        (reply,) = self._ask("load", [self._source], protocol.BODY_FLOOR)
        if isinstance(reply, Returned) and not _is_names(reply.value):
            return self._break("it did not say which functions it defines")
        return reply

    def value(self, name: str) -> Reply:
        """Return a global of the module as plain data; Raised with NameError when there is none."""
        return self._ask("value", [name], protocol.BODY_FLOOR)[0]

    def call(self, function: str, call: Call, *, reply_bytes: int) -> Reply:
        """Call a function with copies of the arguments; `reply_bytes` is the size of the right result."""
        return next(self.calls(function, [(call, reply_bytes)]))

    def calls(self, function: str, todo: Iterable[tuple[Call, int]]) -> Iterator[Reply]:
        """Call a function again and again; the next calls are on their way while one runs.

        Yields a reply for each (call, bytes of the right result), in order, and ends after the first Died. All
        replies must be taken before anything else is asked.
        """
        waiting: deque[tuple[Call, int, int]] = deque()  # call, limit and size on the wire of what is on its way
        left = iter(todo)
        more = True
        try:
            self._refuse_early_bytes()
        except (protocol.ProtocolError, EOFError, OSError) as error:
            yield self._failed(error)
            return
        while True:
            while more and (not waiting or self._room(waiting)):
                pair = next(left, None)
                if pair is None or self._died is not None:
                    more = False
                    break
                waiting.append(self._put(function, *pair))
            if not waiting:
                return
            call, limit, _ = waiting.popleft()
            self._calls += 1
            reply = self._died or self._checked(self._take(limit, last=not waiting), call)
            yield reply
            if isinstance(reply, Died):
                return

    def perform(self, script: Script, start: int = 0) -> Iterator[Reply]:
        """Make the calls of a script from `start` on, which the process knows already, so that only answers travel.

        Yields as `calls` does. An answer that came to the same call before, byte for byte, is not read again.
        """
        name = self._scripts.get(script)
        if name is None:
            yield from self.calls(script.function, script.calls[start:])
            return
        try:
            self._refuse_early_bytes()
        except (protocol.ProtocolError, EOFError, OSError) as error:
            yield self._failed(error)
            return
        last, number = len(script.calls) - 1, start
        if start <= last and self._died is None:
            self._write("perform", (b"", ()), 0, {"script": name, "start": start})
            self._answers += 1
        while number <= last:
            known = self._known(script, number, last) if self._died is None else []
            self._calls += len(known)
            number += len(known)
            yield from known
            self._calls += 1
            reply = self._died or self._fetched(script, number, last=number == last)
            yield reply
            if isinstance(reply, Died):
                return
            number += 1

    def reread(self, numbers: Sequence[int]) -> list[Reply]:
        """Return the result objects of these calls as they are now; None for a call that did not return.

        Raises:
            ValueError: there was no such call.
        """
        for number in numbers:
            if not 0 <= number < self._calls:
                raise ValueError(f"number={number} must be from 0 to {self._calls - 1}")
        return self._ask("reread", numbers, protocol.BODY_FLOOR)

    def output(self) -> str:
        """Return the first 64 KB of what the student printed, also after the process has died."""
        if self._closed:
            return self._printed
        return os.pread(self._output, OUTPUT_LIMIT, 0).rstrip(b"\0").decode("utf-8", "replace")

    def kill(self) -> None:
        """End the process and wait until it is gone."""
        with self._closing:  # Ctrl-C ends it from another thread
            if self._closed:
                return
            self._end()
            self._printed = self.output()
            self._closed = True
            os.close(self._output)
        self._sandbox._forget(self)
        if self._died is None:
            self._died = Died(Outcome.UNGRADABLE, "the session is closed")

    def _end(self) -> _End:
        """Kill and reap the process, and tell how it ended."""
        handle, self._pidfd = self._pidfd, -1  # at once, for the same reason as in `kill`
        if handle < 0:
            return _End()
        with suppress(OSError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.close(handle)
        self._socket.close()
        try:
            reaped, _ = self._zygote.ask({"reap": self._pid})
            return _End(reaped["status"], reaped["peak"], reaped["seconds"])
        except (OSError, SandboxError, ValueError, KeyError):  # KeyError: an answer to another thread
            return _End(lost=True)

    def _ask(self, op: str, arguments: Sequence[Any], limit: int) -> list[Reply]:
        """Ask the same of several small arguments at once; return an answer for each."""
        if self._died is None:
            try:
                self._refuse_early_bytes()
            except (protocol.ProtocolError, EOFError, OSError) as error:
                self._failed(error)
        for argument in arguments:
            if self._died is None:
                self._write(op, protocol.encode(argument, ARGUMENT_LIMIT, layouts=True), limit)
        return [self._take(limit, last=left == 1) for left in range(len(arguments), 0, -1)]

    def _put(self, function: str, call: Call, reply_bytes: int) -> tuple[Call, int, int]:
        """Send one call; a death while sending is found when its reply is taken."""
        limit = _reply_limit(reply_bytes)
        size = self._write("call", self._sandbox._packed(function, call), limit)
        return call, limit, size

    def _room(self, waiting: deque[tuple[Call, int, int]]) -> bool:
        """May another call be sent? Only as much as the socket holds while the other side does not read."""
        return len(waiting) < AHEAD and sum(size for _, _, size in waiting) < AHEAD_BYTES

    def _write(self, op: str, packed: _Packed, limit: int, more: Mapping[str, Any] = MappingProxyType({})) -> int:
        self._requests += 1
        tree, blobs = packed
        request = protocol.frame({"id": self._requests, "op": op, "limit": limit, **more}, tree, blobs)
        self._since = max(self._since, time.monotonic()) if self._answers == self._requests - 1 else self._since
        try:
            self._send(request, time.monotonic() + min(self._limits.call_seconds, self._left))
        except (TimeoutError, EOFError, OSError) as error:
            self._failed(error)
        return len(request)

    def _take(self, limit: int, *, last: bool) -> Reply:
        """Return the reply to the oldest request that has none yet."""
        if self._died is not None:
            return self._died
        deadline = self._since + min(self._limits.call_seconds, self._left)
        self._answers += 1
        try:
            header, body = self._receive(limit, deadline, last=last)
            now = time.monotonic()
            seconds, self._since = now - self._since, now
            self._left -= seconds
            reply = _reply(header, body, self._answers, seconds)
        except (TimeoutError, EOFError, OSError, protocol.ProtocolError) as error:
            return self._failed(error)
        if isinstance(reply, Raised) and reply.type == "MemoryError":
            return self._die(Outcome.OUT_OF_MEMORY, self._memory_message())
        return reply

    def _known(self, script: Script, number: int, last: int) -> list[Reply]:
        """Return what the answers to call `number` and those after it say, as far as each is here already and came to
        the same call before; the answer to call `last` is left, since nothing may come after it."""
        answers, lengths, found, start = script.answers, protocol.LENGTHS, list[Reply](), 0
        with memoryview(self._buffer) as data:
            while number < last and start + lengths.size <= len(data):
                head, size = lengths.unpack_from(data, start)
                end = start + lengths.size + head + size
                known = answers[number].get(bytes(data[start:end]))
                if known is None:
                    break
                found.append(known)
                start, number = end, number + 1
        del self._buffer[:start]
        return found

    def _fetched(self, script: Script, number: int, *, last: bool) -> Reply:
        """Return the answer to call `number` of a script; time counts from when it is waited for."""
        call, reply_bytes = script.calls[number]
        begun = time.monotonic()
        deadline = begun + min(self._limits.call_seconds, self._left)
        try:
            if self._left <= 0:
                raise TimeoutError
            head, end = self._frame(_reply_limit(reply_bytes), deadline, nap=True)
            seconds = time.monotonic() - begun
            self._left -= seconds
            answer = bytes(self._buffer[:end])
            del self._buffer[:end]
            if last and self._buffer:
                raise protocol.ProtocolError("it sent more than one answer")
            known = script.answers[number].get(answer)
            if known is not None:
                return known
            start = protocol.LENGTHS.size
            header = protocol.read_header(answer[start : start + head])
            reply = _reply(header, answer[start + head :], number, seconds)
            self._left -= time.monotonic() - begun - seconds  # what takes long to read takes the student's time
        except (TimeoutError, EOFError, OSError, protocol.ProtocolError) as error:
            return self._failed(error)
        if isinstance(reply, Raised) and reply.type == "MemoryError":
            return self._die(Outcome.OUT_OF_MEMORY, self._memory_message())
        reply = self._checked(reply, call)
        if isinstance(reply, Died) or (isinstance(reply, Returned) and reply.earlier):
            return reply  # which calls there were before is another matter for every student
        return script.remember(number, answer, reply)

    def _checked(self, reply: Reply, call: Call) -> Reply:
        """Refuse a reply that speaks of arguments or earlier calls that there were not."""
        if isinstance(reply, Returned):
            names = {*range(len(call.args)), *call.kwargs}
            if not names.issuperset(reply.changed + reply.shares) or any(n >= self._calls - 1 for n in reply.earlier):
                return self._break("it named arguments or calls that there were not")
        return reply

    def _failed(self, error: Exception) -> Died:
        """Turn what went wrong with the connection into how the process died."""
        if self._died is not None:
            return self._died
        if isinstance(error, TimeoutError):
            return self._late()
        if isinstance(error, protocol.ProtocolError):
            return self._break(str(error))
        return self._gone()

    def _refuse_early_bytes(self) -> None:
        with suppress(BlockingIOError):
            if self._socket.recv(1, socket.MSG_PEEK):
                raise protocol.ProtocolError("it answered before it was asked")
            raise EOFError

    def _wait(self, events: int, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._poll.modify(self._socket, events)
        if not self._poll.poll(left * 1000):
            raise TimeoutError

    def _send(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                self._wait(select.POLLOUT, deadline)

    def _fill(self, size: int, deadline: float, *, nap: bool = False) -> None:
        """Read until there are `size` bytes; the buffer grows as they arrive, so that announcing many costs nothing.

        With `nap`, what comes within some milliseconds is read at once: fewer when so much comes that the other side
        may have to wait for its being read.
        """
        napped = False
        while len(self._buffer) < size:
            try:
                part = self._socket.recv(CHUNK)
            except BlockingIOError:
                if nap:
                    time.sleep(self._nap)
                    nap, napped = False, True
                else:
                    self._wait(select.POLLIN, deadline)
                continue
            if not part:
                raise EOFError
            if napped:
                self._nap = max(self._nap / 2, SHORT_NAP) if len(part) == CHUNK else min(self._nap * 2, NAP)
                napped = False
            self._buffer += part
            if time.monotonic() > deadline:
                raise TimeoutError

    def _frame(self, limit: int, deadline: float, *, nap: bool = False) -> tuple[int, int]:
        """Wait until the whole of the next frame has come; return the length of its header, and of all of it."""
        start = protocol.LENGTHS.size
        self._fill(start, deadline, nap=nap)
        head, size = protocol.read_lengths(self._buffer[:start], limit + protocol.HEADER_LIMIT)
        self._fill(start + head + size, deadline, nap=nap)
        return head, start + head + size

    def _receive(self, limit: int, deadline: float, *, last: bool) -> tuple[dict[str, Any], bytearray]:
        """Return the next frame; after the last answer that is due nothing may be left over."""
        start = protocol.LENGTHS.size
        head, end = self._frame(limit, deadline)
        header = protocol.read_header(self._buffer[start : start + head])
        body = self._buffer[start + head : end]
        del self._buffer[:end]
        if last and self._buffer:
            raise protocol.ProtocolError("it sent more than one answer")
        return header, body

    def _die(self, outcome: Outcome, message: str) -> Died:
        self._died = Died(outcome, message)
        self._end()
        return self._died

    def _break(self, problem: str) -> Died:
        return self._die(Outcome.CRASHED, f"The process broke the rules of its connection to the grader: {problem}.")

    def _late(self) -> Died:
        if self._left <= self._limits.call_seconds:
            message = f"The calls together took longer than {self._limits.total_seconds:g} s."
        else:
            message = f"One call took longer than {self._limits.call_seconds:g} s."
        return self._die(Outcome.TIMEOUT, message)

    def _memory_message(self) -> str:
        if self._limits.memory < 0:
            return "The function needed more memory than this machine has."
        return f"The function needed more than {self._limits.memory >> 20} MB of memory."

    def _gone(self) -> Died:
        """Tell from the wait status why the process closed its connection."""
        time.sleep(0.002)  # a dying process closes its connection before it has a status
        self._died = self._cause(self._end())
        return self._died

    def _cause(self, end: _End) -> Died:
        if end.lost:
            return Died(Outcome.UNGRADABLE, "The grader's own worker process ended; grade this submission again.")
        if os.WIFSIGNALED(end.status):
            number = os.WTERMSIG(end.status)
            if number == signal.SIGXCPU or end.seconds > self._limits.total_seconds:
                return Died(Outcome.TIMEOUT, f"The calls together took longer than {self._limits.total_seconds:g} s.")
            if 0 <= 0.8 * self._limits.memory < end.peak:
                return Died(Outcome.OUT_OF_MEMORY, self._memory_message())
            if number == signal.SIGKILL and self._zygote.starves():
                return Died(Outcome.OUT_OF_MEMORY, f"It needed more than {cgroups.MEMORY >> 30} GB of memory.")
            if number == signal.SIGKILL:
                return Died(Outcome.CRASHED, "The process was killed, or closed its connection to the grader.")
            name = SIGNALS.get(signal.Signals(number), f"signal {number}")
            return Died(Outcome.CRASHED, f"The process was ended by {name}.")
        return Died(
            Outcome.CRASHED, f"The process ended itself with exit status {os.waitstatus_to_exitcode(end.status)}."
        )


def _reply_limit(reply_bytes: int) -> int:
    """Return how many bytes the body of an answer may have when that many are right."""
    return max(2 * reply_bytes, protocol.BODY_FLOOR)


def _is_names(value: Any) -> bool:
    return type(value) is tuple and all(type(name) is str for name in value)


def _output_file() -> int:
    """Return a file in memory that cannot grow or shrink: what is printed needs no reading while the student runs."""
    descriptor = os.memfd_create("output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, OUTPUT_LIMIT)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    return descriptor


OK_FIELDS = {"id", "ok", "tree", "changed", "shares", "earlier"}
FAILED_FIELDS = {"id", "ok", "tree", "type", "message", "line", "missing"}


def _reply(header: dict[str, Any], body: bytes | bytearray, number: int, seconds: float) -> Reply:
    """Read a reply; only these two forms exist, so nothing favourable can be forged."""
    if type(header.get("id")) is not int or header["id"] != number or type(header.get("ok")) is not bool:
        raise protocol.ProtocolError("an answer to another question")
    if header["ok"]:
        if set(header) != OK_FIELDS:
            raise protocol.ProtocolError("other fields than agreed")
        value = _unjunked(protocol.decode(body, header["tree"]))
        changed, shares = (_names_of_arguments(header[field]) for field in ("changed", "shares"))
        earlier = header["earlier"]
        if type(earlier) is not list or not all(type(then) is int and 0 <= then < 2**31 for then in earlier):
            raise protocol.ProtocolError("no call numbers")
        return Returned(value, changed, shares, tuple(earlier), seconds)
    if set(header) != FAILED_FIELDS or body:
        raise protocol.ProtocolError("other fields than agreed")
    return _raised(header)


def _names_of_arguments(names: Any) -> tuple[int | str, ...]:
    if type(names) is not list or not all(type(name) is int or _is_name(name) for name in names):
        raise protocol.ProtocolError("no names of arguments")
    return tuple(names)


def _is_name(name: Any) -> bool:
    return type(name) is str and len(name) <= 200 and name.isascii() and name.replace(".", "_").isidentifier()


def _raised(header: dict[str, Any]) -> Raised:
    kind, message, line, missing = (header[field] for field in ("type", "message", "line", "missing"))
    if type(kind) is not str or kind not in BUILTIN_EXCEPTIONS or type(message) is not str or len(message) > 2000:
        raise protocol.ProtocolError("no exception")
    if line is not None and (type(line) is not int or not 0 <= line < 2**31):
        raise protocol.ProtocolError("no line number")
    if missing and not _is_name(missing):
        missing = "?"
    return Raised(kind, protocol.whole_text(message), line, missing if type(missing) is str else "")


def _exception_names() -> frozenset[str]:
    import builtins

    return frozenset(
        name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
    )


BUILTIN_EXCEPTIONS = _exception_names()


def _unjunked(value: Any) -> Any:
    """Replace the protocol's junk by ours."""
    if type(value) is protocol.JunkValue:
        return Junk(value.kind)
    if type(value) is list or type(value) is tuple:
        return type(value)(_unjunked(item) for item in value)
    if type(value) is dict:
        return {key: _unjunked(item) for key, item in value.items()}
    return value
