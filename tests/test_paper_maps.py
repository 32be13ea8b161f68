"""The paper questions on one map: right keys, mistakes that show and are named, fair variants, true workings."""

from __future__ import annotations

import itertools
import math
import re
import time
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.signal

from exercises import convolution, pooling
from grader.answers import write_number
from grader.draw import Draw
from grader.exercise import AnyExercise, Level
from grader.sheet import render_key, render_sheet, render_stub
from grader.variant import AnyVariant, Seeded, collisions, draw_variant
from solutions import planes
from solutions.convolution import conv2d
from solutions.pooling import avg_pool2d, lp_pool2d, max_pool2d
from tests.worked import example, examples

TOPICS: dict[str, AnyExercise] = {"convolution": convolution.EXERCISE, "pooling": pooling.EXERCISE}
EVERY = [pytest.param(topic, level, id=f"{topic}-{level}") for topic, level in itertools.product(TOPICS, Level)]
DRAWS = 150


@cache
def variants(topic: str, level: Level) -> tuple[AnyVariant, ...]:
    return tuple(draw_variant(TOPICS[topic], level, Seeded(seed)) for seed in range(DRAWS))


def exact(plane: planes.Plane) -> Any:
    return np.array(plane, dtype=object)[None, None]


# Planes ----------------------------------------------------------------------------------------------------


def test_planes_agree_with_the_layers() -> None:
    """The paper questions have solvers of their own, without NumPy; they must be the same functions."""
    for index in range(300):
        rng = Draw("planes", index)
        plane = rng.matrix(rng.integer(3, 7), rng.integer(3, 7), -9, 9)
        kernel = rng.matrix(rng.integer(1, 3), rng.integer(1, 3), -2, 2)
        stride, padding = (rng.integer(1, 3), rng.integer(1, 3)), (rng.integer(0, 2), rng.integer(0, 2))
        size = (len(kernel), len(kernel[0]))
        layer = conv2d(exact(plane), exact(kernel), np.array([5]), stride, padding)[0, 0]
        assert np.array_equal(np.array(planes.correlate(plane, kernel, 5, stride, padding)), layer)
        assert np.array_equal(
            np.array(planes.pool(plane, size, stride, max)), max_pool2d(exact(plane), size, stride)[0, 0]
        )
        means = np.array(planes.pool(plane, size, stride, planes.mean), dtype=object)
        assert np.array_equal(means, avg_pool2d(exact(plane), size, stride)[0, 0])


@pytest.mark.parametrize("name", [n for n, e in examples().items() if e["kind"] == "conv2d" and n != "aps-rgb-volume"])
def test_published_maps_come_out_exactly(name: str) -> None:
    """The handouts' decimals are exact here: 0.7 is seven tenths."""
    given = example(name)["given"]
    image = tuple(tuple(Fraction(str(v)) for v in row) for row in given["image"])
    biases = given.get("bias", [0] * len(given["kernels"]))
    maps = [
        planes.correlate(image, kernel, Fraction(str(b)), tuple(given["stride"]), tuple(given["padding"]))
        for kernel, b in zip(given["kernels"], biases, strict=True)
    ]
    wanted = [[[Fraction(str(v)) for v in row] for row in plane] for plane in example(name)["answer"]]
    assert [[list(row) for row in plane] for plane in maps] == wanted


@pytest.mark.parametrize(
    "name", ["ist-maxpool", "cnn-maxpool", "cnn-avgpool", "cnn-pool-overlap-max", "cnn-pool-overlap-avg"]
)
def test_published_poolings_come_out_exactly(name: str) -> None:
    """The same for pooling, where one handout prints rounded means."""
    case = example(name)
    combine: Any = max if case["kind"] == "max_pool2d" else planes.mean
    got = [
        planes.pool(plane, tuple(case["given"]["kernel_size"]), tuple(case["given"]["stride"]), combine)
        for plane in case["given"]["maps"]
    ]
    assert [[list(row) for row in plane] for plane in got] == case["answer"]


# Keys, by routes of another kind ---------------------------------------------------------------------------


@pytest.mark.parametrize("level", Level)
def test_convolution_keys_agree_with_scipy(level: Level) -> None:
    """Every key is worked out again by padding, correlating and slicing in SciPy."""
    for variant in variants("convolution", level):
        p, g = variant.p, variant.p.geometry
        padded = np.pad(np.array(p.tenths), [(g.padding[0],) * 2, (g.padding[1],) * 2])
        maps = np.array(
            [scipy.signal.correlate2d(padded, np.array(k), "valid")[:: g.stride[0], :: g.stride[1]] for k in p.kernels]
        )
        maps = maps + np.array(p.biases)[:, None, None]
        key = variant.key
        assert key["size"] == maps.shape
        assert np.array_equal(np.array(key["map"], float) * 10, maps)
        assert key["entry"] == Fraction(int(maps[p.entry]), 10)
        assert np.array_equal(np.array(key["relu"], float), np.maximum(maps, 0) / 10)
        assert key["sigmoid"] == pytest.approx(1 / (1 + np.exp(-maps[p.spot] / 10)), rel=1e-12)


@pytest.mark.parametrize("level", Level)
def test_pooling_keys_agree_with_the_layers_and_with_trying(level: Level) -> None:
    """Maps by the layers; what is unused and what changes by marking and by trying it out."""
    for variant in variants("pooling", level):
        p, key = variant.p, variant.key
        size, stride = p.geometry.window, p.geometry.stride
        x = np.array(p.plane)[None, None]
        largest = max_pool2d(x, size, stride)
        assert key["size"] == largest.shape[2:]
        assert np.array_equal(np.array(key["max"]), largest[0, 0])
        assert np.array_equal(np.array(key["mean"], dtype=object), avg_pool2d(x.astype(object), size, stride)[0, 0])
        assert key["overall"] == Fraction(int(largest.sum()), largest.size)
        assert [float(norm) for norm in key["l2"]] == pytest.approx(
            lp_pool2d(x, 2, size, stride)[0, 0, p.line], rel=1e-12
        )
        assert [norm * norm for norm in key["l2"]] == [round(float(norm) ** 2) for norm in key["l2"]]
        seen = np.zeros(x.shape[2:], bool)
        for r, c in np.ndindex(*key["size"]):
            seen[r * stride[0] : r * stride[0] + size[0], c * stride[1] : c * stride[1] + size[1]] = True
        assert key["unused"] == int((~seen).sum())
        x[0, 0][p.spot] = p.changed
        changed = np.argwhere(max_pool2d(x, size, stride)[0, 0] != largest[0, 0])
        assert key["lowered"] == pooling.in_words(tuple((int(r), int(c)) for r, c in changed))


# Fair variants ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("topic", "level"), EVERY)
def test_mistakes_show_and_are_told_apart(topic: str, level: Level) -> None:
    """A variant on which a mistake gives the right answer, or another's, teaches and diagnoses nothing."""
    for variant in variants(topic, level):
        for part in variant.exercise.parts:
            assert not collisions(part, variant.p, variant.key[part.name]), (variant.id, part.name)
            assert part.distractors(variant.p), (variant.id, part.name)
    for part in TOPICS[topic].parts:
        shown = [len(part.distractors(v.p)) for v in variants(topic, level)]
        assert sum(shown) / len(shown) >= 2, (part.name, "fewer than two mistakes show in a variant")
        assert len(part.misconceptions) >= 3, part.name


@pytest.mark.parametrize(("topic", "level"), EVERY)
def test_variants_cost_the_same_and_are_many(topic: str, level: Level) -> None:
    """Equal work for all students, and no two of a class with the same numbers."""
    exercise = TOPICS[topic]
    costs = [exercise.cost(v.p) / exercise.costs[level] for v in variants(topic, level)]
    assert sum(0.8 <= cost <= 1.2 for cost in costs) >= 0.95 * len(costs), (min(costs), max(costs))
    assert len({v.p for v in variants(topic, level)}) == DRAWS
    assert len({v.key["size"] for v in variants(topic, level)}) >= 5


@pytest.mark.parametrize(("topic", "level"), EVERY)
def test_no_answer_can_be_guessed(topic: str, level: Level) -> None:
    """The best constant guess must fail most students."""
    for part in TOPICS[topic].parts:
        keys = [str(v.key[part.name]) for v in variants(topic, level)]
        assert max(keys.count(key) for key in set(keys)) <= 0.45 * len(keys), part.name


@pytest.mark.parametrize("topic", TOPICS)
def test_drawing_is_quick(topic: str) -> None:
    """A class of hundreds is drawn in seconds; the promise is 200 a second, a busy machine is granted a third."""
    start = time.process_time()
    for seed in range(60):
        draw_variant(TOPICS[topic], Level.CHALLENGE, Seeded(seed, 2))
    assert time.process_time() - start < 0.9


def test_kernels_show_every_flip() -> None:
    """A kernel that looks the same turned or mirrored would hide the commonest mistake."""
    for level in Level:
        for variant in variants("convolution", level):
            for kernel in variant.p.kernels:
                flips = (
                    planes.rotate(kernel),
                    kernel[::-1],
                    tuple(row[::-1] for row in kernel),
                    planes.transpose(kernel),
                )
                assert kernel not in flips
                assert min(planes.entries(kernel)) < 0 < max(planes.entries(kernel))


def test_every_window_sees_the_image_and_every_map_has_both_signs() -> None:
    """A window of padding alone is just the bias, and a ReLU that leaves nothing or everything is no question."""
    for level in Level:
        for variant in variants("convolution", level):
            g = variant.p.geometry
            assert all(p < k for p, k in zip(g.padding, g.kernel, strict=True))
            for plane in variant.p.maps:
                assert min(planes.entries(plane)) < 0 < max(planes.entries(plane))


# Error carried forward -------------------------------------------------------------------------------------


def test_a_relu_and_a_sigmoid_of_the_students_own_map_are_right() -> None:
    """A slip in the map must not cost the parts that are worked out correctly from it."""
    variant = variants("convolution", Level.STANDARD)[0]
    relu, sigmoid = (variant.exercise.part(name).carry for name in ("relu", "sigmoid"))
    assert relu is not None
    assert sigmoid is not None
    m, row, column = variant.p.spot
    own = [[list(line) for line in plane] for plane in variant.key["map"]]
    own[m][row][column] = Fraction(-3)
    earlier = {"map": tuple(tuple(tuple(line) for line in plane) for plane in own)}
    assert relu.when(variant.p, earlier)
    assert relu.solve(variant.p, earlier)[m][row][column] == 0
    assert sigmoid.when(variant.p, earlier)
    assert sigmoid.solve(variant.p, earlier) == pytest.approx(0.0474258731775668)


def test_nothing_is_carried_from_a_map_that_is_not_there() -> None:
    """A map of another size, of one sign or of huge numbers must be turned down, not crash the marking."""
    variant = variants("convolution", Level.STANDARD)[0]
    relu, sigmoid = (variant.exercise.part(name).carry for name in ("relu", "sigmoid"))
    assert relu is not None
    assert sigmoid is not None
    for odd in ((), ((),), (((Fraction(1),),),), (((Fraction(10**400),) * 9,) * 9,)):
        assert not relu.when(variant.p, {"map": odd})
        assert not sigmoid.when(variant.p, {"map": odd})
    overall = TOPICS["pooling"].part("overall").carry
    assert overall is not None
    assert not overall.when(variant.p, {"max": ()})
    assert overall.solve(variant.p, {"max": ((Fraction(1), Fraction(4)),)}) == Fraction(5, 2)


# Texts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("topic", "level"), EVERY)
def test_sheets_and_keys_read_as_if_written_by_hand(topic: str, level: Level) -> None:
    """No machine residue, and the workings end in the key."""
    for variant in variants(topic, level)[:10]:
        page = render_sheet(variant) + render_key(variant) + render_stub(variant)
        for residue in (
            "{{",
            "{%",
            "Fraction(",
            "np.",
            "nan",
            "+ -",
            "- -",
            "--1",
            "None left",
            " 1 rows",
            "1 columns",
        ):
            assert residue not in page.replace("np.array", "").replace("import numpy as np", ""), residue
        assert not re.search(r"\b1 (pixels|rows|maps|kernels)\b", page)


@pytest.mark.parametrize("level", Level)
def test_the_written_out_sums_of_products_are_true(level: Level) -> None:
    """Every line of the workings is worked out again from its own text."""
    for variant in variants("convolution", level)[:25]:
        workings = variant.exercise.part("map").workings(variant.p) + convolution.entry_workings(variant.p)
        lines = re.findall(r"_\{\d+,\d+\} = ([^$=]+) = (-?[\d.]+)\$", workings)
        assert len(lines) >= 4
        for terms, value in lines:
            products = [term.replace("(", "").replace(")", "").split(r"\cdot") for term in terms.split(" + ")]
            total = sum(
                (math.prod(Fraction(factor.strip()) for factor in product) for product in products), Fraction(0)
            )
            assert write_number(total) == value


@pytest.mark.parametrize("level", Level)
def test_the_written_out_maxima_and_means_are_true(level: Level) -> None:
    """The same for pooling: the numbers in the line give the number at its end."""
    for variant in variants("pooling", level)[:25]:
        p = variant.p
        maxima = re.findall(r"\\max\(([^)]*)\) = (-?\d+)\$", pooling.max_workings(p))
        assert [max(map(int, numbers.split(","))) for numbers, _ in maxima] == [int(value) for _, value in maxima]
        assert [int(value) for _, value in maxima] == planes.entries(p.maxima)
        sums = re.findall(r"= \((.+)\) / (\d+) = ", pooling.mean_workings(p))
        means = [Fraction(sum(int(t.strip("()")) for t in terms.split(" + ")), int(n)) for terms, n in sums]
        assert means == planes.entries(p.means)
        norms = re.findall(r"= \\sqrt\{(\(?.+\^2)\} = \\sqrt\{(\d+)\}", pooling.norm_workings(p))
        powers = [re.findall(r"(-?\d+)\)?\^2", terms) for terms, _ in norms]
        assert {len(numbers) for numbers in powers} == {p.geometry.window[0] * p.geometry.window[1]}
        assert [sum(int(v) ** 2 for v in numbers) for numbers in powers] == [int(total) for _, total in norms]
        assert [norm * norm for norm in p.norms] == [int(total) for _, total in norms]


@pytest.mark.parametrize("level", Level)
def test_roots_are_read_as_students_write_them(level: Level) -> None:
    """A root that is simplified, one that is not, and a power of one half are the same number; a decimal is not."""
    part = TOPICS["pooling"].part("l2")
    for variant in variants("pooling", level)[:25]:
        key = variant.key["l2"]
        squares = [norm * norm for norm in key]
        assert part.answer.compare(part.answer.read([f"sqrt({square})" for square in squares]), key).share == 1
        assert part.answer.compare(part.answer.read([part.answer.show(norm) for norm in key]), key).share == 1
        assert part.answer.compare(part.answer.read([round(float(norm), 4) for norm in key]), key).share == 0
        assert any(not isinstance(norm, Fraction) for norm in key)
        assert 1 <= variant.p.line < variant.p.geometry.size[0]


def test_mistakes_of_the_norm_are_the_ones_that_are_named() -> None:
    """One map by hand: what each mistake makes of the second row, written out and not computed."""
    p = pooling.Params(
        pooling.Geometry((4, 5), (2, 2), (1, 2)),
        ((1, 2, 0, 4, 7), (3, 4, 5, 5, 7), (6, 1, -2, 1, 7), (8, 8, 3, 3, 7)),
        1,
    )
    assert p.geometry.size == (3, 2)
    written = {name: None if line is None else [str(v) for v in line] for name, line in p.norm_slips.items()}
    assert [str(norm) for norm in p.norms] == ["sqrt(62)", "sqrt(55)"]
    assert written == {
        "root-forgotten": ["62", "55"],
        "root-of-mean": ["sqrt(62)/2", "sqrt(55)/2"],
        "divided": ["sqrt(62)/4", "sqrt(55)/4"],
        "root-of-each": ["14", "13"],
        "signs-squared": ["sqrt(62)", "sqrt(47)"],
        "max-instead": ["6", "5"],
        "mean-instead": ["7/2", "9/4"],
        "rows-from-zero": ["sqrt(165)", "sqrt(23)"],
        "stride-not-in-offset": ["sqrt(62)", "sqrt(46)"],
        "stride-is-window": ["sqrt(165)", "sqrt(23)"],
        "rounded-up": ["sqrt(62)", "sqrt(55)", "7*sqrt(2)"],
    }
