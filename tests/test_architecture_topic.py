"""The topic architecture, networks by name, and what counting says of them: keys by torch, published figures."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch

from exercises._nets import Definition, Net, Stage, drawn, suspicions
from exercises.architecture import EXERCISE, KNOWN, PARTS, Params, differing, flat
from grader.draw import Draw
from grader.exercise import Level
from grader.sheet import render_key, render_sheet
from grader.variant import AnyVariant, Seeded, collisions, draw_variant
from solutions import counting, networks
from tests.worked import example, examples

over_levels = pytest.mark.parametrize("level", list(Level))


@cache
def variants(level: Level, number: int) -> list[AnyVariant]:
    return [draw_variant(EXERCISE, level, Seeded(2026, n)) for n in range(number)]


def module(layer: dict[str, Any]) -> torch.nn.Module:
    """Build torch's module of a layer."""
    kinds: dict[str, type[torch.nn.Module]] = {
        "conv2d": torch.nn.Conv2d,
        "linear": torch.nn.Linear,
        "max_pool2d": torch.nn.MaxPool2d,
        "avg_pool2d": torch.nn.AvgPool2d,
        "flatten": torch.nn.Flatten,
        "relu": torch.nn.ReLU,
        "tanh": torch.nn.Tanh,
        "dropout": torch.nn.Dropout,
    }
    if layer["type"] in ("softmax", "log_softmax"):
        return torch.nn.Softmax(dim=1)
    return kinds[layer["type"]](**{name: value for name, value in layer.items() if name != "type"})


def trace(layers: Any, input_shape: Any) -> tuple[list[tuple[int, ...]], list[int]]:
    """Return the shape after each layer and its parameters, as torch has them."""
    shapes, parameters = [], []
    with torch.device("meta"):
        x = torch.empty(1, *input_shape)
        for layer in layers:
            built = module(layer)
            x = built(x)
            shapes.append(tuple(x.shape[1:]))
            parameters.append(sum(t.numel() for t in built.parameters()))
    return shapes, parameters


MADE_AFTER = {
    "LeNet-5": networks.LENET_5,
    "AlexNet": networks.ALEXNET,
    "VGG-16": networks.VGG_16,
    "LargeNet": networks.LARGE_NET,
    "MNIST": networks.TWO_CONV_DIGITS,
}


# Networks by name ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", networks.NETWORKS, ids=lambda network: network.name)
def test_named_networks_are_what_torch_builds(network: networks.Network) -> None:
    """Every layer fits the one before it, and shapes and parameters are those of torch's modules."""
    shapes, parameters = trace(network.layers, network.input_shape)
    assert list(network.shapes) == shapes
    assert list(network.parameters) == parameters
    assert network.total == sum(parameters)


@pytest.mark.parametrize(
    ("network", "total"),
    [
        (networks.LENET_5, 61_706),
        (networks.ALEXNET, 60_965_224),
        (networks.VGG_16, 138_357_544),
        (networks.TWO_CONV_DIGITS, example("wang-cnn-summary")["answer"]["total"]),
        (networks.LARGE_NET, example("aps-largenet")["answer"]["total_parameters"]),
        (networks.DROPOUT_DIGITS, example("ist-cnn-params")["answer"]),
        (networks.DIGITS_MLP, example("ist-ffn-params")["answer"]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_totals_are_the_published_ones(network: networks.Network, total: int) -> None:
    """The numbers that everybody quotes of these networks come out."""
    assert network.total == total


def test_the_two_convolution_network_layer_by_layer() -> None:
    """All that its handout prints: shapes, parameters, and weights with and without the last layer."""
    answer, net = example("wang-cnn-summary")["answer"], networks.TWO_CONV_DIGITS
    assert [list(shape) for shape in net.shapes] == answer["output_shapes"]
    assert list(net.parameters) == answer["parameters"]
    assert counting.count_weights(net.layers) == answer["weights_only"]
    assert counting.count_weights(net.layers[:-1]) == answer["weights_only_without_last_fc"]


def test_other_published_shapes_and_counts() -> None:
    """What is printed of flattening, of the 25 filters, of AlexNet's first layer, and of single layers."""
    flattened = networks.LARGE_NET.shapes[networks.LARGE_NET.layers.index(networks.FLATTEN)]
    assert flattened == (example("aps-largenet")["answer"]["flatten"],)
    shapes = networks.ONE_CONV_DIGITS.shapes
    answer = example("ntu-mnist-cnn-shapes")["answer"]
    assert [list(shapes[0]), list(shapes[1])] == [answer["conv"], answer["pool"]]
    assert networks.ALEXNET.shapes[0][1] == example("ist-alexnet-width")["answer"]
    assert counting.units(networks.ALEXNET.shapes[0]) == example("ist-alexnet-units")["answer"]
    assert networks.ALEXNET.parameters[0] == example("ist-alexnet-params")["answer"]
    dense = networks.dense(prod(networks.ALEXNET.input_shape), 256)
    assert counting.count_parameters(dense) == example("ist-alexnet-ff")["answer"]
    assert counting.count_weights(networks.dense(200 * 200, 500, 200)) == example("aps-mlp-weights")["answer"]
    assert counting.linear_weights(500 * 500, 10**8) == example("cnn-fc-explosion")["answer"]
    assert counting.conv_parameters(3, 1, 5) == example("cnn-filter-params")["answer"]
    assert counting.conv_weights(3, 1, 3) == example("aps-rgb-weights")["answer"]
    tensor = example("aps-rgb-kernels")
    assert list(counting.kernel_tensor(tensor["given"]["kernels"])) == [
        tensor["answer"][name] for name in ("in_channels", "out_channels", "weights")
    ]


@over_levels
def test_networks_by_name_begin_as_those_that_they_are_made_after(level: Level) -> None:
    """Every known network of a level is drawn, with the windows, strides and paddings that it is known for."""
    found = {variant.p.base: variant.p.net for variant in variants(level, 40)}
    assert set(found) == set(KNOWN[level])
    for name in set(found) - {""}:
        real = [layer for layer in MADE_AFTER[name].layers if layer["type"] in ("conv2d", "max_pool2d", "avg_pool2d")]
        for stage, layer in zip(found[name].stages[:4], real, strict=False):
            assert stage.is_pool == (layer["type"] != "conv2d")
            stride, padding = layer.get("stride", layer["kernel_size"]), layer.get("padding", 0)
            assert (stage.kernel, stage.stride, stage.padding) == (layer["kernel_size"], stride, padding)


def test_no_published_figure_of_this_kind_is_left_out() -> None:
    """A figure that is added to the collection must be tested as well."""
    kinds = [name for name, e in examples().items() if e["kind"] in ("architecture", "parameters", "units")]
    source = Path(__file__).read_text(encoding="utf-8")
    assert len(kinds) >= 13
    assert [name for name in kinds if f'example("{name}")' not in source] == []


# Counting --------------------------------------------------------------------------------------------------


def test_hidden_units_by_trying_them_all() -> None:
    """The most units within a budget, found by counting torch's parameters one unit at a time."""
    for inputs, outputs, budget in [(784, 10, 21840), (1, 1, 1000), *((5, 3, budget) for budget in range(12, 60))]:
        sizes = [counting.mlp_parameters((inputs, units, outputs)) for units in range(1, 400)]
        with torch.device("meta"):
            built = torch.nn.Sequential(torch.nn.Linear(inputs, 7), torch.nn.Linear(7, outputs))
            assert sizes[6] == sum(t.numel() for t in built.parameters())
        assert counting.hidden_units_within(budget, inputs, outputs) == sum(size <= budget for size in sizes)


def test_a_budget_for_no_unit_is_refused() -> None:
    """Zero hidden units would be no network."""
    with pytest.raises(ValueError, match="parameters=11 must be at least 12, for one hidden unit"):
        counting.hidden_units_within(11, 5, 3)


# The topic: promises ---------------------------------------------------------------------------------------


@over_levels
def test_variants_are_fair_and_of_stated_cost(level: Level) -> None:
    """Every mistake has an answer of its own, no list is a mere slip away, and the work is what the level states."""
    costs = []
    for variant in variants(level, 300):
        for part in PARTS:
            key = variant.key[part.name]
            assert not collisions(part, variant.p, key), (variant.id, part.name)
            assert len(part.distractors(variant.p)) >= 3, (variant.id, part.name)
            for name, wrong in part.distractors(variant.p).items():
                assert variant.answer_kind(part).compare(wrong, key).share == 0, (variant.id, part.name, name)
        costs.append(EXERCISE.cost(variant.p))
    stated = EXERCISE.costs[level]
    assert sum(abs(cost - stated) <= stated / 5 for cost in costs) >= 0.95 * len(costs)


@over_levels
def test_there_are_thousands_of_variants(level: Level) -> None:
    """A class must not share numbers by chance: as few doubles as in 70,000 variants or more."""
    assert len({EXERCISE.draw(Draw("many", n), level) for n in range(1200)}) >= 1190


@over_levels
def test_no_map_is_a_single_row(level: Level) -> None:
    """Networks must be ones that somebody might build: two rows and columns at least are left to flatten."""
    for variant in variants(level, 300):
        for net in (variant.p.net, variant.p.printed.net):
            assert min(net.shapes[-1][1:]) >= 2, variant.id


RESIDUE = re.compile(r"\bnan\b|\{\{|\{%|\+ -|- -|Fraction\(|\bNone\b(?!`)|(?<![\d,])1 (units|channels|inputs|images)\b")


@over_levels
def test_sheets_and_keys_read_like_a_teachers(level: Level) -> None:
    """No machine residue, a table that is a table, and every number of the key in its workings."""
    for variant in variants(level, 300)[:25]:
        for text in (render_sheet(variant), render_key(variant)):
            found = RESIDUE.search(text.replace("Replace every `None`", ""))
            assert not found, (variant.id, text[max(0, found.start() - 60) : found.end() + 60])
            assert "\n\n| layer | | |\n" in text
        for part in PARTS:
            key, workings = variant.key[part.name], part.workings(variant.p).replace("{,}", ",")
            numbers = [key] if isinstance(key, int) else flat(key)
            assert all(f"{number:,}" in workings for number in numbers), (variant.id, part.name)


def test_the_drawing_gives_no_answer_away() -> None:
    """Whoever measures the drawing must not find the shapes: it follows the strides alone."""
    for variant in variants(Level.INTRO, 300)[:60]:
        net = variant.p.net
        wider = Net(net.image, (Stage(net.stages[0].filters, 7), *net.stages[1:]), net.hidden)
        assert wider.shapes != net.shapes
        assert [size for size, *_ in drawn(wider)] == [size for size, *_ in drawn(net)]
        assert len(drawn(net)) == 1 + len(net.layers)
        assert "<svg" in render_sheet(variant, medium="html")


# The topic: keys by torch ----------------------------------------------------------------------------------


def built(net: Net) -> list[torch.nn.Module]:
    """Build the network with layers that take whatever comes in."""
    layers: list[torch.nn.Module] = []
    for stage in net.stages:
        if stage.is_pool:
            layers.append(torch.nn.MaxPool2d(stage.kernel, stage.stride))
        else:
            layers.append(torch.nn.LazyConv2d(stage.filters, stage.kernel, stage.stride, stage.padding))
    return [*layers, torch.nn.Flatten(), *(torch.nn.LazyLinear(units) for units in net.hidden)]


@over_levels
def test_keys_by_torch(level: Level) -> None:
    """Shapes, features, parameters, multiplications and bytes of a network whose input sizes torch finds itself."""
    for variant in variants(level, 300)[:40]:
        p, key = variant.p, variant.key
        x = torch.zeros(1, *p.net.image)
        shapes, parameters, macs = [], [], []
        with torch.no_grad():
            for layer in built(p.net):
                x = layer(x)
                shapes.append(tuple(x.shape[1:]))
                parameters.append(sum(t.numel() for t in layer.parameters()))
                weight = getattr(layer, "weight", None)
                macs.append(0 if weight is None else x.numel() * weight[0].numel())
        stages = len(p.net.stages)
        assert list(key["shapes"]) == shapes[:stages]
        assert (key["features"],) == shapes[stages]
        assert list(key["parameters"]) == [*parameters, sum(parameters)]
        last = max(place for place, stage in enumerate(p.net.stages) if not stage.is_pool)
        assert key["macs"] == (macs[last] if level is not Level.CHALLENGE else sum(macs))
        kept = shapes[:1] if level is Level.INTRO else shapes[:stages]
        assert key["memory"] == sum(torch.zeros(p.batch, *shape).nbytes for shape in kept)
        units = key["budget"]
        sizes = [counting.mlp_parameters((p.inputs, h, p.net.hidden[-1])) for h in (units, units + 1)]
        assert sizes[0] <= sum(parameters) < sizes[1]


@over_levels
def test_receptive_fields_are_where_torch_sends_gradients(level: Level) -> None:
    """The rows of the image that move one number: found by sending its gradient back, not by a formula."""
    for variant in variants(level, 300)[:30]:
        p = variant.p
        x = torch.zeros(1, 1, *p.net.image[1:], dtype=torch.float64, requires_grad=True)
        y = x
        for stage in p.net.stages[: p.deep]:
            window = torch.ones(1, 1, stage.kernel, stage.kernel, dtype=torch.float64)
            y = torch.nn.functional.conv2d(y, window, stride=stage.stride, padding=stage.padding)
        y[0, 0, p.row, y.shape[3] // 2].backward()  # type: ignore[no-untyped-call]  # torch has no types here
        assert x.grad is not None
        rows = [row for row in range(p.net.image[1]) if x.grad[0, 0, row].any()]
        assert variant.key["rows"] == (rows[0], rows[-1])
        assert variant.key["field"] == len(rows)


def run(listing: str, image: tuple[int, ...]) -> None:
    """Build and run a printed definition."""
    code = listing.removeprefix("```python\n").removesuffix("\n```")
    space: dict[str, Any] = {"nn": torch.nn}
    exec(code, space)  # our own text: that it is PyTorch is what is tested
    space["net"](torch.zeros(1, *image))


@over_levels
def test_the_printed_definition_fails_and_its_correction_runs(level: Level) -> None:
    """PyTorch itself refuses what is printed, and accepts it with the number of the key, and with no mistake's."""
    for variant in variants(level, 300)[:15]:
        printed: Definition = variant.p.printed
        line, right = variant.key["definition"]
        assert line == printed.line
        with pytest.raises(RuntimeError, match=r"shapes cannot be multiplied|to have \d+ channels"):
            run(printed.listing, printed.net.image)
        run(corrected(printed.listing, line, right), printed.net.image)
        for wrong_line, number in EXERCISE.part("definition").distractors(variant.p).values():
            with pytest.raises(RuntimeError, match=r"shapes cannot be multiplied|to have \d+ channels"):
                run(corrected(printed.listing, wrong_line, number), printed.net.image)


def corrected(listing: str, line: int, number: int) -> str:
    """Return a definition with the first number of a line replaced."""
    lines = listing.split("\n")
    lines[line + 1] = re.sub(r"\(\d+,", f"({number},", lines[line + 1], count=1)
    return "\n".join(lines)


def test_every_kind_of_wrong_number_is_printed_sometimes() -> None:
    """The mistake must not always be in the same place."""
    found = set()
    for variant in variants(Level.STANDARD, 300):
        printed = variant.p.printed
        found |= {name for name, guess in suspicions(printed).items() if guess == (printed.line, printed.wrong)}
    assert found == {m.name for m in EXERCISE.part("definition").misconceptions}


# Error carried forward -------------------------------------------------------------------------------------


@over_levels
def test_right_earlier_answers_carry_to_the_key(level: Level) -> None:
    """Carrying the right answers forward must change nothing, read as fractions as the marking does."""
    for variant in variants(level, 300)[:30]:
        read = {part.name: part.answer.read(variant.key[part.name]) for part in PARTS}
        for part in PARTS:
            if part.carry:
                assert part.carry.when(variant.p, read)
                assert part.carry.solve(variant.p, read) == variant.key[part.name], part.name


def test_wrong_earlier_answers_are_followed_through() -> None:
    """A student who errs once and then reckons rightly gets what follows from the error."""
    p: Params = draw_variant(EXERCISE, Level.STANDARD, Seeded(3)).p
    rows = [[Fraction(number) for number in row] for row in p.net.shapes]
    rows[-1] = [rows[-1][0], rows[-1][1] + 1, rows[-1][2] + 1]
    own = {"shapes": tuple(tuple(row) for row in rows)}
    features = carried("features", p, own)
    assert features == rows[-1][0] * rows[-1][1] * rows[-1][2]
    own_list = carried("parameters", p, {"features": features})
    widths = (features, *p.net.hidden)
    firsts = [counting.layer_parameters(layer) for layer in p.net.layers[: len(p.net.stages)]]
    wanted = [*firsts, 0, *((a + 1) * b for a, b in pairwise(widths))]
    assert list(own_list) == [*wanted, sum(wanted)]
    assert differing(own_list, PARTS[2].solve(p)) == 2
    units = carried("budget", p, {"parameters": tuple(Fraction(n) for n in own_list)})
    assert units == counting.hidden_units_within(own_list[-1], p.inputs, p.net.hidden[-1])
    assert carried("rows", p, {"field": 3}) == (p.field.pixels(p.row)[0], p.field.pixels(p.row)[0] + 2)
    assert carried("memory", p, own) == 4 * sum(prod(row) for row in rows)


def carried(part: str, p: Params, earlier: dict[str, Any]) -> Any:
    carry = EXERCISE.part(part).carry
    assert carry is not None
    assert carry.when(p, earlier)
    return carry.solve(p, earlier)


@pytest.mark.parametrize(
    ("part", "earlier"),
    [
        ("features", {"shapes": ((1, 2, 3),)}),
        ("features", {"shapes": ((1, 2, 3),) * 3 + ((1, 2),)}),
        ("macs", {"shapes": ((1, 2, 3),) * 3 + ((1, Fraction(1, 2), 3),)}),
        ("memory", {"shapes": ((1, 2, 3),) * 3 + ((1, 0, 3),)}),
        ("parameters", {"features": 0}),
        ("rows", {"field": 0}),
        ("budget", {"parameters": ()}),
        ("budget", {"parameters": (1, 2, 3)}),
    ],
)
def test_senseless_earlier_answers_are_not_carried(part: str, earlier: dict[str, Any]) -> None:
    """The stated condition keeps out answers from which nothing sensible follows."""
    carry = EXERCISE.part(part).carry
    assert carry is not None
    assert not carry.when(draw_variant(EXERCISE, Level.STANDARD, Seeded(3)).p, earlier)
