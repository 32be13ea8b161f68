"""The cases of a contract: drawn once a run, with what the reference and the twins return for each.

Every student gets the same cases. They come from the course key, or from a public constant without one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from grader.contract import Call, Contract, Regime, Twin
from grader.draw import Draw

PUBLIC = b"public cases"
FUZZED = 2  # further cases that Hypothesis draws in every regime
SIBLINGS = 6  # calls repeated with other numbers in the same shapes
AGAIN = 6  # calls made a second time, at the end
MIN_REPLY = 1 << 20  # bytes

SAME_SHAPES = "the shapes are those of the call before"
MADE_AGAIN = "the same call is made again"


@dataclass(frozen=True)
class Case:
    """One call, the regime it belongs to, and what is expected of it."""

    number: int
    regime: str
    call: Call
    expected: Any
    reply_bytes: int
    follows: int | None = None  # the number of the case that this one repeats, or whose shapes it has


@dataclass(frozen=True)
class Fault:
    """What a twin does on a call that it cannot handle: it raises."""

    type: str


@dataclass
class CaseSet:
    """All cases of a contract, in the order in which they are run."""

    contract: Contract
    secret: bytes
    cases: tuple[Case, ...]
    _twins: dict[tuple[str, int], Any] = field(default_factory=dict)

    def twin_expects(self, twin: Twin, case: Case) -> Any:
        """Return what a twin returns for a case, computed once a run."""
        place = (twin.name, case.number)
        if place not in self._twins:
            try:
                self._twins[place] = self.contract.check.expect(twin.function, fresh(case.call))
            except Exception as error:  # a wrong function may fail in any way
                self._twins[place] = Fault(type(error).__name__)
        return self._twins[place]


def case_set(contract: Contract, secret: bytes = PUBLIC, *, fuzzed: int = FUZZED) -> CaseSet:
    """Draw all cases of a contract: every regime's own, Hypothesis' further ones, siblings and repeats."""
    drawn: list[tuple[str, Call]] = []
    for regime in contract.regimes:
        drawn += [(regime.name, call) for call in regime_calls(regime, contract.name, secret, fuzzed)]
    spread = Draw("order", contract.name, secret).shuffled(drawn)
    cases: list[Case] = []
    for name, call in spread:
        cases.append(_case(contract, len(cases), name, call))
        siblings = sum(case.regime == SAME_SHAPES for case in cases)
        if siblings < SIBLINGS and (other := sibling(call)) is not None:
            cases.append(_case(contract, len(cases), SAME_SHAPES, other, follows=len(cases) - 1))
    firsts = [case for case in cases if case.follows is None][:AGAIN]
    cases += [
        replace(case, number=len(cases) + n, regime=MADE_AGAIN, follows=case.number) for n, case in enumerate(firsts)
    ]
    return CaseSet(contract, secret, tuple(cases))


def regime_calls(regime: Regime, function: str, secret: bytes, fuzzed: int) -> list[Call]:
    """Return the calls of one regime: `regime.cases` of our own draws, then Hypothesis' ones."""
    own = [regime.draw(Draw("case", function, regime.name, secret, n)) for n in range(regime.cases)]
    if not fuzzed:
        return own
    from grader.functions.fuzz import examples

    return own + examples(regime, fuzzed, function, regime.name, secret)


def sibling(call: Call) -> Call | None:
    """Return a call with the same shapes, dtypes and values, but the values in reverse order; None if equal."""
    args = tuple(_reversed(value) for value in call.args)
    kwargs = {name: _reversed(value) for name, value in call.kwargs.items()}
    pairs = zip((*args, *kwargs.values()), (*call.args, *call.kwargs.values()), strict=True)
    differs = any(a is not b and not np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)
    return Call(args, kwargs) if differs else None


def fresh(call: Call) -> Call:
    """Return a call whose arrays are copies, for a function that may modify its arguments."""
    return Call(tuple(_copy(a) for a in call.args), {name: _copy(v) for name, v in call.kwargs.items()})


def make_case(contract: Contract, regime: str, call: Call) -> Case:
    """Return a case outside the set, for a call found while shrinking."""
    return _case(contract, -1, regime, call)


def _case(contract: Contract, number: int, regime: str, call: Call, follows: int | None = None) -> Case:
    expected = contract.check.expect(contract.reference, fresh(call))
    return Case(number, regime, call, expected, max(MIN_REPLY, 2 * _bytes(call)), follows)


def _bytes(call: Call) -> int:
    return 16 * sum(value.nbytes for value in (*call.args, *call.kwargs.values()) if isinstance(value, np.ndarray))


def _reversed(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.size > 1:
        return value.ravel()[::-1].reshape(value.shape).copy()
    return value


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value
