"""Variants: which numbers a student gets, derived from a seed or from the course key, and named by an id.

    padding-v1-standard-s42n1-710R        seed 42, number 1: anyone can derive it again
    padding-v1-standard-kJNJWZ8EAa1-ZRKP  course key, a student's first attempt: only the key derives it

The last four characters check the rest, so that a mistyped id is an error and not another question.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from grader.answers import Answer, Choice, MultipleChoice, Value, shortened
from grader.draw import Draw, digest
from grader.errors import CourseError, VariantError
from grader.exercise import AnyExercise, Exercise, Level, Part

P = TypeVar("P")

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
_ID = re.compile(
    r"(?P<topic>[a-z][a-z0-9_]*)-v(?P<version>\d{1,6})-(?P<level>[a-z]+)"
    r"-(?:s(?P<seed>\d{1,20})n(?P<number>\d{1,9})|k(?P<token>[0-9A-Z]{8})a(?P<attempt>\d{1,9}))-(?P<check>[0-9A-Z]{4})"
)
MAX_SEED = 10**20 - 1
_DRAWS = 2000  # tries for a discriminating variant
_PATIENCE = 24  # of these, for one whose misconceptions also differ from each other
MAX_OPTIONS = 5


@dataclass(frozen=True)
class Seeded:
    """A variant that anyone can derive: the number-th of a seed."""

    seed: int
    number: int = 1


@dataclass(frozen=True)
class Keyed:
    """A student's own variant, derived by HMAC from the course key."""

    key: bytes
    student: str
    attempt: int = 1

    def mac(self, *labels: str | int) -> bytes:
        name = unicodedata.normalize("NFC", self.student)
        return hmac.digest(self.key, digest(*labels, name, self.attempt), "sha256")


Source = Seeded | Keyed


@dataclass(frozen=True)
class VariantId:
    """A parsed id: what it says without any key. `token` is empty for a seeded variant."""

    text: str
    topic: str
    version: int
    level: Level
    seed: int = 0
    number: int = 0
    token: str = ""
    attempt: int = 0

    @property
    def is_keyed(self) -> bool:
        return bool(self.token)


@dataclass(frozen=True)
class Variant(Generic[P]):
    """An exercise with drawn parameters, the key to every part, and the options of its choices."""

    id: str
    exercise: Exercise[P]
    level: Level
    p: P
    key: Mapping[str, Value]
    options: Mapping[str, tuple[str, ...]]

    def answer_kind(self, part: Part[P]) -> Answer:
        """Return the part's kind of answer, with this variant's options where it is a choice."""
        if isinstance(part.answer, Choice):
            return replace(part.answer, options=self.options[part.name])
        return part.answer


AnyVariant = Variant[Any]


def variant_id(exercise: AnyExercise, level: Level, source: Source) -> str:
    """Return the id of a variant, check code included."""
    if isinstance(source, Seeded):
        tail = f"s{source.seed}n{source.number}"
    else:
        token = _base32(source.mac("id", exercise.name, exercise.version, level), 8)
        tail = f"k{token}a{source.attempt}"
    body = f"{exercise.name}-v{exercise.version}-{level}-{tail}"
    return f"{body}-{_check_code(body)}"


def parse_id(text: str) -> VariantId:
    """Return what an id says, or raise VariantError when it was mistyped or edited."""
    match = _ID.fullmatch(text.strip())
    if match is None or match["level"] not in set(Level):
        raise VariantError(f"VARIANT {shortened(repr(text))} is not an id", hint="Copy it from your sheet, unchanged.")
    body, _, check = match[0].rpartition("-")
    if _check_code(body) != check:
        raise VariantError(
            f"VARIANT {shortened(repr(text))} was mistyped or edited", hint="Copy it from your sheet, unchanged."
        )
    return VariantId(
        text=match[0],
        topic=match["topic"],
        version=int(match["version"]),
        level=Level(match["level"]),
        seed=int(match["seed"] or 0),
        number=int(match["number"] or 0),
        token=match["token"] or "",
        attempt=int(match["attempt"] or 0),
    )


def draw_variant(exercise: Exercise[P], level: Level, source: Source) -> Variant[P]:
    """Return the variant of a source: the first draw on which every misconception shows.

    Raises:
        CourseError: no draw discriminates; the exercise draws its numbers badly.
    """
    if isinstance(source, Seeded):
        root = Draw("seed", exercise.name, exercise.version, level, source.seed, source.number)
    else:
        root = Draw("key", source.mac("draw", exercise.name, exercise.version, level))
    fallback: tuple[P, dict[str, Value]] | None = None
    for attempt in range(_DRAWS):
        p = exercise.draw(root.child("draw", attempt), level)
        key = {part.name: part.solve(p) for part in exercise.parts}
        clashes = [clash for part in exercise.parts for clash in collisions(part, p, key[part.name])]
        if not any(with_key for with_key, _ in clashes):
            fallback = fallback or (p, key)
            if not clashes or attempt >= _PATIENCE:
                p, key = (p, key) if not clashes else fallback
                break
    else:
        if fallback is None:
            right = dict.fromkeys(names[0] for with_key, names in clashes if with_key)
            raise CourseError(
                f"exercise {exercise.name!r}, level {level}: {_DRAWS} draws, and none tells right from wrong",
                hint=f"On the last one the right answer came out of: {', '.join(right)}.",
            )
        p, key = fallback
    options = {
        part.name: _options(part, p, key[part.name], root.child("options", part.name)) for part in exercise.parts
    }
    return Variant(variant_id(exercise, level, source), exercise, level, p, key, options)


def collisions(part: Part[P], p: P, key: Value) -> list[tuple[bool, tuple[str, ...]]]:
    """Return where answers coincide: (True, (name,)) with the key, (False, (name, name)) with one another."""
    found: list[tuple[bool, tuple[str, ...]]] = []
    wrongs = list(part.distractors(p).items())
    for index, (name, value) in enumerate(wrongs):
        if part.answer.same(value, key):
            found.append((True, (name,)))
        found += [(False, (other, name)) for other, earlier in wrongs[:index] if earlier == value]
    return found


def _options(part: Part[P], p: P, key: Value, rng: Draw) -> tuple[str, ...]:
    """Return the options of a choice in their drawn order; the key stands anywhere with equal chance."""
    if not isinstance(part.answer, Choice):
        return ()
    if isinstance(part.answer, MultipleChoice):
        return tuple(rng.shuffled(list(part.options(p))))
    wrongs = [v for v in dict.fromkeys((*part.distractors(p).values(), *part.options(p))) if v != key]
    return tuple(rng.shuffled([key, *wrongs[: MAX_OPTIONS - 1]]))


def _check_code(body: str) -> str:
    return _base32(digest("variant id", body), 4)


def _base32(raw: bytes, length: int) -> str:
    number = int.from_bytes(raw[:16], "big")
    return "".join(_ALPHABET[(number >> 5 * i) & 31] for i in range(length))
