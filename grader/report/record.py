"""The record of a trained model: what a part carries for the figures, and the check of one that was read from a file.

A record is plain JSON data with these keys, all optional; others are passed over:

- ``curves``: name -> shares 0 … 1, one an epoch, of the student's training; ``reference``: the same of the reference's.
  A name before its first comma is what was measured, after it which run: "test error", "test error, with momentum".
- ``confusion``: K x K whole numbers, rows the true class, columns the predicted one; ``classes``: K names.
- ``filters``: ``name`` and ``values``, F x KH x KW numbers.
- ``input``: H x W whole numbers 0 … 255, one held-out example; ``maps``: name -> F x h x w of the same kind.
- ``accuracy``: ``right`` of ``of`` held-out examples in the best of ``seeds`` trainings, and as far as known: the 95 %
  ``interval`` of the share [low, high], the ``threshold`` of right examples that is asked for, and ``error_rate``: how
  often a right submission falls below it at most, known with so much ``confidence``.

Curves and filters of a training that diverged hold NaN: a float, or in a file the words that `document.plain` writes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

MOST_CURVES = 12
MOST_EPOCHS = 5000
MOST_CLASSES = 200
MOST_NUMBERS = 200_000  # of one plane or stack of planes
MOST_STACKS = 12
MOST_LETTERS = 200  # of a name
NOT_NUMBERS = ("nan", "inf", "-inf")


def check(record: object) -> dict[str, Any]:
    """Return the known part of a record, or raise ValueError with the key and what it must be.

    >>> check({"confusion": [[3, 1], [0, 4]], "later": 1})
    {'confusion': [[3, 1], [0, 4]]}
    """
    if not isinstance(record, Mapping):
        raise ValueError("expected an object {…}")
    known = {key: value for key, value in record.items() if key in _CHECKS}
    for key, value in known.items():
        _CHECKS[key](key, value)
    if "confusion" in known and len(known.get("classes", known["confusion"])) != len(known["confusion"]):
        raise ValueError(f"classes must be {len(known['confusion'])} names, one for each row of confusion")
    return known


def usable(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a record can be written and read again: a student's process makes maps of any size, or of NaN.

    >>> usable({"input": [[0, 256]], "classes": ["a"]})
    {'classes': ['a']}
    """
    kept = {key: value for key, value in record.items() if key in KEYS and not _problem({key: value})}
    return {key: value for key, value in kept.items() if key != "classes" or not _problem(kept)}


def _problem(record: Mapping[str, Any]) -> str:
    try:
        check(record)
    except ValueError as error:
        return str(error)
    return ""


def value_of(number: float | str) -> float:
    """Return a number of a curve or filter as a float; the words of a file become NaN and infinities."""
    return float(number)


def _curves(key: str, value: object) -> None:
    for name, curve in _named(key, value, MOST_CURVES):
        if not isinstance(curve, list | tuple) or not 1 <= len(curve) <= MOST_EPOCHS:
            raise ValueError(f"{name} must be a list of 1 to {MOST_EPOCHS} shares")
        if not all(_is_share(point) or _is_nan(point) for point in curve):
            raise ValueError(f"{name} must hold numbers from 0 to 1")


def _confusion(key: str, value: object) -> None:
    if not isinstance(value, list | tuple) or not 2 <= len(value) <= MOST_CLASSES:
        raise ValueError(f"{key} must be a table of 2 to {MOST_CLASSES} rows")
    if _shape(value, 2) != (len(value), len(value)):
        raise ValueError(f"{key} must be square: {len(value)} rows of {len(value)} counts")
    if not all(_is_count(n) for row in value for n in row):
        raise ValueError(f"{key} must hold whole numbers from 0 on")


def _classes(key: str, value: object) -> None:
    if not isinstance(value, list | tuple) or not all(_is_name(name) for name in value):
        raise ValueError(f"{key} must be a list of texts of at most {MOST_LETTERS} characters")


def _filters(key: str, value: object) -> None:
    if not isinstance(value, Mapping) or not _is_name(value.get("name")):
        raise ValueError(f"{key} must have a name of at most {MOST_LETTERS} characters")
    _stack(f"{key}.values", value.get("values"), 3, _is_weight, "numbers")


def _input(key: str, value: object) -> None:
    _stack(key, value, 2, _is_tone, "whole numbers from 0 to 255")


def _maps(key: str, value: object) -> None:
    for name, stack in _named(key, value, MOST_STACKS):
        _stack(name, stack, 3, _is_tone, "whole numbers from 0 to 255")


def _accuracy(key: str, value: object) -> None:
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} must be an object {{…}}")
    total = value.get("of")
    if not _is_count(total) or total == 0:
        raise ValueError(f"{key}.of must be a whole number from 1 on")
    for field in ("right", "threshold"):
        if not (_is_count(value.get(field)) and value[field] <= total) and (field in value or field == "right"):
            raise ValueError(f"{key}.{field} must be a whole number from 0 to {total}")
    for field in ("error_rate", "confidence"):
        if field in value and not _is_share(value[field]):
            raise ValueError(f"{key}.{field} must be a number from 0 to 1")
    if "seeds" in value and not _is_count(value["seeds"]):
        raise ValueError(f"{key}.seeds must be a whole number from 0 on")
    interval = value.get("interval", (0, 1))
    if not isinstance(interval, list | tuple) or len(interval) != 2 or not all(map(_is_share, interval)):
        raise ValueError(f"{key}.interval must be [low, high], both from 0 to 1")
    if interval[0] > interval[1]:
        raise ValueError(f"{key}.interval must begin with the lower end")


_CHECKS: dict[str, Callable[[str, object], None]] = {
    "curves": _curves,
    "reference": _curves,
    "confusion": _confusion,
    "classes": _classes,
    "filters": _filters,
    "input": _input,
    "maps": _maps,
    "accuracy": _accuracy,
}
KEYS = tuple(_CHECKS)


def _named(key: str, value: object, most: int) -> list[tuple[str, object]]:
    """Return the entries of an object with the place of each."""
    if not isinstance(value, Mapping) or len(value) > most or not all(_is_name(name) for name in value):
        raise ValueError(f"{key} must be an object of at most {most} names of at most {MOST_LETTERS} characters")
    return [(f"{key}[{name!r}]", item) for name, item in value.items()]


def _stack(place: str, value: object, depth: int, good: Callable[[object], bool], what: str) -> None:
    shape = _shape(value, depth)
    if shape is None or not 1 <= math.prod(shape) <= MOST_NUMBERS:
        sides = " x ".join("FHW"[-depth:])
        raise ValueError(f"{place} must be {sides} numbers, rows of equal length, at most {MOST_NUMBERS:,} in all")
    planes: Any = value if depth == 3 else [value]
    if not all(good(entry) for plane in planes for row in plane for entry in row):
        raise ValueError(f"{place} must hold {what}")


def _shape(value: object, depth: int) -> tuple[int, ...] | None:
    """Return the shape of lists nested so deep, or None where rows differ in length or something is no list."""
    if depth == 0:
        return ()
    if not isinstance(value, list | tuple):
        return None
    inner = {_shape(item, depth - 1) for item in value}
    if len(inner) != 1 or (shape := inner.pop()) is None:
        return None
    return len(value), *shape


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MOST_LETTERS


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 10**12


def _is_tone(value: object) -> bool:
    return type(value) is int and 0 <= value <= 255


def _is_share(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1  # type: ignore[operator]  # mypy: no narrowing by type()


def _is_nan(value: object) -> bool:
    return value == "nan" or (isinstance(value, float) and math.isnan(value))


def _is_weight(value: object) -> bool:
    return type(value) is float or (type(value) is int and abs(value) < 10**12) or value in NOT_NUMBERS
