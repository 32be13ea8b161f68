"""The solvers of counts, held to torch's modules and to published figures."""

from __future__ import annotations

import random
import re
from math import prod
from typing import Any

import pytest
import torch

from solutions import counting, shapes
from tests.worked import example

Layer = dict[str, Any]


def module(layer: Layer) -> torch.nn.Module:
    """Build torch's module of a layer, without memory for its weights."""
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
    return kinds[layer["type"]](**{name: value for name, value in layer.items() if name != "type"})


def drawn_network(rng: random.Random) -> tuple[list[Layer], tuple[int, int, int]]:
    """Return layers that fit together, and an input's shape."""
    channels, height, width = rng.randint(1, 4), rng.randint(20, 40), rng.randint(20, 40)
    shape: tuple[int, ...] = (channels, height, width)
    layers: list[Layer] = []
    for _ in range(rng.randint(1, 3)):
        groups = rng.choice([g for g in range(1, 5) if channels % g == 0])
        filters = groups * rng.randint(1, 5)
        conv: Layer = {"type": "conv2d", "in_channels": channels, "out_channels": filters, "groups": groups}
        conv["kernel_size"] = rng.choice((rng.randint(1, 4), (rng.randint(1, 4), rng.randint(1, 4))))
        conv |= {"padding": (rng.randint(0, 2), rng.randint(0, 2)), "stride": rng.randint(1, 2)}
        conv["bias"] = rng.random() < 0.5
        layers += [conv, {"type": "batch_norm2d", "num_features": filters}, {"type": "relu"}]
        layers.append({"type": rng.choice(("max_pool2d", "avg_pool2d")), "kernel_size": 2, "stride": rng.randint(1, 2)})
        channels = filters
        shape = counting.layer_shapes(layers, (layers[0]["in_channels"], height, width))[-1]
        if min(shape[1:]) < 6:
            break
    hidden = rng.randint(1, 30)
    layers += [{"type": "flatten"}, {"type": "linear", "in_features": prod(shape), "out_features": hidden}]
    layers += [{"type": "dropout"}, {"type": "linear", "in_features": hidden, "out_features": 3, "bias": False}]
    return layers, (layers[0]["in_channels"], height, width)


def test_parameters_and_shapes_are_torchs() -> None:
    """Count and shape of every layer of drawn networks, against torch's own modules."""
    rng = random.Random(11)
    with torch.device("meta"):
        for _ in range(80):
            layers, input_shape = drawn_network(rng)
            x = torch.empty(2, *input_shape)
            for layer, count, shape in zip(
                layers,
                counting.parameters_by_layer(layers),
                counting.layer_shapes(layers, input_shape),
                strict=True,
            ):
                built = module(layer)
                x = built(x)
                assert tuple(x.shape[1:]) == shape
                assert count == sum(p.numel() for p in built.parameters()), layer
            assert counting.count_parameters(layers) == sum(counting.parameters_by_layer(layers))


def test_conv_parameters_are_torchs_over_thousands_of_layers() -> None:
    """Weights, biases, groups and oblong kernels, against the size of torch's own tensors."""
    rng = random.Random(12)
    with torch.device("meta"):
        for _ in range(2000):
            groups = rng.randint(1, 4)
            channels, filters = groups * rng.randint(1, 9), groups * rng.randint(1, 9)
            kernel, bias = (rng.randint(1, 7), rng.randint(1, 7)), rng.random() < 0.5
            conv = torch.nn.Conv2d(channels, filters, kernel, groups=groups, bias=bias)
            assert counting.conv_weights(channels, filters, kernel, groups) == conv.weight.numel()
            assert counting.conv_parameters(channels, filters, kernel, groups, bias) == sum(
                p.numel() for p in conv.parameters()
            )
            if groups == 1:
                assert counting.kernel_tensor(conv.weight.shape) == (channels, filters, conv.weight.numel())


def counted_multiplications(layer: Layer, shape: tuple[int, ...]) -> int:
    """Count the multiplications of a convolution by walking over every output entry and kernel weight."""
    height, width = layer["kernel_size"]
    stride, padding = layer["stride"], layer["padding"]
    count = 0
    for top in range(-padding, shape[1] + padding - height + 1, stride):
        for left in range(-padding, shape[2] + padding - width + 1, stride):
            assert -padding <= top
            assert left + width <= shape[2] + padding
            count += layer["out_channels"] * (layer["in_channels"] // layer["groups"]) * height * width
    return count


def test_multiplications_are_those_of_the_loops() -> None:
    """Units times weights of a filter must be what nested loops would multiply."""
    rng = random.Random(13)
    for _ in range(200):
        groups = rng.randint(1, 3)
        layer: Layer = {
            "type": "conv2d",
            "in_channels": groups * rng.randint(1, 3),
            "out_channels": groups * rng.randint(1, 3),
            "kernel_size": (rng.randint(1, 4), rng.randint(1, 4)),
            "stride": rng.randint(1, 3),
            "padding": rng.randint(0, 2),
            "groups": groups,
        }
        shape = (layer["in_channels"], rng.randint(4, 12), rng.randint(4, 12))
        assert counting.layer_macs(layer, shape) == counted_multiplications(layer, shape)
    head: list[Layer] = [
        {"type": "flatten"},
        {"type": "linear", "in_features": 24, "out_features": 5},
        {"type": "relu"},
    ]
    assert counting.count_macs(head, (2, 3, 4)) == 120


def test_parameters_are_weights_and_biases() -> None:
    """The two counts that the topic asks for must add up to the third."""
    layers, _ = drawn_network(random.Random(14))
    biases = sum(counting.layer_biases(layer) for layer in layers)
    assert counting.count_weights(layers) + biases == counting.count_parameters(layers)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([{"type": "relu"}, {"type": "conv3d"}], "layers[1]: type='conv3d' must be one of conv2d,"),
        ([{"type": "linear", "in_features": 3}], "layers[0]: out_features=nothing must be given for linear"),
        ([{"type": "linear", "in_features": 0, "out_features": 2}], "layers[0]: in_features=0 must be at least 1"),
        (
            [{"type": "conv2d", "in_channels": 3, "out_channels": 4, "kernel_size": 3, "groups": 2}],
            "layers[0]: in_channels=3 must be divisible by groups=2",
        ),
    ],
)
def test_bad_layers_are_named_with_their_place(layers: list[Layer], message: str) -> None:
    """An author who writes a layer wrongly is told which layer and which name."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        counting.count_parameters(layers)


def test_layers_that_do_not_fit_are_refused() -> None:
    """A shape is not guessed where a layer expects another one."""
    linear = {"type": "linear", "in_features": 7, "out_features": 2}
    with pytest.raises(ValueError, match=r"^layers\[1\]: in_features=7 must be 12, which is what comes in$"):
        counting.layer_shapes([{"type": "flatten"}, linear], (3, 2, 2))
    with pytest.raises(ValueError, match=r"^layers\[1\]: shape=\(12,\) must be \(channels, height, width\) for max"):
        counting.layer_shapes([{"type": "flatten"}, {"type": "max_pool2d", "kernel_size": 2}], (3, 2, 2))
    with pytest.raises(ValueError, match=r"^features=\(5,\) must name"):
        counting.mlp_weights((5,))
    with pytest.raises(ValueError, match=r"^shape=\(5, 3\) must have four entries"):
        counting.kernel_tensor((5, 3))


def parse(text: str, shape: tuple[int, ...]) -> list[Layer]:
    """Return the layer that a handout's short notation names, for an input of this shape."""
    if match := re.fullmatch(r"conv (\d+) @ (\d+)x(\d+)(?: valid)?", text):
        filters, height, width = map(int, match.groups())
        return [{"type": "conv2d", "in_channels": shape[0], "out_channels": filters, "kernel_size": (height, width)}]
    if match := re.fullmatch(r"(?:max)?pool (\d+)x\1(?: stride (\d+))?", text):
        return [{"type": "max_pool2d", "kernel_size": int(match[1]), "stride": int(match[2] or match[1])}]
    if match := re.fullmatch(r"fc (\d+)", text):
        flat: list[Layer] = [{"type": "flatten"}] if len(shape) > 1 else []
        return [*flat, {"type": "linear", "in_features": prod(shape), "out_features": int(match[1])}]
    return [{"type": text}]


def published(name: str) -> tuple[list[Layer], tuple[int, ...]]:
    shape = tuple(example(name)["given"]["input"])
    layers: list[Layer] = []
    for text in example(name)["given"]["layers"]:
        before = (shape, *counting.layer_shapes(layers, shape))[-1]
        layers += parse(text, before)
    return layers, shape


def test_published_networks() -> None:
    """Whole networks of the handouts: shapes layer by layer, parameters, the size that the head needs."""
    layers, shape = published("wang-cnn-summary")
    answer = example("wang-cnn-summary")["answer"]
    assert [list(s) for s in counting.layer_shapes(layers, shape)] == answer["output_shapes"]
    assert list(counting.parameters_by_layer(layers)) == answer["parameters"]
    assert counting.count_parameters(layers) == answer["total"]
    assert counting.count_weights(layers) == answer["weights_only"]
    assert counting.count_weights(layers[:-1]) == answer["weights_only_without_last_fc"]

    layers, shape = published("aps-largenet")
    answer = example("aps-largenet")["answer"]
    assert (answer["flatten"],) in counting.layer_shapes(layers, shape)
    assert counting.count_parameters(layers) == answer["total_parameters"]

    layers, shape = published("ntu-mnist-cnn-shapes")
    found = [list(s) for s in counting.layer_shapes(layers, shape)]
    assert found[:2] == list(example("ntu-mnist-cnn-shapes")["answer"].values())

    layers, _ = published("ist-cnn-params")
    assert counting.count_parameters(layers) == example("ist-cnn-params")["answer"]


def test_published_counts() -> None:
    """Single figures of the handouts: weights, biases and units."""
    mlp = example("ist-ffn-params")
    features = (*mlp["given"]["input"], *mlp["given"]["hidden"], mlp["given"]["output"])
    assert counting.mlp_parameters(features) == mlp["answer"]

    weights = example("aps-mlp-weights")
    assert counting.mlp_weights((prod(weights["given"]["input"]), *weights["given"]["hidden"])) == weights["answer"]

    explosion = example("cnn-fc-explosion")
    given = explosion["given"]
    assert counting.linear_weights(prod(given["input"]), given["hidden_units"]) == explosion["answer"]

    alexnet = example("ist-alexnet-params")
    given = alexnet["given"]
    assert counting.conv_parameters(given["input"][0], given["filters"], given["kernel_size"]) == alexnet["answer"]

    dense = example("ist-alexnet-ff")
    given = dense["given"]
    assert counting.linear_parameters(prod(given["input"]), given["fully_connected_units"]) == dense["answer"]

    maps = example("ist-alexnet-units")
    given = maps["given"]
    side = shapes.output_shape(given["input"][1:], given["kernel_size"], given["stride"], given["padding"])
    assert counting.units((given["filters"], *side)) == maps["answer"]

    one = example("cnn-filter-params")
    assert counting.conv_parameters(one["given"]["filter"][0], 1, one["given"]["filter"][1:]) == one["answer"]

    kernel = example("aps-rgb-weights")
    assert counting.conv_weights(kernel["given"]["kernel"][0], 1, kernel["given"]["kernel"][1:]) == kernel["answer"]

    tensor = example("aps-rgb-kernels")
    channels, filters, count = counting.kernel_tensor(tensor["given"]["kernels"])
    assert {"in_channels": channels, "out_channels": filters, "weights": count} == tensor["answer"]
