"""Counts: weights, units and multiplications of layers, and what a list of layers makes of an input's shape.

A layer is a dict with a "type" and PyTorch's argument names:

    {"type": "conv2d", "in_channels": 3, "out_channels": 8, "kernel_size": 3}
        kernel_size: int or (height, width)
        optional: "stride" 1, "padding" 0, "dilation" 1 (ints or pairs), "groups" 1, "bias" True
    {"type": "linear", "in_features": 320, "out_features": 10}; optional: "bias" True
    {"type": "batch_norm2d", "num_features": 8}, a scale and a shift a channel
    {"type": "max_pool2d" | "avg_pool2d", "kernel_size": 2}
        optional: "stride" (kernel_size), "padding" 0
    {"type": "flatten" | "relu" | "sigmoid" | "tanh" | "softmax" | "log_softmax" | "dropout"}

Shapes are (channels, height, width) for maps and (features,) for vectors, without the batch. All counts are ints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import Any

from solutions import shapes

Layer = Mapping[str, Any]
Shape = tuple[int, ...]

POOLS = ("max_pool2d", "avg_pool2d")
POINTWISE = ("relu", "sigmoid", "tanh", "softmax", "log_softmax", "dropout")
TYPES = ("conv2d", "linear", "batch_norm2d", *POOLS, "flatten", *POINTWISE)


# One layer -------------------------------------------------------------------------------------------------


def conv_weights(in_channels: int, out_channels: int, kernel_size: shapes.PerAxis, groups: int = 1) -> int:
    """Return the weights of a convolution, without biases: F (C/g) KH KW.

    Each of the F filters has a kernel for every channel that it sees: all C, or C/g with g groups.

    Raises:
        ValueError: an argument is not positive, or the groups do not divide both numbers of channels.

    >>> conv_weights(3, 5, 8), conv_weights(8, 16, (3, 5), groups=4)
    (960, 480)
    """
    height, width = _kernel(kernel_size)
    _positive("in_channels", in_channels)
    _positive("out_channels", out_channels)
    _positive("groups", groups)
    for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
        if channels % groups:
            raise ValueError(f"{name}={channels} must be divisible by groups={groups}")
    return out_channels * (in_channels // groups) * height * width


def conv_parameters(
    in_channels: int, out_channels: int, kernel_size: shapes.PerAxis, groups: int = 1, bias: bool = True
) -> int:
    """Return the weights of a convolution and its biases, one a filter.

    >>> conv_parameters(3, 96, 11), conv_parameters(3, 1, 5)
    (34944, 76)
    """
    return conv_weights(in_channels, out_channels, kernel_size, groups) + (out_channels if bias else 0)


def linear_weights(in_features: int, out_features: int) -> int:
    """Return the weights of a fully connected layer, without biases: one for every pair of input and unit.

    >>> linear_weights(500 * 500, 10**8)
    25000000000000
    """
    return _positive("in_features", in_features) * _positive("out_features", out_features)


def linear_parameters(in_features: int, out_features: int, bias: bool = True) -> int:
    """Return the weights of a fully connected layer and its biases, one a unit.

    >>> linear_parameters(3 * 227 * 227, 256)
    39574528
    """
    return linear_weights(in_features, out_features) + (out_features if bias else 0)


def mlp_weights(features: Sequence[int]) -> int:
    """Return the weights of fully connected layers in a row, without biases; `features` start with the input's.

    >>> mlp_weights((200 * 200, 500, 200))
    20100000
    """
    return sum(linear_weights(a, b) for a, b in _steps(features))


def mlp_parameters(features: Sequence[int]) -> int:
    """Return the weights and biases of fully connected layers in a row.

    >>> mlp_parameters((784, 256, 128, 64, 10))
    242762
    """
    return sum(linear_parameters(a, b) for a, b in _steps(features))


def units(shape: Sequence[int]) -> int:
    """Return how many numbers (units, neurons) an output of this shape holds.

    >>> units((96, 55, 55))
    290400
    """
    return prod(_positive("shape", size) for size in shape)


def kernel_tensor(shape: Sequence[int]) -> tuple[int, int, int]:
    """Return (in channels, out channels, weights) of a convolution from its kernel tensor's shape (F, C, KH, KW).

    >>> kernel_tensor((5, 3, 8, 8))
    (3, 5, 960)
    """
    if len(shape) != 4:
        raise ValueError(f"shape={tuple(shape)} must have four entries, (F, C, KH, KW)")
    filters, channels, height, width = shape
    return channels, filters, conv_weights(channels, filters, (height, width))


def layer_weights(layer: Layer) -> int:
    """Return the weights of one layer without biases (of batch normalisation: the scales).

    >>> layer_weights({"type": "conv2d", "in_channels": 1, "out_channels": 10, "kernel_size": 5})
    250
    """
    kind = _kind(layer)
    if kind == "conv2d":
        channels, filters = _get(layer, "in_channels"), _get(layer, "out_channels")
        return conv_weights(channels, filters, _get(layer, "kernel_size"), layer.get("groups", 1))
    if kind == "linear":
        return linear_weights(_get(layer, "in_features"), _get(layer, "out_features"))
    return _positive("num_features", _get(layer, "num_features")) if kind == "batch_norm2d" else 0


def layer_biases(layer: Layer) -> int:
    """Return the biases of one layer (of batch normalisation: the shifts).

    >>> layer_biases({"type": "linear", "in_features": 320, "out_features": 10})
    10
    """
    kind = _kind(layer)
    if kind == "batch_norm2d":
        return _positive("num_features", _get(layer, "num_features"))
    if kind not in ("conv2d", "linear") or not layer.get("bias", True):
        return 0
    name = "out_channels" if kind == "conv2d" else "out_features"
    return _positive(name, _get(layer, name))


# Lists of layers -------------------------------------------------------------------------------------------


def parameters_by_layer(layers: Sequence[Layer]) -> tuple[int, ...]:
    """Return the trainable parameters of each layer.

    Raises:
        ValueError: a layer is not as the module describes; the message starts with its place, `layers[2]: `.

    >>> parameters_by_layer([{"type": "conv2d", "in_channels": 1, "out_channels": 10, "kernel_size": 5},
    ...                      {"type": "max_pool2d", "kernel_size": 2}])
    (260, 0)
    """
    return tuple(_at(place, layer_parameters, layer) for place, layer in enumerate(layers))


def layer_parameters(layer: Layer) -> int:
    """Return the trainable parameters of one layer: weights and biases.

    >>> layer_parameters({"type": "batch_norm2d", "num_features": 32})
    64
    """
    return layer_weights(layer) + layer_biases(layer)


def count_parameters(layers: Sequence[Layer]) -> int:
    """Return the trainable parameters of all layers together.

    >>> count_parameters([{"type": "conv2d", "in_channels": 3, "out_channels": 8, "kernel_size": (3, 5)},
    ...                   {"type": "linear", "in_features": 72, "out_features": 10, "bias": False}])
    1088
    """
    return sum(parameters_by_layer(layers))


def count_weights(layers: Sequence[Layer]) -> int:
    """Return the weights of all layers together, without biases.

    >>> count_weights([{"type": "conv2d", "in_channels": 3, "out_channels": 8, "kernel_size": (3, 5)}])
    360
    """
    return sum(_at(place, layer_weights, layer) for place, layer in enumerate(layers))


def layer_shapes(layers: Sequence[Layer], input_shape: Sequence[int]) -> tuple[Shape, ...]:
    """Return the shape after each layer.

    Raises:
        ValueError: a layer does not fit what comes in; the message starts with its place, `layers[2]: `.

    >>> layer_shapes([{"type": "conv2d", "in_channels": 1, "out_channels": 10, "kernel_size": 5},
    ...               {"type": "max_pool2d", "kernel_size": 2}, {"type": "flatten"}], (1, 28, 28))
    ((10, 24, 24), (10, 12, 12), (1440,))
    """
    shape: Shape = tuple(input_shape)
    found = []
    for place, layer in enumerate(layers):
        shape = _at(place, layer_shape, layer, shape)
        found.append(shape)
    return tuple(found)


def layer_shape(layer: Layer, shape: Shape) -> Shape:
    """Return the shape after one layer.

    >>> layer_shape({"type": "avg_pool2d", "kernel_size": 3, "stride": 2}, (16, 13, 9))
    (16, 6, 4)
    """
    kind = _kind(layer)
    if kind == "linear":
        _expect("in_features", _get(layer, "in_features"), shape[-1])
        return (*shape[:-1], _positive("out_features", _get(layer, "out_features")))
    if kind == "flatten":
        return (units(shape),)
    if kind in POINTWISE:
        return shape
    if len(shape) != 3:
        raise ValueError(f"shape={shape} must be (channels, height, width) for {kind}")
    channels, size = shape[0], shape[1:]
    if kind == "batch_norm2d":
        _expect("num_features", _get(layer, "num_features"), channels)
        return shape
    if kind in POOLS:
        kernel, padding = _get(layer, "kernel_size"), layer.get("padding", 0)
        return (channels, *shapes.pool_shape(size, kernel, layer.get("stride"), padding))
    _expect("in_channels", _get(layer, "in_channels"), channels)
    return (_positive("out_channels", _get(layer, "out_channels")), *_conv_shape(layer, size))


def layer_macs(layer: Layer, shape: Shape) -> int:
    """Return the multiplications of a layer with weights for one input of this shape (additions not counted).

    Every unit of a convolution's map multiplies each weight of its filter once, hence units times (C/g) KH KW.

    >>> layer_macs({"type": "conv2d", "in_channels": 3, "out_channels": 96, "kernel_size": 11, "stride": 4},
    ...            (3, 227, 227))
    105415200
    """
    after = layer_shape(layer, shape)
    if layer["type"] == "conv2d":
        return layer_weights(layer) * prod(after[1:])
    return layer_weights(layer) * prod(shape[:-1]) if layer["type"] == "linear" else 0


def count_macs(layers: Sequence[Layer], input_shape: Sequence[int]) -> int:
    """Return the multiplications of all layers with weights for one input.

    >>> count_macs([{"type": "conv2d", "in_channels": 1, "out_channels": 2, "kernel_size": 3}, {"type": "flatten"},
    ...             {"type": "linear", "in_features": 32, "out_features": 5}], (1, 6, 6))
    448
    """
    before = (tuple(input_shape), *layer_shapes(layers, input_shape))
    return sum(layer_macs(layer, shape) for layer, shape in zip(layers, before, strict=False))


def activation_units(layers: Sequence[Layer], input_shape: Sequence[int]) -> int:
    """Return how many numbers the outputs of all layers hold together for one input, the input not counted.

    >>> activation_units([{"type": "conv2d", "in_channels": 1, "out_channels": 10, "kernel_size": 5},
    ...                   {"type": "max_pool2d", "kernel_size": 2}], (1, 28, 28))
    7200
    """
    return sum(units(shape) for shape in layer_shapes(layers, input_shape))


def hidden_units_within(parameters: int, in_features: int, out_features: int) -> int:
    """Return the most hidden units with which one hidden layer keeps within a number of parameters.

    A hidden unit brings in_features weights, a bias, and a weight for each output; the outputs' biases are there
    anyway: h (in + 1 + out) + out <= parameters.

    Raises:
        ValueError: not even one hidden unit fits.

    >>> hidden_units_within(21840, 784, 10), mlp_parameters((784, 27, 10)), mlp_parameters((784, 28, 10))
    (27, 21475, 22270)
    """
    each = _positive("in_features", in_features) + 1 + _positive("out_features", out_features)
    if parameters < each + out_features:
        raise ValueError(f"parameters={parameters} must be at least {each + out_features}, for one hidden unit")
    return (parameters - out_features) // each


# Arguments -------------------------------------------------------------------------------------------------


def _conv_shape(layer: Layer, size: Sequence[int]) -> shapes.Pair:
    kernel, stride, padding = _get(layer, "kernel_size"), layer.get("stride", 1), layer.get("padding", 0)
    return shapes.output_shape(size, kernel, stride, padding, layer.get("dilation", 1))


def _at(place: int, function: Any, *args: Any) -> Any:
    """Call the function, and put the layer's place before the message of what it refuses."""
    try:
        return function(*args)
    except ValueError as error:
        raise ValueError(f"layers[{place}]: {error}") from None


def _kind(layer: Layer) -> str:
    kind = layer.get("type")
    if kind not in TYPES:
        raise ValueError(f"type={kind!r} must be one of {', '.join(TYPES)}")
    return str(kind)


def _get(layer: Layer, name: str) -> Any:
    if name not in layer:
        raise ValueError(f"{name}=nothing must be given for {layer['type']}")
    return layer[name]


def _kernel(kernel_size: shapes.PerAxis) -> shapes.Pair:
    height, width = kernel_size if isinstance(kernel_size, Sequence) else (kernel_size, kernel_size)
    return _positive("kernel_size", height), _positive("kernel_size", width)


def _expect(name: str, value: int, wanted: int) -> None:
    if value != wanted:
        raise ValueError(f"{name}={value} must be {wanted}, which is what comes in")


def _steps(features: Sequence[int]) -> list[tuple[int, int]]:
    if len(features) < 2:
        raise ValueError(f"features={tuple(features)} must name an input and at least one layer")
    return list(pairwise(features))


def _positive(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f"{name}={value} must be at least 1")
    return value
