"""What is promised about a function that students write: its signature, its domain, how it is judged.

A contract is declarative: `regimes` are named strata of inputs, each with a way to draw a call from it;
`reference` is the right function; `twins` are wrong ones, each a misconception. Which regimes a function
passes decides its marks: a group of regimes earns its share only when every case in it passes.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

from grader.draw import Draw
from grader.errors import CourseError
from grader.outcome import Verdict

BEHAVIOUR = "behaviour"  # what is asked of every call, whatever its input: see `Contract.properties`
BEHAVIOUR_SHARE = Fraction(1, 5)


@dataclass(frozen=True)
class Call:
    """Arguments of one call: plain data and NumPy arrays, whose layout (order, strides, flags) counts too."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Regime:
    """A named stratum of inputs. `draw` returns a call inside it; `group` is what it counts towards.

    `cases` is how many calls of it every function gets; one of them is drawn by Hypothesis. Five are enough where every
    call, or nearly every one, shows the mistakes that the regime is for; where they show more rarely, it takes more.

    `holds` tells whether a call that another regime drew is inside this one, too, and shows its mistakes as its own
    calls do. A function that is right on calls which visit every regime `cases` times is not asked the others.

    The name completes the sentence "wrong on 12 of 12 cases where …": "the stride does not divide".
    """

    name: str
    draw: Callable[[Draw], Call]
    group: str = "basics"
    cases: int = 5
    holds: Callable[[Call], bool] | None = None


@dataclass(frozen=True)
class Twin:
    """A wrong implementation and the sentence for the student whose function behaves like it."""

    name: str
    function: Callable[..., Any]
    hint: str


@dataclass(frozen=True)
class Pane:
    """One plane of an input, as rows of numbers, with the window that makes an output entry.

    `rows` and `columns` are start and stop in the plane as drawn (zero padding included: `padding` says how
    many of the outer rows and columns are padding). `weights` is the kernel laid over the window, or None.
    """

    label: str
    plane: tuple[tuple[Any, ...], ...]
    rows: tuple[int, int]
    columns: tuple[int, int]
    padding: tuple[int, int] = (0, 0)
    weights: tuple[tuple[Any, ...], ...] | None = None


@dataclass(frozen=True)
class Window:
    """What makes one output entry: its panes (one a channel) and how they combine, in words or numbers."""

    panes: tuple[Pane, ...]
    sentence: str


@dataclass(frozen=True)
class Showcase:
    """Something for the report to show, that a function made: no mark depends on it.

    `call()` is what it is called with. `show(call, value)` returns a record (see `grader.report.record`) of what came
    back, which is a student's: plain data of any kind, shape and size; it returns {} where that cannot be shown.
    """

    call: Callable[[], Call]
    show: Callable[[Call, Any], Mapping[str, Any]]


class Check(Protocol):
    """How one result is judged, given what the reference returned for the call.

    `expect` is computed once a run, in the trusted process, for the reference and for every twin; `compare`
    then judges every student's result against it: shape, then kind, then finiteness, then value. `agrees`
    tells whether a result is what a twin returns. None of them ever sees a student's object: results arrive
    as plain data and base NumPy arrays.

    A check may also have `across(seen)`: given every (call, result) that was right by itself, repeated calls
    included, it returns a verdict on all of them together, such as "the same seed gives the same split".
    """

    def expect(self, function: Callable[..., Any], call: Call) -> Any: ...

    def compare(self, got: Any, expected: Any, call: Call) -> Verdict: ...

    def agrees(self, got: Any, expected: Any) -> bool: ...


@dataclass(frozen=True)
class Limits:
    """What one submission may use: seconds for a call and in all, bytes beyond the interpreter's own.

    A negative memory is not limited: only for models on a GPU, whose driver reserves tens of gigabytes of addresses.
    """

    call_seconds: float = 10.0
    total_seconds: float = 60.0
    memory: int = 1 << 30


@dataclass(frozen=True)
class Contract:
    """A function asked of students.

    `signature` is the text after `def name`, `doc` the docstring of the stub. `groups` states the weight of
    every group of regimes, the gate first; `shares` is what they come to. `alternatives` are other right
    implementations, however odd, which `grader selftest` must see accepted. `allowed` are the top-level modules
    that may be imported besides the standard library.
    `window(call, at)` tells which part of the input makes the output entry `at`, for the picture.
    """

    name: str
    signature: str
    doc: str
    reference: Callable[..., Any]
    regimes: tuple[Regime, ...]
    check: Check
    twins: tuple[Twin, ...] = ()
    alternatives: tuple[Callable[..., Any], ...] = ()
    groups: Mapping[str, Fraction | int] = field(default_factory=lambda: {"basics": 1})
    properties: tuple[str, ...] = ("unchanged", "unaliased", "repeatable")
    allowed: frozenset[str] = frozenset({"numpy"})
    limits: Limits = Limits()
    window: Callable[[Call, tuple[int, ...]], Window | None] = lambda call, at: None
    showcase: Showcase | None = None

    def __post_init__(self) -> None:
        where = f"contract {self.name!r}"
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", self.name):
            raise CourseError(f"{where}: the name is not a function's name")
        names = [regime.name for regime in self.regimes]
        if not names:
            raise CourseError(f"{where}: without a regime nothing would be checked")
        if len(set(names)) < len(names):
            raise CourseError(f"{where}: two regimes have one name")
        if any(regime.cases < 1 for regime in self.regimes):
            raise CourseError(f"{where}: a regime needs at least one case")
        if stray := {regime.group for regime in self.regimes} ^ set(self.groups):
            raise CourseError(f"{where}: regimes and groups do not match: {', '.join(sorted(stray))}")
        if BEHAVIOUR in self.groups:
            raise CourseError(f"{where}: no group of its own can be called {BEHAVIOUR!r}, which every function has")
        if sum(Fraction(weight) for weight in self.groups.values()) <= 0:
            raise CourseError(f"{where}: the weights of its groups must add up to more than zero")
        if twins := [twin.name for twin in self.twins if not twin.hint]:
            raise CourseError(f"{where}: the wrong twin {twins[0]!r} has no hint")
        if len({twin.name for twin in self.twins}) < len(self.twins):
            raise CourseError(f"{where}: two wrong twins have one name")

    @property
    def shares(self) -> tuple[tuple[str, Fraction], ...]:
        """What share of the marks each group of regimes earns, in their order, and last what behaviour earns."""
        whole = sum((Fraction(weight) for weight in self.groups.values()), Fraction(0))
        groups = [(name, Fraction(w) / whole * (1 - BEHAVIOUR_SHARE)) for name, w in self.groups.items()]
        return (*groups, (BEHAVIOUR, BEHAVIOUR_SHARE))

    def accepted_by(self, parameters: str) -> bool:
        """Could a function with these parameters, "x, w, stride=1", be called as this one is?

        What is required is given by position, every option by name.
        """
        required: list[str] = []
        options: list[str] = []
        for parameter in _parameters(self.signature[1:-1]):
            (required if parameter.default is parameter.empty else options).append(parameter.name)
        try:
            inspect.Signature(_parameters(parameters)).bind(*required, **dict.fromkeys(options))
        except (TypeError, ValueError):  # ValueError: two parameters of one name
            return False
        return True


def percentages(shares: Iterable[tuple[str, Fraction]]) -> tuple[tuple[str, int], ...]:
    """Return shares of one whole in percent, rounded so that they add up to 100 (by the largest remainder).

    >>> percentages([("basics", Fraction(4, 15)), ("sizes", Fraction(8, 15)), ("behaviour", Fraction(1, 5))])
    (('basics', 27), ('sizes', 53), ('behaviour', 20))
    """
    exact = [(name, share * 100) for name, share in shares]
    whole = [math.floor(percent) for _, percent in exact]
    by_rest = sorted(range(len(exact)), key=lambda n: whole[n] - exact[n][1])
    for n in by_rest[: 100 - sum(whole)]:
        whole[n] += 1
    return tuple((name, percent) for (name, _), percent in zip(exact, whole, strict=True))


def _parameters(text: str) -> list[inspect.Parameter]:
    """Return the parameters that a text between the brackets of a `def` declares; nothing of it is run."""
    function = ast.parse(f"def f({text}): ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    a, kinds = function.args, inspect.Parameter
    given = [(p, kinds.POSITIONAL_ONLY) for p in a.posonlyargs] + [(p, kinds.POSITIONAL_OR_KEYWORD) for p in a.args]
    first = len(given) - len(a.defaults)
    found = [kinds(p.arg, kind, default=kinds.empty if n < first else None) for n, (p, kind) in enumerate(given)]
    found += [kinds(a.vararg.arg, kinds.VAR_POSITIONAL)] if a.vararg else []
    found += [
        kinds(p.arg, kinds.KEYWORD_ONLY, default=kinds.empty if value is None else None)
        for p, value in zip(a.kwonlyargs, a.kw_defaults, strict=True)
    ]
    return found + ([kinds(a.kwarg.arg, kinds.VAR_KEYWORD)] if a.kwarg else [])
