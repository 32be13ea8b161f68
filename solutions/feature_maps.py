"""What a convolution layer makes of one image: feature maps after the sigmoid, and their means over tiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from solutions.activations import sigmoid
from solutions.convolution import conv2d
from solutions.pooling import avg_pool2d
from solutions.windows import Array


def feature_maps(image: Any, filters: Any, bias: Any, pool: int) -> tuple[Array, Array]:
    """Return the feature maps of an image and the same maps pooled.

    maps[f] = sigmoid(bias[f] + the cross-correlation of the image with filters[f], added over the channels), at
    every position where the filter lies in the image; pooled[f] holds the means of tiles of pool by pool entries,
    without the rows and columns at the end that fill no tile.

    Args:
        image: (C, H, W); filters: (F, C, KH, KW); bias: (F,); pool: at least 1.

    Returns:
        maps: (F, H-KH+1, W-KW+1) and pooled: (F, (H-KH+1)//pool, (W-KW+1)//pool), floating.

    Raises:
        ValueError: shapes that do not go together, or a filter or tile that does not fit.

    >>> import numpy as np
    >>> maps, pooled = feature_maps(np.zeros((3, 4, 5)), np.ones((2, 3, 3, 3)), np.zeros(2), 2)
    >>> maps.shape, pooled.shape, float(pooled[0, 0, 0])
    ((2, 2, 3), (2, 1, 1), 0.5)
    """
    maps = sigmoid(conv2d(image[None], filters, bias))
    return maps[0], avg_pool2d(maps, pool)[0]


def feature_maps_in_bands(image: Any, filters: Any, bias: Any, pool: int, tiles: int = 8) -> tuple[Array, Array]:
    """Return what feature_maps returns, computed for `tiles` rows of tiles at a time: for images of a camera's size.

    The windows of a whole image would take many times its memory. Arguments and errors as for feature_maps.

    >>> image = np.arange(72.0).reshape(1, 9, 8)
    >>> maps, pooled = feature_maps_in_bands(image, np.ones((1, 1, 2, 2)), np.zeros(1), 2, tiles=1)
    >>> maps.shape, pooled.shape
    ((1, 8, 7), (1, 4, 3))
    """
    kernel, step = filters.shape[2], tiles * pool
    rows = image.shape[1] - kernel + 1
    starts = range(0, max(rows - rows % step, 1), step) if rows >= step else range(1)
    bands = []
    for start in starts:
        last = start == starts[-1]  # it takes the rows that fill no whole band as well
        stop = image.shape[1] if last else start + step + kernel - 1
        bands.append(feature_maps(image[:, start:stop], filters, bias, pool))
    maps, pooled = zip(*bands, strict=True)
    return np.concatenate(maps, axis=1), np.concatenate(pooled, axis=1)
