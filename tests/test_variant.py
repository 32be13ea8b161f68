"""Variants: reproducible, each student's own, and never another question by a slip of the finger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader.course import Course, load_course
from grader.draw import Draw
from grader.errors import CourseError, VariantError
from grader.exercise import AnyExercise, Level, Misconception
from grader.variant import Keyed, Seeded, draw_variant, parse_id, variant_id

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def sums() -> AnyExercise:
    toy: Course = load_course(Path(__file__).parent / "toy")
    return toy.exercise("sums")


def test_draws_never_change_between_versions() -> None:
    """A sheet printed last year must be derivable this year: these numbers are pinned."""
    rng = Draw("pinned", 42)
    assert [rng.integer(1, 6) for _ in range(8)] == PINNED
    assert rng.shuffled("abcdef") == PINNED_ORDER


PINNED = [2, 1, 1, 6, 6, 3, 2, 2]
PINNED_ORDER = list("edfbca")


def test_draws_are_even() -> None:
    """A biased draw would make some variants likelier than others."""
    counts = [0] * 6
    rng = Draw("even")
    for _ in range(6000):
        counts[rng.below(6)] += 1
    assert all(850 < count < 1150 for count in counts)


def test_the_same_seed_gives_the_same_variant(sums: AnyExercise) -> None:
    """The promise of `--seed`."""
    assert draw_variant(sums, Level.INTRO, Seeded(7)) == draw_variant(sums, Level.INTRO, Seeded(7))


def test_students_get_their_own_and_only_the_key_derives_it(sums: AnyExercise) -> None:
    """Two students, two attempts or two keys must not share an id."""
    sources = [Keyed(KEY, "ada"), Keyed(KEY, "grace"), Keyed(KEY, "ada", 2), Keyed(b"x" * 32, "ada")]
    ids = {variant_id(sums, Level.INTRO, source) for source in sources}
    assert len(ids) == 4


def test_a_name_is_the_same_however_its_accents_are_encoded(sums: AnyExercise) -> None:
    """A folder named on another system must give the same variant."""
    one, other = Keyed(KEY, "Ren\u00e9"), Keyed(KEY, "Rene\u0301")
    assert variant_id(sums, Level.INTRO, one) == variant_id(sums, Level.INTRO, other)


def test_any_single_edit_of_an_id_is_noticed(sums: AnyExercise) -> None:
    """A mistyped id must be an error and not another question."""
    ident = variant_id(sums, Level.STANDARD, Seeded(42))
    undetected = []
    for place, old in enumerate(ident):
        for new in "019AZaz-_s":
            if new != old:
                try:
                    undetected.append(parse_id(ident[:place] + new + ident[place + 1 :]).text)
                except VariantError:
                    continue
    assert not undetected


@pytest.mark.parametrize("text", ["", "padding", "x" * 5000, "sums-v1-hard-s1n1-0000", "sums-v1-intro-s1n1-0000", "\n"])
def test_what_is_no_id_is_an_error(text: str) -> None:
    """Garbage in VARIANT is told apart from a variant."""
    with pytest.raises(VariantError, match=r"not an id|mistyped"):
        parse_id(text)


def test_misconceptions_never_give_the_right_answer(sums: AnyExercise) -> None:
    """2 + 2 = 2 * 2 would let a student multiply and be right."""
    for seed in range(300):
        variant = draw_variant(sums, Level.INTRO, Seeded(seed))
        assert variant.key["total"] not in (variant.p.a - variant.p.b, variant.p.a * variant.p.b)


def test_an_exercise_that_cannot_discriminate_is_an_authors_mistake(sums: AnyExercise) -> None:
    """Better no sheet than one on which a mistake cannot show."""
    total = replace(sums.parts[0], misconceptions=(Misconception("summed", lambda p: p.a + p.b, "Always right."),))
    with pytest.raises(CourseError, match="none tells right from wrong") as caught:
        draw_variant(replace(sums, parts=(total,)), Level.INTRO, Seeded(1))
    assert caught.value.hint == "On the last one the right answer came out of: summed."


def test_the_right_option_stands_anywhere(sums: AnyExercise) -> None:
    """When every right letter is A, students learn that instead."""
    letters = {
        v.options["parity"].index(v.key["parity"])
        for v in (draw_variant(sums, Level.INTRO, Seeded(s)) for s in range(40))
    }
    assert letters == {0, 1, 2}
