"""The draws of one regime, spread over what can be drawn: a Latin hypercube in place of independent draws.

Each call alone is as likely as if it were drawn by itself; but one of several calls takes what the others have not.
A mistake that shows at one of four strides is then seen by four calls for sure; of independent ones a third misses it.

Source: M. D. McKay, R. J. Beckman, W. J. Conover, "A comparison of three methods for selecting values of input
variables in the analysis of output from a computer code", Technometrics 21 (1979).
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.draw import Draw, Label

FEW = 32  # integers, of which each is a kind of its own; of more, neighbours are alike


class Strata:
    """The orders in which a number of draws take what there is: one order for every choice that they make."""

    def __init__(self, number: int, *labels: Label) -> None:
        self.number = number
        self._labels = labels
        self._source = Draw("strata", *labels)
        self._orders: dict[tuple[int, int, int], Sequence[int]] = {}

    def draw(self, n: int) -> Draw:
        """Return the source of randomness of draw `n`, 0 … number-1."""
        return _Spread(self, n, Draw("case", *self._labels, n))

    def place(self, choice: int, size: int, n: int) -> int:
        """Return which of 0 … size-1 draw `n` takes at its choice number `choice`; `size` draws in a row take all."""
        turn, place = divmod(n, size)
        if (choice, size, turn) not in self._orders:
            self._orders[choice, size, turn] = self._source.child(choice, size, turn).shuffled(range(size))
        return self._orders[choice, size, turn][place]


class _Spread(Draw):
    """One of the draws of a regime."""

    def __init__(self, strata: Strata, n: int, own: Draw) -> None:
        super().__init__("spread")
        self._strata, self._n, self._own = strata, n, own
        self._choices = 0

    def below(self, bound: int) -> int:
        """Return an integer of 0 … bound-1, each equally likely over all keys.

        Of few integers each draw takes another one until all were taken. Of many, each has a stretch of the same
        length for itself.
        """
        if bound < 2:
            return self._own.below(bound)
        self._choices += 1
        draws = self._strata.number
        if bound <= max(FEW, draws):
            return self._strata.place(self._choices, bound, self._n)
        stretch = self._strata.place(self._choices, draws, self._n)
        return (stretch * bound + self._own.below(bound)) // draws

    def child(self, *labels: Label) -> Draw:
        return self._own.child(*labels)

    def bulk(self, size: int) -> bytes:
        return self._own.bulk(size)
