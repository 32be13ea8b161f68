"""The one source of randomness: a counter-mode generator over SHA-256.

It is handed to whoever draws, and never global. The same labels give the same draws on every machine and
with every version of Python and NumPy. NumPy arrays are drawn in `grader.arrays`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeVar

T = TypeVar("T")
Label = str | int | bytes

_BLOCK = 8  # bytes a word; a SHA-256 digest holds four
_WORD = 1 << 64


def digest(*labels: Label) -> bytes:
    """Return the SHA-256 of the labels, each with its type and length, so that no two lists collide.

    Any text is a label, also one with a half of a surrogate pair, which UTF-8 has no bytes for.
    """
    state = hashlib.sha256()
    for label in labels:
        raw = label if isinstance(label, bytes) else str(label).encode(errors="surrogatepass")
        state.update(f"{type(label).__name__}:{len(raw)}:".encode() + raw)
    return state.digest()


class Draw:
    """Draws that depend on the labels alone.

    >>> Draw("padding", 42).integer(1, 6) == Draw("padding", 42).integer(1, 6)
    True
    """

    def __init__(self, *labels: Label) -> None:
        self._key = digest(*labels)
        self._counter = 0
        self._words: list[int] = []

    def below(self, bound: int) -> int:
        """Return an integer of 0 … bound-1, each equally likely (rejection, no modulo bias)."""
        if bound < 1:
            raise ValueError(f"bound={bound} must be at least 1")
        if bound > _WORD:
            raise ValueError(f"bound={bound} must be at most 2**64")
        limit = _WORD - _WORD % bound
        while (word := self._word()) >= limit:
            pass
        return word % bound

    def integer(self, low: int, high: int) -> int:
        """Return an integer of low … high, both included."""
        if low > high:
            raise ValueError(f"low={low} must not exceed high={high}")
        return low + self.below(high - low + 1)

    def boolean(self) -> bool:
        return self.below(2) == 1

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options; the first is the simplest, which shrinking aims at."""
        if not options:
            raise ValueError("options must not be empty")
        return options[self.below(len(options))]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """Return all options in a drawn order (Fisher and Yates)."""
        items = list(options)
        for last in range(len(items) - 1, 0, -1):
            other = self.integer(0, last)
            items[last], items[other] = items[other], items[last]
        return items

    def sample(self, options: Sequence[T], k: int) -> list[T]:
        """Return k different positions of the options, in a drawn order."""
        if k > len(options):
            raise ValueError(f"k={k} must not exceed the {len(options)} options")
        return self.shuffled(options)[:k]

    def decimal(self, low: int | Fraction, high: int | Fraction, places: int = 1) -> Fraction:
        """Return a decimal of low … high with that many places, as an exact fraction."""
        unit = 10**places
        return Fraction(self.integer(int(low * unit), int(high * unit)), unit)

    def matrix(self, rows: int, columns: int, low: int, high: int) -> tuple[tuple[int, ...], ...]:
        """Return rows of integers of low … high."""
        return tuple(tuple(self.integer(low, high) for _ in range(columns)) for _ in range(rows))

    def child(self, *labels: Label) -> Draw:
        """Return an independent source named by the labels; it takes nothing from this one."""
        return Draw(self._key, *labels)

    def fork(self) -> Draw:
        """Return an independent source seeded by one draw of this one (for bulk values)."""
        return Draw("fork", self.below(1 << 32))

    def bulk(self, size: int) -> bytes:
        """Return that many pseudo-random bytes at once (SHAKE-256 of one draw)."""
        return hashlib.shake_256(self._key + self.below(_WORD).to_bytes(8, "big")).digest(size)

    def plain(self) -> bool:
        """Should bulk values be as simple as can be? Never here; shrinking a counterexample tries it."""
        return False

    def _word(self) -> int:
        if not self._words:
            block = hashlib.sha256(self._key + self._counter.to_bytes(8, "big")).digest()
            self._counter += 1
            self._words = [int.from_bytes(block[i : i + _BLOCK], "big") for i in range(0, 32, _BLOCK)]
        return self._words.pop()
