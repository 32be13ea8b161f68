"""Words and numbers of a report, and student text made harmless before it is shown anywhere."""

from __future__ import annotations

import dataclasses
import math
import operator
import re
import unicodedata
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypeVar, cast

from grader.outcome import Outcome, PartResult

T = TypeVar("T")

WORDS = {
    Outcome.CORRECT: "correct",
    Outcome.PARTIAL: "partly right",
    Outcome.WRONG: "wrong",
    Outcome.MISSING: "missing",
    Outcome.NOT_ALLOWED: "not allowed",
    Outcome.TIMEOUT: "out of time",
    Outcome.CRASHED: "crashed",
    Outcome.OUT_OF_MEMORY: "out of memory",
    Outcome.UNGRADABLE: "not graded",
}
# each sign is another one, so that colour is not needed
SIGNS = {
    Outcome.CORRECT: "✓",
    Outcome.PARTIAL: "◐",
    Outcome.WRONG: "✗",
    Outcome.MISSING: "–",
    Outcome.NOT_ALLOWED: "!",
    Outcome.TIMEOUT: "T",
    Outcome.CRASHED: "C",
    Outcome.OUT_OF_MEMORY: "M",
    Outcome.UNGRADABLE: "?",
}
NOT_FINITE = {"nan": "NaN", "inf": "inf", "-inf": "-inf"}
_JOINERS = "\u200c\u200d"  # names in Persian, Hindi and emoji are written with them
_LONGEST = 1000  # bits of a whole number that is still written out


def inert(text: str, keep: str = "\n\t") -> str:
    r"""Return text in which nothing can act on a terminal, a browser or a reader's eye.

    Control characters, bidirectional overrides, invisible signs and halves of surrogate pairs are written as
    escapes; `keep` are the control characters left alone.

    >>> inert("a\x1b[31mb\u202e")
    'a\\x1b[31mb\\u202e'
    """
    if text.isprintable():  # the usual case, found quickly
        return text
    return "".join(c if c in keep or c in _JOINERS or not _acts(c) else _escape(c) for c in text)


def _acts(character: str) -> bool:
    invisible = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return invisible or (ord(character) & 0xFFFE) == 0xFFFE  # noncharacters, which XML forbids


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def neutral(value: T) -> T:
    """Return plain data (dataclasses, mappings, sequences) with all text inert; what is so already is not copied."""
    return cast(T, _neutral(value))


def _neutral(value: Any) -> Any:
    if value is None or isinstance(value, int | float | Outcome):  # the most of a record are numbers
        return value
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, Mapping):
        pairs = [(_neutral(key), _neutral(item)) for key, item in value.items()]
        same = all(key is k and item is i for (key, item), (k, i) in zip(pairs, value.items(), strict=True))
        return value if same else dict(pairs)
    if isinstance(value, list | tuple):
        items = [_neutral(item) for item in value]
        return value if all(map(operator.is_, items, value)) else type(value)(items)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in _fields(value)}
        changed = {name: new for name, old in fields.items() if (new := _neutral(old)) is not old}
        return dataclasses.replace(value, **changed) if changed else value
    return value


def _fields(value: Any) -> tuple[dataclasses.Field[Any], ...]:
    return tuple(f for f in dataclasses.fields(value) if f.init)


def one_line(text: str) -> str:
    """Return inert text without line breaks: for names, headings and cells."""
    return inert(text, keep="")


def part_title(part: PartResult) -> str:
    """Name a part with its topic; a function graded by itself is its own topic."""
    return one_line(part.topic if part.topic == part.part else f"{part.topic}, {part.part}")


def place(part: PartResult) -> str:
    """Return the line of the student's file, to be put before the message, unless the message names it."""
    if part.line is None or re.search(rf"\bline {part.line}\b", part.message):
        return ""
    return f"line {part.line}: "


def marks(value: Fraction) -> str:
    """Write marks with two decimals at most; zero is "0".

    >>> marks(Fraction(15, 2)), marks(Fraction(1, 3)), marks(Fraction(0))
    ('7.5', '0.33', '0')
    """
    return f"{float(value):.2f}".rstrip("0").rstrip(".")


def percent(share: Fraction | float) -> str:
    """Write a share as a whole percentage that says 0 and 100 only of none and all.

    >>> percent(Fraction(1, 3)), percent(Fraction(999, 1000)), percent(Fraction(0))
    ('33 %', '99 %', '0 %')
    """
    whole = round(float(share) * 100)
    if whole == 100 and share < 1:
        whole = 99
    if whole == 0 and share > 0:
        whole = 1
    return f"{whole} %"


def number(value: Any, digits: int | None = None) -> str:
    """Write one entry of plain data: a float shortest or with `digits`, NaN as a word, text in quotes.

    >>> number(2.0), number(1 / 3, 4), number("nan"), number("abc"), number(None)
    ('2.0', '0.3333', 'NaN', "'abc'", 'None')
    """
    if isinstance(value, str):
        return NOT_FINITE.get(value, repr(value))
    if isinstance(value, float):
        if not math.isfinite(value):
            return NOT_FINITE[str(value)]
        return repr(value) if digits is None else f"{value:.{digits}g}"
    if isinstance(value, int) and value.bit_length() > _LONGEST:
        return f"a whole number of {value.bit_length():,} bits"
    return str(value)


def written(value: Any, width: int = 76, length: int = 1600) -> str:
    """Write nested lists as Python does, with line breaks between rows, and the middle of long ones left out.

    >>> written([[1.0, "nan"], [2, 3]])
    '[[1.0, NaN], [2, 3]]'
    """
    text = NOT_FINITE.get(value, value) if isinstance(value, str) else _layout(value, width, 0)
    if len(text) <= length:
        return text
    head, tail = text[: length * 3 // 4], text[-length // 8 :]
    return f"{head}\n… {len(text) - len(head) - len(tail):,} characters left out …\n{tail}"


def _layout(value: Any, width: int, indent: int) -> str:
    if isinstance(value, Mapping):
        inner = [f"{key!r}: {_layout(item, width, indent + 2)}" for key, item in value.items()]
        return "{" + (",\n" + " " * (indent + 1)).join(inner) + "}"
    if not isinstance(value, list | tuple):
        return number(value)
    opening, closing = ("(", ",)" if len(value) == 1 else ")") if isinstance(value, tuple) else ("[", "]")
    parts = [_layout(item, width, indent + 1) for item in value]
    flat = opening + ", ".join(parts) + closing
    if ("\n" not in flat and len(flat) + indent <= width) or not any(isinstance(item, list | tuple) for item in value):
        return flat
    return opening + (",\n" + " " * (indent + 1)).join(parts) + closing
