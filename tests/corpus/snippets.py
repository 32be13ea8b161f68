"""The corpora: wrong and right modules of contract functions, several to a file, told apart by a line of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
HEADING = re.compile(r"^# === ([a-z0-9-]+): (.+)\n", re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """One module as a student hands it in, and what is wrong with it or how it goes about it."""

    file: str
    name: str
    about: str
    source: str

    def functions(self, function: str) -> dict[str, Callable[..., Any]]:
        """Execute the module in this process and return the function under its name."""
        namespace: dict[str, Any] = {"__name__": f"{self.file}/{self.name}"}
        exec(compile(self.source, f"{self.file}/{self.name}", "exec"), namespace)  # our own text
        return {function: namespace[function]}


def files(kind: str) -> list[str]:
    """Return the names of the files of "wrong" or "right" ones; a file is named after its function."""
    return sorted(path.stem for path in (FOLDER / kind).glob("*.txt"))


def snippets(kind: str, file: str) -> list[Snippet]:
    """Return the modules of a file, in order."""
    text = (FOLDER / kind / f"{file}.txt").read_text(encoding="utf-8")
    _, *rest = HEADING.split(text)
    found = [Snippet(f"{kind}/{file}", *rest[i : i + 3]) for i in range(0, len(rest), 3)]
    assert found, f"{kind}/{file}.txt holds no snippets"
    assert len({snippet.name for snippet in found}) == len(found), f"{kind}/{file}.txt: two snippets of one name"
    return found
