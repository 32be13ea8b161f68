"""The contract of count_parameters: the trainable parameters of a list of layers given as dicts."""

from __future__ import annotations

from typing import Any

from grader.authoring import Call, Contract, Draw, Exact, Regime, Twin
from solutions import counting
from solutions.alternatives import count_parameters as alternatives
from solutions.twins import count_parameters as twins

DOC = """Return the number of trainable parameters of a network, as an int.

layers: a list of dicts, one a layer. Each has a "type"; the other names are PyTorch's, and a name in
brackets may be missing:

"conv2d"        "in_channels", "out_channels", "kernel_size" (an int, or a pair (height, width), which may
                be a tuple or a list);
                ["groups": 1], ["bias": True], ["stride": 1], ["padding": 0], ["dilation": 1]
"linear"        "in_features", "out_features"; ["bias": True]
"batch_norm2d"  "num_features": each channel has a trained scale and a trained shift; the running mean and
                variance are not trained
"max_pool2d", "avg_pool2d"             "kernel_size"; ["stride"], ["padding": 0]
"relu", "flatten", "dropout"           nothing else, but for ["p"] of dropout

With groups g every filter sees in_channels / g channels; g divides in_channels and out_channels. "bias"
is True or False; False means that the layer has no biases. Layers without parameters count 0, and so does an
empty list. The layers need not fit together: only count. Equal layers may come more than once, each
in a dict of its own: each time they count. Sizes may be large, and the total is exact all the same. Leave the list and
its dicts unchanged.

Example: [{"type": "conv2d", "in_channels": 3, "out_channels": 96, "kernel_size": 11}] has 34944."""

BASICS, KERNELS, BIASES, GROUPS, NORMS, WHOLE, MIXED = (
    "plain layers",
    "kernels and positions",
    "biases",
    "groups",
    "batch normalisation",
    "whole networks",
    "everything mixed",
)

Layer = dict[str, Any]


def conv(rng: Draw, **others: Any) -> Layer:
    """Return a convolution of several channels and filters, with a square kernel; `others` replace or add."""
    return {
        "type": "conv2d",
        "in_channels": rng.integer(2, 16),
        "out_channels": rng.integer(2, 24),
        "kernel_size": rng.integer(2, 7),
        **others,
    }


def linear(rng: Draw, **others: Any) -> Layer:
    return {"type": "linear", "in_features": rng.integer(2, 60), "out_features": rng.integer(2, 40), **others}


def norm(rng: Draw) -> Layer:
    return {"type": "batch_norm2d", "num_features": rng.integer(2, 32)}


def pool(rng: Draw) -> Layer:
    layer: Layer = {"type": rng.choice(("max_pool2d", "avg_pool2d")), "kernel_size": rng.integer(2, 4)}
    return {**layer, "stride": rng.integer(1, 3)} if rng.boolean() else layer


def bare(rng: Draw) -> Layer:
    """Return a layer without parameters and without sizes."""
    return rng.choice(({"type": "relu"}, {"type": "flatten"}, {"type": "dropout"}, {"type": "dropout", "p": 0.5}))


def oblong(rng: Draw) -> tuple[int, int]:
    height = rng.integer(1, 7)
    return height, rng.choice([width for width in range(1, 8) if width != height])


def unbiased(rng: Draw) -> Layer:
    """Return a fully connected layer without a bias, with as many numbers going in as coming out, or not."""
    layer = linear(rng, bias=False)
    return {**layer, "out_features": layer["in_features"]} if rng.boolean() else layer


def listed(rng: Draw) -> Layer:
    """Return a convolution whose kernel is a list, of two sizes or of one twice."""
    return conv(rng, kernel_size=list(oblong(rng)) if rng.boolean() else [rng.integer(1, 7)] * 2)


def wide(rng: Draw) -> Layer:
    """Return a layer of the sizes of large networks, up to VGG's first fully connected one."""
    if rng.boolean():
        return linear(rng, in_features=rng.integer(1000, 25088), out_features=rng.integer(200, 4096))
    return conv(rng, in_channels=rng.integer(64, 2048), out_channels=rng.integer(64, 2048))


def enormous(rng: Draw) -> Call:
    """Return a call with two layers of more parameters than 31 bits hold, and in half of them than a float64's 53.

    One is a convolution, the other is fully connected; their numbers are odd.
    """
    inputs, outputs, side = (2**16, 2**15, 1) if rng.boolean() else (2**27, 2**26, 3)

    def odd(least: int) -> int:
        return (least | 1) + 2 * rng.integer(1, 5000)

    dense = linear(rng, in_features=odd(inputs), out_features=odd(outputs), bias=False)
    channels, filters = odd(inputs // side), odd(outputs // side)
    deep = conv(rng, in_channels=channels, out_channels=filters, kernel_size=side, bias=False)
    return Call((rng.shuffled([dense, deep, {"type": "relu"}, linear(rng)]),))


def repeated(rng: Draw) -> Call:
    """Return a call with a layer that comes again, in an equal dict of its own, at once or after another."""
    layer = rng.choice((linear, conv))(rng)
    between: list[Layer] = [{"type": "relu"}] if rng.boolean() else []
    return Call(([layer, *between, *(dict(layer) for _ in range(rng.integer(1, 3)))],))


def alike(rng: Draw) -> Call:
    """Return a call with layers of the same sizes that differ in their biases or groups: one is not the other."""
    layer = rng.choice((grouped, linear))(rng)
    whole = {name: value for name, value in layer.items() if name != "groups"}
    others = [layer, {**layer, "bias": False}, *([whole] if whole != layer else [])]
    return Call((rng.shuffled([*others, {"type": "relu"}]),))


def grouped(rng: Draw) -> Layer:
    groups = rng.integer(2, 4)
    channels, filters = groups * rng.integer(2, 4), groups * rng.integer(1, 5)
    return conv(rng, in_channels=channels, out_channels=filters, groups=groups)


def depthwise(rng: Draw) -> Layer:
    channels = rng.integer(2, 16)
    return conv(rng, in_channels=channels, out_channels=channels * rng.integer(1, 3), groups=channels)


def placed(rng: Draw) -> Layer:
    """Return a convolution with a stride, padding and dilation, none of which has weights."""
    return conv(rng, stride=rng.integer(2, 3), padding=(rng.integer(0, 2), rng.integer(1, 2)), dilation=2)


def network(rng: Draw) -> Call:
    """A network as it is built: convolutions with normalisation, activation and pooling, then a head."""
    layers: list[Layer] = []
    channels = rng.integer(1, 3)
    for _ in range(rng.integer(1, 3)):
        filters = rng.integer(2, 24)
        layers.append(conv(rng, in_channels=channels, out_channels=filters, padding=rng.integer(0, 2)))
        if rng.boolean():
            layers.append({"type": "batch_norm2d", "num_features": filters})
        layers += [{"type": "relu"}, pool(rng)]
        channels = filters
    features = channels * rng.integer(1, 25)
    hidden = rng.integer(5, 60)
    layers += [{"type": "flatten"}, linear(rng, in_features=features, out_features=hidden), {"type": "relu"}]
    return Call(([*layers, linear(rng, in_features=hidden, out_features=10)],))


def mixture(rng: Draw) -> Call:
    """Layers of every kind in any order, with and without biases and groups; often the last has no parameters."""
    makers = (conv, linear, norm, pool, bare, grouped, depthwise, placed, listed)
    layers = [rng.choice(makers)(rng) for _ in range(rng.integer(2, 9))]
    layers += [conv(rng, kernel_size=oblong(rng), bias=False), linear(rng, bias=False)]
    return Call(([*rng.shuffled(layers), *([bare(rng)] if rng.boolean() else [])],))


def only(*makers: Any) -> Any:
    """Return how to draw a call with one layer of each maker, in this order."""
    return lambda rng: Call(([make(rng) for make in makers],))


COUNT_PARAMETERS = Contract(
    name="count_parameters",
    signature="(layers)",
    doc=DOC,
    reference=counting.count_parameters,
    check=Exact(),
    alternatives=(alternatives.by_filter, alternatives.recursively),
    groups={BASICS: 3, KERNELS: 1, BIASES: 1, GROUPS: 1, NORMS: 1, WHOLE: 2, MIXED: 1},
    regimes=(
        Regime("there is one convolution", only(conv), BASICS, 9),
        Regime("the convolution has one input channel", only(lambda rng: conv(rng, in_channels=1)), BASICS),
        Regime("the convolution has one filter", only(lambda rng: conv(rng, out_channels=1)), BASICS),
        Regime("there is one fully connected layer", only(linear), BASICS, 7),
        Regime("the fully connected layer has one unit", only(lambda rng: linear(rng, out_features=1)), BASICS),
        Regime("two fully connected layers follow each other", only(linear, linear), BASICS),
        Regime("no layer has parameters", only(bare, pool, bare), BASICS, 7),
        Regime("there is no layer at all", only(), BASICS),
        Regime("the kernel is not square", only(lambda rng: conv(rng, kernel_size=oblong(rng))), KERNELS, 7),
        Regime("the kernel is a list", only(listed), KERNELS),
        Regime("the convolution has stride, padding and dilation", only(placed), KERNELS),
        Regime("the convolution has no bias", only(lambda rng: conv(rng, bias=False)), BIASES, 7),
        Regime("the fully connected layer has no bias", only(unbiased), BIASES),
        Regime("the defaults are spelled out", only(lambda rng: conv(rng, bias=True, groups=1, stride=1)), BIASES),
        Regime("the convolution has groups", only(grouped), GROUPS, 7),
        Regime("every channel is a group of its own", only(depthwise), GROUPS),
        Regime("there is batch normalisation", only(norm), NORMS),
        Regime("the layers make a whole network", network, WHOLE, 12),
        Regime("the layer is large", only(wide), WHOLE, 7),
        Regime("the total is beyond 2 to the 31", enormous, WHOLE, 7),
        Regime("a layer comes more than once", repeated, WHOLE, 9),
        Regime("layers differ in biases or groups alone", alike, WHOLE),
        Regime("layers of all kinds are mixed", mixture, MIXED, 12),
    ),
    twins=(
        Twin("bias-forgotten", twins.forgets_biases, 'Every filter and every unit has a bias, unless "bias" is False.'),
        Twin(
            "linear-bias-forgotten",
            twins.forgets_linear_biases,
            "The units of a fully connected layer have biases too: one each.",
        ),
        Twin("one-bias", twins.one_bias_a_layer, "A layer has one bias for each filter or unit, not one in all."),
        Twin(
            "bias-per-channel",
            twins.one_bias_a_kernel_slice,
            "A filter adds up all its channels and then one bias: its number does not depend on the input channels.",
        ),
        Twin("bias-flag-ignored", twins.counts_missing_biases, 'With "bias": False the layer has no biases.'),
        Twin("bias-default-false", twins.needs_bias_stated, 'Where "bias" is not given, it is True.'),
        Twin(
            "channels-forgotten",
            twins.forgets_input_channels,
            "A filter reaches through all input channels: it has C kernels of KH by KW weights.",
        ),
        Twin("side-for-area", twins.takes_side_for_area, "A k by k kernel has k times k weights."),
        Twin(
            "kernel-assumed-square",
            twins.assumes_square_kernels,
            "kernel_size may be a pair: multiply its height by its width.",
        ),
        Twin("groups-ignored", twins.ignores_groups, "With g groups a filter sees only C / g of the C channels."),
        Twin(
            "one-group-counted",
            twins.counts_one_group,
            "The F filters are shared out among the groups: all F count, each with C / g channels.",
        ),
        Twin("pooling-has-weights", twins.gives_pooling_weights, "Pooling takes a maximum or a mean: no weights."),
        Twin(
            "batch-norm-forgotten",
            twins.forgets_batch_norm,
            "Batch normalisation trains a scale and a shift for each channel: 2C.",
        ),
        Twin(
            "running-statistics-counted",
            twins.counts_running_statistics,
            "The running mean and variance are measured, not trained: 2C, not 4C.",
        ),
        Twin(
            "first-layer-skipped",
            twins.skips_first_layer,
            "The first entry is a layer, not the input: count it as well.",
        ),
    ),
)

CONTRACTS = (COUNT_PARAMETERS,)
