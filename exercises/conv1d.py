"""Convolution of two short sequences by hand: lengths, one entry, all three modes, and the cross-correlation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from exercises.contracts.conv1d import CONV1D, CROSS_CORRELATE1D
from grader.authoring import (
    Carry,
    Draw,
    Exercise,
    FunctionPart,
    Integer,
    Level,
    Matrix,
    Misconception,
    Part,
    Shape,
)
from solutions import sequences
from solutions.sequences import Row


@dataclass(frozen=True)
class Params:
    """The sequence and the kernel, both indexed from 0; the entry asked for; two lengths for the first part."""

    x: Row
    w: Row
    at: int = 0
    lengths: tuple[int, int] = (12, 5)

    @cached_property
    def full(self) -> Row:
        return sequences.convolve(self.x, self.w)

    @cached_property
    def unflipped(self) -> Row:
        """The full cross-correlation."""
        return sequences.convolve(self.x, self.w[::-1])

    @property
    def zeros(self) -> tuple[int, int]:
        """How many zeros "same" puts before and behind the longer of two sequences of these lengths."""
        short = min(self.lengths)
        return short // 2, (short - 1) // 2

    def same(self, full: Row) -> Row:
        return sequences.cut(full, len(self.x), len(self.w), "same")

    def valid(self, full: Row) -> Row:
        return sequences.cut(full, len(self.x), len(self.w), "valid")

    def at_or_zero(self, n: int) -> int:
        return self.x[n] if 0 <= n < len(self.x) else 0


# Drawing ---------------------------------------------------------------------------------------------------

SIZES = {
    Level.INTRO: ((5, 3), (6, 3)),
    Level.STANDARD: ((6, 4), (7, 4)),
    Level.CHALLENGE: ((8, 4), (9, 4), (7, 5), (8, 5)),
}
LOWEST = {Level.INTRO: 1, Level.STANDARD: 1, Level.CHALLENGE: -5}


def draw(rng: Draw, level: Level) -> Params:
    """Draw numbers without a zero, and an entry of full overlap at which all mistakes show."""
    n, m = rng.choice(SIZES[level])
    lengths = draw_lengths(rng, level)
    while True:
        p = Params(draw_sequence(rng, n, LOWEST[level]), draw_kernel(rng, m), lengths=lengths)
        places = [at for at in range(m - 1, n) if tells(Params(p.x, p.w, at))]
        if places:
            return Params(p.x, p.w, rng.choice(places), lengths)


def draw_sequence(rng: Draw, n: int, low: int) -> Row:
    """Return one-digit numbers without a zero, at least three of them different."""
    while True:
        x = tuple(rng.choice([v for v in range(low, 10 if low > 0 else 6) if v]) for _ in range(n))
        if len(set(x)) >= 3:
            return x


def draw_kernel(rng: Draw, m: int) -> Row:
    """Return small weights of both signs that neither turning round nor a change of sign and turning keeps."""
    while True:
        w = tuple(rng.choice((1, -1, 2, -2, 3)) for _ in range(m))
        if min(w) < 0 < max(w) and w[::-1] not in (w, tuple(-v for v in w)) and sum(w) != 0:
            return w


def draw_lengths(rng: Draw, level: Level) -> tuple[int, int]:
    """Return the lengths of a longer sequence and its kernel, an even one except at the lowest level.

    At the highest level the kernel may be the longer one.
    """
    n, m = rng.integer(40, 99), rng.integer(3, 16) if level is Level.INTRO else 2 * rng.integer(2, 15)
    return (m, n) if level is Level.CHALLENGE and rng.boolean() else (n, m)


def tells(p: Params) -> bool:
    values = [p.full[p.at], *entry_slips(p).values()]
    return len(set(values)) == len(values)


def entry_slips(p: Params) -> dict[str, int]:
    """Return what mistakes make of the entry asked for."""
    taps = list(enumerate(p.w))
    last = len(p.w) - 1
    return {
        "not-flipped": sum(p.at_or_zero(p.at - last + k) * v for k, v in taps),
        "index-forwards": sum(p.at_or_zero(p.at + k) * v for k, v in taps),
        "counted-from-one": p.full[p.at - 1],
        "valid-entry": p.full[p.at + last] if p.at + last < len(p.full) else 0,
        "one-product": p.x[p.at] * p.w[0],
        "signs-lost": sum(abs(p.x[p.at - k] * v) for k, v in taps),
    }


# What mistakes make of the lengths and the rows ------------------------------------------------------------


def lengths(p: Params, *, plus: int = 1) -> tuple[int, int, int]:
    """Return the lengths of full, same and valid; `plus` is what may be forgotten."""
    long, short = max(p.lengths), min(p.lengths)
    return long + short - 2 + plus, long, long - short + plus


def same_slips(p: Params) -> dict[str, Row | None]:
    n, m = len(p.x), len(p.w)
    return {
        "from-start": p.full[:n],
        "from-end": p.full[m - 1 :],
        "one-late": p.full[m // 2 : m // 2 + n] if m % 2 == 0 else None,
        "both-sides-alike": p.full[(m - 1) // 2 : (m - 1) // 2 + n + 1] if m % 2 == 0 else None,
        "valid-mode": p.valid(p.full),
        "not-flipped": p.same(p.unflipped),
    }


def full_slips(p: Params) -> dict[str, Row]:
    n, m = len(p.x), len(p.w)
    return {
        "not-flipped": p.unflipped,
        "wrong-way-round": p.full[::-1],
        "no-plus-one": p.full[:-1],
        "same-mode": p.same(p.full),
        "wrapped": tuple(sum(p.x[(i - k) % n] * p.w[k] for k in range(m)) for i in range(n + m - 1)),
        "edges-repeated": tuple(
            sum(p.x[min(max(i - k, 0), n - 1)] * p.w[k] for k in range(m)) for i in range(n + m - 1)
        ),
    }


def pair_slips(p: Params) -> dict[str, tuple[Row, Row]]:
    """Return wrong pairs of the valid convolution and the valid cross-correlation."""
    convolved, correlated = p.valid(p.full), p.valid(p.unflipped)
    return {
        "exchanged": (correlated, convolved),
        "never-flipped": (correlated, correlated),
        "always-flipped": (convolved, convolved),
        "turned-result": (convolved, convolved[::-1]),
        "no-plus-one": (convolved[:-1], correlated[:-1]),
        "same-mode": (p.same(p.full), p.same(p.unflipped)),
    }


# Workings --------------------------------------------------------------------------------------------------


def sum_of_products(values: Row, weights: Row) -> str:
    """Write a sum of products with its result.

    >>> sum_of_products((2, -1), (3, 1))
    '2 \\\\cdot 3 + (-1) \\\\cdot 1 = 5'
    """
    terms = [rf"{signed(v)} \cdot {signed(w)}" for v, w in zip(values, weights, strict=True)]
    return " + ".join(terms) + f" = {sum(v * w for v, w in zip(values, weights, strict=True))}"


def signed(value: int) -> str:
    return f"({value})" if value < 0 else str(value)


def row(values: Row) -> str:
    return f"({', '.join(map(str, values))})"


def lengths_workings(p: Params) -> str:
    n, m = p.lengths
    long, short = max(n, m), min(n, m)
    lead = ""
    if m > n:
        lead = (
            "Convolution does not care which of the two slides, so the longer one, here the kernel, counts as the "
            f"sequence: {long} numbers, and {short} slide over them.\n\n"
        )
    full, same, valid = lengths(p)
    return lead + (
        "The shorter one stands in every position in which it still touches (“full”), in as many as the longer one has "
        "numbers (“same”), or in those in which it lies inside (“valid”):\n\n"
        f"- full: ${long} + {short} - 1 = {full}$\n- same: ${same}$\n- valid: ${long} - {short} + 1 = {valid}$"
    )


def zeros_workings(p: Params) -> str:
    long, short = max(p.lengths), min(p.lengths)
    before, behind = p.zeros
    start = (short - 1) // 2
    if short % 2:
        end = f"As {short} is odd, there are as many on both sides."
    else:
        end = f"As {short} is even, they cannot be as many on both sides, and the additional one stands before."
    return (
        f"“Full” would put ${short} - 1 = {short - 1}$ zeros on either side. “Same” leaves out the first "
        rf"$\lfloor ({short} - 1) / 2 \rfloor = {start}$ of its entries, and with each of them one zero before: "
        f"${short - 1} - {start} = {before}$ stay before. In all there must be ${short - 1}$, as "
        f"${long} + {short - 1} - {short} + 1 = {long}$, which leaves ${short - 1} - {before} = {behind}$ behind. {end}"
    )


def entry_workings(p: Params) -> str:
    m = len(p.w)
    window = p.x[p.at - m + 1 : p.at + 1]
    symbols = " + ".join(f"x[{p.at - k}] w[{k}]" for k in range(m))
    return (
        f"The indices of each product add up to {p.at}: while $w$ runs forwards, $x$ runs backwards.\n\n"
        f"$$y[{p.at}] = {symbols}$$\n\n$$= {sum_of_products(window[::-1], p.w)}$$"
    )


def full_workings(p: Params) -> str:
    n, m = len(p.x), len(p.w)
    lines = []
    for i in range(n + m - 1):
        taps = [k for k in range(m) if 0 <= i - k < n]
        lines.append(f"- $y[{i}] = {sum_of_products(tuple(p.x[i - k] for k in taps), tuple(p.w[k] for k in taps))}$")
    check = (
        "A check: the entries add up to the product of the two sums, "
        rf"${signed(sum(p.x))} \cdot {signed(sum(p.w))} = {sum(p.full)}$."
    )
    return f"There are ${n} + {m} - 1 = {n + m - 1}$ entries; what lies outside of $x$ is zero.\n\n" + "\n".join(
        [*lines, "", check]
    )


def same_workings(p: Params) -> str:
    n, m = len(p.x), len(p.w)
    start = (m - 1) // 2
    behind = m - 1 - start
    return (
        f"“Same” is the middle of “full”, ${n}$ of its ${n + m - 1}$ entries: the first "
        rf"$\lfloor ({m} - 1) / 2 \rfloor = {start}$ and the last ${m - 1} - {start} = {behind}$ are cut off, "
        f"which leaves $y[{start}]$ to $y[{start + n - 1}]$: ${row(p.same(p.full))}$."
    )


def valid_workings(p: Params) -> str:
    m = len(p.w)
    windows = [p.x[i : i + m] for i in range(len(p.x) - m + 1)]
    lines = "\n".join(f"- ${sum_of_products(window, p.w)}$" for window in windows)
    return (
        f"The convolution: “valid” cuts ${m} - 1 = {m - 1}$ entries off both ends of “full”, which leaves "
        f"${row(p.valid(p.full))}$. In other words, the kernel turned round, ${row(p.w[::-1])}$, is laid over every "
        f"window.\n\nThe cross-correlation lays $w = {row(p.w)}$ over the windows as it is:\n\n{lines}"
    )


def cost(p: Params) -> int:
    """The products of full (which hold those of the one entry), and of the cross-correlation."""
    n, m = len(p.x), len(p.w)
    return n * m + (n - m + 1) * m


# What is asked ---------------------------------------------------------------------------------------------


def hinted(hints: Mapping[str, str], slips: Callable[[Params], Mapping[str, Any]]) -> tuple[Misconception[Params], ...]:
    def solver(name: str) -> Callable[[Params], Any]:
        return lambda p: slips(p)[name]

    return tuple(Misconception(name, solver(name), hint) for name, hint in hints.items())


def has_full_length(p: Params, earlier: Mapping[str, Any]) -> bool:
    return len(earlier["full"]) == len(p.x) + len(p.w) - 1


FLIP = "You did not flip the kernel: in x[n-k] w[k] the two run in opposite directions."
ENTRY_HINTS = {
    "not-flipped": FLIP,
    "index-forwards": "You took x[n+k] w[k]. In a convolution the index of x goes down as that of w goes up: x[n-k].",
    "counted-from-one": "This is the entry before: the indices start at 0.",
    "valid-entry": "You counted from the first window that lies inside. Entry 0 of “full” is x[0] w[0] alone.",
    "one-product": "This is only the first product: every weight of the kernel takes part.",
    "signs-lost": "You added the products without their signs.",
}
FULL_HINTS = {
    "not-flipped": FLIP,
    "wrong-way-round": "Your entries are right, but in the opposite order: the first one is x[0] w[0].",
    "no-plus-one": "The last entry is missing, where only the last numbers of both meet: there are N + M − 1.",
    "same-mode": "This is “same”: “full” goes on to either side, as long as one number overlaps.",
    "wrapped": "Beyond an end you went on at the other one. Outside of the sequence there are zeros.",
    "edges-repeated": "You continued the sequence with its outermost numbers. Outside of it there are zeros.",
}
SAME_HINTS = {
    "from-start": "These are the first entries of “full”. “Same” is its middle: cut off both ends.",
    "from-end": "These are the last entries of “full”. “Same” is its middle: cut off both ends.",
    "one-late": "You are late by one: with an even kernel the shorter of the two pieces is cut off at the start.",
    "both-sides-alike": "One entry too many: the result is as long as x, so the two ends lose unequally much.",
    "valid-mode": "This is “valid”: “same” is as long as x.",
    "not-flipped": FLIP,
}
PAIR_HINTS = {
    "exchanged": "You exchanged the two: the convolution is the one that flips the kernel.",
    "never-flipped": "You gave the cross-correlation twice: the convolution flips the kernel.",
    "always-flipped": "You gave the convolution twice: the cross-correlation lays the kernel down as it is.",
    "turned-result": "To flip the kernel is not the same as to write the result the other way round.",
    "no-plus-one": "The last position is missing: there are N − M + 1.",
    "same-mode": "These rows are too long: in “valid” mode no zeros are added.",
}

EXERCISE = Exercise(
    name="conv1d",
    title="Convolution of sequences",
    summary="true convolution and cross-correlation of two sequences; full, same and valid",
    draw=draw,
    intro=(
        "A sequence of {{ p.x | length }} numbers and a kernel of {{ p.w | length }}, both with indices from 0:\n\n"
        "$$x = ({{ p.x | join(', ') }})$$\n\n$$w = ({{ p.w | join(', ') }})$$\n\n"
        "Their convolution is $y[n] = \\sum_k x[n-k]\\, w[k]$, where $x$ counts as zero outside of its "
        "{{ p.x | length }} numbers."
    ),
    conventions=(
        "Convolution is the true one here: the kernel is flipped. The cross-correlation does not flip it.",
        "“full” has all entries at which the two overlap, “valid” those at which they overlap completely.",
        "“same” is the middle of “full”, as long as the longer of the two. Of N + M − 1 entries it leaves out the "
        "first (M − 1)/2, rounded down, where M is the shorter length. This is how `numpy.convolve` does it.",
    ),
    parts=(
        Part(
            name="lengths",
            ask=(
                "First the lengths alone: a sequence of **{{ p.lengths[0] }}** numbers is convolved with a kernel of "
                "**{{ p.lengths[1] }}**. How many entries does the result have in each mode?"
            ),
            solve=lengths,
            answer=Shape(("full", "same", "valid")),
            workings=lengths_workings,
            misconceptions=(
                Misconception(
                    "no-plus-one",
                    lambda p: lengths(p, plus=0),
                    "You counted steps. The positions are one more than the steps between them.",
                ),
                Misconception(
                    "one-too-many",
                    lambda p: lengths(p, plus=2),
                    "One too many: the two overlap already in the first position, so it is N + M − 1 and N − M + 1.",
                ),
                Misconception(
                    "modes-exchanged",
                    lambda p: lengths(p)[::-1],
                    "You exchanged “full” and “valid”: “full” is the longest.",
                ),
                Misconception(
                    "same-is-shorter",
                    lambda p: (lengths(p)[0], min(p.lengths), lengths(p)[2]),
                    "“Same” is as long as the longer of the two.",
                ),
                Misconception(
                    "full-pads-twice",
                    lambda p: (max(p.lengths) + 2 * (min(p.lengths) - 1), *lengths(p)[1:]),
                    "That is the length with the zeros on both sides; the kernel takes M − 1 positions fewer.",
                ),
            ),
        ),
        Part(
            name="zeros",
            ask=(
                "With these same lengths: to get “same” directly, one puts zeros before and behind the longer one "
                "({{ p.lengths | max }} numbers) and slides the other one ({{ p.lengths | min }} numbers), flipped, "
                "over it as in “valid”. How many zeros before, and how many behind?"
            ),
            solve=lambda p: p.zeros,
            answer=Shape(("before", "behind")),
            workings=zeros_workings,
            misconceptions=(
                Misconception(
                    "exchanged",
                    lambda p: p.zeros[::-1] if p.zeros[0] != p.zeros[1] else None,
                    "The other way round: “same” leaves out fewer entries of “full” at its start than at its end, "
                    "so more zeros stay before.",
                ),
                Misconception(
                    "as-for-full",
                    lambda p: (min(p.lengths) - 1, min(p.lengths) - 1),
                    "That makes “full”: for “same” all zeros together are M − 1.",
                ),
                Misconception(
                    "all-before",
                    lambda p: (min(p.lengths) - 1, 0),
                    "As many zeros in all, but “same” is the middle: they go to both sides.",
                ),
                Misconception(
                    "all-behind",
                    lambda p: (0, min(p.lengths) - 1),
                    "As many zeros in all, but “same” is the middle: they go to both sides.",
                ),
                Misconception(
                    "half-on-both-sides",
                    lambda p: (min(p.lengths) // 2,) * 2 if min(p.lengths) % 2 == 0 else None,
                    "That is one zero too many: the result would be longer than the sequence by one.",
                ),
            ),
        ),
        Part(
            name="entry",
            ask=(
                "Back to $x$ and $w$: write the entry $y[{{ p.at }}]$ of the full convolution as a sum of products. "
                "What is it?"
            ),
            solve=lambda p: p.full[p.at],
            answer=Integer(),
            workings=entry_workings,
            misconceptions=hinted(ENTRY_HINTS, entry_slips),
        ),
        Part(
            name="full",
            ask="Work out all entries of the full convolution of $x$ and $w$.",
            solve=lambda p: p.full,
            answer=Matrix(depth=1),
            workings=full_workings,
            misconceptions=hinted(FULL_HINTS, full_slips),
            marks=3,
        ),
        Part(
            name="same",
            ask="Which entries does the convolution have in the mode “same”?",
            solve=lambda p: p.same(p.full),
            answer=Matrix(depth=1),
            workings=same_workings,
            misconceptions=hinted(SAME_HINTS, same_slips),
            carry=Carry(
                ("full",),
                lambda p, earlier: p.same(earlier["full"]),
                "your full convolution has the right number of entries",
                has_full_length,
            ),
        ),
        Part(
            name="valid",
            ask=(
                "Give two rows of entries in the mode “valid”: first the convolution of $x$ and $w$, "
                "then their cross-correlation, $z[n] = \\sum_k x[n+k]\\, w[k]$."
            ),
            solve=lambda p: (p.valid(p.full), p.valid(p.unflipped)),
            answer=Matrix(),
            workings=valid_workings,
            misconceptions=hinted(PAIR_HINTS, pair_slips),
            marks=2,
            carry=Carry(
                ("full",),
                lambda p, earlier: (p.valid(earlier["full"]), p.valid(p.unflipped)),
                "your full convolution has the right number of entries",
                has_full_length,
            ),
        ),
    ),
    functions=(FunctionPart(CONV1D, marks=3), FunctionPart(CROSS_CORRELATE1D, marks=1)),
    cost=cost,
    costs={Level.INTRO: 27, Level.STANDARD: 40, Level.CHALLENGE: 55},
)
