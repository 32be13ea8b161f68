"""The figures of the corpora: `python -m tests.corpus.figures` counts what is refused, named and accepted."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from fractions import Fraction

from grader.course import load_course
from grader.functions.cases import CaseSet, case_set
from grader.functions.judge import judge
from grader.functions.local import LocalSession
from grader.functions.runner import Runner
from grader.outcome import PartResult
from tests.corpus.snippets import Snippet, files, snippets

KEY = b"third course"


def graded(snippet: Snippet, cases: CaseSet) -> PartResult:
    name = cases.contract.name
    with contextlib.redirect_stdout(io.StringIO()):
        return judge(cases, Runner(lambda: LocalSession(snippet.functions(name))), name, Fraction(1), trials=0)


def figures(kind: str) -> Counter[str]:
    """Return how many snippets there are, earn full marks, and are named as a known mistake."""
    contracts, found = load_course().contracts, Counter[str]()
    for file in files(kind):
        cases = case_set(contracts[file], KEY)
        for snippet in snippets(kind, file):
            result = graded(snippet, cases)
            found["all"] += 1
            found["full marks"] += result.score == result.max_score
            found["named"] += bool(result.misconceptions)
    return found


if __name__ == "__main__":
    wrong, right = figures("wrong"), figures("right")
    print(f"wrong: {wrong['all'] - wrong['full marks']} of {wrong['all']} refused, {wrong['named']} named")  # noqa: T201 - a script
    print(f"right: {right['full marks']} of {right['all']} accepted")  # noqa: T201 - a script
