"""The untrusted side: a zygote that forks one process per submission, and that process's loop of calls.

Run by path with `python -I -S -B worker.py FOLDER ROOT PACKAGES CONTROL TIER`; imports nothing of the grader but the
files beside it. The zygote reads requests to fork and to reap from the control socket, a child reads frames from
descriptor 3. What the child says about a call is worth a student's word: it only ever speaks about its own results.
"""

from __future__ import annotations

import array
import builtins
import functools
import gc
import importlib
import io
import json
import os
import random
import resource
import socket
import sys
import tempfile
import time
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Frames = Any  # the module protocol.py
MESSAGE_LIMIT = 2000
OUTPUT_LIMIT = 1 << 16


def beside(name: str) -> types.CodeType:
    """Compile a file of this folder, which is out of sight once the walls are up."""
    path = Path(__file__).parent / f"{name}.py"
    return compile(path.read_bytes(), path.name, "exec", dont_inherit=True)


def as_module(name: str, code: types.CodeType) -> Any:
    """Run the code as a module that nobody else can import, with built-in functions that nobody else can replace."""
    module = types.ModuleType(f"_{name}")
    module.__dict__["__builtins__"] = dict(vars(builtins))
    module.__dict__["__file__"] = str(Path(__file__).parent / f"{name}.py")
    exec(code, module.__dict__)  # noqa: S102 (our own file)
    return module


class Printed(io.RawIOBase):
    """Where prints go: the first 64 KB are kept, the rest is dropped; printing never fails and never blocks."""

    def __init__(self, descriptor: int, room: list[int]) -> None:
        super().__init__()
        self.descriptor = descriptor
        self.room = room

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.descriptor

    def write(self, data: Any) -> int:
        kept = bytes(data[: self.room[0]]) if self.room[0] else b""
        if kept:
            self.room[0] -= len(kept)
            try:
                os.write(self.descriptor, kept)
            except OSError:
                self.room[0] = 0
        return len(data)


KEPT = 64  # results that can be looked at again
KEPT_BYTES = 1 << 24  # a larger result is not kept, so that results do not fill the memory


def redirect_output() -> None:
    room = [OUTPUT_LIMIT]
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        text = io.TextIOWrapper(
            Printed(descriptor, room),  # type: ignore[type-var]  # raw, and enough of it
            encoding="utf-8",
            errors="replace",
            newline="\n",
            write_through=True,
        )
        setattr(sys, name, text)
        setattr(sys, f"__{name}__", text)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), "utf-8")
    builtins.exit = builtins.quit = sys.exit  # type: ignore[assignment]  # as `site` does for every script


class Pipe:
    """The child's end of the frames; nothing of it is looked up again once a student's code has run."""

    def __init__(self, connection: socket.socket, frames: Frames) -> None:
        self.connection = connection
        self.frames = frames
        self.data = bytearray()  # what has come and was not asked for yet

    def fill(self, size: int) -> None:
        while len(self.data) < size:
            part = self.connection.recv(1 << 16)
            if not part:
                os._exit(0)
            self.data += part

    def receive(self) -> tuple[dict[str, Any], bytearray]:
        self.fill(16)
        head, size = self.frames.read_lengths(self.data[:16], 1 << 40)
        end = 16 + head + size
        self.fill(end)
        header, body = self.frames.read_header(self.data[16 : 16 + head]), self.data[16 + head : end]
        del self.data[:end]
        return header, body

    def send(self, header: dict[str, Any], tree: bytes = b"", blobs: Any = ()) -> None:
        self.connection.sendall(self.frames.frame(header, tree, blobs))


FIXED = frozenset((int, float, bool, str, type(None)))  # arguments that nobody can modify
EXCEPTIONS = frozenset(
    value for value in vars(builtins).values() if isinstance(value, type) and issubclass(value, BaseException)
)


class Submission:
    """One student's module and what its functions returned so far."""

    def __init__(self, frames: Frames, filename: str, operations: Mapping[str, Any]) -> None:
        self.frames = frames
        self.filename = filename
        self.operations = operations  # what can be done with the module as a whole; asked for as "@name"
        self.module = types.ModuleType("submission")
        self.names = self.module.__dict__
        self.results: list[Any] = []
        self.memory: list[tuple[int, int, int]] = []  # start and end of what earlier results hold, and their numbers
        self.mro = vars(type)["__mro__"].__get__
        self.sysinfo = sys.exc_info
        self.exceptions = EXCEPTIONS
        self.functions = (types.FunctionType, functools._lru_cache_wrapper)

    def load(self, source: bytes) -> Any:
        """Run the module; return the names of the functions defined in it."""
        try:
            text = source.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = source.count(b"\n", 0, error.start) + 1
            raise SyntaxError("the file is not written in UTF-8", (self.filename, line, None, None)) from None
        self.names["__file__"] = self.filename
        self.names["__builtins__"] = builtins
        sys.modules["submission"] = self.module
        code = compile(text, self.filename, "exec", dont_inherit=True)
        exec(code, self.names)  # noqa: S102 (this process exists to run it)
        return tuple(name for name, value in list(self.names.items()) if self.is_function(name, value))

    def is_function(self, name: Any, value: Any) -> bool:
        if type(name) is not str or name.startswith("_") or type(value) not in self.functions:
            return False
        if type(value) is not self.functions[0]:
            return True
        return value.__globals__ is self.names

    def value(self, name: str) -> Any:
        if name not in self.names:
            raise NameError(f"name {name!r} is not defined")
        return self.names[name]

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the result and what it shares; `changed` names arguments whose bytes differ afterwards."""
        number = len(self.results)
        self.results.append(None)
        if name.startswith("@"):
            return self.operations[name[1:]](self.names, *args, **kwargs), {"changed": [], "shares": [], "earlier": []}
        function = self.value(name)
        named = [*enumerate(args), *kwargs.items()]
        before = [self.snapshot(value) for _, value in named]
        result = function(*args, **kwargs)
        self.results[number] = result
        held = self.ranges(result)
        changed = [key for (key, value), old in zip(named, before, strict=True) if self.snapshot(value) != old]
        shares = [key for key, value in named if self.overlap(held, [(*item, 0) for item in self.ranges(value)])]
        earlier = self.overlap(held, self.memory)
        self.memory += [(*item, number) for item in held]
        self.forget(number - KEPT)
        if sum(high - low for low, high in held) > KEPT_BYTES:
            self.forget(number)
        return result, {"changed": changed, "shares": shares, "earlier": sorted(set(earlier))}

    def forget(self, number: int) -> None:
        """Let go of the result of a call long ago, and of where it was."""
        if number >= 0 and self.results[number] is not None:
            self.results[number] = None
            self.memory = [held for held in self.memory if held[2] != number]

    def snapshot(self, value: Any) -> Any:
        kind = type(value)
        if kind is self.frames.np.ndarray:
            return value.dtype, value.shape, value.strides, value.flags.writeable, value.tobytes()
        if kind in FIXED:
            return None
        return self.frames.encode(value, 1 << 40, layouts=True)

    def ranges(self, value: Any) -> list[tuple[int, int]]:
        """Return where the arrays, lists and dicts inside a value are in memory, as starts and ends."""
        found: list[tuple[int, int]] = []
        todo, boxes = [value], set()
        for _ in range(10_000):
            if not todo:
                break
            item = todo.pop()
            kind = type(item)
            if kind is self.frames.np.ndarray and item.size:
                start = end = item.__array_interface__["data"][0]
                for stride, dim in zip(item.strides, item.shape, strict=True):
                    if stride < 0:
                        start += stride * (dim - 1)
                    else:
                        end += stride * (dim - 1)
                found.append((start, end + item.itemsize))
            elif (kind is list or kind is dict) and id(item) not in boxes:
                boxes.add(id(item))
                found.append((id(item), id(item) + 1))
                todo.extend(item if kind is list else item.values())
            elif kind is tuple:
                todo.extend(item)
        return found

    def overlap(self, held: list[tuple[int, int]], others: list[tuple[int, int, int]]) -> list[int]:
        """Return the numbers of those ranges that overlap what is held."""
        return [number for low, high in held for start, end, number in others if start < high and low < end]

    def failure(self) -> dict[str, Any]:
        """Describe the exception being handled without trusting any of its attributes."""
        kind, error, trace = self.sysinfo()
        line = None
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.filename:
                line = trace.tb_lineno
            trace = trace.tb_next
        base = next((base for base in self.mro(kind) if base in self.exceptions), BaseException)
        missing = ""
        if kind is ModuleNotFoundError and type(error.name) is str:  # type: ignore[union-attr]  # told by kind
            missing = error.name[:200]  # type: ignore[union-attr]  # told by kind
        if base in (SyntaxError, IndentationError, TabError) and line is None and type(error.lineno) is int:  # type: ignore[union-attr]  # told by kind
            line = error.lineno  # type: ignore[union-attr]  # told by kind
        return {"ok": False, "type": base.__name__, "message": self.message(error), "line": line, "missing": missing}

    def message(self, error: Any) -> str:
        try:
            text = str(error.msg if type(error) in (SyntaxError, IndentationError, TabError) else error)
            text = str.__getitem__(text, slice(0, MESSAGE_LIMIT))
            return text.encode("utf-8", "replace").decode("utf-8")
        except BaseException:
            return ""


def answer(submission: Submission, header: dict[str, Any], body: bytearray) -> tuple[dict[str, Any], Any]:
    """Do what one frame asks; return the rest of the reply's header and the value."""
    op = header["op"]
    nothing: dict[str, Any] = {"changed": [], "shares": [], "earlier": []}
    argument = submission.frames.decode(body, header["tree"], layouts=True)
    if op == "load":
        return nothing, submission.load(argument)
    if op == "value":
        return nothing, submission.value(argument)
    if op == "reread":
        return nothing, submission.results[argument]
    result, sharing = submission.call(*argument)
    return sharing, result


def serve(submission: Submission, pipe: Pipe) -> None:
    """Answer frames until the host closes the connection."""
    encode, send, receive, respond = submission.frames.encode, pipe.send, pipe.receive, answer
    everything = BaseException
    while True:
        header, body = receive()
        try:
            try:
                rest, value = respond(submission, header, body)
                tree, blobs = encode(value, header["limit"])
                reply = {"id": header["id"], "ok": True, **rest}
            except everything:
                reply, tree, blobs = {"id": header["id"], **submission.failure()}, b"", ()
        except everything:
            reply = {
                "id": header["id"],
                "ok": False,
                "type": "RecursionError",
                "message": "",
                "line": None,
                "missing": "",
            }
            tree, blobs = b"", ()
        value = None
        send(reply, tree, blobs)


def seed_everything(seed: str) -> None:
    number = int(seed, 16)
    random.seed(number)
    sys.modules["numpy"].random.seed(number % 2**32)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(number % 2**63)


class Zygote:
    """The process that has imported everything and forks a child for each request of the host."""

    def __init__(
        self,
        control: socket.socket,
        frames: Frames,
        operations: Mapping[str, Any],
        contain: Any,
        walls: Any,
        image: int,
    ) -> None:
        self.control = control
        self.frames = frames
        self.operations = operations
        self.contain = contain
        self.walls = walls
        self.image = image
        self.children: set[int] = set()

    def say(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        self.control.sendmsg([json.dumps(message).encode()], rights)

    def run(self) -> None:
        gc.collect()
        gc.freeze()
        self.say({"ready": True, "walls": self.walls.names})
        while True:
            data, descriptors, _, _ = socket.recv_fds(self.control, 1 << 16, 2)
            if not data:
                os._exit(0)
            request = json.loads(data)
            if "reap" in request:
                self.reap(request["reap"])
            else:
                self.fork(request, descriptors)

    def reap(self, pid: int) -> None:
        """Say how a child ended; the host has killed it, or seen its end of the connection close."""
        if pid not in self.children:
            self.say({"reaped": pid, "status": 0, "peak": 0, "seconds": 0})
            return
        deadline = time.monotonic() + 1.0
        while True:
            found, status, usage = os.wait4(pid, os.WNOHANG)
            if found:
                break
            if time.monotonic() > deadline:
                self.say({"reaped": None, "status": 0, "peak": 0, "seconds": 0})
                return
            time.sleep(0.0005)
        self.children.discard(pid)
        seconds = usage.ru_utime + usage.ru_stime
        self.say({"reaped": pid, "status": status, "peak": usage.ru_maxrss * 1024, "seconds": seconds})

    def fork(self, request: dict[str, Any], descriptors: list[int]) -> None:
        connection, output = descriptors
        pid = os.fork()
        if not pid:
            try:
                self.child(request, connection, output)
            finally:
                os._exit(97)
        self.children.add(pid)
        handle = os.pidfd_open(pid)
        self.say({"pid": pid}, (handle,))
        for descriptor in (handle, connection, output):
            os.close(descriptor)

    def child(self, request: dict[str, Any], connection: int, output: int) -> None:
        os.setsid()
        os.dup2(output, 60)
        os.dup2(connection, 61)
        nothing = os.open("/dev/null", os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(60, 1)
        os.dup2(60, 2)
        os.dup2(61, 3)
        if self.walls.ruleset >= 0:
            os.dup2(self.walls.ruleset, 62)
            os.dup2(62, 4)
            self.walls.ruleset = 4
        os.closerange(5, 1024)
        redirect_output()
        pipe = Pipe(socket.socket(fileno=3), self.frames)
        submission = Submission(self.frames, request["filename"], self.operations)
        sys.argv = [request["filename"]]
        seed_everything(request["seed"])
        self.contain.confine(self.walls, self.image + request["memory"], request["cpu"])
        serve(submission, pipe)


def read_state(names: Mapping[str, Any], data: bytes) -> dict[str, Any]:  # noqa: ARG001 - the form of all operations
    """Return the arrays of a state dict as torch saves it. Its bytes are a student's: they are read only here."""
    torch = sys.modules["torch"]
    state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return {str(name): value.contiguous().numpy() for name, value in state.items() if isinstance(value, torch.Tensor)}


def thread_count(process: int) -> int:
    task = os.open("task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=process)
    try:
        return len(os.listdir(task))
    finally:
        os.close(task)


def image_size(process: int) -> int:
    """Return the address space of this process, bytes."""
    with open(os.open("statm", os.O_RDONLY, dir_fd=process), encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def main() -> None:
    folder, root, packages, control, tier = sys.argv[1:]
    tempfile.tempdir = "/tmp"  # noqa: S108 (nothing can be written there, but asking where it is must not fail)
    protocol, contain = beside("protocol"), as_module("contain", beside("contain"))
    models = beside("../models/harness")
    paths = contain.readable_paths(folder)
    names, process = contain.enclose(tier, paths, root)
    sys.path.insert(0, folder)
    for package in packages.split(","):
        importlib.import_module(package)
    for name in ("random", "linalg", "fft", "lib.stride_tricks"):  # imported late by NumPy, but not by every child
        importlib.import_module(f"numpy.{name}")
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
        importlib.import_module("torch._dynamo")  # every optimizer imports it
    frames = as_module("protocol", protocol)
    operations = {}
    if "torch" in sys.modules:
        operations = {**as_module("../models/harness", models).OPERATIONS, "read_state": read_state}
    sys.argv = ["submission"]
    if thread_count(process) != 1:
        raise RuntimeError("the zygote has more than one thread: a fork would not be safe")
    walls = contain.Walls(tier, names, paths)
    Zygote(socket.socket(fileno=int(control)), frames, operations, contain, walls, image_size(process)).run()


if __name__ == "__main__":
    as_module("worker", beside("worker")).main()
