"""Writing a call and its results for people and for JSON."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np

from grader.answers import shortened
from grader.contract import Call, Contract
from grader.functions.checks import Target, describe, number
from grader.outcome import Counterexample, Verdict
from grader.sandbox.replies import Junk

MAX_ENTRIES = 4096  # of an array or a list in a report
MAX_TEXT = 2000  # characters of a text


def counterexample(
    contract: Contract, regime: str, call: Call, got: Any, expected: Any, verdict: Verdict
) -> Counterexample:
    """Return a failing call as plain data, with the window that makes the first entry that differs."""
    window = contract.window(call, verdict.at) if verdict.at else None
    return Counterexample(
        arguments={name: plain(value) for name, value in arguments(contract, call).items()},
        got=got if isinstance(got, str) and got == verdict.message else _quoted(got),
        want=_quoted(expected),
        at=verdict.at,
        regime=regime,
        call=call_text(contract.name, call),
        window=plain(asdict(window)) if window else None,
        sentence=verdict.message,
    )


def arguments(contract: Contract, call: Call) -> dict[str, Any]:
    """Return the arguments of a call by the names of the contract's signature."""
    names = parameter_names(contract.signature)
    return {**dict(zip(names, call.args, strict=False)), **call.kwargs}


def parameter_names(signature: str) -> list[str]:
    """Return the names in a signature.

    >>> parameter_names("(x, w, b=None, stride=1, padding=0)")
    ['x', 'w', 'b', 'stride', 'padding']
    """
    function = ast.parse(f"def f{signature}: ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    return [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]


def plain(value: Any) -> Any:
    """Return a value as JSON data: arrays as nested lists, NaN and infinities as words."""
    if isinstance(value, Target):
        return plain(value.value)
    if isinstance(value, np.ndarray):
        return plain(value.tolist()) if value.size <= MAX_ENTRIES else f"an array of shape {value.shape}"
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Junk):
        return value.kind
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return number(value).lower()
    if isinstance(value, Fraction):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _quoted(value: Any) -> Any:
    """Return a result as JSON data; a text in quotes, which tells it from what is said about other results.

    One that nobody would read to its end is cut, or named.
    """
    if isinstance(value, str):
        return shortened(repr(value[:MAX_TEXT]), MAX_TEXT)
    return plain(value) if _weight(value) <= MAX_ENTRIES else describe(value)


def _weight(value: Any) -> int:
    """Return how many entries are inside a value, 20 characters counted as one; no further than is asked for."""
    total = 0
    for item in inside(value):
        total += 1
        if isinstance(item, str | bytes):
            total += len(item) // 20
        elif isinstance(item, np.ndarray) and item.size <= MAX_ENTRIES:
            total += item.size
        if total > MAX_ENTRIES:
            break
    return total


def inside(value: Any) -> Iterator[Any]:
    """Yield a value and all that is inside its lists, tuples and dicts."""
    todo = [value]
    while todo:
        item = todo.pop()
        yield item
        if isinstance(item, list | tuple):
            todo += item
        elif isinstance(item, Mapping):
            todo += [*item, *item.values()]


def call_text(function: str, call: Call) -> str:
    """Return a call as a line of Python that can be pasted (after `import numpy as np`).

    >>> call_text("f", Call((np.array([1.0, 2.5]), 3), {"stride": (1, 2)}))
    'f(np.array([1.0, 2.5]), 3, stride=(1, 2))'
    """
    parts = [source(value) for value in call.args] + [f"{name}={source(v)}" for name, v in call.kwargs.items()]
    return f"{function}({', '.join(parts)})"


def source(value: Any) -> str:
    """Return the Python expression of an argument; an array's layout is left out, its dtype is not."""
    if isinstance(value, np.ndarray):
        if value.size > MAX_ENTRIES:
            return f"<array of shape {value.shape}>"
        dtype = "" if value.dtype in (np.dtype("float64"), np.dtype("int64")) else f", dtype=np.{value.dtype.name}"
        if value.size == 0:
            return f"np.zeros({value.shape}, dtype=np.{value.dtype.name})"
        return f"np.array({_listing(value.tolist())}{dtype})"
    if isinstance(value, np.generic):
        return f"np.{value.dtype.name}({number(value)})"
    if isinstance(value, tuple):
        return "(" + ", ".join(source(item) for item in value) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, list):
        return "[" + ", ".join(source(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {source(item)}" for name, item in value.items()) + "}"
    return repr(value)


def _listing(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_listing(item) for item in value) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return "np.nan" if math.isnan(value) else ("np.inf" if value > 0 else "-np.inf")
    return repr(value)
