"""Kinds of answers: how one is read from plain data, compared with the key, and written for a person.

A kind never evaluates student text: `read` takes what a JSON document or a Python literal can hold.
Everything is exact (int, Fraction) except where a rounding rule is stated.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from grader.draw import Draw
from grader.expressions import FormulaError, agree, parse
from grader.outcome import Outcome, Verdict, correct, partial, wrong
from grader.surds import Surd

Value = Any  # int | Fraction | Surd | float | str | nested tuples of these


class AnswerError(Exception):
    """The answer is not of the kind asked for; the message tells the student what is expected."""


class Answer(ABC):
    """A kind of answer."""

    @property
    @abstractmethod
    def rule(self) -> str:
        """What the sheet states: "a whole number, in pixels"."""

    @abstractmethod
    def read(self, raw: object) -> Value:
        """Return the value of plain data, or raise AnswerError with a message for the student."""

    @abstractmethod
    def compare(self, value: Value, key: Value) -> Verdict:
        """Compare a value that was read with the right one."""

    @abstractmethod
    def show(self, value: Value) -> str:
        """Write a value as a person would, in plain text."""

    def quote(self, value: Value) -> str:
        """Write a student's value for a message: as `show` does, but a person's answer is not that long."""
        return shortened(self.show(value), QUOTED)

    def tex(self, value: Value) -> str:
        """Write a value as LaTeX, without dollar signs."""
        return rf"\text{{{self.show(value)}}}"

    def same(self, value: Value, key: Value) -> bool:
        """Would this value earn full marks?"""
        return self.compare(value, key).share == 1


@dataclass(frozen=True)
class Integer(Answer):
    """A whole number.

    >>> Integer(unit="pixels").rule
    'a whole number, in pixels'
    """

    unit: str = ""

    @property
    def rule(self) -> str:
        return "a whole number" + (f", in {self.unit}" if self.unit else "")

    def read(self, raw: object) -> int:
        value = read_number(raw)
        if isinstance(value, Surd) or value.denominator != 1:
            raise AnswerError(f"expected {self.rule}, got {shortened(write_number(value))}, which is not whole")
        return int(value)

    def compare(self, value: Value, key: Value) -> Verdict:
        return correct() if value == key else wrong(f"{self.quote(value)} is not right")

    def show(self, value: Value) -> str:
        return f"{value:,}" + (f" {unit_of(value, self.unit)}" if self.unit else "")

    def tex(self, value: Value) -> str:
        digits = f"{value:,}".replace(",", "{,}")
        return digits + (rf"\ \text{{{unit_of(value, self.unit)}}}" if self.unit else "")


@dataclass(frozen=True)
class Number(Answer):
    """An exact number, or one rounded to `places` decimals.

    With `places`, anything within half a unit of the last place is right, so that more decimals than asked
    for are right as well. Without, the number must be exact: an integer, a decimal or a fraction.
    """

    places: int | None = None
    unit: str = ""
    roots: bool = False  # whether the sheet shows how a root is written

    @property
    def rule(self) -> str:
        kind = "an exact number (integer, decimal or fraction)"
        if self.roots:
            kind = "an exact number, with roots as a text such as '3*sqrt(2)'"
        if self.places is not None:
            kind = f"a number, rounded to {count(self.places, 'decimal')}"
        return kind + (f", in {self.unit}" if self.unit else "")

    def read(self, raw: object) -> Fraction | Surd:
        return read_number(raw)

    def compare(self, value: Value, key: Value) -> Verdict:
        if near(value, key, self.places):
            return correct()
        return wrong(f"{self.quote(value)} is {ROUNDED if self._rounds(value, key) else 'not right'}")

    def _rounds(self, value: Value, key: Value) -> bool:
        return self.places is None and rounds(value, key)

    def show(self, value: Value) -> str:
        return write_number(value, self.places) + (f" {unit_of(value, self.unit)}" if self.unit else "")

    def tex(self, value: Value) -> str:
        return tex_number(value, self.places) + (rf"\ \text{{{unit_of(value, self.unit)}}}" if self.unit else "")


@dataclass(frozen=True)
class Shape(Answer):
    """A tuple of whole numbers in a stated order, such as (channels, height, width)."""

    axes: tuple[str, ...]

    @property
    def rule(self) -> str:
        return f"a tuple of whole numbers ({', '.join(self.axes)})"

    def read(self, raw: object) -> tuple[int, ...]:
        items = _items(raw)
        if items is None or len(items) != len(self.axes):
            numbers = re.findall(r"\d+", raw) if isinstance(raw, str) else ()
            hint = f": write ({', '.join(numbers)})" if len(numbers) == len(self.axes) > 1 else ""
            raise AnswerError(f"expected {self.rule}, got {excerpt(raw)}{hint}")
        return tuple(Integer().read(item) for item in items)

    def compare(self, value: Value, key: Value) -> Verdict:
        if value == key:
            return correct()
        axis = next(a for a, got, want in zip(self.axes, value, key, strict=True) if got != want)
        return wrong(f"{self.quote(value)} is not right: look at the {axis}")

    def show(self, value: Value) -> str:
        inner = ", ".join(str(v) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"

    def tex(self, value: Value) -> str:
        return "(" + ", ".join(str(v) for v in value) + ")"


@dataclass(frozen=True)
class Matrix(Answer):
    """Rows of numbers (or maps of rows, of any depth), each exact or rounded to `places` decimals.

    One wrong entry among eight or more is a slip and costs half the marks; more is wrong.
    """

    places: int | None = None
    depth: int = 2
    roots: bool = False  # whether the sheet shows how a root is written

    SLIP = 8

    @property
    def rule(self) -> str:
        kind = {1: "a list of numbers", 2: "a list of rows", 3: "a list of maps, each a list of rows"}[self.depth]
        entries = "exact" if self.places is None else f"rounded to {count(self.places, 'decimal')}"
        return f"{kind}, every number {entries}" + (", with roots as texts such as '3*sqrt(2)'" if self.roots else "")

    def read(self, raw: object) -> Value:
        if self.depth == 3 and (rows := _items(raw)) and all(_only_numbers(row) for row in rows):
            raw = [raw]  # one map, written without the list around it
        if (items := _items(raw)) and len(items) == 1 and _nesting(raw) == self.depth + 1:
            raw = items[0]  # a list around it that is not asked for
        return self._read(raw, self.depth)

    def _read(self, raw: object, depth: int) -> Value:
        if depth == 0:
            return read_number(raw)
        items = _items(raw)
        if items is None:
            quoted = isinstance(raw, str) and raw.lstrip()[:1] in ("[", "(")
            hint = ": write it without quotation marks" if quoted else ""
            raise AnswerError(f"expected {self.rule}, got {excerpt(raw)}{hint}")
        return tuple(self._read(item, depth - 1) for item in items)

    def compare(self, value: Value, key: Value) -> Verdict:
        got_shape, want_shape = shape_of(value), shape_of(key)
        if got_shape != want_shape:
            got = "rows of different lengths" if got_shape is None else _by(got_shape)
            return wrong(f"the size is not right: you have {got}")
        pairs = list(_entries(value, key))
        bad = [at for at, got, want in pairs if not near(got, want, self.places)]
        if not bad:
            return correct()
        rounded = self.places is None and all(near(got, want, None) or rounds(got, want) for _, got, want in pairs)
        first = f"{_position(bad[0])} is {ROUNDED if rounded else 'not right'}"
        if len(bad) == 1 and len(pairs) >= self.SLIP:
            return partial(Fraction(1, 2), f"one slip of {len(pairs)} numbers: {first}")
        if rounded:
            return wrong(first)
        return wrong(f"{len(bad)} of {len(pairs)} numbers are not right, the first in {_position(bad[0])}")

    def same(self, value: Value, key: Value) -> bool:
        return bool(value == key) if self.places is None else super().same(value, key)  # quicker: every draw asks

    def show(self, value: Value) -> str:
        if not isinstance(value, tuple):
            return write_number(value, self.places)
        return "[" + ", ".join(self.show(item) for item in value) + "]"

    def quote(self, value: Value) -> str:
        return shortened(self.show(value), WHOLE)  # as far as its reader may look for the wrong entry

    def tex(self, value: Value) -> str:
        if self.depth == 3:
            return r",\ ".join(Matrix(self.places).tex(item) for item in value)
        rows = value if self.depth == 2 else (value,)
        body = r" \\ ".join(" & ".join(tex_number(v, self.places) for v in row) for row in rows)
        return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


@dataclass(frozen=True)
class Expression(Answer):
    """A formula in the given names; any equivalent form is right. The key is a formula's text, too.

    >>> Expression(("x", "y")).compare("x (1 + y)", "x*y + x").outcome
    <Outcome.CORRECT: 'correct'>
    """

    names: tuple[str, ...]

    @property
    def rule(self) -> str:
        return f"a formula in {', '.join(self.names)}, as a text such as '{self.names[0]}*{self.names[-1]}'"

    def read(self, raw: object) -> str:
        text = raw
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            read_number(raw)  # refuses what is too long to be written
            text = str(raw)
        if not isinstance(text, str):
            raise AnswerError(f"expected {self.rule}, got {excerpt(raw)}")
        try:
            parse(text, self.names)
        except FormulaError as error:
            raise AnswerError(f"expected {self.rule}; {error}") from None
        return text.strip()

    def compare(self, value: Value, key: Value) -> Verdict:
        verdict = agree(parse(value, self.names), parse(key, self.names), Draw("points", *self.names))
        if verdict is None:
            return Verdict(Outcome.UNGRADABLE, f"{self.quote(value)} could not be compared: somebody must look at it")
        return correct() if verdict else wrong(f"{self.quote(value)} is not right")

    def show(self, value: Value) -> str:
        return str(value)

    def tex(self, value: Value) -> str:
        named = re.sub(r"([A-Za-z]+)(\d+)\b", r"\1_{\2}", str(value))
        return re.sub(r"(?<![A-Za-z_{])d([A-Z])", r"\\partial \1", named).replace("*", r" \, ")


@dataclass(frozen=True)
class Choice(Answer):
    """One of several options, answered by its letter. `options` are given by the variant, in its order.

    The key is the right option's text; the letter is a matter of the order. Where the variant cannot be derived, the
    options are empty: any letter is read, as itself.
    """

    options: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        return "the letter of the one right option"

    @property
    def letters(self) -> str:
        return _LETTERS[: len(self.options)]

    def read(self, raw: object) -> str:
        letter = raw.strip().strip("().").upper() if isinstance(raw, str) else ""
        if len(letter) != 1 or letter not in (self.letters or _LETTERS):
            asked = f"one of the letters {', '.join(self.letters)}" if self.letters else "a letter"
            raise AnswerError(f"expected {asked}, got {excerpt(raw)}")
        return self.options[self.letters.index(letter)] if self.letters else letter

    def compare(self, value: Value, key: Value) -> Verdict:
        return correct() if value == key else wrong(f"{self.quote(value)} is not right")

    def show(self, value: Value) -> str:
        return self.letters[self.options.index(value)] if value in self.options else str(value)


@dataclass(frozen=True)
class MultipleChoice(Choice):
    """Any number of several options, answered by their letters: "AC" or ["A", "C"]. The key is a frozenset.

    Every option judged rightly counts; with one misjudged half the marks, with more none.
    """

    @property
    def rule(self) -> str:
        return "the letters of all right options, or 'none'"

    def read(self, raw: object) -> Value:
        text = raw.strip().lower() if isinstance(raw, str) else ""
        items = [] if text == "none" else list(re.sub(r"[\s,;]", "", text)) if text else _items(raw)
        if items is None:
            raise AnswerError(f"expected letters such as 'AC', got {excerpt(raw)}")
        return frozenset(super(MultipleChoice, self).read(item) for item in items)

    def compare(self, value: Value, key: Value) -> Verdict:
        missed = len(value ^ key)
        if missed == 0:
            return correct()
        if missed == 1 and len(self.options) > 2:
            return partial(Fraction(1, 2), "one option is judged wrongly")
        return wrong(f"{missed} options are judged wrongly")

    def show(self, value: Value) -> str:
        return "".join(sorted(super(MultipleChoice, self).show(option) for option in value)) or "none"


# Reading and writing ---------------------------------------------------------------------------------------

ROUNDED = "rounded: the exact number is asked for, as a text such as '2/3' or 'sqrt(2)'"
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # of options
_LONGEST = 25  # decimals that somebody writes, or a float has
QUOTED = 120  # characters of an answer that a message repeats: more than any formula that is asked for
WHOLE = 1600  # the same, of a matrix
_DIGITS = 400  # a number longer than this is nobody's answer, and costs time to convert
_ROOT_BITS = 900  # of what stands before a root, so that all of it is a float


def read_number(raw: object) -> Fraction | Surd:
    """Return a number of plain data exactly, or raise AnswerError. A text may hold a sum with roots.

    >>> read_number(0.1), read_number("3/4"), read_number("1,024")
    (Fraction(1, 10), Fraction(3, 4), Fraction(1024, 1))
    """
    if isinstance(raw, bool) or not isinstance(raw, int | float | Fraction | str):
        raise AnswerError(f"expected a number, got {excerpt(raw)}")
    if isinstance(raw, float):
        if not math.isfinite(raw):
            raise AnswerError(f"expected a number, got {raw}")
        return Fraction(repr(raw))  # 0.1 means one tenth, not its nearest binary neighbour
    if isinstance(raw, str):
        return _read_text(raw)
    value = Fraction(raw)
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > 4 * _DIGITS:
        raise AnswerError("expected a number that a person can write, got one of hundreds of digits")
    return value


def _read_text(raw: str) -> Fraction | Surd:
    text = raw.strip().replace("\N{MINUS SIGN}", "-").replace("_", "")
    if len(text) > _DIGITS:
        raise AnswerError(f"expected a number, got a text of {len(text)} characters")
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?|[+-]?\d{1,3}(\s\d{3})+(\.\d*)?", text):
        text = re.sub(r"[,\s]", "", text)
    if re.fullmatch(r"[+-]?\d+,\d+", text):
        point = shortened(text.replace(",", "."))
        raise AnswerError(f"expected a number with a decimal point, got {shortened(repr(raw))}: write {point}")
    if _DECIMAL.fullmatch(text):
        return Fraction(text)
    try:
        value = parse(text).evaluate({})
    except (FormulaError, ValueError, ZeroDivisionError):
        unit = re.fullmatch(r"([+-]?(?:\d+(?:\.\d+)?|\.\d+))\s*(%|[A-Za-z ]+)", text)
        hint = f": write {shortened(unit[1])} alone, without {'%' if unit[2] == '%' else 'a unit'}" if unit else ""
        if unit and unit[2] == "%":
            hint = f": write {shortened(write_number(Fraction(unit[1]) / 100))}"
        raise AnswerError(f"expected a number, got {excerpt(raw)}{hint}") from None
    if value.is_rational:
        return value.terms.get(1, Fraction(0))
    if any(max(q.numerator.bit_length(), q.denominator.bit_length()) > _ROOT_BITS for q in value.terms.values()):
        raise AnswerError("expected a number that a person can write, got one of hundreds of digits")
    return value


def near(value: Value, key: Value, places: int | None) -> bool:
    """Is `value` the key, exactly or rounded to `places`? Written so that NaN is never near.

    >>> near(Fraction("0.94"), 0.9370266439, 2), near(Fraction("0.93"), 0.9370266439, 2)
    (True, False)
    """
    if places is None:
        return bool(value == key)
    if isinstance(value, Surd):
        value = float(value)
    if isinstance(key, Surd):
        key = float(key)
    half = Fraction(1, 2 * 10**places)
    slack = half + Fraction(1, 10**9) if isinstance(key, float) else half
    return abs(Fraction(value) - Fraction(key)) <= slack


def rounds(value: Value, key: Value) -> bool:
    """Is `value` a decimal that the key rounds to, or is cut off to, where no decimal is the key?

    >>> [rounds(Fraction(text), Fraction(2, 3)) for text in ("0.67", "0.6", "0.7", "0.65", "1")]
    [True, True, True, False, False]
    """
    if isinstance(value, Surd) or (not isinstance(key, Surd) and _decimals(Fraction(key)) is not None):
        return False
    places = _decimals(Fraction(value))
    target = Fraction(float(key)) if isinstance(key, Surd) else Fraction(key)
    slack = max(Fraction(1, 10 ** (places or 0)), abs(target) / 10**13)  # a float is cut off where its digits end
    return bool(places) and abs(Fraction(value) - target) < slack


def _decimals(value: Fraction) -> int | None:
    """Return how many decimals a number has, or None where they never end."""
    return next((n for n in range(_LONGEST) if 10**n % value.denominator == 0), None)


@lru_cache(maxsize=1 << 12, typed=True)
def write_number(value: Value, places: int | None = None) -> str:
    """Write a number as a person would: 55, 0.75, 1/3; with `places`, that many decimals at most.

    >>> write_number(Fraction(3, 4)), write_number(Fraction(1, 3)), write_number(-0.0), write_number(2.5, 2)
    ('0.75', '1/3', '0', '2.5')
    """
    if type(value) is int:  # most numbers are
        return str(value)
    if isinstance(value, Surd):
        if places is None:
            return str(value)
        value = float(value)
    exact = Fraction(value)
    if places is not None:
        unit = 10**places
        exact = Fraction(math.floor(abs(exact) * unit + Fraction(1, 2)), unit) * (-1 if exact < 0 else 1)
    if exact.denominator == 1:
        return str(exact.numerator)
    twos_and_fives, digits = exact.denominator, 0
    while twos_and_fives > 1:
        step = math.gcd(twos_and_fives, 10)
        if step == 1:
            return f"{exact.numerator}/{exact.denominator}"
        twos_and_fives //= step
        digits += 1
    scaled = str(abs(exact.numerator) * 10**digits // exact.denominator).rjust(digits + 1, "0")
    return ("-" if exact < 0 else "") + f"{scaled[:-digits]}.{scaled[-digits:]}"


def tex_number(value: Value, places: int | None = None) -> str:
    r"""Write a number as LaTeX: fractions and roots as such.

    >>> tex_number(Fraction(1, 3)), tex_number(Fraction(3, 4)), tex_number(Surd({5: Fraction(-8, 5)}))
    ('\\frac{1}{3}', '0.75', '-\\frac{8\\sqrt{5}}{5}')
    """
    text = write_number(value, places)
    if "/" not in text and "(" not in text:  # as most are
        return text
    text = re.sub(r"(?:(\d+)\*)?sqrt\((\d+)\)/(\d+)", r"\\frac{\1\\sqrt{\2}}{\3}", text)
    text = re.sub(r"(-?)(\d+)/(\d+)", r"\1\\frac{\2}{\3}", text)
    return re.sub(r"sqrt\((\d+)\)", r"\\sqrt{\1}", text).replace("*", r"\,")


def count(number: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun in the right number.

    >>> count(1, "pixel"), count(3, "pixel"), count(2, "bias", "biases")
    ('1 pixel', '3 pixels', '2 biases')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def unit_of(value: Value, unit: str) -> str:
    """Return a unit, given in the plural, in the number that goes with a value.

    >>> unit_of(1, "pixels on each side"), unit_of(1, "patches"), unit_of(3, "pixels"), unit_of(1, "kg")
    ('pixel on each side', 'patch', 'pixels', 'kg')
    """
    noun, gap, rest = unit.partition(" ")
    if value != 1 or not noun.endswith("s") or noun.endswith("ss"):
        return unit
    return noun.removesuffix("es" if noun.endswith(("ches", "shes", "xes", "sses")) else "s") + gap + rest


def excerpt(raw: object, length: int = 60) -> str:
    """Write student data for a message: short, on one line, with its kind."""
    if raw is None:
        return "nothing (None)"
    try:
        text = repr(raw)
    except (ValueError, RecursionError):  # thousands of digits, or nested without end
        text = f"a {type(raw).__name__} too large to show"
    text = shortened(text, length)
    kinds = {str: "the text ", bool: "the truth value ", list: "the list ", tuple: "the tuple ", dict: "the dict "}
    return kinds.get(type(raw), "") + text


def shortened(text: str, length: int = 60) -> str:
    """Return a text, cut where it is longer.

    >>> shortened("abc", 3), shortened("abcd", 3)
    ('abc', 'ab…')
    """
    return text if len(text) <= length else text[: length - 1] + "…"


def shape_of(value: Value) -> tuple[int, ...] | None:
    """Return the lengths along each axis of nested tuples, or None where they are ragged."""
    if not isinstance(value, tuple):
        return ()
    inner = {shape_of(item) for item in value}
    if len(inner) > 1 or None in inner:
        return None
    return (len(value), *(inner.pop() or () if inner else ()))


def _items(raw: object) -> Sequence[object] | None:
    return raw if isinstance(raw, list | tuple) else None


def _only_numbers(raw: object) -> bool:
    items = _items(raw)
    return items is not None and not any(_items(item) is not None for item in items)


def _nesting(raw: object) -> int:
    """Return how many lists stand inside one another, along their first items."""
    items = _items(raw)
    return 0 if not items else 1 + _nesting(items[0])


def _entries(value: Value, key: Value, at: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Value, Value]]:
    if not isinstance(key, tuple):
        yield at, value, key
        return
    for index, (got, want) in enumerate(zip(value, key, strict=True)):
        yield from _entries(got, want, (*at, index))


def _position(at: tuple[int, ...]) -> str:
    names = ("map", "row", "column")[-len(at) :] if len(at) > 1 else ("entry",)
    return ", ".join(f"{name} {index + 1}" for name, index in zip(names, at, strict=True))


def _by(shape: tuple[int, ...]) -> str:
    return " by ".join(str(n) for n in shape)
