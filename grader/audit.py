"""Measuring a course's variants: are they many, fair, equal in cost, and unguessable? Every promise has its number."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from grader.answers import Choice, MultipleChoice, count
from grader.course import Course, load_course
from grader.draw import Draw
from grader.errors import InputError
from grader.exercise import AnyExercise, AnyPart, Level
from grader.variant import AnyVariant, Seeded, collisions, draw_variant

DISTINCT = 5_000  # different variants a topic and level, where that many are drawn
COST_SHARE = 0.95  # of the variants lie within COST_WITHIN of the stated cost
COST_WITHIN = 0.20
GUESS = 0.40  # the best constant guess of an answer
GUESS_OPTION = 0.75  # the best constant guess of a choice's text
SPEED = 200  # variants a second and core
SIGMAS = 4.5  # by which a letter may be more frequent than the others by chance
RENDERED = 60  # variants a topic and level whose sheet and key are read for residue
CARDS = 6  # variants a topic and level on the contact sheet

_NOUNS = "pixels|rows|columns|marks|windows|entries|weights|multiplications|channels|filters|maps|images|layers|units"
RESIDUE = re.compile(
    r"\bnan\b|\binf\b|np\.\w+\(|Fraction\(|Decimal\(|\{\{|\{%|\+ -|- -|\bNone\b|\bTrue\b|\bFalse\b"
    rf"|(?<![\d.,/])(?<![-+−–×*] )(?<![-+−–×*])1 (?:{_NOUNS})\b"
    r"|\d\.\d{12,}|\d(?:e-\d\d)\b|Level\.|object at 0x"
)


@dataclass(frozen=True)
class PartAudit:
    """What was measured of one part: its answers and its misconceptions."""

    name: str
    misconceptions: int
    answers: int  # different ones
    guess: float  # share of variants on which the commonest answer is right
    letter: float  # share of the commonest right letter, for a choice
    options: int  # at most, for a choice


@dataclass(frozen=True)
class LevelAudit:
    """What was measured of a topic at one level; `broken` are the promises that do not hold."""

    topic: str
    level: str
    draws: int
    distinct: int
    collisions: int  # variants on which a misconception is right
    pairwise: float  # share of pairs of misconceptions with different answers
    accepted: float  # share of raw draws that discriminate
    cost_within: float
    cost: int
    costs: tuple[int, int]  # smallest and largest seen
    speed: float  # variants a second of one core
    residue: tuple[str, ...]
    parts: tuple[PartAudit, ...]
    cards: tuple[str, ...] = field(repr=False, default=())  # contact sheet: HTML of a few variants
    broken: tuple[str, ...] = ()


def audit(course: Course, topics: Sequence[str] = (), *, draws: int = 1000, jobs: int = 0) -> Iterator[LevelAudit]:
    """Yield the audit of every topic and level, several at a time."""
    work = [(course.folder, topic, level, draws) for topic in topics or course.topics for level in Level]
    with ProcessPoolExecutor(jobs or os.cpu_count() or 1, mp_context=get_context("fork")) as pool:
        yield from pool.map(_audit_in_process, work)


def _audit_in_process(work: tuple[Path, str, Level, int]) -> LevelAudit:
    folder, topic, level, draws = work
    return audit_level(load_course(folder), load_course(folder).exercise(topic), level, draws)


def audit_level(course: Course, exercise: AnyExercise, level: Level, draws: int) -> LevelAudit:
    """Draw variants of one topic and level, and measure them."""
    from grader.sheet import render_card

    started = time.process_time()
    variants = [draw_variant(exercise, level, Seeded(seed)) for seed in range(1, draws + 1)]
    seconds = max(time.process_time() - started, 1e-9)
    clashes = [
        [clash for part in exercise.parts for clash in collisions(part, v.p, v.key[part.name])] for v in variants
    ]
    pairs = sum(_pairs(v) for v in variants)
    alike = sum(not with_key for found in clashes for with_key, _ in found)
    spent = [exercise.cost(v.p) for v in variants]
    stated = exercise.costs[level]
    within = sum(abs(cost - stated) <= COST_WITHIN * stated for cost in spent) / draws
    shown = variants[: min(RENDERED, draws)]
    found = LevelAudit(
        topic=exercise.name,
        level=str(level),
        draws=draws,
        distinct=len({repr(v.p) for v in variants}),
        collisions=sum(any(with_key for with_key, _ in found) for found in clashes),
        pairwise=1 - alike / pairs if pairs else 1.0,
        accepted=_accepted(exercise, level, min(draws, 500)),
        cost_within=within,
        cost=stated,
        costs=(min(spent), max(spent)),
        speed=draws / seconds,
        residue=tuple(residue(course, shown)),
        parts=tuple(_part(part, variants) for part in exercise.parts),
        cards=tuple(render_card(v, folders=tuple(course.template_folders())) for v in variants[:CARDS]),
    )
    return replace(found, broken=tuple(broken_promises(found)))


def broken_promises(found: LevelAudit) -> Iterator[str]:
    """Yield a sentence for every promise that does not hold."""
    wanted = min(DISTINCT, found.draws // 2)
    if found.distinct < wanted:
        yield f"only {found.distinct:,} different variants of {found.draws:,}; {wanted:,} are promised"
    if found.collisions:
        yield f"a misconception is right on {count(found.collisions, 'variant')}"
    if found.cost_within < COST_SHARE:
        yield (
            f"{found.cost_within:.0%} of the variants cost {found.cost} ± {COST_WITHIN:.0%}"
            f" (seen: {found.costs[0]} to {found.costs[1]}); {COST_SHARE:.0%} are promised"
        )
    if found.speed < SPEED:
        yield f"{found.speed:.0f} variants a second; {SPEED} are promised"
    yield from found.residue
    for part in found.parts:
        yield from _broken_part(part, found.draws)


def _broken_part(part: PartAudit, draws: int) -> Iterator[str]:
    limit = GUESS_OPTION if part.options else GUESS
    if part.guess > limit:
        yield f"part {part.name!r}: one answer is right on {part.guess:.0%} of the variants; {limit:.0%} is the limit"
    if part.options:
        even = 1 / part.options
        if part.letter > even + SIGMAS * (even * (1 - even) / draws) ** 0.5 + 0.02:
            yield f"part {part.name!r}: one letter is right on {part.letter:.0%} of the variants"


def residue(course: Course, variants: Sequence[AnyVariant]) -> Iterator[str]:
    """Yield a sentence for the first piece of machine residue in each text of these variants."""
    from grader.sheet import render_key

    for variant in variants:
        text = render_key(variant, folders=tuple(course.template_folders()))
        prose = re.sub(r"```python.*?```", "", text, flags=re.DOTALL)
        prose = re.sub(r"`[^`\n]*`", "", prose)
        if match := RESIDUE.search(prose):
            near = prose[max(0, match.start() - 30) : match.end() + 30].replace("\n", " ")
            yield f"machine residue in {variant.id}: …{near}…"
            return


def _pairs(variant: AnyVariant) -> int:
    """Return how many pairs of misconceptions have answers to compare."""
    sizes = [len(part.distractors(variant.p)) for part in variant.exercise.parts]
    return sum(size * (size - 1) // 2 for size in sizes)


def _accepted(exercise: AnyExercise, level: Level, draws: int) -> float:
    """Return the share of raw draws on which every misconception shows."""
    good = 0
    for n in range(draws):
        p = exercise.draw(Draw("audit", exercise.name, level, n), level)
        found = (clash for part in exercise.parts for clash in collisions(part, p, part.solve(p)))
        good += not any(with_key for with_key, _ in found)
    return good / draws


def _part(part: AnyPart, variants: Sequence[AnyVariant]) -> PartAudit:
    keys = Counter(repr(v.key[part.name]) for v in variants)
    letters: Counter[Any] = Counter()
    options = 0
    if isinstance(part.answer, Choice) and not isinstance(part.answer, MultipleChoice):
        letters = Counter(v.options[part.name].index(v.key[part.name]) for v in variants)
        options = min(len(v.options[part.name]) for v in variants)
    return PartAudit(
        part.name,
        len(part.misconceptions),
        len(keys),
        keys.most_common(1)[0][1] / len(variants),
        letters.most_common(1)[0][1] / len(variants) if letters else 0.0,
        options,
    )


def write_page(course: Course, found: Sequence[LevelAudit], path: Path) -> None:
    """Write the audit with its contact sheet as one page of HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(course.template_folders()), undefined=StrictUndefined, autoescape=True, trim_blocks=True
    )
    page = environment.get_template("audit.html.j2").render(course=course.name, levels=found)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
