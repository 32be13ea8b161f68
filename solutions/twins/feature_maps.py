"""Wrong feature maps, each with one mistake that students make. All have the signature of feature_maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from solutions.activations import sigmoid
from solutions.convolution import conv2d
from solutions.feature_maps import feature_maps
from solutions.pooling import avg_pool2d, max_pool2d
from solutions.windows import Array

Both = tuple[Array, Array]


def _responses(image: Any, filters: Any, bias: Any) -> Array:
    return conv2d(image[None], filters, bias)


def _pooled(maps: Array, pool: int) -> Both:
    return maps[0], avg_pool2d(maps, pool)[0]


def no_sigmoid(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """The responses as they are, without the sigmoid."""
    return _pooled(_responses(image, filters, bias).astype(np.float64), pool)


def sigmoid_after_pooling(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """The responses pooled first; the sigmoid of their means."""
    z = _responses(image, filters, bias)
    return sigmoid(z)[0], sigmoid(avg_pool2d(z, pool))[0]


def sigmoid_only_before_pooling(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """The maps returned without the sigmoid; it is applied on the way to pooling only."""
    z = _responses(image, filters, bias)
    return z[0].astype(np.float64), avg_pool2d(sigmoid(z), pool)[0]


def exponent_sign(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """1 / (1 + exp(z)), the sigmoid mirrored."""
    return _pooled(sigmoid(-_responses(image, filters, bias)), pool)


def exponential_over_itself(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """exp(z) / (1 + exp(z)), which is infinity by infinity where z is large."""
    with np.errstate(all="ignore"):
        power = np.exp(_responses(image, filters, bias).astype(np.float64))
        return _pooled(power / (1 + power), pool)


def hyperbolic_tangent(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """The hyperbolic tangent instead of the sigmoid."""
    return _pooled(np.tanh(_responses(image, filters, bias).astype(np.float64)), pool)


def first_channel_only(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """The channels are not added up: only the first is seen."""
    return feature_maps(image[:1], filters[:, :1], bias, pool)


def mean_over_channels(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """The channels' responses averaged, not added."""
    return feature_maps(image, filters / filters.shape[1], bias, pool)


def kernel_flipped(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """The true convolution: every filter turned by 180 degrees."""
    return feature_maps(image, filters[:, :, ::-1, ::-1], bias, pool)


def kernel_transposed(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """Rows and columns of every filter exchanged."""
    return feature_maps(image, np.swapaxes(filters, 2, 3), bias, pool)


def first_filter_for_all(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """The first filter used for every map, each with its own bias."""
    return feature_maps(image, np.broadcast_to(filters[:1], filters.shape), bias, pool)


def bias_forgotten(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """No bias at all."""
    return feature_maps(image, filters, np.zeros_like(bias), pool)


def bias_of_first_filter(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """The first filter's bias added to every map."""
    return feature_maps(image, filters, np.full_like(bias, bias[0]), pool)


def bias_after_sigmoid(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """The bias added to the sigmoid's result."""
    maps = sigmoid(_responses(image, filters, None)) + bias[:, None, None]
    return _pooled(maps, pool)


def padded_to_same(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """Zeros around the image, so that the maps keep its size (with an odd filter)."""
    half = (filters.shape[2] // 2, filters.shape[3] // 2)
    return _pooled(sigmoid(conv2d(image[None], filters, bias, 1, half)), pool)


def pooling_stride_one(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """The pooling window moves by one entry."""
    maps = sigmoid(_responses(image, filters, bias))
    return maps[0], avg_pool2d(maps, pool, 1)[0]


def max_pooled(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """The largest entry of every tile instead of the mean."""
    maps = sigmoid(_responses(image, filters, bias))
    return maps[0], max_pool2d(maps, pool)[0]


def sum_pooled(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """The sum of every tile, not divided."""
    maps, pooled = feature_maps(image, filters, bias, pool)
    return maps, pooled * pool**2


def rest_pooled(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """Tiles that stand over the end are kept, and what they lack counts as zero."""
    maps = sigmoid(_responses(image, filters, bias))
    missing = [(0, -side % pool) for side in maps.shape[2:]]
    return maps[0], avg_pool2d(np.pad(maps, ((0, 0), (0, 0), *missing)), pool)[0]


def rest_averaged(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """Tiles that stand over the end are kept, with the mean of the entries that they have."""
    maps = sigmoid(_responses(image, filters, bias))[0]
    rows, columns = (range(0, side, pool) for side in maps.shape[1:])
    means = [[maps[:, i : i + pool, j : j + pool].mean(axis=(1, 2)) for j in columns] for i in rows]
    return maps, np.moveaxis(np.array(means), 2, 0)


def single_precision(image: Any, filters: Any, bias: Any, pool: int) -> Both:
    """Computed in float32 whatever the input is."""
    image, filters, bias = (array.astype(np.float32, order="C") for array in (image, filters, bias))
    maps, pooled = feature_maps(image, filters, bias, pool)
    return maps.astype(np.float64), pooled.astype(np.float64)
