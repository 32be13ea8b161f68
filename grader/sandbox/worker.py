"""The untrusted side: a zygote that forks one process per submission, and that process's loop of calls.

Run by path with `python -I -S -B worker.py FOLDER ROOT PACKAGES CONTROL TIER`; imports nothing of the grader but the
files beside it. The zygote reads requests to fork and to reap from the control socket, a child reads frames from
descriptor 3. What the child says about a call is worth a student's word: it only ever speaks about its own results.
"""

from __future__ import annotations

import array
import bisect
import builtins
import codecs
import ctypes
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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

Frames = Any  # the module protocol.py
FILES = ("protocol", "contain", "../models/harness")  # of ours, that the zygote runs
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
    """Let prints go where descriptors 1 and 2 lead, here and in every child."""
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


FIXED = frozenset((int, float, complex, bool, str, bytes, type(None)))  # arguments that nobody can modify
EXCEPTIONS = frozenset(
    value for value in vars(builtins).values() if isinstance(value, type) and issubclass(value, BaseException)
)


Slots = dict[Any, int]  # a number for each position or name and form of an array


class Part(NamedTuple):
    """An argument of a prepared call that can be modified: how it is called, and how it is made."""

    key: int | str  # its position or name
    slot: int  # of the memory that it shares with the like of it in other calls; -1: none
    template: Any  # what it is equal to
    make: Callable[[], Any]  # makes it in memory of its own
    locked: bool  # an array that cannot be written
    before: Any  # its snapshot


class Prepared:
    """A call that is made in every child: its arguments as they came, from which each child makes its own."""

    __slots__ = ("args", "kwargs", "limit", "owned", "parts")

    def __init__(self, frames: Frames, args: tuple[Any, ...], kwargs: dict[str, Any], limit: int, slots: Slots) -> None:
        self.args, self.kwargs, self.limit = args, kwargs, limit
        self.parts: list[Part] = []
        self.owned = True  # all of them are arrays with memory of their own
        given: dict[int | str, Any] = dict(enumerate(args))
        given.update(kwargs)
        for key, value in given.items():
            if unchangeable(frames, value):
                continue
            is_array = type(value) is frames._ndarray
            make = maker(frames, value)
            slot = slot_of(slots, key, value) if is_array else -1
            locked = is_array and not value.flags.writeable
            self.parts.append(Part(key, slot, value, make, locked, snapshot(frames, value)))
            self.owned = self.owned and is_array and bool(value.flags.c_contiguous)


def slot_of(slots: Slots, place: int | str, value: Any) -> int:
    """Return the number of an array's memory: those of one form in one place share it."""
    return slots.setdefault((place, value.dtype.str, value.shape, value.strides), len(slots))


def unchangeable(frames: Frames, value: Any) -> bool:
    """Can nobody modify this? Then nothing has to be copied, and nothing to be looked at afterwards."""
    kind = type(value)
    if kind is tuple:
        return all(unchangeable(frames, item) for item in value)
    return kind in FIXED or kind in frames._SCALARS


def maker(frames: Frames, value: Any) -> Callable[[], Any]:
    """Return what makes an equal value, in the same memory layout."""
    if type(value) is list and all(unchangeable(frames, item) for item in value):
        return value.copy
    if type(value) is frames._ndarray:
        if value.flags.c_contiguous:
            return value.copy if value.flags.writeable else functools.partial(read_only, value)
        if type(value.base) is frames._ndarray and value.base.flags.c_contiguous:
            return functools.partial(in_place, value, value.base, slow_address(value) - slow_address(value.base))
    tree, blobs = frames.encode(value, 1 << 40, layouts=True)
    body = b"".join([tree, *blobs])
    return functools.partial(frames.decode, body, len(tree), layouts=True)


def read_only(value: Any) -> Any:
    """Return a copy that cannot be written."""
    other = value.copy()
    other.flags.writeable = False
    return other


def in_place(value: Any, memory: Any, start: int) -> Any:
    """Return a copy of an array that lies in that memory, in a copy of all of it."""
    other = type(value)(value.shape, value.dtype, memory.copy(), start, value.strides)
    other.flags.writeable = value.flags.writeable
    return other


def snapshot(frames: Frames, value: Any) -> Any:
    """Return what tells whether a value was modified."""
    kind = type(value)
    if kind is frames._ndarray:
        return value.dtype, value.shape, value.strides, value.flags.writeable, value.tobytes()
    return None if kind in FIXED else frames.encode(value, 1 << 40, layouts=True)


def alike(one: Any, other: Any) -> bool:
    """Have these arrays the same form?"""
    return bool(one.shape == other.shape and one.strides == other.strides and one.dtype == other.dtype)


def meet(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> bool:
    """Does any of these stretches of memory overlap any of those?"""
    return any(start < high and low < end for low, high in some for start, end in others)


class Kept:
    """Where the results of the last calls are in memory, as starts and ends."""

    def __init__(self) -> None:
        self.held: dict[int, list[tuple[int, int]]] = {}
        self.starts: list[int] = []  # of all of them in order, with their ends beside, while no two overlap
        self.ends: list[int] = []
        self.tangled = False

    def meeting(self, held: list[tuple[int, int]]) -> list[int]:
        """Return the numbers of the calls whose results overlap what is held."""
        if not self.tangled:
            for low, high in held:
                place = bisect.bisect_left(self.starts, high)  # before it: all that start below `high`
                if place and self.ends[place - 1] > low:
                    break
            else:
                return []
        return [number for number, others in self.held.items() if meet(held, others)]

    def add(self, number: int, held: list[tuple[int, int]]) -> None:
        self.held[number] = held
        for low, high in held:
            place = bisect.bisect_left(self.starts, high)
            self.tangled = self.tangled or bool(place and self.ends[place - 1] > low)
            if self.tangled:
                return
            self.starts.insert(place, low)
            self.ends.insert(place, high)

    def forget(self, number: int) -> None:
        for low, _ in self.held.pop(number, ()):
            if not self.tangled:
                place = bisect.bisect_left(self.starts, low)
                del self.starts[place], self.ends[place]


def slow_address(value: Any) -> int:
    return int(value.__array_interface__["data"][0])


def fast_address(value: Any, read: Any = ctypes.c_void_p.from_address, at: int = object.__basicsize__) -> int:
    """Return where an array's data starts: the first field of an array object, which is faster than asking for it."""
    return read(id(value) + at).value or 0


def best_address(frames: Frames) -> Any:
    """Return the faster way, if it is right here."""
    arrays = [frames.np.zeros(shape) for shape in ((), (3,), (2, 3), (1, 2, 3, 4))]
    arrays += [array[..., 1:] for array in arrays[1:]]
    same = sys.implementation.name == "cpython" and all(fast_address(item) == slow_address(item) for item in arrays)
    return fast_address if same else slow_address


class Submission:
    """One student's module and what its functions returned so far."""

    def __init__(
        self,
        frames: Frames,
        filename: str,
        operations: Mapping[str, Any],
        scripts: Sequence[tuple[str, list[Prepared]]] = (),
        address: Callable[[Any], int] = slow_address,
        slots: Slots | None = None,
    ) -> None:
        self.frames = frames
        self.filename = filename
        self.scripts = scripts
        self.address = address
        self.operations = operations  # what can be done with the module as a whole; asked for as "@name"
        self.module = types.ModuleType("submission")
        self.names = self.module.__dict__
        self.results: list[Any] = []
        self.slots: Slots = {} if slots is None else slots
        self.arrays: dict[int, Any] = {}  # of earlier calls, by slot
        self.tampered = False  # an argument may have been modified: an earlier array may have another form by now
        self.kept = Kept()
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
        if name.startswith("@"):
            self.results.append(None)
            return self.operations[name[1:]](self.names, *args, **kwargs), {"changed": [], "shares": [], "earlier": []}
        args = tuple(self.settled(place, value) for place, value in enumerate(args))
        kwargs = {place: self.settled(place, value) for place, value in kwargs.items()}
        loose = [(key, value) for key, value in (*enumerate(args), *kwargs.items()) if type(value) not in FIXED]
        before = [snapshot(self.frames, value) for _, value in loose]
        result, held, rest = self.watched(name, args, kwargs)
        for (key, value), old in zip(loose, before, strict=True):
            if snapshot(self.frames, value) != old:
                rest["changed"].append(key)
                self.tampered = True
        rest["shares"] = [key for key, value in loose if meet(held, self.ranges(value))]
        return result, rest

    def perform(self, name: str, prepared: Prepared) -> tuple[Any, dict[str, Any]]:
        """Make a prepared call; return what `call` does, in less time."""
        if not prepared.parts:  # nothing that could be modified or shared
            result, _, rest = self.watched(name, prepared.args, prepared.kwargs)
            return result, rest
        args, kwargs, loose = list(prepared.args), prepared.kwargs.copy(), []
        for key, slot, template, make, locked, _ in prepared.parts:
            value = self.renewed(slot, template, make, locked)
            loose.append(value)
            place: Any = args if type(key) is int else kwargs
            place[key] = value
        arrays: list[Any] = []
        result, held, rest = self.watched(name, args, kwargs, arrays)
        # Two arrays that each own their memory have it at different places: nothing needs to be looked up.
        own = prepared.owned
        for item in arrays:
            own = own and item.flags.owndata
        returned = {id(item) for item in arrays}
        array = self.frames._ndarray
        for (key, _, _, _, _, old), value in zip(prepared.parts, loose):  # noqa: B905 - made together
            if type(value) is array:
                now: Any = value.dtype, value.shape, value.strides, value.flags.writeable, value.tobytes()
            else:
                now = snapshot(self.frames, value)
            if now != old:
                rest["changed"].append(key)
                self.tampered = True
            if (not own or id(value) in returned) and meet(held, self.ranges(value)):
                rest["shares"].append(key)
        return result, rest

    def watched(
        self, name: str, args: Sequence[Any], kwargs: dict[str, Any], arrays: list[Any] | None = None
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Call the function; return its result, where that is in memory, and what it shares with earlier ones.

        The arrays in the result are added to `arrays`.
        """
        number = len(self.results)
        self.results.append(None)
        try:
            result = self.value(name)(*args, **kwargs)
        except BaseException:
            self.tampered = True  # who knows
            raise
        self.results[number] = result
        held = [] if type(result) in FIXED else self.ranges(result, arrays)
        earlier = self.kept.meeting(held) if held else []
        if number >= KEPT:
            self.results[number - KEPT] = None
            self.kept.forget(number - KEPT)
        if sum([high - low for low, high in held]) > KEPT_BYTES:
            self.results[number] = None
        else:
            self.kept.add(number, held)
        return result, held, {"changed": [], "shares": [], "earlier": earlier}

    def settled(self, place: int | str, value: Any) -> Any:
        """Return an argument; an array like that of an earlier call in its memory, and so under its id."""
        if type(value) is not self.frames._ndarray:
            return value
        return self.renewed(slot_of(self.slots, place, value), value, lambda: value, not value.flags.writeable)

    def renewed(self, slot: int, template: Any, make: Callable[[], Any], locked: bool) -> Any:
        """Return a value like this one; an array in the memory of the one before in its slot.

        Memory is reused anyway, by chance: so a function that remembers results by id is wrong each time it is graded,
        and on the same calls.
        """
        old = self.arrays.get(slot)
        if old is None or (self.tampered and not alike(old, template)):
            old = make()
            if slot >= 0:
                self.arrays[slot] = old
            return old
        if not old.flags.writeable:
            try:
                old.flags.writeable = True
            except ValueError:  # the submission has locked the memory under it
                return make()
        old[...] = template
        if locked:
            old.flags.writeable = False
        return old

    def ranges(self, value: Any, arrays: list[Any] | None = None) -> list[tuple[int, int]]:
        """Return where the arrays, lists and dicts inside a value are in memory, as starts and ends.

        The arrays, those without an entry left out, are added to `arrays`.
        """
        array = self.frames._ndarray
        if type(value) is array and value.size:  # what most functions return
            if arrays is not None:
                arrays.append(value)
            return [self.stretch(value)]
        found: list[tuple[int, int]] = []
        todo, boxes = [value], set()
        for _ in range(10_000):
            if not todo:
                break
            item = todo.pop()
            kind = type(item)
            if kind is array:
                if item.size:
                    found.append(self.stretch(item))
                    if arrays is not None:
                        arrays.append(item)
            elif (kind is list or kind is dict) and id(item) not in boxes:
                boxes.add(id(item))
                found.append((id(item), id(item) + 1))
                todo.extend(item if kind is list else item.values())
            elif kind is tuple:
                todo.extend(item)
        return found

    def stretch(self, value: Any) -> tuple[int, int]:
        """Return where an array is in memory, which has an entry at least."""
        start = end = self.address(value)
        if value.flags.forc:
            return start, start + value.nbytes
        for stride, dim in zip(value.strides, value.shape, strict=True):
            if stride < 0:
                start += stride * (dim - 1)
            else:
                end += stride * (dim - 1)
        return start, end + value.itemsize

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


DEEP = {"ok": False, "type": "RecursionError", "message": "", "line": None, "missing": ""}


def serve(submission: Submission, pipe: Pipe) -> None:
    """Answer frames until the host closes the connection."""
    encode, send, receive, respond, act = submission.frames.encode, pipe.send, pipe.receive, answer, perform
    everything, deep = BaseException, DEEP
    while True:
        header, body = receive()
        if header["op"] == "perform":
            act(submission, pipe, header, everything, deep)
            continue
        try:
            try:
                rest, value = respond(submission, header, body)
                tree, blobs = encode(value, header["limit"])
                reply = {"id": header["id"], "ok": True, **rest}
            except everything:
                reply, tree, blobs = {"id": header["id"], **submission.failure()}, b"", ()
        except everything:
            reply, tree, blobs = {"id": header["id"], **deep}, b"", ()
        value = None
        send(reply, tree, blobs)


def perform(submission: Submission, pipe: Pipe, header: dict[str, Any], everything: Any, deep: dict[str, Any]) -> None:
    """Make the calls of a script, from `start` on; each is answered under its own number once it is made."""
    encode, send, make = submission.frames.encode, pipe.connection.sendall, submission.perform
    frame, result_frame, failure = submission.frames.frame, submission.frames.result_frame, submission.failure
    function, script = submission.scripts[header["script"]]
    for number in range(header["start"], len(script)):
        prepared = script[number]
        try:
            try:
                value, rest = make(function, prepared)
                reply = result_frame(number, rest, *encode(value, prepared.limit))
            except everything:
                reply = frame({"id": number, **failure()})
        except everything:
            reply = frame({"id": number, **deep})
        value = None
        send(reply)


def seed_everything(seed: str) -> None:
    number = int(seed, 16)
    random.seed(number)
    sys.modules["numpy"].random.seed(number % 2**32)
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        devices = torch.version.cuda or torch.version.hip  # a build without them has one generator, seeded at once
        (torch.manual_seed if devices else torch.default_generator.manual_seed)(number % 2**63)


class Zygote:
    """The process that has imported everything and forks a child for each request of the host."""

    def __init__(
        self,
        control: socket.socket,
        frames: Frames,
        operations: Mapping[str, Any],
        contain: Any,
        walls: Any,
        process: int,
    ) -> None:
        self.control = control
        self.frames = frames
        self.operations = operations
        self.contain = contain
        self.walls = walls
        self.process = process
        self.image = image_size(process)
        self.address = best_address(frames)
        self.scripts: list[tuple[str, list[Prepared]]] = []
        self.slots: Slots = {}
        self.children: set[int] = set()

    def say(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        self.control.sendmsg([json.dumps(message).encode()], rights)

    def run(self) -> None:
        redirect_output()
        gc.collect()
        gc.freeze()
        gather(self.process)
        self.say({"ready": True, "walls": self.walls.names})
        while True:
            data, descriptors, _, _ = socket.recv_fds(self.control, 1 << 16, 2)
            if not data:
                os._exit(0)
            request = json.loads(data)
            if "reap" in request:
                self.reap(request["reap"])
            elif "learn" in request:
                self.learn(request["learn"], descriptors[0])
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

    def learn(self, function: str, descriptor: int) -> None:
        """Take in a script, the calls of a function that will be asked of every child forked from now on."""
        read, script = self.frames, []
        with open(descriptor, "rb") as file:
            file.seek(0)
            while lengths := file.read(16):
                head, size = read.read_lengths(lengths, 1 << 40)
                header = read.read_header(file.read(head))
                args, kwargs = read.decode(file.read(size), header["tree"], layouts=True)
                script.append(Prepared(read, args, kwargs, header["limit"], self.slots))
        self.scripts.append((function, script))
        gc.freeze()
        self.image = max(self.image, image_size(self.process))
        self.say({"learnt": len(self.scripts) - 1})

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
        pipe = Pipe(socket.socket(fileno=3), self.frames)
        submission = Submission(
            self.frames, request["filename"], self.operations, self.scripts, self.address, self.slots
        )
        sys.argv = [request["filename"]]
        seed_everything(request["seed"])
        memory = request["memory"]
        self.contain.confine(self.walls, self.image + memory if memory >= 0 else memory, request["cpu"])
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


HUGE = 2 << 20  # bytes of a large page
MADV_COLLAPSE = 25  # Linux 6.1; elsewhere it is refused, and all stays as it was


def gather(process: int) -> None:
    """Hold what this process has written in large pages, as far as the kernel does that.

    A fork then copies one entry of the page tables where it copied 512, and its end gives back one: with PyTorch
    imported these entries are most of what a child costs. Memory that was never written is refused, and so not taken.
    """
    advise = ctypes.CDLL(None).madvise
    try:
        with open(os.open("maps", os.O_RDONLY, dir_fd=process), encoding="utf-8", errors="replace") as file:
            lines = [line.split(None, 5) for line in file]
    except OSError:  # it is slower so, and nothing else
        return
    for place, rights, _, _, inode, *_ in lines:
        if rights == "rw-p" and inode == "0":
            start, end = (int(number, 16) for number in place.split("-"))
            for address in range(-(-start // HUGE) * HUGE, end - HUGE + 1, HUGE):
                advise(ctypes.c_void_p(address), ctypes.c_size_t(HUGE), MADV_COLLAPSE)


def image_size(process: int) -> int:
    """Return the address space of this process, bytes."""
    with open(os.open("statm", os.O_RDONLY, dir_fd=process), encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def main() -> None:
    folder, root, packages, control, tier = sys.argv[1:]
    tempfile.tempdir = "/tmp"  # noqa: S108 (nothing can be written there, but asking where it is must not fail)
    protocol, contain_code, models = map(beside, FILES)
    contain = as_module("contain", contain_code)
    paths = contain.readable_paths(folder)
    if tier == contain.BWRAP:
        files = [str(Path(__file__).parent / f"{name}.py") for name in ("worker", *FILES)]
        contain.wrap(paths, files, [files[0], *sys.argv[1:5], contain.INSIDE])
    names, process = contain.enclose(tier, paths, root)
    sys.path.insert(0, folder)
    for package in packages.split(","):
        importlib.import_module(package)
    for name in ("random", "linalg", "fft", "lib.stride_tricks"):  # imported late by NumPy, but not by every child
        importlib.import_module(f"numpy.{name}")
    codecs.lookup("utf-8-sig")  # how modules are read; not looked for by every child either
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    frames = as_module("protocol", protocol)
    operations = {}
    if "torch" in sys.modules:
        operations = {**as_module("../models/harness", models).OPERATIONS, "read_state": read_state}
    sys.argv = ["submission"]
    if thread_count(process) != 1:
        raise RuntimeError("the zygote has more than one thread: a fork would not be safe")
    walls = contain.Walls(tier, names, paths)
    Zygote(socket.socket(fileno=int(control)), frames, operations, contain, walls, process).run()


if __name__ == "__main__":
    as_module("worker", beside("worker")).main()
