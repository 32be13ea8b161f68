"""Networks by name, as lists of layers: classics, and those of published course handouts.

Layers are dicts as `solutions.counting` describes them; shapes are (channels, height, width), or (features,).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from solutions import counting

Layer = dict[str, Any]
FLATTEN: Layer = {"type": "flatten"}


@dataclass(frozen=True)
class Network:
    """A network with the shape of its input."""

    name: str
    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]

    @property
    def shapes(self) -> tuple[counting.Shape, ...]:
        """The shape after each layer."""
        return counting.layer_shapes(self.layers, self.input_shape)

    @property
    def parameters(self) -> tuple[int, ...]:
        """The weights and biases of each layer."""
        return counting.parameters_by_layer(self.layers)

    @property
    def total(self) -> int:
        """All weights and biases."""
        return sum(self.parameters)


# Layers ----------------------------------------------------------------------------------------------------


def conv(in_channels: int, filters: int, kernel: int, stride: int = 1, padding: int = 0, groups: int = 1) -> Layer:
    """Return a convolution with biases."""
    return {
        "type": "conv2d",
        "in_channels": in_channels,
        "out_channels": filters,
        "kernel_size": kernel,
        "stride": stride,
        "padding": padding,
        "groups": groups,
    }


def max_pool(kernel: int, stride: int | None = None) -> Layer:
    """Return max pooling; without a stride the windows stand side by side."""
    return {"type": "max_pool2d", "kernel_size": kernel, "stride": kernel if stride is None else stride}


def avg_pool(kernel: int) -> Layer:
    """Return mean pooling with windows side by side."""
    return {"type": "avg_pool2d", "kernel_size": kernel}


def dense(*features: int) -> tuple[Layer, ...]:
    """Return fully connected layers in a row, with biases; `features` start with the input's.

    >>> [layer["out_features"] for layer in dense(320, 100, 10)]
    [100, 10]
    """
    return tuple(
        {"type": "linear", "in_features": before, "out_features": after} for before, after in pairwise(features)
    )


def vgg(in_channels: int, filters: Sequence[int | None]) -> tuple[Layer, ...]:
    """Return 3 × 3 convolutions with padding 1, each followed by a ReLU; None stands for 2 × 2 max pooling."""
    layers: list[Layer] = []
    channels = in_channels
    for number in filters:
        if number is None:
            layers.append(max_pool(2))
        else:
            layers += [conv(channels, number, 3, padding=1), {"type": "relu"}]
            channels = number
    return tuple(layers)


# Networks --------------------------------------------------------------------------------------------------

LENET_5 = Network(  # every filter sees all channels, and the poolings have no weights, as it is built today
    "LeNet-5",
    (1, 32, 32),
    (
        *(conv(1, 6, 5), {"type": "tanh"}, avg_pool(2)),
        *(conv(6, 16, 5), {"type": "tanh"}, avg_pool(2)),
        *(FLATTEN, *dense(400, 120, 84, 10)),
    ),
)

ALEXNET = Network(  # of one tower whose second, fourth and fifth convolution have two groups
    "AlexNet",
    (3, 227, 227),
    (
        *(conv(3, 96, 11, stride=4), {"type": "relu"}, max_pool(3, 2)),
        *(conv(96, 256, 5, padding=2, groups=2), {"type": "relu"}, max_pool(3, 2)),
        *(conv(256, 384, 3, padding=1), {"type": "relu"}),
        *(conv(384, 384, 3, padding=1, groups=2), {"type": "relu"}),
        *(conv(384, 256, 3, padding=1, groups=2), {"type": "relu"}, max_pool(3, 2)),
        *(FLATTEN, *dense(9216, 4096, 4096, 1000)),
    ),
)

VGG_16 = Network(
    "VGG-16",
    (3, 224, 224),
    (
        *vgg(3, (64, 64, None, 128, 128, None, 256, 256, 256, None, 512, 512, 512, None, 512, 512, 512, None)),
        *(FLATTEN, *dense(25088, 4096, 4096, 1000)),
    ),
)

TWO_CONV_DIGITS = Network(
    "two-convolution digit network",
    (1, 28, 28),
    (conv(1, 10, 5), max_pool(2), conv(10, 20, 5), max_pool(2), FLATTEN, *dense(320, 100, 10)),
)

LARGE_NET = Network(
    "LargeNet",
    (3, 32, 32),
    (conv(3, 5, 5), max_pool(2), conv(5, 10, 5), max_pool(2), FLATTEN, *dense(250, 32, 10)),
)

DROPOUT_DIGITS = Network(
    "digit network with dropout",
    (1, 28, 28),
    (
        *(conv(1, 10, 5), max_pool(2), {"type": "relu"}),
        *(conv(10, 20, 5), {"type": "dropout"}, max_pool(2), {"type": "relu"}),
        *(FLATTEN, *dense(320, 50), {"type": "relu"}, *dense(50, 10), {"type": "log_softmax"}),
    ),
)

ONE_CONV_DIGITS = Network(
    "one-convolution digit network",
    (1, 28, 28),
    (conv(1, 25, 9), max_pool(4), FLATTEN, *dense(625, 10), {"type": "softmax"}),
)

DIGITS_MLP = Network("fully connected digit network", (784,), dense(784, 256, 128, 64, 10))

NETWORKS = (
    LENET_5,
    ALEXNET,
    VGG_16,
    TWO_CONV_DIGITS,
    LARGE_NET,
    DROPOUT_DIGITS,
    ONE_CONV_DIGITS,
    DIGITS_MLP,
)
