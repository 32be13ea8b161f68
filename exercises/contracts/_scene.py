"""What a student's feature_maps makes of a small picture, for the report: to be looked at, never marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from grader.authoring import Call, Draw, Showcase, integers
from solutions.scenes import scene

# Every submission makes these maps for its report, in plain Python too: small filters on a small picture take loops a
# twentieth of a second, and the house is plain to see in their maps. Nine by nine of them blur it at this size.
SIZE = (40, 34)
FILTERS, KERNEL, POOL = 2, 3, 2
WHITE = 255


def picture() -> Call:
    """Return a call with the project's picture and two drawn filters of 3 by 3, the same for everyone."""
    image = scene(*SIZE).transpose(2, 0, 1) / WHITE
    filters = integers(Draw("feature_maps, report"), (FILTERS, 3, KERNEL, KERNEL), -9, 9, "float64") / 30
    return Call((image, filters, np.zeros(FILTERS), POOL))


def shown(call: Call, value: Any) -> Mapping[str, Any]:
    """Return the picture's channels and the maps that came back; nothing where these are no maps of its size."""
    rows, columns = (side - KERNEL + 1 for side in SIZE)
    sizes = (FILTERS, rows, columns), (FILTERS, rows // POOL, columns // POOL)
    if not isinstance(value, tuple | list) or len(value) != 2:
        return {}
    for array, size in zip(value, sizes, strict=True):
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf" or array.shape != size:
            return {}
        if not np.isfinite(array).all():
            return {}
    channels = np.rint(call.args[0] * WHITE).astype(np.uint8)
    return {
        "maps": {
            "channels of a picture": channels.tolist(),
            "feature maps of it": [stretched(plane) for plane in value[0]],
            "pooled maps of it": [stretched(plane) for plane in value[1]],
        }
    }


def stretched(plane: Any) -> list[list[int]]:
    """Return a map as greys: its smallest number 0, its largest 255."""
    wide = np.asarray(plane, np.longdouble)
    span = wide.max() - wide.min()
    greys: list[list[int]] = np.rint((wide - wide.min()) / (span or 1) * WHITE).astype(np.uint8).tolist()
    return greys


SHOWCASE = Showcase(picture, shown)
