"""Which gradients of max pooling are right where the largest number of a window occurs more than once.

A window may give its dy to any of its largest numbers, or share it among them in any way: every share is a
subgradient. Where windows overlap, a gradient is attainable when all windows together can make it.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from solutions.windows import Array, pair, stack, windows

Spot = tuple[int, int, int, int]  # (n, c, row, column)


@dataclass(frozen=True)
class Tie:
    """A window whose largest number stands in several spots, which share `dy` as they like."""

    dy: Any
    spots: tuple[Spot, ...]


Component = tuple[Tie, ...]  # ties that share spots, directly or through others


def has_ties(dy: Any, x: Any, kernel_size: Any, stride: Any = None) -> bool:
    """Is there a window with dy other than 0 whose largest number occurs twice?"""
    flat = _flat(x, kernel_size, stride)
    times = (flat == flat.max(axis=-1, keepdims=True)).sum(axis=-1)
    return bool(((times > 1) & (np.asarray(dy) != 0)).any())


def routes(dy: Any, x: Any, kernel_size: Any, stride: Any = None) -> tuple[Array, tuple[Component, ...]]:
    """Return what windows without a tie give to x, and the ties, apart where they share no spot.

    Args:
        dy: (N, C, OH, OW); x, kernel_size, stride: as given to max_pool2d. Without NaN.

    Returns:
        forced: (N, C, H, W) of dy's dtype, and the components; a window with dy = 0 gives nothing to nobody.

    >>> forced, (component,) = routes([[[[5, 3]]]], [[[[9, 1, 7, 7]]]], (1, 2))
    >>> forced.tolist(), component
    ([[[[5, 0, 0, 0]]]], (Tie(dy=3, spots=((0, 0, 0, 2), (0, 0, 0, 3))),))
    """
    dy, x = stack(dy, "dy"), stack(x)
    size = pair(kernel_size, "kernel_size")
    steps = size if stride is None else pair(stride, "stride")
    view = windows(x, size, steps)
    forced, ties = np.zeros(x.shape, dy.dtype), []
    for n, c, i, j in np.argwhere(dy != 0).tolist():
        window = view[n, c, i, j]
        found = np.argwhere(window == window.max()).tolist()
        spots = tuple((n, c, i * steps[0] + u, j * steps[1] + v) for u, v in found)
        if len(spots) == 1:
            forced[spots[0]] += dy[n, c, i, j]
        else:
            ties.append(Tie(dy[n, c, i, j].item(), spots))
    return forced, components(ties)


def components(ties: Iterable[Tie]) -> tuple[Component, ...]:
    """Return the ties in groups: two are in one group when they share a spot, directly or through others."""
    groups: list[tuple[set[Spot], list[Tie]]] = []
    for tie in ties:
        spots, members = set(tie.spots), [tie]
        apart = []
        for other in groups:
            if spots & other[0]:
                spots |= other[0]
                members = other[1] + members
            else:
                apart.append(other)
        groups = [*apart, (spots, members)]
    return tuple(tuple(members) for _, members in groups)


def distance(component: Component, got: Mapping[Spot, int]) -> int:
    """Return how far what the spots got is from the nearest that the ties can give, as Σ|differences|.

    dy and got are whole numbers (of any unit). Windows with dy > 0 send to their spots, those with dy < 0 take
    from them, and a spot keeps what it got: a flow. What of all this the largest flow leaves over is the
    distance: sending the rest anywhere is off by as much, and a difference of e changes the rest by at most e.

    >>> tie = Tie(6, ((0, 0, 0, 0), (0, 0, 0, 1)))
    >>> distance((tie,), {(0, 0, 0, 0): 2, (0, 0, 0, 1): 4}), distance((tie,), {(0, 0, 0, 0): 6, (0, 0, 0, 1): 6})
    (0, 6)
    """
    room: dict[Hashable, dict[Hashable, int]] = {"source": {}, "sink": {}}
    plenty = int(sum(abs(tie.dy) for tie in component) + sum(abs(amount) for amount in got.values()))

    def join(start: Hashable, end: Hashable, capacity: int) -> None:
        room.setdefault(start, {})[end] = capacity
        room.setdefault(end, {}).setdefault(start, 0)

    for number, tie in enumerate(component):
        if tie.dy > 0:
            join("source", number, tie.dy)
        else:
            join(number, "sink", -tie.dy)
        for spot in tie.spots:
            start, end = (number, spot) if tie.dy > 0 else (spot, number)
            join(start, end, plenty)
    for spot, amount in got.items():
        if amount > 0:
            join(spot, "sink", amount)
        else:
            join("source", spot, -amount)
    return plenty - 2 * _largest_flow(room)


def _largest_flow(room: dict[Hashable, dict[Hashable, int]]) -> int:
    """Return the largest flow from "source" to "sink", along shortest paths with room (Edmonds and Karp)."""
    total = 0
    while path := _path(room):
        steps = list(itertools.pairwise(path))
        amount = min(room[start][end] for start, end in steps)
        for start, end in steps:
            room[start][end] -= amount
            room[end][start] += amount
        total += amount
    return total


def _path(room: dict[Hashable, dict[Hashable, int]]) -> list[Hashable]:
    came: dict[Hashable, Hashable] = {"source": None}
    queue: deque[Hashable] = deque(["source"])
    while queue:
        node = queue.popleft()
        if node == "sink":
            path: list[Hashable] = [node]
            while path[-1] != "source":
                path.append(came[path[-1]])
            return path[::-1]
        for end, capacity in room[node].items():
            if capacity > 0 and end not in came:
                came[end] = node
                queue.append(end)
    return []


def _flat(x: Any, kernel_size: Any, stride: Any) -> Array:
    size = pair(kernel_size, "kernel_size")
    view = windows(stack(x), size, size if stride is None else pair(stride, "stride"))
    return view.reshape(*view.shape[:4], size[0] * size[1])
