"""The topics padding, output_size and parameters: right keys, fair variants, and what their contracts promise."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from math import prod
from typing import Any

import pytest
import torch

from exercises import output_size, padding, parameters
from exercises.contracts import count_parameters as counting_contracts
from exercises.contracts import output_size as size_contracts
from grader.answers import Choice
from grader.contract import Call, Contract
from grader.draw import Draw
from grader.exercise import AnyExercise, Level
from grader.sheet import render_key, render_sheet
from grader.variant import AnyVariant, Seeded, collisions, draw_variant

TOPICS: tuple[AnyExercise, ...] = (padding.EXERCISE, output_size.EXERCISE, parameters.EXERCISE)
CASES = [(exercise, level) for exercise in TOPICS for level in Level]
NAMES = [f"{exercise.name}-{level}" for exercise, level in CASES]
over_topics = pytest.mark.parametrize(("exercise", "level"), CASES, ids=NAMES)


def variants(exercise: AnyExercise, level: Level, number: int) -> list[AnyVariant]:
    return [draw_variant(exercise, level, Seeded(2026, n)) for n in range(number)]


# Promises of every topic -----------------------------------------------------------------------------------


@over_topics
def test_every_mistake_has_an_answer_of_its_own(exercise: AnyExercise, level: Level) -> None:
    """A wrong answer names one mistake only if it is neither the key nor another mistake's answer."""
    for variant in variants(exercise, level, 300):
        for part in exercise.parts:
            assert not collisions(part, variant.p, variant.key[part.name]), (variant.id, part.name)


@over_topics
def test_the_first_draw_is_almost_always_fair(exercise: AnyExercise, level: Level) -> None:
    """Numbers are drawn so that they discriminate, instead of being drawn again until they do."""
    params = [exercise.draw(Draw("first", n), level) for n in range(200)]
    clashing = [p for p in params if any(collisions(part, p, part.solve(p)) for part in exercise.parts)]
    assert len(clashing) <= 4


@over_topics
def test_the_work_by_hand_is_what_the_level_states(exercise: AnyExercise, level: Level) -> None:
    """Two students of one level must not get questions of different length."""
    costs = [exercise.cost(variant.p) for variant in variants(exercise, level, 300)]
    stated = exercise.costs[level]
    fair = [cost for cost in costs if abs(cost - stated) <= stated / 5]
    assert len(fair) >= 0.95 * len(costs)


def test_levels_get_harder() -> None:
    """A higher level that costs no more work would be a level in name only."""
    for exercise in TOPICS:
        costs = [exercise.costs[level] for level in (Level.INTRO, Level.STANDARD, Level.CHALLENGE)]
        assert costs == sorted(set(costs)), exercise.name


@over_topics
def test_variants_are_many(exercise: AnyExercise, level: Level) -> None:
    """A class must not share numbers by chance: 6,000 draws give 5,000 different ones at least."""
    assert len({exercise.draw(Draw("many", n), level) for n in range(6000)}) >= 5000


@over_topics
def test_mistakes_are_refused_and_hints_are_sentences(exercise: AnyExercise, level: Level) -> None:
    """Every misconception's answer is readable, is wrong, and has a sentence that a student can read."""
    variant = draw_variant(exercise, level, Seeded(5))
    for part in exercise.parts:
        kind, key = variant.answer_kind(part), variant.key[part.name]
        assert kind.compare(key, key).share == 1
        wrong = part.distractors(variant.p)
        assert len(wrong) >= 3, part.name
        for name, value in wrong.items():
            assert kind.compare(value, key).share == 0, (part.name, name)
        assert all(re.fullmatch(r"([A-Z“]|[a-z][ −/]).{15,}[.]", m.hint) for m in part.misconceptions), part.name


@over_topics
def test_choices_offer_the_key_and_the_mistakes(exercise: AnyExercise, level: Level) -> None:
    """Distractors come from misconceptions, none twice, and the right one stands anywhere."""
    part = next(part for part in exercise.parts if isinstance(part.answer, Choice))
    places = set()
    for variant in variants(exercise, level, 80):
        options = variant.options[part.name]
        assert len(set(options)) == len(options) >= 4
        assert set(options) == {variant.key[part.name], *part.distractors(variant.p).values()}
        places.add(options.index(variant.key[part.name]))
    assert places == set(range(len(options)))


RESIDUE = re.compile(
    r"\bnan\b|np\.|\{\{|\{%|\+ -|- -|Fraction\(|\b1 (pixels|rows|columns|layers|units|inputs|channels)\b"
)


@over_topics
def test_sheets_and_keys_read_like_a_teachers(exercise: AnyExercise, level: Level) -> None:
    """No machine residue, no wrong plural, and every answer of the key stands in its workings."""
    for variant in variants(exercise, level, 25):
        for text in (render_sheet(variant), render_key(variant)):
            found = RESIDUE.search(text)
            assert not found, (variant.id, text[max(0, found.start() - 60) : found.end() + 60])
        for part in exercise.parts:
            workings = part.workings(variant.p).replace("{,}", ",")
            key = variant.key[part.name]
            numbers = [key] if isinstance(key, int) else key if isinstance(key, tuple) else []
            assert all(f"{number:,}" in workings for number in numbers), (variant.id, part.name)


# Keys by another route -------------------------------------------------------------------------------------


def walk(size: int, kernel: int, stride: int = 1, pad: int = 0, dilation: int = 1) -> int:
    """Count the positions of a kernel by walking it."""
    starts = range(0, size + 2 * pad, stride)
    return sum(start + (kernel - 1) * dilation < size + 2 * pad for start in starts)


def walk_both(image: Any, kernel: Any, stride: Any, pad: Any, dilation: int) -> tuple[int, int]:
    high, wide = zip(image, kernel, stride, pad, strict=True)
    return walk(*high, dilation), walk(*wide, dilation)


@pytest.mark.parametrize("level", list(Level))
def test_keys_of_padding_by_walking(level: Level) -> None:
    """The key of every part, found without a formula."""
    for variant in variants(padding.EXERCISE, level, 60):
        p, key = variant.p, variant.key
        ones, zeros, strides = (1, 1), (0, 0), (p.stride, p.stride)
        assert key["valid"] == walk_both(p.image, p.kernel, ones, zeros, p.dilation)
        pads = [next(q for q in range(99) if walk(i, k, 1, q, p.dilation) == i) for i, k in zip(p.image, p.kernel)]  # noqa: B905 - pairs
        assert key["same"] == tuple(pads)
        assert key["strided"] == walk_both(p.image, p.kernel, strides, pads, p.dilation)
        touching = [
            sum(
                start <= 0 <= start + (k - 1) * p.dilation or 0 <= start < i
                for start in range(-(k - 1) * p.dilation - 5, i + 5)
            )
            for i, k in zip(p.image, p.kernel, strict=True)
        ]
        assert key["full"] == tuple(touching)
        rows, columns = walk_both(p.image, p.kernel, ones, p.padding, p.dilation)
        assert key["change"] == padding.change_text(rows - p.image[0], columns - p.image[1])
        sides, layers = p.stack, 0
        while min(sides) >= p.stack_kernel:
            sides, layers = (walk(sides[0], p.stack_kernel), walk(sides[1], p.stack_kernel)), layers + 1
        assert key["layers"] == layers


@pytest.mark.parametrize("level", list(Level))
def test_keys_of_output_size_by_walking(level: Level) -> None:
    """Forwards by walking, backwards by trying every padding, stride and layer."""
    for variant in variants(output_size.EXERCISE, level, 60):
        p, key = variant.p, variant.key
        assert key["map"] == walk_both(p.image, p.kernel, p.stride, p.padding, p.dilation)
        assert key["patches"] == prod(key["map"])
        assert key["pooled"] == tuple(walk(side, p.pool, p.pool_stride) for side in key["map"])
        assert key["padding"] == next(q for q in range(50) if walk(p.size, p.with_kernel, p.with_stride, q) == p.wanted)
        strides = [s for s in range(1, 60) if walk(p.wide, p.over_kernel, s, p.over_padding) == p.narrow]
        assert strides == [key["stride"]]
        right = [layer for layer in p.layers if walk(p.before, *layer) == p.after]
        assert [output_size.layer_text(layer) for layer in right] == [key["layer"]]


@pytest.mark.parametrize("level", list(Level))
def test_keys_of_transposed_convolutions_by_torch(level: Level) -> None:
    """How long a transposed convolution's result is, as torch makes it, output padding included."""
    with torch.device("meta"):
        for variant in variants(output_size.EXERCISE, level, 60):
            size, kernel, stride, padding, more = variant.p.spread
            layer = torch.nn.ConvTranspose1d(1, 1, kernel, stride, padding, more)
            assert variant.key["transposed"] == layer(torch.empty(1, 1, size)).shape[2]
            assert bool(more) == (level is Level.CHALLENGE)


@pytest.mark.parametrize("level", list(Level))
def test_keys_of_parameters_by_torch(level: Level) -> None:
    """Weights, biases, units and fully connected layers as torch allocates them."""
    with torch.device("meta"):
        for variant in variants(parameters.EXERCISE, level, 60):
            p, key = variant.p, variant.key
            conv = torch.nn.Conv2d(p.image[0], p.filters, p.kernel, p.stride, padding=p.padding, groups=p.groups)
            assert key["weights"] == conv.weight.numel()
            assert key["parameters"] == sum(t.numel() for t in conv.parameters())
            assert key["units"] == conv(torch.empty(1, *p.image)).numel()
            assert key["macs"] == key["units"] * conv.weight[0].numel()
            layers = [torch.nn.Linear(a, b) for a, b in pairwise((prod(p.image), *p.hidden))]
            assert key["dense"] == sum(t.numel() for layer in layers for t in layer.parameters())
            filters, channels, *_ = p.tensor
            assert key["tensor"] == (channels, filters, torch.empty(p.tensor).numel())
            larger = p.image[0] * p.image[1] * p.scale * p.image[2] * p.scale
            first = torch.nn.Linear(larger, p.hidden[0]).weight.numel()
            assert key["enlarged"] == f"convolution {conv.weight.numel():,}, fully connected layer {first:,}"


# Error carried forward -------------------------------------------------------------------------------------


@over_topics
def test_right_earlier_answers_carry_to_the_key(exercise: AnyExercise, level: Level) -> None:
    """Carrying the right answers forward must change nothing."""
    for variant in variants(exercise, level, 30):
        for part in exercise.parts:
            if part.carry:
                assert part.carry.when(variant.p, variant.key)
                assert part.carry.solve(variant.p, variant.key) == variant.key[part.name]


@pytest.mark.parametrize(
    ("exercise", "part", "earlier"),
    [
        (padding.EXERCISE, "strided", {"same": (-1, 2)}),
        (padding.EXERCISE, "strided", {"same": (2, 10**9)}),
        (output_size.EXERCISE, "patches", {"map": (0, 5)}),
        (output_size.EXERCISE, "pooled", {"map": (1, 1)}),
        (parameters.EXERCISE, "parameters", {"weights": 0}),
        (parameters.EXERCISE, "macs", {"units": -3}),
    ],
)
def test_senseless_earlier_answers_are_not_carried(exercise: AnyExercise, part: str, earlier: dict[str, Any]) -> None:
    """The stated condition keeps out answers from which nothing sensible follows."""
    carry = exercise.part(part).carry
    assert carry is not None
    assert not carry.when(draw_variant(exercise, Level.STANDARD, Seeded(3)).p, earlier)


def test_a_wrong_earlier_answer_is_followed_through() -> None:
    """A student whose padding is off by one, and who then reckons rightly, gets what follows from it."""
    p = draw_variant(padding.EXERCISE, Level.INTRO, Seeded(3)).p
    carry = padding.EXERCISE.part("strided").carry
    assert carry is not None
    own = (p.same[0] + 1, p.same[1] + 1)
    assert carry.solve(p, {"same": own}) == walk_both(p.image, p.kernel, (p.stride, p.stride), own, 1)


# Contracts -------------------------------------------------------------------------------------------------

CONTRACTS: tuple[Contract, ...] = (size_contracts.OUTPUT_SIZE, counting_contracts.COUNT_PARAMETERS)
over_contracts = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)


def calls(contract: Contract) -> list[tuple[str, Call]]:
    return [
        (regime.name, regime.draw(Draw(contract.name, regime.name, n)))
        for regime in contract.regimes
        for n in range(regime.cases)
    ]


def result(function: Callable[..., Any], call: Call) -> tuple[str, str]:
    """Return the kind and the text of what a call gives, an error included."""
    try:
        value = function(*call.args, **call.kwargs)
    except Exception as error:  # a twin may raise anything
        return "error", type(error).__name__
    return ("int" if hasattr(value, "__index__") else type(value).__name__), str(value)


@over_contracts
def test_regimes_draw_valid_calls(contract: Contract) -> None:
    """A student must never be graded on a call that the contract excludes: the reference accepts every one."""
    for n in range(3):
        for regime in contract.regimes:
            for number in range(60):
                call = regime.draw(Draw("valid", n, regime.name, number))
                value = contract.reference(*call.args, **call.kwargs)
                assert type(value) is int, (regime.name, call)
                assert value >= 0


@over_contracts
def test_every_twin_is_told_from_the_reference_and_from_every_other(contract: Contract) -> None:
    """A mistake that no case shows would pass; two that no case separates could not be named."""
    drawn = calls(contract)
    outputs = {"reference": [result(contract.reference, call) for _, call in drawn]}
    for twin in contract.twins:
        outputs[twin.name] = [result(twin.function, call) for _, call in drawn]
    names = list(outputs)
    for index, name in enumerate(names):
        for other in names[:index]:
            differing = sum(a != b for a, b in zip(outputs[name], outputs[other], strict=True))
            assert differing >= 5, (name, other, differing)


@over_contracts
def test_most_mistakes_keep_partial_credit(contract: Contract) -> None:
    """Partial credit is real: most mistakes leave some group of regimes right, and every mistake costs a group."""
    groups = {regime.name: regime.group for regime in contract.regimes}
    drawn = calls(contract)
    partial = 0
    for twin in contract.twins:
        hit = {groups[name] for name, call in drawn if result(twin.function, call) != result(contract.reference, call)}
        assert hit, twin.name
        partial += hit != set(contract.groups)
    assert partial >= 0.6 * len(contract.twins)


def test_output_size_is_checked_on_over_a_thousand_different_calls() -> None:
    """The domain is small, so it is covered, not sampled: a table of known answers must be a long one."""
    drawn = calls(size_contracts.OUTPUT_SIZE)
    assert len({repr((call.args, sorted(call.kwargs.items()))) for _, call in drawn}) > 1200


@pytest.mark.parametrize(
    ("regime", "holds"),
    [
        ("the stride does not divide", lambda i, k, s, p, d: (i + 2 * p - d * (k - 1) - 1) % s != 0),
        ("the stride divides", lambda i, k, s, p, d: s > 1 and (i + 2 * p - d * (k - 1) - 1) % s == 0),
        ("there is padding", lambda i, k, s, p, d: p > 0 and s == 1),
        ("the padding exceeds half the kernel", lambda i, k, s, p, d: 2 * p > k),
        ("the kernel is as large as the padded input", lambda i, k, s, p, d: k == i + 2 * p and p > 0),
        ("the kernel is as large as the input", lambda i, k, s, p, d: k == i),
        ("the stride is larger than the kernel", lambda i, k, s, p, d: s > k),
        ("the stride is larger than what is left to move", lambda i, k, s, p, d: s > i + 2 * p - d * (k - 1) - 1),
        ("the kernel is dilated", lambda i, k, s, p, d: d > 1 < k),
        ("the division leaves exactly a half", lambda i, k, s, p, d: s == 2 and (i + 2 * p - k) % 2 == 1),
        ("stride, padding and dilation come together", lambda i, k, s, p, d: min(s, d) > 1 and p > 0 and k > 1),
    ],
)
def test_regimes_of_output_size_are_what_they_are_called(regime: str, holds: Callable[..., bool]) -> None:
    """The report says "wrong on 12 of 12 cases where …": that must be true of every case."""
    stratum = next(r for r in size_contracts.OUTPUT_SIZE.regimes if r.name == regime)
    for n in range(300):
        call = stratum.draw(Draw("named", n))
        i, k = call.args
        others = {"stride": 1, "padding": 0, "dilation": 1, **call.kwargs}
        assert holds(i, k, others["stride"], others["padding"], others["dilation"]), call


def test_count_parameters_counts_what_torch_allocates() -> None:
    """The contract's own cases, through torch's modules: the dict format means what PyTorch means by it."""
    kinds: dict[str, type[torch.nn.Module]] = {
        "conv2d": torch.nn.Conv2d,
        "linear": torch.nn.Linear,
        "batch_norm2d": torch.nn.BatchNorm2d,
        "max_pool2d": torch.nn.MaxPool2d,
        "avg_pool2d": torch.nn.AvgPool2d,
        "flatten": torch.nn.Flatten,
        "relu": torch.nn.ReLU,
        "dropout": torch.nn.Dropout,
    }
    contract = counting_contracts.COUNT_PARAMETERS
    with torch.device("meta"):
        for _, call in calls(contract):
            built = [kinds[x["type"]](**{n: v for n, v in x.items() if n != "type"}) for x in call.args[0]]
            assert contract.reference(*call.args) == sum(t.numel() for m in built for t in m.parameters())
