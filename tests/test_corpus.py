"""The grader graded by corpora: no wrong function passes, no right one is refused, whatever the course key."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from functools import cache

import pytest

from grader.course import load_course
from grader.functions.cases import CaseSet, case_set
from grader.functions.judge import judge, verdict_of
from grader.functions.local import LocalSession
from grader.functions.runner import Runner
from grader.outcome import Outcome, PartResult
from grader.sandbox.host import Sandbox
from tests.corpus.snippets import Snippet, files, snippets

KEYS = (b"first course", b"second course")  # in this process; a third key through the sandbox
SANDBOXED = b"third course"
CORPUS = [(kind, file) for kind in ("wrong", "right") for file in files(kind)]


@cache
def drawn(function: str, key: bytes) -> CaseSet:
    """Return the cases of a contract, without its twins: naming mistakes is tested elsewhere, and takes time."""
    return case_set(replace(load_course().contracts[function], twins=()), key)


def graded_here(snippet: Snippet, cases: CaseSet) -> PartResult:
    name = cases.contract.name
    with contextlib.redirect_stdout(io.StringIO()):
        return judge(cases, Runner(lambda: LocalSession(snippet.functions(name))), name, Fraction(1), trials=0)


def fails(snippet: Snippet, cases: CaseSet) -> bool:
    """Is it wrong on a case of the first round? Then it cannot have full marks, whatever the others say."""
    name = cases.contract.name
    with contextlib.redirect_stdout(io.StringIO()):
        session = LocalSession(snippet.functions(name))
        return any(
            verdict_of(cases.contract, case, session.call(name, case.call, reply_bytes=case.reply_bytes)).share < 1
            for case in cases.cases[: cases.opening]
            if case.follows is None
        )


def mistaken(kind: str, snippet: Snippet, result: PartResult) -> str:
    """Return a line about a snippet that was judged wrongly, or nothing."""
    passed = result.score == result.max_score or result.outcome is Outcome.CORRECT
    if passed == (kind == "right"):
        return ""
    return f"{snippet.name} ({snippet.about}) is {result.outcome}: {result.message}"


def test_the_corpora_are_large() -> None:
    """A corpus that shrinks, or a file that is no longer found, would promise less than the docs say."""
    sizes = {kind: sum(len(snippets(kind, file)) for file in files(kind)) for kind in ("wrong", "right")}
    assert sizes["wrong"] >= 150
    assert sizes["right"] >= 60
    assert {file for _, file in CORPUS} <= set(load_course().contracts)


@pytest.mark.parametrize("function", sorted({file for _, file in CORPUS}))
def test_every_kind_of_input_is_tried_five_times(function: str) -> None:
    """Fewer would leave it to luck whether a mistake that shows on half of them is seen: also in the first round."""
    for key in KEYS:
        cases = drawn(function, key)
        opening = [case for case in cases.cases[: cases.opening] if case.follows is None]
        seen = Counter(name for case in opening for name in (case.regime, *case.inside))
        assert [regime.name for regime in cases.contract.regimes if seen[regime.name] < 5] == []


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(("kind", "file"), CORPUS)
def test_the_wrong_are_refused_and_the_right_accepted(kind: str, file: str, key: bytes) -> None:
    """Marks mean something only if every wrong function loses some and no right one does, under every key."""
    cases = drawn(file, key)
    found = [
        mistaken(kind, snippet, graded_here(snippet, cases))
        for snippet in snippets(kind, file)
        if kind == "right" or not fails(snippet, cases)
    ]
    assert list(filter(None, found)) == []


def graded_there(snippet: Snippet, cases: CaseSet, sandbox: Sandbox) -> PartResult:
    name, limits, source = cases.contract.name, cases.contract.limits, snippet.source.encode()
    runner = Runner(lambda: sandbox.open(source, f"{name}.py", limits, bytes(32)))
    result = judge(cases, runner, name, Fraction(1), trials=0)
    runner.close()
    return result


@pytest.mark.parametrize(("kind", "file"), CORPUS)
def test_the_sandbox_judges_as_this_process_does(kind: str, file: str) -> None:
    """Students' modules run in a process of their own: what holds here must hold there."""
    cases = drawn(file, SANDBOXED)
    with Sandbox() as sandbox:
        found = [mistaken(kind, snippet, graded_there(snippet, cases, sandbox)) for snippet in snippets(kind, file)]
    assert list(filter(None, found)) == []
