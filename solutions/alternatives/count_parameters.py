"""Right ways to count parameters other than the reference's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any


def by_filter(layers: Sequence[Mapping[str, Any]]) -> int:
    """Count the inputs of one filter or unit, its bias, and multiply by how many there are."""
    total = 0
    for layer in layers:
        bias = int(layer.get("bias", True))
        if layer["type"] == "conv2d":
            size = layer["kernel_size"]
            area = size**2 if isinstance(size, int) else prod(size)
            total += layer["out_channels"] * (layer["in_channels"] // layer.get("groups", 1) * area + bias)
        elif layer["type"] == "linear":
            total += layer["out_features"] * (layer["in_features"] + bias)
        else:
            total += 2 * layer.get("num_features", 0)
    return total


def recursively(layers: Sequence[Mapping[str, Any]]) -> int:
    """Count the first layer, then the others."""
    return by_filter(layers[:1]) + recursively(layers[1:]) if layers else 0
