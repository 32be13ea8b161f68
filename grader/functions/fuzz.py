"""Hypothesis draws and shrinks calls: the same `Regime.draw` runs on its choices instead of ours.

`deadline=None, database=None` and a fixed seed: no mark depends on the machine's speed or on who was graded
before. Nor does one depend on where the grader lies, and nothing is written into the current folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
from collections.abc import Callable
from random import Random
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from grader.contract import Call, Regime
from grader.draw import Draw, Label, digest
from grader.journal import cache_folder

PLAIN = 8  # one in so many arrays is drawn plain: it holds counting numbers; shrinking tries that of each
_SEEDS = 1 << 32


def _settle() -> None:
    """Keep Hypothesis from reading source files, and from writing into the current folder.

    Of what it draws, a part are numbers that it finds in the source of imported modules outside site-packages
    ("local constants"). An editable grader would draw other cases than an installed one. There is no setting for
    it: the function that collects them gives none. Versions that do not have it collect nothing.
    """
    hypothesis.configuration.set_hypothesis_home_dir(cache_folder() / "hypothesis")
    with contextlib.suppress(ImportError, AttributeError):
        providers = importlib.import_module("hypothesis.internal.conjecture.providers")
        none = importlib.import_module("hypothesis.internal.constants_ast").Constants
        if hasattr(providers, "_get_local_constants"):
            vars(providers)["_get_local_constants"] = none
            providers.CONSTANTS_CACHE.cache.clear()  # of what was collected until now


_settle()


class HypothesisDraw(Draw):
    """A source of randomness whose every draw is one of Hypothesis' choices, and so can be shrunk."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        super().__init__("hypothesis")
        self._draw = draw

    def below(self, bound: int) -> int:
        return int(self._draw(st.integers(0, bound - 1)))

    def bulk(self, size: int) -> bytes:
        return hashlib.shake_256(self.below(_SEEDS).to_bytes(8, "big")).digest(size)

    def child(self, *labels: Label) -> Draw:  # noqa: ARG002 - a child would take choices of its own
        return self

    def plain(self) -> bool:
        return self.below(PLAIN) == 0


@st.composite
def calls(draw: Callable[[st.SearchStrategy[Any]], Any], regime: Regime) -> Call:
    """Return the strategy that draws calls of a regime."""
    return regime.draw(HypothesisDraw(draw))


def examples(regime: Regime, number: int, *labels: Label) -> list[Call]:
    """Return up to `number` calls of a regime as Hypothesis draws them from a seed made of the labels.

    What Hypothesis tries first is the simplest call there is, the same under every seed, and on the smallest sizes
    wrong functions are right more often than elsewhere. So one more is asked for, and the first is left out, unless
    there is no other.
    """
    found: list[Call] = []

    @hypothesis.seed(_seed(*labels))
    @_settings(number + 1, Phase.generate)
    @hypothesis.given(calls(regime))
    def collect(call: Call) -> None:
        found.append(call)

    collect()
    return found[-number:]


def shrink(regime: Regime, fails: Callable[[Call], bool], budget: int, *labels: Label) -> Call | None:
    """Return the simplest call of a regime found to fail within `budget` trials, or None.

    The budget counts trials and not seconds, so that the same submission gets the same counterexample.
    """
    trials = 0

    def condition(call: Call) -> bool:
        nonlocal trials
        trials += 1
        return trials <= budget and fails(call)

    smallest: list[Call] = []

    def remember(call: Call) -> bool:
        failed = condition(call)
        if failed:
            smallest[:] = [call]  # Hypothesis keeps a failing call only when it is simpler than the last one
        return failed

    # NoSuchExample: nothing failed; Flaky: the budget ran out while shrinking. Either way `smallest` holds the answer.
    with contextlib.suppress(hypothesis.errors.HypothesisException):
        hypothesis.find(
            calls(regime),
            remember,
            settings=_settings(budget, Phase.generate, Phase.shrink),
            random=Random(_seed(*labels)),  # noqa: S311 - Hypothesis' own source, seeded
        )
    return smallest[0] if smallest else None


def _settings(number: int, *phases: Phase) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=number,
        phases=phases,
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )


def _seed(*labels: Label) -> int:
    return int.from_bytes(digest("hypothesis", *labels)[:8], "big")
