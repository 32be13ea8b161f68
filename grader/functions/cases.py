"""The cases of a contract: drawn once a run, with what the reference and the twins return for each.

Every student gets the same cases. They come from the course key, or from a public constant without one.

They come in two rounds. Calls in which many things meet visit several regimes at once; the first round is made of so
many that every regime is visited as often as it asks for. Who is right on all of them is right. For anyone else all
other cases follow, regime by regime: they tell what is wrong, and what is not.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from grader.contract import Call, Contract, Regime, Twin
from grader.draw import Draw
from grader.functions.strata import Strata
from grader.functions.witness import parameter_names
from grader.sandbox.script import Script

PUBLIC = b"public cases"
FUZZED = 1  # of the cases of every regime, those that Hypothesis draws
SIBLINGS = 2  # of each kind: calls repeated with one thing changed (see `siblings`)
AGAIN = 6  # calls made a second time, at the end
TINY = 1e-9  # numbers below it are all the same within NumPy's tolerances
MIN_REPLY = 1 << 20  # bytes

SAME_SHAPES = "the call is much like the one before"
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
    inside: tuple[str, ...] = ()  # the other regimes that the call is in


@dataclass(frozen=True)
class Fault:
    """What a twin does on a call that it cannot handle: it raises."""

    type: str


@dataclass
class CaseSet:
    """All cases of a contract, in the order in which they are run; the first `opening` are the first round."""

    contract: Contract
    secret: bytes
    cases: tuple[Case, ...]
    opening: int
    _twins: dict[tuple[str, int], Any] = field(default_factory=dict)

    @cached_property
    def scripts(self) -> tuple[Script, ...]:
        """The calls of each round, as every student's process makes them; there may be one round only."""
        rounds = (self.cases[: self.opening], self.cases[self.opening :])
        return tuple(
            Script(self.contract.name, [(case.call, case.reply_bytes) for case in cases]) for cases in rounds if cases
        )

    @cached_property
    def showcase(self) -> Case | None:
        """The call of the contract's showcase, if it has one; it is none of the cases, and nothing of it counts."""
        shown = self.contract.showcase
        return None if shown is None else make_case(self.contract, "", shown.call())

    def twin_expects(self, twin: Twin, case: Case) -> Any:
        """Return what a twin returns for a case, computed once a run."""
        place = (twin.name, case.number)
        if place not in self._twins:
            try:
                with np.errstate(all="ignore"):
                    self._twins[place] = self.contract.check.expect(twin.function, fresh(case.call))
            except Exception as error:  # a wrong function may fail in any way
                self._twins[place] = Fault(type(error).__name__)
        return self._twins[place]


def case_set(contract: Contract, secret: bytes = PUBLIC, *, fuzzed: int = FUZZED) -> CaseSet:
    """Draw all cases of a contract: those of every regime, `fuzzed` of them by Hypothesis, siblings and repeats."""
    drawn: list[tuple[str, Call]] = []
    for regime in contract.regimes:
        drawn += [(regime.name, call) for call in regime_calls(regime, contract.name, secret, fuzzed)]
    spread = Draw("order", contract.name, secret).shuffled(drawn)
    cases: list[Case] = []
    tried: Counter[str] = Counter()
    opening = 0
    sizes = sorted(_entries(call) for _, call in drawn)
    small = 2 * sizes[len(sizes) // 2]  # a large call need not be made twice: what is remembered has no size
    for calls in rounds(contract, spread):
        for name, call, inside in calls:
            cases.append(replace(_case(contract, len(cases), name, call), inside=inside))
            others = siblings(contract, call) if _entries(call) <= small else ()
            kinds = sorted((tried[kind], kind, other) for kind, other in others if tried[kind] < SIBLINGS)
            if kinds and (case := _sibling(contract, cases[-1], kinds[0][2])) is not None:
                tried[kinds[0][1]] += 1
                cases.append(case)
        if not opening:
            firsts = [case for case in cases if case.follows is None and _entries(case.call) <= small][:AGAIN]
            cases += [
                replace(case, number=len(cases) + n, regime=MADE_AGAIN, follows=case.number, inside=())
                for n, case in enumerate(firsts)
            ]
            opening = len(cases)
    return CaseSet(contract, secret, tuple(cases), opening)


class Drawn(NamedTuple):
    """A call, the regime that drew it, and, in the first round, the others that it is in."""

    regime: str
    call: Call
    inside: tuple[str, ...] = ()


def rounds(contract: Contract, drawn: Sequence[tuple[str, Call]]) -> tuple[list[Drawn], list[Drawn]]:
    """Split calls into those of the first round and the others, each in the order given.

    In the first round are all calls of the regimes that only their own calls visit, and of every other regime as many
    as it takes for its number of visits. It begins with whole numbers, if there are any.
    """
    regimes = {regime.name: regime for regime in contract.regimes}
    visits: Counter[str] = Counter()
    first: dict[int, Drawn] = {}
    for shared in (False, True):
        for number, (name, call) in enumerate(drawn):
            regime = regimes[name]
            if (regime.holds is not None) == shared and (not shared or visits[name] < regime.cases):
                inside = tuple(r.name for r in contract.regimes if r is not regime and r.holds and r.holds(call))
                first[number] = Drawn(name, call, inside)
                visits.update((name, *inside))
    rest = [Drawn(name, call) for number, (name, call) in enumerate(drawn) if number not in first]
    opening = [first[number] for number in sorted(first)]
    whole = next(filter(_all_whole, opening), None)
    return sorted(opening, key=lambda each: each is not whole), rest


def _all_whole(drawn: Drawn) -> bool:
    """Are all arrays of a call of whole numbers? One such comes first: who remembers its type cuts off decimals."""
    kinds = {array.dtype.kind for array in _arrays(drawn.call)}
    return bool(kinds) and kinds <= {"i", "u"}


def regime_calls(regime: Regime, function: str, secret: bytes, fuzzed: int) -> list[Call]:
    """Return the calls of one regime, `regime.cases` in all: our own draws, spread evenly, then those of Hypothesis.

    Where Hypothesis finds fewer than `fuzzed` (a regime may have a single call), we draw the more.
    """
    drawn: list[Call] = []
    if fuzzed:
        from grader.functions.fuzz import examples

        drawn = examples(regime, fuzzed, function, regime.name, secret)
    strata = Strata(max(1, regime.cases - len(drawn)), function, regime.name, secret)
    return [regime.draw(strata.draw(n)) for n in range(strata.number)] + drawn


def siblings(contract: Contract, call: Call) -> Iterator[tuple[str, Call]]:
    """Yield calls that differ from this one in one thing, each with what kind of thing it is.

    All arrays have their values in another order, or only one array has; height and width change places, in the
    shapes, in the pairs or in both; or an option is left to its default. A function that remembers results by shapes,
    by some of its arguments, by sums or by bytes alone gives the old result; and where the numbers are tiny, one that
    looks for almost the same arguments.
    """
    names: dict[int | str, str] = dict(enumerate(parameter_names(contract.signature)))
    named: dict[int | str, Any] = dict(enumerate(call.args))
    named.update(call.kwargs)
    turned = {place: other for place, value in named.items() if (other := _turned(value)) is not None}
    tiny = all(np.max(np.abs(array), initial=0) < TINY for array in turned.values())
    changes = {"all, tiny" if tiny else "all": turned} if turned else {}
    if len(turned) > 1:
        changes |= {str(names.get(place, place)): {place: other} for place, other in turned.items()}
    exchanged = {place: other for place, value in named.items() if (other := _exchanged(value)) is not None}
    if exchanged:
        arrays = {isinstance(value, np.ndarray) for value in exchanged.values()}
        changes["shapes" if arrays == {True} else "shapes and pairs" if True in arrays else "pairs"] = exchanged
    for kind, change in changes.items():
        yield kind, _with(call, change)
    if turned:
        for option in call.kwargs:
            yield f"without {option}", Call(call.args, {n: v for n, v in call.kwargs.items() if n != option})


def _with(call: Call, change: dict[int | str, Any]) -> Call:
    """Return the call with other values at these positions and names."""
    args = tuple(change.get(number, value) for number, value in enumerate(call.args))
    return Call(args, {name: change.get(name, value) for name, value in call.kwargs.items()})


def _sibling(contract: Contract, case: Case, call: Call) -> Case | None:
    """Return the case that follows another one; None where that one's result is right here, too, and shows nothing.

    None as well where the function is not defined for the call.
    """
    try:
        sibling = _case(contract, case.number + 1, SAME_SHAPES, call, follows=case.number)
        before = fresh(case.call)
        old = contract.reference(*before.args, **before.kwargs)
        right = contract.check.compare(old, sibling.expected, call).share == 1
    except Exception:  # an option without a default, or one that the shapes depend on
        return None
    return None if right else sibling


def fresh(call: Call) -> Call:
    """Return a call whose arrays are copies, for a function that may modify its arguments."""
    return Call(tuple(_copy(a) for a in call.args), {name: _copy(v) for name, v in call.kwargs.items()})


def make_case(contract: Contract, regime: str, call: Call) -> Case:
    """Return a case outside the set, for a call found while shrinking."""
    return _case(contract, -1, regime, call)


def _case(contract: Contract, number: int, regime: str, call: Call, follows: int | None = None) -> Case:
    expected = contract.check.expect(contract.reference, fresh(call))
    return Case(number, regime, call, expected, max(MIN_REPLY, 2 * _bytes(call)), follows)


def _arrays(call: Call) -> list[Any]:
    return [value for value in (*call.args, *call.kwargs.values()) if isinstance(value, np.ndarray)]


def _entries(call: Call) -> int:
    return sum(int(array.size) for array in _arrays(call))


def _bytes(call: Call) -> int:
    return 16 * sum(int(array.nbytes) for array in _arrays(call))


def _turned(value: Any) -> Any:
    """Return an array with the same values in another order; None where that changes nothing, or it is no array.

    The first, the middle and the last stay where they are if the others can change, else the first and the last: sums
    and such samples tell nothing then.
    """
    if not isinstance(value, np.ndarray) or value.size < 2:
        return None
    flat = value.ravel()
    for left in ({0, flat.size // 2, flat.size - 1}, {0, flat.size - 1}, set[int]()):
        places = [place for place in range(flat.size) if place not in left]
        other = flat.copy()
        other[places] = flat[places[::-1]]
        if not np.array_equal(flat, other, equal_nan=value.dtype.kind == "f"):
            return other.reshape(value.shape)
    return None


def _exchanged(value: Any) -> Any:
    """Return a pair turned round, or an array of the same numbers in a row whose last two axes change lengths.

    So height and width change places in all of a call. None where nothing changes. An array of two axes has none:
    its first may count examples.
    """
    if isinstance(value, tuple | list) and len(value) == 2 and all(isinstance(item, Real) for item in value):
        return value[::-1] if value[0] != value[1] else None
    if isinstance(value, np.ndarray) and value.ndim > 2 and value.shape[-1] != value.shape[-2]:
        return value.reshape(*value.shape[:-2], value.shape[-1], value.shape[-2]).copy()
    return None


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else copy.deepcopy(value)
