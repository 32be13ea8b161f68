"""A session that calls functions in this process: for a course's own functions, never for a student's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from grader.contract import Call
from grader.functions.arrays import as_stored
from grader.functions.cases import fresh
from grader.sandbox.replies import Died, Raised, Reply, Returned
from grader.sandbox.script import Script


class LocalSession:
    """What `grader.sandbox.host.Session` offers, without a process or any protection.

    A function may return a Died, to play dead in a test.
    """

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        self.functions = functions
        self.results: list[Any] = []
        self._held: list[list[tuple[int, int]]] = []  # the memory of each result
        self._arrays: dict[tuple[Any, ...], Any] = {}  # of earlier calls, by position or name and form

    def load(self) -> Reply:
        return Returned(tuple(self.functions))

    def value(self, name: str) -> Reply:
        return Raised("AttributeError", name)

    def call(self, function: str, call: Call, *, reply_bytes: int) -> Reply:  # noqa: ARG002 - the protocol's signature
        own = self._received(call)
        self.results.append(None)
        self._held.append([])
        try:
            with np.errstate(all="ignore"):  # an overflow is no exception there either
                result = self.functions[function](*own.args, **own.kwargs)
        except Exception as error:
            return Raised(type(error).__name__, str(error))
        if isinstance(result, Died):
            return result
        given, now = _named(call), _named(own)
        changed = tuple(name for name in now if not _same(now[name], given[name]))
        mine = _ranges(result)
        shares = tuple(name for name, value in now.items() if _overlap(_ranges(value), mine))
        earlier = tuple(number for number, other in enumerate(self._held) if _overlap(other, mine)) if mine else ()
        self.results[-1], self._held[-1] = result, mine
        return Returned(_snapshot(result), changed, shares, earlier)

    def _received(self, call: Call) -> Call:
        """Return the call as a student's process gets it: all copied, arrays in their memory layout.

        An array like that of an earlier call gets its memory, and so its id: nobody may remember results by that.
        """
        own, placed = fresh(call), {}
        for name, value in _named(call).items():
            if isinstance(value, np.ndarray):
                form = name, value.dtype, value.shape, value.strides
                placed[name] = self._arrays[form] = as_stored(value, self._arrays.get(form))
        return Call(
            tuple(placed.get(n, a) for n, a in enumerate(own.args)),
            {n: placed.get(n, v) for n, v in own.kwargs.items()},
        )

    def calls(self, function: str, todo: Iterable[tuple[Call, int]]) -> Iterator[Reply]:
        for call, reply_bytes in todo:
            reply = self.call(function, call, reply_bytes=reply_bytes)
            yield reply
            if isinstance(reply, Died):
                return

    def perform(self, script: Script, start: int = 0) -> Iterator[Reply]:
        return self.calls(script.function, script.calls[start:])

    def reread(self, numbers: Sequence[int]) -> list[Reply]:
        return [Returned(_snapshot(self.results[number])) for number in numbers]

    def output(self) -> str:
        return ""

    def kill(self) -> None:
        pass


def _named(call: Call) -> dict[int | str, Any]:
    named: dict[int | str, Any] = dict(enumerate(call.args))
    named.update(call.kwargs)
    return named


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    return bool(a == b)


def _overlap(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> bool:
    """Do memory ranges overlap? As in a student's process; to tell it of the entries would take NumPy very long."""
    return any(low < end and start < high for low, high in some for start, end in others)


def _ranges(value: Any) -> list[tuple[int, int]]:
    """Return between which addresses the arrays inside a value lie, as np.may_share_memory sees it."""
    found = []
    for array in _arrays(value):
        if array.size:
            first = array.__array_interface__["data"][0]
            reach = [(n - 1) * step for n, step in zip(array.shape, array.strides, strict=True)]
            low, high = sum(r for r in reach if r < 0), sum(r for r in reach if r > 0)
            found.append((first + low, first + high + array.itemsize))
    return found


def _arrays(value: Any) -> list[Any]:
    """Return the arrays inside a value; a list of lists of numbers holds none."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, list) and value and isinstance(value[0], list | float | int):
        return []
    return [array for item in value for array in _arrays(item)] if isinstance(value, tuple | list) else []


def _snapshot(value: Any) -> Any:
    """Return the result as the wire would bring it: a copy, NumPy numbers as 0-d arrays."""
    if isinstance(value, tuple | list):
        items = [_snapshot(item) for item in value]
        return items if isinstance(value, list) else tuple(items)  # a named tuple arrives as a tuple
    if not isinstance(value, np.generic | np.ndarray):
        return value
    copied = np.array(value)
    copied.flags.writeable = False
    return copied
