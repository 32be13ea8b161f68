"""Formulas that students write: read by a small parser of our own, never evaluated as code, compared exactly.

Understood are numbers, names, + - * / and ^ (also **, ×, ·, ÷, −), sqrt(…) and √, brackets, and factors
side by side (2 x, X11 dh11; not two numbers). Two formulas are the same when they agree at random rational
points, computed exactly: for polynomials of the sizes here that is wrong less than once in 10^12 (Schwartz and Zippel).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from grader.draw import Draw
from grader.errors import did_you_mean
from grader.surds import Surd, UndefinedError, root, surd

MAX_LENGTH = 2000  # characters
MAX_DEPTH = 50  # of brackets
MAX_EXPONENT = 12
POINTS = 6
TRIES = 40  # for points at which no denominator vanishes
_RANGE = 10**4  # coordinates are squares of 1 … this

_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<name>[^\W\d_]\w*)|(?P<sign>\*\*|[-+*/^()√]))")
_SIGNS = str.maketrans({"×": "*", "·": "*", "⋅": "*", "∙": "*", "÷": "/", "−": "-", "–": "-", "[": "(", "]": ")"})


class FormulaError(Exception):
    """A text that is no formula; the message tells the student where and why."""


@dataclass(frozen=True)
class Formula:
    """A formula that was read: `evaluate` gives its value for values of its names."""

    text: str
    names: frozenset[str]
    evaluate: Callable[[Mapping[str, Surd]], Surd]


def parse(text: str, names: Collection[str] = ()) -> Formula:
    """Return the formula of a text in which only the given names may stand.

    Raises:
        FormulaError: it is not a formula, too long, or has an unknown name.

    >>> str(parse("2 sqrt(18) - √2").evaluate({}))
    '5*sqrt(2)'
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"a formula of {len(text):,} characters is too long")
    if re.search(r"\d,\d", text):
        raise FormulaError("a comma is not part of a formula: in a number, write a decimal point")
    parser = _Parser(list(_tokens(text.translate(_SIGNS))), frozenset(names))
    value = parser.sum(0)
    if parser.rest:
        raise FormulaError(f"{parser.rest[0][1]!r} is not expected there")
    return Formula(text, frozenset(parser.used), value)


def agree(one: Formula, other: Formula, rng: Draw) -> bool | None:
    """Are two formulas equal wherever both are defined? None where that cannot be decided.

    One that is no real number at any point that was tried, where the other is one everywhere, is another formula.
    """
    names = sorted(one.names | other.names)
    decided = undefined = 0
    for _ in range(TRIES):
        point = {name: surd(rng.integer(1, _RANGE) ** 2) for name in names}  # squares, so that roots stay exact
        try:
            wanted = other.evaluate(point)
            try:
                if one.evaluate(point) != wanted:
                    return False
            except (ZeroDivisionError, UndefinedError):
                undefined += 1
                continue
        except (ZeroDivisionError, ValueError):
            continue
        decided += 1
        if decided == POINTS or not names:
            return True
    return False if undefined == TRIES else None


Node = Callable[[Mapping[str, Surd]], Surd]
_Token = tuple[str, str]


class _Parser:
    """Recursive descent over tokens; every node is a function from values to a value."""

    def __init__(self, tokens: list[_Token], names: frozenset[str]) -> None:
        self.rest = tokens
        self.names = names
        self.used: set[str] = set()
        self.last = ""  # kind of the token that was read last

    def sum(self, depth: int) -> Node:
        value = self.product(depth)
        while sign := self.take("+", "-"):
            value = _combined(sign, value, self.product(depth))
        return value

    def product(self, depth: int) -> Node:
        value = self.signed(depth)
        while True:
            if sign := self.take("*", "/"):
                value = _combined(sign, value, self.signed(depth))
            elif self.rest and (self.rest[0][0] in ("number", "name") or self.rest[0][1] in ("(", "√")):
                if self.last == self.rest[0][0] == "number":  # 1 000 and 1 1/2 are no products
                    raise FormulaError("two numbers stand side by side: write a sign between them")
                value = _combined("*", value, self.power(depth))
            else:
                return value

    def signed(self, depth: int) -> Node:
        negative = False
        while sign := self.take("+", "-"):
            negative ^= sign == "-"
        inner = self.power(depth)
        return (lambda point: -inner(point)) if negative else inner

    def power(self, depth: int) -> Node:
        base = self.atom(depth)
        if not self.take("^", "**"):
            return base
        negative = bool(self.take("-"))
        kind, text = self.rest.pop(0) if self.rest else ("", "")
        if not (kind == "number" and text.isdecimal() and len(text) < 4 and int(text) <= MAX_EXPONENT):
            raise FormulaError(f"an exponent must be a whole number of at most {MAX_EXPONENT}")
        exponent = int(text)
        return lambda point: _power(base(point), -exponent if negative else exponent)

    def atom(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise FormulaError("too many brackets or roots inside one another")
        if not self.rest:
            raise FormulaError("it ends too early")
        kind, text = self.rest.pop(0)
        self.last = kind
        if kind == "number":
            number = surd(Fraction(text))
            return lambda point: number
        if text == "(":
            return self.bracket(depth)
        if text == "√" or (text == "sqrt" and text not in self.names):
            inner = self.bracket(depth) if self.take("(") else self.atom(depth + 1)
            return lambda point: root(inner(point))
        if kind != "name":
            raise FormulaError(f"{text!r} is not expected there")
        if text not in self.names:
            listing = f"the names are {', '.join(sorted(self.names))}" if self.names else ""
            known = did_you_mean(text, self.names, otherwise=listing)
            raise FormulaError("; ".join(filter(None, [f"unknown name {text!r}", known[:1].lower() + known[1:]])))
        self.used.add(text)
        return lambda point: point[text]

    def bracket(self, depth: int) -> Node:
        inner = self.sum(depth + 1)
        if not self.take(")"):
            raise FormulaError("a bracket is not closed")
        self.last = "bracket"
        return inner

    def take(self, *signs: str) -> str:
        if self.rest and self.rest[0][0] == "sign" and self.rest[0][1] in signs:
            return self.rest.pop(0)[1]
        return ""


def _combined(sign: str, left: Node, right: Node) -> Node:
    if sign == "+":
        return lambda point: left(point) + right(point)
    if sign == "-":
        return lambda point: left(point) - right(point)
    if sign == "*":
        return lambda point: left(point) * right(point)
    return lambda point: left(point) / right(point)


def _power(base: Surd, exponent: int) -> Surd:
    value = surd(1)
    for _ in range(abs(exponent)):
        value *= base
    return surd(1) / value if exponent < 0 else value


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    stripped = text.rstrip()
    while place < len(stripped):
        match = _TOKEN.match(stripped, place)
        if match is None:
            raise FormulaError(f"{stripped[place:].lstrip()[0]!r} is not part of a formula")
        yield str(match.lastgroup), match[str(match.lastgroup)]
        place = match.end()
