"""A session that calls functions in this process, so that judging can be tested apart from the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from grader.contract import Call
from grader.functions.cases import fresh
from grader.sandbox.replies import Died, Raised, Reply, Returned


class LocalSession:
    """What `grader.sandbox.host.Session` offers, without a process. A function may return a Died to play dead."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        self.functions = functions
        self.results: list[Any] = []

    def load(self) -> Reply:
        return Returned(tuple(self.functions))

    def value(self, name: str) -> Reply:
        return Raised("AttributeError", name)

    def call(self, function: str, call: Call, *, reply_bytes: int) -> Reply:  # noqa: ARG002 - the protocol's signature
        own = fresh(call)
        try:
            result = self.functions[function](*own.args, **own.kwargs)
        except Exception as error:
            return Raised(type(error).__name__, str(error))
        if isinstance(result, Died):
            return result
        changed = tuple(i for i, (a, b) in enumerate(zip(own.args, call.args, strict=True)) if not _same(a, b))
        shares = tuple(i for i, a in enumerate(own.args) if _shares(a, result))
        earlier = tuple(i for i, other in enumerate(self.results) if _shares(other, result))
        self.results.append(result)
        return Returned(_snapshot(result), changed, shares, earlier)

    def reread(self, number: int) -> Reply:
        return Returned(_snapshot(self.results[number]))

    def output(self) -> str:
        return ""

    def kill(self) -> None:
        pass


def _same(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a, b)) if isinstance(a, np.ndarray) else bool(a == b)


def _shares(a: Any, b: Any) -> bool:
    return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.shares_memory(a, b)


def _snapshot(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value
