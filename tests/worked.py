"""Published worked examples by id: what was given, the right answer, and what was printed where that differs."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

Example = dict[str, Any]


@cache
def examples() -> dict[str, Example]:
    """Return all examples by id; each has source, kind, given and answer, some published and note."""
    path = Path(__file__).parent / "data" / "worked_examples.json"
    return {example["id"]: example for example in json.loads(path.read_text(encoding="utf-8"))}


def example(name: str) -> Example:
    """Return one example.

    >>> example("wang-patches")["answer"]
    9
    """
    return examples()[name]
