"""Wrong ways to count the parameters of a list of layers, one mistake each; layers as in `solutions.counting`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Layer = Mapping[str, Any]
Layers = Sequence[Layer]


def forgets_biases(layers: Layers) -> int:
    """Count weights only."""
    return sum(_conv(layer, biases=0) + _linear(layer, biases=0) + _norm(layer) for layer in layers)


def forgets_linear_biases(layers: Layers) -> int:
    """Count the biases of convolutions but not those of fully connected layers."""
    return sum(_conv(layer) + _linear(layer, biases=0) + _norm(layer) for layer in layers)


def one_bias_a_layer(layers: Layers) -> int:
    """Count one bias for a whole layer instead of one a filter or unit."""
    return sum(_conv(layer, biases=1) + _linear(layer, biases=1) + _norm(layer) for layer in layers)


def one_bias_a_kernel_slice(layers: Layers) -> int:
    """Count a bias for every input channel of every filter."""
    return sum(_conv(layer, biases=_conv_biases_by_slice(layer)) + _linear(layer) + _norm(layer) for layer in layers)


def counts_missing_biases(layers: Layers) -> int:
    """Count biases where the layer says "bias": False."""
    return sum(_conv({**x, "bias": True}) + _linear({**x, "bias": True}) + _norm(x) for x in layers)


def needs_bias_stated(layers: Layers) -> int:
    """Take a layer that does not mention "bias" for one without."""
    return sum(_conv({"bias": False, **x}) + _linear({"bias": False, **x}) + _norm(x) for x in layers)


def forgets_input_channels(layers: Layers) -> int:
    """Give every filter one two-dimensional kernel, whatever the channels."""
    return sum(_conv({**x, "in_channels": x.get("groups", 1)}, x) + _linear(x) + _norm(x) for x in layers)


def takes_side_for_area(layers: Layers) -> int:
    """Multiply by k instead of by k squared."""
    return sum(_conv({**x, "kernel_size": (_kernel(x)[0], 1)}, x) + _linear(x) + _norm(x) for x in layers)


def assumes_square_kernels(layers: Layers) -> int:
    """Square the first entry of a pair."""
    return sum(_conv({**x, "kernel_size": _kernel(x)[0]}, x) + _linear(x) + _norm(x) for x in layers)


def ignores_groups(layers: Layers) -> int:
    """Let every filter see all channels, whatever the groups."""
    return sum(_conv({**x, "groups": 1}) + _linear(x) + _norm(x) for x in layers)


def counts_one_group(layers: Layers) -> int:
    """Count the weights of a single group: C/g channels and F/g filters."""
    return sum(_conv(x, groups=x.get("groups", 1)) + _linear(x) + _norm(x) for x in layers)


def gives_pooling_weights(layers: Layers) -> int:
    """Count the pixels of a pooling window as weights."""
    return sum(_conv(x) + _linear(x) + _norm(x) + _pool(x) for x in layers)


def forgets_batch_norm(layers: Layers) -> int:
    """Take batch normalisation for a layer without parameters."""
    return sum(_conv(x) + _linear(x) for x in layers)


def counts_running_statistics(layers: Layers) -> int:
    """Count the running mean and variance of batch normalisation, which are not trained."""
    return sum(_conv(x) + _linear(x) + 2 * _norm(x) for x in layers)


def skips_first_layer(layers: Layers) -> int:
    """Leave the first layer out, as if it were the input."""
    return sum(_conv(x) + _linear(x) + _norm(x) for x in layers[1:])


def _conv(layer: Layer, whole: Layer | None = None, *, biases: int | None = None, groups: int = 1) -> int:
    """Count a convolution; 0 for other layers. `biases` replaces their number where the layer has any."""
    if layer["type"] != "conv2d":
        return 0
    height, width = _kernel(layer)
    filters, channels = layer["out_channels"], layer["in_channels"] // layer.get("groups", 1)
    weights = (filters // groups) * channels * height * width
    if not (whole or layer).get("bias", True):
        return int(weights)
    return int(weights + (filters if biases is None else biases))


def _linear(layer: Layer, *, biases: int | None = None) -> int:
    if layer["type"] != "linear":
        return 0
    units = layer["out_features"]
    weights = layer["in_features"] * units
    if not layer.get("bias", True):
        return int(weights)
    return int(weights + (units if biases is None else biases))


def _norm(layer: Layer) -> int:
    return 2 * int(layer["num_features"]) if layer["type"] == "batch_norm2d" else 0


def _pool(layer: Layer) -> int:
    height, width = _kernel(layer)
    return height * width if "pool" in layer["type"] else 0


def _conv_biases_by_slice(layer: Layer) -> int:
    return int(layer["out_channels"] * layer["in_channels"] // layer.get("groups", 1)) if "out_channels" in layer else 0


def _kernel(layer: Layer) -> tuple[int, int]:
    size = layer.get("kernel_size", 1)
    return (size, size) if isinstance(size, int) else (size[0], size[1])
