"""The topics conv1d, flipping and channels: fair variants, and texts that read well."""

from __future__ import annotations

import re

import pytest

from exercises import channels, conv1d, flipping
from grader.answers import Choice
from grader.draw import Draw
from grader.exercise import AnyExercise, Level
from grader.sheet import render_key, render_sheet, render_stub
from grader.variant import AnyVariant, Seeded, collisions, draw_variant

TOPICS: tuple[AnyExercise, ...] = (conv1d.EXERCISE, flipping.EXERCISE, channels.EXERCISE)
CASES = [pytest.param(exercise, level, id=f"{exercise.name}-{level}") for exercise in TOPICS for level in Level]
over_topics = pytest.mark.parametrize(("exercise", "level"), CASES)
RESIDUE = re.compile(
    r"\bnan\b|\bnp\.|\{\{|\{%|None|\+ -|- -|Fraction\(|\b1 (rows|columns|numbers|channels|zeros|filters|maps|kernels)\b"
)


def variants(exercise: AnyExercise, level: Level, number: int) -> list[AnyVariant]:
    return [draw_variant(exercise, level, Seeded(2026, n)) for n in range(number)]


@over_topics
def test_no_mistake_gives_the_right_answer(exercise: AnyExercise, level: Level) -> None:
    """A student who made a catalogued mistake must never be marked right."""
    for variant in variants(exercise, level, 150):
        for part in exercise.parts:
            kind, key = variant.answer_kind(part), variant.key[part.name]
            assert kind.compare(key, key).share == 1
            wrong = part.distractors(variant.p)
            assert len(wrong) >= 3, part.name
            for name, value in wrong.items():
                assert kind.compare(value, key).share == 0, (variant.id, part.name, name)


@over_topics
def test_mistakes_differ_from_one_another(exercise: AnyExercise, level: Level) -> None:
    """A wrong answer that fits two mistakes would be explained by two hints, of which one is false."""
    for variant in variants(exercise, level, 150):
        for part in exercise.parts:
            assert not collisions(part, variant.p, variant.key[part.name]), (variant.id, part.name)


@over_topics
def test_the_first_draw_is_almost_always_fair(exercise: AnyExercise, level: Level) -> None:
    """Numbers are drawn so that they discriminate, instead of being drawn again until they do."""
    params = [exercise.draw(Draw("first", n), level) for n in range(150)]
    clashing = [p for p in params if any(collisions(part, p, part.solve(p)) for part in exercise.parts)]
    assert len(clashing) <= 5


@over_topics
def test_the_work_by_hand_is_what_the_level_states(exercise: AnyExercise, level: Level) -> None:
    """Two students of one level must not get questions of different length."""
    stated = exercise.costs[level]
    for variant in variants(exercise, level, 150):
        assert abs(exercise.cost(variant.p) - stated) <= stated / 5, variant.id


@over_topics
def test_variants_are_many(exercise: AnyExercise, level: Level) -> None:
    """A class must not share numbers by chance; among 400 draws a pool of 5,000 would repeat about 16."""
    assert len({exercise.draw(Draw("many", n), level) for n in range(400)}) >= 395


@over_topics
def test_no_constant_answer_is_often_right(exercise: AnyExercise, level: Level) -> None:
    """Whoever hands in the same answer for every variant must earn next to nothing; a choice has five options."""
    drawn = [exercise.draw(Draw("guess", n), level) for n in range(200)]
    for part in exercise.parts:
        answers = [part.solve(p) for p in drawn]
        often = max(answers.count(answer) for answer in set(answers))
        assert often <= (70 if isinstance(part.answer, Choice) else 36), part.name


@over_topics
def test_choices_offer_the_key_and_the_mistakes_anywhere(exercise: AnyExercise, level: Level) -> None:
    """Distractors come from misconceptions, and the right letter is no habit."""
    for part in exercise.parts:
        if not isinstance(part.answer, Choice):
            continue
        places = set()
        for variant in variants(exercise, level, 60):
            options = variant.options[part.name]
            assert set(options) == {variant.key[part.name], *part.distractors(variant.p).values()}
            places.add(options.index(variant.key[part.name]))
        assert places == set(range(5))


@over_topics
def test_sheets_keys_and_stubs_read_like_a_teachers(exercise: AnyExercise, level: Level) -> None:
    """No machine residue and no wrong plural; hints are sentences."""
    for variant in variants(exercise, level, 12):
        for text in (render_sheet(variant), render_key(variant)):
            found = RESIDUE.search(text.split("## Handing in")[0])
            assert not found, (variant.id, text[max(0, found.start() - 60) : found.end() + 60])
        compile(render_stub(variant), "stub.py", "exec")
    for part in exercise.parts:
        for misconception in part.misconceptions:
            assert re.fullmatch(r"[A-Z“].{15,}[.]", misconception.hint), misconception.name


def test_levels_get_harder() -> None:
    """A higher level that costs no more work would be a level in name only."""
    for exercise in TOPICS:
        costs = [exercise.costs[level] for level in (Level.INTRO, Level.STANDARD, Level.CHALLENGE)]
        assert costs == sorted(set(costs)), exercise.name
